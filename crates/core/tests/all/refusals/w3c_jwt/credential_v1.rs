//! `jwt_vc_json`: the rules of VCDM 1.1 for credentials, and of their claims (VCDM 1.1 §4, §6.3.1).

use lanyard_core::w3c::{BASE_CONTEXT, BASE_CONTEXT_V1};
use serde_json::{Value, json};

use super::{
    JWT_VC_JSON,
    parts::{PartsV1, moment, numeric},
};
use crate::refusals::{Rule, Suite, keys::Known};

pub(super) fn cases(suite: &mut Suite) {
    names(suite);
    parties(suite);
    times(suite);
    entries(suite);
    jwt(suite);
    claims(suite);
}

/// Changes a member of `vc`; the claim that stands for it is left out.
fn member(suite: &mut Suite, rule: Rule, name: &str, values: &[(&str, Value)]) {
    let claim = match name {
        "id" => "jti",
        "issuanceDate" => "nbf",
        "expirationDate" => "exp",
        "credentialSubject" => "sub",
        _ => "",
    };
    for (id, value) in values {
        let mut bad = PartsV1::set("vc.vc", name, value.clone());
        super::parts::remove(&mut bad.vc, claim);
        let name = name.trim_start_matches('@');
        suite.refuse_as(JWT_VC_JSON, format!("vc1-{name}-{id}"), rule, bad.text());
    }
}

fn names(suite: &mut Suite) {
    let rule = |reason| ("VCDM 1.1 §4.1", reason);
    member(suite, rule("vc_context_missing"), "@context", &[("missing", Value::Null)]);
    let text = [("text", json!(BASE_CONTEXT_V1))];
    member(suite, rule("vc_context_not_an_array"), "@context", &text);
    let base = [
        ("not-first", json!(["https://a.example/", BASE_CONTEXT_V1])),
        ("of-vcdm-2", json!([BASE_CONTEXT])),
    ];
    member(suite, rule("vc_context_base"), "@context", &base);
    let item = [("with-a-number", json!([BASE_CONTEXT_V1, 1]))];
    member(suite, rule("vc_context_item"), "@context", &item);
    let rule = |reason| ("VCDM 1.1 §4.3", reason);
    member(suite, rule("vc_type_missing"), "type", &[("missing", Value::Null)]);
    let malformed = [("empty", json!([])), ("number", json!(1))];
    member(suite, rule("vc_type_malformed"), "type", &malformed);
    member(suite, rule("vc_type_kind"), "type", &[("another", json!(["Badge"]))]);
    let id = [("number", json!(1)), ("relative", json!("badge"))];
    member(suite, ("VCDM 1.1 §4.2", "vc_id"), "id", &id);
}

fn parties(suite: &mut Suite) {
    // iss stands for an issuer that is missing, so a malformed one is another than iss
    let values = [("number", json!(1)), ("array", json!([Known::issuer().did().as_str()]))];
    member(suite, ("VCDM 1.1 §6.3.1", "issuer_mismatch"), "issuer", &values);
    let bad = PartsV1::with(|p| {
        p.vc["iss"] = json!("issuer");
        p.vc["vc"]["issuer"] = json!("issuer");
    });
    let rule: Rule = ("VCDM 1.1 §4.5", "vc_issuer_malformed");
    suite.refuse_as(JWT_VC_JSON, "vc1-issuer-relative", rule, bad.text());
    let rule = |reason| ("VCDM 1.1 §4.4", reason);
    let missing = [("missing", Value::Null)];
    member(suite, rule("vc_subject_missing"), "credentialSubject", &missing);
    let malformed = [("empty", json!({})), ("no-subjects", json!([])), ("text", json!("Ada"))];
    member(suite, rule("vc_subject_malformed"), "credentialSubject", &malformed);
    let id = [("id-a-number", json!({"id": 1})), ("id-relative", json!({"id": "ada"}))];
    member(suite, ("VCDM 1.1 §4.2", "vc_subject_id"), "credentialSubject", &id);
    let rule: Rule = ("OID4VP 1.0 §14.1.1", "credential_not_bound");
    let nobody = [("without-id", json!({"name": "Ada"}))];
    member(suite, rule, "credentialSubject", &nobody);
    let rule: Rule = ("OID4VP 1.0 §14.1.1", "credential_of_another_holder");
    let other = [("another-holder", json!({"id": Known::stranger().did().as_str()}))];
    member(suite, rule, "credentialSubject", &other);
}

fn times(suite: &mut Suite) {
    let malformed = [("date", json!("2026-01-01")), ("number", numeric(-60))];
    let rule = ("VCDM 1.1 §4.6", "vc_issuance_date_malformed");
    member(suite, rule, "issuanceDate", &malformed);
    let rule = ("VCDM 1.1 §4.6", "vc_issuance_date_missing");
    member(suite, rule, "issuanceDate", &[("missing", Value::Null)]);
    let rule = ("VCDM 1.1 §4.8", "vc_expiration_date_malformed");
    member(suite, rule, "expirationDate", &malformed);
    let rule = ("VCDM 1.1 §4.8", "vc_validity_order");
    member(suite, rule, "issuanceDate", &[("after-the-end", json!(moment(86_401)))]);
    let rule = ("VCDM 1.1 §4.6", "credential_not_yet_valid");
    member(suite, rule, "issuanceDate", &[("to-come", json!(moment(61)))]);
    let past = PartsV1::with(|p| {
        p.vc["nbf"] = numeric(-3600);
        p.vc["vc"]["issuanceDate"] = json!(moment(-3600));
        p.vc["exp"] = numeric(-60);
        p.vc["vc"]["expirationDate"] = json!(moment(-60));
    });
    let rule: Rule = ("VCDM 1.1 §4.8", "credential_expired");
    suite.refuse_as(JWT_VC_JSON, "vc1-expirationDate-passed", rule, past.text());
}

fn entries(suite: &mut Suite) {
    for (name, has_id, rule) in [
        ("credentialStatus", true, ("VCDM 1.1 §4.9", "vc_status_malformed")),
        ("credentialSchema", true, ("VCDM 1.1 §5.4", "vc_schema_malformed")),
        ("refreshService", true, ("VCDM 1.1 §5.5", "vc_refresh_service_malformed")),
        ("termsOfUse", false, ("VCDM 1.1 §5.6", "vc_terms_of_use_malformed")),
        ("evidence", false, ("VCDM 1.1 §5.7", "vc_evidence_malformed")),
        ("proof", false, ("VCDM 1.1 §4.7", "vc_proof_malformed")),
    ] {
        let mut values = vec![
            ("text", json!("https://a.example/1")),
            ("without-type", json!({"id": "https://a.example/1"})),
        ];
        if has_id {
            values.push(("without-id", json!({"type": "Example"})));
        }
        member(suite, rule, name, &values);
    }
}

fn jwt(suite: &mut Suite) {
    for (name, id, value, rule) in [
        ("typ", "of-vcdm-2", json!("vc+jwt"), ("VCDM 1.1 §6.3.1", "issuer_jwt_wrong_typ")),
        ("typ", "of-an-sd-jwt-vc", json!("dc+sd-jwt"), ("VCDM 1.1 §6.3.1", "issuer_jwt_wrong_typ")),
        ("alg", "none", json!("none"), ("RFC 8725 §3.1", "issuer_jwt_algorithm")),
        ("alg", "symmetric", json!("HS256"), ("RFC 8725 §3.1", "issuer_jwt_algorithm")),
        ("crit", "unknown", json!(["exp"]), ("RFC 7515 §4.1.11", "issuer_jwt_header")),
        (
            "jku",
            "there",
            json!("https://issuer.example/keys"),
            ("RFC 8725 §3.10", "issuer_jwt_header"),
        ),
        (
            "jwk",
            "there",
            Known::issuer().jwk().to_value(),
            ("RFC 8725 §3.10", "issuer_jwt_header_key"),
        ),
        (
            "kid",
            "of-a-stranger",
            json!(Known::stranger().key_id()),
            ("OID4VCI 1.0 App. A.1.1", "issuer_key_id"),
        ),
    ] {
        let bad = PartsV1::set("vc_header", name, value).text();
        suite.refuse_as(JWT_VC_JSON, format!("vc1-jwt-{name}-{id}"), rule, bad);
    }
    let stranger = PartsV1::with(|p| p.issuer = Known::stranger());
    let rule: Rule = ("RFC 7515 §5.2", "issuer_signature_invalid");
    suite.refuse_as(JWT_VC_JSON, "vc1-jwt-signature-of-a-stranger", rule, stranger.text());
    let good = PartsV1::good();
    let (input, _) = good
        .vc_jwt()
        .rsplit_once('.')
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .expect("a JWS has dots");
    let unsigned = good.around(json!([format!("{input}.")]));
    suite.refuse_as(JWT_VC_JSON, "vc1-jwt-without-a-signature", rule, unsigned);
}

fn claims(suite: &mut Suite) {
    let mut refuse = |id: &str, rule: Rule, bad: PartsV1| {
        suite.refuse_as(JWT_VC_JSON, format!("vc1-jwt-{id}"), rule, bad.text());
    };
    let set = |name: &str, value: Value| PartsV1::set("vc", name, value);
    let rule: Rule = ("VCDM 1.1 §6.3.1", "issuer_jwt_vc_missing");
    refuse("vc-missing", rule, set("vc", Value::Null));
    refuse("vc-text", rule, set("vc", json!("credential")));
    let rule: Rule = ("VCDM 1.1 §6.3.1", "issuer_jwt_forbidden_claim");
    refuse("vp-there", rule, set("vp", json!({})));
    let rule: Rule = ("VCDM 1.1 §6.3.1", "issuer_missing");
    refuse("iss-missing", rule, set("iss", Value::Null));
    refuse("iss-number", rule, set("iss", json!(1)));
    let stranger = Known::stranger().did().to_string();
    for (name, rule) in [
        ("iss", ("VCDM 1.1 §6.3.1", "issuer_mismatch")),
        ("sub", ("VCDM 1.1 §6.3.1", "subject_mismatch")),
        ("jti", ("VCDM 1.1 §6.3.1", "credential_id_mismatch")),
    ] {
        refuse(&format!("{name}-another"), rule, set(name, json!(stranger)));
    }
    let rule: Rule = ("VCDM 1.1 §6.3.1", "issuance_date_mismatch");
    refuse("nbf-another", rule, set("nbf", numeric(-61)));
    let rule: Rule = ("VCDM 1.1 §6.3.1", "expiration_date_mismatch");
    refuse("exp-another", rule, set("exp", numeric(86_401)));
    refuse("nbf-text", ("RFC 7519 §4.1.5", "credential_nbf_malformed"), set("nbf", json!("now")));
    refuse("exp-text", ("RFC 7519 §4.1.4", "credential_exp_malformed"), set("exp", json!("soon")));
    let rule: Rule = ("RFC 7519 §4.1.6", "credential_issued_in_the_future");
    refuse("iat-to-come", rule, set("iat", numeric(61)));
    let two = PartsV1::with(|p| {
        let subject = p.vc["vc"]["credentialSubject"].clone();
        p.vc["vc"]["credentialSubject"] = json!([subject.clone(), subject]);
    });
    refuse("sub-of-two-subjects", ("VCDM 1.1 §6.3.1", "subject_mismatch"), two);
    let issuer = PartsV1::with(|p| {
        let stranger = Known::stranger();
        p.vc["iss"] = json!(stranger.did().as_str());
        p.vc["vc"]["issuer"] = json!(stranger.did().as_str());
        p.vc_header["kid"] = json!(stranger.key_id());
        p.issuer = stranger;
    });
    refuse("issuer-a-stranger", ("VCDM 1.1 §4.5", "issuer_not_trusted"), issuer);
    let rule: Rule = ("VCDM 1.1 §4.3", "issuer_not_trusted_for_type");
    let types = json!(["VerifiableCredential", "Badge", "Identity"]);
    refuse("one-type-not-the-issuers", rule, PartsV1::set("vc.vc", "type", types));
}

//! The rules of the data model for credentials (VCDM 2.0 §4), in a `vc+jwt`.

use lanyard_core::w3c::{BASE_CONTEXT, BASE_CONTEXT_V1};
use serde_json::{Value, json};

use super::{
    VP_JWT,
    parts::{Parts, moment, numeric},
};
use crate::refusals::{Rule, Suite, keys::Known};

pub(super) fn cases(suite: &mut Suite) {
    names(suite);
    parties(suite);
    times(suite);
    texts(suite);
    entries(suite);
    resources(suite);
    binding(suite);
}

fn member(suite: &mut Suite, rule: Rule, name: &str, values: &[(&str, Value)]) {
    for (id, value) in values {
        let bad = Parts::set("vc", name, value.clone()).text();
        let name = name.trim_start_matches('@');
        suite.refuse_as(VP_JWT, format!("vc-{name}-{id}"), rule, bad);
    }
}

fn names(suite: &mut Suite) {
    let rule = |reason| ("VCDM 2.0 §4.3", reason);
    member(suite, rule("vc_context_missing"), "@context", &[("missing", Value::Null)]);
    let text = [("text", json!(BASE_CONTEXT)), ("object", json!({"@vocab": "https://a.example/"}))];
    member(suite, rule("vc_context_not_an_array"), "@context", &text);
    let base = [
        ("empty", json!([])),
        ("not-first", json!(["https://a.example/", BASE_CONTEXT])),
        ("of-vcdm-1", json!([BASE_CONTEXT_V1])),
        ("by-http", json!(["http://www.w3.org/ns/credentials/v2"])),
    ];
    member(suite, rule("vc_context_base"), "@context", &base);
    let item = [
        ("with-a-number", json!([BASE_CONTEXT, 1])),
        ("with-null", json!([BASE_CONTEXT, null])),
        ("with-an-array", json!([BASE_CONTEXT, ["https://a.example/"]])),
        ("relative", json!([BASE_CONTEXT, "a.jsonld"])),
    ];
    member(suite, rule("vc_context_item"), "@context", &item);

    let rule = |reason| ("VCDM 2.0 §4.5", reason);
    member(suite, rule("vc_type_missing"), "type", &[("missing", Value::Null)]);
    let malformed = [
        ("empty", json!([])),
        ("number", json!(1)),
        ("with-an-empty-name", json!(["VerifiableCredential", "Badge", ""])),
        ("with-a-number", json!(["VerifiableCredential", "Badge", 1])),
    ];
    member(suite, rule("vc_type_malformed"), "type", &malformed);
    let kind = [
        ("another", json!(["Badge"])),
        ("in-lower-case", json!(["verifiableCredential", "Badge"])),
        ("of-a-presentation", json!(["VerifiablePresentation", "Badge"])),
    ];
    member(suite, rule("vc_type_kind"), "type", &kind);

    let id = [
        ("number", json!(1)),
        ("array", json!(["urn:a:b"])),
        ("relative", json!("badge/1")),
        ("with-a-space", json!("urn:a: b")),
    ];
    member(suite, ("VCDM 2.0 §4.4", "vc_id"), "id", &id);
}

fn parties(suite: &mut Suite) {
    let rule = |reason| ("VCDM 2.0 §4.7", reason);
    let issuer = Known::issuer().did().to_string();
    member(suite, rule("vc_issuer_missing"), "issuer", &[("missing", Value::Null)]);
    let malformed = [
        ("number", json!(1)),
        ("array", json!([issuer])),
        ("relative", json!("issuer")),
        ("without-id", json!({"name": "Issuer"})),
        ("with-a-number-for-id", json!({"id": 1})),
    ];
    member(suite, rule("vc_issuer_malformed"), "issuer", &malformed);

    let rule = |reason| ("VCDM 2.0 §4.8", reason);
    let holder = Known::holder().did().to_string();
    let missing = [("missing", Value::Null)];
    member(suite, rule("vc_subject_missing"), "credentialSubject", &missing);
    let malformed = [
        ("empty", json!({})),
        ("no-subjects", json!([])),
        ("text", json!(holder)),
        ("one-of-two-empty", json!([{"id": holder}, {}])),
    ];
    member(suite, rule("vc_subject_malformed"), "credentialSubject", &malformed);
    let id = [
        ("id-a-number", json!({"id": 1, "name": "Ada"})),
        ("id-an-array", json!({"id": [holder], "name": "Ada"})),
        ("id-relative", json!({"id": "ada", "name": "Ada"})),
    ];
    member(suite, ("VCDM 2.0 §4.4", "vc_subject_id"), "credentialSubject", &id);
}

fn times(suite: &mut Suite) {
    let malformed = [
        ("number", numeric(-60)),
        ("date", json!("2026-01-01")),
        ("no-such-day", json!("2025-02-30T00:00:00Z")),
        ("array", json!([moment(-60)])),
    ];
    for (name, reason) in
        [("validFrom", "vc_valid_from_malformed"), ("validUntil", "vc_valid_until_malformed")]
    {
        member(suite, ("VCDM 2.0 §4.9", reason), name, &malformed);
    }
    let rule = ("VCDM 2.0 §4.9", "vc_validity_order");
    member(suite, rule, "validFrom", &[("after-the-end", json!(moment(86_401)))]);
    let rule = ("VCDM 2.0 §4.9", "credential_expired");
    let past = Parts::with(|p| {
        p.vc["validFrom"] = json!(moment(-3600));
        p.vc["validUntil"] = json!(moment(-60));
    });
    suite.refuse_as(VP_JWT, "vc-validUntil-passed", rule, past.text());
    let rule = ("VCDM 2.0 §4.9", "credential_not_yet_valid");
    member(suite, rule, "validFrom", &[("to-come", json!(moment(61)))]);
    // the signature's own times
    for (name, id, value, rule) in [
        ("exp", "passed", numeric(-60), ("VC-JOSE-COSE §3.1.3", "credential_expired")),
        ("nbf", "to-come", numeric(61), ("VC-JOSE-COSE §3.1.3", "credential_not_yet_valid")),
        ("iat", "to-come", numeric(61), ("RFC 7519 §4.1.6", "credential_issued_in_the_future")),
        ("exp", "text", json!("tomorrow"), ("RFC 7519 §4.1.4", "credential_exp_malformed")),
        ("nbf", "text", json!("today"), ("RFC 7519 §4.1.5", "credential_nbf_malformed")),
        ("iat", "text", json!("today"), ("RFC 7519 §4.1.6", "credential_iat_malformed")),
    ] {
        member(suite, rule, name, &[(id, value)]);
    }
}

fn texts(suite: &mut Suite) {
    for (name, reason) in [("name", "vc_name"), ("description", "vc_description")] {
        let rule: Rule = ("VCDM 2.0 §4.6", reason);
        let values = [
            ("number", json!(1)),
            ("empty", json!([])),
            ("texts", json!(["Badge"])),
            ("without-a-value", json!({"@language": "en"})),
            ("of-no-language", json!({"@value": "Badge", "@language": "en_GB"})),
            ("of-no-direction", json!({"@value": "Badge", "@direction": "up"})),
            ("with-more", json!({"@value": "Badge", "url": "https://a.example/"})),
        ];
        member(suite, rule, name, &values);
        let issuer = Known::issuer().did().to_string();
        let bad = Parts::set("vc", "issuer", json!({"id": issuer, name: 1}));
        suite.refuse_as(VP_JWT, format!("vc-issuer-{name}-number"), rule, bad.text());
    }
}

fn entries(suite: &mut Suite) {
    for (name, rule) in [
        ("credentialStatus", ("VCDM 2.0 §4.10", "vc_status_malformed")),
        ("credentialSchema", ("VCDM 2.0 §4.11", "vc_schema_malformed")),
        ("refreshService", ("VCDM 2.0 §5.4", "vc_refresh_service_malformed")),
        ("termsOfUse", ("VCDM 2.0 §5.5", "vc_terms_of_use_malformed")),
        ("evidence", ("VCDM 2.0 §5.6", "vc_evidence_malformed")),
        ("proof", ("VCDM 2.0 §4.12", "vc_proof_malformed")),
    ] {
        let values = [
            ("text", json!("https://a.example/1")),
            ("empty", json!([])),
            ("without-type", json!({"id": "https://a.example/1"})),
            ("with-an-empty-type", json!({"id": "https://a.example/1", "type": ""})),
            ("with-a-relative-id", json!({"id": "1", "type": "Example"})),
            ("one-of-two-a-text", json!([{"id": "https://a.example/1", "type": "Example"}, "b"])),
        ];
        member(suite, rule, name, &values);
    }
    let rule = ("VCDM 2.0 §4.11", "vc_schema_malformed");
    member(suite, rule, "credentialSchema", &[("without-id", json!({"type": "JsonSchema"}))]);
}

fn resources(suite: &mut Suite) {
    let rule = ("VCDM 2.0 §5.3", "vc_related_resource_malformed");
    let (id, sri) = ("https://a.example/1", "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    let values = [
        ("text", json!(id)),
        ("empty", json!([])),
        ("without-id", json!({"digestSRI": sri})),
        ("with-a-relative-id", json!({"id": "1", "digestSRI": sri})),
        ("twice", json!([{"id": id, "digestSRI": sri}, {"id": id, "digestSRI": sri}])),
        ("with-a-number-for-a-media-type", json!({"id": id, "digestSRI": sri, "mediaType": 1})),
        ("without-a-digest", json!({"id": id})),
        ("by-md5", json!({"id": id, "digestSRI": "md5-1B2M2Y8AsgTpgAmY7PhCfg=="})),
        ("with-a-short-digest", json!({"id": id, "digestSRI": "sha256-AAAA"})),
        ("with-a-number-for-a-digest", json!({"id": id, "digestMultibase": 1})),
        ("in-base16", json!({"id": id, "digestMultibase": "f1220e3b0"})),
        ("with-a-short-multihash", json!({"id": id, "digestMultibase": "uEiAAAA"})),
    ];
    member(suite, rule, "relatedResource", &values);
}

fn binding(suite: &mut Suite) {
    let stranger = Known::stranger();
    let rule = ("OID4VP 1.0 §14.1.1", "credential_of_another_holder");
    let subject = json!({"id": stranger.did().as_str(), "name": "Ada"});
    member(suite, rule, "credentialSubject", &[("another-holder", subject)]);
    let cnf = json!({"jwk": stranger.jwk().to_value()});
    member(suite, rule, "cnf", &[("of-a-stranger", cnf)]);
    let cnf = json!({"kid": stranger.key_id()});
    member(suite, rule, "cnf", &[("kid-of-a-stranger", cnf)]);
    let rule = ("OID4VP 1.0 §14.1.1", "credential_not_bound");
    let (one, other) = (Known::holder().did().to_string(), stranger.did().to_string());
    let nobody = [
        ("without-id", json!({"name": "Ada"})),
        ("no-did", json!({"id": "https://ada.example", "name": "Ada"})),
        ("one-of-two", json!([{"id": one}, {"id": other}])),
    ];
    member(suite, rule, "credentialSubject", &nobody);
    let rule = ("RFC 7800 §3", "credential_binding_unsupported");
    member(suite, rule, "cnf", &[("empty", json!({})), ("text", json!("key"))]);
    let rule = ("RFC 7800 §3.2", "credential_binding_key");
    let private = {
        let mut jwk = Known::holder().jwk().to_value();
        jwk["d"] = "AAAA".into();
        json!({"jwk": jwk})
    };
    let symmetric = json!({"jwk": {"kty": "oct", "k": "AAAA"}});
    member(suite, rule, "cnf", &[("private", private), ("symmetric", symmetric)]);
}

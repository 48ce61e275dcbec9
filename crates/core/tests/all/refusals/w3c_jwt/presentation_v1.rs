//! The presentation of a `jwt_vc_json` (VCDM 1.1 §6.3.1, OID4VP 1.0 App. B.1.3.1).

use lanyard_core::w3c::{BASE_CONTEXT, BASE_CONTEXT_V1};
use serde_json::{Value, json};

use super::{
    AUDIENCE, JWT_VC_JSON,
    parts::{PartsV1, numeric},
};
use crate::refusals::{Rule, Suite, keys::Known};

fn set(suite: &mut Suite, rule: Rule, part: &str, name: &str, values: &[(&str, Value)]) {
    for (id, value) in values {
        let bad = PartsV1::set(part, name, value.clone()).text();
        let part = part.replace(['_', '.'], "-");
        let name = name.trim_start_matches('@');
        suite.refuse_as(JWT_VC_JSON, format!("vp1-{part}-{name}-{id}"), rule, bad);
    }
}

pub(super) fn cases(suite: &mut Suite) {
    jwt(suite);
    document(suite);
    holder(suite);
    request(suite);
}

fn jwt(suite: &mut Suite) {
    let rule: Rule = ("VCDM 1.1 §6.3.1", "presentation_jwt_wrong_typ");
    let types = [("of-vcdm-2", json!("vp+jwt")), ("of-a-key-binding", json!("kb+jwt"))];
    set(suite, rule, "vp_header", "typ", &types);
    let rule: Rule = ("RFC 8725 §3.1", "presentation_jwt_algorithm");
    let algorithms = [("none", json!("none")), ("symmetric", json!("HS256"))];
    set(suite, rule, "vp_header", "alg", &algorithms);
    let rule: Rule = ("RFC 8725 §3.10", "presentation_jwt_header_key");
    let jwk = Known::holder().jwk().to_value();
    set(suite, rule, "vp_header", "jwk", &[("there", jwk)]);
    let rule: Rule = ("VCDM 1.1 §6.3.1", "presentation_jwt_vp_missing");
    set(suite, rule, "vp", "vp", &[("missing", Value::Null), ("text", json!("presentation"))]);
    let rule: Rule = ("VCDM 1.1 §6.3.1", "presentation_jwt_forbidden_claim");
    set(suite, rule, "vp", "vc", &[("there", json!({}))]);
    let stranger = PartsV1::with(|p| p.holder = Known::stranger());
    let rule: Rule = ("RFC 7515 §5.2", "presentation_signature_invalid");
    suite.refuse_as(JWT_VC_JSON, "vp1-signature-of-a-stranger", rule, stranger.text());
}

fn document(suite: &mut Suite) {
    let contexts = [
        ("missing", Value::Null),
        ("text", json!(BASE_CONTEXT_V1)),
        ("of-vcdm-2", json!([BASE_CONTEXT])),
        ("with-a-number", json!([BASE_CONTEXT_V1, 1])),
    ];
    set(suite, ("VCDM 1.1 §4.1", "vp_context_base"), "vp.vp", "@context", &contexts);
    let types = [
        ("missing", Value::Null),
        ("empty", json!([])),
        ("of-a-credential", json!(["VerifiableCredential"])),
    ];
    set(suite, ("VCDM 1.1 §4.10", "vp_type_kind"), "vp.vp", "type", &types);
    let holder = [("number", json!(1)), ("relative", json!("holder"))];
    set(suite, ("VCDM 1.1 §4.10", "vp_holder_malformed"), "vp.vp", "holder", &holder);
    let other = PartsV1::with(|p| {
        p.vp["jti"] = json!("urn:a:1");
        p.vp["vp"]["id"] = json!("urn:a:2");
    });
    let rule: Rule = ("VCDM 1.1 §6.3.1", "presentation_id_mismatch");
    suite.refuse_as(JWT_VC_JSON, "vp1-jti-another", rule, other.text());
    let good = PartsV1::good();
    let (jwt, document) = (good.vc_jwt(), good.vc["vc"].clone());
    for (id, credentials, rule) in [
        ("none", json!([]), ("OID4VP 1.0 §8.1", "presentation_empty")),
        ("too-many", json!(vec![jwt; 33]), ("a limit of 32", "vp_too_many_credentials")),
        (
            "a-document",
            json!([document]),
            ("VCDM 1.1 §6.3.1", "presentation_credential_other_mechanism"),
        ),
        ("a-number", json!([1]), ("VCDM 1.1 §6.3.1", "presentation_credential_other_mechanism")),
    ] {
        let bad = good.around(credentials);
        suite.refuse_as(JWT_VC_JSON, format!("vp1-credentials-{id}"), rule, bad);
    }
}

fn holder(suite: &mut Suite) {
    let stranger = Known::stranger();
    let rule: Rule = ("VCDM 1.1 §6.3.1", "holder_mismatch");
    let iss = [("another", json!(stranger.did().as_str())), ("number", json!(1))];
    set(suite, rule, "vp", "iss", &iss);
    let rule: Rule = ("OID4VP 1.0 App. B.1.3.1", "holder_key_id");
    set(suite, rule, "vp_header", "kid", &[("of-a-stranger", json!(stranger.key_id()))]);
    let stolen = PartsV1::with(|p| {
        p.vp["iss"] = json!(stranger.did().as_str());
        p.vp["vp"]["holder"] = json!(stranger.did().as_str());
        p.vp_header["kid"] = json!(stranger.key_id());
        p.holder = Known::stranger();
    });
    let rule: Rule = ("OID4VP 1.0 §14.1.1", "credential_of_another_holder");
    suite.refuse_as(JWT_VC_JSON, "vp1-by-a-stranger", rule, stolen.text());
}

fn request(suite: &mut Suite) {
    let rule: Rule = ("OID4VP 1.0 App. B.1.3.1", "nonce_mismatch");
    set(suite, rule, "vp", "nonce", &[("missing", Value::Null), ("another", json!("n-1"))]);
    let rule: Rule = ("OID4VP 1.0 App. B.1.3.1", "audience_mismatch");
    let two = json!([AUDIENCE, "x509_san_dns:other.example"]);
    let audiences =
        [("missing", Value::Null), ("another", json!("verifier.example")), ("one-of-two", two)];
    set(suite, rule, "vp", "aud", &audiences);
    let rule: Rule = ("OID4VP 1.0 §14.1", "presentation_too_old");
    set(suite, rule, "vp", "iat", &[("too-long-ago", numeric(-3600))]);
    let rule: Rule = ("RFC 7519 §4.1.4", "presentation_expired");
    set(suite, rule, "vp", "exp", &[("passed", numeric(-600))]);
}

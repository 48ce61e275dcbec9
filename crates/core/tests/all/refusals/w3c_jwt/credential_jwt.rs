//! The JWT around a credential (VC-JOSE-COSE §3.1, §4, RFC 7515, RFC 8725).

use lanyard_core::json;
use serde_json::{Value, json};

use super::{
    VP_JWT,
    parts::{Parts, credential, envelope},
};
use crate::refusals::{Rule, Suite, keys::Known};

pub(super) fn cases(suite: &mut Suite) {
    header(suite);
    form(suite);
    signature(suite);
    claims(suite);
    issuers(suite);
}

fn set(suite: &mut Suite, rule: Rule, name: &str, values: &[(&str, Value)]) {
    for (id, value) in values {
        let bad = Parts::set("vc_header", name, value.clone()).text();
        suite.refuse_as(VP_JWT, format!("vc-jwt-{name}-{id}"), rule, bad);
    }
}

fn header(suite: &mut Suite) {
    let types = [
        ("jwt", json!("JWT")),
        ("of-a-presentation", json!("vp+jwt")),
        ("of-an-sd-jwt", json!("vc+sd-jwt")),
        ("of-an-sd-jwt-vc", json!("dc+sd-jwt")),
        ("of-a-draft", json!("vc-ld+jwt")),
        ("empty", json!("")),
    ];
    set(suite, ("VC-JOSE-COSE §3.1.1", "issuer_jwt_wrong_typ"), "typ", &types);
    let contents =
        [("of-a-presentation", json!("vp")), ("jwt", json!("JWT")), ("number", json!(1))];
    set(suite, ("VC-JOSE-COSE §3.1", "issuer_jwt_content_type"), "cty", &contents);
    let algorithms = [
        ("none", json!("none")),
        ("none-in-capitals", json!("NONE")),
        ("symmetric", json!("HS256")),
        ("rsa", json!("RS256")),
        ("in-lower-case", json!("es256")),
        ("unknown", json!("ES999")),
        ("empty", json!("")),
    ];
    set(suite, ("RFC 8725 §3.1", "issuer_jwt_algorithm"), "alg", &algorithms);
    let malformed: Rule = ("RFC 7515 §4.1", "issuer_jwt_header");
    set(suite, malformed, "alg", &[("missing", Value::Null), ("number", json!(1))]);
    set(suite, malformed, "typ", &[("number", json!(1))]);
    set(suite, malformed, "kid", &[("number", json!(1)), ("with-a-line-break", json!("a\nb"))]);
    set(suite, malformed, "x5c", &[("empty", json!([])), ("text", json!("AAAA"))]);
    let critical: Rule = ("RFC 7515 §4.1.11", "issuer_jwt_header");
    set(suite, critical, "crit", &[("unknown", json!(["exp"])), ("empty", json!([]))]);
    set(suite, ("RFC 7797 §6", "issuer_jwt_header"), "b64", &[("false", json!(false))]);
    let url = json!("https://issuer.example/keys");
    for name in ["jku", "x5u"] {
        let rule = ("RFC 8725 §3.10", "issuer_jwt_header");
        set(suite, rule, name, &[("there", url.clone())]);
    }
    let jwk = Known::issuer().jwk().to_value();
    set(suite, ("RFC 8725 §3.10", "issuer_jwt_header_key"), "jwk", &[("there", jwk)]);
    let good = Parts::good();
    for (id, text) in [
        ("not-json", "alg: ES256"),
        ("an-array", r#"["ES256"]"#),
        ("empty", ""),
        ("with-a-member-twice", r#"{"alg":"ES256","alg":"ES256","typ":"vc+jwt"}"#),
    ] {
        let jwt = good.issuer.jws(text.as_bytes(), good.vc.to_string().as_bytes());
        let bad = good.around(envelope(&jwt));
        suite.refuse_as(VP_JWT, format!("vc-jwt-header-{id}"), malformed, bad);
    }
}

fn form(suite: &mut Suite) {
    let good = Parts::good();
    let jwt = good.vc_jwt();
    let (input, signature) = jwt.rsplit_once('.').expect("a JWS has dots");
    let rule: Rule = ("RFC 7515 §7.1", "issuer_jwt_malformed");
    for (id, text) in [
        ("of-two-parts", input.to_owned()),
        ("of-four-parts", format!("{jwt}.AAAA")),
        ("with-a-padded-signature", format!("{input}.{signature}==")),
        ("with-a-space", format!("{input}. {signature}")),
    ] {
        suite.refuse_as(VP_JWT, format!("vc-jwt-{id}"), rule, good.around(envelope(&text)));
    }
    let header = good.vc_header.to_string();
    let rule: Rule = ("RFC 7519 §7.2", "issuer_jwt_payload");
    let twice = good.vc.to_string().replacen('{', r#"{"issuer":"did:example:a","#, 1);
    for (id, payload) in [
        ("not-json", "credential".to_owned()),
        ("an-array", json!([good.vc]).to_string()),
        ("with-a-member-twice", twice),
        ("empty", String::new()),
    ] {
        let jwt = good.issuer.jws(header.as_bytes(), payload.as_bytes());
        let bad = good.around(envelope(&jwt));
        suite.refuse_as(VP_JWT, format!("vc-jwt-payload-{id}"), rule, bad);
    }
}

fn signature(suite: &mut Suite) {
    let good = Parts::good();
    let jwt = good.vc_jwt();
    let (input, signature) = jwt.rsplit_once('.').expect("a JWS has dots");
    let rule: Rule = ("RFC 7515 §5.2", "issuer_signature_invalid");
    let bytes = json::base64url_decode(signature).expect("it was written so");
    let (r, s) = bytes.split_at(32);
    let flipped: Vec<u8> = bytes.iter().map(|byte| byte ^ 1).collect();
    for (id, signature) in [
        ("empty", Vec::new()),
        ("flipped", flipped),
        ("without-a-byte", bytes[..63].to_vec()),
        ("with-a-byte-more", [&bytes[..], &[0]].concat()),
        ("of-zeros", vec![0; 64]),
        ("with-halves-exchanged", [s, r].concat()),
        ("of-a-stranger", Known::stranger().sign(input.as_bytes())),
        ("of-the-holder", Known::holder().sign(input.as_bytes())),
        ("of-another-document", Known::issuer().sign(b"another document")),
    ] {
        let bad = good.around(envelope(&format!("{input}.{}", json::base64url(signature))));
        suite.refuse_as(VP_JWT, format!("vc-jwt-signature-{id}"), rule, bad);
    }
    let mut changed = credential();
    changed["credentialSubject"]["name"] = json!("Eve");
    let (header, _) = input.split_once('.').expect("a JWS has dots");
    let text = format!("{header}.{}.{signature}", json::base64url(changed.to_string()));
    let bad = good.around(envelope(&text));
    suite.refuse_as(VP_JWT, "vc-jwt-with-another-payload", rule, bad);
    let other = Parts::set("vc_header", "alg", json!("EdDSA"));
    let rule = ("RFC 8725 §3.1", "issuer_signature_invalid");
    suite.refuse_as(VP_JWT, "vc-jwt-alg-of-another-curve", rule, other.text());
}

fn claims(suite: &mut Suite) {
    let rule: Rule = ("VC-JOSE-COSE §1.1", "issuer_jwt_forbidden_claim");
    for name in ["vc", "vp"] {
        let bad = Parts::set("vc", name, json!({"type": ["VerifiableCredential"]}));
        suite.refuse_as(VP_JWT, format!("vc-jwt-with-{name}"), rule, bad.text());
    }
    let stranger = Known::stranger().did().to_string();
    for (name, rule) in [
        ("iss", ("VC-JOSE-COSE §4.1.2", "issuer_mismatch")),
        ("sub", ("VC-JOSE-COSE §3.1.3", "subject_mismatch")),
        ("jti", ("VC-JOSE-COSE §3.1.3", "credential_id_mismatch")),
    ] {
        for (id, value) in [("another", json!(stranger)), ("number", json!(1))] {
            let bad = Parts::set("vc", name, value).text();
            suite.refuse_as(VP_JWT, format!("vc-jwt-{name}-{id}"), rule, bad);
        }
    }
    let rule: Rule = ("VC-JOSE-COSE §4.1.2", "issuer_mismatch");
    set(suite, rule, "iss", &[("in-the-header-another", json!(stranger))]);
    let bad = Parts::with(|p| {
        p.vc["jti"] = p.vc["id"].clone();
        p.without("vc", "id");
    });
    let rule: Rule = ("VC-JOSE-COSE §3.1.3", "credential_id_mismatch");
    suite.refuse_as(VP_JWT, "vc-jwt-jti-without-id", rule, bad.text());
}

fn issuers(suite: &mut Suite) {
    let stranger = Known::stranger();
    let bad = Parts::with(|p| {
        p.vc["issuer"] = json!(stranger.did().as_str());
        p.vc_header["kid"] = json!(stranger.key_id());
        p.issuer = Known::stranger();
    });
    let rule: Rule = ("VCDM 2.0 §4.7", "issuer_not_trusted");
    suite.refuse_as(VP_JWT, "vc-issuer-a-stranger", rule, bad.text());
    for (id, issuer) in [
        ("by-https", json!("https://issuer.example")),
        ("with-a-fragment", json!(Known::issuer().key_id())),
    ] {
        let bad = Parts::set("vc", "issuer", issuer).text();
        suite.refuse_as(VP_JWT, format!("vc-issuer-{id}"), rule, bad);
    }
    let rule: Rule = ("VCDM 2.0 §4.5", "issuer_not_trusted_for_type");
    for (id, types) in [
        ("not-the-issuers", json!(["VerifiableCredential", "Identity"])),
        ("one-of-two-not-the-issuers", json!(["VerifiableCredential", "Badge", "Identity"])),
        ("of-every-credential", json!(["VerifiableCredential"])),
    ] {
        let bad = Parts::set("vc", "type", types).text();
        suite.refuse_as(VP_JWT, format!("vc-type-{id}"), rule, bad);
    }
    let rule: Rule = ("VC-JOSE-COSE §4.1.1", "issuer_key_id");
    let kids = [
        ("missing", Value::Null),
        ("of-a-stranger", json!(stranger.key_id())),
        ("no-did-url", json!("key-1")),
    ];
    set(suite, rule, "kid", &kids);
    let rule: Rule = ("DID 1.1 §5.3.2", "issuer_did_refused");
    let did = Known::issuer().did();
    let kids =
        [("of-no-key", json!(format!("{did}#1"))), ("without-a-fragment", json!(did.as_str()))];
    set(suite, rule, "kid", &kids);
}

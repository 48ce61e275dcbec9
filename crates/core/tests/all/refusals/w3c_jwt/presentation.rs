//! A `vp+jwt`: its JWT, its document, its envelopes, its holder and its request (VC-JOSE-COSE §3.1.2, OID4VP
//! 1.0 App. B.1).

use lanyard_core::{json, w3c::BASE_CONTEXT};
use serde_json::{Value, json};

use super::{
    VP_JWT,
    parts::{Parts, credential, envelope, numeric, remove},
};
use crate::refusals::{Rule, Suite, keys::Known};

pub(super) fn cases(suite: &mut Suite) {
    header(suite);
    jwt(suite);
    document(suite);
    credentials(suite);
    envelopes(suite);
    holder(suite);
    request(suite);
}

fn set(suite: &mut Suite, rule: Rule, part: &str, name: &str, values: &[(&str, Value)]) {
    for (id, value) in values {
        let bad = Parts::set(part, name, value.clone()).text();
        let name = name.trim_start_matches('@');
        let part = if part == "vp" { "vp" } else { "vp-jwt" };
        suite.refuse_as(VP_JWT, format!("{part}-{name}-{id}"), rule, bad);
    }
}

fn header(suite: &mut Suite) {
    let types = [
        ("jwt", json!("JWT")),
        ("of-a-credential", json!("vc+jwt")),
        ("of-a-key-binding", json!("kb+jwt")),
        ("of-a-key-proof", json!("openid4vci-proof+jwt")),
        ("empty", json!("")),
    ];
    let rule = ("VC-JOSE-COSE §3.1.2", "presentation_jwt_wrong_typ");
    set(suite, rule, "vp_header", "typ", &types);
    let contents = [("of-a-credential", json!("vc")), ("number", json!(1))];
    let rule = ("VC-JOSE-COSE §3.1", "presentation_jwt_content_type");
    set(suite, rule, "vp_header", "cty", &contents);
    let algorithms = [
        ("none", json!("none")),
        ("symmetric", json!("HS256")),
        ("rsa", json!("PS256")),
        ("in-lower-case", json!("es256")),
    ];
    let rule = ("RFC 8725 §3.1", "presentation_jwt_algorithm");
    set(suite, rule, "vp_header", "alg", &algorithms);
    let rule = ("RFC 7515 §4.1", "presentation_jwt_header");
    set(suite, rule, "vp_header", "alg", &[("missing", Value::Null)]);
    let rule = ("RFC 7515 §4.1.11", "presentation_jwt_header");
    set(suite, rule, "vp_header", "crit", &[("unknown", json!(["exp"]))]);
    let rule = ("RFC 8725 §3.10", "presentation_jwt_header");
    set(suite, rule, "vp_header", "jku", &[("there", json!("https://holder.example/keys"))]);
    let rule = ("RFC 8725 §3.10", "presentation_jwt_header_key");
    let jwk = Known::holder().jwk().to_value();
    set(suite, rule, "vp_header", "jwk", &[("there", jwk)]);
    set(suite, rule, "vp_header", "x5c", &[("there", json!(["AAAA"]))]);
}

fn jwt(suite: &mut Suite) {
    let good = Parts::good();
    let text = good.text();
    let (input, signature) = text.rsplit_once('.').expect("a JWS has dots");
    let rule: Rule = ("RFC 7515 §7.1", "presentation_jwt_malformed");
    for (id, text) in [
        ("of-two-parts", input.to_owned()),
        ("of-four-parts", format!("{text}.AAAA")),
        ("with-a-padded-signature", format!("{input}.{signature}==")),
        ("empty", String::new()),
    ] {
        suite.refuse_as(VP_JWT, format!("vp-jwt-{id}"), rule, text);
    }
    let header = good.vp_header.to_string();
    let rule: Rule = ("RFC 7519 §7.2", "presentation_jwt_payload");
    for (id, payload) in [("not-json", "presentation"), ("an-array", "[]")] {
        let bad = good.holder.jws(header.as_bytes(), payload.as_bytes());
        suite.refuse_as(VP_JWT, format!("vp-jwt-payload-{id}"), rule, bad);
    }
    let rule: Rule = ("RFC 7515 §5.2", "presentation_signature_invalid");
    for (id, signature) in [
        ("empty", Vec::new()),
        ("of-zeros", vec![0; 64]),
        ("of-a-stranger", Known::stranger().sign(input.as_bytes())),
        ("of-the-issuer", Known::issuer().sign(input.as_bytes())),
        ("of-another-presentation", Known::holder().sign(b"another presentation")),
    ] {
        let bad = format!("{input}.{}", json::base64url(signature));
        suite.refuse_as(VP_JWT, format!("vp-jwt-signature-{id}"), rule, bad);
    }
    let rule: Rule = ("VC-JOSE-COSE §1.1", "presentation_jwt_forbidden_claim");
    for name in ["vc", "vp"] {
        let value = json!({"type": ["VerifiablePresentation"]});
        set(suite, rule, "vp", name, &[("there", value)]);
    }
}

fn document(suite: &mut Suite) {
    let rule = |reason| ("VCDM 2.0 §4.3", reason);
    set(suite, rule("vp_context_missing"), "vp", "@context", &[("missing", Value::Null)]);
    let text = [("text", json!(BASE_CONTEXT))];
    set(suite, rule("vp_context_not_an_array"), "vp", "@context", &text);
    let base = [
        ("not-first", json!(["https://a.example/", BASE_CONTEXT])),
        ("of-vcdm-1", json!(["https://www.w3.org/2018/credentials/v1"])),
    ];
    set(suite, rule("vp_context_base"), "vp", "@context", &base);
    let item = [("with-a-number", json!([BASE_CONTEXT, 1]))];
    set(suite, rule("vp_context_item"), "vp", "@context", &item);
    let rule = |reason| ("VCDM 2.0 §4.13", reason);
    set(suite, rule("vp_type_missing"), "vp", "type", &[("missing", Value::Null)]);
    let malformed = [("empty", json!([])), ("number", json!(1))];
    set(suite, rule("vp_type_malformed"), "vp", "type", &malformed);
    let kind = [("of-a-credential", json!(["VerifiableCredential"]))];
    set(suite, rule("vp_type_kind"), "vp", "type", &kind);
    let enveloped = json!({
        "type": "EnvelopedVerifiablePresentation",
        "id": "data:application/vp+jwt,AAAA",
    });
    let bad = Parts::with(|p| {
        for (name, value) in enveloped.as_object().expect("an object") {
            p.vp[name] = value.clone();
        }
    });
    suite.refuse_as(VP_JWT, "vp-an-envelope", rule("vp_enveloped"), bad.text());
    let id = [("number", json!(1)), ("relative", json!("presentation"))];
    set(suite, ("VCDM 2.0 §4.4", "vp_id"), "vp", "id", &id);
    let holder = [
        ("number", json!(1)),
        ("relative", json!("holder")),
        ("without-id", json!({"name": "Ada"})),
    ];
    set(suite, rule("vp_holder_malformed"), "vp", "holder", &holder);
    let terms = [("text", json!("none")), ("without-type", json!({"id": "https://a.example/"}))];
    set(suite, ("VCDM 2.0 §5.5", "vp_terms_of_use_malformed"), "vp", "termsOfUse", &terms);
    let proof = [("text", json!("none")), ("without-type", json!({"proofValue": "z"}))];
    set(suite, ("VCDM 2.0 §4.12", "vp_proof_malformed"), "vp", "proof", &proof);
}

fn credentials(suite: &mut Suite) {
    let jwt = Parts::good().vc_jwt();
    let rule: Rule = ("VCDM 2.0 §4.13", "vp_credential_not_an_object");
    let values = [("text", json!([jwt])), ("number", json!(1))];
    set(suite, rule, "vp", "verifiableCredential", &values);
    let rule: Rule = ("a limit of 32", "vp_too_many_credentials");
    let many = vec![envelope(&jwt); 33];
    set(suite, rule, "vp", "verifiableCredential", &[("too-many", json!(many))]);
    let rule: Rule = ("OID4VP 1.0 §8.1", "presentation_empty");
    set(suite, rule, "vp", "verifiableCredential", &[("empty", json!([]))]);
    let rule: Rule = ("VCDM 2.0 §4.13.4", "vp_credential_unsecured");
    let values = [("unsecured", json!([credential()]))];
    set(suite, rule, "vp", "verifiableCredential", &values);
    let own = {
        let mut own = credential();
        own["issuer"] = json!(Known::holder().did().as_str());
        own
    };
    let rule: Rule = ("VC-JOSE-COSE §3.1.2", "presentation_credential_not_enveloped");
    let with_proof = {
        let mut secured = credential();
        secured["proof"] = json!({"type": "DataIntegrityProof"});
        secured
    };
    let values = [("by-the-holder", json!([own])), ("with-a-proof", json!([with_proof]))];
    set(suite, rule, "vp", "verifiableCredential", &values);
    // one bad credential is enough
    let stranger = Parts::with(|p| {
        p.vc["credentialSubject"]["id"] = json!(Known::stranger().did().as_str());
    });
    let two = json!([envelope(&jwt), envelope(&stranger.vc_jwt())]);
    let rule: Rule = ("OID4VP 1.0 §14.1.1", "credential_of_another_holder");
    set(suite, rule, "vp", "verifiableCredential", &[("one-of-another-holder", two)]);
}

fn envelopes(suite: &mut Suite) {
    let good = envelope(&Parts::good().vc_jwt());
    let mut changed = |rule: Rule, name: &str, values: &[(&str, Value)]| {
        for (id, value) in values {
            let mut bad = good.clone();
            match value {
                Value::Null => remove(&mut bad, name),
                value => bad[name] = value.clone(),
            }
            let name = name.trim_start_matches('@');
            let bad = Parts::good().around(bad);
            suite.refuse_as(VP_JWT, format!("envelope-{name}-{id}"), rule, bad);
        }
    };
    let contexts = [
        ("missing", Value::Null),
        ("another", json!("https://a.example/")),
        ("of-vcdm-1", json!("https://www.w3.org/2018/credentials/v1")),
    ];
    changed(("VCDM 2.0 §4.13.1", "envelope_context"), "@context", &contexts);
    let types = [("with-more", json!(["EnvelopedVerifiableCredential", "Badge"]))];
    changed(("VCDM 2.0 §4.13.1", "envelope_type"), "type", &types);
    let jwt = Parts::good().vc_jwt();
    let urls = [
        ("missing", Value::Null),
        ("by-https", json!("https://issuer.example/credential")),
        ("without-data", json!("data:application/vc+jwt,")),
        ("without-a-comma", json!(format!("data:application/vc+jwt;{jwt}"))),
        ("number", json!(1)),
    ];
    changed(("VCDM 2.0 §4.13.1", "envelope_not_a_data_url"), "id", &urls);
    let types = [
        ("of-text", json!(format!("data:text/plain,{jwt}"))),
        ("of-a-presentation", json!(format!("data:application/vp+jwt,{jwt}"))),
        ("of-no-type", json!(format!("data:,{jwt}"))),
        ("in-base64", json!(format!("data:application/vc+jwt;base64,{jwt}"))),
        ("with-a-charset", json!(format!("data:application/vc+jwt;charset=utf-8,{jwt}"))),
    ];
    changed(("VC-JOSE-COSE §6.1", "envelope_media_type"), "id", &types);
    let encodings = [
        ("cose-without-base64", json!("data:application/vc+cose,0oRDoQEm")),
        ("cose-in-base64url", json!("data:application/vc+cose;base64,0oRDoQEm-_")),
    ];
    changed(("VC-JOSE-COSE §3.3.1", "envelope_encoding"), "id", &encodings);
}

fn holder(suite: &mut Suite) {
    let stranger = Known::stranger();
    let rule: Rule = ("VC-JOSE-COSE §4.1.2", "holder_mismatch");
    let iss = [("another", json!(stranger.did().as_str())), ("number", json!(1))];
    set(suite, rule, "vp", "iss", &iss);
    set(suite, rule, "vp_header", "iss", &[("another", json!(stranger.did().as_str()))]);
    let rule: Rule = ("VC-JOSE-COSE §4.1.1", "holder_key_id");
    let kids = [("of-a-stranger", json!(stranger.key_id())), ("no-did-url", json!("key-1"))];
    set(suite, rule, "vp_header", "kid", &kids);
    let rule: Rule = ("DID 1.1 §5.3.1", "holder_did_refused");
    let kid = json!(format!("{}#1", Known::holder().did()));
    set(suite, rule, "vp_header", "kid", &[("of-no-key", kid)]);
    let rule: Rule = ("DID 1.1 §7.1", "holder_did_refused");
    let bad = Parts::with(|p| {
        p.vp["holder"] = json!("did:jwk:AAAA");
        p.vp_header["kid"] = json!("did:jwk:AAAA#0");
    });
    suite.refuse_as(VP_JWT, "vp-holder-a-did-of-nothing", rule, bad.text());
    let nameless = |p: &mut Parts| {
        p.without("vp", "holder");
        p.without("vp_header", "kid");
    };
    let rule: Rule = ("OID4VP 1.0 §14.1.1", "holder_not_named");
    suite.refuse_as(VP_JWT, "vp-holder-missing", rule, Parts::with(nameless).text());
    let bad = Parts::with(|p| {
        p.without("vp_header", "kid");
        p.vp_header["alg"] = json!("EdDSA");
    });
    let rule: Rule = ("VC-JOSE-COSE §4.1.1", "holder_key_not_found");
    suite.refuse_as(VP_JWT, "vp-holder-without-a-key-for-alg", rule, bad.text());
    let stolen = Parts::with(|p| {
        p.vp["holder"] = json!(stranger.did().as_str());
        p.vp_header["kid"] = json!(stranger.key_id());
        p.holder = Known::stranger();
    });
    let rule: Rule = ("OID4VP 1.0 §14.1.1", "credential_of_another_holder");
    suite.refuse_as(VP_JWT, "vp-by-a-stranger", rule, stolen.text());
}

fn request(suite: &mut Suite) {
    let rule: Rule = ("OID4VP 1.0 §14.1.2", "nonce_mismatch");
    let nonces = [
        ("missing", Value::Null),
        ("another", json!("n-1")),
        ("empty", json!("")),
        ("in-capitals", json!("N-0S6_WZA2MJ")),
        ("in-an-array", json!([super::NONCE])),
    ];
    set(suite, rule, "vp", "nonce", &nonces);
    let rule: Rule = ("OID4VP 1.0 §14.1.2", "audience_mismatch");
    let audiences = [
        ("missing", Value::Null),
        ("another", json!("x509_san_dns:other.example")),
        ("without-its-prefix", json!("verifier.example")),
        ("one-of-two", json!([super::AUDIENCE, "x509_san_dns:other.example"])),
        ("empty", json!([])),
    ];
    set(suite, rule, "vp", "aud", &audiences);
    for (name, id, value, rule) in [
        ("iat", "too-long-ago", numeric(-3600), ("OID4VP 1.0 §14.1", "presentation_too_old")),
        ("iat", "to-come", numeric(600), ("RFC 7519 §4.1.6", "presentation_from_the_future")),
        ("exp", "passed", numeric(-600), ("RFC 7519 §4.1.4", "presentation_expired")),
        ("nbf", "to-come", numeric(600), ("RFC 7519 §4.1.5", "presentation_not_yet_valid")),
        ("exp", "text", json!("soon"), ("RFC 7519 §4.1.4", "presentation_time_malformed")),
        ("iat", "text", json!("now"), ("RFC 7519 §4.1.6", "presentation_time_malformed")),
    ] {
        set(suite, rule, "vp", name, &[(id, value)]);
    }
}

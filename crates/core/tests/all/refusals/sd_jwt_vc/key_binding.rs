//! The key binding JWT.

use lanyard_core::json;
use lanyard_testkit::test_now;
use serde_json::{Value, json};

use super::{
    Suite,
    presentation::{AUDIENCE, NONCE, Presentation, sign},
};
use crate::{
    refusals::{Rule, keys::Known},
    sd_jwt_support::digest,
};

pub(super) fn cases(suite: &mut Suite) {
    form(suite);
    header(suite);
    signature(suite);
    claims(suite);
    hash(suite);
}

fn form(suite: &mut Suite) {
    let good = Presentation::good();
    let (sd_jwt, text) = (good.sd_jwt(), good.text());
    let rule: Rule = ("RFC 9901 §7.3(1)", "key_binding_missing");
    suite.refuse("key-binding-missing", rule, sd_jwt.clone());
    let rule: Rule = ("RFC 7515 §7.1", "key_binding_malformed");
    let binding = good.binding_over(&sd_jwt);
    let parts: Vec<&str> = binding.split('.').collect();
    for (id, last) in [
        ("of-two-parts", format!("{}.{}", parts[0], parts[1])),
        ("padded", format!("{binding}=")),
        ("with-newline", format!("{binding}\n")),
    ] {
        suite.refuse(format!("key-binding-{id}"), rule, format!("{sd_jwt}{last}"));
    }
    for (id, header, payload) in [
        ("header-not-json", "x".to_owned(), good.binding.to_string()),
        ("payload-not-json", good.binding_header.to_string(), "x".to_owned()),
        ("payload-an-array", good.binding_header.to_string(), "[]".to_owned()),
        ("payload-repeated-member", good.binding_header.to_string(), r#"{"iat":1,"iat":1}"#.into()),
    ] {
        let binding = sign(&good.holder, header.as_bytes(), payload.as_bytes());
        suite.refuse(format!("key-binding-{id}"), rule, format!("{sd_jwt}{binding}"));
    }
    // a key binding where a disclosure belongs is none
    let rule: Rule = ("RFC 9901 §7.1(5)", "disclosure_not_referenced");
    suite.refuse("key-binding-followed-by-tilde", rule, format!("{text}~"));
}

fn with_header(name: &str, value: Value) -> String {
    Presentation::with(|p| {
        p.binding_header[name] = value;
        p.binding_header.as_object_mut().expect("an object").retain(|_, value| !value.is_null());
    })
    .text()
}

fn header(suite: &mut Suite) {
    let rule: Rule = ("RFC 9901 §4.3.1", "key_binding_wrong_typ");
    suite.refuse("key-binding-typ-missing", rule, with_header("typ", Value::Null));
    for typ in ["JWT", "kb+sd-jwt", "dc+sd-jwt", "openid4vci-proof+jwt", "kb+jwt+x"] {
        let id = format!("key-binding-typ-{}", typ.replace('+', "-"));
        suite.refuse(id, rule, with_header("typ", typ.into()));
    }
    let rule: Rule = ("RFC 9901 §7.3(5)", "key_binding_algorithm");
    for algorithm in ["none", "None", "HS256", "RS256", "PS256", "ES512", "ES256K", "es256"] {
        let id = format!("key-binding-alg-{algorithm}");
        suite.refuse(id, rule, with_header("alg", algorithm.into()));
    }
    let rule: Rule = ("RFC 7515 §10.7", "key_binding_signature_invalid");
    for algorithm in ["ES384", "EdDSA"] {
        let id = format!("key-binding-alg-{algorithm}-for-a-p256-key");
        suite.refuse(id, rule, with_header("alg", algorithm.into()));
    }
    let rule: Rule = ("RFC 7515 §4.1", "key_binding_malformed");
    for (id, name, value) in [
        ("alg-missing", "alg", Value::Null),
        ("alg-a-number", "alg", json!(1)),
        ("crit", "crit", json!(["exp"])),
        ("b64-false", "b64", json!(false)),
        ("jku", "jku", json!("https://holder.example/jwks")),
    ] {
        suite.refuse(format!("key-binding-header-{id}"), rule, with_header(name, value));
    }
    // RFC 9901 §7.3(4): the key is the one the issuer signed, and no other is even looked at
    let rule: Rule = ("RFC 9901 §7.3(4)", "key_binding_header_key");
    let own = Known::stranger().jwk().to_value();
    suite.refuse("key-binding-brings-its-own-key", rule, with_header("jwk", own));
}

fn signature(suite: &mut Suite) {
    let rule: Rule = ("RFC 9901 §7.3(5)", "key_binding_signature_invalid");
    for (id, signer) in [("a-stranger", Known::stranger()), ("the-issuer", Known::issuer())] {
        let bad = Presentation::with(|p| p.holder = signer);
        suite.refuse(format!("key-binding-by-{id}"), rule, bad.text());
    }
    let good = Presentation::good();
    let text = good.text();
    let (input, signature) = text.rsplit_once('.').expect("a JWS has dots");
    let signature = json::base64url_decode(signature).expect("base64url");
    let mut flipped = signature.clone();
    flipped[40] ^= 4;
    for (id, signature) in [
        ("empty", Vec::new()),
        ("zero", vec![0; 64]),
        ("short", signature[..63].to_vec()),
        ("long", [&signature[..], &[0]].concat()),
        ("bit-flipped", flipped),
        ("halves-swapped", [&signature[32..], &signature[..32]].concat()),
    ] {
        let text = format!("{input}.{}", json::base64url(signature));
        suite.refuse(format!("key-binding-signature-{id}"), rule, text);
    }
    let sd_jwt = good.sd_jwt();
    let binding = good.binding_over(&sd_jwt);
    let parts: Vec<&str> = binding.split('.').collect();
    let claims = json!({
        "iat": test_now().as_second(), "aud": AUDIENCE, "nonce": NONCE,
        "sd_hash": digest(&sd_jwt), "extra": 1,
    });
    let payload = json::base64url(claims.to_string());
    let text = format!("{sd_jwt}{}.{payload}.{}", parts[0], parts[2]);
    suite.refuse("key-binding-claim-added", rule, text);
}

fn with_claim(name: &str, value: Value) -> String {
    Presentation::with(|p| p.binding[name] = value).text()
}

fn claims(suite: &mut Suite) {
    let rule: Rule = ("RFC 9901 §7.3(5.6)", "nonce_mismatch");
    for (id, nonce) in [
        ("missing", Value::Null),
        ("another", json!("n-0S6_WzA2Mk")),
        ("empty", json!("")),
        ("a-prefix", json!(&NONCE[..NONCE.len() - 1])),
        ("extended", json!(format!("{NONCE}j"))),
        ("a-number", json!(1)),
        ("an-array", json!([NONCE])),
    ] {
        suite.refuse(format!("nonce-{id}"), rule, with_claim("nonce", nonce));
    }
    let rule: Rule = ("RFC 9901 §7.3(5.6)", "audience_mismatch");
    for (id, audience) in [
        ("missing", Value::Null),
        ("another", json!("x509_san_dns:other.example")),
        ("without-prefix", json!("verifier.example")),
        ("of-another-prefix", json!("redirect_uri:verifier.example")),
        ("in-capitals", json!("x509_san_dns:VERIFIER.example")),
        ("a-subdomain", json!("x509_san_dns:a.verifier.example")),
        ("a-list-of-more", json!([AUDIENCE, "x509_san_dns:other.example"])),
        ("a-number", json!(1)),
    ] {
        suite.refuse(format!("audience-{id}"), rule, with_claim("aud", audience));
    }
    let now = test_now().as_second();
    let rule: Rule = ("RFC 9901 §4.3", "key_binding_iat");
    for (id, iat) in [
        ("missing", Value::Null),
        ("text", json!(now.to_string())),
        ("true", json!(true)),
        ("an-array", json!([now])),
        ("in-milliseconds", json!(now * 1_000)),
    ] {
        suite.refuse(format!("key-binding-iat-{id}"), rule, with_claim("iat", iat));
    }
    let rule: Rule = ("RFC 9901 §7.3(5.5)", "key_binding_too_old");
    for (id, iat) in [("an-hour-old", now - 3_600), ("a-day-old", now - 86_400), ("of-1970", 0)] {
        suite.refuse(format!("key-binding-{id}"), rule, with_claim("iat", iat.into()));
    }
    let rule: Rule = ("RFC 9901 §7.3(5.5)", "key_binding_from_the_future");
    for (id, iat) in [("an-hour-ahead", now + 3_600), ("a-day-ahead", now + 86_400)] {
        suite.refuse(format!("key-binding-{id}"), rule, with_claim("iat", iat.into()));
    }
}

fn hash(suite: &mut Suite) {
    let rule: Rule = ("RFC 9901 §7.3(5.7)", "sd_hash_mismatch");
    let good = Presentation::good();
    let (sd_jwt, jwt) = (good.sd_jwt(), good.issuer_jwt());
    for (id, hash) in [
        ("missing", Value::Null),
        ("empty", json!("")),
        ("a-number", json!(1)),
        ("padded", json!(format!("{}=", digest(&sd_jwt)))),
        ("of-the-issuer-jwt", json!(digest(&jwt))),
        ("without-the-last-tilde", json!(digest(sd_jwt.trim_end_matches('~')))),
    ] {
        suite.refuse(format!("sd-hash-{id}"), rule, with_claim("sd_hash", hash));
    }
    let binding = good.binding_over(&sd_jwt);
    let rebound = |p: &Presentation| format!("{}{binding}", p.sd_jwt());
    for at in [0, 2, 3] {
        let less = Presentation::with(|p| {
            p.disclosures.remove(at);
        });
        suite.refuse(format!("disclosure-{at}-removed-after-binding"), rule, rebound(&less));
    }
    let swapped = Presentation::with(|p| p.disclosures.swap(0, 3));
    suite.refuse("disclosures-reordered-after-binding", rule, rebound(&swapped));
    let bare = Presentation::with(|p| p.disclosures.clear());
    let text = format!("{sd_jwt}{}", bare.binding_over(&bare.sd_jwt()));
    suite.refuse("disclosures-added-after-binding", rule, text);
    let other = Presentation::with(|p| p.payload["family_name"] = "Byron".into());
    suite.refuse("key-binding-of-another-credential", rule, rebound(&other));
}

//! The claims that decide about a credential.

use serde_json::{Value, json};

use super::{
    Suite,
    presentation::{Presentation, disclosure},
};
use crate::{
    refusals::{Rule, keys::Known},
    sd_jwt_support::digest,
};
use lanyard_testkit::test_now;

pub(super) fn cases(suite: &mut Suite) {
    times(suite);
    names(suite);
    status(suite);
    withheld(suite);
    confirmation(suite);
    issuers(suite);
}

/// The presentation of a credential whose issuer signed this member; null removes it.
fn with_claim(name: &str, value: Value) -> String {
    Presentation::with(|p| {
        let members = p.payload.as_object_mut().expect("an object");
        if value.is_null() {
            members.shift_remove(name);
        } else {
            members.insert(name.into(), value);
        }
    })
    .text()
}

fn times(suite: &mut Suite) {
    for name in ["iat", "nbf", "exp"] {
        let reason = match name {
            "iat" => "credential_iat_malformed",
            "nbf" => "credential_nbf_malformed",
            _ => "credential_exp_malformed",
        };
        let values = [
            ("text", json!("1768478400")),
            ("date", json!("2026-01-15T12:00:00Z")),
            ("true", json!(true)),
            ("array", json!([1_768_478_400])),
            ("object", json!({"t": 1_768_478_400})),
            ("beyond-every-calendar", json!(1e20)),
            ("in-milliseconds", json!(1_768_478_400_000_i64)),
        ];
        for (id, value) in values {
            suite.refuse(format!("{name}-{id}"), ("RFC 7519 §2", reason), with_claim(name, value));
        }
    }
    let now = test_now().as_second();
    let windows: [(&str, &str, i64, Rule); 7] = [
        ("expired-past-the-leeway", "exp", now - 60, ("RFC 7519 §4.1.4", "credential_expired")),
        ("expired-a-day-ago", "exp", now - 86_400, ("RFC 7519 §4.1.4", "credential_expired")),
        ("expired-in-1970", "exp", 0, ("RFC 7519 §4.1.4", "credential_expired")),
        (
            "valid-just-past-the-leeway",
            "nbf",
            now + 61,
            ("RFC 7519 §4.1.5", "credential_not_yet_valid"),
        ),
        ("valid-tomorrow", "nbf", now + 86_400, ("RFC 7519 §4.1.5", "credential_not_yet_valid")),
        (
            "issued-just-past-the-leeway",
            "iat",
            now + 61,
            ("RFC 7519 §4.1.6", "credential_issued_in_the_future"),
        ),
        (
            "issued-tomorrow",
            "iat",
            now + 86_400,
            ("RFC 7519 §4.1.6", "credential_issued_in_the_future"),
        ),
    ];
    for (id, name, value, rule) in windows {
        suite.refuse(id, rule, with_claim(name, value.into()));
    }
}

fn names(suite: &mut Suite) {
    let odd = [
        ("missing", Value::Null),
        ("a-number", json!(1)),
        ("an-array", json!(["urn:example:identity:1"])),
        ("an-object", json!({})),
        ("empty", json!("")),
        ("with-space", json!("urn:example:identity 1")),
        ("with-newline", json!("urn:example:identity:1\n")),
        ("too-long", json!(format!("urn:{}", "x".repeat(3_000)))),
    ];
    let rule: Rule = ("SD-JWT VC §2.2.2.1", "credential_type_malformed");
    for (id, value) in odd.clone() {
        suite.refuse(format!("vct-{id}"), rule, with_claim("vct", value));
    }
    let rule: Rule = ("SD-JWT VC §2.2.2.2", "credential_issuer_malformed");
    for (id, value) in odd.into_iter().filter(|(id, _)| *id != "missing") {
        suite.refuse(format!("iss-{id}"), rule, with_claim("iss", value));
    }
    suite.refuse("iss-no-uri", rule, with_claim("iss", json!("issuer.example")));
    let rule: Rule = ("SD-JWT VC §2.2.2.2", "credential_further_types_malformed");
    let further = [
        ("text", json!("urn:example:other")),
        ("empty", json!([])),
        ("of-numbers", json!([1])),
        ("with-an-empty-name", json!([""])),
        ("with-the-type-itself", json!(["urn:example:identity:1"])),
    ];
    for (id, value) in further {
        suite.refuse(format!("aka-vcts-{id}"), rule, with_claim("aka_vcts", value));
    }
    let rule: Rule = ("OID4VP 1.0 App. B.3.5", "credential_wrong_type");
    let types = [
        ("another", "urn:example:identity:2"),
        ("in-capitals", "URN:example:identity:1"),
        ("a-prefix", "urn:example:identity"),
        ("an-extension", "urn:example:identity:1:1"),
    ];
    for (id, vct) in types {
        suite.refuse(format!("type-{id}"), rule, with_claim("vct", json!(vct)));
    }
}

fn status(suite: &mut Suite) {
    let rule: Rule = ("Token Status List §6.1", "credential_status_malformed");
    let uri = "https://issuer.example/status/1";
    let values = [
        ("text", json!("valid")),
        ("array", json!([])),
        ("list-text", json!({"status_list": "x"})),
        ("list-empty", json!({"status_list": {}})),
        ("index-missing", json!({"status_list": {"uri": uri}})),
        ("index-negative", json!({"status_list": {"idx": -1, "uri": uri}})),
        ("index-text", json!({"status_list": {"idx": "0", "uri": uri}})),
        ("index-a-fraction", json!({"status_list": {"idx": 0.5, "uri": uri}})),
        ("uri-missing", json!({"status_list": {"idx": 0}})),
        ("uri-a-number", json!({"status_list": {"idx": 0, "uri": 1}})),
    ];
    for (id, value) in values {
        suite.refuse(format!("status-{id}"), rule, with_claim("status", value));
    }
}

fn withheld(suite: &mut Suite) {
    let rule: Rule = ("SD-JWT VC §2.2.2.2", "claim_must_not_be_selective");
    let now = test_now().as_second();
    let holder = Known::holder().jwk().to_value();
    let claims = [
        ("nbf", json!(now)),
        ("exp", json!(now + 60)),
        ("cnf", json!({"jwk": holder})),
        ("vct#integrity", json!("sha256-47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU")),
        ("aka_vcts", json!(["urn:example:other"])),
        ("status", json!({"status_list": {"idx": 0, "uri": "https://issuer.example/s"}})),
    ];
    for (name, value) in claims {
        let bad = Presentation::with(|p| {
            p.payload.as_object_mut().expect("an object").shift_remove(name);
            p.signed_disclosure(disclosure(&json!(["Qg_O64zqAxe412a108iroA", name, value])));
        });
        suite.refuse(format!("{}-by-disclosure", name.replace('#', "-")), rule, bad.text());
    }
    let inside = disclosure(&json!(["Qg_O64zqAxe412a108iroA", "jwk", holder]));
    let bad = Presentation::with(|p| {
        p.payload["cnf"] = json!({"_sd": [digest(&inside)]});
        p.disclosures.push(inside);
    });
    suite.refuse("a-part-of-cnf-by-disclosure", rule, bad.text());
    for (name, value, reason) in [
        ("vct", json!("urn:example:identity:1"), "credential_type_malformed"),
        ("iss", json!("https://issuer.example"), "issuer_not_trusted"),
    ] {
        let bad = Presentation::with(|p| {
            p.payload.as_object_mut().expect("an object").shift_remove(name);
            p.signed_disclosure(disclosure(&json!(["Qg_O64zqAxe412a108iroA", name, value])));
        });
        suite.refuse(format!("{name}-by-disclosure"), ("SD-JWT VC §2.2.2.2", reason), bad.text());
    }
}

fn confirmation(suite: &mut Suite) {
    let jwk = Known::holder().jwk().to_value();
    let changed = |name: &str, value: Value| {
        let mut jwk = jwk.clone();
        jwk[name] = value;
        json!({"jwk": jwk})
    };
    let none: Rule = ("RFC 9901 §7.3(2)", "credential_not_bound");
    suite.refuse("cnf-missing", none, with_claim("cnf", Value::Null));
    let unsupported: Rule = ("RFC 7800 §3", "credential_binding_unsupported");
    for (id, cnf) in [
        ("empty", json!({})),
        ("text", json!("key")),
        ("by-key-id", json!({"kid": "1"})),
        ("by-url", json!({"jku": "https://holder.example/jwks", "kid": "1"})),
        ("encrypted", json!({"jwe": "a.b.c.d.e"})),
        ("by-thumbprint", json!({"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"})),
    ] {
        suite.refuse(format!("cnf-{id}"), unsupported, with_claim("cnf", cnf));
    }
    let key: Rule = ("RFC 7800 §3.2", "credential_binding_key");
    for (id, cnf) in [
        ("not-an-object", json!({"jwk": "key"})),
        ("private", changed("d", "AAAA".into())),
        ("symmetric", json!({"jwk": {"kty": "oct", "k": "AAAA"}})),
        ("rsa", json!({"jwk": {"kty": "RSA", "n": "AQAB", "e": "AQAB"}})),
        ("without-kty", json!({"jwk": {"crv": "P-256", "x": jwk["x"], "y": jwk["y"]}})),
        ("of-an-unknown-curve", changed("crv", "P-521".into())),
        ("of-another-curve", changed("crv", "P-384".into())),
        ("without-y", json!({"jwk": {"kty": "EC", "crv": "P-256", "x": jwk["x"]}})),
        ("short-x", changed("x", "AAAA".into())),
        ("padded-x", changed("x", format!("{}=", jwk["x"].as_str().expect("text")).into())),
        ("x-a-number", changed("x", json!(1))),
        ("for-encryption", changed("use", "enc".into())),
        ("for-agreement", changed("key_ops", json!(["deriveKey"]))),
    ] {
        suite.refuse(format!("cnf-key-{id}"), key, with_claim("cnf", cnf));
    }
    let off_curve = changed("y", jwk["x"].clone());
    let rule: Rule = ("RFC 9901 §7.3(5)", "key_binding_signature_invalid");
    suite.refuse("cnf-key-off-its-curve", rule, with_claim("cnf", off_curve));
}

fn issuers(suite: &mut Suite) {
    let unknown: Rule = ("SD-JWT VC §2.5", "issuer_not_trusted");
    for (id, iss) in [
        ("missing", Value::Null),
        ("a-stranger", json!("https://stranger.example")),
        ("with-slash", json!("https://issuer.example/")),
        ("with-path", json!("https://issuer.example/tenant")),
        ("by-http", json!("http://issuer.example")),
        ("in-capitals", json!("https://ISSUER.example")),
        ("with-port", json!("https://issuer.example:443")),
        ("a-did", json!("did:web:issuer.example")),
    ] {
        suite.refuse(format!("issuer-{id}"), unknown, with_claim("iss", iss));
    }
}

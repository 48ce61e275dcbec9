//! The document of a did:web, and a key in it (DID 1.1 §5, CID 1.0 §2).

use lanyard_core::did::Did;
use serde_json::{Value, json};

use super::{DOCUMENT, KEY, WEB};
use crate::refusals::{Rule, Suite, keys::Known};

fn good() -> Value {
    json!({
        "@context": ["https://www.w3.org/ns/did/v1.1"],
        "id": WEB,
        "verificationMethod": [{
            "id": KEY,
            "type": "JsonWebKey",
            "controller": WEB,
            "publicKeyJwk": Known::issuer().jwk().to_value(),
        }],
        "assertionMethod": [KEY],
    })
}

fn with(change: impl FnOnce(&mut Value)) -> String {
    let mut document = good();
    change(&mut document);
    document.to_string()
}

fn method(name: &str, value: Value) -> String {
    with(|d| set(&mut d["verificationMethod"][0], name, value))
}

fn set(object: &mut Value, name: &str, value: Value) {
    let members = object.as_object_mut().expect("it is an object");
    if value.is_null() {
        members.shift_remove(name);
    } else {
        members.insert(name.to_owned(), value);
    }
}

pub(super) fn cases(suite: &mut Suite) {
    suite.accept(DOCUMENT, "document-with-a-jwk", good().to_string());
    let multikey = Did::from_key(&Known::issuer().public);
    let by_multikey = with(|d| {
        d["verificationMethod"][0] = json!({
            "id": "#key", "type": "Multikey", "controller": WEB,
            "publicKeyMultibase": multikey.method_specific_id(),
        });
    });
    suite.accept(DOCUMENT, "document-with-a-multikey", by_multikey);
    let embedded = with(|d| {
        d["assertionMethod"] = json!([d["verificationMethod"][0].take()]);
        set(d, "verificationMethod", Value::Null);
    });
    suite.accept(DOCUMENT, "document-with-an-embedded-method", embedded);
    documents(suite);
    methods(suite);
    uses(suite);
}

fn refuse(suite: &mut Suite, rule: Rule, cases: Vec<(&str, String)>) {
    for (id, input) in cases {
        suite.refuse_as(DOCUMENT, format!("document-{id}"), rule, input);
    }
}

fn documents(suite: &mut Suite) {
    let text = good().to_string();
    refuse(
        suite,
        ("DID 1.1 §6", "did_document_unreadable"),
        vec![
            ("not-json", "<html>".into()),
            ("an-array", format!("[{text}]")),
            ("with-a-member-twice", text.replacen('{', r#"{"id":"did:web:issuer.example","#, 1)),
            ("empty", String::new()),
        ],
    );
    refuse(
        suite,
        ("DID 1.1 §5.1.1", "did_document_of_another"),
        vec![
            ("without-id", with(|d| set(d, "id", Value::Null))),
            ("of-another", with(|d| d["id"] = json!("did:web:other.example"))),
            ("of-a-number", with(|d| d["id"] = json!(1))),
            ("of-another-spelling", with(|d| d["id"] = json!("did:web:ISSUER.example"))),
            ("of-a-did-url", with(|d| d["id"] = json!(KEY))),
        ],
    );
    refuse(
        suite,
        ("DID 1.1 §5.2", "did_document_member_type"),
        vec![
            ("methods-an-object", with(|d| d["verificationMethod"] = json!({}))),
            ("purposes-a-text", with(|d| d["assertionMethod"] = json!(KEY))),
            ("services-an-object", with(|d| d["service"] = json!({}))),
        ],
    );
}

fn methods(suite: &mut Suite) {
    let rule: Rule = ("DID 1.1 §5.2", "did_document_method_malformed");
    refuse(
        suite,
        rule,
        vec![
            ("method-a-text", with(|d| d["verificationMethod"] = json!([KEY]))),
            ("method-without-id", method("id", Value::Null)),
            ("method-without-type", method("type", Value::Null)),
            ("method-with-a-number-for-a-controller", method("controller", json!(1))),
            ("method-whose-controller-is-no-did", method("controller", json!("https://a.example"))),
            ("method-without-a-key", method("publicKeyJwk", Value::Null)),
            ("method-with-an-id-that-is-no-did-url", method("id", json!("key"))),
            ("purpose-a-number", with(|d| d["assertionMethod"] = json!([1]))),
        ],
    );
    let twice = with(|d| {
        let method = d["verificationMethod"][0].clone();
        d["verificationMethod"] = json!([method, method]);
    });
    let many = with(|d| {
        let method = |n: usize| {
            let mut method = good()["verificationMethod"][0].clone();
            method["id"] = json!(format!("#key-{n}"));
            method
        };
        d["verificationMethod"] = (0..65).map(method).collect();
    });
    refuse(suite, ("CID 1.0 §2.2", "did_document_method_twice"), vec![("method-twice", twice)]);
    refuse(
        suite,
        ("a limit of 64", "did_document_too_many_methods"),
        vec![("methods-too-many", many)],
    );
    let mut private = Known::issuer().jwk().to_value();
    private["d"] = json!("AAAA");
    refuse(
        suite,
        ("CID 1.0 §2.2", "did_document_private_key"),
        vec![
            ("private-jwk", method("publicKeyJwk", private)),
            ("private-key-beside-it", method("secretKeyJwk", json!({"kty": "EC"}))),
            ("private-key-in-multibase", method("privateKeyMultibase", json!("z"))),
        ],
    );
    let multikey = Did::from_key(&Known::issuer().public).method_specific_id().to_owned();
    let two = method("publicKeyMultibase", json!(multikey));
    refuse(suite, ("CID 1.0 §2.2", "did_document_two_keys"), vec![("method-with-two-keys", two)]);
    let short = {
        let mut jwk = Known::issuer().jwk().to_value();
        jwk["x"] = json!("AAAA");
        jwk
    };
    let off =
        format!("z{}", bs58::encode([&[0x80, 0x24, 2][..], &[0xff; 32]].concat()).into_string());
    let multikey = |text: &str| {
        with(|d| {
            d["verificationMethod"][0] = json!({
                "id": KEY, "type": "Multikey", "controller": WEB, "publicKeyMultibase": text,
            });
        })
    };
    refuse(
        suite,
        ("CID 1.0 §2.2", "did_document_key_invalid"),
        vec![
            ("jwk-with-a-short-x", method("publicKeyJwk", short)),
            ("multikey-off-its-curve", multikey(&off)),
            ("multikey-of-no-base58", multikey("z0OIl")),
            ("multikey-in-base64url", multikey("u7QE")),
        ],
    );
}

fn uses(suite: &mut Suite) {
    let rule: Rule = ("CID 1.0 §3.3", "did_verification_method_not_found");
    refuse(
        suite,
        rule,
        vec![
            (
                "without-the-key",
                with(|d| {
                    set(d, "verificationMethod", Value::Null);
                    set(d, "assertionMethod", Value::Null);
                }),
            ),
            (
                "with-another-key",
                with(|d| {
                    d["verificationMethod"][0]["id"] = json!("#other");
                    d["assertionMethod"] = json!(["#other"]);
                }),
            ),
            ("with-a-reference-to-nothing", with(|d| set(d, "verificationMethod", Value::Null))),
            (
                "of-another-fragment-in-capitals",
                with(|d| {
                    d["verificationMethod"][0]["id"] = json!("#KEY");
                    d["assertionMethod"] = json!(["#KEY"]);
                }),
            ),
        ],
    );
    let rule: Rule = ("DID 1.1 §5.3", "did_verification_method_purpose");
    let encryption = {
        let mut jwk = Known::issuer().jwk().to_value();
        jwk["use"] = json!("enc");
        jwk
    };
    refuse(
        suite,
        rule,
        vec![
            ("key-for-nothing", with(|d| set(d, "assertionMethod", Value::Null))),
            (
                "key-for-authentication",
                with(|d| {
                    set(d, "assertionMethod", Value::Null);
                    d["authentication"] = json!([KEY]);
                }),
            ),
            ("key-for-encryption", method("publicKeyJwk", encryption)),
            (
                "key-embedded-for-authentication",
                with(|d| {
                    d["authentication"] = json!([d["verificationMethod"][0].take()]);
                    set(d, "verificationMethod", Value::Null);
                    set(d, "assertionMethod", Value::Null);
                }),
            ),
        ],
    );
    let rule: Rule = ("CID 1.0 §3.3", "did_verification_method_controller");
    refuse(
        suite,
        rule,
        vec![
            ("key-of-another", method("controller", json!("did:web:other.example"))),
            ("key-of-nobody", method("controller", Value::Null)),
        ],
    );
    let rule: Rule = ("a kind of key that is not supported", "did_key_not_supported");
    refuse(
        suite,
        rule,
        vec![
            ("key-of-rsa", method("publicKeyJwk", json!({"kty": "RSA", "n": "AQAB", "e": "AQAB"}))),
            ("key-of-an-unknown-type", method("type", json!("Ed25519VerificationKey2099"))),
            (
                "key-of-x25519",
                with(|d| {
                    d["verificationMethod"][0]["publicKeyJwk"] = json!({
                        "kty": "OKP", "crv": "X25519", "x": "CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk",
                    });
                }),
            ),
        ],
    );
}

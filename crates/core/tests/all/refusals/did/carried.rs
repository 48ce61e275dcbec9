//! did:key, did:jwk and did:peer.

use lanyard_core::{
    crypto::{CryptoProvider as _, HashAlgorithm, RustCrypto},
    did::Did,
    json::{self, Object},
};
use serde_json::{Value, json};

use super::DID;
use crate::refusals::{Rule, Suite, keys::Known};

fn key(bytes: &[u8]) -> String {
    format!("did:key:z{}", bs58::encode(bytes).into_string())
}

fn jwk(value: &Value) -> String {
    format!("did:jwk:{}", json::base64url(value.to_string()))
}

pub(super) fn cases(suite: &mut Suite) {
    for (id, known) in
        [("p256", Known::issuer()), ("p384", Known::p384()), ("ed25519", Known::ed25519())]
    {
        suite.accept(DID, format!("key-{id}"), Did::from_key(&known.public).to_string());
        suite.accept(DID, format!("jwk-{id}"), known.did().to_string());
    }
    syntax(suite);
    keys(suite);
    jwks(suite);
    peers(suite);
}

fn refuse(suite: &mut Suite, rule: Rule, cases: &[(&str, String)]) {
    for (id, input) in cases {
        suite.refuse_as(DID, *id, rule, input.clone());
    }
}

fn syntax(suite: &mut Suite) {
    let cases = [
        ("syntax-empty", String::new()),
        ("syntax-without-a-method", "did::abc".into()),
        ("syntax-without-an-identifier", "did:key:".into()),
        ("syntax-in-capitals", "DID:key:z6Mk".into()),
        ("syntax-method-in-capitals", "did:KEY:z6Mk".into()),
        ("syntax-with-a-fragment", "did:key:z6Mk#z6Mk".into()),
        ("syntax-with-a-space", "did:key:z6Mk ".into()),
        ("syntax-with-a-bad-escape", "did:web:a%2".into()),
        ("syntax-a-url", "https://issuer.example".into()),
    ];
    refuse(suite, ("DID 1.1 §3.1", "did_malformed"), &cases);
    let cases = [("method-unknown", "did:example:abc".into())];
    refuse(suite, ("DID Resolution 1.0 §10", "did_method_not_supported"), &cases);
}

fn keys(suite: &mut Suite) {
    let ed25519 = [&[0xed, 0x01][..], &[7; 32]].concat();
    let cases = [
        ("key-in-base64url", format!("did:key:u{}", json::base64url(&ed25519))),
        ("key-without-multibase", format!("did:key:{}", bs58::encode(&ed25519).into_string())),
        ("key-of-no-base58", "did:key:z0OIl".into()),
        ("key-with-a-version", "did:key:1:z6Mk".into()),
    ];
    refuse(suite, ("did:key v0.9, Decode Public Key", "did_malformed"), &cases);
    let cases = [
        ("key-short", key(&ed25519[..33])),
        ("key-long", key(&[&ed25519[..], &[0]].concat())),
        ("key-not-compressed", key(&[&[0x80, 0x24, 4][..], &[7; 64]].concat())),
    ];
    refuse(suite, ("did:key v0.9, Signature Method Creation", "did_key_length"), &cases);
    let off = |prefix: &[u8], length: usize| {
        // x is no coordinate of any point: all bits are set, which is beyond the field
        key(&[prefix, &[2], &vec![0xff; length]].concat())
    };
    let cases = [
        ("key-off-p256", off(&[0x80, 0x24], 32)),
        ("key-off-p384", off(&[0x81, 0x24], 48)),
        ("key-whose-point-has-no-sign", key(&[&[0x80, 0x24, 5][..], &[1; 32]].concat())),
        ("key-of-small-order", key(&[&[0xed, 0x01, 1][..], &[0; 31]].concat())),
        ("key-of-zeros", key(&[&[0xed, 0x01][..], &[0; 32]].concat())),
        ("key-off-ed25519", "did:key:z6Mkeb4rtEhc8DUtvt5ehaVjdx3TLbQPpnTArkXhqfb1Mq75".into()),
    ];
    refuse(suite, ("did:key v0.9, Signature Method Creation", "did_key_invalid"), &cases);
    let cases = [
        ("key-on-p521", key(&[&[0x82, 0x24, 2][..], &[1; 66]].concat())),
        ("key-of-an-unknown-kind", key(&[&[0x01, 0x01][..], &[7; 32]].concat())),
        (
            "key-whose-prefix-is-longer-than-it-need-be",
            key(&[&[0xed, 0x81, 0x00][..], &[7; 32]].concat()),
        ),
        ("key-far-too-long", format!("did:key:z{}", "2".repeat(1000))),
    ];
    refuse(suite, ("a kind of key that is not supported", "did_key_not_supported"), &cases);
}

fn jwks(suite: &mut Suite) {
    let good = Known::issuer().jwk().to_value();
    let with = |name: &str, value: Value| {
        let mut changed = good.clone();
        changed[name] = value;
        jwk(&changed)
    };
    let without = |name: &str| {
        let mut changed = good.clone();
        changed.as_object_mut().expect("an object").shift_remove(name);
        jwk(&changed)
    };
    let cases = [
        ("jwk-not-base64url", "did:jwk:e30=".into()),
        ("jwk-in-multibase", format!("did:jwk:z{}", bs58::encode(good.to_string()).into_string())),
    ];
    refuse(suite, ("did:jwk", "did_malformed"), &cases[..1]);
    // base58 is base64url of something that is no JSON, if it is base64url at all
    let cases = [
        ("jwk-not-json", format!("did:jwk:{}", json::base64url("key"))),
        ("jwk-an-array", jwk(&json!([good]))),
        ("jwk-with-a-member-twice", {
            let text = good.to_string().replacen('{', r#"{"kty":"EC","#, 1);
            format!("did:jwk:{}", json::base64url(text))
        }),
    ];
    refuse(suite, ("did:jwk", "did_jwk_unreadable"), &cases);
    let cases = [
        ("jwk-private", with("d", json!("AAAA"))),
        ("jwk-without-kty", without("kty")),
        ("jwk-without-y", without("y")),
        ("jwk-with-a-short-x", with("x", json!("AAAA"))),
        (
            "jwk-with-a-padded-x",
            with("x", json!(format!("{}=", good["x"].as_str().expect("text")))),
        ),
    ];
    refuse(suite, ("RFC 7517 §4, RFC 7518 §6.2", "did_jwk_refused"), &cases);
    let cases = [
        ("jwk-rsa", jwk(&json!({"kty": "RSA", "n": "AQAB", "e": "AQAB"}))),
        ("jwk-on-p521", with("crv", json!("P-521"))),
    ];
    refuse(suite, ("a kind of key that is not supported", "did_key_not_supported"), &cases);
}

fn peers(suite: &mut Suite) {
    let known = Did::from_key(&Known::ed25519().public);
    let multikey = known.method_specific_id().to_owned();
    suite.accept(DID, "peer-0", format!("did:peer:0{multikey}"));
    suite.accept(DID, "peer-2", format!("did:peer:2.V{multikey}.A{multikey}"));
    let service = |text: &str| format!("did:peer:2.V{multikey}.S{}", json::base64url(text));
    let cases = [
        ("peer-of-another-generation", format!("did:peer:5{multikey}")),
        ("peer-1", format!("did:peer:1{multikey}")),
    ];
    refuse(suite, ("Peer DID Method 1.0", "peer_generation_method"), &cases);
    let cases = [
        ("peer-2-of-an-unknown-purpose", format!("did:peer:2.X{multikey}")),
        ("peer-2-with-an-empty-element", format!("did:peer:2.V{multikey}..A{multikey}")),
    ];
    refuse(suite, ("Peer DID Method 1.0, Method 2", "peer_element_purpose"), &cases);
    let cases = [
        ("peer-2-of-no-key", "did:peer:2.Vz6Mk".into()),
        ("peer-2-of-base64url", format!("did:peer:2.Vu{}", json::base64url([7; 34]))),
    ];
    refuse(suite, ("Peer DID Method 1.0, Method 2", "peer_element_key"), &cases);
    let cases = [
        ("peer-2-service-not-json", service("service")),
        ("peer-2-service-a-list", service(r#"[{"t":"dm"}]"#)),
        ("peer-2-service-with-an-absolute-id", service(r#"{"t":"dm","id":"https://a.example"}"#)),
        ("peer-2-service-not-base64url", format!("did:peer:2.V{multikey}.Se30%3D")),
    ];
    refuse(
        suite,
        ("Peer DID Method 1.0, Method 2, Service Encoding", "peer_service_malformed"),
        &cases,
    );
    let long = Did::peer_of_document(&Object::new(), &RustCrypto).expect("it is small");
    suite.accept(DID, "peer-4", long.to_string());
    let long = long.as_str();
    let short = long.rsplit_once(':').expect("it has two parts").0;
    let document = |bytes: &[u8]| {
        let encoded = format!("z{}", bs58::encode(bytes).into_string());
        let digest = RustCrypto.hash(HashAlgorithm::Sha256, encoded.as_bytes());
        let hash = bs58::encode([&[0x12, 0x20], digest.as_bytes()].concat()).into_string();
        format!("did:peer:4z{hash}:{encoded}")
    };
    let cases = [("peer-4-of-another-document", format!("{long}2"))];
    refuse(suite, ("did:peer:4 1.0, Hash", "peer_hash"), &cases);
    let cases = [
        ("peer-4-not-json", document(b"\x80\x04document")),
        ("peer-4-of-another-codec", document(b"\x01\x01{}")),
        ("peer-4-with-an-id", document(b"\x80\x04{\"id\":\"did:peer:4z\"}")),
        ("peer-4-with-a-member-twice", document(b"\x80\x04{\"a\":1,\"a\":2}")),
    ];
    refuse(suite, ("did:peer:4 1.0, Encoded Document", "peer_document_encoding"), &cases);
    let cases = [("peer-4-short", short.to_owned())];
    refuse(suite, ("did:peer:4 1.0, Short Form", "peer_long_form_unknown"), &cases);
}

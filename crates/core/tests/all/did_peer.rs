//! did:peer: the official identifiers and documents, and every refusal by name.

use std::sync::Arc;

use lanyard_core::{
    crypto::{AwsLc, Curve, RustCrypto},
    did::{
        Did, DidDocument, DidMethods, DidResolver, DocumentFault, PeerFault, Relationship,
        ResolutionError,
    },
    json::{Object, base64url},
};
use lanyard_testkit::vectors;
use serde_json::{Value, json};

use crate::did_support::now;

fn resolve(text: &str) -> Result<DidDocument, ResolutionError> {
    let did = Did::parse(text)?;
    let one = now(DidMethods::new(Arc::new(RustCrypto)).resolve(&did));
    assert_eq!(one, now(DidMethods::new(Arc::new(AwsLc)).resolve(&did)), "the providers agree");
    one
}

fn did(text: &Value) -> Did {
    Did::parse(text.as_str().expect("a DID is text")).expect("the vectors have good DIDs")
}

fn json_of(document: &DidDocument) -> Value {
    Value::Object(document.to_json())
}

#[test]
fn the_form_0_is_the_did_key_under_another_name() {
    if !vectors::available("did-peer") {
        return;
    }
    let vector = &vectors::json("did-peer/peer023_vectors.json")["peer0"];
    let (peer, key) = (did(&vector["did"]), did(&vector["equivalent_did_key"]));
    let (document, of_key) = (resolve(peer.as_str()).unwrap(), resolve(key.as_str()).unwrap());
    let name = peer.with_fragment(key.method_specific_id()).unwrap();
    let key_name = key.with_fragment(key.method_specific_id()).unwrap();
    assert!(document.assertion_method(&name).is_ok());
    assert_eq!(document.assertion_method(&name), of_key.assertion_method(&key_name));
}

#[test]
fn the_form_2_is_written_out_as_its_official_document() {
    if !vectors::available("did-peer") {
        return;
    }
    let vector = &vectors::json("did-peer/peer023_vectors.json")["peer2"];
    let document = resolve(vector["did"].as_str().unwrap()).unwrap();
    assert_eq!(json_of(&document), vector["did_document"]);
    let key = |name, relationship| {
        let name = document.id().with_fragment(name).unwrap();
        document.key_for(&name, relationship).map(|key| key.curve())
    };
    assert_eq!(key("key-1", Relationship::Authentication), Ok(Curve::Ed25519));
    assert_eq!(key("key-2", Relationship::KeyAgreement), Ok(Curve::X25519));
}

#[test]
fn the_form_3_is_the_hash_of_a_form_2_that_was_seen() {
    if !vectors::available("did-peer") {
        return;
    }
    let pairs = vectors::json("did-peer/peer023_vectors.json")["peer3"].clone();
    for pair in pairs.as_array().unwrap() {
        let (long, short) = (did(&pair["peer2"]), did(&pair["peer3"]));
        assert_eq!(long.short_peer(&RustCrypto), Some(short.clone()));
        assert_eq!(resolve(short.as_str()), Err(ResolutionError::Peer(PeerFault::LongFormUnknown)));
        let methods = DidMethods::new(Arc::new(RustCrypto)).with_known_peer(long.clone());
        let document = now(methods.resolve(&short)).unwrap();
        assert_eq!(document.id(), &short);
        assert_eq!(document.to_json()["alsoKnownAs"], json!([long]));
        assert!(document.methods_for(Relationship::Authentication).next().is_some());
    }
}

/// The document without its empty lists: the last of the published documents has lost the one that went
/// in, which did:peer:4 does not ask for.
fn written(document: &DidDocument) -> Value {
    let members = document.to_json().into_iter().filter(|(_, value)| *value != json!([]));
    Value::Object(members.collect())
}

#[test]
fn both_forms_of_4_are_written_out_as_their_official_documents() {
    if !vectors::available("did-peer") {
        return;
    }
    let cases = vectors::json("did-peer/peer4_vectors.json");
    assert_eq!(cases.as_array().unwrap().len(), 7);
    for case in cases.as_array().unwrap() {
        let (long, short) = (did(&case["long_form"]), did(&case["short_form"]));
        assert_eq!(written(&resolve(long.as_str()).unwrap()), case["resolved_long"]);
        assert_eq!(long.short_peer(&AwsLc), Some(short.clone()));
        let unseen = resolve(short.as_str());
        assert_eq!(unseen, Err(ResolutionError::Peer(PeerFault::LongFormUnknown)));
        let methods = DidMethods::new(Arc::new(RustCrypto)).with_known_peer(long);
        assert_eq!(written(&now(methods.resolve(&short)).unwrap()), case["resolved_short"]);
    }
}

#[test]
fn every_official_input_of_form_4_comes_back_out() {
    if !vectors::available("did-peer") {
        return;
    }
    for file in vectors::files("did-peer/peer4-inputs", "json") {
        let input = vectors::json(file);
        let made = Did::peer_of_document(input.as_object().unwrap(), &RustCrypto).unwrap();
        let document = resolve(made.as_str()).unwrap().to_json();
        for (name, value) in input.as_object().unwrap() {
            // whose the keys are is added, and no more
            if !["verificationMethod", "authentication", "keyAgreement"].contains(&name.as_str()) {
                assert_eq!(&document[name], value, "{name}");
            }
        }
    }
}

const ED25519: &str = "z6Mkj3PUd1WjvaDhNZhhhXQdz5UnZXmS7ehtx8bsPpD47kKc";

fn refusal(did: &str) -> ResolutionError {
    resolve(did).expect_err("this did:peer is refused")
}

#[test]
fn refuses_a_generation_method_that_is_not_supported() {
    for did in ["did:peer:1zQm", "did:peer:5z", "did:peer:%41", "did:peer:0a:b"] {
        assert_eq!(refusal(did), ResolutionError::Peer(PeerFault::Numalgo), "{did}");
    }
}

#[test]
fn refuses_an_element_of_unknown_purpose() {
    for elements in ["Vz6Mk", ".", ".Xz6Mk", ".vz6Mk", &format!(".V{ED25519}.")] {
        let did = format!("did:peer:2{elements}");
        let expected = match Did::parse(&did) {
            Ok(_) => ResolutionError::Peer(PeerFault::Purpose),
            Err(fault) => fault,
        };
        assert_eq!(refusal(&did), expected, "{did}");
    }
}

#[test]
fn refuses_an_element_without_a_supported_key() {
    // no key, and one of P-521
    let p521 = bs58::encode([&[0x82, 0x24][..], &[2; 67]].concat()).into_string();
    for key in ["", "z6Mk", &format!("z{p521}")] {
        let did = format!("did:peer:2.V{key}.V{ED25519}");
        assert_eq!(refusal(&did), ResolutionError::Peer(PeerFault::Key), "{did}");
    }
}

#[test]
fn refuses_a_service_that_cannot_be_read() {
    let list = base64url(r#"[{"t":"dm"}]"#);
    let twice = base64url(r#"{"t":"dm","t":"dm"}"#);
    let absolute = base64url(r#"{"id":"did:example:a#x","t":"dm"}"#);
    for service in ["", "e30%3D", &list, &twice, &absolute] {
        let did = format!("did:peer:2.V{ED25519}.S{service}");
        assert_eq!(refusal(&did), ResolutionError::Peer(PeerFault::Service), "{did}");
    }
}

#[test]
fn refuses_a_form_2_beyond_the_number_of_keys() {
    let did = format!("did:peer:2{}", format!(".V{ED25519}").repeat(65));
    assert_eq!(refusal(&did), ResolutionError::Document(DocumentFault::TooManyMethods));
    let endless = format!("did:peer:2{}", format!(".V{ED25519}").repeat(100));
    assert_eq!(refusal(&endless), ResolutionError::InvalidDid);
}

/// A form 4 over any bytes, with the right hash.
fn form_4(bytes: &[u8]) -> String {
    let encoded = format!("z{}", bs58::encode(bytes).into_string());
    let digest = lanyard_core::crypto::CryptoProvider::hash(
        &RustCrypto,
        lanyard_core::crypto::HashAlgorithm::Sha256,
        encoded.as_bytes(),
    );
    let hash = bs58::encode([&[0x12, 0x20], digest.as_bytes()].concat()).into_string();
    format!("did:peer:4z{hash}:{encoded}")
}

#[test]
fn refuses_a_form_4_whose_hash_is_of_another_document() {
    let one = form_4(b"\x80\x04{\"a\":1}");
    let other = form_4(b"\x80\x04{\"a\":2}");
    let (hash, _) = one.rsplit_once(':').unwrap();
    let (_, encoded) = other.rsplit_once(':').unwrap();
    let mixed = format!("{hash}:{encoded}");
    assert_eq!(refusal(&mixed), ResolutionError::Peer(PeerFault::Hash));
    assert!(resolve(&one).is_ok() && resolve(&other).is_ok());
}

#[test]
fn refuses_a_form_4_whose_document_cannot_be_read() {
    for bytes in [
        &b"{}"[..],
        b"\x80\x04",
        b"\x80\x04[]",
        b"\x80\x04{\"a\":1,\"a\":1}",
        b"\x80\x04{\"id\":\"did:example:a\"}",
        b"\x81\x04{}",
    ] {
        let outcome = refusal(&form_4(bytes));
        assert_eq!(outcome, ResolutionError::Peer(PeerFault::Encoding), "{bytes:?}");
    }
}

#[test]
fn makes_no_form_4_of_a_document_that_has_an_id_or_is_too_large() {
    let make = |value: Value| {
        let document: Object = value.as_object().unwrap().clone();
        Did::peer_of_document(&document, &RustCrypto)
    };
    assert_eq!(make(json!({"id": "did:example:a"})), Err(PeerFault::Encoding));
    assert_eq!(make(json!({"service": "x".repeat(4096)})), Err(PeerFault::Encoding));
}

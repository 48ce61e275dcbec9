//! DID documents: each rule broken alone, and which keys are for what.

use lanyard_core::{
    crypto::RustCrypto,
    did::{Did, DidDocument, DocumentFault, ResolutionError},
    json::base64url,
};
use serde_json::{Value, json};

use crate::did::{parse, url};

pub(crate) const DID: &str = "did:web:issuer.example";
pub(crate) const KEY: &str = "did:web:issuer.example#key";

/// A good document, to be broken in one place.
pub(crate) fn document() -> Value {
    json!({
        "id": DID,
        "verificationMethod": [{
            "id": KEY, "type": "Multikey", "controller": DID,
            "publicKeyMultibase": "z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK",
        }],
        "assertionMethod": [KEY],
    })
}

fn refusal(change: impl FnOnce(&mut Value)) -> DocumentFault {
    let mut broken = document();
    change(&mut broken);
    parse(DID, &broken).expect_err("this document is refused")
}

#[test]
fn refuses_the_document_of_another_did() {
    for id in [json!("did:web:other.example"), json!([DID]), json!(null)] {
        assert_eq!(refusal(|document| document["id"] = id), DocumentFault::ForeignId);
    }
}

#[test]
fn refuses_a_document_that_is_not_strict_json() {
    let did = Did::parse(DID).unwrap();
    let twice = format!(r#"{{"id":"{DID}","id":"{DID}"}}"#);
    let marked = format!("\u{feff}{}", document());
    for text in [twice.as_str(), marked.as_str(), "<html></html>", ""] {
        let outcome = DidDocument::parse(&did, text.as_bytes(), &RustCrypto);
        assert!(matches!(outcome, Err(DocumentFault::Unreadable(_))), "{text}");
    }
}

#[test]
fn refuses_members_of_the_wrong_type() {
    for name in ["verificationMethod", "assertionMethod"] {
        let fault = refusal(|document| document[name] = json!({}));
        assert_eq!(fault, DocumentFault::WrongType(name));
    }
}

#[test]
fn refuses_a_malformed_verification_method() {
    for (member, value) in [
        ("id", json!("key")),
        ("id", json!(null)),
        ("type", json!(1)),
        ("controller", json!("nobody")),
        ("controller", json!([DID])),
        ("controller", json!(null)),
        ("publicKeyMultibase", json!(null)),
    ] {
        let fault = refusal(|document| document["verificationMethod"][0][member] = value.clone());
        assert_eq!(fault, DocumentFault::MalformedMethod, "{member} {value}");
    }
}

#[test]
fn refuses_two_verification_methods_of_one_id() {
    let fault = refusal(|document| {
        let mut again = document["verificationMethod"][0].clone();
        again["id"] = json!("#key");
        document["verificationMethod"].as_array_mut().unwrap().push(again);
    });
    assert_eq!(fault, DocumentFault::DuplicateMethod);
}

#[test]
fn refuses_a_document_with_a_private_key() {
    let fault = refusal(|document| {
        document["verificationMethod"][0]["secretKeyMultibase"] = json!("z");
    });
    assert_eq!(fault, DocumentFault::PrivateKey);
    let fault = refusal(|document| {
        let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": base64url([7; 32]), "d": "AA"});
        document["verificationMethod"][0] =
            json!({"id": KEY, "type": "JsonWebKey", "controller": DID, "publicKeyJwk": jwk});
    });
    assert_eq!(fault, DocumentFault::PrivateKey);
}

#[test]
fn refuses_a_verification_method_with_two_keys() {
    let fault = refusal(|document| {
        document["verificationMethod"][0]["publicKeyJwk"] = json!({});
    });
    assert_eq!(fault, DocumentFault::TwoKeys);
}

#[test]
fn refuses_an_invalid_key_of_a_supported_kind() {
    let short = bs58::encode([&[0xed, 0x01][..], &[7; 31]].concat()).into_string();
    let fault = refusal(|document| {
        document["verificationMethod"][0]["publicKeyMultibase"] = json!(format!("z{short}"));
    });
    assert_eq!(fault, DocumentFault::InvalidKey);
    // a P-256 key under a type that is Ed25519's
    let fault = refusal(|document| {
        let method = &mut document["verificationMethod"][0];
        method["type"] = json!("Ed25519VerificationKey2020");
        method["publicKeyMultibase"] = json!("zDnaerx9CtbPJ1q36T5Ln5wYt3MQYeGRG5ehnPAmxcf5mDZpv");
    });
    assert_eq!(fault, DocumentFault::InvalidKey);
    // and one of a kind that nobody knows
    let unknown = bs58::encode([&[0x90, 0x24][..], &[7; 32]].concat()).into_string();
    let fault = refusal(|document| {
        let method = &mut document["verificationMethod"][0];
        method["type"] = json!("Ed25519VerificationKey2020");
        method["publicKeyMultibase"] = json!(format!("z{unknown}"));
    });
    assert_eq!(fault, DocumentFault::InvalidKey);
}

#[test]
fn refuses_more_verification_methods_than_anybody_needs() {
    let fault = refusal(|document| {
        let method = document["verificationMethod"][0].clone();
        let many = (0..65).map(|number| {
            let mut method = method.clone();
            method["id"] = json!(format!("#{number}"));
            method
        });
        document["verificationMethod"] = many.collect();
    });
    assert_eq!(fault, DocumentFault::TooManyMethods);
}

#[test]
fn refuses_the_key_of_another_controller() {
    let mut document = document();
    document["verificationMethod"][0]["controller"] = json!("did:web:other.example");
    assert_eq!(
        parse(DID, &document).unwrap().assertion_method(&url(KEY)),
        Err(ResolutionError::ForeignController)
    );
    document["verificationMethod"][0].as_object_mut().unwrap().remove("controller");
    assert_eq!(
        parse(DID, &document).unwrap().assertion_method(&url(KEY)),
        Err(ResolutionError::ForeignController)
    );
}

#[test]
fn an_x25519_key_signs_nothing_wherever_it_is_listed() {
    let mut document = document();
    let key = "z6LSeu9HkTHSfLLeUs2nnzUSNedgDUevfNQgQjQC23ZCit6F";
    document["verificationMethod"][0]["publicKeyMultibase"] = json!(key);
    assert_eq!(
        parse(DID, &document).unwrap().assertion_method(&url(KEY)),
        Err(ResolutionError::KeyNotSupported)
    );
}

#[test]
fn a_key_of_an_unknown_kind_is_no_obstacle_to_the_others() {
    let mut document = document();
    // ML-DSA-44: its multicodec, and 1,312 bytes
    let key = bs58::encode([&[0x90, 0x24][..], &[7; 1312]].concat()).into_string();
    let short = bs58::encode([&[0x90, 0x24][..], &[7; 32]].concat()).into_string();
    let mut further = document["verificationMethod"][0].clone();
    for (number, key) in [key, short].into_iter().enumerate() {
        further["id"] = json!(format!("{DID}#further-{number}"));
        further["type"] = json!("Multikey");
        further["publicKeyMultibase"] = json!(format!("z{key}"));
        document["verificationMethod"].as_array_mut().unwrap().push(further.clone());
        document["assertionMethod"].as_array_mut().unwrap().push(further["id"].clone());
    }
    let document = parse(DID, &document).unwrap();
    assert!(document.assertion_method(&url(KEY)).is_ok());
    for number in 0..2 {
        let further = url(&format!("{DID}#further-{number}"));
        assert_eq!(document.assertion_method(&further), Err(ResolutionError::KeyNotSupported));
    }
}

#[test]
fn an_embedded_method_serves_its_own_relationship_alone() {
    let mut document = document();
    let mut embedded = document["verificationMethod"][0].clone();
    embedded["id"] = json!("#embedded");
    document["authentication"] = json!([embedded]);
    let document = parse(DID, &document).unwrap();
    let name = url("did:web:issuer.example#embedded");
    assert!(document.authentication(&name).is_ok());
    assert_eq!(
        document.assertion_method(&name),
        Err(ResolutionError::NotInRelationship("assertionMethod"))
    );
}

#[test]
fn a_did_url_with_a_path_or_query_names_no_key() {
    let document = parse(DID, &document()).unwrap();
    for name in [DID, "did:web:issuer.example?service=x#key", "did:web:issuer.example/x#key"] {
        assert_eq!(
            document.assertion_method(&url(name)),
            Err(ResolutionError::MethodNotFound),
            "{name}"
        );
    }
}

#[test]
fn every_refusal_has_a_code_of_did_resolution() {
    for (refusal, code) in [
        (ResolutionError::InvalidDid, "INVALID_DID"),
        (ResolutionError::KeyLength, "INVALID_DID"),
        (ResolutionError::InvalidDidUrl, "INVALID_DID_URL"),
        (ResolutionError::MethodNotSupported, "METHOD_NOT_SUPPORTED"),
        (ResolutionError::KeyNotSupported, "FEATURE_NOT_SUPPORTED"),
        (ResolutionError::NotFound, "NOT_FOUND"),
        (ResolutionError::Unreachable, "INTERNAL_ERROR"),
        (ResolutionError::Document(DocumentFault::ForeignId), "INVALID_DID_DOCUMENT"),
    ] {
        assert_eq!(refusal.code(), code);
    }
}

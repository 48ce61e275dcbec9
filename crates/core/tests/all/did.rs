//! DIDs: the official identifiers and documents, and every refusal by name.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use lanyard_core::{
    crypto::{AwsLc, CryptoProvider, Curve, PublicKey, RustCrypto},
    did::{
        Did, DidDocument, DidMethods, DidResolver as _, DidUrl, DidWebSource, DocumentFault,
        Fetched, Relationship, ResolutionError,
    },
    jose::{Jwk, JwkError},
    json::base64url,
};
use lanyard_testkit::vectors;
use serde_json::{Value, json};

use crate::{
    did_document::{DID, KEY, document},
    did_support::now,
};

pub(crate) fn resolve(text: &str) -> Result<DidDocument, ResolutionError> {
    let did = Did::parse(text)?;
    let one = now(DidMethods::new(Arc::new(RustCrypto)).resolve(&did));
    assert_eq!(one, now(DidMethods::new(Arc::new(AwsLc)).resolve(&did)), "the providers agree");
    one
}

pub(crate) fn parse(did: &str, document: &Value) -> Result<DidDocument, DocumentFault> {
    let did = Did::parse(did).expect("the tests use good DIDs");
    DidDocument::parse(&did, document.to_string().as_bytes(), &RustCrypto)
}

pub(crate) fn url(text: &str) -> DidUrl {
    DidUrl::parse(text).expect("the tests use good DID URLs")
}

fn did_key(prefix: &[u8], point: &[u8]) -> String {
    format!("did:key:z{}", bs58::encode([prefix, point].concat()).into_string())
}

fn did_jwk(jwk: &Value) -> String {
    format!("did:jwk:{}", base64url(jwk.to_string()))
}

#[test]
fn resolves_the_official_did_keys_or_says_why_not() {
    if !vectors::available("did-key") {
        return;
    }
    for did in vectors::json("did-key/dids.json").as_array().unwrap() {
        let did = did.as_str().unwrap();
        let outcome = resolve(did);
        match &did[..12] {
            // a key for bbs-2023: tests/all/bbs.rs
            "did:key:zUC7" if cfg!(feature = "bbs") => assert!(outcome.is_ok(), "{did}"),
            "did:key:zUC7" => {
                assert_eq!(outcome, Err(ResolutionError::KeyNotSupported), "{did}");
            }
            _ => {
                let document = outcome.unwrap();
                let fragment = did.strip_prefix("did:key:").unwrap();
                let key = document.authentication(&url(&format!("{did}#{fragment}"))).unwrap();
                assert_eq!(Did::from_key(key).as_str(), did);
            }
        }
    }
}

#[test]
fn decompresses_the_nist_keys_of_the_did_key_vectors() {
    if !vectors::available("did-key") {
        return;
    }
    let mut curves = Vec::new();
    let vectors = vectors::json("did-key/legacy-test-vectors/nist-curves.json");
    for (did, vector) in vectors.as_object().unwrap() {
        let method = &vector["verificationMethod"];
        if method["publicKeyJwk"]["crv"] == "P-521" {
            assert_eq!(resolve(did), Err(ResolutionError::KeyNotSupported), "{did}");
            continue;
        }
        let key = resolve(did).unwrap().verification_methods()[0].key.unwrap();
        if let Some(compressed) = method["publicKeyBase58"].as_str() {
            let compressed = bs58::decode(compressed).into_vec().unwrap();
            assert_eq!(RustCrypto.decompress(key.curve(), &compressed), Ok(key), "{did}");
        } else {
            assert_eq!(Jwk::from_value(&method["publicKeyJwk"]).unwrap().key, key, "{did}");
        }
        curves.push(key.curve());
    }
    assert!(curves.contains(&Curve::P256) && curves.contains(&Curve::P384));
}

#[test]
fn reads_the_ed25519_key_of_the_did_key_document() {
    if !vectors::available("did-key") {
        return;
    }
    let document = vectors::json("did-key/did_document_ed25519_x25519.json");
    let did = document["id"].as_str().unwrap();
    let (read, resolved) = (parse(did, &document).unwrap(), resolve(did).unwrap());
    let method = resolved.verification_methods()[0].id.clone();
    assert_eq!(read.assertion_method(&method), resolved.assertion_method(&method));
    // X25519 is derived on request only
    assert_eq!(resolved.methods_for(Relationship::KeyAgreement).count(), 0);
    let derived = resolve_deriving(did);
    let agreement = |document: &DidDocument| {
        document.methods_for(Relationship::KeyAgreement).cloned().collect::<Vec<_>>()
    };
    assert_eq!(agreement(&derived), agreement(&read));
    assert_eq!(agreement(&derived).len(), 1);
    assert_eq!(derived.to_json()["@context"], document["@context"]);
    for relationship in Relationship::SIGNATURES {
        assert_eq!(derived.to_json()[relationship.name()], document[relationship.name()]);
    }
}

fn resolve_deriving(did: &str) -> DidDocument {
    let did = Did::parse(did).expect("the vectors have good DIDs");
    let providers: [Arc<dyn CryptoProvider>; 2] = [Arc::new(RustCrypto), Arc::new(AwsLc)];
    let [one, other] = providers.map(|provider| {
        let methods = DidMethods::new(provider).with_derived_key_agreement();
        now(methods.resolve(&did)).expect("the vectors have good keys")
    });
    assert_eq!(one, other, "the providers agree");
    one
}

/// The key of a method of the older types.
fn legacy_x25519(method: &Value) -> PublicKey {
    match method["publicKeyBase58"].as_str() {
        Some(text) => {
            let bytes = bs58::decode(text).into_vec().expect("the vectors have good base58");
            PublicKey::from_uncompressed(Curve::X25519, &bytes).expect("32 bytes")
        }
        None => Jwk::from_value(&method["publicKeyJwk"]).expect("the vectors have good JWKs").key,
    }
}

#[test]
fn derives_the_x25519_keys_of_the_did_key_vectors() {
    if !vectors::available("did-key") {
        return;
    }
    let vectors = vectors::json("did-key/legacy-test-vectors/ed25519-x25519.json");
    for (did, vector) in vectors.as_object().unwrap() {
        let document = resolve_deriving(did);
        let derived = document.methods_for(Relationship::KeyAgreement).next().unwrap();
        assert_eq!(derived.key, Some(legacy_x25519(&vector["keyAgreementKeyPair"])), "{did}");
        let name = vector["keyAgreementKeyPair"]["id"].as_str().unwrap();
        assert_eq!(Some(derived.id.fragment().unwrap()), name.split('#').next_back());
    }
}

#[test]
fn reads_the_x25519_keys_of_the_did_key_vectors_for_key_agreement_alone() {
    if !vectors::available("did-key") {
        return;
    }
    let vectors = vectors::json("did-key/legacy-test-vectors/x25519.json");
    for (did, vector) in vectors["didDocument"].as_object().unwrap() {
        let method = &vector["verificationMethod"][0];
        let name = url(method["id"].as_str().unwrap());
        let document = resolve(did).unwrap();
        let key = document.key_for(&name, Relationship::KeyAgreement).unwrap();
        assert_eq!(*key, legacy_x25519(method), "{did}");
        assert_eq!(
            document.authentication(&name),
            Err(ResolutionError::NotInRelationship("authentication"))
        );
    }
}

#[test]
fn reads_the_secp256k1_keys_of_the_did_key_vectors() {
    if !vectors::available("did-key") {
        return;
    }
    let vectors = vectors::json("did-key/legacy-test-vectors/secp256k1.json");
    for (did, vector) in vectors.as_object().unwrap() {
        let key = resolve(did).unwrap().verification_methods()[0].key.unwrap();
        assert_eq!(key.curve(), Curve::Secp256k1);
        assert_eq!(Did::from_key(&key).as_str(), did);
        let pair = &vector["verificationKeyPair"];
        if let Some(compressed) = pair["publicKeyBase58"].as_str() {
            let compressed = bs58::decode(compressed).into_vec().unwrap();
            assert_eq!(AwsLc.decompress(Curve::Secp256k1, &compressed), Ok(key), "{did}");
        } else {
            assert_eq!(Jwk::from_value(&pair["publicKeyJwk"]).unwrap().key, key, "{did}");
        }
    }
}

#[test]
fn refuses_the_bls_and_rsa_keys_of_the_did_key_vectors_by_their_kind() {
    if !vectors::available("did-key") {
        return;
    }
    for file in ["bls12381", "rsa"] {
        let vectors = vectors::json(format!("did-key/legacy-test-vectors/{file}.json"));
        for did in vectors.as_object().unwrap().keys() {
            // those of the group G2 are for bbs-2023: tests/all/bbs.rs
            if cfg!(feature = "bbs") && did.starts_with("did:key:zUC7") {
                continue;
            }
            assert_eq!(resolve(did), Err(ResolutionError::KeyNotSupported), "{did}");
        }
    }
}

#[test]
fn resolves_the_official_did_jwks() {
    if !vectors::available("did-jwk") {
        return;
    }
    let vector = vectors::json("did-jwk/p-256.json");
    let (did, name) = (vector["did"].as_str().unwrap(), vector["did_url"].as_str().unwrap());
    let (resolved, read) = (resolve(did).unwrap(), parse(did, &vector["did_document"]).unwrap());
    assert_eq!(resolved.verification_methods(), read.verification_methods());
    for relationship in Relationship::ALL {
        assert_eq!(
            resolved.key_for(&url(name), *relationship),
            read.key_for(&url(name), *relationship)
        );
        assert!(resolved.key_for(&url(name), *relationship).is_ok());
    }

    let vector = vectors::json("did-jwk/x25519.json");
    let did = vector["did"].as_str().unwrap();
    let (resolved, read) = (resolve(did).unwrap(), parse(did, &vector["did_document"]).unwrap());
    assert_eq!(Value::Object(resolved.to_json()), vector["did_document"]);
    let name = url(vector["did_url"].as_str().unwrap());
    let key = resolved.key_for(&name, Relationship::KeyAgreement).unwrap();
    assert_eq!(key.curve(), Curve::X25519);
    assert_eq!(read.key_for(&name, Relationship::KeyAgreement), Ok(key));
    for relationship in Relationship::SIGNATURES {
        assert!(resolved.key_for(&name, *relationship).is_err());
    }
}

#[test]
fn reads_the_official_did_web_documents() {
    if !vectors::available("did-web") {
        return;
    }
    let document =
        parse("did:web:example.com", &vectors::json("did-web/did_document_multi_key.json"))
            .unwrap();
    let curve = |name: &str, relationship| {
        document
            .key_for(&url(&format!("did:web:example.com#{name}")), relationship)
            .map(PublicKey::curve)
    };
    assert_eq!(curve("key-0", Relationship::AssertionMethod), Ok(Curve::Ed25519));
    assert_eq!(curve("key-2", Relationship::Authentication), Ok(Curve::P256));
    assert_eq!(
        curve("key-1", Relationship::AssertionMethod),
        Err(ResolutionError::NotInRelationship("assertionMethod"))
    );
    assert_eq!(curve("key-1", Relationship::KeyAgreement), Ok(Curve::X25519));
    assert_eq!(curve("key-3", Relationship::AssertionMethod), Err(ResolutionError::MethodNotFound));

    let document =
        parse("did:web:example.com", &vectors::json("did-web/did_document_secp256k1.json"))
            .unwrap();
    assert_eq!(
        document.authentication(&url("did:web:example.com#address-0")),
        Err(ResolutionError::KeyNotSupported)
    );
}

#[test]
fn a_key_and_its_did_lead_to_each_other() {
    for curve in [Curve::P256, Curve::P384, Curve::Ed25519, Curve::Secp256k1] {
        let key = *RustCrypto.generate_key(curve).unwrap().public();
        let mut jwk = Jwk::new(key);
        jwk.kid = Some("not-the-fragment".to_owned());
        for (did, fragment) in [
            (Did::from_key(&key), Did::from_key(&key).method_specific_id().to_owned()),
            (Did::from_jwk(&jwk), "0".to_owned()),
        ] {
            let document = resolve(did.as_str()).unwrap();
            assert_eq!(document.id(), &did);
            let name = did.with_fragment(&fragment).unwrap();
            assert_eq!(document.assertion_method(&name), Ok(&key));
            let other = did.with_fragment("other").unwrap();
            assert_eq!(document.assertion_method(&other), Err(ResolutionError::MethodNotFound));
        }
    }
}

#[test]
fn refuses_a_did_key_of_an_unknown_multicodec() {
    let point = RustCrypto.generate_key(Curve::Ed25519).unwrap().public().to_uncompressed();
    // an unknown prefix, and Ed25519's own with a needless byte in its varint
    for prefix in [&[0x12, 0x34][..], &[0xed, 0x81, 0x00]] {
        assert_eq!(resolve(&did_key(prefix, &point)), Err(ResolutionError::KeyNotSupported));
    }
}

#[test]
fn refuses_a_did_key_of_the_wrong_length() {
    for (prefix, lengths) in
        [([0xed, 0x01], [31, 33]), ([0x80, 0x24], [32, 65]), ([0x81, 0x24], [48, 50])]
    {
        for length in lengths {
            let did = did_key(&prefix, &vec![2; length]);
            assert_eq!(resolve(&did), Err(ResolutionError::KeyLength), "{prefix:x?} {length}");
        }
    }
}

#[test]
fn refuses_a_did_key_of_an_invalid_point() {
    let no_point = |tag: u8, length| [&[tag][..], &vec![0xff; length]].concat();
    for (prefix, point) in [
        ([0x80, 0x24], no_point(2, 32)),
        ([0x80, 0x24], no_point(4, 32)),
        ([0x81, 0x24], no_point(3, 48)),
        // of small order
        ([0xed, 0x01], vec![0; 32]),
        // not canonical
        ([0xed, 0x01], vec![0xff; 32]),
    ] {
        assert_eq!(resolve(&did_key(&prefix, &point)), Err(ResolutionError::InvalidKey));
    }
    // a y coordinate of Ed25519's that no point has
    let off = "did:key:z6Mkeb4rtEhc8DUtvt5ehaVjdx3TLbQPpnTArkXhqfb1Mq75";
    assert_eq!(resolve(off), Err(ResolutionError::InvalidKey));
}

#[test]
fn refuses_a_did_key_that_is_no_base58btc() {
    for did in ["did:key:6Mk", "did:key:z0OIl", "did:key:m7QE", "did:key:z", "did:key:z6Mk:6Mk"] {
        assert_eq!(resolve(did), Err(ResolutionError::InvalidDid), "{did}");
    }
    // longer than any key that is known here
    let long = format!("did:key:z{}", "6".repeat(1000));
    assert_eq!(resolve(&long), Err(ResolutionError::KeyNotSupported));
}

#[test]
fn use_decides_what_a_did_jwk_is_for() {
    let key = *RustCrypto.generate_key(Curve::P256).unwrap().public();
    let refusal = |key_use: &str, relationship| {
        let mut jwk = Jwk::new(key);
        jwk.key_use = Some(key_use.to_owned());
        let did = Did::from_jwk(&jwk);
        let document = resolve(did.as_str()).unwrap();
        document.key_for(&did.with_fragment("0").unwrap(), relationship).err()
    };
    assert_eq!(
        refusal("enc", Relationship::Authentication),
        Some(ResolutionError::NotInRelationship("authentication"))
    );
    assert_eq!(refusal("enc", Relationship::KeyAgreement), None);
    assert_eq!(refusal("sig", Relationship::Authentication), None);
    assert_eq!(
        refusal("sig", Relationship::KeyAgreement),
        Some(ResolutionError::NotInRelationship("keyAgreement"))
    );
}

#[test]
fn refuses_a_did_jwk_with_a_private_or_symmetric_key() {
    let mut jwk = Jwk::new(*RustCrypto.generate_key(Curve::P256).unwrap().public()).to_value();
    jwk["d"] = json!("AAAA");
    for jwk in [jwk, json!({"kty": "oct", "k": "AAAA"})] {
        assert_eq!(resolve(&did_jwk(&jwk)), Err(ResolutionError::Jwk(JwkError::PrivateMember)));
    }
}

#[test]
fn refuses_a_did_jwk_in_any_but_its_canonical_spelling() {
    let text = json!({"kty": "OKP", "crv": "Ed25519", "x": base64url([7; 32])}).to_string();
    // a length that leaves trailing bits in base64url
    let text = if text.len().is_multiple_of(3) { format!("{text} ") } else { text };
    let did = format!("did:jwk:{}", base64url(&text));
    assert!(resolve(&did).is_ok());
    assert_eq!(resolve(&format!("{did}=")), Err(ResolutionError::InvalidDid));
    let last = did.chars().last().unwrap();
    let stray = char::from_u32(u32::from(last) + 1).unwrap();
    let stray = format!("{}{stray}", &did[..did.len() - 1]);
    assert_eq!(resolve(&stray), Err(ResolutionError::InvalidDid));
}

#[test]
fn refuses_a_did_jwk_that_is_not_strict_json() {
    for text in [r#"{"kty":"OKP","kty":"EC"}"#, "[]", "nothing"] {
        let outcome = resolve(&format!("did:jwk:{}", base64url(text)));
        assert!(matches!(outcome, Err(ResolutionError::JwkUnreadable(_))), "{text}");
    }
}

#[test]
fn refuses_a_method_that_is_not_supported() {
    for did in ["did:example:a", "did:web:example.com"] {
        assert_eq!(resolve(did), Err(ResolutionError::MethodNotSupported), "{did}");
    }
}

/// Gives the document it has, and writes down who asked.
struct OneDocument(Value, Mutex<Vec<String>>);

#[async_trait]
impl DidWebSource for OneDocument {
    async fn document(&self, did: &Did) -> Result<Fetched, ResolutionError> {
        self.1.lock().expect("no test panics here").push(did.to_string());
        let (bytes, at) = (self.0.to_string().into_bytes(), lanyard_testkit::test_now());
        Ok(Fetched { bytes, at, fresh_for: Duration::ZERO })
    }
}

#[test]
fn resolves_did_web_through_its_source() {
    let source = Arc::new(OneDocument(document(), Mutex::default()));
    let methods = DidMethods::new(Arc::new(RustCrypto)).with_web(source.clone());
    let resolved = now(methods.resolve(&Did::parse(DID).unwrap())).unwrap();
    assert_eq!(resolved.assertion_method(&url(KEY)).unwrap().curve(), Curve::Ed25519);
    let other = Did::parse("did:web:other.example").unwrap();
    assert_eq!(
        now(methods.resolve(&other)),
        Err(ResolutionError::Document(DocumentFault::ForeignId))
    );
    assert_eq!(*source.1.lock().unwrap(), [DID, "did:web:other.example"]);
}

//! The official vectors of the cryptosuites: every intermediate step, every signature.

use std::sync::Arc;

use lanyard_core::{
    Timestamp,
    crypto::{HashAlgorithm, PublicKey, RustCrypto},
    data_integrity::{DataIntegrityError, ExpectedProof, ProofVerifier, UnverifiedDocument},
    did::{Did, DidMethods, DidResolver, Relationship},
    json::{self, Object, canonicalize},
};
use lanyard_testkit::vectors;

use crate::data_integrity::{PROVIDERS, now, providers};

/// A folder of vectors of a JCS suite, and what its files' names end with.
const JCS: [(&str, &str, HashAlgorithm); 3] = [
    ("eddsa/eddsa-jcs-2022", "JCS", HashAlgorithm::Sha256),
    ("ecdsa/ecdsa-jcs-2019-p256", "JCSECDSAP256", HashAlgorithm::Sha256),
    ("ecdsa/ecdsa-jcs-2019-p384", "JCSECDSAP384", HashAlgorithm::Sha384),
];

fn available() -> bool {
    vectors::available("eddsa") && vectors::available("ecdsa")
}

fn object(path: &str) -> Object {
    json::parse_object(&vectors::bytes(path)).expect("a vector is strict JSON")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// After every proof in the vectors was made, and before any of the credentials ended.
fn moment() -> Timestamp {
    "2025-01-01T00:00:00Z".parse().expect("the tests use good material")
}

fn verify(document: Object) -> Result<(), DataIntegrityError> {
    let outcomes = providers().map(|provider| {
        let document = UnverifiedDocument::from_object(document.clone())?;
        let expected = ExpectedProof::assertion(moment());
        now(ProofVerifier::new(provider).verify(document, &expected)).map(drop)
    });
    let [one, other] = outcomes;
    assert_eq!(one, other, "the providers agree");
    one
}

/// The key that a proof of the vectors names.
fn key(document: &Object) -> PublicKey {
    let method =
        document["proof"]["verificationMethod"].as_str().expect("the tests use good material");
    let did = Did::parse(method.split_once('#').expect("the tests use good material").0)
        .expect("the tests use good material");
    let document = now(DidMethods::new(Arc::new(RustCrypto)).resolve(&did))
        .expect("the tests use good material");
    let mut methods = document.methods_for(Relationship::AssertionMethod);
    methods.next().and_then(|method| method.key).expect("the tests use good material")
}

#[test]
fn every_step_of_the_jcs_suites_is_the_printed_one() {
    if !available() {
        return;
    }
    for (folder, suffix, algorithm) in JCS {
        let text = |name: &str| vectors::text(format!("{folder}/{name}{suffix}.txt"));
        let document = vectors::json(format!("{}/unsigned.json", &folder[..5]));
        let options = vectors::json(format!("{folder}/proofConfig{suffix}.json"));
        assert_eq!(canonicalize(&document).unwrap(), text("canonDoc"), "{folder}");
        assert_eq!(canonicalize(&options).unwrap(), text("proofCanon"), "{folder}");
        let secured = object(&format!("{folder}/signed{suffix}.json"));
        let unverified = UnverifiedDocument::from_object(secured.clone()).unwrap();
        let proof = &unverified.proofs()[0];
        for provider in PROVIDERS {
            let hash = |name: &str| hex(provider.hash(algorithm, text(name).as_bytes()).as_ref());
            assert_eq!(hash("canonDoc"), text("docHash"));
            assert_eq!(hash("proofCanon"), text("proofHash"));
            let combined = [text("proofHash"), text("docHash")].concat();
            assert_eq!(combined, text("combinedHash"));
            let hashes =
                proof.hash_data(unverified.danger_unverified_document(), &key(&secured), provider);
            assert_eq!(hex(&hashes.unwrap()), text("combinedHash"), "{folder}");
        }
        assert_eq!(secured["proof"]["proofValue"], text("sigBTC58"));
        verify(secured).unwrap();
    }
}

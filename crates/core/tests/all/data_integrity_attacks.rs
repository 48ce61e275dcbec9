//! Data Integrity: what was signed cannot be hidden, poisoned or taken out of its set.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use jiff::SignedDuration;
use lanyard_core::{
    crypto::{AwsLc, CryptoProvider, Curve, HashAlgorithm},
    data_integrity::{
        Cryptosuite, DataIntegrityError, ExpectedProof, ProofDraft, ProofVerifier,
        UnverifiedDocument,
        json_ld::{self, Contexts, JsonLdError},
        rdf::RdfError,
    },
    did::{Did, DidDocument, DidResolver, ResolutionError},
    json::Object,
};
use lanyard_testkit::{Effort, test_now};
use serde_json::{Value, json};

use crate::data_integrity::{Prover, credential, expected, now, reason, verify};

/// A credential with a proof of an rdfc suite, before and after somebody wrote the same quads in another way.
fn rewritten(change: impl FnOnce(&mut Object)) -> (Object, Object) {
    let prover = Prover::new(Curve::Ed25519);
    let mut document = credential();
    document["type"] = json!("VerifiableCredential");
    document.insert("id".to_owned(), json!("urn:uuid:1"));
    document.insert("validUntil".to_owned(), json!("2026-02-01T00:00:00Z"));
    document.insert("evidence".to_owned(), json!("urn:uuid:1"));
    let draft = ProofDraft::assertion(Cryptosuite::EddsaRdfc2022, &prover.method());
    let secured = prover.secure(draft.created(test_now()).expires(test_now()), document);
    let mut rewritten = secured.clone();
    change(&mut rewritten);
    (secured, rewritten)
}

fn n_quads(document: &Object) -> String {
    let mut document = document.clone();
    document.shift_remove("proof");
    let dataset = json_ld::to_rdf(&document, Contexts::bundled()).expect("it is JSON-LD");
    let canonical = dataset.canonicalize(HashAlgorithm::Sha256, &AwsLc).expect("it is harmless");
    canonical.to_n_quads()
}

#[test]
fn what_was_signed_cannot_be_hidden_behind_another_name() {
    const UNTIL: &str = "https://www.w3.org/2018/credentials#validUntil";
    const DATE_TIME: &str = "http://www.w3.org/2001/XMLSchema#dateTime";
    type Change = fn(&mut Object);
    let changes: [(Change, JsonLdError); 6] = [
        (
            |all| {
                let until = all.shift_remove("validUntil").expect("it is there");
                all.insert(UNTIL.to_owned(), json!({"@value": until, "@type": DATE_TIME}));
            },
            JsonLdError::NotATerm,
        ),
        (
            |all| {
                let id = all.shift_remove("id").expect("it is there");
                all.insert("@id".to_owned(), id);
            },
            JsonLdError::NotATerm,
        ),
        (
            |all| {
                let until = all.shift_remove("validUntil").expect("it is there");
                let term = json!({"until": {"@id": UNTIL, "@type": DATE_TIME}});
                all["@context"].as_array_mut().expect("an array").push(term);
                all.insert("until".to_owned(), until);
            },
            JsonLdError::InlineContext,
        ),
        (
            |all| {
                let name = all["credentialSubject"]["name"].take();
                all["credentialSubject"] = json!({
                    "@context": {"called": "https://schema.org/name"},
                    "id": all["credentialSubject"]["id"], "called": name,
                });
            },
            JsonLdError::NestedContext,
        ),
        (
            |all| {
                let until = all.shift_remove("validUntil").expect("it is there");
                all["evidence"] = json!({"id": "urn:uuid:1", "type": "VerifiableCredential", "validUntil": until});
            },
            JsonLdError::DescribedTwice,
        ),
        (|all| all["issuer"] = json!({"@id": "did:example:issuer"}), JsonLdError::NotATerm),
    ];
    for (change, refusal) in changes {
        let (secured, rewritten) = rewritten(change);
        assert!(verify(&secured, &expected()).is_ok());
        assert_eq!(n_quads(&rewritten), n_quads(&secured), "the signature covers both");
        assert_eq!(reason(&rewritten), DataIntegrityError::JsonLd(refusal));
    }
}

#[test]
fn an_expiry_of_a_proof_cannot_be_hidden_behind_another_name() {
    let (secured, rewritten) = rewritten(|all| {
        let proof = all["proof"].as_object_mut().expect("an object");
        let until = proof.shift_remove("expires").expect("it is there");
        let until = json!({"@value": until, "@type": "http://www.w3.org/2001/XMLSchema#dateTime"});
        proof.insert("https://w3id.org/security#expiration".to_owned(), until);
    });
    let later = ExpectedProof::assertion(test_now() + SignedDuration::from_hours(1));
    assert_eq!(verify(&secured, &later).unwrap_err(), DataIntegrityError::Expired);
    let refusal = verify(&rewritten, &later).unwrap_err();
    assert_eq!(refusal, DataIntegrityError::JsonLd(JsonLdError::NotATerm));
}

#[test]
fn an_inline_context_is_accepted_by_whoever_asked_for_it() {
    let prover = Prover::new(Curve::Ed25519);
    let mut document = credential();
    document["@context"] =
        json!(["https://www.w3.org/ns/credentials/v2", {"degree": "urn:degree"}]);
    document["credentialSubject"]["degree"] = json!("PhD");
    let draft =
        || ProofDraft::assertion(Cryptosuite::EddsaRdfc2022, &prover.method()).created(test_now());
    let refusal = now(draft().secure(document.clone(), &prover.signer, &AwsLc)).unwrap_err();
    assert_eq!(refusal, DataIntegrityError::JsonLd(JsonLdError::InlineContext));
    let contexts = Arc::new(Contexts::new().danger_with_inline_contexts());
    let secured = prover.secure(draft().with_contexts(Arc::clone(&contexts)), document);
    let verify = |verifier: ProofVerifier| {
        let document = UnverifiedDocument::from_object(secured.clone()).unwrap();
        now(verifier.verify(document, &expected())).map(drop)
    };
    let strict = ProofVerifier::new(Arc::new(AwsLc));
    assert_eq!(verify(strict.clone()), Err(DataIntegrityError::JsonLd(JsonLdError::InlineContext)));
    assert_eq!(verify(strict.with_contexts(contexts)), Ok(()));
}

#[test]
fn a_poisoned_document_is_refused_before_it_costs_anything() {
    // a prism of 32 blank nodes, in 3 KB of JSON: other libraries take minutes for it, and verify it
    let at = |floor: usize, at: usize| json!({"id": format!("_:n{}", floor * 16 + at % 16)});
    let node = |n: usize| {
        let (floor, place) = (n / 16, n % 16);
        let related = [at(floor, place + 1), at(floor, place + 15), at(1 - floor, place)];
        json!({"id": format!("_:n{n}"), "near": related})
    };
    let mut secured = Prover::new(Curve::Ed25519).secured();
    secured["@context"] = json!([
        "https://www.w3.org/ns/credentials/v2",
        "https://www.w3.org/ns/credentials/examples/v2",
    ]);
    secured["proof"]["cryptosuite"] = json!("eddsa-rdfc-2022");
    secured["proof"].as_object_mut().unwrap().remove("@context");
    secured["credentialSubject"] = (0..32).map(node).collect();
    assert!(Value::Object(secured.clone()).to_string().len() < 5_000);
    let effort = Effort::start();
    let poisoned = JsonLdError::Rdf(RdfError::TooMuchWork);
    assert_eq!(reason(&secured), DataIntegrityError::JsonLd(poisoned));
    // far more than it takes, twice, in a build without optimization; far less than without a limit
    assert!(effort.spent() < Duration::from_secs(10));
}

#[test]
fn every_proof_of_a_set_must_be_good() {
    let (one, other) = (Prover::new(Curve::Ed25519), Prover::new(Curve::P256));
    let both = other.secure(other.assertion(), one.secured());
    let verified = verify(&both, &expected()).unwrap();
    assert_eq!(verified.proofs().len(), 2);
    assert!(verified.is_by(&one.did()) && verified.is_by(&other.did()));
    for at in 0..2 {
        let mut bad = both.clone();
        bad["proof"][at]["created"] = json!("2026-01-15T11:59:59Z");
        assert_eq!(reason(&bad), DataIntegrityError::Signature);
    }
    let mut many = both.clone();
    many["proof"] = json!(vec![both["proof"][0].clone(); 9]);
    assert_eq!(reason(&many), DataIntegrityError::TooManyProofs);
}

#[test]
fn a_proof_that_follows_another_covers_it() {
    let (one, other) = (Prover::new(Curve::Ed25519), Prover::new(Curve::P256));
    let first = one.secure(one.assertion().with_id("urn:proof:1"), credential());
    let both = other.secure(other.assertion().after(&["urn:proof:1"]), first.clone());
    assert_eq!(both["proof"][1]["previousProof"], "urn:proof:1");
    assert!(verify(&both, &expected()).is_ok());
    // another proof by the same key under the same name: good in itself, but not the one that was covered
    let again =
        one.assertion().with_id("urn:proof:1").created(test_now() - SignedDuration::from_secs(9));
    let mut exchanged = both.clone();
    exchanged["proof"][0] = one.secure(again, credential())["proof"].clone();
    assert_eq!(reason(&exchanged), DataIntegrityError::Signature);
}

#[test]
fn refuses_a_previous_proof_that_is_missing_or_ambiguous() {
    let (one, other) = (Prover::new(Curve::Ed25519), Prover::new(Curve::P256));
    let first = one.secure(one.assertion().with_id("urn:proof:1"), credential());
    let both = other.secure(other.assertion().after(&["urn:proof:1"]), first.clone());
    let mut dangling = both.clone();
    dangling["proof"] = both["proof"][1].clone();
    assert_eq!(reason(&dangling), DataIntegrityError::PreviousProof);
    let mut doubled = both.clone();
    doubled["proof"][1]["id"] = json!("urn:proof:1");
    assert_eq!(reason(&doubled), DataIntegrityError::DuplicateProofId);
    let draft = other.assertion().after(&["urn:proof:2"]);
    let refusal = now(draft.secure(first, &other.signer, &AwsLc)).unwrap_err();
    assert_eq!(refusal, DataIntegrityError::PreviousProof);
}

/// A DID method of one document, or of none that can be reached.
struct Known(Option<(Value, Arc<dyn CryptoProvider>)>);

#[async_trait]
impl DidResolver for Known {
    async fn resolve(&self, did: &Did) -> Result<DidDocument, ResolutionError> {
        let (document, provider) = self.0.as_ref().ok_or(ResolutionError::Unreachable)?;
        Ok(DidDocument::parse(did, document.to_string().as_bytes(), &**provider)?)
    }
}

#[test]
fn refuses_a_key_that_its_document_does_not_list_for_the_purpose() {
    let prover = Prover::new(Curve::Ed25519);
    let secured = prover.with_proof(|proof| {
        proof["verificationMethod"] = json!("did:web:issuer.example#key-1");
    });
    let verify = |document: Option<Value>| {
        let provider: Arc<dyn CryptoProvider> = Arc::new(AwsLc);
        let known = Known(document.map(|document| (document, Arc::clone(&provider))));
        let verifier = ProofVerifier::new(provider).with_resolver(Arc::new(known));
        let document = UnverifiedDocument::from_object(secured.clone()).unwrap();
        now(verifier.verify(document, &expected())).map(drop)
    };
    let document = |relationship: &str, controller: &str| {
        json!({
            "id": "did:web:issuer.example",
            "verificationMethod": [{
                "id": "#key-1", "type": "Multikey", "controller": controller,
                "publicKeyMultibase": prover.did().method_specific_id(),
            }],
            relationship: ["#key-1"],
        })
    };
    assert_eq!(verify(Some(document("assertionMethod", "did:web:issuer.example"))), Ok(()));
    let refusal = verify(Some(document("authentication", "did:web:issuer.example")));
    let other_purpose = ResolutionError::NotInRelationship("assertionMethod");
    assert_eq!(refusal, Err(DataIntegrityError::Resolution(other_purpose)));
    let refusal = verify(Some(document("assertionMethod", "did:web:other.example")));
    let foreign = ResolutionError::ForeignController;
    assert_eq!(refusal, Err(DataIntegrityError::Resolution(foreign)));
    let unreachable = verify(None).unwrap_err();
    assert!(unreachable.is_undetermined());
    assert_eq!(unreachable.code(), "proof_key_unreachable");
}

#[test]
fn refuses_a_verification_method_that_names_no_key_of_a_did() {
    let prover = Prover::new(Curve::Ed25519);
    for method in ["https://issuer.example/keys#1", &prover.did().to_string(), "key-1"] {
        let mut secured = prover.secured();
        secured["proof"]["verificationMethod"] = json!(method);
        assert_eq!(reason(&secured), DataIntegrityError::VerificationMethod, "{method}");
    }
}

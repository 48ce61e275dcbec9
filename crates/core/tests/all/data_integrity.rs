//! Data Integrity proofs: what is accepted, and every refusal by its name.

use std::{
    future::Future,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use async_trait::async_trait;
use jiff::SignedDuration;
use lanyard_core::{
    crypto::{AwsLc, CryptoProvider, Curve, HashAlgorithm, PrivateKey, RustCrypto, SoftwareSigner},
    data_integrity::{
        Challenge, Cryptosuite, DataIntegrityError, Domain, ExpectedProof, ProofDraft,
        ProofVerifier, UnverifiedDocument, VerifiedDocument,
        json_ld::{self, Contexts, JsonLdError},
        rdf::RdfError,
    },
    did::{Did, DidDocument, DidResolver, DidUrl, Relationship, ResolutionError},
    json::{CanonicalizeError, Object},
};
use lanyard_testkit::test_now;
use serde_json::{Value, json};

use crate::effort::Effort;

pub(crate) const PROVIDERS: [&dyn CryptoProvider; 2] = [&RustCrypto, &AwsLc];

pub(crate) fn providers() -> [Arc<dyn CryptoProvider>; 2] {
    [Arc::new(RustCrypto), Arc::new(AwsLc)]
}

/// Nothing here waits for anything, so one poll is enough.
pub(crate) fn now<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let poll = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    let ready = match poll {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    };
    ready.expect("nothing here waits")
}

const EVERY_KIND: [(Cryptosuite, Curve); 6] = [
    (Cryptosuite::EddsaJcs2022, Curve::Ed25519),
    (Cryptosuite::EcdsaJcs2019, Curve::P256),
    (Cryptosuite::EcdsaJcs2019, Curve::P384),
    (Cryptosuite::EddsaRdfc2022, Curve::Ed25519),
    (Cryptosuite::EcdsaRdfc2019, Curve::P256),
    (Cryptosuite::EcdsaRdfc2019, Curve::P384),
];

/// Somebody with a did:key.
struct Prover {
    key: PrivateKey,
    signer: SoftwareSigner,
}

impl Prover {
    fn new(curve: Curve) -> Self {
        let key = AwsLc.generate_key(curve).expect("the tests use good material");
        let signer = SoftwareSigner::new(&AwsLc, &key).expect("the tests use good material");
        Self { key, signer }
    }

    fn did(&self) -> Did {
        Did::from_key(self.key.public())
    }

    fn method(&self) -> DidUrl {
        let did = self.did();
        did.with_fragment(did.method_specific_id()).expect("the tests use good material")
    }

    fn assertion(&self) -> ProofDraft {
        let suite = EVERY_KIND.iter().find(|(_, curve)| *curve == self.key.public().curve());
        ProofDraft::assertion(suite.expect("the tests use good material").0, &self.method())
            .created(test_now())
    }

    fn secure(&self, draft: ProofDraft, document: Object) -> Object {
        now(draft.secure(document, &self.signer, &AwsLc)).expect("the tests use good material")
    }

    /// A credential with a proof.
    fn secured(&self) -> Object {
        self.secure(self.assertion(), credential())
    }

    /// Signs a proof whose members a test chose.
    fn with_proof(&self, change: impl FnOnce(&mut Object)) -> Object {
        let mut secured = self.secured();
        let proof = secured["proof"].as_object_mut().expect("the tests use good material");
        change(proof);
        self.sign_again(&mut secured);
        secured
    }

    /// Makes the signature good again after the proof was changed.
    fn sign_again(&self, secured: &mut Object) {
        let unverified =
            UnverifiedDocument::from_object(secured.clone()).expect("the tests use good material");
        let proof = &unverified.proofs()[0];
        let document = unverified.danger_unverified_document();
        let data = proof
            .hash_data(document, self.key.public(), Contexts::bundled(), &AwsLc)
            .expect("the tests use good material");
        let signature = AwsLc
            .signing_key(&self.key)
            .expect("the tests use good material")
            .sign(&data)
            .expect("the tests use good material");
        secured["proof"]["proofValue"] =
            json!(format!("z{}", bs58::encode(signature).into_string()));
    }
}

fn credential() -> Object {
    object(json!({
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "type": ["VerifiableCredential"],
        "issuer": "did:example:issuer",
        "credentialSubject": {"id": "did:example:holder", "name": "Ada"},
    }))
}

fn object(value: Value) -> Object {
    serde_json::from_value(value).expect("the tests use good material")
}

fn expected() -> ExpectedProof {
    ExpectedProof::assertion(test_now())
}

fn verify(
    document: &Object,
    expected: &ExpectedProof,
) -> Result<VerifiedDocument, DataIntegrityError> {
    let document = UnverifiedDocument::from_object(document.clone())?;
    let [one, other] = providers()
        .map(|provider| now(ProofVerifier::new(provider).verify(document.clone(), expected)));
    assert_eq!(one.as_ref().err(), other.as_ref().err(), "the providers agree");
    one
}

fn reason(document: &Object) -> DataIntegrityError {
    verify(document, &expected()).expect_err("the tests break a rule")
}

#[test]
fn what_is_secured_verifies_and_says_who_secured_it() {
    for (suite, curve) in EVERY_KIND {
        let prover = Prover::new(curve);
        for provider in PROVIDERS {
            let signer = SoftwareSigner::new(provider, &prover.key).unwrap();
            let draft = ProofDraft::assertion(suite, &prover.method()).created(test_now());
            let secured = now(draft.secure(credential(), &signer, provider)).unwrap();
            let verified = verify(&secured, &expected()).unwrap();
            assert_eq!(verified.document(), &credential());
            let [proof] = verified.proofs() else { unreachable!("one was made") };
            assert_eq!(proof.controller(), &prover.did());
            assert_eq!(proof.verification_method(), &prover.method());
            assert_eq!(proof.key(), prover.key.public());
            assert_eq!(proof.purpose(), Relationship::AssertionMethod);
            assert_eq!((proof.cryptosuite(), proof.created()), (suite, Some(test_now())));
            assert!(verified.is_by(&prover.did()));
            assert!(!verified.is_by(&Did::parse("did:example:issuer").unwrap()));
        }
    }
}

#[test]
fn refuses_a_document_that_was_changed() {
    for (suite, curve) in EVERY_KIND {
        let prover = Prover::new(curve);
        let draft = ProofDraft::assertion(suite, &prover.method()).created(test_now());
        let mut secured = prover.secure(draft, credential());
        secured["credentialSubject"]["name"] = json!("Eve");
        assert_eq!(reason(&secured), DataIntegrityError::Signature, "{suite}");
    }
}

#[test]
fn refuses_what_the_signature_of_an_rdfc_suite_would_not_cover() {
    let prover = Prover::new(Curve::Ed25519);
    let draft = || ProofDraft::assertion(Cryptosuite::EddsaRdfc2022, &prover.method());
    let secured = prover.secure(draft().created(test_now()), credential());
    let undefined =
        |term: &str| DataIntegrityError::JsonLd(JsonLdError::UndefinedTerm(term.to_owned()));
    let mut more = secured.clone();
    more["credentialSubject"]["degree"] = json!("PhD");
    assert_eq!(reason(&more), undefined("degree"));
    let mut more = secured.clone();
    more["proof"]["remark"] = json!("checked");
    assert_eq!(reason(&more), undefined("remark"));
    let mut bare = secured;
    bare.shift_remove("@context");
    assert_eq!(reason(&bare), undefined("@context"));
    let mut more = credential();
    more["credentialSubject"]["degree"] = json!("PhD");
    let refusal = now(draft().secure(more, &prover.signer, &AwsLc)).unwrap_err();
    assert_eq!(refusal, undefined("degree"), "the issuer is told before it signs");
}

#[test]
fn refuses_a_proof_of_which_any_member_was_changed() {
    let prover = Prover::new(Curve::Ed25519);
    for (name, value) in [
        ("created", json!("2026-01-15T11:59:59Z")),
        ("expires", json!("2027-01-01T00:00:00Z")),
        ("challenge", json!("1")),
        ("unknown", json!(true)),
    ] {
        let mut secured = prover.secured();
        secured["proof"][name] = value;
        assert_eq!(reason(&secured), DataIntegrityError::Signature, "{name}");
    }
}

#[test]
fn refuses_a_proof_by_another_key() {
    let (prover, other) = (Prover::new(Curve::Ed25519), Prover::new(Curve::Ed25519));
    let mut secured = prover.secured();
    secured["proof"]["verificationMethod"] = json!(other.method().to_string());
    assert_eq!(reason(&secured), DataIntegrityError::Signature);
}

#[test]
fn refuses_a_key_that_does_not_fit_the_cryptosuite() {
    let (edwards, p256) = (Prover::new(Curve::Ed25519), Prover::new(Curve::P256));
    let mut secured = edwards.secured();
    secured["proof"]["verificationMethod"] = json!(p256.method().to_string());
    assert_eq!(reason(&secured), DataIntegrityError::KeyMismatch);
    let mut secured = p256.secured();
    secured["proof"]["verificationMethod"] = json!(edwards.method().to_string());
    assert_eq!(reason(&secured), DataIntegrityError::KeyMismatch);
    let draft = ProofDraft::assertion(Cryptosuite::EddsaJcs2022, &p256.method());
    let refusal = now(draft.secure(credential(), &p256.signer, &AwsLc)).unwrap_err();
    assert_eq!(refusal, DataIntegrityError::KeyMismatch);
}

#[test]
fn refuses_a_document_without_a_proof() {
    assert_eq!(reason(&credential()), DataIntegrityError::NoProof);
    let mut empty = credential();
    empty.insert("proof".to_owned(), json!([]));
    assert_eq!(reason(&empty), DataIntegrityError::NoProof);
}

#[test]
fn refuses_a_malformed_proof_by_the_member_that_is() {
    let secured = Prover::new(Curve::Ed25519).secured();
    let refusal = |name: &str, value: Value| {
        let mut secured = secured.clone();
        match value {
            Value::Null => {
                secured["proof"].as_object_mut().unwrap().remove(name);
            }
            value => secured["proof"][name] = value,
        }
        reason(&secured)
    };
    for kind in [json!(null), json!("Ed25519Signature2020")] {
        assert_eq!(refusal("type", kind), DataIntegrityError::ProofType);
    }
    for suite in ["eddsa-2022", "eddsa-jcs-2019", "EDDSA-JCS-2022", ""] {
        assert_eq!(refusal("cryptosuite", json!(suite)), DataIntegrityError::Cryptosuite);
    }
    for (name, values) in [
        ("type", vec![json!(["DataIntegrityProof"])]),
        ("cryptosuite", vec![json!(null), json!(1)]),
        ("verificationMethod", vec![json!(null), json!({"id": "did:example:a#b"})]),
        ("proofPurpose", vec![json!(null), json!("keyAgreement"), json!("everything")]),
        ("proofValue", vec![json!(null), json!(1)]),
        ("created", vec![json!(1), json!("yesterday"), json!("2026-01-15")]),
        ("expires", vec![json!("2027-01-01")]),
        ("challenge", vec![json!(1)]),
        ("nonce", vec![json!(1)]),
        ("id", vec![json!(["urn:a"])]),
        ("domain", vec![json!([]), json!(1), json!(["a", 1])]),
        ("previousProof", vec![json!([]), json!({})]),
    ] {
        for value in values {
            assert_eq!(refusal(name, value), DataIntegrityError::ProofMember(name), "{name}");
        }
    }
    let mut text = secured.clone();
    text.insert("proof".to_owned(), json!("z123"));
    assert_eq!(reason(&text), DataIntegrityError::ProofMember("proof"));
}

#[test]
fn refuses_a_proof_value_that_is_not_the_signature_in_base58() {
    let secured = Prover::new(Curve::Ed25519).secured();
    let value = secured["proof"]["proofValue"].as_str().unwrap();
    let refusal = |value: String| {
        let mut secured = secured.clone();
        secured["proof"]["proofValue"] = json!(value);
        reason(&secured)
    };
    let malformed = DataIntegrityError::ProofValue;
    assert_eq!(refusal(value[1..].to_owned()), malformed, "no multibase prefix");
    assert_eq!(refusal(format!("u{}", &value[1..])), malformed, "another base");
    assert_eq!(refusal(format!("{value}0")), malformed, "no character of base58");
    assert_eq!(refusal(format!("z{}", "1".repeat(257))), malformed, "far too long");
    assert_eq!(refusal("z".to_owned()), DataIntegrityError::Signature, "no bytes");
    let bytes = bs58::decode(&value[1..]).into_vec().unwrap();
    let longer = bs58::encode([&bytes[..], &[0]].concat()).into_string();
    assert_eq!(refusal(format!("z{longer}")), DataIntegrityError::Signature, "a byte more");
    let shorter = bs58::encode(&bytes[..63]).into_string();
    assert_eq!(refusal(format!("z{shorter}")), DataIntegrityError::Signature, "a byte less");
}

#[test]
fn refuses_a_proof_that_has_expired_or_comes_from_the_future() {
    let prover = Prover::new(Curve::Ed25519);
    let at = |seconds: i64| test_now() + SignedDuration::from_secs(seconds);
    let ends =
        |end| verify(&prover.secure(prover.assertion().expires(end), credential()), &expected());
    assert!(ends(at(1)).is_ok());
    assert!(ends(at(-59)).is_ok(), "within the leeway");
    assert_eq!(ends(at(-60)).unwrap_err(), DataIntegrityError::Expired);
    let starts = |start| {
        verify(&prover.secure(prover.assertion().created(start), credential()), &expected())
    };
    assert!(starts(at(60)).is_ok(), "within the leeway");
    assert_eq!(starts(at(61)).unwrap_err(), DataIntegrityError::CreatedInTheFuture);
}

#[test]
fn refuses_a_proof_for_another_purpose() {
    let prover = Prover::new(Curve::Ed25519);
    let (challenge, domain) = (Challenge::from("c"), Domain::from("d"));
    let presentation = ExpectedProof::authentication("c", "d", test_now());
    let draft = ProofDraft::authentication(
        Cryptosuite::EddsaJcs2022,
        &prover.method(),
        &challenge,
        &domain,
    );
    let authenticated = prover.secure(draft, credential());
    assert!(verify(&authenticated, &presentation).is_ok());
    assert_eq!(reason(&authenticated), DataIntegrityError::Purpose("assertionMethod"));
    let refusal = verify(&prover.secured(), &presentation).unwrap_err();
    assert_eq!(refusal, DataIntegrityError::Purpose("authentication"));
}

#[test]
fn refuses_a_challenge_or_a_domain_that_is_missing_or_another() {
    let prover = Prover::new(Curve::Ed25519);
    let expected = ExpectedProof::authentication("c", "x509_san_dns:shop.example", test_now());
    let with = |challenge: Value, domain: Value| {
        let secured = prover.with_proof(|proof| {
            proof["proofPurpose"] = json!("authentication");
            for (name, value) in [("challenge", challenge), ("domain", domain)] {
                if value != Value::Null {
                    proof.insert(name.to_owned(), value);
                }
            }
        });
        verify(&secured, &expected).map(drop)
    };
    let domain = json!("x509_san_dns:shop.example");
    assert_eq!(with(json!("c"), domain.clone()), Ok(()));
    assert_eq!(with(json!("c"), json!(["x509_san_dns:shop.example"])), Ok(()));
    for challenge in [json!(null), json!("C"), json!("")] {
        assert_eq!(with(challenge, domain.clone()), Err(DataIntegrityError::Challenge));
    }
    for domain in
        [json!(null), json!("shop.example"), json!(["x509_san_dns:shop.example", "other.example"])]
    {
        assert_eq!(with(json!("c"), domain), Err(DataIntegrityError::Domain));
    }
    let two = expected.clone().with_domain("other.example");
    let secured = prover.with_proof(|proof| {
        proof["proofPurpose"] = json!("authentication");
        proof.insert("challenge".to_owned(), json!("c"));
        proof.insert("domain".to_owned(), json!(["other.example", "x509_san_dns:shop.example"]));
    });
    assert!(verify(&secured, &two).is_ok(), "domains are a set");
}

#[test]
fn refuses_a_context_that_does_not_start_with_the_signed_one() {
    let prover = Prover::new(Curve::Ed25519);
    let mut grown = prover.secured();
    grown["@context"] = json!(["https://www.w3.org/ns/credentials/v2", "https://later.example/v1"]);
    let verified = verify(&grown, &expected()).unwrap();
    assert_eq!(verified.document(), &credential(), "only what was signed counts");
    for context in [
        json!("https://www.w3.org/ns/credentials/v1"),
        json!(["https://later.example/v1", "https://www.w3.org/ns/credentials/v2"]),
        json!([]),
    ] {
        let mut secured = prover.secured();
        secured["@context"] = context;
        assert_eq!(reason(&secured), DataIntegrityError::Context);
    }
    let mut secured = prover.secured();
    secured.shift_remove("@context");
    assert_eq!(reason(&secured), DataIntegrityError::Context);
}

#[test]
fn refuses_numbers_that_another_reader_would_round() {
    let prover = Prover::new(Curve::Ed25519);
    let mut document = credential();
    document["credentialSubject"]["id"] = json!(9_007_199_254_740_993_u64);
    let refusal = now(prover.assertion().secure(document, &prover.signer, &AwsLc)).unwrap_err();
    let too_large = DataIntegrityError::Canonicalize(CanonicalizeError::IntegerTooLarge);
    assert_eq!(refusal, too_large);
    let mut secured = prover.secured();
    secured["credentialSubject"]["id"] = json!(9_007_199_254_740_993_u64);
    assert_eq!(reason(&secured), too_large);
}

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
    // twice, with both providers, in a build without optimization
    assert!(effort.spent() < Duration::from_secs(1));
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

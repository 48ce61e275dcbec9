//! Data Integrity proofs: what is accepted, and every refusal by its name.

use std::{
    future::Future,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use jiff::SignedDuration;
use lanyard_core::{
    crypto::{AwsLc, CryptoProvider, Curve, PrivateKey, RustCrypto, SoftwareSigner},
    data_integrity::{
        Challenge, Cryptosuite, DataIntegrityError, Domain, ExpectedProof, ProofDraft,
        ProofVerifier, UnverifiedDocument, VerifiedDocument,
        json_ld::{Contexts, JsonLdError},
    },
    did::{Did, DidUrl, Relationship},
    json::{CanonicalizeError, Object},
};
use lanyard_testkit::test_now;
use serde_json::{Value, json};

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

pub(crate) const EVERY_KIND: [(Cryptosuite, Curve); 6] = [
    (Cryptosuite::EddsaJcs2022, Curve::Ed25519),
    (Cryptosuite::EcdsaJcs2019, Curve::P256),
    (Cryptosuite::EcdsaJcs2019, Curve::P384),
    (Cryptosuite::EddsaRdfc2022, Curve::Ed25519),
    (Cryptosuite::EcdsaRdfc2019, Curve::P256),
    (Cryptosuite::EcdsaRdfc2019, Curve::P384),
];

/// Somebody with a did:key.
pub(crate) struct Prover {
    pub(crate) key: PrivateKey,
    pub(crate) signer: SoftwareSigner,
}

impl Prover {
    pub(crate) fn new(curve: Curve) -> Self {
        let key = AwsLc.generate_key(curve).expect("the tests use good material");
        let signer = SoftwareSigner::new(&AwsLc, &key).expect("the tests use good material");
        Self { key, signer }
    }

    pub(crate) fn did(&self) -> Did {
        Did::from_key(self.key.public())
    }

    pub(crate) fn method(&self) -> DidUrl {
        let did = self.did();
        did.with_fragment(did.method_specific_id()).expect("the tests use good material")
    }

    pub(crate) fn assertion(&self) -> ProofDraft {
        let suite = EVERY_KIND.iter().find(|(_, curve)| *curve == self.key.public().curve());
        ProofDraft::assertion(suite.expect("the tests use good material").0, &self.method())
            .created(test_now())
    }

    pub(crate) fn secure(&self, draft: ProofDraft, document: Object) -> Object {
        now(draft.secure(document, &self.signer, &AwsLc)).expect("the tests use good material")
    }

    /// A credential with a proof.
    pub(crate) fn secured(&self) -> Object {
        self.secure(self.assertion(), credential())
    }

    /// Signs a proof whose members a test chose.
    pub(crate) fn with_proof(&self, change: impl FnOnce(&mut Object)) -> Object {
        let mut secured = self.secured();
        let proof = secured["proof"].as_object_mut().expect("the tests use good material");
        change(proof);
        self.sign_again(&mut secured);
        secured
    }

    /// Makes the signature good again after the proof was changed.
    pub(crate) fn sign_again(&self, secured: &mut Object) {
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

pub(crate) fn credential() -> Object {
    object(json!({
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "type": ["VerifiableCredential"],
        "issuer": "did:example:issuer",
        "credentialSubject": {"id": "did:example:holder", "name": "Ada"},
    }))
}

pub(crate) fn object(value: Value) -> Object {
    serde_json::from_value(value).expect("the tests use good material")
}

pub(crate) fn expected() -> ExpectedProof {
    ExpectedProof::assertion(test_now())
}

pub(crate) fn verify(
    document: &Object,
    expected: &ExpectedProof,
) -> Result<VerifiedDocument, DataIntegrityError> {
    let document = UnverifiedDocument::from_object(document.clone())?;
    let [one, other] = providers()
        .map(|provider| now(ProofVerifier::new(provider).verify(document.clone(), expected)));
    assert_eq!(one.as_ref().err(), other.as_ref().err(), "the providers agree");
    one
}

pub(crate) fn reason(document: &Object) -> DataIntegrityError {
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

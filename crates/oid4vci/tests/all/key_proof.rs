use lanyard_core::{
    crypto::{CryptoError, Curve, SignatureAlgorithm, Signer},
    did::Did,
    jose::{HeaderError, Jwk, JwkError, JwsError},
    json::{self, Object},
    trust::x509::TrustAnchors,
};
use lanyard_oid4vci::{
    attestation_status::AttestationStatuses,
    client_authentication::ClientId,
    key_proof::{KeyProofDraft, KeyProofError, ProofRules, UnverifiedKeyProof, VerifiedKeyProof},
    nonce::{NonceError, NonceKey},
};
use lanyard_testkit::vectors;
use serde_json::{Value, json};

use crate::fixture::{ISSUER, World, issuer_url, sign};

async fn verify(world: &World, proof: &str) -> Result<VerifiedKeyProof, KeyProofError> {
    verify_with(world, proof, SignatureAlgorithm::ALL).await
}

async fn verify_with(
    world: &World,
    proof: &str,
    algorithms: &[SignatureAlgorithm],
) -> Result<VerifiedKeyProof, KeyProofError> {
    verify_for(world, proof, algorithms, None).await
}

async fn verify_for(
    world: &World,
    proof: &str,
    algorithms: &[SignatureAlgorithm],
    client: Option<&ClientId>,
) -> Result<VerifiedKeyProof, KeyProofError> {
    let policy = world.issuer.configuration().policy();
    let rules = ProofRules {
        issuer: &issuer_url(ISSUER),
        client,
        algorithms,
        nonces: &NonceKey::new([7; 32]),
        nonce_life: policy.nonce_life,
        window: policy.proof_window,
        attesters: &TrustAnchors::default(),
        attestation: None,
        statuses: &AttestationStatuses::default(),
    };
    UnverifiedKeyProof::parse(proof)?.verify(&rules, &world.provider, world.now).await
}

/// A good proof with one thing changed.
async fn refused(change: impl FnOnce(&mut Object, &mut Object)) -> (KeyProofError, &'static str) {
    let world = World::new();
    let key = world.key();
    let (mut header, mut claims) = world.proof_parts(&*key);
    change(&mut header, &mut claims);
    let proof = sign(header, claims, &*key).await;
    let error = verify(&world, &proof).await.expect_err("the changed proof is refused");
    let code = error.code();
    (error, code)
}

fn set(members: &mut Object, name: &str, value: Value) {
    members.insert(name.to_owned(), value);
}

#[tokio::test]
async fn takes_proofs_of_every_curve_and_gives_the_key() {
    let world = World::new();
    for curve in [Curve::P256, Curve::P384, Curve::Ed25519] {
        let key = world.key_on(curve);
        let verified = verify(&world, &world.proof(&*key).await).await.unwrap();
        assert_eq!(verified.key(), key.public_key());
    }
}

#[tokio::test]
async fn takes_a_key_by_did_key_and_by_did_jwk() {
    let world = World::new();
    let key = world.key();
    let by_key = Did::from_key(key.public_key());
    let by_jwk = Did::from_jwk(&Jwk::new(*key.public_key()));
    let fragment = by_key.method_specific_id().to_owned();
    for kid in [format!("{by_key}#{fragment}"), format!("{by_jwk}#0")] {
        let (mut header, claims) = world.proof_parts(&*key);
        header.shift_remove("jwk");
        set(&mut header, "kid", json!(kid));
        let proof = sign(header, claims, &*key).await;
        assert_eq!(verify(&world, &proof).await.unwrap().key(), key.public_key(), "{kid}");
    }
}

#[tokio::test]
async fn refuses_a_kid_that_would_have_to_be_fetched() {
    for kid in ["did:web:10.0.0.1#key", "key-1", "https://a.example/key"] {
        let (error, code) = refused(|header, _| {
            header.shift_remove("jwk");
            set(header, "kid", json!(kid));
        })
        .await;
        assert_eq!((error, code), (KeyProofError::KidUnsupported, "invalid_proof"), "{kid}");
    }
}

#[tokio::test]
async fn refuses_two_keys_and_none() {
    let (error, code) = refused(|header, _| set(header, "kid", json!("did:key:zDn#zDn"))).await;
    assert_eq!((error, code), (KeyProofError::NotExactlyOneKey, "invalid_proof"));
    let (error, code) = refused(|header, _| {
        header.shift_remove("jwk");
    })
    .await;
    assert_eq!((error, code), (KeyProofError::NotExactlyOneKey, "invalid_proof"));
}

#[tokio::test]
async fn refuses_another_typ() {
    for typ in ["JWT", "openid4vci-proof", "kb+jwt"] {
        let (error, code) = refused(|header, _| set(header, "typ", json!(typ))).await;
        assert_eq!(error, KeyProofError::Jws(JwsError::WrongType("key proof")));
        assert_eq!(code, "invalid_proof");
    }
}

#[tokio::test]
async fn refuses_a_key_that_is_reserved_for_something_else() {
    for (name, value) in [("use", json!("enc")), ("alg", json!("ECDH-ES"))] {
        let (error, code) = refused(|header, _| header["jwk"][name] = value).await;
        assert_eq!((error, code), (KeyProofError::KeyForSomethingElse, "invalid_proof"));
    }
}

#[tokio::test]
async fn refuses_a_private_key_in_the_header() {
    let (error, code) = refused(|header, _| header["jwk"]["d"] = json!("AAAA")).await;
    let expected = HeaderError::Jwk(JwkError::PrivateMember);
    assert_eq!(error, KeyProofError::Jws(JwsError::Header(expected)));
    assert_eq!(code, "invalid_proof");
}

#[tokio::test]
async fn refuses_the_signature_of_another_key() {
    let world = World::new();
    let (header, claims) = world.proof_parts(&*world.key());
    let proof = sign(header, claims, &*world.key()).await;
    let error = verify(&world, &proof).await.unwrap_err();
    let expected = JwsError::Signature(CryptoError::InvalidSignature);
    assert_eq!((error.code(), error), ("invalid_proof", KeyProofError::Jws(expected)));
}

#[tokio::test]
async fn refuses_alg_none_and_algorithms_that_the_metadata_does_not_name() {
    let world = World::new();
    let key = world.key();
    let proof = world.proof(&*key).await;
    let (_, rest) = proof.split_once('.').unwrap();
    let (payload, _) = rest.split_once('.').unwrap();
    let (mut header, _) = world.proof_parts(&*key);
    set(&mut header, "alg", json!("none"));
    let unsigned = format!("{}.{payload}.", json::base64url(serde_json::to_vec(&header).unwrap()));
    let expected = JwsError::AlgorithmNotAllowed("key proof");
    assert_eq!(verify(&world, &unsigned).await, Err(KeyProofError::Jws(expected)));

    let refusal = verify_with(&world, &proof, &[SignatureAlgorithm::EdDsa]).await;
    assert_eq!(refusal, Err(KeyProofError::AlgorithmNotOffered));
}

#[tokio::test]
async fn refuses_every_audience_but_the_issuer_itself() {
    for aud in [
        json!("https://issuer.example/other"),
        json!("https://issuer.example/demo/"),
        json!("https://issuer.example/demo/token"),
        json!("http://issuer.example/demo"),
        json!(["https://issuer.example/demo"]),
        json!(null),
    ] {
        let (error, code) = refused(|_, claims| set(claims, "aud", aud.clone())).await;
        assert_eq!((error, code), (KeyProofError::Audience, "invalid_proof"), "{aud}");
    }
}

#[tokio::test]
async fn refuses_an_iat_that_is_missing_or_too_far_away() {
    let now = World::new().now.as_second();
    for iat in [now - 3600, now + 3600, now - 61, now + 61] {
        let (error, code) = refused(|_, claims| set(claims, "iat", json!(iat))).await;
        assert_eq!((error, code), (KeyProofError::IssuedAtOutsideWindow, "invalid_proof"));
    }
    for iat in [json!(now.to_string()), json!(null), json!(1e300)] {
        let (error, code) = refused(|_, claims| set(claims, "iat", iat.clone())).await;
        assert_eq!((error, code), (KeyProofError::IssuedAtMissing, "invalid_proof"), "{iat}");
    }
}

#[tokio::test]
async fn takes_an_iat_ten_seconds_off() {
    let world = World::new();
    let key = world.key();
    for offset in [-10, 10] {
        let (header, mut claims) = world.proof_parts(&*key);
        set(&mut claims, "iat", json!(world.now.as_second() + offset));
        assert!(verify(&world, &sign(header, claims, &*key).await).await.is_ok());
    }
}

#[tokio::test]
async fn refuses_an_iss_for_anonymous_access() {
    let (error, code) = refused(|_, claims| set(claims, "iss", json!("wallet"))).await;
    assert_eq!((error, code), (KeyProofError::IssuerPresent, "invalid_proof"));
}

#[tokio::test]
async fn takes_the_client_as_iss_and_no_other() {
    let world = World::new();
    let client = ClientId::new("wallet".to_owned());
    for (iss, expected) in [
        (json!("wallet"), Ok(())),
        (json!("another"), Err(KeyProofError::IssuerPresent)),
        (json!(["wallet"]), Err(KeyProofError::IssuerPresent)),
    ] {
        let key = world.key();
        let (header, mut claims) = world.proof_parts(&*key);
        set(&mut claims, "iss", iss.clone());
        let proof = sign(header, claims, &*key).await;
        let verdict = verify_for(&world, &proof, SignatureAlgorithm::ALL, Some(&client)).await;
        assert_eq!(verdict.map(drop), expected, "{iss}");
    }
}

#[tokio::test]
async fn a_missing_nonce_and_a_wrong_one_have_different_codes() {
    let (error, code) = refused(|_, claims| {
        claims.shift_remove("nonce");
    })
    .await;
    assert_eq!((error, code), (KeyProofError::NonceMissing, "invalid_proof"));
    let (error, code) = refused(|_, claims| set(claims, "nonce", json!("wrong"))).await;
    assert_eq!((error, code), (KeyProofError::Nonce(NonceError::Unknown), "invalid_nonce"));
}

#[tokio::test]
async fn refuses_what_is_no_jws() {
    let world = World::new();
    for text in ["", "a", "a.b", "a.b.c.d", "e30.e30."] {
        let error = verify(&world, text).await.unwrap_err();
        assert_eq!((error.code(), error.reason()), ("invalid_proof", "proof_malformed"), "{text}");
    }
    let long = "a".repeat(70_000);
    assert_eq!(verify(&world, &long).await, Err(KeyProofError::TooLong));
}

#[tokio::test]
async fn the_example_of_the_specification_verifies_but_for_our_nonce() {
    if !vectors::available("oid4vci") {
        return;
    }
    let world = World::new();
    let vector = vectors::json("oid4vci/proof_jwt.json");
    let proof = vector["jwt"].as_str().unwrap();
    let issuer = issuer_url(vector["expected_aud"].as_str().unwrap());
    let issued_at = lanyard_core::Timestamp::from_second(vector["claims"]["iat"].as_i64().unwrap());
    let rules = ProofRules {
        issuer: &issuer,
        client: None,
        algorithms: &[SignatureAlgorithm::Es256],
        nonces: &NonceKey::new([7; 32]),
        nonce_life: jiff::SignedDuration::from_mins(5),
        window: jiff::SignedDuration::from_secs(60),
        attesters: &TrustAnchors::default(),
        attestation: None,
        statuses: &AttestationStatuses::default(),
    };
    let proof = UnverifiedKeyProof::parse(proof).unwrap();
    let verdict = proof.verify(&rules, &world.provider, issued_at.unwrap()).await;
    assert_eq!(verdict, Err(KeyProofError::Nonce(NonceError::Unknown)));
}

#[tokio::test]
async fn the_wallets_proof_is_the_one_the_issuer_takes() {
    let world = World::new();
    let key: std::sync::Arc<dyn Signer> = world.key();
    let nonce = world.issuer.nonce(world.now).c_nonce;
    let issuer = issuer_url(ISSUER);
    let (nonce, now) = (Some(&nonce), world.now);
    let draft = KeyProofDraft { issuer: &issuer, nonce, now, key_id: None, attestation: None };
    let proof = draft.sign(&*key).await.unwrap();
    let verified = verify(&world, &proof).await.unwrap();
    assert_eq!(verified.holder_key().key, *key.public_key());
}

//! DPoP proofs, one broken rule at a time (RFC 9449 §4.3).

use jiff::SignedDuration;
use lanyard_core::{
    crypto::{Curve, Signer},
    jose::{Jwk, JwsError},
    json::{self, Object},
};
use lanyard_oid4vci::{
    AccessToken,
    client_authentication::KnownClient,
    dpop::{DpopError, KeyThumbprint, Proven, VerifiedDpopProof, sign_dpop_proof},
    issuer::{AccessRefused, AuthorizationRules, Profile, Sender, ShownToken},
    nonce::{DpopNonce, NonceError},
    token::TokenError,
};
use serde_json::json;
use url::Url;

use crate::fixture::{World, object, sign, token_request};

fn token_url() -> Url {
    "https://issuer.example/demo/token".parse().expect("a URL")
}

/// The header and claims of a good proof, to be broken one at a time.
fn parts(world: &World, key: &dyn Signer) -> (Object, Object) {
    let header = json!({ "typ": "dpop+jwt", "jwk": Jwk::new(*key.public_key()).to_value() });
    let nonce = world.issuer.dpop_nonce(world.now);
    let claims = json!({
        "jti": "a-name", "htm": "POST", "htu": token_url().as_str(),
        "iat": world.now.as_second(), "nonce": nonce.reveal(),
    });
    (object(header), object(claims))
}

fn check(world: &World, proof: &str) -> Result<VerifiedDpopProof, DpopError> {
    world.issuer.check_proof(proof, &token_url(), None, world.now)
}

async fn with(
    change: impl FnOnce(&mut Object, &mut Object),
) -> Result<VerifiedDpopProof, DpopError> {
    let world = World::new();
    let key = world.key();
    let (mut header, mut claims) = parts(&world, &*key);
    change(&mut header, &mut claims);
    check(&world, &sign(header, claims, &*key).await)
}

async fn with_claim(name: &str, value: serde_json::Value) -> Result<VerifiedDpopProof, DpopError> {
    with(|_, claims| {
        claims.insert(name.to_owned(), value);
    })
    .await
}

async fn without(name: &'static str) -> DpopError {
    with(|_, claims| {
        claims.shift_remove(name);
    })
    .await
    .expect_err("something is missing")
}

#[tokio::test]
async fn takes_the_proof_that_our_wallet_signs_with_every_algorithm() {
    let world = World::new();
    let nonce = world.issuer.dpop_nonce(world.now);
    for curve in [Curve::P256, Curve::P384, Curve::Ed25519] {
        let key = world.key_on(curve);
        let url = token_url();
        let proven = Proven { method: "POST", url: &url, access_token: None, nonce: Some(&nonce) };
        let proof = sign_dpop_proof(&*key, proven, &*world.provider, world.now).await.unwrap();
        let verified = check(&world, &proof).unwrap();
        let thumbprint = KeyThumbprint::of(&Jwk::new(*key.public_key()), &*world.provider);
        assert_eq!(verified.key(), &thumbprint);
    }
}

#[tokio::test]
async fn takes_the_same_place_in_another_spelling_and_claims_it_does_not_know() {
    for htu in [
        "HTTPS://ISSUER.example/demo/token",
        "https://issuer.example:443/demo/token",
        "https://issuer.example/demo/token?a=b#c",
        "https://issuer.example/x/../demo/token",
    ] {
        assert!(with_claim("htu", json!(htu)).await.is_ok(), "{htu}");
    }
    assert!(with_claim("extra", json!({ "a": [1] })).await.is_ok());
    assert!(with_claim("exp", json!(1)).await.is_ok());
}

#[tokio::test]
async fn takes_a_proof_ten_seconds_before_and_after_and_refuses_an_hour() {
    let now = World::new().now.as_second();
    for seconds in [-10, 10, -60, 60] {
        assert!(with_claim("iat", json!(now + seconds)).await.is_ok(), "{seconds}");
    }
    for seconds in [-3600, 3600, -61, 61] {
        let refused = with_claim("iat", json!(now + seconds)).await.unwrap_err();
        assert_eq!(refused, DpopError::IssuedAtOutsideWindow, "{seconds}");
        assert_eq!(refused.code(), "invalid_dpop_proof");
    }
}

#[tokio::test]
async fn refuses_another_place_and_another_method() {
    for htu in [
        "https://issuer.example/demo/credential",
        "https://issuer.example/demo/token/",
        "https://issuer.example/DEMO/token",
        "http://issuer.example/demo/token",
        "https://issuer.example:444/demo/token",
        "https://evil.example/demo/token",
        "token",
    ] {
        assert_eq!(with_claim("htu", json!(htu)).await.unwrap_err(), DpopError::Url, "{htu}");
    }
    for htm in ["GET", "post", "PUT"] {
        assert_eq!(with_claim("htm", json!(htm)).await.unwrap_err(), DpopError::Method);
    }
}

#[tokio::test]
async fn refuses_a_proof_without_one_of_its_claims() {
    assert_eq!(without("jti").await, DpopError::Identifier);
    assert_eq!(without("htm").await, DpopError::Method);
    assert_eq!(without("htu").await, DpopError::Url);
    assert_eq!(without("iat").await, DpopError::IssuedAtMissing);
    let refused = without("nonce").await;
    assert_eq!((refused.code(), refused), ("use_dpop_nonce", DpopError::Nonce(None)));
    assert_eq!(with_claim("jti", json!("")).await.unwrap_err(), DpopError::Identifier);
    assert_eq!(with_claim("jti", json!("x".repeat(513))).await.unwrap_err(), DpopError::Identifier);
}

#[tokio::test]
async fn refuses_a_header_that_is_not_one_of_a_proof() {
    let typ = with(|header, _| {
        header.insert("typ".to_owned(), json!("JWT"));
    });
    assert!(matches!(typ.await, Err(DpopError::Jws(JwsError::WrongType(_)))));
    let no_typ = with(|header, _| {
        header.shift_remove("typ");
    });
    assert!(matches!(no_typ.await, Err(DpopError::Jws(JwsError::WrongType(_)))));
    let no_key = with(|header, _| {
        header.shift_remove("jwk");
    });
    assert_eq!(no_key.await.unwrap_err(), DpopError::KeyMissing);
    let kid = with(|header, _| {
        header.insert("kid".to_owned(), json!("1"));
    });
    assert!(matches!(kid.await, Err(DpopError::Jws(JwsError::HeaderKeyNotAllowed(_)))));
    let private = with(|header, _| {
        header["jwk"]["d"] = json!("AQ");
    });
    assert!(matches!(private.await, Err(DpopError::Jws(JwsError::Header(_)))));
    let for_encryption = with(|header, _| {
        header["jwk"]["use"] = json!("enc");
    });
    assert_eq!(for_encryption.await.unwrap_err(), DpopError::KeyForSomethingElse);
}

#[tokio::test]
async fn refuses_alg_none_and_a_signature_of_another_key() {
    let world = World::new();
    let (header, claims) = parts(&world, &*world.key());
    let other = sign(header.clone(), claims.clone(), &*world.key()).await;
    assert!(matches!(check(&world, &other), Err(DpopError::Jws(JwsError::Signature(_)))));
    let mut header = header;
    header.insert("alg".to_owned(), json!("none"));
    let encode = |part: &Object| json::base64url(serde_json::to_vec(part).unwrap());
    let none = format!("{}.{}.", encode(&header), encode(&claims));
    assert!(matches!(check(&world, &none), Err(DpopError::Jws(JwsError::AlgorithmNotAllowed(_)))));
}

#[tokio::test]
async fn refuses_a_nonce_of_another_purpose_or_tenant_and_an_old_one() {
    let world = World::new();
    let unknown = DpopError::Nonce(Some(NonceError::Unknown));
    for nonce in [world.nonce(), "guess".to_owned(), String::new()] {
        assert_eq!(with_claim("nonce", json!(nonce)).await.unwrap_err(), unknown);
    }
    let key = world.key();
    let (header, mut claims) = parts(&world, &*key);
    let later = world.now + SignedDuration::from_mins(6);
    claims.insert("iat".to_owned(), json!(later.as_second()));
    let proof = sign(header, claims, &*key).await;
    let refused = world.issuer.check_proof(&proof, &token_url(), None, later).unwrap_err();
    assert_eq!(refused, DpopError::Nonce(Some(NonceError::Expired)));
    assert_eq!(refused.code(), "use_dpop_nonce");
}

#[tokio::test]
async fn at_a_resource_the_proof_names_the_access_token() {
    let world = World::new();
    let (key, token) = (world.key(), AccessToken::generate(&world.random));
    let (url, nonce) = (token_url(), world.issuer.dpop_nonce(world.now));
    for (named, fits) in [
        (Some(token.clone()), true),
        (Some(AccessToken::generate(&world.random)), false),
        (None, false),
    ] {
        let proven =
            Proven { method: "POST", url: &url, access_token: named.as_ref(), nonce: Some(&nonce) };
        let proof = sign_dpop_proof(&*key, proven, &*world.provider, world.now).await.unwrap();
        let checked = world.issuer.check_proof(&proof, &url, Some(&token), world.now);
        let refused = checked.err();
        assert_eq!(refused, (!fits).then_some(DpopError::AccessToken));
    }
}

#[tokio::test]
async fn one_name_of_two_keys_is_two_proofs_and_is_remembered_as_long_as_it_is_good() {
    let world = World::new();
    let mut seen = Vec::new();
    for key in [world.key(), world.key()] {
        let (header, mut claims) = parts(&world, &*key);
        let ahead = world.now + SignedDuration::from_secs(60);
        claims.insert("iat".to_owned(), json!(ahead.as_second()));
        let proof = sign(header, claims, &*key).await;
        let shown = *check(&world, &proof).unwrap().shown();
        // row 119 of the catalogue: taken until iat + 60 s, remembered longer than that
        assert!(shown.until > ahead + SignedDuration::from_secs(60));
        assert_eq!(*check(&world, &proof).unwrap().shown(), shown);
        seen.push(shown.digest);
    }
    assert_ne!(seen[0], seen[1]);
}

async fn proven(world: &World, key: &dyn Signer) -> Sender {
    let (header, claims) = parts(world, key);
    let proof = check(world, &sign(header, claims, key).await).expect("a good proof");
    Sender::new(KnownClient::default(), Some(proof))
}

#[tokio::test]
async fn a_proven_key_binds_the_access_token_which_then_lives_longer() {
    let world = World::new();
    let key = world.key();
    let sender = proven(&world, &*key).await;
    let offered = world.offered(None);
    let request = token_request(offered.code(), None);
    let (response, authorized) =
        offered.exchange(request, &sender, &world.issuer, world.now, &world.random).unwrap();
    assert_eq!((response.token_type.as_str(), response.expires_in), ("DPoP", Some(600)));
    assert_eq!(authorized.bound_to(), sender.key());

    let token = response.access_token;
    let shown = |proof| ShownToken { token: token.clone(), proof };
    assert_eq!(authorized.admit(&shown(sender.proof.clone())), Ok(()));
    assert_eq!(authorized.admit(&shown(None)), Err(AccessRefused::Unproven));
    let other = proven(&world, &*world.key()).await;
    assert_eq!(authorized.admit(&shown(other.proof)), Err(AccessRefused::OtherKey));
    let elsewhere = ShownToken { token: AccessToken::new("other"), proof: sender.proof };
    assert_eq!(authorized.admit(&elsewhere), Err(AccessRefused::Replaced));
}

#[tokio::test]
async fn a_token_that_is_bound_to_nothing_is_no_dpop_token() {
    let world = World::new();
    let authorized = world.authorized();
    let sender = proven(&world, &*world.key()).await;
    let shown = ShownToken { token: authorized.token().clone(), proof: sender.proof };
    assert_eq!(authorized.admit(&shown), Err(AccessRefused::OtherKey));
}

#[tokio::test]
async fn the_high_assurance_profile_demands_a_proof_and_costs_no_try_without() {
    let world = World::new().ruled(AuthorizationRules::new(Profile::Haip));
    let offered = world.offered(None);
    let request = token_request(offered.code(), None);
    let refused = offered
        .exchange(request, &Sender::anonymous(), &world.issuer, world.now, &world.random)
        .unwrap_err();
    assert_eq!(
        (refused.error, refused.error.code()),
        (TokenError::DpopMissing, "invalid_dpop_proof")
    );
    assert!(matches!(*refused.left, lanyard_oid4vci::issuer::Left::Unchanged(_)));
}

#[test]
fn neither_a_nonce_nor_a_thumbprint_is_printed() {
    let text = format!("{:?} {:?}", DpopNonce::new("canary"), KeyThumbprint::new("canary"));
    assert!(!text.contains("canary"), "{text}");
}

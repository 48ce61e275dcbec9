//! Key binding by RFC 9901 §4.3 and §7.3: each rule broken alone.

use lanyard_core::{
    crypto::CryptoError,
    jose::{JwkError, JwsError},
    sd_jwt::{KeyBindingError, SdJwtError, UnverifiedSdJwt},
};
use serde_json::{Value, json};

use crate::{
    sd_jwt::verify,
    sd_jwt_support::{Demand, NONCE, PROVIDERS, Party, SLOT, digest, disclosure},
};

/// What both providers say about a presentation that must be bound.
pub(crate) fn verify_bound(issuer: &Party, presentation: &str) -> Result<Value, SdJwtError> {
    let demand = Demand::new();
    let verdict = |provider| {
        let expected = demand.expected();
        let verified = UnverifiedSdJwt::parse(presentation)?.verify(
            &SLOT,
            &issuer.jwk.key,
            Some(&expected),
            provider,
        )?;
        Ok(verified.into_claims().into_value())
    };
    let [one, other] = PROVIDERS.map(verdict);
    assert_eq!(one, other);
    one
}

fn key_binding_error(issuer: &Party, presentation: &str) -> KeyBindingError {
    match verify_bound(issuer, presentation) {
        Err(SdJwtError::KeyBinding(error)) => error,
        other => unreachable!("the key binding should be refused, and not {other:?}"),
    }
}

pub(crate) struct Bound {
    pub(crate) issuer: Party,
    pub(crate) holder: Party,
    pub(crate) sd_jwt: String,
}

pub(crate) fn bound() -> Bound {
    let (issuer, holder) = (Party::new(), Party::new());
    let (one, other) = (disclosure(&json!(["salt", "a", 1])), disclosure(&json!(["salt", "b", 2])));
    let payload = json!({
        "cnf": {"jwk": holder.jwk.to_value()},
        "_sd": [digest(&one), digest(&other)],
    });
    let sd_jwt = issuer.forge(&payload, &[one, other]);
    Bound { issuer, holder, sd_jwt }
}

#[test]
fn takes_a_good_key_binding() {
    let Bound { issuer, holder, sd_jwt } = bound();
    assert!(verify_bound(&issuer, &holder.bind(&sd_jwt, &json!({}))).is_ok());
    // a kid in its header and further claims do no harm
    let header = json!({"typ": "kb+jwt", "kid": "holder-1"});
    let bound = holder.bind_with(&header, &sd_jwt, &json!({"extra": true}));
    assert!(verify_bound(&issuer, &bound).is_ok());
}

#[test]
fn refuses_a_presentation_without_the_required_key_binding() {
    let Bound { issuer, sd_jwt, .. } = bound();
    assert_eq!(key_binding_error(&issuer, &sd_jwt), KeyBindingError::Missing);
}

#[test]
fn does_not_even_read_a_key_binding_that_was_not_asked_for() {
    let Bound { issuer, sd_jwt, .. } = bound();
    let foreign = Party::new().bind(&sd_jwt, &json!({"nonce": "other"}));
    assert!(verify(&issuer, &foreign).is_ok());
}

#[test]
fn refuses_a_key_binding_by_another_key() {
    let Bound { issuer, sd_jwt, .. } = bound();
    assert_eq!(
        key_binding_error(&issuer, &Party::new().bind(&sd_jwt, &json!({}))),
        KeyBindingError::Jwt(JwsError::Signature(CryptoError::InvalidSignature))
    );
}

#[test]
fn refuses_a_key_binding_that_brings_its_key_along() {
    let Bound { issuer, holder, sd_jwt } = bound();
    let header = json!({"typ": "kb+jwt", "jwk": holder.jwk.to_value()});
    assert_eq!(
        key_binding_error(&issuer, &holder.bind_with(&header, &sd_jwt, &json!({}))),
        KeyBindingError::Jwt(JwsError::HeaderKeyNotAllowed("key binding JWT"))
    );
}

#[test]
fn refuses_a_key_binding_of_another_typ() {
    let Bound { issuer, holder, sd_jwt } = bound();
    for typ in ["JWT", "kb-jwt", "application/kb+jwt", "openid4vci-proof+jwt"] {
        assert_eq!(
            key_binding_error(
                &issuer,
                &holder.bind_with(&json!({"typ": typ}), &sd_jwt, &json!({}))
            ),
            KeyBindingError::Jwt(JwsError::WrongType("key binding JWT"))
        );
    }
}

#[test]
fn refuses_to_bind_to_a_key_that_is_missing_only_named_or_private() {
    let (issuer, holder) = (Party::new(), Party::new());
    let mut private = holder.jwk.to_value();
    private["d"] = "AAAA".into();
    for (payload, expected) in [
        (json!({}), KeyBindingError::NoConfirmation),
        (json!({"cnf": {"kid": "holder-1"}}), KeyBindingError::ConfirmationMethod),
        (
            json!({"cnf": {"jwk": private}}),
            KeyBindingError::ConfirmationKey(JwkError::PrivateMember),
        ),
    ] {
        let bound = holder.bind(&issuer.forge(&payload, &[]), &json!({}));
        assert_eq!(key_binding_error(&issuer, &bound), expected);
    }
}

#[test]
fn refuses_another_requests_nonce() {
    let Bound { issuer, holder, sd_jwt } = bound();
    for nonce in [json!("other"), json!([NONCE]), json!(null), json!(1)] {
        assert_eq!(
            key_binding_error(&issuer, &holder.bind(&sd_jwt, &json!({"nonce": nonce}))),
            KeyBindingError::Nonce
        );
    }
}

#[test]
fn refuses_another_audience_however_alike() {
    let Bound { issuer, holder, sd_jwt } = bound();
    for audience in [
        json!("verifier.example"),
        json!("x509_san_dns:VERIFIER.example"),
        json!("x509_san_dns:verifier.example/"),
        json!(["x509_san_dns:verifier.example"]),
        json!(null),
    ] {
        assert_eq!(
            key_binding_error(&issuer, &holder.bind(&sd_jwt, &json!({"aud": audience}))),
            KeyBindingError::Audience
        );
    }
}

#[test]
fn refuses_an_sd_hash_over_anything_but_what_was_sent() {
    let Bound { issuer, holder, sd_jwt } = bound();
    let [jwt, one, other, _]: [&str; 4] = sd_jwt.split('~').collect::<Vec<_>>().try_into().unwrap();
    let swap = |to: &str, from: &str| {
        let bound = holder.bind(from, &json!({}));
        format!("{to}{}", bound.rsplit_once('~').unwrap().1)
    };
    for (sent, hashed) in [
        (format!("{jwt}~{other}~{one}~"), format!("{jwt}~{one}~{other}~")),
        (format!("{jwt}~{one}~"), format!("{jwt}~{one}~{other}~")),
        (format!("{jwt}~{one}~{other}~"), format!("{jwt}~{one}~")),
        (format!("{jwt}~{one}~"), format!("{jwt}~{one}")),
    ] {
        let bound = holder.bind_with(&json!({"typ": "kb+jwt"}), &hashed, &json!({}));
        let key_binding = bound.strip_prefix(&hashed).unwrap();
        assert_eq!(
            key_binding_error(&issuer, &format!("{sent}{key_binding}")),
            KeyBindingError::SdHash
        );
    }
    assert_eq!(
        key_binding_error(&issuer, &holder.bind(&sd_jwt, &json!({"sd_hash": null}))),
        KeyBindingError::SdHash
    );
    assert!(verify_bound(&issuer, &swap(&sd_jwt, &sd_jwt)).is_ok());
}

#[test]
fn refuses_an_sd_hash_with_another_hash_than_the_disclosures() {
    let (issuer, holder) = (Party::new(), Party::new());
    let payload = json!({"_sd_alg": "sha-512", "cnf": {"jwk": holder.jwk.to_value()}});
    // the support binds with sha-256
    let bound = holder.bind(&issuer.forge(&payload, &[]), &json!({}));
    assert_eq!(key_binding_error(&issuer, &bound), KeyBindingError::SdHash);
}

#[test]
fn refuses_a_key_binding_outside_its_minute() {
    let Bound { issuer, holder, sd_jwt } = bound();
    let now = lanyard_testkit::test_now().as_second();
    let at = |iat: Value| holder.bind(&sd_jwt, &json!({"iat": iat}));
    for iat in [json!(null), json!("123"), json!(true), json!(1e308), json!(i64::MAX), json!([])] {
        assert_eq!(key_binding_error(&issuer, &at(iat)), KeyBindingError::IssuedAt);
    }
    assert_eq!(key_binding_error(&issuer, &at(json!(now - 61))), KeyBindingError::TooOld);
    assert_eq!(key_binding_error(&issuer, &at(json!(-1))), KeyBindingError::TooOld);
    assert_eq!(key_binding_error(&issuer, &at(json!(now + 61))), KeyBindingError::FromTheFuture);
    for iat in [json!(now - 60), json!(now + 60), json!(now as f64 + 0.5)] {
        assert!(verify_bound(&issuer, &at(iat)).is_ok());
    }
}

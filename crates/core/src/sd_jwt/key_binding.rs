//! Key binding: the holder's signature for one verifier and one request (RFC 9901 §4.3, §7.3).

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::Value;
use thiserror::Error;

use crate::{
    crypto::{CryptoProvider, PublicKey, SignatureAlgorithm, Signer, SignerError},
    jose::{self, HeaderKey, Jwk, JwkError, JwsError, Slot, UnverifiedJws},
    json::{Object, numeric_date},
};

/// Where a KB-JWT goes; its key comes from the credential's `cnf`, never from its own header.
const SLOT: Slot = Slot {
    name: "key binding JWT",
    // RFC 9901 §4.3: typ is kb+jwt
    typ: &["kb+jwt"],
    algorithms: SignatureAlgorithm::OPENID4VC,
    // a kid names a key that is known already, so it does no harm; it is not looked at
    header_keys: &[HeaderKey::Kid],
};

/// The nonce of a presentation request, chosen by the verifier (OID4VP 1.0 §5.2).
#[derive(Clone, PartialEq, Eq)]
pub struct RequestNonce(String);

/// Whom a presentation is for: the verifier's full client identifier (OID4VP 1.0 §14.1.2).
#[derive(Clone, PartialEq, Eq)]
pub struct Audience(String);

/// What the verifier demands of a key binding.
#[derive(Clone, Copy, Debug)]
pub struct ExpectedKeyBinding<'e> {
    /// `aud`.
    pub audience: &'e Audience,
    /// `nonce`.
    pub nonce: &'e RequestNonce,
    /// The moment of verification.
    pub now: Timestamp,
    /// How far `iat` may be from now.
    pub window: KeyBindingWindow,
}

/// How far the `iat` of a key binding may be from now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyBindingWindow {
    /// How old it may be.
    pub past: SignedDuration,
    /// How far ahead the holder's clock may be.
    pub future: SignedDuration,
}

impl Default for KeyBindingWindow {
    /// A minute either way, as the threat model sets it.
    fn default() -> Self {
        Self { past: SignedDuration::from_secs(60), future: SignedDuration::from_secs(60) }
    }
}

/// A key binding that was verified.
#[derive(Clone)]
pub struct VerifiedKeyBinding {
    key: Jwk,
    issued_at: Timestamp,
    claims: Object,
}

impl VerifiedKeyBinding {
    /// The holder's key.
    pub const fn key(&self) -> &Jwk {
        &self.key
    }

    /// When the holder signed, by the holder's clock.
    pub const fn issued_at(&self) -> Timestamp {
        self.issued_at
    }

    /// Everything the holder signed, as `transaction_data_hashes`.
    pub const fn claims(&self) -> &Object {
        &self.claims
    }
}

/// Why a key binding is refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum KeyBindingError {
    /// It is required and not there.
    #[error("a key binding is required")]
    Missing,
    /// The KB-JWT breaks a rule of its slot, or its signature is not by the key in `cnf`.
    #[error("the key binding JWT is refused: {0}")]
    Jwt(JwsError),
    /// The credential has no `cnf`, so nobody can bind it.
    #[error("the credential is not bound to a key")]
    NoConfirmation,
    /// `cnf` has no `jwk`: the key is named but not given.
    #[error("the credential's cnf has no jwk")]
    ConfirmationMethod,
    /// The `jwk` in `cnf` is not an acceptable public key.
    #[error("the credential's cnf.jwk is refused: {0}")]
    ConfirmationKey(JwkError),
    /// `sd_hash` is missing or covers something else than what was sent.
    #[error("sd_hash does not cover what was presented")]
    SdHash,
    /// `nonce` is missing or not the request's.
    #[error("the nonce is not that of the request")]
    Nonce,
    /// `aud` is missing, not a single string, or another verifier.
    #[error("the audience is another")]
    Audience,
    /// `iat` is missing or not a time.
    #[error("iat is missing or not a time")]
    IssuedAt,
    /// `iat` is too long ago.
    #[error("the key binding is too old")]
    TooOld,
    /// `iat` is in the future.
    #[error("the key binding is from the future")]
    FromTheFuture,
}

impl KeyBindingError {
    /// The stable reason code, for operators.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Missing => "key_binding_missing",
            Self::Jwt(JwsError::Signature(_)) => "key_binding_signature_invalid",
            Self::Jwt(JwsError::WrongType(_)) => "key_binding_wrong_typ",
            Self::Jwt(JwsError::AlgorithmNotAllowed(_)) => "key_binding_algorithm",
            Self::Jwt(JwsError::HeaderKeyNotAllowed(_)) => "key_binding_header_key",
            Self::Jwt(_) => "key_binding_malformed",
            Self::NoConfirmation => "credential_not_bound",
            Self::ConfirmationMethod => "credential_binding_unsupported",
            Self::ConfirmationKey(_) => "credential_binding_key",
            Self::SdHash => "sd_hash_mismatch",
            Self::Nonce => "nonce_mismatch",
            Self::Audience => "audience_mismatch",
            Self::IssuedAt => "key_binding_iat",
            Self::TooOld => "key_binding_too_old",
            Self::FromTheFuture => "key_binding_from_the_future",
        }
    }
}

/// Verifies a KB-JWT against the processed payload of its credential.
pub(super) fn verify(
    jws: UnverifiedJws<'_>,
    credential: &Object,
    sd_hash: &str,
    expected: &ExpectedKeyBinding<'_>,
    provider: &dyn CryptoProvider,
) -> Result<VerifiedKeyBinding, KeyBindingError> {
    // RFC 9901 §7.3(5.1): the holder's key is the one in the credential
    let key = confirmation_key(credential)?.ok_or(KeyBindingError::NoConfirmation)?;
    // RFC 9901 §7.3(5.2) to (5.4): algorithm, signature, typ
    let claims = jws.verify(&SLOT, &key.key, provider)?.claims()?;
    let text = |name| claims.get(name).and_then(Value::as_str);
    // RFC 9901 §7.3(5.6): nonce and aud are the request's; aud is a single string
    if text("nonce") != Some(expected.nonce.as_str()) {
        return Err(KeyBindingError::Nonce);
    }
    if text("aud") != Some(expected.audience.as_str()) {
        return Err(KeyBindingError::Audience);
    }
    // RFC 9901 §7.3(5.7): sd_hash covers exactly what was sent
    if text("sd_hash") != Some(sd_hash) {
        return Err(KeyBindingError::SdHash);
    }
    // RFC 9901 §7.3(5.5): created within a window around now
    let issued_at = claims.get("iat").and_then(numeric_date).ok_or(KeyBindingError::IssuedAt)?;
    if issued_at.duration_until(expected.now) > expected.window.past {
        return Err(KeyBindingError::TooOld);
    }
    if expected.now.duration_until(issued_at) > expected.window.future {
        return Err(KeyBindingError::FromTheFuture);
    }
    Ok(VerifiedKeyBinding { key, issued_at, claims })
}

/// The key that a credential is bound to (RFC 7800 §3.2); none when it is bound to nothing.
pub(crate) fn confirmation_key(credential: &Object) -> Result<Option<Jwk>, KeyBindingError> {
    let Some(confirmation) = credential.get("cnf") else {
        return Ok(None);
    };
    let jwk = confirmation.get("jwk").ok_or(KeyBindingError::ConfirmationMethod)?;
    let jwk = Jwk::from_value(jwk).map_err(KeyBindingError::ConfirmationKey)?;
    // RFC 7517 §4.2 to §4.4: a key that is for something else signs no key binding
    if jwk.is_for_signatures() {
        Ok(Some(jwk))
    } else {
        Err(KeyBindingError::ConfirmationKey(JwkError::OtherPurpose))
    }
}

/// What a holder binds a presentation to.
#[derive(Clone, Copy)]
pub struct KeyBindingRequest<'r> {
    /// The verifier: its full client identifier.
    pub audience: &'r Audience,
    /// The request's nonce.
    pub nonce: &'r RequestNonce,
    /// The moment of signing.
    pub now: Timestamp,
    /// The holder's key.
    pub signer: &'r dyn Signer,
}

#[derive(Serialize)]
struct KeyBindingClaims<'c> {
    iat: i64,
    aud: &'c str,
    nonce: &'c str,
    sd_hash: &'c str,
    #[serde(flatten)]
    further: &'c Object,
}

/// Signs a KB-JWT over what is presented.
pub(super) async fn sign(
    request: &KeyBindingRequest<'_>,
    sd_hash: &str,
    further: &Object,
) -> Result<String, SignerError> {
    let header = Object::from_iter([("typ".to_owned(), "kb+jwt".into())]);
    let claims = KeyBindingClaims {
        iat: request.now.as_second(),
        aud: request.audience.as_str(),
        nonce: request.nonce.as_str(),
        sd_hash,
        further,
    };
    jose::sign(header, &claims, request.signer).await
}

/// Whether a credential's `cnf` holds this key.
pub(super) fn is_bound_to(credential: &Object, key: &PublicKey) -> Result<bool, KeyBindingError> {
    Ok(confirmation_key(credential)?.is_some_and(|bound| bound.key == *key))
}

impl RequestNonce {
    /// The text of the nonce.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<T: Into<String>> From<T> for RequestNonce {
    fn from(nonce: T) -> Self {
        Self(nonce.into())
    }
}

impl fmt::Debug for RequestNonce {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("RequestNonce")
    }
}

impl Audience {
    /// The text of the identifier.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<T: Into<String>> From<T> for Audience {
    fn from(audience: T) -> Self {
        Self(audience.into())
    }
}

impl fmt::Debug for Audience {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Audience({:?})", self.0)
    }
}

impl fmt::Debug for KeyBindingRequest<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "KeyBindingRequest(for {:?})", self.audience)
    }
}

impl fmt::Debug for VerifiedKeyBinding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "VerifiedKeyBinding(issued at {})", self.issued_at)
    }
}

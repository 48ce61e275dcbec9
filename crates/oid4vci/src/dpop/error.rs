//! Why a DPoP proof was refused.

use lanyard_core::jose::JwsError;
use thiserror::Error;

use crate::{description::ErrorBody, nonce::NonceError};

/// Why a DPoP proof was refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum DpopError {
    /// A proof is demanded and none was sent.
    #[error("a DPoP proof is needed")]
    Missing,
    /// More than one `DPoP` header.
    #[error("the request has more than one DPoP header")]
    Repeated,
    /// Longer than any proof, or not text.
    #[error("the DPoP proof cannot be read")]
    Unreadable,
    /// Broken as a JWS: form, `typ`, `alg`, header or signature.
    #[error("the DPoP proof is refused: {0}")]
    Jws(#[from] JwsError),
    /// No `jwk` in the header.
    #[error("the DPoP proof carries no jwk")]
    KeyMissing,
    /// The `jwk` is reserved for something else than signatures.
    #[error("the DPoP proof's jwk is not for signatures")]
    KeyForSomethingElse,
    /// `jti` is missing, empty or longer than any name.
    #[error("jti is missing or not a name")]
    Identifier,
    /// `htm` is not the method of the request.
    #[error("htm is not the method of this request")]
    Method,
    /// `htu` is not the URL of the request.
    #[error("htu is not the URL of this request")]
    Url,
    /// `iat` is missing or not a number.
    #[error("iat is missing or not a number")]
    IssuedAtMissing,
    /// `iat` is too far from now.
    #[error("iat is too far from now")]
    IssuedAtOutsideWindow,
    /// `ath` is missing, or belongs to another access token.
    #[error("ath is not the hash of this access token")]
    AccessToken,
    /// No `nonce`, or one that is not good (any more).
    #[error("the server wants its own nonce in the DPoP proof")]
    Nonce(Option<NonceError>),
    /// The proof is made with another key than the one the token, code or request is bound to.
    #[error("the DPoP proof is made with another key")]
    OtherKey,
    /// The proof was used before.
    #[error("the DPoP proof was used before")]
    Replayed,
}

impl DpopError {
    /// The error code for the peer (RFC 9449 §5, §8, §9).
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Nonce(_) => "use_dpop_nonce",
            _ => "invalid_dpop_proof",
        }
    }

    /// The stable reason for the operator and the trail.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Missing => "dpop_missing",
            Self::Repeated => "dpop_repeated",
            Self::Unreadable => "dpop_unreadable",
            Self::Jws(JwsError::Signature(_)) => "dpop_signature",
            Self::Jws(JwsError::WrongType(_)) => "dpop_typ",
            Self::Jws(JwsError::AlgorithmNotAllowed(_)) => "dpop_alg",
            Self::Jws(_) => "dpop_malformed",
            Self::KeyMissing => "dpop_jwk_missing",
            Self::KeyForSomethingElse => "dpop_jwk_purpose",
            Self::Identifier => "dpop_jti",
            Self::Method => "dpop_htm",
            Self::Url => "dpop_htu",
            Self::IssuedAtMissing => "dpop_iat_missing",
            Self::IssuedAtOutsideWindow => "dpop_iat_window",
            Self::AccessToken => "dpop_ath",
            Self::Nonce(None) => "dpop_nonce_missing",
            Self::Nonce(Some(NonceError::Unknown)) => "dpop_nonce_unknown",
            Self::Nonce(Some(NonceError::Expired)) => "dpop_nonce_expired",
            Self::OtherKey => "dpop_other_key",
            Self::Replayed => "dpop_replayed",
        }
    }

    /// The body for the peer.
    pub fn to_body(&self) -> ErrorBody {
        ErrorBody::new(self.code(), self)
    }
}

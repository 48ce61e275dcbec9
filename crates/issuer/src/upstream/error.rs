//! Why a login at the login provider came to nothing, in words for the one who wants to log in.

use lanyard_core::jose::JwsError;
use thiserror::Error;

/// Why a login at the login provider came to nothing.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum UpstreamError {
    /// It did not answer, or not with a document.
    #[error("the login provider cannot be reached now; try again in a minute")]
    Unreachable,
    /// Its own description breaks a rule.
    #[error("the login provider does not describe itself as it should: {0}")]
    Metadata(&'static str),
    /// The browser has nothing to come back to.
    #[error(
        "this login was not begun in this browser, or it took too long; go back to your wallet"
    )]
    NotBegun,
    /// The holder, or the provider, stopped it (RFC 6749 §4.1.2.1).
    #[error("the login was cancelled")]
    Cancelled,
    /// The provider says that it cannot be.
    #[error("the login provider says: {0}")]
    Refused(String),
    /// The answer is not this provider's (RFC 9207 §2.4).
    #[error("the answer comes from another login provider")]
    OtherIssuer,
    /// The code was not taken, or no ID token came for it.
    #[error("the login provider did not take its own code back")]
    CodeRefused,
    /// The ID token breaks a rule (OpenID Connect Core §3.1.3.7).
    #[error("the login provider's token is refused: {0}")]
    IdToken(#[from] IdTokenFault),
    /// The answer of the UserInfo endpoint is none, or about somebody else (OpenID Connect Core §5.3.2).
    #[error("the login provider does not say who you are")]
    UserInfo,
    /// It does not say whether its own token is good (RFC 7662 §2.3).
    #[error("the authorization server does not say what its tokens are good for")]
    Introspection,
    /// The claim that names holders is not told.
    #[error("the login provider does not tell {0}, by which you are known here")]
    HolderMissing(String),
    /// The address that names the holder has not been verified.
    #[error("your e-mail address has not been verified by the login provider")]
    EmailNotVerified,
}

/// Which rule an ID token breaks.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum IdTokenFault {
    /// It is no signed token of its kind, or its signature does not verify.
    #[error("{0}")]
    Signature(#[from] JwsError),
    /// None of the provider's keys is named by it.
    #[error("it is signed with a key that the provider does not publish")]
    KeyUnknown,
    /// `iss` is another provider.
    #[error("it comes from another provider")]
    Issuer,
    /// `aud` or `azp` is another client.
    #[error("it is meant for another client")]
    Audience,
    /// `exp` is past, or missing.
    #[error("it has expired")]
    Expired,
    /// `iat` is in the future, or missing.
    #[error("it is not issued yet")]
    IssuedAt,
    /// `nonce` is another login's.
    #[error("it belongs to another login")]
    Nonce,
    /// `sub` is missing or too long.
    #[error("it names nobody")]
    Subject,
}

impl UpstreamError {
    /// The stable reason code, for the trail.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unreachable => "login_provider_unreachable",
            Self::Metadata(_) => "login_provider_metadata",
            Self::NotBegun => "login_not_begun",
            Self::Cancelled => "login_cancelled",
            Self::Refused(_) => "login_refused",
            Self::OtherIssuer => "login_other_issuer",
            Self::CodeRefused => "login_code_refused",
            Self::IdToken(fault) => fault.code(),
            Self::UserInfo => "login_user_info",
            Self::Introspection => "token_introspection",
            Self::HolderMissing(_) => "login_holder_missing",
            Self::EmailNotVerified => "login_email_not_verified",
        }
    }

    /// Reads the error that the browser brought back; its words are the provider's.
    pub(crate) fn answered(error: &str) -> Self {
        match error {
            "access_denied" => Self::Cancelled,
            other => {
                let plain = |letter: &char| letter.is_ascii_alphanumeric() || *letter == '_';
                Self::Refused(other.chars().filter(plain).take(64).collect())
            }
        }
    }
}

impl IdTokenFault {
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::Signature(_) => "id_token_signature",
            Self::KeyUnknown => "id_token_key_unknown",
            Self::Issuer => "id_token_issuer",
            Self::Audience => "id_token_audience",
            Self::Expired => "id_token_expired",
            Self::IssuedAt => "id_token_issued_at",
            Self::Nonce => "id_token_nonce",
            Self::Subject => "id_token_subject",
        }
    }
}

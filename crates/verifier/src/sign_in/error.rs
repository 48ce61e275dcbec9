//! Why a sign-in does not go on.

use thiserror::Error;
use url::Url;

use crate::VerifierError;

/// Why an authorization request is refused; the browser goes back with it.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub(crate) enum SignInFault {
    #[error("a parameter is there twice or cannot be read")]
    Malformed,
    #[error("response_type must be code")]
    ResponseType,
    #[error("response_mode must be query")]
    ResponseMode,
    #[error("scope must have openid in it")]
    ScopeOpenid,
    #[error("scope or acr_values names no question that this client may ask")]
    Preset,
    #[error("code_challenge with code_challenge_method S256 is needed")]
    Pkce,
    #[error("request objects are not taken")]
    RequestObject,
    #[error("state or nonce is too long")]
    TooLong,
    #[error("nobody is signed in here beforehand")]
    PromptNone,
    #[error("the wallet declined")]
    Declined,
    #[error("nothing was presented that is accepted")]
    NotAccepted,
    #[error("nobody presented anything in time")]
    Expired,
    #[error("the sign-in was cancelled")]
    Cancelled,
}

impl SignInFault {
    /// The code of OpenID Connect Core 1.0 §3.1.2.6 and RFC 6749 §4.1.2.1.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Malformed | Self::ResponseMode | Self::Pkce | Self::TooLong => "invalid_request",
            Self::ResponseType => "unsupported_response_type",
            Self::ScopeOpenid | Self::Preset => "invalid_scope",
            Self::RequestObject => "request_not_supported",
            Self::PromptNone => "login_required",
            Self::Declined | Self::NotAccepted | Self::Expired | Self::Cancelled => "access_denied",
        }
    }
}

/// Why the browser is not sent back, or is with an error.
#[derive(Debug, Error)]
pub(crate) enum SignInRefused {
    /// RFC 6749 §4.1.2.1: nobody is sent to where nobody registered.
    #[error(
        "the application is not known here, or the address to go back to is not one of its own"
    )]
    Client,
    /// The browser goes back.
    #[error("{fault}")]
    Back {
        /// Where to, with the error in it.
        url: Url,
        /// Why.
        fault: SignInFault,
    },
    /// Nothing is known of this sign-in, or it is of another browser.
    #[error("this sign-in is not known here, has ended, or was begun in another browser")]
    Unknown,
    #[error("{0}")]
    Verifier(VerifierError),
}

impl From<VerifierError> for SignInRefused {
    fn from(error: VerifierError) -> Self {
        match error {
            VerifierError::UnknownRequest | VerifierError::UnknownTenant => Self::Unknown,
            error => Self::Verifier(error),
        }
    }
}

//! The error codes of the protocol.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What one side tells the other when it will not go on (OID4VP 1.0 §8.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The request or response breaks a rule.
    InvalidRequest,
    /// What the verifier says about itself contradicts what is known.
    InvalidClient,
    /// A scope that stands for no query.
    InvalidScope,
    /// Nothing fits, or the holder does not want to: the two are one to the verifier.
    AccessDenied,
    /// None of the formats is supported.
    VpFormatsNotSupported,
    /// Neither `get` nor `post`.
    InvalidRequestUriMethod,
    /// Transaction data of an unknown type, or against its type's rules.
    InvalidTransactionData,
    /// No wallet answered.
    WalletUnavailable,
    /// The verifier cannot conclude now (RFC 6749 §4.1.2.1).
    ServerError,
    /// A code of another specification or of a wallet's own; which one is not kept, and it is never sent.
    Other,
}

impl ErrorCode {
    const ALL: [Self; 9] = [
        Self::InvalidRequest,
        Self::InvalidClient,
        Self::InvalidScope,
        Self::AccessDenied,
        Self::VpFormatsNotSupported,
        Self::InvalidRequestUriMethod,
        Self::InvalidTransactionData,
        Self::WalletUnavailable,
        Self::ServerError,
    ];

    /// The code as it is sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidScope => "invalid_scope",
            Self::AccessDenied => "access_denied",
            Self::VpFormatsNotSupported => "vp_formats_not_supported",
            Self::InvalidRequestUriMethod => "invalid_request_uri_method",
            Self::InvalidTransactionData => "invalid_transaction_data",
            Self::WalletUnavailable => "wallet_unavailable",
            Self::ServerError => "server_error",
            Self::Other => "other",
        }
    }

    /// The code that a text stands for; none where it is no code of the specification's.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str() == text)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

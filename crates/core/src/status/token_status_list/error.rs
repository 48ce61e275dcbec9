//! Why a Status List Token is refused.

use thiserror::Error;

use crate::{cose::CoseError, jose::JwsError, json::Base64UrlError, status::InflateError};

/// Why a Status List Token, or a lookup in one, is refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum StatusListError {
    /// It is refused as a JWS.
    #[error("the status list token is refused: {0}")]
    Jws(#[from] JwsError),
    /// It is refused as a COSE_Sign1.
    #[error("the status list token is refused: {0}")]
    Cose(#[from] CoseError),
    /// It came as something else than a JWT or a CWT.
    #[error("the status list is of no media type for a status list token")]
    MediaType,
    /// It is a CWT without tag 18, or its `typ` is another.
    #[error("the CWT is not tagged or typed as a status list token")]
    CwtType,
    /// `sub` is missing or is not the URI that the credential refers to.
    #[error("the status list is not the one that was referred to")]
    AnotherList,
    /// `iss` is there but no identifier.
    #[error("iss of the status list is malformed")]
    Iss,
    /// `iat` is missing or is not a time.
    #[error("iat of the status list is missing or malformed")]
    IssuedAt,
    /// `iat` has not come.
    #[error("the status list was issued in the future")]
    IssuedInTheFuture,
    /// `nbf` is not a time.
    #[error("nbf of the status list is malformed")]
    NotBefore,
    /// `nbf` has not come.
    #[error("the status list is not valid yet")]
    NotYetValid,
    /// `exp` is not a time.
    #[error("exp of the status list is malformed")]
    Expiry,
    /// `exp` has passed.
    #[error("the status list has expired")]
    Expired,
    /// `ttl` is not a positive number.
    #[error("ttl of the status list is no positive number")]
    Ttl,
    /// `status_list` is missing, or a member of it is malformed.
    #[error("status_list is missing or malformed")]
    Malformed,
    /// `bits` is none of 1, 2, 4 and 8.
    #[error("bits is none of 1, 2, 4 and 8")]
    Bits,
    /// `lst` is not base64url.
    #[error("lst is {0}")]
    Encoding(#[from] Base64UrlError),
    /// `lst` is not compressed as it should be.
    #[error(transparent)]
    Inflate(#[from] InflateError),
    /// There is no status in the list.
    #[error("the status list is empty")]
    Empty,
    /// The index is beyond the end of the list.
    #[error("the index is beyond the end of the status list")]
    IndexOutOfRange,
    /// A status does not fit into the bits of the list.
    #[error("the status does not fit into the bits of the list")]
    StatusTooWide,
}

impl StatusListError {
    /// The stable reason code, for operators.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Jws(JwsError::Signature(_)) | Self::Cose(CoseError::Signature(_)) => {
                "status_list_signature"
            }
            Self::Jws(_) | Self::Cose(_) | Self::CwtType => "status_list_token_refused",
            Self::MediaType => "status_list_media_type",
            Self::AnotherList => "status_list_another",
            Self::Iss => "status_list_issuer_malformed",
            Self::IssuedAt => "status_list_iat_malformed",
            Self::IssuedInTheFuture => "status_list_issued_in_the_future",
            Self::NotBefore => "status_list_nbf_malformed",
            Self::NotYetValid => "status_list_not_yet_valid",
            Self::Expiry => "status_list_exp_malformed",
            Self::Expired => "status_list_expired",
            Self::Ttl => "status_list_ttl_malformed",
            Self::Malformed => "status_list_malformed",
            Self::Bits => "status_list_bits",
            Self::Encoding(_) => "status_list_not_base64url",
            Self::Inflate(InflateError::Corrupt) => "status_list_not_zlib",
            Self::Inflate(InflateError::Truncated) => "status_list_truncated",
            Self::Inflate(InflateError::TrailingBytes) => "status_list_trailing_bytes",
            Self::Inflate(InflateError::TooLarge) => "status_list_too_large",
            Self::Empty => "status_list_empty",
            Self::IndexOutOfRange => "status_index_out_of_range",
            Self::StatusTooWide => "status_too_wide",
        }
    }
}

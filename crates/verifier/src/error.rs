//! Why the service's own API did not do what it was asked.

use lanyard_core::crypto::{CryptoError, SignerError};
use lanyard_oid4vp::verifier::WalletCannot;
use lanyard_service::SealBroken;
use lanyard_store::StoreError;
use thiserror::Error;

use crate::RequestFault;

/// Why a request could not be made, read, fetched or taken back.
#[derive(Debug, Error)]
pub enum VerifierError {
    /// No such tenant.
    #[error("there is no such tenant")]
    UnknownTenant,
    /// No such request, no longer kept, or not for this browser.
    #[error("there is no such request")]
    UnknownRequest,
    /// What was wanted cannot be asked.
    #[error("{0}")]
    Fault(#[from] RequestFault),
    /// The request is no longer waiting, so there is nothing to show.
    #[error("the request is no longer waiting for a wallet")]
    NotWaiting,
    /// No response was judged yet, or the wallet declined.
    #[error("there is no verdict on this request")]
    NoVerdict,
    /// Responses to this request were not recorded, or none came yet.
    #[error("no response to this request was recorded")]
    NotRecorded,
    /// The link is longer than a QR code can be.
    #[error("the link is too long for a QR code")]
    LinkTooLong,
    /// The wallet that fetches the request says that it could make nothing of it.
    #[error("{0}")]
    WalletCannot(WalletCannot),
    /// Too many requests changed this one session at once; nothing was lost.
    #[error("too many requests change this session at once")]
    Contended,
    /// The key for request objects cannot be used now.
    #[error("the request cannot be signed: {0}")]
    Signing(#[from] SignerError),
    /// No key can be made for the response.
    #[error("no key can be made: {0}")]
    Key(#[from] CryptoError),
    /// The store did not answer as it should.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// A state in the store that this service did not write.
    #[error("the state of a session cannot be read")]
    Unreadable,
}

impl From<SealBroken> for VerifierError {
    fn from(_: SealBroken) -> Self {
        Self::Unreadable
    }
}

impl VerifierError {
    /// The stable reason code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::UnknownTenant | Self::UnknownRequest => "not_found",
            Self::Fault(fault) => fault.code(),
            Self::NotWaiting => "request_not_waiting",
            Self::NoVerdict => "request_without_verdict",
            Self::NotRecorded => "request_not_recorded",
            Self::LinkTooLong => "link_too_long",
            Self::WalletCannot(cannot) => cannot.reason(),
            Self::Contended => "session_contended",
            Self::Signing(_) | Self::Key(_) => "key_unavailable",
            Self::Store(error) => error.reason(),
            Self::Unreadable => "state_unreadable",
        }
    }
}

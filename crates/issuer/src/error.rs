//! Why the service's own API did not do what it was asked.

use lanyard_oid4vci::issuer::OfferRefused;
use lanyard_service::SealBroken;
use lanyard_store::StoreError;
use thiserror::Error;

/// Why an offer could not be made, read or withdrawn.
#[derive(Debug, Error)]
pub enum IssuerError {
    /// No such tenant.
    #[error("there is no such tenant")]
    UnknownTenant,
    /// No such offer, or it is no longer kept.
    #[error("there is no such offer")]
    UnknownOffer,
    /// What was wanted cannot be offered.
    #[error("{0}")]
    Refused(#[from] OfferRefused),
    /// The credentials are out; an offer is withdrawn before that or never.
    #[error("the credentials of this offer were issued already")]
    AlreadyIssued,
    /// The offer is no longer waiting, so there is nothing to show.
    #[error("the offer is no longer waiting for a wallet")]
    NotWaiting,
    /// Too many requests changed this one session at once; nothing was lost.
    #[error("too many requests change this session at once")]
    Contended,
    /// No such credential, or one without a status.
    #[error("there is no such credential")]
    UnknownCredential,
    /// The credential was revoked, and a revocation is not undone.
    #[error("the credential was revoked, which is final; issue another one")]
    RevokedForGood,
    /// The credential says nowhere whether it is suspended, so nobody would learn of it.
    #[error("the credential's type keeps no status of suspension; revoke it, or issue another one")]
    NotSuspendable,
    /// The key that signs cannot be used now.
    #[error("the issuer cannot sign now")]
    SigningKeyUnavailable,
    /// Nobody can tell now who may log in and what is known about them.
    #[error("the directory of holders cannot be asked now")]
    DirectoryUnavailable,
    /// The authorization server of somebody else does not say now what it signs with.
    #[error("the authorization server cannot be asked now")]
    AuthorizationServerUnavailable,
    /// No place for a status can be had now.
    #[error("the issuer cannot give a credential a status now")]
    StatusUnavailable,
    /// The store did not answer as it should.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// A state in the store that this service did not write.
    #[error("the state of a session cannot be read")]
    Unreadable,
}

impl From<SealBroken> for IssuerError {
    fn from(_: SealBroken) -> Self {
        Self::Unreadable
    }
}

impl IssuerError {
    /// The stable reason code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::UnknownTenant | Self::UnknownOffer | Self::UnknownCredential => "not_found",
            Self::Refused(refused) => refused.code(),
            Self::AlreadyIssued => "already_issued",
            Self::NotWaiting => "offer_not_waiting",
            Self::RevokedForGood => "credential_revoked",
            Self::NotSuspendable => "credential_not_suspendable",
            Self::SigningKeyUnavailable => "signing_key_unavailable",
            Self::DirectoryUnavailable => "directory_unavailable",
            Self::AuthorizationServerUnavailable => "authorization_server_unavailable",
            Self::StatusUnavailable => "status_unavailable",
            Self::Contended => "session_contended",
            Self::Store(error) => error.reason(),
            Self::Unreadable => "state_unreadable",
        }
    }
}

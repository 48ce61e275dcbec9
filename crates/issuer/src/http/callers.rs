//! Who calls: an integrator, with an API key; and why a wallet's access token is not taken.

use axum::extract::FromRef;
use lanyard_oid4vci::issuer::ShownToken;
use lanyard_service::http::{Door, authorization::AuthorizationFault};
use thiserror::Error;

use crate::IssuerService;

impl FromRef<IssuerService> for Door {
    fn from_ref(service: &IssuerService) -> Self {
        service.environment().door.clone()
    }
}

/// Why a wallet is not let in.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub(crate) enum BearerFault {
    #[error("{0}")]
    Header(#[from] AuthorizationFault),
    /// The same, where tokens are bound to keys.
    #[error("the Authorization header is missing; it has the scheme DPoP")]
    MissingForKey,
    #[error("the token is unknown, expired or revoked")]
    Invalid,
    #[error("the token is unknown, expired or revoked, or bound to another key")]
    InvalidForKey,
}

impl BearerFault {
    /// The fault of a token that leads to nothing, told under the scheme that it was shown by.
    pub(crate) const fn invalid(shown: &ShownToken) -> Self {
        match shown.proof {
            Some(_) => Self::InvalidForKey,
            None => Self::Invalid,
        }
    }
}

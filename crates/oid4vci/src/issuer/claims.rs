//! What is known about a holder, and what is not known yet.

use lanyard_core::json::Object;
use serde::{Deserialize, Serialize};

use super::{HolderId, WaitingClaims};

/// What there is to say about a holder in one credential.
pub enum FoundClaims {
    /// It can be looked up again at any time.
    Lasting(Object),
    /// It was told at this login, and at no other time: the credential is issued once.
    Passing(Object),
    /// Nobody can tell yet: the credential is deferred until somebody can (OID4VCI 1.0 §9).
    Later,
}

/// Whose claims are still to be had.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Awaited {
    pub(super) holder: HolderId,
    /// What was told at the login.
    pub(super) profile: Option<WaitingClaims>,
}

/// The claims of a credential that is due.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum DueClaims {
    /// They are here.
    Known(WaitingClaims),
    /// They are not.
    Awaited(Awaited),
}

/// Claims are not for logs.
impl std::fmt::Debug for FoundClaims {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::Lasting(_) => "Lasting",
            Self::Passing(_) => "Passing",
            Self::Later => "Later",
        })
    }
}

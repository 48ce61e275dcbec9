//! What must not be seen twice before a moment, whoever shows it.

use std::fmt;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::StoreError;

/// Something that a step took, and that nothing may be done with again until it has expired.
///
/// It is remembered in the transaction of [`insert`](crate::SessionStore::insert) or
/// [`replace`](crate::SessionStore::replace): a replay finds it there, and nothing is written.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Once {
    /// What it is.
    pub kind: OnceKind,
    /// The SHA-256 of what makes it unique.
    pub digest: [u8; 32],
    /// From this moment on it is refused for its age, and need not be remembered.
    pub expires_at: Timestamp,
}

/// What is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum OnceKind {
    /// The `jti` of a DPoP proof (RFC 9449 §11.1).
    DpopProof,
    /// The `jti` of a client attestation's proof of possession.
    ClientAttestationPop,
    /// The `jti` of a client assertion (RFC 7523 §3).
    ClientAssertion,
}

impl OnceKind {
    /// The text under which the kind is stored. Released texts never change.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DpopProof => "dpop",
            Self::ClientAttestationPop => "attestation_pop",
            Self::ClientAssertion => "client_assertion",
        }
    }
}

/// Prints the kind alone: nobody needs the digest in a log.
impl fmt::Debug for Once {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Once({})", self.kind.as_str())
    }
}

/// Forgets what need not be remembered any more.
#[async_trait]
pub trait OnceStore: Send + Sync {
    /// Deletes up to `limit` expired ones of all tenants, the longest expired first, and says how many.
    ///
    /// # Errors
    /// Only those of a store that cannot answer.
    async fn purge_once(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError>;
}

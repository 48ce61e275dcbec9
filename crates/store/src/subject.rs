//! Whom something is about, in the integrator's own words, as a digest only.

use std::collections::BTreeSet;
use std::fmt;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{CredentialId, SessionId, StoreError, TenantId};

/// The HMAC of an integrator's reference to a subject, such as a staff number.
///
/// The caller computes it under a key of the tenant, so that a copy of the database names nobody and the
/// same reference in two tenants is two values.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubjectRef([u8; 32]);

impl SubjectRef {
    /// Takes an HMAC-SHA256.
    #[must_use]
    pub const fn new(hmac: [u8; 32]) -> Self {
        Self(hmac)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Prints nothing that two logs could be joined by.
impl fmt::Debug for SubjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SubjectRef")
    }
}

/// What was erased about a subject, by names that say nothing about whom.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Erased {
    /// The sessions, with their trails and what leads to them.
    pub sessions: Vec<SessionId>,
    /// The records of credentials, with their statuses and the reasons of changes.
    pub credentials: Vec<CredentialId>,
    /// Those of the credentials that were not revoked before, and are now.
    pub revoked: Vec<CredentialId>,
    /// The lists that say so, to be published anew.
    pub lists: BTreeSet<u32>,
    /// How many messages about those sessions.
    pub messages: u64,
}

impl Erased {
    /// Whether there was nothing about the subject.
    #[must_use]
    pub const fn is_nothing(&self) -> bool {
        self.sessions.is_empty() && self.credentials.is_empty()
    }
}

/// Forgets what is known about a subject.
#[async_trait]
pub trait SubjectStore: Send + Sync {
    /// Deletes the sessions and the records of a subject, with all that hangs on them, in one transaction.
    ///
    /// Nobody could revoke its credentials afterwards, so whatever is not revoked yet is revoked with it, also what
    /// was issued a moment ago. The published bits stay, and the places are given to nobody else.
    ///
    /// # Errors
    /// Only those of a store that cannot answer.
    async fn erase_subject(
        &self,
        tenant: &TenantId,
        subject: SubjectRef,
        now: Timestamp,
    ) -> Result<Erased, StoreError>;
}

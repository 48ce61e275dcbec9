//! Calls that are done once however often they are made (`Idempotency-Key`).

use std::fmt;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{StoreError, TenantId};

/// A call that is about to be made, under a key that its caller chose.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct NewCall {
    /// The digest of the key, and of what it is used for.
    pub key: [u8; 32],
    /// The digest of what is asked.
    pub request: [u8; 32],
    /// The present moment.
    pub now: Timestamp,
    /// Until this moment nobody else may begin it; a process that ended in between never finishes it.
    pub lease_until: Timestamp,
    /// From this moment on the key is as good as new.
    pub expires_at: Timestamp,
}

/// Prints nothing of the caller.
impl fmt::Debug for NewCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewCall")
    }
}

/// The answer of a call that was begun, for the transaction that does what was asked.
#[derive(Clone, PartialEq, Eq)]
pub struct CallAnswer {
    /// The digest of the key, as the call was begun with.
    pub key: [u8; 32],
    /// The answer, sealed by the caller.
    pub answer: Vec<u8>,
}

/// Prints nothing of the caller.
impl fmt::Debug for CallAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CallAnswer")
    }
}

/// Whether a call is to be made.
#[derive(Clone, PartialEq, Eq)]
#[must_use]
pub enum CallBegun {
    /// It is, and by this caller alone.
    Fresh,
    /// Somebody makes it right now.
    Running,
    /// The key was used for another request.
    OtherRequest,
    /// It was made, and this was the answer, sealed by the caller.
    Answered(Vec<u8>),
}

impl fmt::Debug for CallBegun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fresh => "Fresh",
            Self::Running => "Running",
            Self::OtherRequest => "OtherRequest",
            Self::Answered(_) => "Answered",
        })
    }
}

/// Keeps the answers of calls until their keys expire.
#[async_trait]
pub trait CallStore: Send + Sync {
    /// Begins a call, unless it was begun or made before: of many callers with one key one gets
    /// [`CallBegun::Fresh`].
    ///
    /// # Errors
    /// Only those of a store that cannot answer.
    async fn begin_call(&self, tenant: &TenantId, call: NewCall) -> Result<CallBegun, StoreError>;

    /// Keeps the answer of a call that was begun; says whether it was.
    ///
    /// # Errors
    /// Only those of a store that cannot answer.
    async fn finish_call(
        &self,
        tenant: &TenantId,
        key: [u8; 32],
        answer: Vec<u8>,
    ) -> Result<bool, StoreError>;

    /// Forgets a call that came to nothing, so that it can be made again; one with an answer stays.
    ///
    /// # Errors
    /// Only those of a store that cannot answer.
    async fn abandon_call(&self, tenant: &TenantId, key: [u8; 32]) -> Result<(), StoreError>;

    /// Deletes up to `limit` expired keys of all tenants, the longest expired first, and says how many.
    ///
    /// # Errors
    /// Only those of a store that cannot answer.
    async fn purge_calls(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError>;
}

//! Where the statuses of issued credentials are kept: a port, since the protocol has no lists of its own.

use async_trait::async_trait;
use lanyard_core::status::StatusReference;
use thiserror::Error;

/// Gives each copy of a credential a status of its own.
#[async_trait]
pub trait StatusAllocator: Send + Sync {
    /// As many references as there are copies; none of them was given before, or will be again.
    ///
    /// A reference that is never issued is lost and does no harm.
    ///
    /// # Errors
    /// [`StatusUnavailable`], whatever went wrong.
    async fn allocate(&self, copies: usize) -> Result<Vec<StatusReference>, StatusUnavailable>;
}

/// No status could be had; whoever implements the port logs why.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("no status could be allocated")]
pub struct StatusUnavailable;

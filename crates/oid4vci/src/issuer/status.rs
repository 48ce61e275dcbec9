//! Where the statuses of issued credentials are kept: a port, since the protocol has no lists of its own.

use async_trait::async_trait;
use lanyard_core::status::{
    StatusListUri, StatusMechanism, StatusReference, bitstring_status_list::StatusPurpose,
};
use thiserror::Error;

/// Gives each copy of a credential a status of its own.
#[async_trait]
pub trait StatusAllocator: Send + Sync {
    /// As many references as there are copies, one for each, by the mechanism of their format; none of them
    /// was given before, or will be again. A W3C credential has an entry for each of the purposes.
    ///
    /// A reference that is never issued is lost and does no harm.
    ///
    /// # Errors
    /// [`StatusUnavailable`], whatever went wrong.
    async fn allocate(
        &self,
        copies: usize,
        mechanism: StatusMechanism,
        purposes: &[StatusPurpose],
    ) -> Result<Vec<StatusReference>, StatusUnavailable>;

    /// Where the list of all status lists is published, if it is (Token Status List §9).
    fn aggregation(&self) -> Option<StatusListUri>;
}

/// No status could be had; whoever implements the port logs why.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("no status could be allocated")]
pub struct StatusUnavailable;

//! The status of what was issued: where each copy has its own, and what it is.

use std::collections::BTreeSet;

use async_trait::async_trait;

use crate::{CredentialId, StoreError, TenantId};

/// Where one copy of a credential has its status; no two copies share one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StatusPlace {
    /// Which of the tenant's lists, from 0.
    pub list: u32,
    /// The position in that list.
    pub index: u32,
}

/// That a copy of a credential was issued with a status, valid at first.
///
/// Written by [`replace`](crate::SessionStore::replace), in the transaction that ends the issuance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewStatus {
    /// The logical credential.
    pub credential: CredentialId,
    /// Where the copy has its status.
    pub place: StatusPlace,
}

/// What became of a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialStatus {
    /// It is as good as when it was issued.
    Valid,
    /// It is not valid for the time being.
    Suspended,
    /// It was taken back, for good.
    Revoked,
}

/// Whether a status was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum StatusChange {
    /// It is so now, for every copy; these lists are to be published anew. None when it was so before.
    Done(BTreeSet<u32>),
    /// The credential was revoked, which nothing undoes.
    Final,
    /// No such credential, or one without a status.
    Absent,
}

/// Keeps the statuses of issued credentials; [`Next::with_status`](crate::Next) writes the first.
#[async_trait]
pub trait StatusStore: Send + Sync {
    /// Reserves the next so many places of a tenant, and gives the number of the first, from 0.
    ///
    /// The numbers are given once: a restart, a crash or a restore from the same file may skip some and
    /// never repeats one.
    ///
    /// # Errors
    /// Only those of a store that cannot answer.
    async fn reserve_statuses(&self, tenant: &TenantId, count: u32) -> Result<u64, StoreError>;

    /// How many places of a tenant were reserved so far.
    ///
    /// # Errors
    /// Only those of a store that cannot answer.
    async fn reserved_statuses(&self, tenant: &TenantId) -> Result<u64, StoreError>;

    /// Sets the status of every copy of a credential, all or none.
    ///
    /// # Errors
    /// Only those of a store that cannot answer.
    async fn set_status(
        &self,
        tenant: &TenantId,
        credential: CredentialId,
        status: CredentialStatus,
    ) -> Result<StatusChange, StoreError>;

    /// The status of a credential, if it has one.
    ///
    /// # Errors
    /// Only those of a store that cannot answer.
    async fn status(
        &self,
        tenant: &TenantId,
        credential: CredentialId,
    ) -> Result<Option<CredentialStatus>, StoreError>;

    /// The positions in a list that are anything but valid, in order.
    ///
    /// # Errors
    /// Only those of a store that cannot answer.
    async fn not_valid(
        &self,
        tenant: &TenantId,
        list: u32,
    ) -> Result<Vec<(u32, CredentialStatus)>, StoreError>;
}

//! The status of what was issued: where each copy has its own, and what it is.

use std::collections::BTreeSet;
use std::ops::Range;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{CredentialId, NewMessage, StoreError, TenantId};

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
    /// Whether whoever reads the copy learns of a suspension; of a revocation they always do.
    pub is_suspendable: bool,
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

impl CredentialStatus {
    /// As in the list itself (Token Status List §7.1).
    pub(crate) const fn value(self) -> u8 {
        match self {
            Self::Valid => 0,
            Self::Revoked => 1,
            Self::Suspended => 2,
        }
    }

    pub(crate) const fn from_value(value: u8) -> Option<Self> {
        match value {
            0 => Some(Self::Valid),
            1 => Some(Self::Revoked),
            2 => Some(Self::Suspended),
            _ => None,
        }
    }
}

/// Why and when a status changes, and who is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusNote {
    /// When; the caller rounds it.
    pub at: Timestamp,
    /// Why: a word of the integrator's, never a sentence about somebody.
    pub reason: Option<String>,
    /// Who is told of it, in the same transaction, if it changes at all.
    pub messages: Vec<NewMessage>,
}

impl StatusNote {
    /// A change at this moment that says nothing more.
    #[must_use]
    pub const fn at(at: Timestamp) -> Self {
        Self { at, reason: None, messages: Vec::new() }
    }

    /// That whom a credential is about is erased.
    pub(crate) fn erased(at: Timestamp) -> Self {
        Self { reason: Some("erased".to_owned()), ..Self::at(at) }
    }
}

/// One change of a credential's status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusEntry {
    /// When.
    pub at: Timestamp,
    /// What it has been since.
    pub status: CredentialStatus,
    /// Why.
    pub reason: Option<String>,
}

/// Whether a status was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum StatusChange {
    /// It is so now, for every copy; these lists are to be published anew. None when it was so before.
    Done(BTreeSet<u32>),
    /// The credential was revoked, which nothing undoes.
    Final,
    /// A copy of the credential says nowhere whether it is suspended.
    NotSuspendable,
    /// No such credential, or one without a status.
    Absent,
}

/// A run of [`StatusChunk::PLACES`] statuses of one list: what one revocation touches.
#[derive(Clone, PartialEq, Eq)]
pub struct StatusChunk {
    /// Which of the list's runs, from 0.
    pub number: u32,
    /// Two bits for each, from the least significant of each byte: 0 is valid, 1 revoked, 2 suspended.
    pub bits: Vec<u8>,
}

/// What changed in a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListChanges {
    /// The version that the list has now; it grows with every change.
    pub version: u64,
    /// The runs that changed, in order, as they are now.
    pub chunks: Vec<StatusChunk>,
}

impl StatusChunk {
    /// How many statuses a run has.
    pub const PLACES: u32 = 4 * Self::BYTES;

    /// How many bytes they take.
    pub const BYTES: u32 = 1024;

    /// A run of which every status is valid.
    #[must_use]
    pub fn valid(number: u32) -> Self {
        Self { number, bits: vec![0; Self::BYTES as usize] }
    }

    /// The run that a place of a list is in.
    #[must_use]
    pub const fn of(index: u32) -> u32 {
        index / Self::PLACES
    }

    /// Sets the status at a place of the list; one of another run changes nothing here.
    pub fn set(&mut self, index: u32, status: CredentialStatus) {
        if Self::of(index) != self.number {
            return;
        }
        let place = index % Self::PLACES;
        if let Some(byte) = self.bits.get_mut((place / 4) as usize) {
            let shift = 2 * (place % 4);
            *byte = *byte & !(0b11 << shift) | status.value() << shift;
        }
    }

    /// The places of the list that are anything but valid, in order; none where a status is unknown.
    #[must_use]
    pub fn not_valid(&self) -> Option<Vec<(u32, CredentialStatus)>> {
        let first = self.number.checked_mul(Self::PLACES)?;
        let mut found = Vec::new();
        for (byte, place) in
            self.bits.iter().zip((first..).step_by(4)).filter(|(byte, _)| **byte != 0)
        {
            for nth in 0..4 {
                let status = CredentialStatus::from_value(byte >> (2 * nth) & 0b11)?;
                if status != CredentialStatus::Valid {
                    found.push((place + nth, status));
                }
            }
        }
        Some(found)
    }
}

impl std::fmt::Debug for StatusChunk {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "StatusChunk({}, {:?})", self.number, self.not_valid())
    }
}

/// Keeps the statuses of issued credentials; [`Next::with_status`](crate::Next) writes the first.
#[async_trait]
pub trait StatusStore: Send + Sync {
    /// Reserves the next so many places of a tenant, and gives the number of the first, from 0.
    ///
    /// The numbers are given once: a restart, a crash or a restore may skip some and never repeats one. A new
    /// epoch begins beyond all of the ones before.
    ///
    /// # Errors
    /// Only those of a store that cannot answer.
    async fn reserve_statuses(&self, tenant: &TenantId, count: u32) -> Result<u64, StoreError>;

    /// The places of a tenant that were reserved so far, epoch by epoch, the present one last; of an epoch that
    /// ended also those that may have been after its last backup.
    ///
    /// # Errors
    /// Only those of a store that cannot answer.
    async fn reserved_statuses(&self, tenant: &TenantId) -> Result<Vec<Range<u64>>, StoreError>;

    /// Sets the status of every copy of a credential, all or none, and records why.
    ///
    /// # Errors
    /// Only those of a store that cannot answer.
    async fn set_status(
        &self,
        tenant: &TenantId,
        credential: CredentialId,
        status: CredentialStatus,
        note: StatusNote,
    ) -> Result<StatusChange, StoreError>;

    /// The changes of a credential's status, oldest first.
    ///
    /// # Errors
    /// Only those of a store that cannot answer.
    async fn status_history(
        &self,
        tenant: &TenantId,
        credential: CredentialId,
    ) -> Result<Vec<StatusEntry>, StoreError>;

    /// The status of a credential, if it has one.
    ///
    /// # Errors
    /// Only those of a store that cannot answer.
    async fn status(
        &self,
        tenant: &TenantId,
        credential: CredentialId,
    ) -> Result<Option<CredentialStatus>, StoreError>;

    /// What of a list changed after a version of it; after version 0, everything that is not valid.
    ///
    /// # Errors
    /// Only those of a store that cannot answer.
    async fn changed_statuses(
        &self,
        tenant: &TenantId,
        list: u32,
        after: u64,
    ) -> Result<ListChanges, StoreError>;
}

//! The record of what was issued: never the credential, never a claim.

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{CallAnswer, CredentialId, NewStatus, SessionId, StoreError, SubjectRef, TenantId};

/// That one credential was issued, when, and by which session.
///
/// OID4VCI 1.0 §15.3: issued credentials are stored nowhere on the server. The record is written by
/// [`replace`](crate::SessionStore::replace), in the transaction that ends the issuance, and
/// outlives the session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuedRecord {
    /// The logical credential.
    pub credential: CredentialId,
    /// Its `credential_configuration_id`.
    pub configuration: String,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it expires, if it does.
    pub expires_at: Option<Timestamp>,
    /// The session that issued it.
    pub session: SessionId,
    /// Whom it is about: the subject of the session where that has one, else what is written here.
    pub subject: Option<SubjectRef>,
}

/// Which records to read; what is not said narrows nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IssuedFilter {
    /// Only those about this subject.
    pub subject: Option<SubjectRef>,
    /// Only those of this `credential_configuration_id`.
    pub configuration: Option<String>,
}

/// Which part of the record to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IssuedPage {
    /// Only what is older than this: the last entry of the page before.
    pub before: Option<CredentialId>,
    /// How many entries at most; never more than [`Page::LARGEST`](crate::Page::LARGEST).
    pub limit: u16,
}

/// Reads the record of issued credentials; [`Next::issued`](crate::Next) writes it.
#[async_trait]
pub trait IssuedStore: Send + Sync {
    /// The record of one credential.
    ///
    /// # Errors
    /// Only those of a store that cannot answer.
    async fn issued(
        &self,
        tenant: &TenantId,
        credential: CredentialId,
    ) -> Result<Option<IssuedRecord>, StoreError>;

    /// What one session issued, oldest first.
    ///
    /// # Errors
    /// Only those of a store that cannot answer.
    async fn issued_in(
        &self,
        tenant: &TenantId,
        session: SessionId,
    ) -> Result<Vec<IssuedRecord>, StoreError>;

    /// What a tenant issued, newest first.
    ///
    /// # Errors
    /// Only those of a store that cannot answer.
    async fn list_issued(
        &self,
        tenant: &TenantId,
        filter: &IssuedFilter,
        page: IssuedPage,
    ) -> Result<Vec<IssuedRecord>, StoreError>;

    /// Records what was issued without a session, with its statuses and the answer of the call that it is the
    /// outcome of: all of it or nothing.
    ///
    /// # Errors
    /// [`StoreError::DuplicateCredential`]; [`StoreError::CallAnswered`] if its call was not begun, or was made by
    /// somebody else in the meantime; and those of a store that cannot answer.
    async fn record_issued(
        &self,
        tenant: &TenantId,
        record: IssuedRecord,
        statuses: Vec<NewStatus>,
        call: Option<CallAnswer>,
    ) -> Result<(), StoreError>;

    /// Forgets up to `limit` credentials of all tenants, with their statuses, that expired at `expired_before` or
    /// earlier, and says how many. Credentials without an end are kept.
    ///
    /// # Errors
    /// Only those of a store that cannot answer.
    async fn purge_issued(&self, expired_before: Timestamp, limit: u32) -> Result<u64, StoreError>;
}

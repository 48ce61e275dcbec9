//! A store that ends the process or fails when its script says so; else it is the store that it is around.

use std::{ops::Range, sync::Arc};

use async_trait::async_trait;
use jiff::Timestamp;
use lanyard_store::{
    AuditBlock, AuditEntry, AuditHead, AuditStore, AuditTrail, CallAnswer, CallBegun, CallStore,
    Claim, CredentialId, CredentialStatus, Epoch, Erased, Event, Handle, IssuedFilter, IssuedPage,
    IssuedRecord, IssuedStore, ListChanges, Message, MessageId, MessagePage, MessageStore, NewCall,
    NewEvent, NewSession, NewStatus, Next, OnceStore, Page, Put, Replaced, Secret, SecretName,
    SecretStore, Session, SessionId, SessionKind, SessionStore, Settled, StatusChange, StatusEntry,
    StatusNote, StatusStore, Store, StoreError, StoreFigures, SubjectRef, SubjectStore, Taken,
    TenantId,
};

use super::{
    chores::Chores,
    script::{Kind, Moment, Point, Script},
};

/// The store.
#[derive(Debug)]
pub(crate) struct FailingStore {
    inner: Arc<dyn Store>,
    script: Arc<Script>,
    chores: Arc<Chores>,
}

/// Every call that keeps something: a report says which of them no flow came past.
pub(crate) const COMMITS: &[&str] = &[
    "insert",
    "replace",
    "append_event",
    "delete",
    "purge_expired",
    "purge_expired_of",
    "purge_once",
    "put_secret",
    "remove_secret",
    "record_issued",
    "purge_issued",
    "reserve_statuses",
    "set_status",
    "begin_call",
    "finish_call",
    "abandon_call",
    "purge_calls",
    "claim_messages",
    "settle_message",
    "redeliver_message",
    "purge_messages",
    "erase_subject",
    "link_audit",
    "shred_audit",
];

impl FailingStore {
    pub(crate) fn around(
        inner: Arc<dyn Store>,
        (script, chores): (Arc<Script>, Arc<Chores>),
    ) -> Self {
        Self { inner, script, chores }
    }

    /// Passes the points before and after a call.
    async fn call<T>(
        &self,
        (name, kind): (&'static str, Kind),
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let (during, nth) = self.script.place(name);
        let point = |moment| Point { during: during.clone(), call: name.to_owned(), nth, moment };
        self.script.pass(point(Moment::Before), kind)?;
        let done = call.await?;
        self.script.pass(point(Moment::After), kind)?;
        Ok(done)
    }

    /// A call of housekeeping, which finds nothing while that rests.
    async fn chore(
        &self,
        name: &'static str,
        call: impl Future<Output = Result<u64, StoreError>>,
    ) -> Result<u64, StoreError> {
        if self.chores.rest() {
            return Ok(0);
        }
        let done = self.call((name, Kind::Commit), call).await?;
        self.chores.done(name, done);
        Ok(done)
    }
}

#[async_trait]
impl SessionStore for FailingStore {
    async fn insert(&self, session: NewSession) -> Result<(), StoreError> {
        self.call(("insert", Kind::Commit), self.inner.insert(session)).await
    }

    async fn take(
        &self,
        tenant: &TenantId,
        handle: &Handle,
        now: Timestamp,
    ) -> Result<Taken, StoreError> {
        self.call(("take", Kind::Read), self.inner.take(tenant, handle, now)).await
    }

    async fn by_id(
        &self,
        tenant: &TenantId,
        id: SessionId,
        now: Timestamp,
    ) -> Result<Taken, StoreError> {
        self.call(("by_id", Kind::Read), self.inner.by_id(tenant, id, now)).await
    }

    async fn replace(&self, session: &Session, next: Next) -> Result<Replaced, StoreError> {
        self.call(("replace", Kind::Commit), self.inner.replace(session, next)).await
    }

    async fn events(&self, tenant: &TenantId, id: SessionId) -> Result<Vec<Event>, StoreError> {
        self.call(("events", Kind::Read), self.inner.events(tenant, id)).await
    }

    async fn append_event(
        &self,
        tenant: &TenantId,
        id: SessionId,
        event: NewEvent,
    ) -> Result<(), StoreError> {
        self.call(("append_event", Kind::Commit), self.inner.append_event(tenant, id, event)).await
    }

    async fn list(
        &self,
        tenant: &TenantId,
        kind: SessionKind,
        page: Page,
    ) -> Result<Vec<Session>, StoreError> {
        self.call(("list", Kind::Read), self.inner.list(tenant, kind, page)).await
    }

    async fn delete(&self, tenant: &TenantId, id: SessionId) -> Result<bool, StoreError> {
        self.call(("delete", Kind::Commit), self.inner.delete(tenant, id)).await
    }

    async fn purge_expired(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.chore("purge_expired", self.inner.purge_expired(now, limit)).await
    }

    async fn purge_expired_of(
        &self,
        kind: SessionKind,
        now: Timestamp,
        limit: u32,
    ) -> Result<u64, StoreError> {
        self.chore("purge_expired_of", self.inner.purge_expired_of(kind, now, limit)).await
    }
}

#[async_trait]
impl OnceStore for FailingStore {
    async fn purge_once(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.chore("purge_once", self.inner.purge_once(now, limit)).await
    }
}

#[async_trait]
impl SecretStore for FailingStore {
    async fn secret(
        &self,
        tenant: &TenantId,
        name: &SecretName,
    ) -> Result<Option<Secret>, StoreError> {
        self.call(("secret", Kind::Read), self.inner.secret(tenant, name)).await
    }

    async fn put_secret(
        &self,
        tenant: &TenantId,
        name: &SecretName,
        expected: Option<u64>,
        sealed: Vec<u8>,
        now: Timestamp,
    ) -> Result<Put, StoreError> {
        self.call(
            ("put_secret", Kind::Commit),
            self.inner.put_secret(tenant, name, expected, sealed, now),
        )
        .await
    }

    async fn secret_names(
        &self,
        tenant: &TenantId,
        prefix: &str,
    ) -> Result<Vec<SecretName>, StoreError> {
        self.call(("secret_names", Kind::Read), self.inner.secret_names(tenant, prefix)).await
    }

    async fn all_secrets(&self) -> Result<Vec<Secret>, StoreError> {
        self.call(("all_secrets", Kind::Read), self.inner.all_secrets()).await
    }

    async fn remove_secret(
        &self,
        tenant: &TenantId,
        name: &SecretName,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let remove = self.inner.remove_secret(tenant, name, now);
        self.call(("remove_secret", Kind::Commit), remove).await
    }
}

#[async_trait]
impl IssuedStore for FailingStore {
    async fn issued(
        &self,
        tenant: &TenantId,
        credential: CredentialId,
    ) -> Result<Option<IssuedRecord>, StoreError> {
        self.call(("issued", Kind::Read), self.inner.issued(tenant, credential)).await
    }

    async fn issued_in(
        &self,
        tenant: &TenantId,
        session: SessionId,
    ) -> Result<Vec<IssuedRecord>, StoreError> {
        self.call(("issued_in", Kind::Read), self.inner.issued_in(tenant, session)).await
    }

    async fn list_issued(
        &self,
        tenant: &TenantId,
        filter: &IssuedFilter,
        page: IssuedPage,
    ) -> Result<Vec<IssuedRecord>, StoreError> {
        self.call(("list_issued", Kind::Read), self.inner.list_issued(tenant, filter, page)).await
    }

    async fn record_issued(
        &self,
        tenant: &TenantId,
        record: IssuedRecord,
        statuses: Vec<NewStatus>,
        call: Option<CallAnswer>,
    ) -> Result<(), StoreError> {
        self.call(
            ("record_issued", Kind::Commit),
            self.inner.record_issued(tenant, record, statuses, call),
        )
        .await
    }

    async fn purge_issued(&self, expired_before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.chore("purge_issued", self.inner.purge_issued(expired_before, limit)).await
    }
}

#[async_trait]
impl StatusStore for FailingStore {
    async fn reserve_statuses(&self, tenant: &TenantId, count: u32) -> Result<u64, StoreError> {
        self.call(("reserve_statuses", Kind::Commit), self.inner.reserve_statuses(tenant, count))
            .await
    }

    async fn reserved_statuses(&self, tenant: &TenantId) -> Result<Vec<Range<u64>>, StoreError> {
        self.call(("reserved_statuses", Kind::Read), self.inner.reserved_statuses(tenant)).await
    }

    async fn set_status(
        &self,
        tenant: &TenantId,
        credential: CredentialId,
        status: CredentialStatus,
        note: StatusNote,
    ) -> Result<StatusChange, StoreError> {
        self.call(
            ("set_status", Kind::Commit),
            self.inner.set_status(tenant, credential, status, note),
        )
        .await
    }

    async fn status_history(
        &self,
        tenant: &TenantId,
        credential: CredentialId,
    ) -> Result<Vec<StatusEntry>, StoreError> {
        self.call(("status_history", Kind::Read), self.inner.status_history(tenant, credential))
            .await
    }

    async fn status(
        &self,
        tenant: &TenantId,
        credential: CredentialId,
    ) -> Result<Option<CredentialStatus>, StoreError> {
        self.call(("status", Kind::Read), self.inner.status(tenant, credential)).await
    }

    async fn changed_statuses(
        &self,
        tenant: &TenantId,
        list: u32,
        after: u64,
    ) -> Result<ListChanges, StoreError> {
        self.call(
            ("changed_statuses", Kind::Read),
            self.inner.changed_statuses(tenant, list, after),
        )
        .await
    }
}

#[async_trait]
impl CallStore for FailingStore {
    async fn begin_call(&self, tenant: &TenantId, call: NewCall) -> Result<CallBegun, StoreError> {
        self.call(("begin_call", Kind::Commit), self.inner.begin_call(tenant, call)).await
    }

    async fn finish_call(
        &self,
        tenant: &TenantId,
        key: [u8; 32],
        answer: Vec<u8>,
    ) -> Result<bool, StoreError> {
        self.call(("finish_call", Kind::Commit), self.inner.finish_call(tenant, key, answer)).await
    }

    async fn abandon_call(&self, tenant: &TenantId, key: [u8; 32]) -> Result<(), StoreError> {
        self.call(("abandon_call", Kind::Commit), self.inner.abandon_call(tenant, key)).await
    }

    async fn purge_calls(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.chore("purge_calls", self.inner.purge_calls(now, limit)).await
    }
}

#[async_trait]
impl MessageStore for FailingStore {
    async fn claim_messages(&self, claim: Claim) -> Result<Vec<Message>, StoreError> {
        self.call(("claim_messages", Kind::Commit), self.inner.claim_messages(claim)).await
    }

    async fn settle_message(&self, held: &Message, settled: Settled) -> Result<bool, StoreError> {
        self.call(("settle_message", Kind::Commit), self.inner.settle_message(held, settled)).await
    }

    async fn list_messages(
        &self,
        tenant: &TenantId,
        page: MessagePage,
    ) -> Result<Vec<Message>, StoreError> {
        self.call(("list_messages", Kind::Read), self.inner.list_messages(tenant, page)).await
    }

    async fn redeliver_message(
        &self,
        tenant: &TenantId,
        id: MessageId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.call(
            ("redeliver_message", Kind::Commit),
            self.inner.redeliver_message(tenant, id, now),
        )
        .await
    }

    async fn purge_messages(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.chore("purge_messages", self.inner.purge_messages(now, limit)).await
    }
}

#[async_trait]
impl SubjectStore for FailingStore {
    async fn erase_subject(
        &self,
        tenant: &TenantId,
        subject: SubjectRef,
        now: Timestamp,
    ) -> Result<Erased, StoreError> {
        let erase = self.inner.erase_subject(tenant, subject, now);
        self.call(("erase_subject", Kind::Commit), erase).await
    }
}

#[async_trait]
impl AuditTrail for FailingStore {
    async fn audit_heads(&self) -> Result<Vec<(TenantId, AuditHead)>, StoreError> {
        self.call(("audit_heads", Kind::Read), self.inner.audit_heads()).await
    }

    async fn audit_blocks(
        &self,
        tenant: &TenantId,
        after: u64,
        limit: u16,
    ) -> Result<Vec<AuditBlock>, StoreError> {
        let blocks = self.inner.audit_blocks(tenant, after, limit);
        self.call(("audit_blocks", Kind::Read), blocks).await
    }

    async fn audit_notes(&self, tenant: &TenantId) -> Result<Vec<AuditEntry>, StoreError> {
        self.call(("audit_notes", Kind::Read), self.inner.audit_notes(tenant)).await
    }
}

#[async_trait]
impl AuditStore for FailingStore {
    async fn link_audit(&self, limit: u32) -> Result<u64, StoreError> {
        self.chore("link_audit", self.inner.link_audit(limit)).await
    }

    async fn shred_audit(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.chore("shred_audit", self.inner.shred_audit(before, limit)).await
    }
}

#[async_trait]
impl Store for FailingStore {
    async fn ready(&self) -> Result<(), StoreError> {
        // asked every few seconds, whatever is going on: no point of a step
        self.inner.ready().await
    }

    async fn figures(&self) -> Result<StoreFigures, StoreError> {
        self.inner.figures().await
    }

    async fn epoch(&self) -> Result<Epoch, StoreError> {
        self.call(("epoch", Kind::Read), self.inner.epoch()).await
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.call(("close", Kind::Read), self.inner.close()).await
    }
}

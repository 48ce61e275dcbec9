//! The store of many machines: one PostgreSQL database, a pool of connections, row-level security.
//!
//! Reading order: `connect` and `tls` (settings, checks), `schema` (migrations), `within`, `fault`, `columns`, then the statements in
//! `sessions`, `once`, `secrets`, `issued`, `statuses`, `calls`, `messages`, `subjects`, `epochs` and `audit`.
//!
//! Every call is one transaction that says whose rows it is about before it looks at any: a statement that
//! forgot its tenant would still see no other's. Nothing is kept between calls, so any replica may take
//! the next step of a session.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use deadpool_postgres::Pool;
use jiff::Timestamp;

use crate::{
    AuditBlock, AuditEntry, AuditHead, AuditStore, AuditTrail, CallAnswer, CallBegun, CallStore,
    Claim, CredentialId, CredentialStatus, Epoch, Erased, Event, Handle, Handles, Herald, Heralded,
    IssuedFilter, IssuedPage, IssuedRecord, IssuedStore, ListChanges, Message, MessageId,
    MessagePage, MessageStore, NewCall, NewEvent, NewSession, NewStatus, Next, OnceStore, Page,
    Put, Replaced, Restored, Secret, SecretName, SecretStore, Session, SessionId, SessionKind,
    SessionStore, Settled, StatusChange, StatusEntry, StatusNote, StatusStore, Store, StoreError,
    SubjectRef, SubjectStore, Taken, TenantId,
};

mod audit;
mod calls;
mod columns;
mod connect;
mod epochs;
mod fault;
mod issued;
mod messages;
mod once;
mod schema;
mod secrets;
mod sessions;
mod statuses;
mod subjects;
mod tls;
mod within;

pub use connect::{ConnectError, PostgresOptions};
pub use epochs::EpochError;

use columns::{query_opt, read};
use fault::pool_fault;
use within::Transaction;

/// Keeps everything in one PostgreSQL database, which any number of replicas share.
pub struct PostgresStore {
    pool: Pool,
    herald: Heralded,
}

impl PostgresStore {
    /// Connects, checks the server and the role, and brings the schema up to date, where it is not and the role may.
    ///
    /// A server that is not on this machine is spoken to in TLS, and its certificate is verified.
    ///
    /// # Errors
    /// [`ConnectError::NewerSchema`] if a newer Lanyard wrote the database (nothing is touched then), and
    /// what else [`ConnectError`] lists.
    pub async fn connect(options: &PostgresOptions) -> Result<Self, ConnectError> {
        Ok(Self { pool: connect::connect(options).await?, herald: Heralded::default() })
    }

    /// Brings the schema up to date as a role that may, and lets the role `serving` read and write and no more.
    ///
    /// # Errors
    /// As of [`connect`](Self::connect), and [`ConnectError::NotGranted`].
    pub async fn migrate(
        owner: &PostgresOptions,
        serving: Option<&str>,
    ) -> Result<(), ConnectError> {
        connect::migrate(owner, serving).await
    }

    /// Has a herald asked who is told of each step; to be called before the store is shared.
    #[must_use]
    pub fn heralded_by(mut self, herald: Arc<dyn Herald>) -> Self {
        self.herald = Heralded::by(herald);
        self
    }

    /// Begins an epoch in a database that was restored by its own tools: nothing that was good before is, and
    /// `forget` is made anew.
    ///
    /// # Errors
    /// [`EpochError::InUse`] while a replica is connected, [`EpochError::NoEpochLeft`], and those of a store
    /// that cannot answer.
    pub async fn begin_epoch(
        &self,
        now: Timestamp,
        forget: &[SecretName],
    ) -> Result<Restored, EpochError> {
        let db = self.of_all().await?;
        let others = epochs::others(&db).await?;
        if others > 0 {
            return Err(EpochError::InUse { connections: others });
        }
        let restored = epochs::begin(&db, now, forget).await?.ok_or(EpochError::NoEpochLeft)?;
        db.commit().await?;
        Ok(restored)
    }

    async fn find(&self, tenant: &TenantId, id: SessionId) -> Result<Option<Session>, StoreError> {
        let db = self.of(tenant).await?;
        let found = sessions::find(&db, tenant, id).await?;
        db.done(found).await
    }

    async fn purge_sessions(
        &self,
        kind: Option<SessionKind>,
        now: Timestamp,
        limit: u32,
    ) -> Result<u64, StoreError> {
        let Some(db) = self.of_all_alone("sessions").await? else { return Ok(0) };
        let done = sessions::purge_expired(&db, kind, now, limit).await?;
        db.done(done).await
    }

    /// Begins a transaction that sees the rows of one tenant.
    async fn of(&self, tenant: &TenantId) -> Result<Transaction, StoreError> {
        self.within(tenant.as_str()).await
    }

    /// Begins a transaction that sees the rows of all tenants: housekeeping.
    async fn of_all(&self) -> Result<Transaction, StoreError> {
        self.within("*").await
    }

    /// Begins a transaction of housekeeping, unless another replica is about the same.
    ///
    /// The lock ends with the transaction: whoever was stopped in the middle has deleted nothing when it wakes,
    /// and holds nobody up meanwhile.
    async fn of_all_alone(&self, chore: &str) -> Result<Option<Transaction>, StoreError> {
        let db = self.of_all().await?;
        let turn = "SELECT pg_try_advisory_xact_lock(hashtextextended('lanyard ' || $1, 0))";
        let alone =
            query_opt(&db, turn, &[&chore]).await?.map_or(Ok(false), |row| read(&row, 0))?;
        Ok(alone.then_some(db))
    }

    async fn within(&self, wall: &str) -> Result<Transaction, StoreError> {
        Transaction::begin(self.pool.get().await.map_err(pool_fault)?, wall).await
    }
}

#[async_trait]
impl SessionStore for PostgresStore {
    async fn insert(&self, mut session: NewSession) -> Result<(), StoreError> {
        let handles = Handles::of(session.id, &session.handles)?;
        self.herald.begun(&mut session);
        let db = self.of(&session.tenant).await?;
        sessions::insert(&db, &session, &handles).await?;
        db.commit().await
    }

    async fn take(
        &self,
        tenant: &TenantId,
        handle: &Handle,
        now: Timestamp,
    ) -> Result<Taken, StoreError> {
        let found = self.find(tenant, handle.session()).await?;
        Ok(found.map_or(Taken::Absent, |session| session.taken_by(handle, now)))
    }

    async fn by_id(
        &self,
        tenant: &TenantId,
        id: SessionId,
        now: Timestamp,
    ) -> Result<Taken, StoreError> {
        let found = self.find(tenant, id).await?;
        Ok(found.map_or(Taken::Absent, |session| session.taken(now)))
    }

    async fn replace(&self, session: &Session, mut next: Next) -> Result<Replaced, StoreError> {
        self.herald.stepped(session, &mut next);
        let db = self.of(&session.tenant).await?;
        let replaced = sessions::replace(&db, session, &next).await?;
        db.done(replaced).await
    }

    async fn events(&self, tenant: &TenantId, id: SessionId) -> Result<Vec<Event>, StoreError> {
        let db = self.of(tenant).await?;
        let found = sessions::events(&db, tenant, id).await?;
        db.done(found).await
    }

    async fn append_event(
        &self,
        tenant: &TenantId,
        id: SessionId,
        mut event: NewEvent,
    ) -> Result<(), StoreError> {
        let db = self.of(tenant).await?;
        if self.herald.serves(tenant) {
            let kind = sessions::kind_of(&db, tenant, id).await?;
            let kind = kind.ok_or(StoreError::SessionAbsent)?;
            self.herald.noted(tenant, kind, id, &mut event);
        }
        sessions::append_event(&db, tenant, id, &event).await?;
        db.commit().await
    }

    async fn list(
        &self,
        tenant: &TenantId,
        kind: SessionKind,
        page: Page,
    ) -> Result<Vec<Session>, StoreError> {
        let db = self.of(tenant).await?;
        let found = sessions::list(&db, tenant, kind, page).await?;
        db.done(found).await
    }

    async fn delete(&self, tenant: &TenantId, id: SessionId) -> Result<bool, StoreError> {
        let db = self.of(tenant).await?;
        let done = sessions::delete(&db, tenant, id).await?;
        db.done(done).await
    }

    async fn purge_expired(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.purge_sessions(None, now, limit).await
    }

    async fn purge_expired_of(
        &self,
        kind: SessionKind,
        now: Timestamp,
        limit: u32,
    ) -> Result<u64, StoreError> {
        self.purge_sessions(Some(kind), now, limit).await
    }
}

#[async_trait]
impl OnceStore for PostgresStore {
    async fn purge_once(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let Some(db) = self.of_all_alone("once").await? else { return Ok(0) };
        let done = once::purge(&db, now, limit).await?;
        db.done(done).await
    }
}

#[async_trait]
impl SecretStore for PostgresStore {
    async fn secret(
        &self,
        tenant: &TenantId,
        name: &SecretName,
    ) -> Result<Option<Secret>, StoreError> {
        let db = self.of(tenant).await?;
        let found = secrets::secret(&db, tenant, name).await?;
        db.done(found).await
    }

    async fn put_secret(
        &self,
        tenant: &TenantId,
        name: &SecretName,
        expected: Option<u64>,
        sealed: Vec<u8>,
        now: Timestamp,
    ) -> Result<Put, StoreError> {
        let db = self.of(tenant).await?;
        let done = secrets::put(&db, (tenant, name), expected, &sealed, now).await?;
        db.done(done).await
    }

    async fn secret_names(
        &self,
        tenant: &TenantId,
        prefix: &str,
    ) -> Result<Vec<SecretName>, StoreError> {
        let db = self.of(tenant).await?;
        let found = secrets::names(&db, tenant, prefix).await?;
        db.done(found).await
    }

    async fn all_secrets(&self) -> Result<Vec<Secret>, StoreError> {
        let db = self.of_all().await?;
        let found = secrets::all(&db).await?;
        db.done(found).await
    }

    async fn remove_secret(
        &self,
        tenant: &TenantId,
        name: &SecretName,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let db = self.of(tenant).await?;
        let done = secrets::remove(&db, tenant, name, now).await?;
        db.done(done).await
    }
}

#[async_trait]
impl IssuedStore for PostgresStore {
    async fn issued(
        &self,
        tenant: &TenantId,
        credential: CredentialId,
    ) -> Result<Option<IssuedRecord>, StoreError> {
        let db = self.of(tenant).await?;
        let found = issued::one(&db, tenant, credential).await?;
        db.done(found).await
    }

    async fn issued_in(
        &self,
        tenant: &TenantId,
        session: SessionId,
    ) -> Result<Vec<IssuedRecord>, StoreError> {
        let db = self.of(tenant).await?;
        let found = issued::of_session(&db, tenant, session).await?;
        db.done(found).await
    }

    async fn list_issued(
        &self,
        tenant: &TenantId,
        filter: &IssuedFilter,
        page: IssuedPage,
    ) -> Result<Vec<IssuedRecord>, StoreError> {
        let db = self.of(tenant).await?;
        let found = issued::list(&db, tenant, filter, page).await?;
        db.done(found).await
    }

    async fn record_issued(
        &self,
        tenant: &TenantId,
        record: IssuedRecord,
        new: Vec<NewStatus>,
        call: Option<CallAnswer>,
    ) -> Result<(), StoreError> {
        let db = self.of(tenant).await?;
        calls::answer(&db, tenant, call.as_ref()).await?;
        issued::record(&db, tenant, std::slice::from_ref(&record)).await?;
        statuses::add(&db, tenant, &new).await?;
        db.commit().await
    }

    async fn purge_issued(&self, expired_before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let Some(db) = self.of_all_alone("issued").await? else { return Ok(0) };
        let done = issued::purge(&db, expired_before, limit).await?;
        db.done(done).await
    }
}

#[async_trait]
impl StatusStore for PostgresStore {
    async fn reserve_statuses(&self, tenant: &TenantId, count: u32) -> Result<u64, StoreError> {
        let db = self.of(tenant).await?;
        let done = statuses::reserve(&db, tenant, count).await?;
        db.done(done).await
    }

    async fn reserved_statuses(&self, tenant: &TenantId) -> Result<Vec<Range<u64>>, StoreError> {
        let db = self.of(tenant).await?;
        let found = epochs::places(&db, tenant).await?;
        db.done(found).await
    }

    async fn set_status(
        &self,
        tenant: &TenantId,
        credential: CredentialId,
        status: CredentialStatus,
        mut note: StatusNote,
    ) -> Result<StatusChange, StoreError> {
        self.herald.status_changed(tenant, credential, status, &mut note);
        let db = self.of(tenant).await?;
        let done = statuses::set(&db, tenant, credential, status, &note).await?;
        db.done(done).await
    }

    async fn status_history(
        &self,
        tenant: &TenantId,
        credential: CredentialId,
    ) -> Result<Vec<StatusEntry>, StoreError> {
        let db = self.of(tenant).await?;
        let found = statuses::history(&db, tenant, credential).await?;
        db.done(found).await
    }

    async fn status(
        &self,
        tenant: &TenantId,
        credential: CredentialId,
    ) -> Result<Option<CredentialStatus>, StoreError> {
        let db = self.of(tenant).await?;
        let found = statuses::one(&db, tenant, credential).await?;
        db.done(found).await
    }

    async fn changed_statuses(
        &self,
        tenant: &TenantId,
        list: u32,
        after: u64,
    ) -> Result<ListChanges, StoreError> {
        let db = self.of(tenant).await?;
        let found = statuses::changed(&db, tenant, list, after).await?;
        db.done(found).await
    }
}

#[async_trait]
impl CallStore for PostgresStore {
    async fn begin_call(&self, tenant: &TenantId, call: NewCall) -> Result<CallBegun, StoreError> {
        let db = self.of(tenant).await?;
        let done = calls::begin(&db, tenant, &call).await?;
        db.done(done).await
    }

    async fn finish_call(
        &self,
        tenant: &TenantId,
        key: [u8; 32],
        answer: Vec<u8>,
    ) -> Result<bool, StoreError> {
        let db = self.of(tenant).await?;
        let done = calls::finish(&db, tenant, &key, &answer).await?;
        db.done(done).await
    }

    async fn abandon_call(&self, tenant: &TenantId, key: [u8; 32]) -> Result<(), StoreError> {
        let db = self.of(tenant).await?;
        let done = calls::abandon(&db, tenant, &key).await?;
        db.done(done).await
    }

    async fn purge_calls(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let Some(db) = self.of_all_alone("calls").await? else { return Ok(0) };
        let done = calls::purge(&db, now, limit).await?;
        db.done(done).await
    }
}

#[async_trait]
impl MessageStore for PostgresStore {
    async fn claim_messages(&self, claim: Claim) -> Result<Vec<Message>, StoreError> {
        let db = self.of_all().await?;
        let done = messages::claim(&db, &claim).await?;
        db.done(done).await
    }

    async fn settle_message(&self, held: &Message, settled: Settled) -> Result<bool, StoreError> {
        let db = self.of(&held.tenant).await?;
        let done = messages::settle(&db, held, &settled).await?;
        db.done(done).await
    }

    async fn list_messages(
        &self,
        tenant: &TenantId,
        page: MessagePage,
    ) -> Result<Vec<Message>, StoreError> {
        let db = self.of(tenant).await?;
        let found = messages::list(&db, tenant, page).await?;
        db.done(found).await
    }

    async fn redeliver_message(
        &self,
        tenant: &TenantId,
        id: MessageId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let db = self.of(tenant).await?;
        let done = messages::redeliver(&db, tenant, id, now).await?;
        db.done(done).await
    }

    async fn purge_messages(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let Some(db) = self.of_all_alone("messages").await? else { return Ok(0) };
        let done = messages::purge(&db, now, limit).await?;
        db.done(done).await
    }
}

#[async_trait]
impl SubjectStore for PostgresStore {
    async fn erase_subject(
        &self,
        tenant: &TenantId,
        subject: SubjectRef,
        now: Timestamp,
    ) -> Result<Erased, StoreError> {
        let db = self.of(tenant).await?;
        let done = subjects::erase(&db, tenant, subject, now, &self.herald).await?;
        db.done(done).await
    }
}

#[async_trait]
impl AuditTrail for PostgresStore {
    async fn audit_heads(&self) -> Result<Vec<(TenantId, AuditHead)>, StoreError> {
        let db = self.of_all().await?;
        let found = audit::heads(&db).await?;
        db.done(found).await
    }

    async fn audit_blocks(
        &self,
        tenant: &TenantId,
        after: u64,
        limit: u16,
    ) -> Result<Vec<AuditBlock>, StoreError> {
        let db = self.of(tenant).await?;
        let found = audit::blocks(&db, tenant, after, limit).await?;
        db.done(found).await
    }

    async fn audit_notes(&self, tenant: &TenantId) -> Result<Vec<AuditEntry>, StoreError> {
        let db = self.of(tenant).await?;
        let found = audit::notes(&db, tenant).await?;
        db.done(found).await
    }
}

#[async_trait]
impl AuditStore for PostgresStore {
    async fn link_audit(&self, limit: u32) -> Result<u64, StoreError> {
        let Some(db) = self.of_all_alone("audit").await? else { return Ok(0) };
        let linked = audit::link(&db, limit).await?;
        db.done(linked).await
    }

    async fn shred_audit(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let Some(db) = self.of_all_alone("audit").await? else { return Ok(0) };
        let shredded = audit::shred(&db, before, limit).await?;
        db.done(shredded).await
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn ready(&self) -> Result<(), StoreError> {
        let db = self.of_all().await?;
        sessions::probe(&db).await?;
        db.commit().await
    }

    async fn epoch(&self) -> Result<Epoch, StoreError> {
        let db = self.of_all().await?;
        let found = epochs::current(&db).await?;
        db.done(found).await
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.pool.close();
        Ok(())
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PostgresStore")
    }
}

//! The durable store of one machine: one SQLite file, one writer thread, readers beside it.
//!
//! Reading order: `open` (the settings of a connection, what is checked before anything is
//! served), `lock` (one process per directory), `migrations`, `queue` and `writer` (group commit), `readers`, `hot`
//! (what was written a moment ago), then the statements in `sessions`, `once`, `secrets`, `issued`,
//! `statuses`, `calls`, `messages`, `subjects` and `epochs`, and `backup`.
//!
//! An acknowledged write survives `kill -9` and power loss: the log is synced before anyone gets
//! an answer (`synchronous=FULL`). One sync serves all writes that were waiting.

use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{
    AuditBlock, AuditEntry, AuditHead, AuditStore, AuditTrail, CallAnswer, CallBegun, CallStore,
    Claim, CredentialId, CredentialStatus, Epoch, Erased, Event, Handle, Handles, Herald, Heralded,
    IssuedFilter, IssuedPage, IssuedRecord, IssuedStore, ListChanges, Message, MessageId,
    MessagePage, MessageStore, NewCall, NewEvent, NewSession, NewStatus, Next, OnceStore, Page,
    Put, Replaced, Secret, SecretName, SecretStore, Session, SessionId, SessionKind, SessionStore,
    Settled, StatusChange, StatusEntry, StatusNote, StatusStore, Store, StoreError, SubjectRef,
    SubjectStore, Taken, TenantId,
};

mod audit;
mod backup;
mod calls;
mod columns;
mod epochs;
mod fault;
mod hot;
mod issued;
mod lock;
mod messages;
mod migrations;
mod once;
pub(crate) mod open;
mod queue;
mod readers;
mod secrets;
mod sessions;
mod statuses;
mod subjects;
mod writer;

pub use audit::AuditFile;
pub use backup::{BackedUp, BackupError, Restoring, back_up, begin_epoch, restore, sealed_in};
pub use open::{FILE_NAME, OpenError, SqliteOptions};

use hot::Hot;
use lock::DirectoryLock;
use readers::Readers;
use writer::Writer;

/// Keeps everything in `lanyard.db` in one directory that no other process uses.
pub struct SqliteStore {
    parts: Arc<Parts>,
}

/// Fields are dropped in this order: the readers close, the writer finishes and closes, and only
/// then may another process have the directory.
struct Parts {
    readers: Readers,
    writer: Writer,
    hot: Arc<Hot>,
    herald: Heralded,
    _lock: DirectoryLock,
}

impl SqliteStore {
    /// Opens the store in `directory`, which is made if it does not exist.
    ///
    /// # Errors
    /// [`OpenError::InUse`] if another process has it, [`OpenError::NewerSchema`] if a newer
    /// Lanyard wrote it (nothing is touched then), and what else [`OpenError`] lists.
    pub fn open(directory: impl AsRef<Path>) -> Result<Self, OpenError> {
        Self::open_with(directory, &SqliteOptions::default())
    }

    /// Opens the store with other than the default limits.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_with(
        directory: impl AsRef<Path>,
        options: &SqliteOptions,
    ) -> Result<Self, OpenError> {
        let opened = open::open(directory.as_ref(), options)?;
        let parts = Parts {
            readers: Readers::new(opened.readers),
            writer: Writer::start(opened.writer)?,
            hot: Arc::default(),
            herald: Heralded::default(),
            _lock: opened.lock,
        };
        Ok(Self { parts: Arc::new(parts) })
    }

    /// Has a herald asked who is told of each step; to be called before the store is shared.
    #[must_use]
    pub fn heralded_by(mut self, herald: Arc<dyn Herald>) -> Self {
        if let Some(parts) = Arc::get_mut(&mut self.parts) {
            parts.herald = Heralded::by(herald);
        }
        self
    }
}

#[async_trait]
impl SessionStore for SqliteStore {
    async fn insert(&self, mut session: NewSession) -> Result<(), StoreError> {
        let handles = Handles::of(session.id, &session.handles)?;
        self.parts.herald.begun(&mut session);
        let new = Arc::new((session, handles));
        let (begun, hot) = (new.clone(), self.parts.hot.clone());
        let insert = move |db: &_| sessions::insert(db, &new.0, &new.1);
        self.parts.writer.write_then(insert, move |()| hot.begun(&begun.0, &begun.1)).await
    }

    async fn take(
        &self,
        tenant: &TenantId,
        handle: &Handle,
        now: Timestamp,
    ) -> Result<Taken, StoreError> {
        let hot = &self.parts.hot;
        if let Some(taken) = hot.take(tenant, handle, now) {
            return Ok(taken);
        }
        let before = hot.commits();
        let found = self.parts.readers.read(|db| sessions::find(db, tenant, handle.session()))?;
        Ok(found.map_or(Taken::Absent, |session| {
            hot.read(&session, before);
            session.taken_by(handle, now)
        }))
    }

    async fn by_id(
        &self,
        tenant: &TenantId,
        id: SessionId,
        now: Timestamp,
    ) -> Result<Taken, StoreError> {
        match self.parts.hot.by_id(tenant, id, now) {
            Some(taken) => Ok(taken),
            None => self.parts.readers.read(|db| sessions::by_id(db, tenant, id, now)),
        }
    }

    async fn replace(&self, session: &Session, mut next: Next) -> Result<Replaced, StoreError> {
        self.parts.herald.stepped(session, &mut next);
        let step = Arc::new(sessions::Step::new(session, next)?);
        let (written, kept, hot) = (step.clone(), step.clone(), self.parts.hot.clone());
        let replace = move |db: &_| sessions::replace(db, &written);
        let stepped = move |counts: &bool| hot.stepped(&kept, *counts);
        match self.parts.writer.write_then(replace, stepped).await? {
            true => Ok(Replaced::Done(step.session())),
            false => Ok(Replaced::Conflict),
        }
    }

    async fn events(&self, tenant: &TenantId, id: SessionId) -> Result<Vec<Event>, StoreError> {
        self.parts.readers.read(|db| sessions::events(db, tenant, id))
    }

    async fn append_event(
        &self,
        tenant: &TenantId,
        id: SessionId,
        mut event: NewEvent,
    ) -> Result<(), StoreError> {
        if self.parts.herald.serves(tenant) {
            let kind = self.parts.readers.read(|db| sessions::kind_of(db, tenant, id))?;
            let kind = kind.ok_or(StoreError::SessionAbsent)?;
            self.parts.herald.noted(tenant, kind, id, &mut event);
        }
        let tenant = tenant.clone();
        self.parts.writer.write(move |db| sessions::append_event(db, &tenant, id, &event)).await
    }

    async fn list(
        &self,
        tenant: &TenantId,
        kind: SessionKind,
        page: Page,
    ) -> Result<Vec<Session>, StoreError> {
        self.parts.readers.read(|db| sessions::list(db, tenant, kind, page))
    }

    async fn delete(&self, tenant: &TenantId, id: SessionId) -> Result<bool, StoreError> {
        let (name, hot) = ((tenant.clone(), id), self.parts.hot.clone());
        let gone = name.clone();
        let delete = move |db: &_| sessions::delete(db, &name.0, id);
        self.parts.writer.write_then(delete, move |_| hot.gone(&gone)).await
    }

    async fn purge_expired(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let hot = self.parts.hot.clone();
        let purge = move |db: &_| sessions::purge_expired(db, None, now, limit);
        self.parts.writer.write_then(purge, move |_| hot.purged(now)).await
    }

    async fn purge_expired_of(
        &self,
        kind: SessionKind,
        now: Timestamp,
        limit: u32,
    ) -> Result<u64, StoreError> {
        let hot = self.parts.hot.clone();
        let purge = move |db: &_| sessions::purge_expired(db, Some(kind), now, limit);
        self.parts.writer.write_then(purge, move |_| hot.purged(now)).await
    }
}

#[async_trait]
impl OnceStore for SqliteStore {
    async fn purge_once(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.parts.writer.write(move |db| once::purge(db, now, limit)).await
    }
}

#[async_trait]
impl SecretStore for SqliteStore {
    async fn secret(
        &self,
        tenant: &TenantId,
        name: &SecretName,
    ) -> Result<Option<Secret>, StoreError> {
        self.parts.readers.read(|db| secrets::secret(db, tenant, name))
    }

    async fn put_secret(
        &self,
        tenant: &TenantId,
        name: &SecretName,
        expected: Option<u64>,
        sealed: Vec<u8>,
        now: Timestamp,
    ) -> Result<Put, StoreError> {
        let (tenant, name) = (tenant.clone(), name.clone());
        let put = move |db: &_| secrets::put(db, (&tenant, &name), expected, &sealed, now);
        self.parts.writer.write(put).await
    }

    async fn secret_names(
        &self,
        tenant: &TenantId,
        prefix: &str,
    ) -> Result<Vec<SecretName>, StoreError> {
        self.parts.readers.read(|db| secrets::names(db, tenant, prefix))
    }

    async fn all_secrets(&self) -> Result<Vec<Secret>, StoreError> {
        self.parts.readers.read(secrets::all)
    }

    async fn remove_secret(
        &self,
        tenant: &TenantId,
        name: &SecretName,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (tenant, name) = (tenant.clone(), name.clone());
        self.parts.writer.write(move |db| secrets::remove(db, &tenant, &name, now)).await
    }
}

#[async_trait]
impl IssuedStore for SqliteStore {
    async fn issued(
        &self,
        tenant: &TenantId,
        credential: CredentialId,
    ) -> Result<Option<IssuedRecord>, StoreError> {
        self.parts.readers.read(|db| issued::one(db, tenant, credential))
    }

    async fn issued_in(
        &self,
        tenant: &TenantId,
        session: SessionId,
    ) -> Result<Vec<IssuedRecord>, StoreError> {
        self.parts.readers.read(|db| issued::of_session(db, tenant, session))
    }

    async fn list_issued(
        &self,
        tenant: &TenantId,
        filter: &IssuedFilter,
        page: IssuedPage,
    ) -> Result<Vec<IssuedRecord>, StoreError> {
        self.parts.readers.read(|db| issued::list(db, tenant, filter, page))
    }

    async fn record_issued(
        &self,
        tenant: &TenantId,
        record: IssuedRecord,
        new: Vec<NewStatus>,
        call: Option<CallAnswer>,
    ) -> Result<(), StoreError> {
        let tenant = tenant.clone();
        let write = move |db: &rusqlite::Connection| {
            calls::answer(db, &tenant, call.as_ref())?;
            issued::record(db, &tenant, std::slice::from_ref(&record))?;
            statuses::add(db, &tenant, &new)
        };
        self.parts.writer.write(write).await
    }

    async fn purge_issued(&self, expired_before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.parts.writer.write(move |db| issued::purge(db, expired_before, limit)).await
    }
}

#[async_trait]
impl StatusStore for SqliteStore {
    async fn reserve_statuses(&self, tenant: &TenantId, count: u32) -> Result<u64, StoreError> {
        let tenant = tenant.clone();
        self.parts.writer.write(move |db| statuses::reserve(db, &tenant, count)).await
    }

    async fn reserved_statuses(&self, tenant: &TenantId) -> Result<Vec<Range<u64>>, StoreError> {
        self.parts.readers.read(|db| epochs::places(db, tenant))
    }

    async fn set_status(
        &self,
        tenant: &TenantId,
        credential: CredentialId,
        status: CredentialStatus,
        mut note: StatusNote,
    ) -> Result<StatusChange, StoreError> {
        self.parts.herald.status_changed(tenant, credential, status, &mut note);
        let tenant = tenant.clone();
        let set = move |db: &_| statuses::set(db, &tenant, credential, status, &note);
        self.parts.writer.write(set).await
    }

    async fn status_history(
        &self,
        tenant: &TenantId,
        credential: CredentialId,
    ) -> Result<Vec<StatusEntry>, StoreError> {
        self.parts.readers.read(|db| statuses::history(db, tenant, credential))
    }

    async fn status(
        &self,
        tenant: &TenantId,
        credential: CredentialId,
    ) -> Result<Option<CredentialStatus>, StoreError> {
        self.parts.readers.read(|db| statuses::one(db, tenant, credential))
    }

    async fn changed_statuses(
        &self,
        tenant: &TenantId,
        list: u32,
        after: u64,
    ) -> Result<ListChanges, StoreError> {
        self.parts.readers.read(|db| statuses::changed(db, tenant, list, after))
    }
}

#[async_trait]
impl CallStore for SqliteStore {
    async fn begin_call(&self, tenant: &TenantId, call: NewCall) -> Result<CallBegun, StoreError> {
        let tenant = tenant.clone();
        self.parts.writer.write(move |db| calls::begin(db, &tenant, &call)).await
    }

    async fn finish_call(
        &self,
        tenant: &TenantId,
        key: [u8; 32],
        answer: Vec<u8>,
    ) -> Result<bool, StoreError> {
        let tenant = tenant.clone();
        self.parts.writer.write(move |db| calls::finish(db, &tenant, &key, &answer)).await
    }

    async fn abandon_call(&self, tenant: &TenantId, key: [u8; 32]) -> Result<(), StoreError> {
        let tenant = tenant.clone();
        self.parts.writer.write(move |db| calls::abandon(db, &tenant, &key)).await
    }

    async fn purge_calls(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.parts.writer.write(move |db| calls::purge(db, now, limit)).await
    }
}

#[async_trait]
impl MessageStore for SqliteStore {
    async fn claim_messages(&self, claim: Claim) -> Result<Vec<Message>, StoreError> {
        self.parts.writer.write(move |db| messages::claim(db, &claim)).await
    }

    async fn settle_message(&self, held: &Message, settled: Settled) -> Result<bool, StoreError> {
        let held = held.clone();
        self.parts.writer.write(move |db| messages::settle(db, &held, &settled)).await
    }

    async fn list_messages(
        &self,
        tenant: &TenantId,
        page: MessagePage,
    ) -> Result<Vec<Message>, StoreError> {
        self.parts.readers.read(|db| messages::list(db, tenant, page))
    }

    async fn redeliver_message(
        &self,
        tenant: &TenantId,
        id: MessageId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let tenant = tenant.clone();
        self.parts.writer.write(move |db| messages::redeliver(db, &tenant, id, now)).await
    }

    async fn purge_messages(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.parts.writer.write(move |db| messages::purge(db, now, limit)).await
    }
}

#[async_trait]
impl SubjectStore for SqliteStore {
    async fn erase_subject(
        &self,
        tenant: &TenantId,
        subject: SubjectRef,
        now: Timestamp,
    ) -> Result<Erased, StoreError> {
        let (name, hot) = (tenant.clone(), self.parts.hot.clone());
        let owner = name.clone();
        let herald = self.parts.herald.clone();
        let erase = move |db: &_| subjects::erase(db, &name, subject, now, &herald);
        let gone = move |erased: &Erased| {
            erased.sessions.iter().for_each(|id| hot.gone(&(owner.clone(), *id)));
        };
        self.parts.writer.write_then(erase, gone).await
    }
}

#[async_trait]
impl AuditTrail for SqliteStore {
    async fn audit_heads(&self) -> Result<Vec<(TenantId, AuditHead)>, StoreError> {
        self.parts.readers.read(audit::heads)
    }

    async fn audit_blocks(
        &self,
        tenant: &TenantId,
        after: u64,
        limit: u16,
    ) -> Result<Vec<AuditBlock>, StoreError> {
        self.parts.readers.read(|db| audit::blocks(db, tenant, after, limit))
    }

    async fn audit_notes(&self, tenant: &TenantId) -> Result<Vec<AuditEntry>, StoreError> {
        self.parts.readers.read(|db| audit::notes(db, tenant))
    }
}

#[async_trait]
impl AuditStore for SqliteStore {
    async fn link_audit(&self, limit: u32) -> Result<u64, StoreError> {
        self.parts.writer.write(move |db| audit::link(db, limit)).await
    }

    async fn shred_audit(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.parts.writer.write(move |db| audit::shred(db, before, limit)).await
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn ready(&self) -> Result<(), StoreError> {
        self.parts.writer.write(sessions::probe).await
    }

    async fn epoch(&self) -> Result<Epoch, StoreError> {
        self.parts.readers.read(epochs::current)
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.parts.readers.close();
        self.parts.hot.forget();
        self.parts.writer.close().await
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SqliteStore")
    }
}

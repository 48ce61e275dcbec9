//! The store of tests and throw-away demonstrations: correct, and gone when the process ends.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;

use crate::event::LONGEST_TRAIL;
use crate::moment::of_microseconds;
use crate::{
    AuditEntry, CredentialId, CredentialStatus, Epoch, Errand, Event, Handle, Handles, Herald,
    Heralded, IssuedRecord, MessageId, MessageState, NewEvent, NewMessage, NewSession, Next, Once,
    OnceKind, OnceStore, Page, Put, Replaced, Secret, SecretName, SecretStore, Session, SessionId,
    SessionKind, SessionStore, StatusEntry, StatusPlace, Store, StoreError, StoreFigures,
    SubjectRef, Taken, TenantId, Unavailability,
};

mod audit;
mod integration;
mod issued;

use audit::KeptAudit;
use integration::{KeptCall, Told};
use issued::KeptList;

/// Keeps everything in memory, under one lock.
#[derive(Default)]
pub struct MemoryStore {
    tables: Mutex<Tables>,
    herald: Heralded,
}

#[derive(Default)]
struct Tables {
    sessions: BTreeMap<(TenantId, SessionId), Kept>,
    secrets: BTreeMap<(TenantId, SecretName), Secret>,
    issued: BTreeMap<(TenantId, CredentialId), IssuedRecord>,
    statuses: BTreeMap<(TenantId, StatusPlace), (CredentialId, CredentialStatus)>,
    /// Credentials of which nobody would learn that they are suspended.
    not_suspendable: BTreeSet<(TenantId, CredentialId)>,
    once: HashMap<(TenantId, OnceKind, [u8; 32]), (Timestamp, u64)>,
    remembered: u64,
    status_lists: BTreeMap<(TenantId, u32), KeptList>,
    reserved: BTreeMap<TenantId, u64>,
    history: BTreeMap<(TenantId, CredentialId), Vec<StatusEntry>>,
    calls: BTreeMap<(TenantId, [u8; 32]), KeptCall>,
    messages: BTreeMap<(TenantId, MessageId), Told>,
    told: u64,
    audit: KeptAudit,
    inserted: u64,
    closed: bool,
}

/// A session with all that is deleted together with it.
struct Kept {
    session: Session,
    ordinal: u64,
    trail: Vec<Event>,
    subject: Option<SubjectRef>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Has a herald asked who is told of each step.
    #[must_use]
    pub fn heralded_by(mut self, herald: Arc<dyn Herald>) -> Self {
        self.herald = Heralded::by(herald);
        self
    }

    fn open(&self) -> Result<MutexGuard<'_, Tables>, StoreError> {
        let tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        if tables.closed {
            return Err(StoreError::unavailable(Unavailability::Closed));
        }
        Ok(tables)
    }
}

#[async_trait]
impl SessionStore for MemoryStore {
    async fn insert(&self, mut new: NewSession) -> Result<(), StoreError> {
        let handles = Handles::of(new.id, &new.handles)?;
        self.herald.begun(&mut new);
        let mut tables = self.open()?;
        let key = (new.tenant.clone(), new.id);
        if tables.sessions.contains_key(&key) {
            return Err(StoreError::DuplicateSession);
        }
        tables.refuse_seen(&new.tenant, &new.once)?;
        tables.answer_call(&new.tenant, new.call)?;

        tables.remember(&new.tenant, &new.once);
        tables.inserted += 1;
        let mut kept = Kept {
            session: Session {
                tenant: new.tenant,
                id: new.id,
                kind: new.kind,
                version: 1,
                state: new.state,
                handles,
                created_at: to_the_microsecond(new.created_at),
                expires_at: to_the_microsecond(new.expires_at),
            },
            ordinal: tables.inserted,
            trail: Vec::new(),
            subject: new.subject,
        };
        let messages = kept.append(new.event);
        tables.tell(&key.0, messages);
        tables.sessions.insert(key, kept);
        Ok(())
    }

    async fn take(
        &self,
        tenant: &TenantId,
        handle: &Handle,
        now: Timestamp,
    ) -> Result<Taken, StoreError> {
        let tables = self.open()?;
        let session = tables.session(tenant, handle.session());
        Ok(session.map_or(Taken::Absent, |session| session.taken_by(handle, now)))
    }

    async fn by_id(
        &self,
        tenant: &TenantId,
        id: SessionId,
        now: Timestamp,
    ) -> Result<Taken, StoreError> {
        let session = self.open()?.session(tenant, id);
        Ok(session.map_or(Taken::Absent, |session| session.taken(now)))
    }

    async fn replace(&self, held: &Session, mut next: Next) -> Result<Replaced, StoreError> {
        let handles = held.handles.stepped(held.id, &next.retire_handles, &next.add_handles)?;
        self.herald.stepped(held, &mut next);
        let mut tables = self.open()?;
        let (tenant, id) = (&held.tenant, held.id);
        let key = (tenant.clone(), id);
        match tables.sessions.get(&key) {
            Some(kept)
                if kept.session.version == held.version
                    && kept.session.expires_at > to_the_microsecond(next.now) => {}
            _ => return Ok(Replaced::Conflict),
        }
        tables.refuse_recorded(tenant, &next.issued)?;
        tables.refuse_seen(tenant, &next.once)?;

        if let Some(kept) = tables.sessions.get_mut(&key) {
            kept.subject = kept.subject.or(next.subject);
        }
        tables.remember(tenant, &next.once);
        tables.record(tenant, next.issued, next.statuses);
        let Some(kept) = tables.sessions.get_mut(&key) else {
            return Ok(Replaced::Conflict);
        };
        kept.session.version += 1;
        kept.session.state = next.state;
        kept.session.expires_at = to_the_microsecond(next.expires_at);
        kept.session.handles = handles;
        let messages: Vec<_> =
            next.events.into_iter().flat_map(|event| kept.append(event)).collect();
        let session = kept.session.clone();
        tables.tell(tenant, messages);
        Ok(Replaced::Done(session))
    }

    async fn events(&self, tenant: &TenantId, id: SessionId) -> Result<Vec<Event>, StoreError> {
        let tables = self.open()?;
        let kept = tables.sessions.get(&(tenant.clone(), id));
        Ok(kept.map(|kept| kept.trail.clone()).unwrap_or_default())
    }

    async fn append_event(
        &self,
        tenant: &TenantId,
        id: SessionId,
        mut event: NewEvent,
    ) -> Result<(), StoreError> {
        let mut tables = self.open()?;
        let kept =
            tables.sessions.get_mut(&(tenant.clone(), id)).ok_or(StoreError::SessionAbsent)?;
        self.herald.noted(tenant, kept.session.kind, id, &mut event);
        if kept.trail.len() < LONGEST_TRAIL as usize {
            let messages = kept.append(event);
            tables.tell(tenant, messages);
        }
        Ok(())
    }

    async fn list(
        &self,
        tenant: &TenantId,
        kind: SessionKind,
        page: Page,
    ) -> Result<Vec<Session>, StoreError> {
        let tables = self.open()?;
        let newest = page.before.map_or_else(
            || Bound::Included((tenant.clone(), SessionId::from_bytes([0xff; 16]))),
            |before| Bound::Excluded((tenant.clone(), before)),
        );
        let oldest = Bound::Included((tenant.clone(), SessionId::from_bytes([0; 16])));
        Ok(tables
            .sessions
            .range((oldest, newest))
            .rev()
            .map(|(_, kept)| &kept.session)
            .filter(|session| session.kind == kind)
            .take(page.limit.min(Page::LARGEST).into())
            .cloned()
            .collect())
    }

    async fn delete(&self, tenant: &TenantId, id: SessionId) -> Result<bool, StoreError> {
        Ok(self.open()?.delete(&(tenant.clone(), id)))
    }

    async fn purge_expired(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        Ok(self.open()?.purge(None, now, limit))
    }

    async fn purge_expired_of(
        &self,
        kind: SessionKind,
        now: Timestamp,
        limit: u32,
    ) -> Result<u64, StoreError> {
        Ok(self.open()?.purge(Some(kind), now, limit))
    }
}

impl Tables {
    fn purge(&mut self, kind: Option<SessionKind>, now: Timestamp, limit: u32) -> u64 {
        let mut expired: Vec<_> = self
            .sessions
            .iter()
            .filter(|(_, kept)| kept.session.expires_at <= to_the_microsecond(now))
            .filter(|(_, kept)| kind.is_none_or(|kind| kept.session.kind == kind))
            .map(|(key, kept)| (kept.session.expires_at, kept.ordinal, key.clone()))
            .collect();
        expired.sort();
        expired.truncate(limit as usize);
        for (_, _, key) in &expired {
            self.delete(key);
        }
        expired.len() as u64
    }

    fn session(&self, tenant: &TenantId, id: SessionId) -> Option<Session> {
        self.sessions.get(&(tenant.clone(), id)).map(|kept| kept.session.clone())
    }

    fn refuse_seen(&self, tenant: &TenantId, all: &[Once]) -> Result<(), StoreError> {
        let mut seen = BTreeSet::new();
        for once in all {
            let known = self.once.contains_key(&(tenant.clone(), once.kind, once.digest));
            if known || !seen.insert((once.kind, once.digest)) {
                return Err(StoreError::SeenBefore);
            }
        }
        Ok(())
    }

    fn remember(&mut self, tenant: &TenantId, all: &[Once]) {
        for once in all {
            self.remembered += 1;
            let until = (to_the_microsecond(once.expires_at), self.remembered);
            self.once.insert((tenant.clone(), once.kind, once.digest), until);
        }
    }

    fn delete(&mut self, key: &(TenantId, SessionId)) -> bool {
        self.sessions.remove(key).is_some()
    }
}

impl Kept {
    /// Adds an event, and gives the messages that tell of it.
    fn append(&mut self, event: NewEvent) -> Vec<NewMessage> {
        let seq = self.trail.last().map_or(1, |last| last.seq + 1);
        self.trail.push(Event {
            seq,
            at: to_the_microsecond(event.at),
            step: event.step.to_owned(),
            outcome: event.outcome,
            reason: event.reason.map(str::to_owned),
            detail: event.detail,
        });
        event.messages
    }
}

#[async_trait]
impl OnceStore for MemoryStore {
    async fn purge_once(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let mut tables = self.open()?;
        let now = to_the_microsecond(now);
        let mut expired: Vec<_> =
            tables.once.iter().filter(|(_, (until, _))| *until <= now).collect();
        expired.sort_by_key(|(_, until)| **until);
        let expired: Vec<_> =
            expired.into_iter().take(limit as usize).map(|(key, _)| key.clone()).collect();
        for key in &expired {
            tables.once.remove(key);
        }
        Ok(expired.len() as u64)
    }
}

#[async_trait]
impl SecretStore for MemoryStore {
    async fn secret(
        &self,
        tenant: &TenantId,
        name: &SecretName,
    ) -> Result<Option<Secret>, StoreError> {
        Ok(self.open()?.secrets.get(&(tenant.clone(), name.clone())).cloned())
    }

    async fn put_secret(
        &self,
        tenant: &TenantId,
        name: &SecretName,
        expected: Option<u64>,
        sealed: Vec<u8>,
        now: Timestamp,
    ) -> Result<Put, StoreError> {
        let mut tables = self.open()?;
        let key = (tenant.clone(), name.clone());
        let stored = tables.secrets.get(&key).map(|secret| secret.version);
        if stored != expected {
            return Ok(Put::Conflict);
        }
        let secret = Secret {
            tenant: tenant.clone(),
            name: name.clone(),
            version: stored.unwrap_or(0) + 1,
            sealed,
            written_at: to_the_microsecond(now),
        };
        let version = secret.version;
        tables.secrets.insert(key, secret);
        tables.audit.note(tenant, AuditEntry::written(name, version, now));
        Ok(Put::Done(version))
    }

    async fn secret_names(
        &self,
        tenant: &TenantId,
        prefix: &str,
    ) -> Result<Vec<SecretName>, StoreError> {
        let tables = self.open()?;
        let of_tenant = tables.secrets.keys().filter(|(owner, _)| owner == tenant);
        Ok(of_tenant
            .map(|(_, name)| name)
            .filter(|name| name.as_str().starts_with(prefix))
            .cloned()
            .collect())
    }

    async fn all_secrets(&self) -> Result<Vec<Secret>, StoreError> {
        Ok(self.open()?.secrets.values().cloned().collect())
    }

    async fn remove_secret(
        &self,
        tenant: &TenantId,
        name: &SecretName,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tables = self.open()?;
        let was_there = tables.secrets.remove(&(tenant.clone(), name.clone())).is_some();
        if was_there {
            tables.audit.note(tenant, AuditEntry::removed(name, now));
        }
        Ok(was_there)
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn ready(&self) -> Result<(), StoreError> {
        self.open().map(|_| ())
    }

    async fn figures(&self) -> Result<StoreFigures, StoreError> {
        let tables = self.open()?;
        let is_waiting = |told: &&Told| {
            told.message.state == MessageState::Waiting && told.message.errand == Errand::Deliver
        };
        let waiting_messages = tables.messages.values().filter(is_waiting).count() as u64;
        let unlinked_notes = tables.audit.unlinked() as u64;
        Ok(StoreFigures { waiting_messages, unlinked_notes, ..StoreFigures::default() })
    }

    async fn epoch(&self) -> Result<Epoch, StoreError> {
        self.open().map(|_| Epoch::FIRST)
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        Ok(())
    }
}

impl std::fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MemoryStore")
    }
}

/// What a database column keeps of a moment, so that both backends answer alike.
fn to_the_microsecond(moment: Timestamp) -> Timestamp {
    of_microseconds(moment.as_microsecond()).unwrap_or(moment)
}

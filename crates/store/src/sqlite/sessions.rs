//! The statements over sessions: one row each, with what leads to it and its trail. Every one names its
//! tenant.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::SqliteStore;
use super::columns::{as_kept, moment, read, read_moment, read_version, version};
use super::fault::fault;
use super::{calls, issued, messages, once, statuses};
use crate::event::LONGEST_TRAIL;
use crate::{
    Event, Handle, Handles, NewEvent, NewSession, Next, Page, Replaced, Session, SessionId,
    SessionKind, SessionStore, StoreError, StoreFigures, SubjectRef, Taken, TenantId, figures,
    trail,
};

#[async_trait]
impl SessionStore for SqliteStore {
    async fn insert(&self, mut session: NewSession) -> Result<(), StoreError> {
        let handles = Handles::of(session.id, &session.handles)?;
        self.parts.herald.begun(&mut session);
        let new = Arc::new((session, handles));
        let (begun, hot) = (new.clone(), self.parts.hot.clone());
        let insert = move |db: &_| insert(db, &new.0, &new.1);
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
        let found = self.parts.readers.read(|db| find(db, tenant, handle.session()))?;
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
            None => self.parts.readers.read(|db| by_id(db, tenant, id, now)),
        }
    }

    async fn replace(&self, session: &Session, mut next: Next) -> Result<Replaced, StoreError> {
        self.parts.herald.stepped(session, &mut next);
        let step = Arc::new(Step::new(session, next)?);
        let (written, kept, hot) = (step.clone(), step.clone(), self.parts.hot.clone());
        let replace = move |db: &_| replace(db, &written);
        let stepped = move |counts: &bool| hot.stepped(&kept, *counts);
        match self.parts.writer.write_then(replace, stepped).await? {
            true => Ok(Replaced::Done(step.session())),
            false => Ok(Replaced::Conflict),
        }
    }

    async fn events(&self, tenant: &TenantId, id: SessionId) -> Result<Vec<Event>, StoreError> {
        self.parts.readers.read(|db| events(db, tenant, id))
    }

    async fn append_event(
        &self,
        tenant: &TenantId,
        id: SessionId,
        mut event: NewEvent,
    ) -> Result<(), StoreError> {
        if self.parts.herald.serves(tenant) {
            let kind = self.parts.readers.read(|db| kind_of(db, tenant, id))?;
            let kind = kind.ok_or(StoreError::SessionAbsent)?;
            self.parts.herald.noted(tenant, kind, id, &mut event);
        }
        let tenant = tenant.clone();
        self.parts.writer.write(move |db| append_event(db, &tenant, id, &event)).await
    }

    async fn list(
        &self,
        tenant: &TenantId,
        kind: SessionKind,
        page: Page,
    ) -> Result<Vec<Session>, StoreError> {
        self.parts.readers.read(|db| list(db, tenant, kind, page))
    }

    async fn delete(&self, tenant: &TenantId, id: SessionId) -> Result<bool, StoreError> {
        let (name, hot) = ((tenant.clone(), id), self.parts.hot.clone());
        let gone = name.clone();
        let delete = move |db: &_| delete(db, &name.0, id);
        self.parts.writer.write_then(delete, move |_| hot.gone(&gone)).await
    }

    async fn purge_expired(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let hot = self.parts.hot.clone();
        let purge = move |db: &_| purge_expired(db, None, now, limit);
        self.parts.writer.write_then(purge, move |_| hot.purged(now)).await
    }

    async fn purge_expired_of(
        &self,
        kind: SessionKind,
        now: Timestamp,
        limit: u32,
    ) -> Result<u64, StoreError> {
        let hot = self.parts.hot.clone();
        let purge = move |db: &_| purge_expired(db, Some(kind), now, limit);
        self.parts.writer.write_then(purge, move |_| hot.purged(now)).await
    }
}

fn insert(db: &Connection, new: &NewSession, handles: &Handles) -> Result<(), StoreError> {
    let inserted = execute(
        db,
        "INSERT INTO session (tenant, id, kind, version, created_at, expires_at, subject, handles,
                              events, trail, state)
         VALUES (?1, ?2, ?3, 1, ?4, ?5, ?6, ?7, 1, ?8, ?9) ON CONFLICT (tenant, id) DO NOTHING",
        params![
            new.tenant.as_str(),
            new.id.as_bytes(),
            new.kind.as_str(),
            moment(new.created_at),
            moment(new.expires_at),
            new.subject.as_ref().map(SubjectRef::as_bytes),
            handles.to_bytes(),
            trail::lines([&new.event]),
            new.state
        ],
    )?;
    if inserted == 0 {
        return Err(StoreError::DuplicateSession);
    }
    once::remember(db, &new.tenant, &new.once)?;
    calls::answer(db, &new.tenant, new.call.as_ref())?;
    messages::add(db, &new.tenant, &new.event.messages)
}

pub(super) fn by_id(
    db: &Connection,
    tenant: &TenantId,
    id: SessionId,
    now: Timestamp,
) -> Result<Taken, StoreError> {
    Ok(find(db, tenant, id)?.map_or(Taken::Absent, |session| session.taken(now)))
}

/// A session, expired or not.
fn find(db: &Connection, tenant: &TenantId, id: SessionId) -> Result<Option<Session>, StoreError> {
    let mut statement = db
        .prepare_cached(
            "SELECT id, kind, version, created_at, expires_at, handles, state
             FROM session WHERE tenant = ?1 AND id = ?2",
        )
        .map_err(fault)?;
    let mut rows = statement.query(params![tenant.as_str(), id.as_bytes()]).map_err(fault)?;
    rows.next().map_err(fault)?.map(|row| read_session(row, tenant)).transpose()
}

/// What a session is about, expired or not.
fn kind_of(
    db: &Connection,
    tenant: &TenantId,
    id: SessionId,
) -> Result<Option<SessionKind>, StoreError> {
    let mut statement = db
        .prepare_cached("SELECT kind FROM session WHERE tenant = ?1 AND id = ?2")
        .map_err(fault)?;
    let named = params![tenant.as_str(), id.as_bytes()];
    let found = statement.query_row(named, |row| row.get::<_, String>(0)).optional();
    found.map_err(fault)?.map(|text| kind(&text)).transpose()
}

/// A step, ready to be written: what needs no look at the database is done on the caller's thread.
pub(super) struct Step {
    tenant: TenantId,
    id: SessionId,
    kind: SessionKind,
    version: u64,
    created_at: Timestamp,
    handles: Handles,
    trail: String,
    next: Next,
}

impl Step {
    pub(super) fn new(session: &Session, next: Next) -> Result<Self, StoreError> {
        let handles =
            session.handles.stepped(session.id, &next.retire_handles, &next.add_handles)?;
        Ok(Self {
            tenant: session.tenant.clone(),
            id: session.id,
            kind: session.kind,
            version: session.version,
            created_at: session.created_at,
            handles,
            trail: trail::lines(&next.events),
            next,
        })
    }

    /// The session as it is stored once the step is.
    pub(super) fn session(&self) -> Session {
        Session {
            tenant: self.tenant.clone(),
            id: self.id,
            kind: self.kind,
            version: self.version + 1,
            state: self.next.state.clone(),
            handles: self.handles.clone(),
            created_at: self.created_at,
            expires_at: as_kept(self.next.expires_at),
        }
    }

    pub(super) fn name(&self) -> (TenantId, SessionId) {
        (self.tenant.clone(), self.id)
    }
}

/// Whether the step counts: it does if the session is as it was in the hand.
fn replace(db: &Connection, step: &Step) -> Result<bool, StoreError> {
    let Step { tenant, id, next, .. } = step;

    // 1. The flip. One holder of a version finds the row as they left it; all others find none.
    let flipped = execute(
        db,
        "UPDATE session SET version = version + 1, expires_at = ?1, handles = ?2,
             events = events + ?3, trail = trail || ?4, state = ?5
         WHERE tenant = ?6 AND id = ?7 AND version = ?8 AND expires_at > ?9",
        params![
            moment(next.expires_at),
            step.handles.to_bytes(),
            u32::try_from(next.events.len()).unwrap_or(u32::MAX),
            step.trail,
            next.state,
            tenant.as_str(),
            id.as_bytes(),
            version(step.version),
            moment(next.now)
        ],
    )?;
    if flipped == 0 {
        return Ok(false);
    }

    // 2. Whom it is about, what it issued and showed. An error undoes the flip too.
    if let Some(subject) = &next.subject {
        let say =
            "UPDATE session SET subject = ?1 WHERE tenant = ?2 AND id = ?3 AND subject IS NULL";
        execute(db, say, params![subject.as_bytes(), tenant.as_str(), id.as_bytes()])?;
    }
    issued::record(db, tenant, &next.issued)?;
    statuses::add(db, tenant, &next.statuses)?;
    once::remember(db, tenant, &next.once)?;
    for event in &next.events {
        messages::add(db, tenant, &event.messages)?;
    }
    Ok(true)
}

fn append_event(
    db: &Connection,
    tenant: &TenantId,
    id: SessionId,
    event: &NewEvent,
) -> Result<(), StoreError> {
    let appended = execute(
        db,
        "UPDATE session SET events = events + 1, trail = trail || ?1
         WHERE tenant = ?2 AND id = ?3 AND events < ?4",
        params![trail::lines([event]), tenant.as_str(), id.as_bytes(), LONGEST_TRAIL],
    )?;
    if appended == 1 {
        return messages::add(db, tenant, &event.messages);
    }
    // a full trail is told to nobody either
    let exists = db
        .prepare_cached("SELECT 1 FROM session WHERE tenant = ?1 AND id = ?2")
        .and_then(|mut it| it.exists(params![tenant.as_str(), id.as_bytes()]))
        .map_err(fault)?;
    if exists { Ok(()) } else { Err(StoreError::SessionAbsent) }
}

pub(super) fn events(
    db: &Connection,
    tenant: &TenantId,
    id: SessionId,
) -> Result<Vec<Event>, StoreError> {
    let mut statement = db
        .prepare_cached("SELECT trail FROM session WHERE tenant = ?1 AND id = ?2")
        .map_err(fault)?;
    let mut rows = statement.query(params![tenant.as_str(), id.as_bytes()]).map_err(fault)?;
    match rows.next().map_err(fault)? {
        None => Ok(Vec::new()),
        Some(row) => trail::read(&read::<String>(row, 0)?),
    }
}

fn list(
    db: &Connection,
    tenant: &TenantId,
    kind: SessionKind,
    page: Page,
) -> Result<Vec<Session>, StoreError> {
    // The identifier above all others stands for "from the newest"; `<=` then excludes none.
    let mut statement = db
        .prepare_cached(
            "SELECT id, kind, version, created_at, expires_at, handles, state FROM session
             WHERE tenant = ?1 AND kind = ?2 AND id <= ?3 AND (?4 OR id < ?3)
             ORDER BY id DESC LIMIT ?5",
        )
        .map_err(fault)?;
    let newest = page.before.unwrap_or(SessionId::from_bytes([0xff; 16]));
    let mut rows = statement
        .query(params![
            tenant.as_str(),
            kind.as_str(),
            newest.as_bytes(),
            page.before.is_none(),
            page.limit.min(Page::LARGEST)
        ])
        .map_err(fault)?;
    let mut sessions = Vec::new();
    while let Some(row) = rows.next().map_err(fault)? {
        sessions.push(read_session(row, tenant)?);
    }
    Ok(sessions)
}

fn delete(db: &Connection, tenant: &TenantId, id: SessionId) -> Result<bool, StoreError> {
    let deleted = execute(
        db,
        "DELETE FROM session WHERE tenant = ?1 AND id = ?2",
        params![tenant.as_str(), id.as_bytes()],
    )?;
    Ok(deleted > 0)
}

/// Housekeeping over all tenants: the one statement here that names none.
fn purge_expired(
    db: &Connection,
    kind: Option<SessionKind>,
    now: Timestamp,
    limit: u32,
) -> Result<u64, StoreError> {
    let purged = execute(
        db,
        "DELETE FROM session WHERE ordinal IN (
             SELECT ordinal FROM session WHERE expires_at <= ?1 AND (?3 IS NULL OR kind = ?3)
             ORDER BY expires_at, ordinal LIMIT ?2)",
        params![moment(now), limit, kind.map(SessionKind::as_str)],
    )?;
    Ok(purged as u64)
}

/// Writes one row, so that readiness means "a durable write succeeds".
pub(super) fn probe(db: &Connection) -> Result<(), StoreError> {
    execute(db, "UPDATE probe SET counter = counter + 1 WHERE id = 1", [])?;
    Ok(())
}

/// Over all tenants.
pub(super) fn figures(db: &Connection) -> Result<StoreFigures, StoreError> {
    let log = db.path().map(|path| std::fs::metadata(format!("{path}-wal")));
    let log_bytes = log.and_then(Result::ok).map_or(0, |log| log.len());
    let mut count = db.prepare_cached(figures::COUNT).map_err(fault)?;
    let counted = count.query_row([], |row| {
        let [waiting_messages, unlinked_notes] =
            [row.get::<_, i64>(0)?, row.get(1)?].map(i64::unsigned_abs);
        Ok(StoreFigures { waiting_messages, unlinked_notes, log_bytes, ..StoreFigures::default() })
    });
    counted.map_err(fault)
}

fn read_session(row: &Row<'_>, tenant: &TenantId) -> Result<Session, StoreError> {
    Ok(Session {
        tenant: tenant.clone(),
        id: SessionId::from_bytes(read(row, 0)?),
        kind: kind(&read::<String>(row, 1)?)?,
        version: read_version(row, 2)?,
        created_at: read_moment(row, 3)?,
        expires_at: read_moment(row, 4)?,
        handles: Handles::from_bytes(&read::<Vec<u8>>(row, 5)?)?,
        state: read(row, 6)?,
    })
}

fn kind(text: &str) -> Result<SessionKind, StoreError> {
    [SessionKind::Offer, SessionKind::Request, SessionKind::Authorization]
        .into_iter()
        .find(|kind| kind.as_str() == text)
        .ok_or(StoreError::Corrupt { what: "the kind of a session" })
}

pub(super) fn execute(
    db: &Connection,
    sql: &str,
    params: impl rusqlite::Params,
) -> Result<usize, StoreError> {
    db.prepare_cached(sql).and_then(|mut it| it.execute(params)).map_err(fault)
}

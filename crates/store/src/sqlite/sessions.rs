//! The statements over sessions: one row each, with what leads to it and its trail. Every one names its
//! tenant.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::columns::{as_kept, moment, read, read_moment, read_version, version};
use super::fault::fault;
use super::{calls, issued, messages, once, statuses};
use crate::event::LONGEST_TRAIL;
use crate::{
    Event, Handles, NewEvent, NewSession, Next, Page, Session, SessionId, SessionKind, StoreError,
    SubjectRef, Taken, TenantId, trail,
};

pub(super) fn insert(
    db: &Connection,
    new: &NewSession,
    handles: &Handles,
) -> Result<(), StoreError> {
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
pub(super) fn find(
    db: &Connection,
    tenant: &TenantId,
    id: SessionId,
) -> Result<Option<Session>, StoreError> {
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
pub(super) fn kind_of(
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
pub(super) fn replace(db: &Connection, step: &Step) -> Result<bool, StoreError> {
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

pub(super) fn append_event(
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

pub(super) fn list(
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

pub(super) fn delete(
    db: &Connection,
    tenant: &TenantId,
    id: SessionId,
) -> Result<bool, StoreError> {
    let deleted = execute(
        db,
        "DELETE FROM session WHERE tenant = ?1 AND id = ?2",
        params![tenant.as_str(), id.as_bytes()],
    )?;
    Ok(deleted > 0)
}

/// Housekeeping over all tenants: the one statement here that names none.
pub(super) fn purge_expired(
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

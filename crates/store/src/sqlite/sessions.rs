//! The statements over sessions, handles and trails. Every one names its tenant.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::columns::{moment, read, read_moment, read_version, version};
use super::fault::fault;
use super::{issued, messages, once, statuses};
use crate::event::LONGEST_TRAIL;
use crate::{
    Event, Handle, NewEvent, NewSession, Next, Outcome, Page, Replaced, Session, SessionId,
    SessionKind, StoreError, SubjectRef, Taken, TenantId,
};

pub(super) fn insert(db: &Connection, new: &NewSession) -> Result<(), StoreError> {
    let inserted = execute(
        db,
        "INSERT INTO session (tenant, id, kind, version, state, created_at, expires_at, subject)
         VALUES (?1, ?2, ?3, 1, ?4, ?5, ?6, ?7) ON CONFLICT (tenant, id) DO NOTHING",
        params![
            new.tenant.as_str(),
            new.id.as_bytes(),
            new.kind.as_str(),
            new.state,
            moment(new.created_at),
            moment(new.expires_at),
            new.subject.as_ref().map(SubjectRef::as_bytes)
        ],
    )?;
    if inserted == 0 {
        return Err(StoreError::DuplicateSession);
    }
    add_handles(db, &new.tenant, new.id, &new.handles)?;
    once::remember(db, &new.tenant, &new.once)?;
    add_event(db, &new.tenant, new.id, &new.event, u32::MAX)
}

pub(super) fn take(
    db: &Connection,
    tenant: &TenantId,
    handle: &Handle,
    now: Timestamp,
) -> Result<Taken, StoreError> {
    let mut statement = db
        .prepare_cached(
            "SELECT session.id, session.kind, session.version, session.state, session.created_at,
                    session.expires_at, handle.retired_at IS NOT NULL
             FROM handle JOIN session
               ON session.tenant = handle.tenant AND session.id = handle.session
             WHERE handle.tenant = ?1 AND handle.kind = ?2 AND handle.digest = ?3",
        )
        .map_err(fault)?;
    let mut rows = statement
        .query(params![tenant.as_str(), handle.kind().as_str(), handle.digest()])
        .map_err(fault)?;
    match rows.next().map_err(fault)? {
        None => Ok(Taken::Absent),
        Some(row) if read(row, 6)? => Ok(Taken::Used(SessionId::from_bytes(read(row, 0)?))),
        Some(row) => taken(row, tenant, now),
    }
}

pub(super) fn by_id(
    db: &Connection,
    tenant: &TenantId,
    id: SessionId,
    now: Timestamp,
) -> Result<Taken, StoreError> {
    let mut statement = db
        .prepare_cached(
            "SELECT id, kind, version, state, created_at, expires_at
             FROM session WHERE tenant = ?1 AND id = ?2",
        )
        .map_err(fault)?;
    let mut rows = statement.query(params![tenant.as_str(), id.as_bytes()]).map_err(fault)?;
    match rows.next().map_err(fault)? {
        None => Ok(Taken::Absent),
        Some(row) => taken(row, tenant, now),
    }
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

fn taken(row: &Row<'_>, tenant: &TenantId, now: Timestamp) -> Result<Taken, StoreError> {
    if read::<i64>(row, 5)? <= moment(now) {
        return Ok(Taken::Expired);
    }
    read_session(row, tenant).map(Taken::Live)
}

/// What a step needs of the session it took; the rest is put together from the step's result.
pub(super) struct Held {
    tenant: TenantId,
    id: SessionId,
    kind: SessionKind,
    version: u64,
    created_at: Timestamp,
}

impl Held {
    pub(super) fn of(session: &Session) -> Self {
        Self {
            tenant: session.tenant.clone(),
            id: session.id,
            kind: session.kind,
            version: session.version,
            created_at: session.created_at,
        }
    }
}

pub(super) fn replace(db: &Connection, held: &Held, next: &Next) -> Result<Replaced, StoreError> {
    let (tenant, id) = (&held.tenant, held.id);

    // 1. The flip. One holder of a version finds the row as they left it; all others find none.
    let mut flip = db
        .prepare_cached(
            "UPDATE session SET state = ?1, expires_at = ?2, version = version + 1
             WHERE tenant = ?3 AND id = ?4 AND version = ?5 AND expires_at > ?6
             RETURNING version, expires_at",
        )
        .map_err(fault)?;
    let flipped = flip
        .query_row(
            params![
                next.state,
                moment(next.expires_at),
                tenant.as_str(),
                id.as_bytes(),
                version(held.version),
                moment(next.now)
            ],
            |row| Ok((read_version(row, 0), read_moment(row, 1))),
        )
        .optional()
        .map_err(fault)?;
    let Some((version, expires_at)) = flipped else {
        return Ok(Replaced::Conflict);
    };

    // 2. What the step used up, made and did. An error undoes the flip too.
    for handle in &next.retire_handles {
        let retired = execute(
            db,
            "UPDATE handle SET retired_at = ?1
             WHERE tenant = ?2 AND kind = ?3 AND digest = ?4 AND session = ?5
               AND retired_at IS NULL",
            params![
                moment(next.now),
                tenant.as_str(),
                handle.kind().as_str(),
                handle.digest(),
                id.as_bytes()
            ],
        )?;
        if retired == 0 {
            return Err(StoreError::HandleNotHeld);
        }
    }
    add_handles(db, tenant, id, &next.add_handles)?;
    issued::record(db, tenant, &next.issued)?;
    statuses::add(db, tenant, &next.statuses)?;
    once::remember(db, tenant, &next.once)?;
    for event in &next.events {
        add_event(db, tenant, id, event, u32::MAX)?;
    }

    Ok(Replaced::Done(Session {
        tenant: tenant.clone(),
        id,
        kind: held.kind,
        version: version?,
        state: next.state.clone(),
        created_at: held.created_at,
        expires_at: expires_at?,
    }))
}

fn add_handles(
    db: &Connection,
    tenant: &TenantId,
    id: SessionId,
    handles: &[Handle],
) -> Result<(), StoreError> {
    for handle in handles {
        let added = execute(
            db,
            "INSERT INTO handle (tenant, kind, digest, session) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (tenant, kind, digest) DO NOTHING",
            params![tenant.as_str(), handle.kind().as_str(), handle.digest(), id.as_bytes()],
        )?;
        if added == 0 {
            return Err(StoreError::DuplicateHandle);
        }
    }
    Ok(())
}

pub(super) fn append_event(
    db: &Connection,
    tenant: &TenantId,
    id: SessionId,
    event: &NewEvent,
) -> Result<(), StoreError> {
    let session = db
        .prepare_cached("SELECT 1 FROM session WHERE tenant = ?1 AND id = ?2")
        .and_then(|mut it| it.exists(params![tenant.as_str(), id.as_bytes()]))
        .map_err(fault)?;
    if !session {
        return Err(StoreError::SessionAbsent);
    }
    add_event(db, tenant, id, event, LONGEST_TRAIL)
}

/// Adds an event, unless the trail has `most` of them.
fn add_event(
    db: &Connection,
    tenant: &TenantId,
    id: SessionId,
    event: &NewEvent,
    most: u32,
) -> Result<(), StoreError> {
    let added = execute(
        db,
        "INSERT INTO event (tenant, session, seq, at, step, outcome, reason, detail)
         SELECT ?1, ?2, COALESCE(MAX(seq), 0) + 1, ?3, ?4, ?5, ?6, ?7
         FROM event WHERE tenant = ?1 AND session = ?2 HAVING COALESCE(MAX(seq), 0) < ?8",
        params![
            tenant.as_str(),
            id.as_bytes(),
            moment(event.at),
            event.step,
            event.outcome.as_str(),
            event.reason,
            event.detail,
            most
        ],
    )?;
    match added {
        // a full trail is told to nobody either
        0 => Ok(()),
        _ => messages::add(db, tenant, &event.messages),
    }
}

pub(super) fn events(
    db: &Connection,
    tenant: &TenantId,
    id: SessionId,
) -> Result<Vec<Event>, StoreError> {
    let mut statement = db
        .prepare_cached(
            "SELECT seq, at, step, outcome, reason, detail
             FROM event WHERE tenant = ?1 AND session = ?2 ORDER BY seq",
        )
        .map_err(fault)?;
    let mut rows = statement.query(params![tenant.as_str(), id.as_bytes()]).map_err(fault)?;
    let mut trail = Vec::new();
    while let Some(row) = rows.next().map_err(fault)? {
        trail.push(Event {
            seq: read(row, 0)?,
            at: read_moment(row, 1)?,
            step: read(row, 2)?,
            outcome: outcome(&read::<String>(row, 3)?)?,
            reason: read(row, 4)?,
            detail: read(row, 5)?,
        });
    }
    Ok(trail)
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
            "SELECT id, kind, version, state, created_at, expires_at FROM session
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
        state: read(row, 3)?,
        created_at: read_moment(row, 4)?,
        expires_at: read_moment(row, 5)?,
    })
}

fn kind(text: &str) -> Result<SessionKind, StoreError> {
    [SessionKind::Offer, SessionKind::Request, SessionKind::Authorization]
        .into_iter()
        .find(|kind| kind.as_str() == text)
        .ok_or(StoreError::Corrupt { what: "the kind of a session" })
}

fn outcome(text: &str) -> Result<Outcome, StoreError> {
    [Outcome::Done, Outcome::Refused, Outcome::Undetermined]
        .into_iter()
        .find(|outcome| outcome.as_str() == text)
        .ok_or(StoreError::Corrupt { what: "the outcome of an event" })
}

pub(super) fn execute(
    db: &Connection,
    sql: &str,
    params: impl rusqlite::Params,
) -> Result<usize, StoreError> {
    db.prepare_cached(sql).and_then(|mut it| it.execute(params)).map_err(fault)
}

//! The statements over sessions: one row each, with what leads to it and its trail. Every one names its
//! tenant.

use async_trait::async_trait;
use jiff::Timestamp;
use tokio_postgres::Row;

use super::PostgresStore;
use super::columns::{
    as_kept, execute, moment, query, query_opt, read, read_bytes, read_moment, read_number, version,
};
use super::within::Transaction;
use super::{calls, issued, messages, once, statuses};
use crate::event::LONGEST_TRAIL;
use crate::{
    Event, Handle, Handles, NewEvent, NewSession, Next, Page, Replaced, Session, SessionId,
    SessionKind, SessionStore, StoreError, Taken, TenantId, figures, trail,
};

#[async_trait]
impl SessionStore for PostgresStore {
    async fn insert(&self, mut session: NewSession) -> Result<(), StoreError> {
        let handles = Handles::of(session.id, &session.handles)?;
        self.herald.begun(&mut session);
        let db = self.of(&session.tenant).await?;
        insert(&db, &session, &handles).await?;
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
        let replaced = replace(&db, session, &next).await?;
        db.done(replaced).await
    }

    async fn events(&self, tenant: &TenantId, id: SessionId) -> Result<Vec<Event>, StoreError> {
        let db = self.of(tenant).await?;
        let found = events(&db, tenant, id).await?;
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
            let kind = kind_of(&db, tenant, id).await?;
            let kind = kind.ok_or(StoreError::SessionAbsent)?;
            self.herald.noted(tenant, kind, id, &mut event);
        }
        append_event(&db, tenant, id, &event).await?;
        db.commit().await
    }

    async fn list(
        &self,
        tenant: &TenantId,
        kind: SessionKind,
        page: Page,
    ) -> Result<Vec<Session>, StoreError> {
        let db = self.of(tenant).await?;
        let found = list(&db, tenant, kind, page).await?;
        db.done(found).await
    }

    async fn delete(&self, tenant: &TenantId, id: SessionId) -> Result<bool, StoreError> {
        let db = self.of(tenant).await?;
        let done = delete(&db, tenant, id).await?;
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

impl PostgresStore {
    async fn find(&self, tenant: &TenantId, id: SessionId) -> Result<Option<Session>, StoreError> {
        let db = self.of(tenant).await?;
        let found = find(&db, tenant, id).await?;
        db.done(found).await
    }

    async fn purge_sessions(
        &self,
        kind: Option<SessionKind>,
        now: Timestamp,
        limit: u32,
    ) -> Result<u64, StoreError> {
        let Some(db) = self.of_all_alone("sessions").await? else { return Ok(0) };
        let done = purge_expired(&db, kind, now, limit).await?;
        db.done(done).await
    }
}

async fn insert(db: &Transaction, new: &NewSession, handles: &Handles) -> Result<(), StoreError> {
    let inserted = execute(
        db,
        "INSERT INTO session (tenant, id, kind, version, created_at, expires_at, subject, handles,
                              events, trail, state)
         VALUES ($1, $2, $3, 1, $4, $5, $6, $7, 1, $8, $9) ON CONFLICT (tenant, id) DO NOTHING",
        &[
            &new.tenant.as_str(),
            &new.id.as_bytes().as_slice(),
            &new.kind.as_str(),
            &moment(new.created_at),
            &moment(new.expires_at),
            &new.subject.as_ref().map(|subject| subject.as_bytes().as_slice()),
            &handles.to_bytes(),
            &trail::lines([&new.event]),
            &new.state,
        ],
    )
    .await?;
    if inserted == 0 {
        return Err(StoreError::DuplicateSession);
    }
    once::remember(db, &new.tenant, &new.once).await?;
    calls::answer(db, &new.tenant, new.call.as_ref()).await?;
    messages::add(db, &new.tenant, &new.event.messages).await
}

async fn find(
    db: &Transaction,
    tenant: &TenantId,
    id: SessionId,
) -> Result<Option<Session>, StoreError> {
    let found = query_opt(
        db,
        "SELECT id, kind, version, created_at, expires_at, handles, state
         FROM session WHERE tenant = $1 AND id = $2",
        &[&tenant.as_str(), &id.as_bytes().as_slice()],
    )
    .await?;
    found.map(|row| read_session(&row, tenant)).transpose()
}

/// What a session is about, expired or not.
async fn kind_of(
    db: &Transaction,
    tenant: &TenantId,
    id: SessionId,
) -> Result<Option<SessionKind>, StoreError> {
    let find = "SELECT kind FROM session WHERE tenant = $1 AND id = $2";
    let found = query_opt(db, find, &[&tenant.as_str(), &id.as_bytes().as_slice()]).await?;
    found.map(|row| kind(read(&row, 0)?)).transpose()
}

/// A step counts if the session is as it was in the hand.
async fn replace(db: &Transaction, held: &Session, next: &Next) -> Result<Replaced, StoreError> {
    let tenant = &held.tenant;
    let handles = held.handles.stepped(held.id, &next.retire_handles, &next.add_handles)?;

    // 1. The flip. One holder of a version finds the row as they left it; all others find none.
    let flipped = execute(
        db,
        "UPDATE session SET version = version + 1, expires_at = $1, handles = $2,
             events = events + $3, trail = trail || $4, state = $5,
             subject = COALESCE(subject, $10)
         WHERE tenant = $6 AND id = $7 AND version = $8 AND expires_at > $9",
        &[
            &moment(next.expires_at),
            &handles.to_bytes(),
            &i64::try_from(next.events.len()).unwrap_or(i64::MAX),
            &trail::lines(&next.events),
            &next.state,
            &tenant.as_str(),
            &held.id.as_bytes().as_slice(),
            &version(held.version),
            &moment(next.now),
            &next.subject.as_ref().map(|subject| subject.as_bytes().as_slice()),
        ],
    )
    .await?;
    if flipped == 0 {
        return Ok(Replaced::Conflict);
    }

    // 2. What it issued and showed. An error undoes the flip too.
    issued::record(db, tenant, &next.issued).await?;
    statuses::add(db, tenant, &next.statuses).await?;
    once::remember(db, tenant, &next.once).await?;
    for event in &next.events {
        messages::add(db, tenant, &event.messages).await?;
    }
    Ok(Replaced::Done(Session {
        tenant: tenant.clone(),
        version: held.version + 1,
        state: next.state.clone(),
        handles,
        expires_at: as_kept(next.expires_at),
        ..*held
    }))
}

async fn append_event(
    db: &Transaction,
    tenant: &TenantId,
    id: SessionId,
    event: &NewEvent,
) -> Result<(), StoreError> {
    let appended = execute(
        db,
        "UPDATE session SET events = events + 1, trail = trail || $1
         WHERE tenant = $2 AND id = $3 AND events < $4",
        &[
            &trail::lines([event]),
            &tenant.as_str(),
            &id.as_bytes().as_slice(),
            &i64::from(LONGEST_TRAIL),
        ],
    )
    .await?;
    if appended == 1 {
        return messages::add(db, tenant, &event.messages).await;
    }
    // a full trail is told to nobody either
    kind_of(db, tenant, id).await?.map(|_| ()).ok_or(StoreError::SessionAbsent)
}

async fn events(
    db: &Transaction,
    tenant: &TenantId,
    id: SessionId,
) -> Result<Vec<Event>, StoreError> {
    let find = "SELECT trail FROM session WHERE tenant = $1 AND id = $2";
    match query_opt(db, find, &[&tenant.as_str(), &id.as_bytes().as_slice()]).await? {
        None => Ok(Vec::new()),
        Some(row) => trail::read(read(&row, 0)?),
    }
}

async fn list(
    db: &Transaction,
    tenant: &TenantId,
    kind: SessionKind,
    page: Page,
) -> Result<Vec<Session>, StoreError> {
    // The identifier above all others stands for "from the newest"; `<=` then excludes none.
    let newest = page.before.unwrap_or(SessionId::from_bytes([0xff; 16]));
    let rows = query(
        db,
        "SELECT id, kind, version, created_at, expires_at, handles, state FROM session
         WHERE tenant = $1 AND kind = $2 AND id <= $3 AND ($4::boolean OR id < $3)
         ORDER BY id DESC LIMIT $5",
        &[
            &tenant.as_str(),
            &kind.as_str(),
            &newest.as_bytes().as_slice(),
            &page.before.is_none(),
            &i64::from(page.limit.min(Page::LARGEST)),
        ],
    )
    .await?;
    rows.iter().map(|row| read_session(row, tenant)).collect()
}

async fn delete(db: &Transaction, tenant: &TenantId, id: SessionId) -> Result<bool, StoreError> {
    let delete = "DELETE FROM session WHERE tenant = $1 AND id = $2";
    Ok(execute(db, delete, &[&tenant.as_str(), &id.as_bytes().as_slice()]).await? > 0)
}

/// Housekeeping over all tenants: the one statement here that names none.
async fn purge_expired(
    db: &Transaction,
    kind: Option<SessionKind>,
    now: Timestamp,
    limit: u32,
) -> Result<u64, StoreError> {
    // the moment is asked twice: a step that moves the end while this waits for it keeps its session
    execute(
        db,
        "DELETE FROM session WHERE expires_at <= $1 AND ctid = ANY (ARRAY(
             SELECT ctid FROM session WHERE expires_at <= $1 AND ($3::text IS NULL OR kind = $3)
             ORDER BY expires_at, ordinal LIMIT $2))",
        &[&moment(now), &i64::from(limit), &kind.map(SessionKind::as_str)],
    )
    .await
}

/// Writes one row, so that readiness means "a durable write succeeds".
pub(super) async fn probe(db: &Transaction) -> Result<(), StoreError> {
    execute(db, "UPDATE probe SET counter = counter + 1 WHERE id = 1", &[]).await.map(|_| ())
}

/// Over all tenants: the messages that wait, and the notes that are not linked.
pub(super) async fn figures(db: &Transaction) -> Result<(u64, u64), StoreError> {
    let Some(row) = query_opt(db, figures::COUNT, &[]).await? else { return Ok((0, 0)) };
    Ok((read_number(&row, 0)?, read_number(&row, 1)?))
}

fn read_session(row: &Row, tenant: &TenantId) -> Result<Session, StoreError> {
    Ok(Session {
        tenant: tenant.clone(),
        id: SessionId::from_bytes(read_bytes(row, 0)?),
        kind: kind(read(row, 1)?)?,
        version: read_number(row, 2)?,
        created_at: read_moment(row, 3)?,
        expires_at: read_moment(row, 4)?,
        handles: Handles::from_bytes(read(row, 5)?)?,
        state: read(row, 6)?,
    })
}

fn kind(text: &str) -> Result<SessionKind, StoreError> {
    [SessionKind::Offer, SessionKind::Request, SessionKind::Authorization]
        .into_iter()
        .find(|kind| kind.as_str() == text)
        .ok_or(StoreError::Corrupt { what: "the kind of a session" })
}

//! The statements over messages to integrators.

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, Params, Row, params};

use super::SqliteStore;
use super::columns::{moment, read, read_moment};
use super::fault::fault;
use super::sessions::execute;
use crate::{
    Claim, Errand, Message, MessageId, MessagePage, MessageState, MessageStore, NewMessage, Page,
    SessionId, Settled, StoreError, TenantId,
};

#[async_trait]
impl MessageStore for SqliteStore {
    async fn claim_messages(&self, wanted: Claim) -> Result<Vec<Message>, StoreError> {
        self.parts.writer.write(move |db| claim(db, &wanted)).await
    }

    async fn settle_message(&self, held: &Message, settled: Settled) -> Result<bool, StoreError> {
        let held = held.clone();
        self.parts.writer.write(move |db| settle(db, &held, &settled)).await
    }

    async fn list_messages(
        &self,
        tenant: &TenantId,
        page: MessagePage,
    ) -> Result<Vec<Message>, StoreError> {
        self.parts.readers.read(|db| list(db, tenant, page))
    }

    async fn redeliver_message(
        &self,
        tenant: &TenantId,
        id: MessageId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let tenant = tenant.clone();
        self.parts.writer.write(move |db| redeliver(db, &tenant, id, now)).await
    }

    async fn purge_messages(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.parts.writer.write(move |db| purge(db, now, limit)).await
    }
}

pub(super) fn add(
    db: &Connection,
    tenant: &TenantId,
    messages: &[NewMessage],
) -> Result<(), StoreError> {
    for new in messages {
        // not due before those that it waits behind and that are tried again; one that is under way for the first
        // time is settled soon, and the end of its lease says nothing
        execute(
            db,
            "INSERT INTO message (tenant, id, webhook, errand, kind, session, payload, state, due_at,
                                  keep_until)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'waiting', max(?8, coalesce(
                 (SELECT max(due_at) FROM message
                  WHERE session = ?6 AND tenant = ?1 AND webhook = ?3 AND errand = 'deliver'
                    AND state = 'waiting' AND outcome IS NOT NULL), ?8)), ?9)",
            params![
                tenant.as_str(),
                new.id.as_bytes(),
                new.webhook,
                new.errand.as_str(),
                new.kind,
                new.session.as_ref().map(SessionId::as_bytes),
                new.payload,
                moment(new.due_at),
                moment(new.keep_until)
            ],
        )?;
    }
    Ok(())
}

/// Over all tenants: one worker delivers for all of them.
fn claim(db: &Connection, claim: &Claim) -> Result<Vec<Message>, StoreError> {
    let left_out = serde_json::Value::from(claim.left_out()).to_string();
    let mut due = query(
        db,
        "WITH looked_at AS (
             SELECT ordinal, tenant, webhook, due_at FROM message
             WHERE state = 'waiting' AND due_at <= ?2
               AND tenant || '/' || webhook NOT IN (SELECT value FROM json_each(?4))
               AND (session IS NULL OR errand <> 'deliver' OR ordinal = (
                   SELECT min(first.ordinal) FROM message AS first
                   WHERE first.session = message.session AND first.tenant = message.tenant
                     AND first.webhook = message.webhook AND first.errand = 'deliver'
                     AND first.state = 'waiting'))
             ORDER BY due_at, ordinal LIMIT ?5),
         shared AS (
             SELECT ordinal, due_at,
                    row_number() OVER (PARTITION BY tenant, webhook ORDER BY due_at, ordinal) AS nth
             FROM looked_at)
         UPDATE message SET due_at = ?1, attempts = attempts + 1 WHERE ordinal IN (
             SELECT ordinal FROM shared WHERE nth <= ?6 ORDER BY due_at, ordinal LIMIT ?3)
         RETURNING tenant, id, webhook, errand, kind, session, payload, state, attempts, due_at,
                   outcome, keep_until",
        params![
            moment(claim.lease_until),
            moment(claim.now),
            claim.limit,
            left_out,
            claim.looked_at(),
            claim.of_one_webhook
        ],
    )?;
    // RETURNING promises no order; names do
    due.sort_by_key(|message| message.id);
    Ok(due)
}

fn settle(db: &Connection, held: &Message, settled: &Settled) -> Result<bool, StoreError> {
    let (tenant, id) = (held.tenant.as_str(), held.id.as_bytes());
    // attempt and end of the lease: whoever claimed it since counts another attempt, or has another lease
    let (attempt, lease) = (held.attempts, moment(held.due_at));
    let (state, at, outcome) = match settled {
        Settled::Delivered { at, outcome } => (MessageState::Delivered, at, outcome),
        Settled::Retry { due_at, outcome } => (MessageState::Waiting, due_at, outcome),
        Settled::Dead { at, outcome } => (MessageState::Dead, at, outcome),
        Settled::Replaced(messages) => {
            let gone = "DELETE FROM message WHERE tenant = ?1 AND id = ?2 AND state = 'waiting'
                          AND attempts = ?3 AND due_at = ?4";
            if execute(db, gone, params![tenant, id, attempt, lease])? == 0 {
                return Ok(false);
            }
            add(db, &held.tenant, messages)?;
            return Ok(true);
        }
    };
    let changed = execute(
        db,
        "UPDATE message SET state = ?1, due_at = ?2, outcome = ?3
         WHERE tenant = ?4 AND id = ?5 AND state = 'waiting' AND attempts = ?6 AND due_at = ?7",
        params![state.as_str(), moment(*at), outcome, tenant, id, attempt, lease],
    )?;
    if changed > 0 && held.errand == Errand::Deliver {
        // what waits behind it: its turn comes now, or not before that of this one
        execute(
            db,
            "UPDATE message SET due_at = ?1
             WHERE session = ?2 AND tenant = ?3 AND webhook = ?4 AND errand = 'deliver'
               AND state = 'waiting' AND attempts = 0
               AND ordinal > (SELECT ordinal FROM message WHERE tenant = ?3 AND id = ?5)",
            params![
                moment(*at),
                held.session.as_ref().map(SessionId::as_bytes),
                tenant,
                held.webhook,
                id
            ],
        )?;
    }
    Ok(changed > 0)
}

fn list(db: &Connection, tenant: &TenantId, page: MessagePage) -> Result<Vec<Message>, StoreError> {
    let newest = page.before.unwrap_or(MessageId::from_bytes([0xff; 16]));
    query(
        db,
        "SELECT tenant, id, webhook, errand, kind, session, payload, state, attempts, due_at, outcome,
                keep_until
         FROM message WHERE tenant = ?1 AND errand = 'deliver' AND id <= ?2 AND (?3 OR id < ?2)
           AND (?4 IS NULL OR state = ?4)
         ORDER BY id DESC LIMIT ?5",
        params![
            tenant.as_str(),
            newest.as_bytes(),
            page.before.is_none(),
            page.state.map(MessageState::as_str),
            page.limit.min(Page::LARGEST)
        ],
    )
}

fn redeliver(
    db: &Connection,
    tenant: &TenantId,
    id: MessageId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let changed = execute(
        db,
        "UPDATE message SET state = 'waiting', attempts = 0, due_at = ?1
         WHERE tenant = ?2 AND id = ?3 AND errand = 'deliver'",
        params![moment(now), tenant.as_str(), id.as_bytes()],
    )?;
    Ok(changed > 0)
}

/// Housekeeping over all tenants.
fn purge(db: &Connection, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
    let purged = execute(
        db,
        "DELETE FROM message WHERE ordinal IN (
             SELECT ordinal FROM message WHERE state <> 'waiting' AND keep_until <= ?1
             ORDER BY keep_until, ordinal LIMIT ?2)",
        params![moment(now), limit],
    )?;
    Ok(purged as u64)
}

fn query(db: &Connection, sql: &str, params: impl Params) -> Result<Vec<Message>, StoreError> {
    let mut statement = db.prepare_cached(sql).map_err(fault)?;
    let mut rows = statement.query(params).map_err(fault)?;
    let mut messages = Vec::new();
    while let Some(row) = rows.next().map_err(fault)? {
        messages.push(read_message(row)?);
    }
    Ok(messages)
}

fn read_message(row: &Row<'_>) -> Result<Message, StoreError> {
    let tenant = read::<String>(row, 0)?.parse();
    let errand = Errand::from_text(&read::<String>(row, 3)?);
    let state = MessageState::from_text(&read::<String>(row, 7)?);
    Ok(Message {
        tenant: tenant.map_err(|_| StoreError::Corrupt { what: "the name of a tenant" })?,
        id: MessageId::from_bytes(read(row, 1)?),
        webhook: read(row, 2)?,
        errand: errand.ok_or(StoreError::Corrupt { what: "the errand of a message" })?,
        kind: read(row, 4)?,
        session: read::<Option<[u8; 16]>>(row, 5)?.map(SessionId::from_bytes),
        payload: read(row, 6)?,
        state: state.ok_or(StoreError::Corrupt { what: "the state of a message" })?,
        attempts: read(row, 8)?,
        due_at: read_moment(row, 9)?,
        outcome: read(row, 10)?,
        keep_until: read_moment(row, 11)?,
    })
}

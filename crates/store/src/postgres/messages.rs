//! The statements over messages to integrators.

use async_trait::async_trait;
use jiff::Timestamp;
use tokio_postgres::Row;

use super::PostgresStore;
use super::columns::{
    Params, execute, moment, query, read, read_bytes, read_bytes_opt, read_moment, read_number,
};
use super::within::Transaction;
use crate::{
    Claim, Errand, Message, MessageId, MessagePage, MessageState, MessageStore, NewMessage, Page,
    SessionId, Settled, StoreError, TenantId,
};

#[async_trait]
impl MessageStore for PostgresStore {
    async fn claim_messages(&self, wanted: Claim) -> Result<Vec<Message>, StoreError> {
        let db = self.of_all().await?;
        let done = claim(&db, &wanted).await?;
        db.done(done).await
    }

    async fn settle_message(&self, held: &Message, settled: Settled) -> Result<bool, StoreError> {
        let db = self.of(&held.tenant).await?;
        let done = settle(&db, held, &settled).await?;
        db.done(done).await
    }

    async fn list_messages(
        &self,
        tenant: &TenantId,
        page: MessagePage,
    ) -> Result<Vec<Message>, StoreError> {
        let db = self.of(tenant).await?;
        let found = list(&db, tenant, page).await?;
        db.done(found).await
    }

    async fn redeliver_message(
        &self,
        tenant: &TenantId,
        id: MessageId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let db = self.of(tenant).await?;
        let done = redeliver(&db, tenant, id, now).await?;
        db.done(done).await
    }

    async fn purge_messages(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let Some(db) = self.of_all_alone("messages").await? else { return Ok(0) };
        let done = purge(&db, now, limit).await?;
        db.done(done).await
    }
}

pub(super) async fn add(
    db: &Transaction,
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
             VALUES ($1, $2, $3, $4, $5, $6, $7, 'waiting', greatest($8,
                 (SELECT max(due_at) FROM message
                  WHERE session = $6 AND tenant = $1 AND webhook = $3 AND errand = 'deliver'
                    AND state = 'waiting' AND outcome IS NOT NULL)), $9)",
            &[
                &tenant.as_str(),
                &new.id.as_bytes().as_slice(),
                &new.webhook,
                &new.errand.as_str(),
                &new.kind,
                &new.session.as_ref().map(|session| session.as_bytes().as_slice()),
                &new.payload,
                &moment(new.due_at),
                &moment(new.keep_until),
            ],
        )
        .await?;
    }
    Ok(())
}

/// Over all tenants. Workers of several replicas share the work: what one has locked, another leaves.
///
/// Rows are found by their places, here and where rows are purged: a plan that was made for a small table would join
/// all that is kept with all that is due.
async fn claim(db: &Transaction, claim: &Claim) -> Result<Vec<Message>, StoreError> {
    let mut due = messages(
        db,
        "WITH looked_at AS (
             SELECT ctid AS place, tenant, webhook, due_at, ordinal FROM message
             WHERE state = 'waiting' AND due_at <= $2
               AND tenant || '/' || webhook <> ALL ($4::text[])
               AND (session IS NULL OR errand <> 'deliver' OR ordinal = (
                   SELECT min(first.ordinal) FROM message AS first
                   WHERE first.session = message.session AND first.tenant = message.tenant
                     AND first.webhook = message.webhook AND first.errand = 'deliver'
                     AND first.state = 'waiting'))
             ORDER BY due_at, ordinal LIMIT $5),
         shared AS (
             SELECT place,
                    row_number() OVER (PARTITION BY tenant, webhook ORDER BY due_at, ordinal) AS nth
             FROM looked_at)
         UPDATE message SET due_at = $1, attempts = attempts + 1 WHERE ctid = ANY (ARRAY(
             SELECT ctid FROM message
             WHERE state = 'waiting' AND due_at <= $2
               AND ctid = ANY (ARRAY(SELECT place FROM shared WHERE nth <= $6))
             ORDER BY due_at, ordinal LIMIT $3 FOR UPDATE SKIP LOCKED))
         RETURNING tenant, id, webhook, errand, kind, session, payload, state, attempts, due_at,
                   outcome, keep_until",
        &[
            &moment(claim.lease_until),
            &moment(claim.now),
            &i64::from(claim.limit),
            &claim.left_out(),
            &i64::from(claim.looked_at()),
            &i64::from(claim.of_one_webhook),
        ],
    )
    .await?;
    // RETURNING promises no order; names do
    due.sort_by_key(|message| message.id);
    Ok(due)
}

async fn settle(db: &Transaction, held: &Message, settled: &Settled) -> Result<bool, StoreError> {
    let (owner, name) = (held.tenant.as_str(), held.id.as_bytes().as_slice());
    // attempt and end of the lease: whoever claimed it since counts another attempt, or has another lease
    let (attempt, lease) = (i64::from(held.attempts), moment(held.due_at));
    let (state, at, outcome) = match settled {
        Settled::Delivered { at, outcome } => (MessageState::Delivered, at, outcome),
        Settled::Retry { due_at, outcome } => (MessageState::Waiting, due_at, outcome),
        Settled::Dead { at, outcome } => (MessageState::Dead, at, outcome),
        Settled::Replaced(messages) => {
            let gone = "DELETE FROM message WHERE tenant = $1 AND id = $2 AND state = 'waiting'
                          AND attempts = $3 AND due_at = $4";
            if execute(db, gone, &[&owner, &name, &attempt, &lease]).await? == 0 {
                return Ok(false);
            }
            add(db, &held.tenant, messages).await?;
            return Ok(true);
        }
    };
    // what waits behind it: its turn comes now, or not before that of this one
    let settle = "WITH settled AS (
             UPDATE message SET state = $1, due_at = $2, outcome = $3
             WHERE tenant = $4 AND id = $5 AND state = 'waiting' AND attempts = $6 AND due_at = $7
             RETURNING ordinal, errand),
         behind AS (
             UPDATE message SET due_at = $2 FROM settled
             WHERE message.session = $8 AND message.tenant = $4 AND message.webhook = $9
               AND settled.errand = 'deliver' AND message.errand = 'deliver'
               AND message.state = 'waiting' AND message.attempts = 0
               AND message.ordinal > settled.ordinal)
         SELECT 1 FROM settled";
    let (state, at) = (state.as_str(), moment(*at));
    let session = held.session.as_ref().map(|session| session.as_bytes().as_slice());
    let params: Params<'_> =
        &[&state, &at, outcome, &owner, &name, &attempt, &lease, &session, &held.webhook];
    Ok(!query(db, settle, params).await?.is_empty())
}

async fn list(
    db: &Transaction,
    tenant: &TenantId,
    page: MessagePage,
) -> Result<Vec<Message>, StoreError> {
    let newest = page.before.unwrap_or(MessageId::from_bytes([0xff; 16]));
    messages(
        db,
        "SELECT tenant, id, webhook, errand, kind, session, payload, state, attempts, due_at, outcome,
                keep_until
         FROM message WHERE tenant = $1 AND errand = 'deliver' AND id <= $2
           AND ($3::boolean OR id < $2) AND ($4::text IS NULL OR state = $4)
         ORDER BY id DESC LIMIT $5",
        &[
            &tenant.as_str(),
            &newest.as_bytes().as_slice(),
            &page.before.is_none(),
            &page.state.map(MessageState::as_str),
            &i64::from(page.limit.min(Page::LARGEST)),
        ],
    )
    .await
}

async fn redeliver(
    db: &Transaction,
    tenant: &TenantId,
    id: MessageId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let again = "UPDATE message SET state = 'waiting', attempts = 0, due_at = $1
                 WHERE tenant = $2 AND id = $3 AND errand = 'deliver'";
    let params: Params<'_> = &[&moment(now), &tenant.as_str(), &id.as_bytes().as_slice()];
    Ok(execute(db, again, params).await? > 0)
}

/// Housekeeping over all tenants.
async fn purge(db: &Transaction, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
    execute(
        db,
        "DELETE FROM message WHERE state <> 'waiting' AND keep_until <= $1 AND ctid = ANY (ARRAY(
             SELECT ctid FROM message WHERE state <> 'waiting' AND keep_until <= $1
             ORDER BY keep_until, ordinal LIMIT $2))",
        &[&moment(now), &i64::from(limit)],
    )
    .await
}

async fn messages(
    db: &Transaction,
    sql: &str,
    params: Params<'_>,
) -> Result<Vec<Message>, StoreError> {
    query(db, sql, params).await?.iter().map(read_message).collect()
}

fn read_message(row: &Row) -> Result<Message, StoreError> {
    let tenant = read::<&str>(row, 0)?.parse();
    let errand = Errand::from_text(read(row, 3)?);
    let state = MessageState::from_text(read(row, 7)?);
    Ok(Message {
        tenant: tenant.map_err(|_| StoreError::Corrupt { what: "the name of a tenant" })?,
        id: MessageId::from_bytes(read_bytes(row, 1)?),
        webhook: read(row, 2)?,
        errand: errand.ok_or(StoreError::Corrupt { what: "the errand of a message" })?,
        kind: read(row, 4)?,
        session: read_bytes_opt(row, 5)?.map(SessionId::from_bytes),
        payload: read(row, 6)?,
        state: state.ok_or(StoreError::Corrupt { what: "the state of a message" })?,
        attempts: read_number(row, 8)?,
        due_at: read_moment(row, 9)?,
        outcome: read(row, 10)?,
        keep_until: read_moment(row, 11)?,
    })
}

//! The statements over epochs.

use std::ops::Range;

use jiff::Timestamp;

use super::audit;
use super::columns::{Params, moment, query, query_opt, read, read_number, to_moment};
use super::connect::APPLICATION;
use super::fault::fault;
use super::within::Transaction;
use crate::{AuditEntry, Epoch, NewEvent, Restored, SecretName, StoreError, TenantId, trail};

/// Why no epoch began. Nothing was written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EpochError {
    /// A replica is connected, and keeps in memory what would be refused from now on.
    #[error(
        "{connections} other connections of Lanyard are open to the database; stop every replica first"
    )]
    InUse {
        /// How many connections there are beside this one.
        connections: u64,
    },
    /// The numbers of epochs are used up.
    #[error("this store was restored too often, or the clock is wrong: there is no epoch left")]
    NoEpochLeft,
    /// The database does not do what it is told.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The epoch that the store is in.
pub(super) async fn current(db: &Transaction) -> Result<Epoch, StoreError> {
    let find = "SELECT number, began_at FROM epoch ORDER BY number DESC LIMIT 1";
    let row = query_opt(db, find, &[]).await?.ok_or(StoreError::Corrupt { what: "the epoch" })?;
    let began_at = read::<Option<i64>>(&row, 1)?.map(to_moment).transpose()?;
    Ok(Epoch { number: read_number(&row, 0)?, began_at })
}

/// The places of a tenant, epoch by epoch.
pub(super) async fn places(
    db: &Transaction,
    tenant: &TenantId,
) -> Result<Vec<Range<u64>>, StoreError> {
    let rows = query(
        db,
        "SELECT number,
                coalesce((SELECT reserved FROM status_epoch WHERE tenant = $1 AND epoch = number), 0),
                number < (SELECT max(number) FROM epoch),
                coalesce((SELECT reserved FROM status_counter WHERE tenant = $1), 0)
         FROM epoch ORDER BY number",
        &[&tenant.as_str()],
    )
    .await?;
    let of_epoch = |row| {
        let has_ended = read(row, 2)?;
        let reserved = read_number(row, if has_ended { 1 } else { 3 })?;
        Ok(Epoch::places(read_number(row, 0)?, reserved, has_ended))
    };
    rows.iter().map(of_epoch).collect()
}

/// How many other connections of ours there are to this database.
pub(super) async fn others(db: &Transaction) -> Result<u64, StoreError> {
    let find = "SELECT count(*) FROM pg_stat_activity
                WHERE datname = current_database() AND application_name = $1
                  AND pid <> pg_backend_pid()";
    let row = query_opt(db, find, &[&APPLICATION]).await?;
    row.map_or(Ok(0), |row| read_number(&row, 0))
}

/// Begins an epoch: nothing of the one before is good any more, and `forget` is made anew. None once there
/// are no more epochs.
pub(super) async fn begin(
    db: &Transaction,
    now: Timestamp,
    forget: &[SecretName],
) -> Result<Option<Restored>, StoreError> {
    // it may have millions of rows to look at, and nobody else is there
    db.batch_execute("SET LOCAL statement_timeout = 0").await.map_err(fault)?;
    let before = current(db).await?;
    let furthest = "SELECT coalesce(max(reserved), 0) FROM status_counter";
    let furthest = query_opt(db, furthest, &[]).await?;
    let reserved = furthest.map_or(Ok(0), |row| read_number(&row, 0))?;
    let Some(number) = Epoch::next(now, before.number, reserved) else { return Ok(None) };
    let (was, is) = (i64::from(before.number), i64::from(number));
    let first = i64::try_from(Epoch::first_place(before.number)).unwrap_or(i64::MAX);
    let keep = "INSERT INTO status_epoch (tenant, epoch, reserved)
                SELECT tenant, CAST($1 AS BIGINT), reserved FROM status_counter WHERE reserved > $2";
    execute(db, keep, &[&was, &first]).await?;
    let begun = "INSERT INTO epoch (number, began_at) VALUES ($1, $2)";
    execute(db, begun, &[&is, &moment(now)]).await?;
    let ended = trail::lines([&NewEvent::refused(now, "restored", "store_restored")]);
    let end = "UPDATE session SET expires_at = $1, version = version + 1, events = events + 1,
                   trail = trail || $2 WHERE expires_at > $1";
    let ended_sessions = execute(db, end, &[&moment(now), &ended]).await?;
    for name in forget {
        execute(db, "DELETE FROM secret WHERE name = $1", &[&name.as_str()]).await?;
    }
    audit::note_for_all(db, &AuditEntry::restored(number, now)).await?;
    let row = db.query_one("SELECT count(*) FROM issued", &[]).await.map_err(fault)?;
    Ok(Some(Restored {
        epoch: Epoch { number, began_at: Some(now) },
        backup_at: None,
        ended_sessions,
        erased_again: 0,
        credentials: read_number(&row, 0)?,
    }))
}

/// As everybody's, but however long it takes.
async fn execute(db: &Transaction, sql: &str, params: Params<'_>) -> Result<u64, StoreError> {
    db.execute(sql, params).await.map_err(fault)
}

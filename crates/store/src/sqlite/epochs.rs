//! The statements over epochs.

use std::ops::Range;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

use super::audit;
use super::columns::{moment, read, to_moment};
use super::fault::fault;
use super::sessions::execute;
use super::statuses;
use crate::{AuditEntry, Epoch, NewEvent, Restored, SecretName, StoreError, TenantId, trail};

/// The epoch that the store is in.
pub(super) fn current(db: &Connection) -> Result<Epoch, StoreError> {
    let mut statement = db
        .prepare_cached("SELECT number, began_at FROM epoch ORDER BY number DESC LIMIT 1")
        .map_err(fault)?;
    let mut rows = statement.query([]).map_err(fault)?;
    let row = rows.next().map_err(fault)?.ok_or(StoreError::Corrupt { what: "the epoch" })?;
    let began_at = read::<Option<i64>>(row, 1)?.map(to_moment).transpose()?;
    Ok(Epoch { number: read(row, 0)?, began_at })
}

/// The places of a tenant, epoch by epoch.
pub(super) fn places(db: &Connection, tenant: &TenantId) -> Result<Vec<Range<u64>>, StoreError> {
    let mut statement = db
        .prepare_cached(
            "SELECT number,
                    coalesce((SELECT reserved FROM status_epoch
                              WHERE tenant = ?1 AND epoch = number), 0),
                    number < (SELECT max(number) FROM epoch),
                    coalesce((SELECT reserved FROM status_counter WHERE tenant = ?1), 0)
             FROM epoch ORDER BY number",
        )
        .map_err(fault)?;
    let mut rows = statement.query([tenant.as_str()]).map_err(fault)?;
    let mut places = Vec::new();
    while let Some(row) = rows.next().map_err(fault)? {
        let has_ended: bool = read(row, 2)?;
        let reserved = statuses::number(read(row, if has_ended { 1 } else { 3 })?)?;
        places.push(Epoch::places(read(row, 0)?, reserved, has_ended));
    }
    Ok(places)
}

/// The furthest place that any tenant reserved.
pub(super) fn furthest(db: &Connection) -> Result<u64, StoreError> {
    let furthest = "SELECT coalesce(max(reserved), 0) FROM status_counter";
    statuses::number(db.query_row(furthest, [], |row| row.get(0)).map_err(fault)?)
}

/// Begins an epoch, beyond `known` of a store that this one replaces: nothing of the one before is good any
/// more, and `forget` is made anew. None once there are no more epochs.
pub(super) fn begin(
    db: &Transaction<'_>,
    now: Timestamp,
    (known, furthest_known): (u32, u64),
    forget: &[SecretName],
) -> Result<Option<Restored>, StoreError> {
    let before = current(db)?;
    let reserved = furthest(db)?.max(furthest_known);
    let Some(number) = Epoch::next(now, before.number.max(known), reserved) else {
        return Ok(None);
    };
    execute(
        db,
        "INSERT INTO status_epoch (tenant, epoch, reserved)
         SELECT tenant, ?1, reserved FROM status_counter WHERE reserved > ?2",
        params![before.number, first_place(before.number)],
    )?;
    execute(
        db,
        "INSERT INTO epoch (number, began_at) VALUES (?1, ?2)",
        params![number, moment(now)],
    )?;
    let ended = NewEvent::refused(now, "restored", "store_restored");
    let ended_sessions = execute(
        db,
        "UPDATE session SET expires_at = ?1, version = version + 1, events = events + 1,
             trail = trail || ?2 WHERE expires_at > ?1",
        params![moment(now), trail::lines([&ended])],
    )?;
    for name in forget {
        execute(db, "DELETE FROM secret WHERE name = ?1", [name.as_str()])?;
    }
    audit::note_for_all(db, &AuditEntry::restored(number, now))?;
    let count = db.query_row("SELECT count(*) FROM issued", [], |row| row.get(0));
    let credentials = statuses::number(count.map_err(fault)?)?;
    let taken_at = db
        .query_row("SELECT taken_at FROM backup", [], |row| row.get(0))
        .optional()
        .map_err(fault)?;
    execute(db, "DELETE FROM backup", [])?;
    Ok(Some(Restored {
        epoch: Epoch { number, began_at: Some(now) },
        backup_at: taken_at.map(to_moment).transpose()?,
        ended_sessions: ended_sessions as u64,
        erased_again: 0,
        credentials,
    }))
}

/// The first place of an epoch as a column.
pub(super) fn first_place(epoch: u32) -> i64 {
    i64::try_from(Epoch::first_place(epoch)).unwrap_or(i64::MAX)
}

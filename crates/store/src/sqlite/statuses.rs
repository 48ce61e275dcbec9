//! The statements over the statuses of issued credentials.

use std::collections::BTreeSet;
use std::ops::Range;

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::SqliteStore;
use super::columns::{moment, read, read_moment};
use super::fault::fault;
use super::sessions::execute;
use super::{audit, epochs, messages};
use crate::{
    AuditEntry, CredentialId, CredentialStatus, ListChanges, NewStatus, StatusChange, StatusChunk,
    StatusEntry, StatusNote, StatusPlace, StatusStore, StoreError, TenantId,
};

#[async_trait]
impl StatusStore for SqliteStore {
    async fn reserve_statuses(&self, tenant: &TenantId, count: u32) -> Result<u64, StoreError> {
        let tenant = tenant.clone();
        self.parts.writer.write(move |db| reserve(db, &tenant, count)).await
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
        let set = move |db: &_| set(db, &tenant, credential, status, &note);
        self.parts.writer.write(set).await
    }

    async fn status_history(
        &self,
        tenant: &TenantId,
        credential: CredentialId,
    ) -> Result<Vec<StatusEntry>, StoreError> {
        self.parts.readers.read(|db| history(db, tenant, credential))
    }

    async fn status(
        &self,
        tenant: &TenantId,
        credential: CredentialId,
    ) -> Result<Option<CredentialStatus>, StoreError> {
        self.parts.readers.read(|db| one(db, tenant, credential))
    }

    async fn changed_statuses(
        &self,
        tenant: &TenantId,
        list: u32,
        after: u64,
    ) -> Result<ListChanges, StoreError> {
        self.parts.readers.read(|db| changed(db, tenant, list, after))
    }
}

pub(super) fn add(
    db: &Connection,
    tenant: &TenantId,
    statuses: &[NewStatus],
) -> Result<(), StoreError> {
    for NewStatus { credential, place, is_suspendable } in statuses {
        execute(
            db,
            "INSERT INTO status (tenant, credential, list, place, value, suspendable)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                tenant.as_str(),
                credential.as_bytes(),
                place.list,
                place.index,
                CredentialStatus::Valid.value(),
                is_suspendable
            ],
        )?;
    }
    Ok(())
}

fn reserve(db: &Connection, tenant: &TenantId, count: u32) -> Result<u64, StoreError> {
    let mut statement = db
        .prepare_cached(
            "INSERT INTO status_counter (tenant, reserved) VALUES (?1, ?3 + ?2)
             ON CONFLICT (tenant) DO UPDATE SET reserved = max(reserved, ?3) + ?2
             RETURNING reserved - ?2",
        )
        .map_err(fault)?;
    let epoch = epochs::first_place(epochs::current(db)?.number);
    let first = statement.query_row(params![tenant.as_str(), count, epoch], |row| row.get(0));
    number(first.map_err(fault)?)
}

pub(super) fn set(
    db: &Connection,
    tenant: &TenantId,
    credential: CredentialId,
    status: CredentialStatus,
    note: &StatusNote,
) -> Result<StatusChange, StoreError> {
    match one(db, tenant, credential)? {
        None => return Ok(StatusChange::Absent),
        Some(now) if now == status => return Ok(StatusChange::Done(BTreeSet::new())),
        Some(CredentialStatus::Revoked) => return Ok(StatusChange::Final),
        Some(_)
            if status == CredentialStatus::Suspended && !suspendable(db, tenant, credential)? =>
        {
            return Ok(StatusChange::NotSuspendable);
        }
        Some(_) => {}
    }
    let mut statement = db
        .prepare_cached(
            "UPDATE status SET value = ?1 WHERE tenant = ?2 AND credential = ?3
             RETURNING list, place",
        )
        .map_err(fault)?;
    let changed = params![status.value(), tenant.as_str(), credential.as_bytes()];
    let mut rows = statement.query(changed).map_err(fault)?;
    let mut places = Vec::new();
    while let Some(row) = rows.next().map_err(fault)? {
        places.push(StatusPlace { list: read(row, 0)?, index: read(row, 1)? });
    }
    for place in &places {
        set_in_chunk(db, tenant, *place, status)?;
    }
    execute(
        db,
        "INSERT INTO status_change (tenant, credential, at, value, reason)
         VALUES (?1, ?2, ?3, ?4, ?5)",
        params![
            tenant.as_str(),
            credential.as_bytes(),
            moment(note.at),
            status.value(),
            note.reason
        ],
    )?;
    audit::note(db, tenant, &AuditEntry::status(credential, status, note.at))?;
    messages::add(db, tenant, &note.messages)?;
    Ok(StatusChange::Done(places.into_iter().map(|place| place.list).collect()))
}

/// Whether whoever reads any copy learns of a suspension.
fn suspendable(
    db: &Connection,
    tenant: &TenantId,
    credential: CredentialId,
) -> Result<bool, StoreError> {
    let mut statement = db
        .prepare_cached("SELECT min(suspendable) FROM status WHERE tenant = ?1 AND credential = ?2")
        .map_err(fault)?;
    let named = params![tenant.as_str(), credential.as_bytes()];
    statement.query_row(named, |row| row.get(0)).map_err(fault)
}

/// Sets a status in the run that it is in, which gets a version beyond every other of its list.
fn set_in_chunk(
    db: &Connection,
    tenant: &TenantId,
    place: StatusPlace,
    status: CredentialStatus,
) -> Result<(), StoreError> {
    let number = StatusChunk::of(place.index);
    let mut statement = db
        .prepare_cached(
            "SELECT bits FROM status_chunk WHERE tenant = ?1 AND list = ?2 AND chunk = ?3",
        )
        .map_err(fault)?;
    let found = statement.query_row(params![tenant.as_str(), place.list, number], |row| row.get(0));
    let mut chunk = match found.optional().map_err(fault)? {
        Some(bits) => StatusChunk { number, bits },
        None => StatusChunk::valid(number),
    };
    chunk.set(place.index, status);
    execute(
        db,
        "INSERT INTO status_chunk (tenant, list, chunk, version, bits)
         VALUES (?1, ?2, ?3,
                 (SELECT coalesce(max(version), 0) + 1 FROM status_chunk
                  WHERE tenant = ?1 AND list = ?2), ?4)
         ON CONFLICT (tenant, list, chunk) DO UPDATE
         SET version = excluded.version, bits = excluded.bits",
        params![tenant.as_str(), place.list, number, chunk.bits],
    )?;
    Ok(())
}

fn one(
    db: &Connection,
    tenant: &TenantId,
    credential: CredentialId,
) -> Result<Option<CredentialStatus>, StoreError> {
    let mut statement = db
        .prepare_cached("SELECT value FROM status WHERE tenant = ?1 AND credential = ?2 LIMIT 1")
        .map_err(fault)?;
    let found = statement
        .query_row(params![tenant.as_str(), credential.as_bytes()], |row| row.get::<_, u8>(0));
    found.optional().map_err(fault)?.map(status).transpose()
}

fn history(
    db: &Connection,
    tenant: &TenantId,
    credential: CredentialId,
) -> Result<Vec<StatusEntry>, StoreError> {
    let mut statement = db
        .prepare_cached(
            "SELECT at, value, reason FROM status_change
             WHERE tenant = ?1 AND credential = ?2 ORDER BY ordinal",
        )
        .map_err(fault)?;
    let named = params![tenant.as_str(), credential.as_bytes()];
    let mut rows = statement.query(named).map_err(fault)?;
    let mut history = Vec::new();
    while let Some(row) = rows.next().map_err(fault)? {
        history.push(StatusEntry {
            at: read_moment(row, 0)?,
            status: status(read(row, 1)?)?,
            reason: read(row, 2)?,
        });
    }
    Ok(history)
}

fn changed(
    db: &Connection,
    tenant: &TenantId,
    list: u32,
    after: u64,
) -> Result<ListChanges, StoreError> {
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    let mut statement = db
        .prepare_cached(
            "SELECT chunk, bits, version FROM status_chunk
             WHERE tenant = ?1 AND list = ?2 AND version > ?3 ORDER BY chunk",
        )
        .map_err(fault)?;
    let mut rows = statement.query(params![tenant.as_str(), list, after]).map_err(fault)?;
    let mut changes = ListChanges { version: number(after)?, chunks: Vec::new() };
    while let Some(row) = rows.next().map_err(fault)? {
        changes.chunks.push(StatusChunk { number: read(row, 0)?, bits: read(row, 1)? });
        changes.version = changes.version.max(number(read(row, 2)?)?);
    }
    Ok(changes)
}

fn status(value: u8) -> Result<CredentialStatus, StoreError> {
    CredentialStatus::from_value(value).ok_or(StoreError::Corrupt { what: "a status" })
}

pub(super) fn number(column: i64) -> Result<u64, StoreError> {
    u64::try_from(column).map_err(|_| StoreError::Corrupt { what: "a counter" })
}

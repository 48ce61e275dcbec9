//! The statements over the statuses of issued credentials.

use std::collections::BTreeSet;
use std::ops::Range;

use async_trait::async_trait;

use super::PostgresStore;
use super::columns::{execute, moment, query, query_opt, read, read_moment, read_number, text};
use super::within::Transaction;
use super::{audit, epochs, messages};
use crate::{
    AuditEntry, CredentialId, CredentialStatus, Epoch, ListChanges, NewStatus, StatusChange,
    StatusChunk, StatusEntry, StatusNote, StatusPlace, StatusStore, StoreError, TenantId,
};

#[async_trait]
impl StatusStore for PostgresStore {
    async fn reserve_statuses(&self, tenant: &TenantId, count: u32) -> Result<u64, StoreError> {
        let db = self.of(tenant).await?;
        let done = reserve(&db, tenant, count).await?;
        db.done(done).await
    }

    async fn reserved_statuses(&self, tenant: &TenantId) -> Result<Vec<Range<u64>>, StoreError> {
        let db = self.of(tenant).await?;
        let found = epochs::places(&db, tenant).await?;
        db.done(found).await
    }

    async fn set_status(
        &self,
        tenant: &TenantId,
        credential: CredentialId,
        status: CredentialStatus,
        mut note: StatusNote,
    ) -> Result<StatusChange, StoreError> {
        self.herald.status_changed(tenant, credential, status, &mut note);
        let db = self.of(tenant).await?;
        let done = set(&db, tenant, credential, status, &note).await?;
        db.done(done).await
    }

    async fn status_history(
        &self,
        tenant: &TenantId,
        credential: CredentialId,
    ) -> Result<Vec<StatusEntry>, StoreError> {
        let db = self.of(tenant).await?;
        let found = history(&db, tenant, credential).await?;
        db.done(found).await
    }

    async fn status(
        &self,
        tenant: &TenantId,
        credential: CredentialId,
    ) -> Result<Option<CredentialStatus>, StoreError> {
        let db = self.of(tenant).await?;
        let found = one(&db, tenant, credential).await?;
        db.done(found).await
    }

    async fn changed_statuses(
        &self,
        tenant: &TenantId,
        list: u32,
        after: u64,
    ) -> Result<ListChanges, StoreError> {
        let db = self.of(tenant).await?;
        let found = changed(&db, tenant, list, after).await?;
        db.done(found).await
    }
}

pub(super) async fn add(
    db: &Transaction,
    tenant: &TenantId,
    statuses: &[NewStatus],
) -> Result<(), StoreError> {
    if statuses.is_empty() {
        return Ok(());
    }
    // a batch is one statement, however many copies it has
    let credentials: Vec<_> =
        statuses.iter().map(|new| new.credential.as_bytes().as_slice()).collect();
    let lists: Vec<_> = statuses.iter().map(|new| i64::from(new.place.list)).collect();
    let places: Vec<_> = statuses.iter().map(|new| i64::from(new.place.index)).collect();
    let suspendable: Vec<_> = statuses.iter().map(|new| new.is_suspendable).collect();
    execute(
        db,
        "INSERT INTO status (tenant, credential, list, place, value, suspendable)
         SELECT $1, added.credential, added.list, added.place, $5, added.suspendable
         FROM unnest($2::bytea[], $3::bigint[], $4::bigint[], $6::boolean[])
              AS added (credential, list, place, suspendable)",
        &[
            &tenant.as_str(),
            &credentials,
            &lists,
            &places,
            &i64::from(CredentialStatus::Valid.value()),
            &suspendable,
        ],
    )
    .await
    .map(|_| ())
}

async fn reserve(db: &Transaction, tenant: &TenantId, count: u32) -> Result<u64, StoreError> {
    let epoch = epochs::current(db).await?.number;
    let epoch = i64::try_from(Epoch::first_place(epoch)).unwrap_or(i64::MAX);
    let row = query_opt(
        db,
        "INSERT INTO status_counter (tenant, reserved)
         VALUES ($1, CAST($3 AS BIGINT) + CAST($2 AS BIGINT))
         ON CONFLICT (tenant) DO UPDATE
         SET reserved = greatest(status_counter.reserved, CAST($3 AS BIGINT)) + CAST($2 AS BIGINT)
         RETURNING reserved - CAST($2 AS BIGINT)",
        &[&tenant.as_str(), &i64::from(count), &epoch],
    )
    .await?;
    read_number(&row.ok_or(StoreError::Corrupt { what: "a counter" })?, 0)
}

pub(super) async fn set(
    db: &Transaction,
    tenant: &TenantId,
    credential: CredentialId,
    status: CredentialStatus,
    note: &StatusNote,
) -> Result<StatusChange, StoreError> {
    // Changes of one tenant come one after the other. Versions of a list must be committed in their order:
    // whoever has seen one never asks for an earlier one again.
    let turn = "SELECT pg_advisory_xact_lock(hashtextextended('status ' || $1, 0))";
    query_opt(db, turn, &[&tenant.as_str()]).await?;
    match one(db, tenant, credential).await? {
        None => return Ok(StatusChange::Absent),
        Some(now) if now == status => return Ok(StatusChange::Done(BTreeSet::new())),
        Some(CredentialStatus::Revoked) => return Ok(StatusChange::Final),
        Some(_) => {}
    }
    let (owner, name) = (tenant.as_str(), credential.as_bytes().as_slice());
    if status == CredentialStatus::Suspended {
        let find = "SELECT 1 FROM status
                    WHERE tenant = $1 AND credential = $2 AND NOT suspendable LIMIT 1";
        if query_opt(db, find, &[&owner, &name]).await?.is_some() {
            return Ok(StatusChange::NotSuspendable);
        }
    }
    let value = i64::from(status.value());
    let update = "UPDATE status SET value = $1 WHERE tenant = $2 AND credential = $3
                  RETURNING list, place";
    let rows = query(db, update, &[&value, &owner, &name]).await?;
    let mut lists = BTreeSet::new();
    for row in &rows {
        let place = StatusPlace { list: read_number(row, 0)?, index: read_number(row, 1)? };
        set_in_chunk(db, tenant, place, status).await?;
        lists.insert(place.list);
    }
    execute(
        db,
        "INSERT INTO status_change (tenant, credential, at, value, reason)
         VALUES ($1, $2, $3, $4, $5)",
        &[&owner, &name, &moment(note.at), &value, &note.reason.as_ref().map(String::as_bytes)],
    )
    .await?;
    audit::note(db, tenant, &AuditEntry::status(credential, status, note.at)).await?;
    messages::add(db, tenant, &note.messages).await?;
    Ok(StatusChange::Done(lists))
}

/// Sets a status in the run that it is in, which gets a version beyond every other of its list.
async fn set_in_chunk(
    db: &Transaction,
    tenant: &TenantId,
    place: StatusPlace,
    status: CredentialStatus,
) -> Result<(), StoreError> {
    let number = StatusChunk::of(place.index);
    let (owner, list, run) = (tenant.as_str(), i64::from(place.list), i64::from(number));
    let find = "SELECT bits FROM status_chunk WHERE tenant = $1 AND list = $2 AND chunk = $3";
    let mut chunk = match query_opt(db, find, &[&owner, &list, &run]).await? {
        Some(row) => StatusChunk { number, bits: read(&row, 0)? },
        None => StatusChunk::valid(number),
    };
    chunk.set(place.index, status);
    execute(
        db,
        "INSERT INTO status_chunk (tenant, list, chunk, version, bits)
         VALUES ($1, $2, $3,
                 (SELECT coalesce(max(version), 0) + 1 FROM status_chunk
                  WHERE tenant = $1 AND list = $2), $4)
         ON CONFLICT (tenant, list, chunk) DO UPDATE
         SET version = excluded.version, bits = excluded.bits",
        &[&owner, &list, &run, &chunk.bits],
    )
    .await
    .map(|_| ())
}

async fn one(
    db: &Transaction,
    tenant: &TenantId,
    credential: CredentialId,
) -> Result<Option<CredentialStatus>, StoreError> {
    let find = "SELECT value FROM status WHERE tenant = $1 AND credential = $2 LIMIT 1";
    let found = query_opt(db, find, &[&tenant.as_str(), &credential.as_bytes().as_slice()]).await?;
    found.map(|row| status(read_number(&row, 0)?)).transpose()
}

async fn history(
    db: &Transaction,
    tenant: &TenantId,
    credential: CredentialId,
) -> Result<Vec<StatusEntry>, StoreError> {
    let find = "SELECT at, value, reason FROM status_change
                WHERE tenant = $1 AND credential = $2 ORDER BY ordinal";
    let rows = query(db, find, &[&tenant.as_str(), &credential.as_bytes().as_slice()]).await?;
    let entry = |row| {
        Ok(StatusEntry {
            at: read_moment(row, 0)?,
            status: status(read_number(row, 1)?)?,
            reason: read::<Option<Vec<u8>>>(row, 2)?.map(text).transpose()?,
        })
    };
    rows.iter().map(entry).collect()
}

async fn changed(
    db: &Transaction,
    tenant: &TenantId,
    list: u32,
    after: u64,
) -> Result<ListChanges, StoreError> {
    let seen = i64::try_from(after).unwrap_or(i64::MAX);
    let rows = query(
        db,
        "SELECT chunk, bits, version FROM status_chunk
         WHERE tenant = $1 AND list = $2 AND version > $3 ORDER BY chunk",
        &[&tenant.as_str(), &i64::from(list), &seen],
    )
    .await?;
    let mut changes = ListChanges { version: seen.unsigned_abs(), chunks: Vec::new() };
    for row in &rows {
        let chunk = StatusChunk { number: read_number(row, 0)?, bits: read(row, 1)? };
        changes.chunks.push(chunk);
        changes.version = changes.version.max(read_number(row, 2)?);
    }
    Ok(changes)
}

fn status(value: u8) -> Result<CredentialStatus, StoreError> {
    CredentialStatus::from_value(value).ok_or(StoreError::Corrupt { what: "a status" })
}

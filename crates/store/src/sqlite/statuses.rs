//! The statements over the statuses of issued credentials.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::columns::read;
use super::fault::fault;
use super::sessions::execute;
use crate::{CredentialId, CredentialStatus, NewStatus, StatusChange, StoreError, TenantId};

pub(super) fn add(
    db: &Connection,
    tenant: &TenantId,
    statuses: &[NewStatus],
) -> Result<(), StoreError> {
    for NewStatus { credential, place } in statuses {
        execute(
            db,
            "INSERT INTO status (tenant, credential, list, place, value) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![
                tenant.as_str(),
                credential.as_bytes(),
                place.list,
                place.index,
                value(CredentialStatus::Valid)
            ],
        )?;
    }
    Ok(())
}

pub(super) fn reserve(db: &Connection, tenant: &TenantId, count: u32) -> Result<u64, StoreError> {
    let mut statement = db
        .prepare_cached(
            "INSERT INTO status_counter (tenant, reserved) VALUES (?1, ?2)
             ON CONFLICT (tenant) DO UPDATE SET reserved = reserved + ?2
             RETURNING reserved - ?2",
        )
        .map_err(fault)?;
    let first = statement.query_row(params![tenant.as_str(), count], |row| row.get(0));
    number(first.map_err(fault)?)
}

pub(super) fn reserved(db: &Connection, tenant: &TenantId) -> Result<u64, StoreError> {
    let mut statement = db
        .prepare_cached("SELECT reserved FROM status_counter WHERE tenant = ?1")
        .map_err(fault)?;
    let reserved = statement.query_row([tenant.as_str()], |row| row.get(0)).optional();
    reserved.map_err(fault)?.map_or(Ok(0), number)
}

pub(super) fn set(
    db: &Connection,
    tenant: &TenantId,
    credential: CredentialId,
    status: CredentialStatus,
) -> Result<StatusChange, StoreError> {
    match one(db, tenant, credential)? {
        None => return Ok(StatusChange::Absent),
        Some(now) if now == status => return Ok(StatusChange::Done(BTreeSet::new())),
        Some(CredentialStatus::Revoked) => return Ok(StatusChange::Final),
        Some(_) => {}
    }
    let mut statement = db
        .prepare_cached(
            "UPDATE status SET value = ?1 WHERE tenant = ?2 AND credential = ?3 RETURNING list",
        )
        .map_err(fault)?;
    let changed = params![value(status), tenant.as_str(), credential.as_bytes()];
    let mut rows = statement.query(changed).map_err(fault)?;
    let mut lists = BTreeSet::new();
    while let Some(row) = rows.next().map_err(fault)? {
        lists.insert(read(row, 0)?);
    }
    Ok(StatusChange::Done(lists))
}

pub(super) fn one(
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

pub(super) fn not_valid(
    db: &Connection,
    tenant: &TenantId,
    list: u32,
) -> Result<Vec<(u32, CredentialStatus)>, StoreError> {
    let mut statement = db
        .prepare_cached(
            "SELECT place, value FROM status WHERE tenant = ?1 AND list = ?2 AND value <> 0
             ORDER BY place",
        )
        .map_err(fault)?;
    let mut rows = statement.query(params![tenant.as_str(), list]).map_err(fault)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(fault)? {
        found.push((read(row, 0)?, status(read(row, 1)?)?));
    }
    Ok(found)
}

/// As in the list itself (Token Status List §7.1).
const fn value(status: CredentialStatus) -> u8 {
    match status {
        CredentialStatus::Valid => 0,
        CredentialStatus::Revoked => 1,
        CredentialStatus::Suspended => 2,
    }
}

fn status(value: u8) -> Result<CredentialStatus, StoreError> {
    match value {
        0 => Ok(CredentialStatus::Valid),
        1 => Ok(CredentialStatus::Revoked),
        2 => Ok(CredentialStatus::Suspended),
        _ => Err(StoreError::Corrupt { what: "a status" }),
    }
}

fn number(column: i64) -> Result<u64, StoreError> {
    u64::try_from(column).map_err(|_| StoreError::Corrupt { what: "a counter" })
}

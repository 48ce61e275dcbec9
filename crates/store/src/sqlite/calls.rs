//! The statements over calls that are done once.

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::SqliteStore;
use super::columns::moment;
use super::fault::fault;
use super::sessions::execute;
use crate::{CallAnswer, CallBegun, CallStore, NewCall, StoreError, TenantId};

#[async_trait]
impl CallStore for SqliteStore {
    async fn begin_call(&self, tenant: &TenantId, call: NewCall) -> Result<CallBegun, StoreError> {
        let tenant = tenant.clone();
        self.parts.writer.write(move |db| begin(db, &tenant, &call)).await
    }

    async fn finish_call(
        &self,
        tenant: &TenantId,
        key: [u8; 32],
        answer: Vec<u8>,
    ) -> Result<bool, StoreError> {
        let tenant = tenant.clone();
        self.parts.writer.write(move |db| finish(db, &tenant, &key, &answer)).await
    }

    async fn abandon_call(&self, tenant: &TenantId, key: [u8; 32]) -> Result<(), StoreError> {
        let tenant = tenant.clone();
        self.parts.writer.write(move |db| abandon(db, &tenant, &key)).await
    }

    async fn purge_calls(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.parts.writer.write(move |db| purge(db, now, limit)).await
    }
}

fn begin(db: &Connection, tenant: &TenantId, call: &NewCall) -> Result<CallBegun, StoreError> {
    let mut statement = db
        .prepare_cached(
            "SELECT request, answer, lease_until FROM call
             WHERE tenant = ?1 AND key = ?2 AND expires_at > ?3",
        )
        .map_err(fault)?;
    let found = statement
        .query_row(params![tenant.as_str(), call.key, moment(call.now)], |row| {
            Ok((row.get::<_, [u8; 32]>(0)?, row.get::<_, Option<Vec<u8>>>(1)?, row.get(2)?))
        })
        .optional()
        .map_err(fault)?;
    match found {
        Some((request, ..)) if request != call.request => return Ok(CallBegun::OtherRequest),
        Some((_, Some(answer), _)) => return Ok(CallBegun::Answered(answer)),
        Some((_, None, lease_until)) if moment(call.now) < lease_until => {
            return Ok(CallBegun::Running);
        }
        _ => {}
    }
    execute(
        db,
        "INSERT INTO call (tenant, key, request, lease_until, expires_at)
         VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (tenant, key) DO UPDATE
         SET request = excluded.request, answer = NULL, lease_until = excluded.lease_until,
             expires_at = excluded.expires_at",
        params![
            tenant.as_str(),
            call.key,
            call.request,
            moment(call.lease_until),
            moment(call.expires_at)
        ],
    )?;
    Ok(CallBegun::Fresh)
}

/// Keeps the answer of a call in the transaction that does what was asked, if there was one; somebody else may have
/// made it in the meantime.
pub(super) fn answer(
    db: &Connection,
    tenant: &TenantId,
    call: Option<&CallAnswer>,
) -> Result<(), StoreError> {
    match call {
        Some(call) if !finish(db, tenant, &call.key, &call.answer)? => {
            Err(StoreError::CallAnswered)
        }
        _ => Ok(()),
    }
}

fn finish(
    db: &Connection,
    tenant: &TenantId,
    key: &[u8; 32],
    answer: &[u8],
) -> Result<bool, StoreError> {
    let finished = execute(
        db,
        "UPDATE call SET answer = ?1 WHERE tenant = ?2 AND key = ?3 AND answer IS NULL",
        params![answer, tenant.as_str(), key],
    )?;
    Ok(finished > 0)
}

fn abandon(db: &Connection, tenant: &TenantId, key: &[u8; 32]) -> Result<(), StoreError> {
    let abandoned = "DELETE FROM call WHERE tenant = ?1 AND key = ?2 AND answer IS NULL";
    execute(db, abandoned, params![tenant.as_str(), key]).map(|_| ())
}

/// Housekeeping over all tenants.
fn purge(db: &Connection, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
    let purged = execute(
        db,
        "DELETE FROM call WHERE ordinal IN (
             SELECT ordinal FROM call WHERE expires_at <= ?1
             ORDER BY expires_at, ordinal LIMIT ?2)",
        params![moment(now), limit],
    )?;
    Ok(purged as u64)
}

//! The statements over calls that are done once.

use async_trait::async_trait;
use jiff::Timestamp;

use super::PostgresStore;
use super::columns::{execute, moment, query_opt, read};
use super::within::Transaction;
use crate::{CallAnswer, CallBegun, CallStore, NewCall, StoreError, TenantId};

#[async_trait]
impl CallStore for PostgresStore {
    async fn begin_call(&self, tenant: &TenantId, call: NewCall) -> Result<CallBegun, StoreError> {
        let db = self.of(tenant).await?;
        let done = begin(&db, tenant, &call).await?;
        db.done(done).await
    }

    async fn finish_call(
        &self,
        tenant: &TenantId,
        key: [u8; 32],
        answer: Vec<u8>,
    ) -> Result<bool, StoreError> {
        let db = self.of(tenant).await?;
        let done = finish(&db, tenant, &key, &answer).await?;
        db.done(done).await
    }

    async fn abandon_call(&self, tenant: &TenantId, key: [u8; 32]) -> Result<(), StoreError> {
        let db = self.of(tenant).await?;
        let done = abandon(&db, tenant, &key).await?;
        db.done(done).await
    }

    async fn purge_calls(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let Some(db) = self.of_all_alone("calls").await? else { return Ok(0) };
        let done = purge(&db, now, limit).await?;
        db.done(done).await
    }
}

/// One of many callers finds no key, one that expired, or its own one after its lease: that one writes it.
async fn begin(
    db: &Transaction,
    tenant: &TenantId,
    call: &NewCall,
) -> Result<CallBegun, StoreError> {
    let (owner, key, request) = (tenant.as_str(), call.key.as_slice(), call.request.as_slice());
    let begun = execute(
        db,
        "INSERT INTO call (tenant, key, request, lease_until, expires_at)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (tenant, key) DO UPDATE
         SET request = excluded.request, answer = NULL, lease_until = excluded.lease_until,
             expires_at = excluded.expires_at
         WHERE call.expires_at <= $6
            OR call.request = excluded.request AND call.answer IS NULL AND call.lease_until <= $6",
        &[
            &owner,
            &key,
            &request,
            &moment(call.lease_until),
            &moment(call.expires_at),
            &moment(call.now),
        ],
    )
    .await?;
    if begun > 0 {
        return Ok(CallBegun::Fresh);
    }
    let found = "SELECT request, answer FROM call WHERE tenant = $1 AND key = $2";
    // gone again: whoever had it gave it up this moment
    let Some(row) = query_opt(db, found, &[&owner, &key]).await? else {
        return Ok(CallBegun::Running);
    };
    if read::<&[u8]>(&row, 0)? != request {
        return Ok(CallBegun::OtherRequest);
    }
    Ok(read::<Option<Vec<u8>>>(&row, 1)?.map_or(CallBegun::Running, CallBegun::Answered))
}

/// Keeps the answer of a call in the transaction that does what was asked, if there was one; somebody else may have
/// made it in the meantime.
pub(super) async fn answer(
    db: &Transaction,
    tenant: &TenantId,
    call: Option<&CallAnswer>,
) -> Result<(), StoreError> {
    match call {
        Some(call) if !finish(db, tenant, &call.key, &call.answer).await? => {
            Err(StoreError::CallAnswered)
        }
        _ => Ok(()),
    }
}

async fn finish(
    db: &Transaction,
    tenant: &TenantId,
    key: &[u8],
    answer: &[u8],
) -> Result<bool, StoreError> {
    let finish = "UPDATE call SET answer = $3 WHERE tenant = $1 AND key = $2 AND answer IS NULL";
    Ok(execute(db, finish, &[&tenant.as_str(), &key, &answer]).await? > 0)
}

async fn abandon(db: &Transaction, tenant: &TenantId, key: &[u8]) -> Result<(), StoreError> {
    let abandon = "DELETE FROM call WHERE tenant = $1 AND key = $2 AND answer IS NULL";
    execute(db, abandon, &[&tenant.as_str(), &key]).await.map(|_| ())
}

/// Housekeeping over all tenants.
async fn purge(db: &Transaction, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
    execute(
        db,
        "DELETE FROM call WHERE expires_at <= $1 AND ctid = ANY (ARRAY(
             SELECT ctid FROM call WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2))",
        &[&moment(now), &i64::from(limit)],
    )
    .await
}

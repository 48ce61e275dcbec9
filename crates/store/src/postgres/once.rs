//! The statements over what must not be seen twice.

use async_trait::async_trait;
use jiff::Timestamp;

use super::PostgresStore;
use super::columns::{execute, moment};
use super::within::Transaction;
use crate::{Once, OnceStore, StoreError, TenantId};

#[async_trait]
impl OnceStore for PostgresStore {
    async fn purge_once(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let Some(db) = self.of_all_alone("once").await? else { return Ok(0) };
        let done = purge(&db, now, limit).await?;
        db.done(done).await
    }
}

pub(super) async fn remember(
    db: &Transaction,
    tenant: &TenantId,
    all: &[Once],
) -> Result<(), StoreError> {
    for once in all {
        let added = execute(
            db,
            "INSERT INTO seen_once (tenant, kind, digest, expires_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (tenant, kind, digest) DO NOTHING",
            &[
                &tenant.as_str(),
                &once.kind.as_str(),
                &once.digest.as_slice(),
                &moment(once.expires_at),
            ],
        )
        .await?;
        if added == 0 {
            return Err(StoreError::SeenBefore);
        }
    }
    Ok(())
}

/// Housekeeping over all tenants.
async fn purge(db: &Transaction, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
    execute(
        db,
        "DELETE FROM seen_once WHERE expires_at <= $1 AND ctid = ANY (ARRAY(
             SELECT ctid FROM seen_once WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2))",
        &[&moment(now), &i64::from(limit)],
    )
    .await
}

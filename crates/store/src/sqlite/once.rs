//! The statements over what must not be seen twice.

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::SqliteStore;
use super::columns::moment;
use super::sessions::execute;
use crate::{Once, OnceStore, StoreError, TenantId};

#[async_trait]
impl OnceStore for SqliteStore {
    async fn purge_once(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.parts.writer.write(move |db| purge(db, now, limit)).await
    }
}

pub(super) fn remember(db: &Connection, tenant: &TenantId, all: &[Once]) -> Result<(), StoreError> {
    for once in all {
        let added = execute(
            db,
            "INSERT INTO seen_once (tenant, kind, digest, expires_at) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (tenant, kind, digest) DO NOTHING",
            params![tenant.as_str(), once.kind.as_str(), once.digest, moment(once.expires_at)],
        )?;
        if added == 0 {
            return Err(StoreError::SeenBefore);
        }
    }
    Ok(())
}

/// Housekeeping over all tenants.
fn purge(db: &Connection, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
    let purged = execute(
        db,
        "DELETE FROM seen_once WHERE ordinal IN (
             SELECT ordinal FROM seen_once WHERE expires_at <= ?1
             ORDER BY expires_at, ordinal LIMIT ?2)",
        params![moment(now), limit],
    )?;
    Ok(purged as u64)
}

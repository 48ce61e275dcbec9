//! The statements over sealed tenant material.

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::SqliteStore;
use super::audit;
use super::columns::{moment, read, read_moment, read_version, version};
use super::fault::fault;
use super::sessions::execute;
use crate::{AuditEntry, Put, Secret, SecretName, SecretStore, StoreError, TenantId};

#[async_trait]
impl SecretStore for SqliteStore {
    async fn secret(
        &self,
        tenant: &TenantId,
        name: &SecretName,
    ) -> Result<Option<Secret>, StoreError> {
        self.parts.readers.read(|db| secret(db, tenant, name))
    }

    async fn put_secret(
        &self,
        tenant: &TenantId,
        name: &SecretName,
        expected: Option<u64>,
        sealed: Vec<u8>,
        now: Timestamp,
    ) -> Result<Put, StoreError> {
        let (tenant, name) = (tenant.clone(), name.clone());
        let put = move |db: &_| put(db, (&tenant, &name), expected, &sealed, now);
        self.parts.writer.write(put).await
    }

    async fn secret_names(
        &self,
        tenant: &TenantId,
        prefix: &str,
    ) -> Result<Vec<SecretName>, StoreError> {
        self.parts.readers.read(|db| names(db, tenant, prefix))
    }

    async fn all_secrets(&self) -> Result<Vec<Secret>, StoreError> {
        self.parts.readers.read(all)
    }

    async fn remove_secret(
        &self,
        tenant: &TenantId,
        name: &SecretName,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (tenant, name) = (tenant.clone(), name.clone());
        self.parts.writer.write(move |db| remove(db, &tenant, &name, now)).await
    }
}

fn secret(
    db: &Connection,
    tenant: &TenantId,
    name: &SecretName,
) -> Result<Option<Secret>, StoreError> {
    let mut statement = db
        .prepare_cached(
            "SELECT version, sealed, written_at FROM secret WHERE tenant = ?1 AND name = ?2",
        )
        .map_err(fault)?;
    let mut rows = statement.query(params![tenant.as_str(), name.as_str()]).map_err(fault)?;
    let Some(row) = rows.next().map_err(fault)? else {
        return Ok(None);
    };
    Ok(Some(Secret {
        tenant: tenant.clone(),
        name: name.clone(),
        version: read_version(row, 0)?,
        sealed: read(row, 1)?,
        written_at: read_moment(row, 2)?,
    }))
}

fn put(
    db: &Connection,
    (tenant, name): (&TenantId, &SecretName),
    expected: Option<u64>,
    sealed: &[u8],
    now: Timestamp,
) -> Result<Put, StoreError> {
    let written = match expected {
        None => execute(
            db,
            "INSERT INTO secret (tenant, name, version, sealed, written_at)
             VALUES (?1, ?2, 1, ?3, ?4) ON CONFLICT (tenant, name) DO NOTHING",
            params![tenant.as_str(), name.as_str(), sealed, moment(now)],
        )?,
        Some(expected) => execute(
            db,
            "UPDATE secret SET sealed = ?1, written_at = ?2, version = version + 1
             WHERE tenant = ?3 AND name = ?4 AND version = ?5",
            params![sealed, moment(now), tenant.as_str(), name.as_str(), version(expected)],
        )?,
    };
    if written == 0 {
        return Ok(Put::Conflict);
    }
    let version = expected.unwrap_or(0) + 1;
    audit::note(db, tenant, &AuditEntry::written(name, version, now))?;
    Ok(Put::Done(version))
}

fn names(db: &Connection, tenant: &TenantId, prefix: &str) -> Result<Vec<SecretName>, StoreError> {
    let mut statement = db
        .prepare_cached(
            "SELECT name FROM secret
             WHERE tenant = ?1 AND substr(name, 1, length(?2)) = ?2 ORDER BY name",
        )
        .map_err(fault)?;
    let mut rows = statement.query(params![tenant.as_str(), prefix]).map_err(fault)?;
    let mut names = Vec::new();
    while let Some(row) = rows.next().map_err(fault)? {
        let name = read::<String>(row, 0)?.parse();
        names.push(name.map_err(|_| StoreError::Corrupt { what: "the name of a secret" })?);
    }
    Ok(names)
}

pub(super) fn all(db: &Connection) -> Result<Vec<Secret>, StoreError> {
    let corrupt = |what| StoreError::Corrupt { what };
    let mut statement = db
        .prepare_cached(
            "SELECT tenant, name, version, sealed, written_at FROM secret ORDER BY tenant, name",
        )
        .map_err(fault)?;
    let mut rows = statement.query([]).map_err(fault)?;
    let mut secrets = Vec::new();
    while let Some(row) = rows.next().map_err(fault)? {
        let tenant = read::<String>(row, 0)?.parse();
        let name = read::<String>(row, 1)?.parse();
        secrets.push(Secret {
            tenant: tenant.map_err(|_| corrupt("the name of a tenant"))?,
            name: name.map_err(|_| corrupt("the name of a secret"))?,
            version: read_version(row, 2)?,
            sealed: read(row, 3)?,
            written_at: read_moment(row, 4)?,
        });
    }
    Ok(secrets)
}

fn remove(
    db: &Connection,
    tenant: &TenantId,
    name: &SecretName,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let removed = execute(
        db,
        "DELETE FROM secret WHERE tenant = ?1 AND name = ?2",
        params![tenant.as_str(), name.as_str()],
    )?;
    if removed > 0 {
        audit::note(db, tenant, &AuditEntry::removed(name, now))?;
    }
    Ok(removed > 0)
}

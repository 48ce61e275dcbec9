//! The statements over sealed tenant material.

use async_trait::async_trait;
use jiff::Timestamp;

use super::PostgresStore;
use super::audit;
use super::columns::{execute, moment, query, query_opt, read, read_moment, read_number, version};
use super::within::Transaction;
use crate::{AuditEntry, Put, Secret, SecretName, SecretStore, StoreError, TenantId};

#[async_trait]
impl SecretStore for PostgresStore {
    async fn secret(
        &self,
        tenant: &TenantId,
        name: &SecretName,
    ) -> Result<Option<Secret>, StoreError> {
        let db = self.of(tenant).await?;
        let found = secret(&db, tenant, name).await?;
        db.done(found).await
    }

    async fn put_secret(
        &self,
        tenant: &TenantId,
        name: &SecretName,
        expected: Option<u64>,
        sealed: Vec<u8>,
        now: Timestamp,
    ) -> Result<Put, StoreError> {
        let db = self.of(tenant).await?;
        let done = put(&db, (tenant, name), expected, &sealed, now).await?;
        db.done(done).await
    }

    async fn secret_names(
        &self,
        tenant: &TenantId,
        prefix: &str,
    ) -> Result<Vec<SecretName>, StoreError> {
        let db = self.of(tenant).await?;
        let found = names(&db, tenant, prefix).await?;
        db.done(found).await
    }

    async fn all_secrets(&self) -> Result<Vec<Secret>, StoreError> {
        let db = self.of_all().await?;
        let found = all(&db).await?;
        db.done(found).await
    }

    async fn remove_secret(
        &self,
        tenant: &TenantId,
        name: &SecretName,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let db = self.of(tenant).await?;
        let done = remove(&db, tenant, name, now).await?;
        db.done(done).await
    }
}

async fn secret(
    db: &Transaction,
    tenant: &TenantId,
    name: &SecretName,
) -> Result<Option<Secret>, StoreError> {
    let found = query_opt(
        db,
        "SELECT version, sealed, written_at FROM secret WHERE tenant = $1 AND name = $2",
        &[&tenant.as_str(), &name.as_str()],
    )
    .await?;
    let Some(row) = found else {
        return Ok(None);
    };
    Ok(Some(Secret {
        tenant: tenant.clone(),
        name: name.clone(),
        version: read_number(&row, 0)?,
        sealed: read(&row, 1)?,
        written_at: read_moment(&row, 2)?,
    }))
}

async fn put(
    db: &Transaction,
    (tenant, name): (&TenantId, &SecretName),
    expected: Option<u64>,
    sealed: &[u8],
    now: Timestamp,
) -> Result<Put, StoreError> {
    let (owner, named, at) = (tenant.as_str(), name.as_str(), moment(now));
    let written = match expected {
        None => {
            let first = "INSERT INTO secret (tenant, name, version, sealed, written_at)
                 VALUES ($1, $2, 1, $3, $4) ON CONFLICT (tenant, name) DO NOTHING";
            execute(db, first, &[&owner, &named, &sealed, &at]).await?
        }
        Some(expected) => {
            let next = "UPDATE secret SET sealed = $3, written_at = $4, version = version + 1
                 WHERE tenant = $1 AND name = $2 AND version = $5";
            execute(db, next, &[&owner, &named, &sealed, &at, &version(expected)]).await?
        }
    };
    if written == 0 {
        return Ok(Put::Conflict);
    }
    let version = expected.unwrap_or(0) + 1;
    audit::note(db, tenant, &AuditEntry::written(name, version, now)).await?;
    Ok(Put::Done(version))
}

async fn names(
    db: &Transaction,
    tenant: &TenantId,
    prefix: &str,
) -> Result<Vec<SecretName>, StoreError> {
    // no name has one, and no TEXT either
    if prefix.contains('\0') {
        return Ok(Vec::new());
    }
    let rows = query(
        db,
        "SELECT name FROM secret WHERE tenant = $1 AND starts_with(name, $2) ORDER BY name",
        &[&tenant.as_str(), &prefix],
    )
    .await?;
    let name = |row| {
        read::<&str>(row, 0)?
            .parse()
            .map_err(|_| StoreError::Corrupt { what: "the name of a secret" })
    };
    rows.iter().map(name).collect()
}

async fn remove(
    db: &Transaction,
    tenant: &TenantId,
    name: &SecretName,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let gone = "DELETE FROM secret WHERE tenant = $1 AND name = $2";
    let was_there = execute(db, gone, &[&tenant.as_str(), &name.as_str()]).await? > 0;
    if was_there {
        audit::note(db, tenant, &AuditEntry::removed(name, now)).await?;
    }
    Ok(was_there)
}

async fn all(db: &Transaction) -> Result<Vec<Secret>, StoreError> {
    let corrupt = |what| StoreError::Corrupt { what };
    let find = "SELECT tenant, name, version, sealed, written_at FROM secret ORDER BY tenant, name";
    let rows = query(db, find, &[]).await?;
    let secret = |row| {
        let (tenant, name) = (read::<String>(row, 0)?.parse(), read::<String>(row, 1)?.parse());
        Ok(Secret {
            tenant: tenant.map_err(|_| corrupt("the name of a tenant"))?,
            name: name.map_err(|_| corrupt("the name of a secret"))?,
            version: read_number(row, 2)?,
            sealed: read(row, 3)?,
            written_at: read_moment(row, 4)?,
        })
    };
    rows.iter().map(secret).collect()
}

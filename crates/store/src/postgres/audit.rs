//! The statements over the audit chain.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;
use tokio_postgres::Row;

use super::PostgresStore;
use super::columns::{
    execute, moment, query, query_opt, read, read_bytes, read_moment, read_number, to_moment,
};
use super::within::Transaction;
use crate::{AuditBlock, AuditEntry, AuditHead, AuditStore, AuditTrail, StoreError, TenantId};

#[async_trait]
impl AuditTrail for PostgresStore {
    async fn audit_heads(&self) -> Result<Vec<(TenantId, AuditHead)>, StoreError> {
        let db = self.of_all().await?;
        let found = heads(&db).await?;
        db.done(found).await
    }

    async fn audit_blocks(
        &self,
        tenant: &TenantId,
        after: u64,
        limit: u16,
    ) -> Result<Vec<AuditBlock>, StoreError> {
        let db = self.of(tenant).await?;
        let found = blocks(&db, tenant, after, limit).await?;
        db.done(found).await
    }

    async fn audit_notes(&self, tenant: &TenantId) -> Result<Vec<AuditEntry>, StoreError> {
        let db = self.of(tenant).await?;
        let found = notes(&db, tenant).await?;
        db.done(found).await
    }
}

#[async_trait]
impl AuditStore for PostgresStore {
    async fn link_audit(&self, limit: u32) -> Result<u64, StoreError> {
        let Some(db) = self.of_all_alone("audit").await? else { return Ok(0) };
        let linked = link(&db, limit).await?;
        db.done(linked).await
    }

    async fn shred_audit(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let Some(db) = self.of_all_alone("audit").await? else { return Ok(0) };
        let shredded = shred(&db, before, limit).await?;
        db.done(shredded).await
    }
}

/// Notes what the transaction does.
pub(super) async fn note(
    db: &Transaction,
    tenant: &TenantId,
    entry: &AuditEntry,
) -> Result<(), StoreError> {
    let note = "INSERT INTO audit_note (tenant, at, line) VALUES ($1, $2, $3)";
    execute(db, note, &[&tenant.as_str(), &moment(entry.at), &entry.line()]).await.map(|_| ())
}

/// Notes something that is about every tenant, for those that have a chain.
pub(super) async fn note_for_all(db: &Transaction, entry: &AuditEntry) -> Result<(), StoreError> {
    let note = "INSERT INTO audit_note (tenant, at, line)
                SELECT tenant, CAST($1 AS BIGINT), CAST($2 AS TEXT) FROM audit_head
                UNION SELECT tenant, CAST($1 AS BIGINT), CAST($2 AS TEXT) FROM audit_note";
    execute(db, note, &[&moment(entry.at), &entry.line()]).await.map(|_| ())
}

/// Links the notes that are committed: one whose transaction is under way is linked the next time.
async fn link(db: &Transaction, limit: u32) -> Result<u64, StoreError> {
    let take = "DELETE FROM audit_note WHERE ctid = ANY (ARRAY(
                    SELECT ctid FROM audit_note ORDER BY ordinal LIMIT $1))
                RETURNING ordinal, tenant, at, line";
    let taken = query(db, take, &[&i64::from(limit)]).await?;
    let mut rows = Vec::with_capacity(taken.len());
    for row in &taken {
        rows.push((read::<i64>(row, 0)?, row));
    }
    rows.sort_unstable_by_key(|(ordinal, _)| *ordinal);
    let mut noted: BTreeMap<&str, (i64, Vec<String>)> = BTreeMap::new();
    for (_, row) in &rows {
        let (at, lines) = noted.entry(read(row, 1)?).or_insert((i64::MIN, Vec::new()));
        *at = (*at).max(read(row, 2)?);
        lines.push(read(row, 3)?);
    }
    for (tenant, (at, lines)) in noted {
        let tenant = parse(tenant)?;
        let head = head(db, &tenant).await?.unwrap_or(AuditHead::BEFORE);
        let block = AuditBlock::after(&head, &tenant, &lines, to_moment(at)?);
        append(db, &tenant, &block).await?;
    }
    Ok(rows.len() as u64)
}

async fn append(db: &Transaction, tenant: &TenantId, block: &AuditBlock) -> Result<(), StoreError> {
    let (number, entries) = (column(block.number), column(block.entries));
    execute(
        db,
        "INSERT INTO audit_block (tenant, number, entries, at, previous, digest, hash, text)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        &[
            &tenant.as_str(),
            &number,
            &entries,
            &moment(block.at),
            &block.previous.as_slice(),
            &block.digest.as_slice(),
            &block.hash.as_slice(),
            &block.text,
        ],
    )
    .await?;
    execute(
        db,
        "INSERT INTO audit_head (tenant, number, entries, hash) VALUES ($1, $2, $3, $4)
         ON CONFLICT (tenant) DO UPDATE
         SET number = excluded.number, entries = excluded.entries, hash = excluded.hash",
        &[&tenant.as_str(), &number, &entries, &block.hash.as_slice()],
    )
    .await
    .map(|_| ())
}

async fn head(db: &Transaction, tenant: &TenantId) -> Result<Option<AuditHead>, StoreError> {
    let find = "SELECT tenant, number, entries, hash FROM audit_head WHERE tenant = $1";
    let found = query_opt(db, find, &[&tenant.as_str()]).await?;
    found.map(|row| Ok(read_head(&row)?.1)).transpose()
}

async fn heads(db: &Transaction) -> Result<Vec<(TenantId, AuditHead)>, StoreError> {
    let find = "SELECT tenant, number, entries, hash FROM audit_head ORDER BY tenant";
    query(db, find, &[]).await?.iter().map(read_head).collect()
}

async fn blocks(
    db: &Transaction,
    tenant: &TenantId,
    after: u64,
    limit: u16,
) -> Result<Vec<AuditBlock>, StoreError> {
    let rows = query(
        db,
        "SELECT number, entries, at, previous, digest, hash, text FROM audit_block
         WHERE tenant = $1 AND number > $2 ORDER BY number LIMIT $3",
        &[&tenant.as_str(), &column(after), &i64::from(limit)],
    )
    .await?;
    let block = |row: &Row| {
        Ok(AuditBlock {
            number: read_number(row, 0)?,
            entries: read_number(row, 1)?,
            at: read_moment(row, 2)?,
            previous: read_bytes(row, 3)?,
            digest: read_bytes(row, 4)?,
            hash: read_bytes(row, 5)?,
            text: read(row, 6)?,
        })
    };
    rows.iter().map(block).collect()
}

async fn notes(db: &Transaction, tenant: &TenantId) -> Result<Vec<AuditEntry>, StoreError> {
    let find = "SELECT line FROM audit_note WHERE tenant = $1 ORDER BY ordinal";
    let rows = query(db, find, &[&tenant.as_str()]).await?;
    rows.iter().map(|row| AuditEntry::read(read(row, 0)?)).collect()
}

async fn shred(db: &Transaction, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
    execute(
        db,
        "UPDATE audit_block SET text = NULL WHERE text IS NOT NULL AND at <= $1 AND ctid = ANY (ARRAY(
             SELECT ctid FROM audit_block WHERE text IS NOT NULL AND at <= $1
             ORDER BY at LIMIT $2))",
        &[&moment(before), &i64::from(limit)],
    )
    .await
}

fn read_head(row: &Row) -> Result<(TenantId, AuditHead), StoreError> {
    let head = AuditHead {
        number: read_number(row, 1)?,
        entries: read_number(row, 2)?,
        hash: read_bytes(row, 3)?,
    };
    Ok((parse(read(row, 0)?)?, head))
}

fn parse(tenant: &str) -> Result<TenantId, StoreError> {
    tenant.parse().map_err(|_| StoreError::Corrupt { what: "the name of a tenant" })
}

/// A counter as a column; it never gets further.
fn column(counter: u64) -> i64 {
    i64::try_from(counter).unwrap_or(i64::MAX)
}

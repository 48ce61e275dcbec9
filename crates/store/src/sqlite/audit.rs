//! The statements over the audit chain, and its reading where nobody serves the store.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

use super::SqliteStore;
use super::backup::{BackupError, look};
use super::columns::{moment, read, read_moment, to_moment};
use super::fault::fault;
use super::sessions::execute;
use super::statuses::number;
use crate::{AuditBlock, AuditEntry, AuditHead, AuditStore, AuditTrail, StoreError, TenantId};

#[async_trait]
impl AuditTrail for SqliteStore {
    async fn audit_heads(&self) -> Result<Vec<(TenantId, AuditHead)>, StoreError> {
        self.parts.readers.read(heads)
    }

    async fn audit_blocks(
        &self,
        tenant: &TenantId,
        after: u64,
        limit: u16,
    ) -> Result<Vec<AuditBlock>, StoreError> {
        self.parts.readers.read(|db| blocks(db, tenant, after, limit))
    }

    async fn audit_notes(&self, tenant: &TenantId) -> Result<Vec<AuditEntry>, StoreError> {
        self.parts.readers.read(|db| notes(db, tenant))
    }
}

#[async_trait]
impl AuditStore for SqliteStore {
    async fn link_audit(&self, limit: u32) -> Result<u64, StoreError> {
        self.parts.writer.write(move |db| link(db, limit)).await
    }

    async fn shred_audit(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.parts.writer.write(move |db| shred(db, before, limit)).await
    }
}

/// The chains of a store that another process may have open, for whoever only reads.
pub struct AuditFile(Mutex<Connection>);

impl AuditFile {
    /// Opens a file without touching it.
    ///
    /// # Errors
    /// [`BackupError::Open`] for a file of another program or of a newer Lanyard, and what else is wrong with it.
    pub fn open(file: &Path) -> Result<Self, BackupError> {
        Ok(Self(Mutex::new(look(file)?)))
    }

    fn read<T>(&self, work: impl FnOnce(&Connection) -> T) -> T {
        work(&self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

#[async_trait]
impl AuditTrail for AuditFile {
    async fn audit_heads(&self) -> Result<Vec<(TenantId, AuditHead)>, StoreError> {
        self.read(heads)
    }

    async fn audit_blocks(
        &self,
        tenant: &TenantId,
        after: u64,
        limit: u16,
    ) -> Result<Vec<AuditBlock>, StoreError> {
        self.read(|db| blocks(db, tenant, after, limit))
    }

    async fn audit_notes(&self, tenant: &TenantId) -> Result<Vec<AuditEntry>, StoreError> {
        self.read(|db| notes(db, tenant))
    }
}

/// Notes what the transaction does.
pub(super) fn note(
    db: &Connection,
    tenant: &TenantId,
    entry: &AuditEntry,
) -> Result<(), StoreError> {
    let noted = params![tenant.as_str(), moment(entry.at), entry.line()];
    execute(db, "INSERT INTO audit_note (tenant, at, line) VALUES (?1, ?2, ?3)", noted).map(|_| ())
}

/// Notes something that is about every tenant, for those that have a chain.
pub(super) fn note_for_all(db: &Connection, entry: &AuditEntry) -> Result<(), StoreError> {
    let noted = params![moment(entry.at), entry.line()];
    let all = "INSERT INTO audit_note (tenant, at, line)
               SELECT tenant, ?1, ?2 FROM audit_head
               UNION SELECT tenant, ?1, ?2 FROM audit_note";
    execute(db, all, noted).map(|_| ())
}

fn link(db: &Connection, limit: u32) -> Result<u64, StoreError> {
    let mut statement = db
        .prepare_cached(
            "SELECT ordinal, tenant, at, line FROM audit_note ORDER BY ordinal LIMIT ?1",
        )
        .map_err(fault)?;
    let mut rows = statement.query([limit]).map_err(fault)?;
    let mut noted: BTreeMap<String, (i64, Vec<String>)> = BTreeMap::new();
    let (mut last, mut linked) = (0, 0);
    while let Some(row) = rows.next().map_err(fault)? {
        last = read::<i64>(row, 0)?;
        let (at, lines) = noted.entry(read(row, 1)?).or_insert((i64::MIN, Vec::new()));
        *at = (*at).max(read(row, 2)?);
        lines.push(read(row, 3)?);
        linked += 1;
    }
    for (tenant, (at, lines)) in noted {
        let tenant = parse(&tenant)?;
        let head = head(db, &tenant)?.unwrap_or(AuditHead::BEFORE);
        append(db, &tenant, &AuditBlock::after(&head, &tenant, &lines, to_moment(at)?))?;
    }
    execute(db, "DELETE FROM audit_note WHERE ordinal <= ?1", [last])?;
    Ok(linked)
}

fn append(db: &Connection, tenant: &TenantId, block: &AuditBlock) -> Result<(), StoreError> {
    let (number, entries) = (column(block.number), column(block.entries));
    execute(
        db,
        "INSERT INTO audit_block (tenant, number, entries, at, previous, digest, hash, text)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            tenant.as_str(),
            number,
            entries,
            moment(block.at),
            block.previous,
            block.digest,
            block.hash,
            block.text
        ],
    )?;
    execute(
        db,
        "INSERT INTO audit_head (tenant, number, entries, hash) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (tenant) DO UPDATE
         SET number = excluded.number, entries = excluded.entries, hash = excluded.hash",
        params![tenant.as_str(), number, entries, block.hash],
    )
    .map(|_| ())
}

fn head(db: &Connection, tenant: &TenantId) -> Result<Option<AuditHead>, StoreError> {
    let mut statement = db
        .prepare_cached("SELECT tenant, number, entries, hash FROM audit_head WHERE tenant = ?1")
        .map_err(fault)?;
    let mut rows = statement.query([tenant.as_str()]).map_err(fault)?;
    rows.next().map_err(fault)?.map(|row| Ok(read_head(row)?.1)).transpose()
}

fn heads(db: &Connection) -> Result<Vec<(TenantId, AuditHead)>, StoreError> {
    let mut statement = db
        .prepare_cached("SELECT tenant, number, entries, hash FROM audit_head ORDER BY tenant")
        .map_err(fault)?;
    let mut rows = statement.query([]).map_err(fault)?;
    let mut heads = Vec::new();
    while let Some(row) = rows.next().map_err(fault)? {
        heads.push(read_head(row)?);
    }
    Ok(heads)
}

fn blocks(
    db: &Connection,
    tenant: &TenantId,
    after: u64,
    limit: u16,
) -> Result<Vec<AuditBlock>, StoreError> {
    let mut statement = db
        .prepare_cached(
            "SELECT number, entries, at, previous, digest, hash, text FROM audit_block
             WHERE tenant = ?1 AND number > ?2 ORDER BY number LIMIT ?3",
        )
        .map_err(fault)?;
    let mut rows =
        statement.query(params![tenant.as_str(), column(after), limit]).map_err(fault)?;
    let mut blocks = Vec::new();
    while let Some(row) = rows.next().map_err(fault)? {
        blocks.push(AuditBlock {
            number: number(read(row, 0)?)?,
            entries: number(read(row, 1)?)?,
            at: read_moment(row, 2)?,
            previous: read(row, 3)?,
            digest: read(row, 4)?,
            hash: read(row, 5)?,
            text: read(row, 6)?,
        });
    }
    Ok(blocks)
}

fn notes(db: &Connection, tenant: &TenantId) -> Result<Vec<AuditEntry>, StoreError> {
    let mut statement = db
        .prepare_cached("SELECT line FROM audit_note WHERE tenant = ?1 ORDER BY ordinal")
        .map_err(fault)?;
    let mut rows = statement.query([tenant.as_str()]).map_err(fault)?;
    let mut notes = Vec::new();
    while let Some(row) = rows.next().map_err(fault)? {
        notes.push(AuditEntry::read(&read::<String>(row, 0)?)?);
    }
    Ok(notes)
}

fn shred(db: &Connection, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
    let shredded = execute(
        db,
        "UPDATE audit_block SET text = NULL WHERE ordinal IN (
             SELECT ordinal FROM audit_block WHERE text IS NOT NULL AND at <= ?1
             ORDER BY at LIMIT ?2)",
        params![moment(before), limit],
    )?;
    Ok(shredded as u64)
}

fn read_head(row: &Row<'_>) -> Result<(TenantId, AuditHead), StoreError> {
    let head = AuditHead {
        number: number(read(row, 1)?)?,
        entries: number(read(row, 2)?)?,
        hash: read(row, 3)?,
    };
    Ok((parse(&read::<String>(row, 0)?)?, head))
}

fn parse(tenant: &str) -> Result<TenantId, StoreError> {
    tenant.parse().map_err(|_| StoreError::Corrupt { what: "the name of a tenant" })
}

/// A counter as a column; it never gets further.
fn column(counter: u64) -> i64 {
    i64::try_from(counter).unwrap_or(i64::MAX)
}

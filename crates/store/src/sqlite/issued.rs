//! The statements over the record of issued credentials.

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Params, Row, params};

use super::audit;
use super::columns::{moment, read, read_moment, to_moment};
use super::fault::fault;
use super::sessions::execute;
use super::{SqliteStore, calls, statuses};
use crate::{
    AuditEntry, CallAnswer, CredentialId, IssuedFilter, IssuedPage, IssuedRecord, IssuedStore,
    NewStatus, Page, SessionId, StoreError, SubjectRef, TenantId,
};

#[async_trait]
impl IssuedStore for SqliteStore {
    async fn issued(
        &self,
        tenant: &TenantId,
        credential: CredentialId,
    ) -> Result<Option<IssuedRecord>, StoreError> {
        self.parts.readers.read(|db| one(db, tenant, credential))
    }

    async fn issued_in(
        &self,
        tenant: &TenantId,
        session: SessionId,
    ) -> Result<Vec<IssuedRecord>, StoreError> {
        self.parts.readers.read(|db| of_session(db, tenant, session))
    }

    async fn list_issued(
        &self,
        tenant: &TenantId,
        filter: &IssuedFilter,
        page: IssuedPage,
    ) -> Result<Vec<IssuedRecord>, StoreError> {
        self.parts.readers.read(|db| list(db, tenant, filter, page))
    }

    async fn record_issued(
        &self,
        tenant: &TenantId,
        issued: IssuedRecord,
        new: Vec<NewStatus>,
        call: Option<CallAnswer>,
    ) -> Result<(), StoreError> {
        let tenant = tenant.clone();
        let write = move |db: &rusqlite::Connection| {
            calls::answer(db, &tenant, call.as_ref())?;
            record(db, &tenant, std::slice::from_ref(&issued))?;
            statuses::add(db, &tenant, &new)
        };
        self.parts.writer.write(write).await
    }

    async fn purge_issued(&self, expired_before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.parts.writer.write(move |db| purge(db, expired_before, limit)).await
    }
}

pub(super) fn record(
    db: &Connection,
    tenant: &TenantId,
    records: &[IssuedRecord],
) -> Result<(), StoreError> {
    for record in records {
        let recorded = execute(
            db,
            "INSERT INTO issued (tenant, credential, configuration, issued_at, expires_at, session,
                                 subject)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, coalesce(
                 (SELECT subject FROM session WHERE tenant = ?1 AND id = ?6), ?7))
             ON CONFLICT (tenant, credential) DO NOTHING",
            params![
                tenant.as_str(),
                record.credential.as_bytes(),
                record.configuration,
                moment(record.issued_at),
                record.expires_at.map(moment),
                record.session.as_bytes(),
                record.subject.as_ref().map(SubjectRef::as_bytes)
            ],
        )?;
        if recorded == 0 {
            return Err(StoreError::DuplicateCredential);
        }
        audit::note(db, tenant, &AuditEntry::issued(record))?;
    }
    Ok(())
}

fn one(
    db: &Connection,
    tenant: &TenantId,
    credential: CredentialId,
) -> Result<Option<IssuedRecord>, StoreError> {
    let records = query(
        db,
        "SELECT credential, configuration, issued_at, expires_at, session, subject FROM issued
         WHERE tenant = ?1 AND credential = ?2",
        params![tenant.as_str(), credential.as_bytes()],
    )?;
    Ok(records.into_iter().next())
}

fn of_session(
    db: &Connection,
    tenant: &TenantId,
    session: SessionId,
) -> Result<Vec<IssuedRecord>, StoreError> {
    query(
        db,
        "SELECT credential, configuration, issued_at, expires_at, session, subject FROM issued
         WHERE tenant = ?1 AND session = ?2 ORDER BY credential",
        params![tenant.as_str(), session.as_bytes()],
    )
}

/// A page of what a tenant issued, the newest first.
///
/// No index has all of a tenant in the order of a list, as each costs every issuance a page: those of its
/// configurations are put together.
fn list(
    db: &Connection,
    tenant: &TenantId,
    filter: &IssuedFilter,
    page: IssuedPage,
) -> Result<Vec<IssuedRecord>, StoreError> {
    let limit = page.limit.min(Page::LARGEST);
    let newest = page.before.unwrap_or(CredentialId::from_bytes([0xff; 16]));
    let is_first = page.before.is_none();
    if let Some(subject) = &filter.subject {
        return query(
            db,
            "SELECT credential, configuration, issued_at, expires_at, session, subject FROM issued
             WHERE tenant = ?1 AND subject = ?5 AND credential <= ?2 AND (?3 OR credential < ?2)
               AND (?6 IS NULL OR configuration = ?6)
             ORDER BY credential DESC LIMIT ?4",
            params![
                tenant.as_str(),
                newest.as_bytes(),
                is_first,
                limit,
                subject.as_bytes(),
                filter.configuration
            ],
        );
    }
    let configurations = match &filter.configuration {
        Some(configuration) => vec![configuration.clone()],
        None => configurations(db, tenant)?,
    };
    let mut records = Vec::new();
    for configuration in configurations {
        records.extend(query(
            db,
            "SELECT credential, configuration, issued_at, expires_at, session, subject FROM issued
             WHERE tenant = ?1 AND configuration = ?5 AND credential <= ?2
               AND (?3 OR credential < ?2)
             ORDER BY credential DESC LIMIT ?4",
            params![tenant.as_str(), newest.as_bytes(), is_first, limit, configuration],
        )?);
    }
    records.sort_unstable_by_key(|record| std::cmp::Reverse(record.credential));
    records.truncate(limit.into());
    Ok(records)
}

/// What a tenant has issued credentials of: an index is asked for one after the other.
fn configurations(db: &Connection, tenant: &TenantId) -> Result<Vec<String>, StoreError> {
    let mut statement = db
        .prepare_cached(
            "SELECT configuration FROM issued WHERE tenant = ?1 AND configuration > ?2
             ORDER BY configuration LIMIT 1",
        )
        .map_err(fault)?;
    // no configuration has an empty name
    let mut found: Vec<String> = Vec::new();
    loop {
        let after = params![tenant.as_str(), found.last().map_or("", String::as_str)];
        match statement.query_row(after, |row| row.get(0)).optional().map_err(fault)? {
            Some(next) => found.push(next),
            None => return Ok(found),
        }
    }
}

/// Housekeeping over all tenants: the one statement here that names none.
fn purge(db: &Connection, expired_before: Timestamp, limit: u32) -> Result<u64, StoreError> {
    // the statuses and what became of them go first: they are found by the records
    for table in ["status", "status_change"] {
        execute(
            db,
            &format!(
                "DELETE FROM {table} WHERE (tenant, credential) IN (
                     SELECT tenant, credential FROM issued
                     WHERE expires_at IS NOT NULL AND expires_at <= ?1
                     ORDER BY expires_at, credential LIMIT ?2)"
            ),
            params![moment(expired_before), limit],
        )?;
    }
    let purged = execute(
        db,
        "DELETE FROM issued WHERE ordinal IN (
             SELECT ordinal FROM issued WHERE expires_at IS NOT NULL AND expires_at <= ?1
             ORDER BY expires_at, credential LIMIT ?2)",
        params![moment(expired_before), limit],
    )?;
    Ok(purged as u64)
}

fn query(db: &Connection, sql: &str, params: impl Params) -> Result<Vec<IssuedRecord>, StoreError> {
    let mut statement = db.prepare_cached(sql).map_err(fault)?;
    let mut rows = statement.query(params).map_err(fault)?;
    let mut records = Vec::new();
    while let Some(row) = rows.next().map_err(fault)? {
        records.push(read_record(row)?);
    }
    Ok(records)
}

fn read_record(row: &Row<'_>) -> Result<IssuedRecord, StoreError> {
    Ok(IssuedRecord {
        credential: CredentialId::from_bytes(read(row, 0)?),
        configuration: read(row, 1)?,
        issued_at: read_moment(row, 2)?,
        expires_at: read::<Option<i64>>(row, 3)?.map(to_moment).transpose()?,
        session: SessionId::from_bytes(read(row, 4)?),
        subject: read::<Option<[u8; 32]>>(row, 5)?.map(SubjectRef::new),
    })
}

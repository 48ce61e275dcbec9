//! The statements over the record of issued credentials.

use async_trait::async_trait;
use jiff::Timestamp;
use tokio_postgres::Row;

use super::columns::{
    Params, execute, moment, query, query_opt, read, read_bytes, read_bytes_opt, read_moment,
    read_number, text, to_moment,
};
use super::within::Transaction;
use super::{PostgresStore, calls, statuses};
use crate::{
    AuditEntry, CallAnswer, CredentialId, IssuedFilter, IssuedPage, IssuedRecord, IssuedStore,
    NewStatus, Page, SessionId, StoreError, SubjectRef, TenantId,
};

#[async_trait]
impl IssuedStore for PostgresStore {
    async fn issued(
        &self,
        tenant: &TenantId,
        credential: CredentialId,
    ) -> Result<Option<IssuedRecord>, StoreError> {
        let db = self.of(tenant).await?;
        let found = one(&db, tenant, credential).await?;
        db.done(found).await
    }

    async fn issued_in(
        &self,
        tenant: &TenantId,
        session: SessionId,
    ) -> Result<Vec<IssuedRecord>, StoreError> {
        let db = self.of(tenant).await?;
        let found = of_session(&db, tenant, session).await?;
        db.done(found).await
    }

    async fn list_issued(
        &self,
        tenant: &TenantId,
        filter: &IssuedFilter,
        page: IssuedPage,
    ) -> Result<Vec<IssuedRecord>, StoreError> {
        let db = self.of(tenant).await?;
        let found = list(&db, tenant, filter, page).await?;
        db.done(found).await
    }

    async fn record_issued(
        &self,
        tenant: &TenantId,
        issued: IssuedRecord,
        new: Vec<NewStatus>,
        call: Option<CallAnswer>,
    ) -> Result<(), StoreError> {
        let db = self.of(tenant).await?;
        calls::answer(&db, tenant, call.as_ref()).await?;
        record(&db, tenant, std::slice::from_ref(&issued)).await?;
        statuses::add(&db, tenant, &new).await?;
        db.commit().await
    }

    async fn purge_issued(&self, expired_before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let Some(db) = self.of_all_alone("issued").await? else { return Ok(0) };
        let done = purge(&db, expired_before, limit).await?;
        db.done(done).await
    }
}

pub(super) async fn record(
    db: &Transaction,
    tenant: &TenantId,
    records: &[IssuedRecord],
) -> Result<(), StoreError> {
    for record in records {
        let entry = AuditEntry::issued(record);
        // one round trip for both: where the record is refused, the transaction and with it the note come to nothing
        let recorded = execute(
            db,
            "WITH noted AS (INSERT INTO audit_note (tenant, at, line) VALUES ($1, $8, $9))
             INSERT INTO issued (tenant, credential, configuration, issued_at, expires_at, session,
                                 subject)
             VALUES ($1, $2, $3, $4, $5, $6, coalesce(
                 (SELECT subject FROM session WHERE tenant = $1 AND id = $6), $7::bytea))
             ON CONFLICT (tenant, credential) DO NOTHING",
            &[
                &tenant.as_str(),
                &record.credential.as_bytes().as_slice(),
                &record.configuration.as_bytes(),
                &moment(record.issued_at),
                &record.expires_at.map(moment),
                &record.session.as_bytes().as_slice(),
                &record.subject.as_ref().map(|subject| subject.as_bytes().as_slice()),
                &moment(entry.at),
                &entry.line(),
            ],
        )
        .await?;
        if recorded == 0 {
            return Err(StoreError::DuplicateCredential);
        }
    }
    Ok(())
}

async fn one(
    db: &Transaction,
    tenant: &TenantId,
    credential: CredentialId,
) -> Result<Option<IssuedRecord>, StoreError> {
    let records = records(
        db,
        "SELECT credential, configuration, issued_at, expires_at, session, subject FROM issued
         WHERE tenant = $1 AND credential = $2",
        &[&tenant.as_str(), &credential.as_bytes().as_slice()],
    )
    .await?;
    Ok(records.into_iter().next())
}

async fn of_session(
    db: &Transaction,
    tenant: &TenantId,
    session: SessionId,
) -> Result<Vec<IssuedRecord>, StoreError> {
    records(
        db,
        "SELECT credential, configuration, issued_at, expires_at, session, subject FROM issued
         WHERE tenant = $1 AND session = $2 ORDER BY credential",
        &[&tenant.as_str(), &session.as_bytes().as_slice()],
    )
    .await
}

async fn list(
    db: &Transaction,
    tenant: &TenantId,
    filter: &IssuedFilter,
    page: IssuedPage,
) -> Result<Vec<IssuedRecord>, StoreError> {
    let newest = page.before.unwrap_or(CredentialId::from_bytes([0xff; 16]));
    records(
        db,
        "SELECT credential, configuration, issued_at, expires_at, session, subject FROM issued
         WHERE tenant = $1 AND credential <= $2 AND ($3::boolean OR credential < $2)
           AND ($5::bytea IS NULL OR subject = $5)
           AND ($6::bytea IS NULL OR configuration = $6)
         ORDER BY credential DESC LIMIT $4",
        &[
            &tenant.as_str(),
            &newest.as_bytes().as_slice(),
            &page.before.is_none(),
            &i64::from(page.limit.min(Page::LARGEST)),
            &filter.subject.as_ref().map(|subject| subject.as_bytes().as_slice()),
            &filter.configuration.as_ref().map(String::as_bytes),
        ],
    )
    .await
}

/// Housekeeping over all tenants: the one statement here that names none.
async fn purge(db: &Transaction, expired_before: Timestamp, limit: u32) -> Result<u64, StoreError> {
    // one statement, so that the statuses that go are those of the records that go
    let purged = query_opt(
        db,
        "WITH gone AS (
             DELETE FROM issued WHERE expires_at <= $1 AND ctid = ANY (ARRAY(
                 SELECT ctid FROM issued
                 WHERE expires_at IS NOT NULL AND expires_at <= $1
                 ORDER BY expires_at, credential LIMIT $2))
             RETURNING tenant, credential),
         statuses AS (
             DELETE FROM status USING gone
             WHERE status.tenant = gone.tenant AND status.credential = gone.credential),
         changes AS (
             DELETE FROM status_change USING gone
             WHERE status_change.tenant = gone.tenant AND status_change.credential = gone.credential)
         SELECT count(*) FROM gone",
        &[&moment(expired_before), &i64::from(limit)],
    )
    .await?;
    purged.map_or(Ok(0), |row| read_number(&row, 0))
}

async fn records(
    db: &Transaction,
    sql: &str,
    params: Params<'_>,
) -> Result<Vec<IssuedRecord>, StoreError> {
    query(db, sql, params).await?.iter().map(read_record).collect()
}

fn read_record(row: &Row) -> Result<IssuedRecord, StoreError> {
    Ok(IssuedRecord {
        credential: CredentialId::from_bytes(read_bytes(row, 0)?),
        configuration: text(read(row, 1)?)?,
        issued_at: read_moment(row, 2)?,
        expires_at: read::<Option<i64>>(row, 3)?.map(to_moment).transpose()?,
        session: SessionId::from_bytes(read_bytes(row, 4)?),
        subject: read_bytes_opt(row, 5)?.map(SubjectRef::new),
    })
}

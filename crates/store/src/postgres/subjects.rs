//! The statements that forget what is known about a subject.

use std::collections::BTreeSet;

use async_trait::async_trait;
use jiff::Timestamp;

use super::PostgresStore;
use super::columns::{execute, query, read_bytes};
use super::within::Transaction;
use super::{audit, statuses};
use crate::{
    AuditEntry, CredentialId, CredentialStatus, Erased, Heralded, SessionId, StatusChange,
    StatusNote, StoreError, SubjectRef, SubjectStore, TenantId,
};

#[async_trait]
impl SubjectStore for PostgresStore {
    async fn erase_subject(
        &self,
        tenant: &TenantId,
        subject: SubjectRef,
        now: Timestamp,
    ) -> Result<Erased, StoreError> {
        let db = self.of(tenant).await?;
        let done = erase(&db, tenant, subject, now, &self.herald).await?;
        db.done(done).await
    }
}

async fn erase(
    db: &Transaction,
    tenant: &TenantId,
    subject: SubjectRef,
    now: Timestamp,
    herald: &Heralded,
) -> Result<Erased, StoreError> {
    let owner = tenant.as_str();
    // locked first: a step under way is waited for, and what it issued is erased too
    let sessions =
        "SELECT id FROM session WHERE tenant = $1 AND subject = $2 ORDER BY id FOR UPDATE";
    let sessions = names(db, sessions, tenant, subject).await?;
    let credentials =
        "SELECT credential FROM issued WHERE tenant = $1 AND subject = $2 ORDER BY credential";
    let credentials = names(db, credentials, tenant, subject).await?;
    let named: Vec<_> = sessions.iter().map(<[u8; 16]>::as_slice).collect();
    let told = "DELETE FROM message WHERE tenant = $1 AND session = ANY($2)";
    let messages = execute(db, told, &[&owner, &named]).await?;
    let gone = "DELETE FROM session WHERE tenant = $1 AND id = ANY($2)";
    execute(db, gone, &[&owner, &named]).await?;
    let (revoked, lists) = revoke(db, tenant, subject, now, herald).await?;
    for credential in &credentials {
        for gone in [
            "DELETE FROM status WHERE tenant = $1 AND credential = $2",
            "DELETE FROM status_change WHERE tenant = $1 AND credential = $2",
            "DELETE FROM issued WHERE tenant = $1 AND credential = $2",
        ] {
            execute(db, gone, &[&owner, &credential.as_slice()]).await?;
        }
    }
    let erased = Erased {
        sessions: sessions.into_iter().map(SessionId::from_bytes).collect(),
        credentials: credentials.into_iter().map(CredentialId::from_bytes).collect(),
        revoked,
        lists,
        messages,
    };
    if !erased.is_nothing() {
        audit::note(db, tenant, &AuditEntry::erased(&subject, &erased, now)).await?;
    }
    Ok(erased)
}

/// Revokes what is not, and says in which lists.
async fn revoke(
    db: &Transaction,
    tenant: &TenantId,
    subject: SubjectRef,
    now: Timestamp,
    herald: &Heralded,
) -> Result<(Vec<CredentialId>, BTreeSet<u32>), StoreError> {
    let good = "SELECT DISTINCT credential FROM issued JOIN status USING (tenant, credential)
                WHERE tenant = $1 AND subject = $2 AND value <> 1 ORDER BY credential";
    let (mut revoked, mut lists) = (Vec::new(), BTreeSet::new());
    for credential in names(db, good, tenant, subject).await? {
        let credential = CredentialId::from_bytes(credential);
        let (status, mut note) = (CredentialStatus::Revoked, StatusNote::erased(now));
        herald.status_changed(tenant, credential, status, &mut note);
        if let StatusChange::Done(changed) =
            statuses::set(db, tenant, credential, status, &note).await?
        {
            revoked.push(credential);
            lists.extend(changed);
        }
    }
    Ok((revoked, lists))
}

async fn names(
    db: &Transaction,
    sql: &str,
    tenant: &TenantId,
    subject: SubjectRef,
) -> Result<Vec<[u8; 16]>, StoreError> {
    let rows = query(db, sql, &[&tenant.as_str(), &subject.as_bytes().as_slice()]).await?;
    rows.iter().map(|row| read_bytes(row, 0)).collect()
}

//! The statements that forget what is known about a subject.

use jiff::Timestamp;

use super::audit;
use super::columns::{execute, query, read_bytes};
use super::within::Transaction;
use crate::{AuditEntry, CredentialId, Erased, SessionId, StoreError, SubjectRef, TenantId};

pub(super) async fn erase(
    db: &Transaction,
    tenant: &TenantId,
    subject: SubjectRef,
    now: Timestamp,
) -> Result<Erased, StoreError> {
    let owner = tenant.as_str();
    // locked first: a step under way is waited for, and what it issued is erased too
    let sessions =
        "SELECT id FROM session WHERE tenant = $1 AND subject = $2 ORDER BY id FOR UPDATE";
    let sessions = names(db, sessions, tenant, subject).await?;
    let credentials =
        "SELECT credential FROM issued WHERE tenant = $1 AND subject = $2 ORDER BY credential";
    let credentials = names(db, credentials, tenant, subject).await?;
    let mut messages = 0;
    for session in &sessions {
        let session = session.as_slice();
        let told = "DELETE FROM message WHERE tenant = $1 AND session = $2";
        messages += execute(db, told, &[&owner, &session]).await?;
        let gone = "DELETE FROM session WHERE tenant = $1 AND id = $2";
        execute(db, gone, &[&owner, &session]).await?;
    }
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
        messages,
    };
    if !erased.is_nothing() {
        audit::note(db, tenant, &AuditEntry::erased(&subject, &erased, now)).await?;
    }
    Ok(erased)
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

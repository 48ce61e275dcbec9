//! The statements that forget what is known about a subject.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::columns::read;
use super::fault::fault;
use super::sessions::execute;
use super::{audit, statuses};
use crate::{
    AuditEntry, CredentialId, CredentialStatus, Erased, Heralded, SessionId, StatusChange,
    StatusNote, StoreError, SubjectRef, TenantId,
};

/// Forgets what is to be told, or was, of a session.
pub(super) const FORGET_MESSAGES: &str = "DELETE FROM message WHERE tenant = ?1 AND session = ?2";

pub(super) fn erase(
    db: &Connection,
    tenant: &TenantId,
    subject: SubjectRef,
    now: Timestamp,
    herald: &Heralded,
) -> Result<Erased, StoreError> {
    let sessions = "SELECT id FROM session WHERE tenant = ?1 AND subject = ?2 ORDER BY id";
    let sessions = names(db, sessions, tenant, subject)?;
    let credentials =
        "SELECT credential FROM issued WHERE tenant = ?1 AND subject = ?2 ORDER BY credential";
    let credentials = names(db, credentials, tenant, subject)?;
    let mut messages = 0;
    for session in &sessions {
        messages += execute(db, FORGET_MESSAGES, params![tenant.as_str(), session])? as u64;
        // handles and trails go with their session
        let gone = "DELETE FROM session WHERE tenant = ?1 AND id = ?2";
        execute(db, gone, params![tenant.as_str(), session])?;
    }
    let (revoked, lists) = revoke(db, tenant, subject, now, herald)?;
    for credential in &credentials {
        for gone in [
            "DELETE FROM status WHERE tenant = ?1 AND credential = ?2",
            "DELETE FROM status_change WHERE tenant = ?1 AND credential = ?2",
            "DELETE FROM issued WHERE tenant = ?1 AND credential = ?2",
        ] {
            execute(db, gone, params![tenant.as_str(), credential])?;
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
        audit::note(db, tenant, &AuditEntry::erased(&subject, &erased, now))?;
    }
    Ok(erased)
}

/// Revokes what is not, and says in which lists.
fn revoke(
    db: &Connection,
    tenant: &TenantId,
    subject: SubjectRef,
    now: Timestamp,
    herald: &Heralded,
) -> Result<(Vec<CredentialId>, BTreeSet<u32>), StoreError> {
    let good = "SELECT DISTINCT credential FROM issued JOIN status USING (tenant, credential)
                WHERE tenant = ?1 AND subject = ?2 AND value <> 1 ORDER BY credential";
    let (mut revoked, mut lists) = (Vec::new(), BTreeSet::new());
    for credential in names(db, good, tenant, subject)? {
        let credential = CredentialId::from_bytes(credential);
        let (status, mut note) = (CredentialStatus::Revoked, StatusNote::erased(now));
        herald.status_changed(tenant, credential, status, &mut note);
        if let StatusChange::Done(changed) = statuses::set(db, tenant, credential, status, &note)? {
            revoked.push(credential);
            lists.extend(changed);
        }
    }
    Ok((revoked, lists))
}

fn names(
    db: &Connection,
    sql: &str,
    tenant: &TenantId,
    subject: SubjectRef,
) -> Result<Vec<[u8; 16]>, StoreError> {
    let mut statement = db.prepare_cached(sql).map_err(fault)?;
    let mut rows = statement.query(params![tenant.as_str(), subject.as_bytes()]).map_err(fault)?;
    let mut names = Vec::new();
    while let Some(row) = rows.next().map_err(fault)? {
        names.push(read(row, 0)?);
    }
    Ok(names)
}

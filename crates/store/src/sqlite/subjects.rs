//! The statements that forget what is known about a subject.

use std::collections::BTreeSet;

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::SqliteStore;
use super::columns::read;
use super::fault::fault;
use super::sessions::execute;
use super::{audit, statuses};
use crate::{
    AuditAction, AuditEntry, AuditObject, CredentialId, CredentialStatus, Erased, Heralded,
    SessionId, StatusChange, StatusNote, StoreError, SubjectRef, SubjectStore, TenantId,
};

#[async_trait]
impl SubjectStore for SqliteStore {
    async fn erase_subject(
        &self,
        tenant: &TenantId,
        subject: SubjectRef,
        now: Timestamp,
    ) -> Result<Erased, StoreError> {
        let (name, hot) = (tenant.clone(), self.parts.hot.clone());
        let owner = name.clone();
        let herald = self.parts.herald.clone();
        let erase = move |db: &_| erase(db, &name, subject, now, &herald);
        let gone = move |erased: &Erased| {
            erased.sessions.iter().for_each(|id| hot.gone(&(owner.clone(), *id)));
        };
        self.parts.writer.write_then(erase, gone).await
    }
}

/// Forgets what is to be told, or was, of a session.
pub(super) const FORGET_MESSAGES: &str = "DELETE FROM message WHERE tenant = ?1 AND session = ?2";

fn erase(
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

/// That a subject of a tenant was erased, and when.
pub(super) type Erasure = (String, Timestamp, AuditObject);

/// The erasures that a store tells of, but for those of which the entry was shredded or cannot be read.
pub(super) fn erasures(db: &Connection) -> Result<BTreeSet<Erasure>, StoreError> {
    let noted = "SELECT tenant, line FROM audit_note
                 UNION ALL SELECT tenant, text FROM audit_block WHERE text IS NOT NULL";
    let mut statement = db.prepare_cached(noted).map_err(fault)?;
    let mut rows = statement.query([]).map_err(fault)?;
    let mut erasures = BTreeSet::new();
    while let Some(row) = rows.next().map_err(fault)? {
        let (tenant, lines): (String, String) = (read(row, 0)?, read(row, 1)?);
        let entries = lines.lines().filter_map(|line| AuditEntry::read(line).ok());
        let erased = entries.filter(|entry| entry.action == AuditAction::SubjectErased);
        erasures.extend(erased.filter_map(|entry| Some((tenant.clone(), entry.at, entry.object?))));
    }
    Ok(erasures)
}

/// Erases whom another store says to have erased and this one does not, and says how many that were.
///
/// Whoever came back after an erasure that this store knows of as well stays.
pub(super) fn erase_again(
    db: &Connection,
    elsewhere: &BTreeSet<Erasure>,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let here = erasures(db)?;
    let missing: BTreeSet<_> =
        elsewhere.difference(&here).map(|(tenant, _, object)| (tenant.as_str(), *object)).collect();
    if missing.is_empty() {
        return Ok(0);
    }
    let kept = "SELECT tenant, subject FROM issued WHERE subject IS NOT NULL
                UNION SELECT tenant, subject FROM session WHERE subject IS NOT NULL";
    let mut statement = db.prepare_cached(kept).map_err(fault)?;
    let mut rows = statement.query([]).map_err(fault)?;
    let mut back = Vec::new();
    while let Some(row) = rows.next().map_err(fault)? {
        let (tenant, subject): (String, _) = (read(row, 0)?, SubjectRef::new(read(row, 1)?));
        if missing.contains(&(tenant.as_str(), AuditObject::of_subject(&subject))) {
            back.push((tenant, subject));
        }
    }
    for (tenant, subject) in &back {
        let tenant = tenant.parse();
        let tenant = tenant.map_err(|_| StoreError::Corrupt { what: "the name of a tenant" })?;
        erase(db, &tenant, *subject, now, &Heralded::default())?;
    }
    Ok(back.len() as u64)
}

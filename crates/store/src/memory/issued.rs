//! What was issued and what became of it, in memory: records, statuses, the runs of status lists.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Bound, Range};

use async_trait::async_trait;
use jiff::Timestamp;

use super::{MemoryStore, Tables, to_the_microsecond};
use crate::{
    AuditEntry, CallAnswer, CredentialId, CredentialStatus, Epoch, IssuedFilter, IssuedPage,
    IssuedRecord, IssuedStore, ListChanges, NewStatus, Page, SessionId, StatusChange, StatusChunk,
    StatusEntry, StatusNote, StatusStore, StoreError, TenantId,
};

/// The runs of a status list that were ever changed, each with the version in which it was last.
#[derive(Default)]
pub(super) struct KeptList {
    version: u64,
    chunks: BTreeMap<u32, (u64, StatusChunk)>,
}

impl KeptList {
    fn set(&mut self, index: u32, status: CredentialStatus) {
        self.version += 1;
        let number = StatusChunk::of(index);
        let chunk = self.chunks.entry(number).or_insert_with(|| (0, StatusChunk::valid(number)));
        chunk.0 = self.version;
        chunk.1.set(index, status);
    }
}

#[async_trait]
impl IssuedStore for MemoryStore {
    async fn issued(
        &self,
        tenant: &TenantId,
        credential: CredentialId,
    ) -> Result<Option<IssuedRecord>, StoreError> {
        Ok(self.open()?.issued.get(&(tenant.clone(), credential)).cloned())
    }

    async fn issued_in(
        &self,
        tenant: &TenantId,
        session: SessionId,
    ) -> Result<Vec<IssuedRecord>, StoreError> {
        let tables = self.open()?;
        let of_tenant = tables.issued.iter().filter(|((owner, _), _)| owner == tenant);
        Ok(of_tenant
            .map(|(_, record)| record)
            .filter(|record| record.session == session)
            .cloned()
            .collect())
    }

    async fn list_issued(
        &self,
        tenant: &TenantId,
        filter: &IssuedFilter,
        page: IssuedPage,
    ) -> Result<Vec<IssuedRecord>, StoreError> {
        let tables = self.open()?;
        let newest = page.before.map_or_else(
            || Bound::Included((tenant.clone(), CredentialId::from_bytes([0xff; 16]))),
            |before| Bound::Excluded((tenant.clone(), before)),
        );
        let oldest = Bound::Included((tenant.clone(), CredentialId::from_bytes([0; 16])));
        Ok(tables
            .issued
            .range((oldest, newest))
            .rev()
            .map(|(_, record)| record.clone())
            .filter(|record| filter.subject.is_none() || filter.subject == record.subject)
            .filter(|record| {
                let wanted = filter.configuration.as_ref();
                wanted.is_none_or(|wanted| *wanted == record.configuration)
            })
            .take(page.limit.min(Page::LARGEST).into())
            .collect())
    }

    async fn record_issued(
        &self,
        tenant: &TenantId,
        record: IssuedRecord,
        statuses: Vec<NewStatus>,
        call: Option<CallAnswer>,
    ) -> Result<(), StoreError> {
        let mut tables = self.open()?;
        let issued = vec![record];
        tables.refuse_recorded(tenant, &issued)?;
        tables.answer_call(tenant, call)?;
        tables.record(tenant, issued, statuses);
        Ok(())
    }

    async fn purge_issued(&self, expired_before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let mut tables = self.open()?;
        let end = to_the_microsecond(expired_before);
        let mut expired: Vec<_> = tables
            .issued
            .iter()
            .filter_map(|(key, record)| Some((record.expires_at?, key.clone())))
            .filter(|(expires_at, _)| *expires_at <= end)
            .collect();
        expired.sort_by_key(|(expires_at, (_, credential))| (*expires_at, *credential));
        expired.truncate(limit as usize);
        for (_, key) in &expired {
            tables.issued.remove(key);
            tables.forget_status(key);
        }
        Ok(expired.len() as u64)
    }
}

#[async_trait]
impl StatusStore for MemoryStore {
    async fn reserve_statuses(&self, tenant: &TenantId, count: u32) -> Result<u64, StoreError> {
        let mut tables = self.open()?;
        let reserved = tables.reserved.entry(tenant.clone()).or_default();
        let first = *reserved;
        *reserved += u64::from(count);
        Ok(first)
    }

    async fn reserved_statuses(&self, tenant: &TenantId) -> Result<Vec<Range<u64>>, StoreError> {
        let reserved = self.open()?.reserved.get(tenant).copied().unwrap_or(0);
        Ok(vec![Epoch::places(Epoch::FIRST.number, reserved, false)])
    }

    async fn set_status(
        &self,
        tenant: &TenantId,
        credential: CredentialId,
        status: CredentialStatus,
        mut note: StatusNote,
    ) -> Result<StatusChange, StoreError> {
        self.herald.status_changed(tenant, credential, status, &mut note);
        Ok(self.open()?.set_status(tenant, credential, status, note))
    }

    async fn status_history(
        &self,
        tenant: &TenantId,
        credential: CredentialId,
    ) -> Result<Vec<StatusEntry>, StoreError> {
        let history = &self.open()?.history;
        Ok(history.get(&(tenant.clone(), credential)).cloned().unwrap_or_default())
    }

    async fn status(
        &self,
        tenant: &TenantId,
        credential: CredentialId,
    ) -> Result<Option<CredentialStatus>, StoreError> {
        Ok(self.open()?.status(tenant, credential))
    }

    async fn changed_statuses(
        &self,
        tenant: &TenantId,
        list: u32,
        after: u64,
    ) -> Result<ListChanges, StoreError> {
        let tables = self.open()?;
        let Some(kept) = tables.status_lists.get(&(tenant.clone(), list)) else {
            return Ok(ListChanges::default());
        };
        let changed = kept.chunks.values().filter(|(changed_in, _)| *changed_in > after);
        let chunks = changed.map(|(_, chunk)| chunk.clone()).collect();
        Ok(ListChanges { version: kept.version, chunks })
    }
}

impl Tables {
    pub(super) fn refuse_recorded(
        &self,
        tenant: &TenantId,
        records: &[IssuedRecord],
    ) -> Result<(), StoreError> {
        let mut seen = BTreeSet::new();
        for record in records {
            let known = self.issued.contains_key(&(tenant.clone(), record.credential));
            if known || !seen.insert(record.credential) {
                return Err(StoreError::DuplicateCredential);
            }
        }
        Ok(())
    }

    pub(super) fn record(
        &mut self,
        tenant: &TenantId,
        issued: Vec<IssuedRecord>,
        statuses: Vec<NewStatus>,
    ) {
        for mut record in issued {
            record.issued_at = to_the_microsecond(record.issued_at);
            record.expires_at = record.expires_at.map(to_the_microsecond);
            let session = self.sessions.get(&(tenant.clone(), record.session));
            record.subject = session.and_then(|kept| kept.subject).or(record.subject);
            self.audit.note(tenant, AuditEntry::issued(&record));
            self.issued.insert((tenant.clone(), record.credential), record);
        }
        for NewStatus { credential, place, is_suspendable } in statuses {
            if !is_suspendable {
                self.not_suspendable.insert((tenant.clone(), credential));
            }
            let valid = (credential, CredentialStatus::Valid);
            self.statuses.insert((tenant.clone(), place), valid);
        }
    }

    pub(super) fn set_status(
        &mut self,
        tenant: &TenantId,
        credential: CredentialId,
        status: CredentialStatus,
        note: StatusNote,
    ) -> StatusChange {
        match self.status(tenant, credential) {
            None => return StatusChange::Absent,
            Some(now) if now == status => return StatusChange::Done(BTreeSet::new()),
            Some(CredentialStatus::Revoked) => return StatusChange::Final,
            Some(_) if status == CredentialStatus::Suspended => {
                if self.not_suspendable.contains(&(tenant.clone(), credential)) {
                    return StatusChange::NotSuspendable;
                }
            }
            Some(_) => {}
        }
        let mut lists = BTreeSet::new();
        for ((owner, place), (of, now)) in &mut self.statuses {
            if owner == tenant && *of == credential {
                *now = status;
                lists.insert(place.list);
                let list = self.status_lists.entry((tenant.clone(), place.list)).or_default();
                list.set(place.index, status);
            }
        }
        let StatusNote { at, reason, messages } = note;
        let entry = StatusEntry { at: to_the_microsecond(at), status, reason };
        self.history.entry((tenant.clone(), credential)).or_default().push(entry);
        self.audit.note(tenant, AuditEntry::status(credential, status, at));
        self.tell(tenant, messages);
        StatusChange::Done(lists)
    }

    pub(super) fn status(
        &self,
        tenant: &TenantId,
        credential: CredentialId,
    ) -> Option<CredentialStatus> {
        let mut all = self.statuses.iter();
        let found = all.find(|((owner, _), (of, _))| owner == tenant && *of == credential);
        found.map(|(_, (_, status))| *status)
    }

    pub(super) fn forget_status(&mut self, key: &(TenantId, CredentialId)) {
        let (tenant, credential) = key;
        self.statuses.retain(|(owner, _), (of, _)| owner != tenant || of != credential);
        self.not_suspendable.remove(key);
        self.history.remove(key);
    }
}

//! The audit chain, in memory.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;

use super::{MemoryStore, to_the_microsecond};
use crate::{AuditBlock, AuditEntry, AuditHead, AuditStore, AuditTrail, StoreError, TenantId};

/// What was noted, and what is linked.
#[derive(Default)]
pub(super) struct KeptAudit {
    notes: Vec<(TenantId, AuditEntry)>,
    chains: BTreeMap<TenantId, Vec<AuditBlock>>,
}

impl KeptAudit {
    pub(super) fn note(&mut self, tenant: &TenantId, mut entry: AuditEntry) {
        entry.at = to_the_microsecond(entry.at);
        self.notes.push((tenant.clone(), entry));
    }

    pub(super) fn unlinked(&self) -> usize {
        self.notes.len()
    }
}

#[async_trait]
impl AuditTrail for MemoryStore {
    async fn audit_heads(&self) -> Result<Vec<(TenantId, AuditHead)>, StoreError> {
        let tables = self.open()?;
        let last = |(tenant, blocks): (&TenantId, &Vec<AuditBlock>)| {
            blocks.last().map(|block| (tenant.clone(), block.head()))
        };
        Ok(tables.audit.chains.iter().filter_map(last).collect())
    }

    async fn audit_blocks(
        &self,
        tenant: &TenantId,
        after: u64,
        limit: u16,
    ) -> Result<Vec<AuditBlock>, StoreError> {
        let tables = self.open()?;
        let blocks = tables.audit.chains.get(tenant).into_iter().flatten();
        let wanted = blocks.filter(|block| block.number > after).take(limit.into());
        Ok(wanted.cloned().collect())
    }

    async fn audit_notes(&self, tenant: &TenantId) -> Result<Vec<AuditEntry>, StoreError> {
        let tables = self.open()?;
        let notes = tables.audit.notes.iter().filter(|(owner, _)| owner == tenant);
        Ok(notes.map(|(_, entry)| entry.clone()).collect())
    }
}

#[async_trait]
impl AuditStore for MemoryStore {
    async fn link_audit(&self, limit: u32) -> Result<u64, StoreError> {
        let mut tables = self.open()?;
        let KeptAudit { notes, chains } = &mut tables.audit;
        let mut noted: BTreeMap<TenantId, Vec<AuditEntry>> = BTreeMap::new();
        let linked = notes.len().min(limit as usize);
        for (tenant, entry) in notes.drain(..linked) {
            noted.entry(tenant).or_default().push(entry);
        }
        for (tenant, entries) in noted {
            let lines: Vec<_> = entries.iter().map(AuditEntry::line).collect();
            let at = entries.iter().map(|entry| entry.at).max().unwrap_or_default();
            let chain = chains.entry(tenant.clone()).or_default();
            let head = chain.last().map_or(AuditHead::BEFORE, AuditBlock::head);
            chain.push(AuditBlock::after(&head, &tenant, &lines, at));
        }
        Ok(linked as u64)
    }

    async fn shred_audit(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let mut tables = self.open()?;
        let end = to_the_microsecond(before);
        let blocks = tables.audit.chains.values_mut().flatten();
        let old = blocks.filter(|block| block.text.is_some() && block.at <= end);
        let mut old: Vec<_> = old.collect();
        old.sort_by_key(|block| block.at);
        old.truncate(limit as usize);
        old.iter_mut().for_each(|block| block.text = None);
        Ok(old.len() as u64)
    }
}

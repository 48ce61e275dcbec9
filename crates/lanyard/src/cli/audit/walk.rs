//! A chain is gone through from its first block to its last.

use std::collections::BTreeMap;

use jiff::Timestamp;
use lanyard_core::json;
use lanyard_store::{
    AuditAction, AuditBlock, AuditEntry, AuditHead, AuditRead, AuditTrail, AuditWalk, StoreError,
    TenantId,
};
use serde_json::{Value, json};

use super::of;
use crate::audit_head::SignedHead;

/// One chain on the way from its first block to its last, held to what was said of it.
pub(super) struct Walk<'s> {
    tenant: &'s TenantId,
    /// How far it came.
    head: AuditHead,
    /// Where the store said that it ends before it was gone through; a server may have gone on since.
    kept: Option<AuditHead>,
    said: Option<&'s BTreeMap<u64, Vec<SignedHead>>>,
    /// Whether it comes past where the store said that it ends.
    passes_kept: bool,
    /// Heads that say otherwise than the chain.
    other: Vec<&'s SignedHead>,
    agreed: u64,
    shredded: u64,
    unlinked: usize,
    /// The newest epoch that the chain tells of.
    epoch: u32,
    lost: u64,
    pub(super) faults: Vec<String>,
}

impl<'s> Walk<'s> {
    pub(super) fn new(
        tenant: &'s TenantId,
        kept: Option<AuditHead>,
        said: Option<&'s BTreeMap<u64, Vec<SignedHead>>>,
    ) -> Self {
        Self {
            tenant,
            head: AuditHead { number: 0, entries: 0, hash: [0; 32] },
            kept,
            said,
            passes_kept: false,
            other: Vec::new(),
            agreed: 0,
            shredded: 0,
            unlinked: 0,
            epoch: 0,
            lost: 0,
            faults: Vec::new(),
        }
    }

    pub(super) async fn along(&mut self, trail: &dyn AuditTrail) -> Result<(), StoreError> {
        let mut walk = AuditWalk::along(trail, self.tenant);
        let notes = loop {
            match walk.next().await {
                Ok(Some(block)) => self.passed(&block),
                Ok(None) => {
                    if let Some(notes) = walk.notes().await? {
                        break notes;
                    }
                }
                Err(AuditRead::Fault { fault, .. }) => {
                    self.faults.push(fault.to_string());
                    return Ok(());
                }
                Err(AuditRead::Store(error)) => return Err(error),
            }
        };
        self.unlinked = notes.len();
        notes.iter().for_each(|note| self.restored(note));
        let end = self.head.number;
        let beyond = self.said.into_iter().flatten().filter(|(block, _)| **block > end);
        self.other.extend(beyond.flat_map(|(_, heads)| heads));
        // what was before a restore is gone, and the chain says that there was one
        let (lost, missing): (Vec<&SignedHead>, Vec<_>) =
            self.other.iter().partition(|head| head.epoch < self.epoch);
        self.lost = lost.len() as u64;
        for head in missing {
            let at = Timestamp::from_second(head.iat).unwrap_or_default();
            let block = head.block;
            self.faults.push(if block > end {
                format!("the chain ends at block {end}, and had {block} at {at}")
            } else {
                format!("block {block} is another one than at {at}")
            });
        }
        if self.faults.is_empty() && !self.passes_kept {
            self.faults.push(format!("the chain ends at block {end}, and its head is another one"));
        }
        Ok(())
    }

    fn passed(&mut self, block: &AuditBlock) {
        self.head = block.head();
        let hash = json::base64url(block.hash);
        let heads = self.said.and_then(|said| said.get(&block.number)).into_iter().flatten();
        for head in heads {
            if head.hash == hash && head.entries == block.entries {
                self.agreed += 1;
            } else {
                self.other.push(head);
            }
        }
        self.passes_kept |= self.kept == Some(block.head());
        self.shredded += u64::from(block.text.is_none());
        block.read().iter().flatten().for_each(|entry| self.restored(entry));
    }

    fn restored(&mut self, entry: &AuditEntry) {
        if entry.action != AuditAction::StoreRestored {
            return;
        }
        let number = entry.detail.as_deref().and_then(|detail| detail.strip_prefix("epoch "));
        self.epoch = number.and_then(|number| number.parse().ok()).unwrap_or(self.epoch);
    }

    pub(super) fn told(&self, heads: bool) -> String {
        let head = self.head;
        let is = if self.faults.is_empty() { "whole" } else { "not whole" };
        let (blocks, entries) = (of(head.number, "block"), of(head.entries, "entry"));
        let mut text = format!("{}: {blocks} with {entries}, {is}", self.tenant);
        if heads {
            text += &format!(", as {} say", of(self.agreed, "signed head"));
        }
        if self.lost > 0 {
            text += &format!("; {} of before a restore", of(self.lost, "head"));
        }
        if self.unlinked > 0 {
            text += &format!("; {} more are not linked yet", self.unlinked);
        }
        text
    }

    pub(super) fn json(&self) -> Value {
        let head = self.head;
        json!({
            "tenant": self.tenant.as_str(), "blocks": head.number, "entries": head.entries,
            "hash": json::base64url(head.hash), "unlinked": self.unlinked,
            "shredded_blocks": self.shredded, "heads_agreed": self.agreed,
            "heads_before_a_restore": self.lost, "is_whole": self.faults.is_empty(),
        })
    }
}

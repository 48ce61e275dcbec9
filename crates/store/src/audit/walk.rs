//! A chain is read from its first block to its last, and what is not linked yet after it.

use std::collections::VecDeque;

use super::{AuditBlock, AuditChain, AuditEntry, AuditFault, AuditHead, AuditTrail};
use crate::{StoreError, TenantId};

/// How many blocks are read at once.
const PORTION: u16 = 100;

/// One chain on the way from its first block to its last, each of them held to the one before it.
pub struct AuditWalk<'t> {
    trail: &'t dyn AuditTrail,
    tenant: &'t TenantId,
    chain: AuditChain,
    /// Blocks that were read and not passed yet.
    ahead: VecDeque<AuditBlock>,
}

/// What stands in the way of whoever reads a chain.
#[derive(Debug, thiserror::Error)]
pub enum AuditRead {
    /// A block is not what it should be. The next one is held to it as if it were.
    #[error("{fault}")]
    Fault {
        /// What is wrong with it.
        fault: AuditFault,
        /// The block.
        block: Box<AuditBlock>,
    },
    /// The store cannot answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl<'t> AuditWalk<'t> {
    /// Before the first block of a tenant's chain.
    #[must_use]
    pub fn along(trail: &'t dyn AuditTrail, tenant: &'t TenantId) -> Self {
        Self { trail, tenant, chain: AuditChain::of(tenant.clone()), ahead: VecDeque::new() }
    }

    /// Goes on to the next block; none where the chain ends for now.
    ///
    /// # Errors
    /// [`AuditRead::Fault`], after which it may be gone on, and [`AuditRead::Store`].
    pub async fn next(&mut self) -> Result<Option<AuditBlock>, AuditRead> {
        self.look_ahead().await?;
        let Some(block) = self.ahead.pop_front() else { return Ok(None) };
        match self.chain.follow(&block) {
            Ok(()) => Ok(Some(block)),
            Err(fault) => {
                self.chain.head = block.head();
                Err(AuditRead::Fault { fault, block: Box::new(block) })
            }
        }
    }

    /// What was noted after the last block; none if there are further blocks by now, which are read first.
    ///
    /// What a server links between the reading of the last block and that of the notes would be in neither.
    ///
    /// # Errors
    /// Only those of a store that cannot answer.
    pub async fn notes(&mut self) -> Result<Option<Vec<AuditEntry>>, StoreError> {
        let notes = self.trail.audit_notes(self.tenant).await?;
        self.look_ahead().await?;
        Ok(self.ahead.is_empty().then_some(notes))
    }

    /// Where it is.
    #[must_use]
    pub const fn head(&self) -> AuditHead {
        self.chain.head
    }

    async fn look_ahead(&mut self) -> Result<(), StoreError> {
        if self.ahead.is_empty() {
            let after = self.chain.head.number;
            self.ahead = self.trail.audit_blocks(self.tenant, after, PORTION).await?.into();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use jiff::Timestamp;

    use super::*;
    use crate::{AuditStore as _, MemoryStore, SecretStore as _};

    /// A store of which a server links what was noted just before somebody reads the notes.
    struct LinksMeanwhile(MemoryStore);

    #[async_trait]
    impl AuditTrail for LinksMeanwhile {
        async fn audit_heads(&self) -> Result<Vec<(TenantId, AuditHead)>, StoreError> {
            self.0.audit_heads().await
        }

        async fn audit_blocks(
            &self,
            tenant: &TenantId,
            after: u64,
            limit: u16,
        ) -> Result<Vec<AuditBlock>, StoreError> {
            self.0.audit_blocks(tenant, after, limit).await
        }

        async fn audit_notes(&self, tenant: &TenantId) -> Result<Vec<AuditEntry>, StoreError> {
            self.0.link_audit(99).await?;
            self.0.audit_notes(tenant).await
        }
    }

    async fn note(store: &MemoryStore, tenant: &TenantId, n: u32) {
        let name = format!("key-{n}").parse().unwrap();
        let put = store.put_secret(tenant, &name, None, Vec::new(), Timestamp::UNIX_EPOCH).await;
        assert!(put.is_ok());
    }

    async fn walked(trail: &dyn AuditTrail, tenant: &TenantId) -> usize {
        let (mut walk, mut entries) = (AuditWalk::along(trail, tenant), 0);
        loop {
            while let Some(block) = walk.next().await.unwrap() {
                entries += block.read().unwrap().len();
            }
            if let Some(notes) = walk.notes().await.unwrap() {
                return entries + notes.len();
            }
        }
    }

    #[tokio::test]
    async fn a_chain_that_is_read_in_portions_is_read_to_its_end() {
        let (store, tenant) = (MemoryStore::new(), "demo".parse().unwrap());
        for n in 0..u32::from(PORTION) + 1 {
            note(&store, &tenant, n).await;
            store.link_audit(1).await.unwrap();
        }
        note(&store, &tenant, 999).await;
        assert_eq!(walked(&store, &tenant).await, usize::from(PORTION) + 2);
    }

    #[tokio::test]
    async fn what_is_linked_between_the_last_block_and_the_notes_is_read() {
        let (store, tenant) = (LinksMeanwhile(MemoryStore::new()), "demo".parse().unwrap());
        note(&store.0, &tenant, 1).await;
        store.0.link_audit(1).await.unwrap();
        note(&store.0, &tenant, 2).await;
        assert_eq!(walked(&store, &tenant).await, 2);
    }
}

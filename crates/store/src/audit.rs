//! What happened to credentials and to what is sealed, in a chain for each tenant: whoever changes, removes or
//! reorders anything in it is found out.
//!
//! A store notes by itself what was issued, what became of it, and what was sealed or erased, in the transaction
//! that does it. [`AuditStore::link_audit`] puts notes into blocks, each of which holds the hash of the one before.
//! No claim is in it, and credentials and subjects are in it as digests: once their records are gone, nothing leads
//! from here to anybody. ADR 24.

use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

mod walk;

pub use walk::{AuditRead, AuditWalk};

use crate::id::parse_hex;
use crate::moment::of_microseconds;
use crate::{
    CredentialId, CredentialStatus, Erased, IssuedRecord, ParseIdError, SecretName, StoreError,
    SubjectRef, TenantId,
};

const CORRUPT: StoreError = StoreError::Corrupt { what: "an entry of the audit chain" };

/// What every hash of a block begins with; another form of blocks gets another text.
const FORM: &[u8] = b"lanyard audit block 1\0";

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// What.
    pub action: AuditAction,
    /// To which credential or subject, if to one.
    pub object: Option<AuditObject>,
    /// More about it: the configuration of a credential, the name and version of what was sealed, the number of an
    /// epoch. Never a claim.
    pub detail: Option<String>,
}

/// What can happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AuditAction {
    /// A credential was issued.
    Issued,
    /// A credential was revoked.
    Revoked,
    /// A credential was suspended.
    Suspended,
    /// A credential is valid again.
    Reinstated,
    /// A subject was erased, with its credentials.
    SubjectErased,
    /// Something was sealed: a key, or what an administrator saved.
    SecretWritten,
    /// Something that was sealed was removed.
    SecretRemoved,
    /// The store was restored.
    StoreRestored,
}

/// A credential or a subject, as a digest that only whoever knows it can compute.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AuditObject([u8; 16]);

/// Entries that were linked together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditBlock {
    /// Its place in the chain of its tenant, from 1.
    pub number: u64,
    /// How many entries there are in the chain, with its own.
    pub entries: u64,
    /// When the last of its entries happened.
    pub at: Timestamp,
    /// The hash of the block before; zeros in the first.
    pub previous: [u8; 32],
    /// The SHA-256 of its text.
    pub digest: [u8; 32],
    /// The SHA-256 of all that is above, and of the tenant.
    pub hash: [u8; 32],
    /// A line for each of its entries; none once they are shredded.
    pub text: Option<String>,
}

/// Where a chain ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditHead {
    /// The number of the last block.
    pub number: u64,
    /// How many entries there are in the chain.
    pub entries: u64,
    /// The hash of the last block.
    pub hash: [u8; 32],
}

/// What is wrong with a chain, and from which block on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AuditFault {
    /// A block is not there.
    #[error("block {expected} is missing, block {found} is in its place")]
    Missing {
        /// The block that should be there.
        expected: u64,
        /// The one that is.
        found: u64,
    },
    /// A block is not the one that came after the one before it.
    #[error("block {number} does not follow the one before it")]
    NotLinked {
        /// The block.
        number: u64,
    },
    /// The entries of a block are others.
    #[error("the entries of block {number} were changed")]
    Entries {
        /// The block.
        number: u64,
    },
    /// What a block says about itself is something else.
    #[error("block {number} was changed")]
    Changed {
        /// The block.
        number: u64,
    },
}

/// A chain that is gone through from its first block on.
#[derive(Debug, Clone)]
pub struct AuditChain {
    tenant: TenantId,
    head: AuditHead,
}

/// Reads chains.
#[async_trait]
pub trait AuditTrail: Send + Sync {
    /// Where the chain of each tenant ends that has one, in the order of tenants.
    ///
    /// # Errors
    /// Only those of a store that cannot answer.
    async fn audit_heads(&self) -> Result<Vec<(TenantId, AuditHead)>, StoreError>;

    /// The blocks of a tenant after the one of this number, in order, so many at most.
    ///
    /// # Errors
    /// Only those of a store that cannot answer.
    async fn audit_blocks(
        &self,
        tenant: &TenantId,
        after: u64,
        limit: u16,
    ) -> Result<Vec<AuditBlock>, StoreError>;

    /// What was noted and is in no block yet, in order.
    ///
    /// # Errors
    /// Only those of a store that cannot answer.
    async fn audit_notes(&self, tenant: &TenantId) -> Result<Vec<AuditEntry>, StoreError>;
}

/// Keeps chains.
#[async_trait]
pub trait AuditStore: AuditTrail {
    /// Links up to so many notes of all tenants to their chains, the oldest first, and says how many.
    ///
    /// Whoever does the same at the same moment links others, or none.
    ///
    /// # Errors
    /// Only those of a store that cannot answer.
    async fn link_audit(&self, limit: u32) -> Result<u64, StoreError>;

    /// Forgets the entries of up to so many blocks that ended at `before` or earlier, and says how many; their digests
    /// stay, so that the chain is whole.
    ///
    /// # Errors
    /// Only those of a store that cannot answer.
    async fn shred_audit(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError>;
}

impl AuditAction {
    /// The text under which it is stored. Released texts never change.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Issued => "issued",
            Self::Revoked => "revoked",
            Self::Suspended => "suspended",
            Self::Reinstated => "reinstated",
            Self::SubjectErased => "subject_erased",
            Self::SecretWritten => "secret_written",
            Self::SecretRemoved => "secret_removed",
            Self::StoreRestored => "store_restored",
        }
    }

    fn from_text(text: &str) -> Option<Self> {
        [
            Self::Issued,
            Self::Revoked,
            Self::Suspended,
            Self::Reinstated,
            Self::SubjectErased,
            Self::SecretWritten,
            Self::SecretRemoved,
            Self::StoreRestored,
        ]
        .into_iter()
        .find(|known| known.as_str() == text)
    }
}

impl AuditObject {
    /// The digest of a credential.
    #[must_use]
    pub fn of_credential(credential: CredentialId) -> Self {
        Self::of(credential.as_bytes())
    }

    /// The digest of a subject.
    #[must_use]
    pub fn of_subject(subject: &SubjectRef) -> Self {
        Self::of(subject.as_bytes())
    }

    fn of(bytes: &[u8]) -> Self {
        let (mut half, whole) = ([0; 16], Sha256::digest(bytes));
        half.copy_from_slice(&whole[..16]);
        Self(half)
    }
}

impl fmt::Display for AuditObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for AuditObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AuditObject({self})")
    }
}

impl FromStr for AuditObject {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_hex(text).map(Self)
    }
}

impl AuditEntry {
    pub(crate) fn issued(record: &IssuedRecord) -> Self {
        Self {
            at: record.issued_at,
            action: AuditAction::Issued,
            object: Some(AuditObject::of_credential(record.credential)),
            detail: Some(record.configuration.clone()),
        }
    }

    pub(crate) fn status(credential: CredentialId, is: CredentialStatus, at: Timestamp) -> Self {
        let action = match is {
            CredentialStatus::Valid => AuditAction::Reinstated,
            CredentialStatus::Revoked => AuditAction::Revoked,
            CredentialStatus::Suspended => AuditAction::Suspended,
        };
        let object = Some(AuditObject::of_credential(credential));
        Self { at, action, object, detail: None }
    }

    pub(crate) fn erased(subject: &SubjectRef, erased: &Erased, at: Timestamp) -> Self {
        let detail = match erased.credentials.len() {
            1 => "1 credential".to_owned(),
            number => format!("{number} credentials"),
        };
        Self {
            at,
            action: AuditAction::SubjectErased,
            object: Some(AuditObject::of_subject(subject)),
            detail: Some(detail),
        }
    }

    pub(crate) fn written(name: &SecretName, version: u64, at: Timestamp) -> Self {
        let detail = Some(format!("{} version {version}", name.as_str()));
        Self { at, action: AuditAction::SecretWritten, object: None, detail }
    }

    pub(crate) fn removed(name: &SecretName, at: Timestamp) -> Self {
        let detail = Some(name.as_str().to_owned());
        Self { at, action: AuditAction::SecretRemoved, object: None, detail }
    }

    pub(crate) fn restored(epoch: u32, at: Timestamp) -> Self {
        let detail = Some(format!("epoch {epoch}"));
        Self { at, action: AuditAction::StoreRestored, object: None, detail }
    }

    /// Its line, with a line feed.
    pub(crate) fn line(&self) -> String {
        let object = self.object.map(|object| object.to_string());
        let line = (self.at.as_microsecond(), self.action.as_str(), object, self.detail.as_deref());
        serde_json::to_string(&line).expect("numbers and texts are JSON") + "\n"
    }

    pub(crate) fn read(line: &str) -> Result<Self, StoreError> {
        type Line = (i64, String, Option<String>, Option<String>);
        let (at, action, object, detail): Line = serde_json::from_str(line).map_err(|_| CORRUPT)?;
        Ok(Self {
            at: of_microseconds(at).ok_or(CORRUPT)?,
            action: AuditAction::from_text(&action).ok_or(CORRUPT)?,
            object: object.map(|text| text.parse()).transpose().map_err(|_| CORRUPT)?,
            detail,
        })
    }
}

impl AuditHead {
    /// Where a chain ends that has not begun.
    pub(crate) const BEFORE: Self = Self { number: 0, entries: 0, hash: [0; 32] };
}

impl AuditBlock {
    /// The block of these lines, which comes after that head.
    pub(crate) fn after(
        head: &AuditHead,
        tenant: &TenantId,
        lines: &[String],
        at: Timestamp,
    ) -> Self {
        let text = lines.concat();
        let mut block = Self {
            number: head.number + 1,
            entries: head.entries + lines.len() as u64,
            at,
            previous: head.hash,
            digest: Sha256::digest(&text).into(),
            hash: [0; 32],
            text: Some(text),
        };
        block.hash = block.hashed(tenant);
        block
    }

    fn hashed(&self, tenant: &TenantId) -> [u8; 32] {
        // the text ends where the numbers begin: no tenant's name has a NUL
        Sha256::new_with_prefix(FORM)
            .chain_update(tenant.as_str())
            .chain_update([0])
            .chain_update(self.number.to_be_bytes())
            .chain_update(self.entries.to_be_bytes())
            .chain_update(self.at.as_microsecond().to_be_bytes())
            .chain_update(self.previous)
            .chain_update(self.digest)
            .finalize()
            .into()
    }

    /// The chain up to here.
    #[must_use]
    pub const fn head(&self) -> AuditHead {
        AuditHead { number: self.number, entries: self.entries, hash: self.hash }
    }

    /// Its entries; none once they are shredded.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if one is none.
    pub fn read(&self) -> Result<Vec<AuditEntry>, StoreError> {
        self.text.iter().flat_map(|text| text.lines()).map(AuditEntry::read).collect()
    }
}

impl AuditChain {
    /// The chain of a tenant, before its first block.
    #[must_use]
    pub const fn of(tenant: TenantId) -> Self {
        Self { tenant, head: AuditHead::BEFORE }
    }

    /// Goes on to the next block.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn follow(&mut self, block: &AuditBlock) -> Result<(), AuditFault> {
        let (number, expected) = (block.number, self.head.number + 1);
        if number != expected {
            return Err(AuditFault::Missing { expected, found: number });
        }
        if block.previous != self.head.hash {
            return Err(AuditFault::NotLinked { number });
        }
        if block.hash != block.hashed(&self.tenant) {
            return Err(AuditFault::Changed { number });
        }
        if let Some(text) = &block.text {
            let count = self.head.entries + text.lines().count() as u64;
            if block.digest != <[u8; 32]>::from(Sha256::digest(text)) || count != block.entries {
                return Err(AuditFault::Entries { number });
            }
        }
        self.head = block.head();
        Ok(())
    }

    /// Where it is.
    #[must_use]
    pub const fn head(&self) -> AuditHead {
        self.head
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant() -> TenantId {
        "demo".parse().unwrap()
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_795_500_000 + second).unwrap()
    }

    fn entry(second: i64) -> AuditEntry {
        AuditEntry::status(CredentialId::from_bytes([7; 16]), CredentialStatus::Revoked, at(second))
    }

    /// Three blocks of two entries each.
    fn chain() -> Vec<AuditBlock> {
        let mut head = AuditHead::BEFORE;
        let mut link = |second| {
            let lines = [entry(second).line(), entry(second + 1).line()];
            let block = AuditBlock::after(&head, &tenant(), &lines, at(second + 1));
            head = block.head();
            block
        };
        vec![link(0), link(2), link(4)]
    }

    fn followed(blocks: &[AuditBlock]) -> Result<AuditHead, AuditFault> {
        let mut chain = AuditChain::of(tenant());
        blocks.iter().try_for_each(|block| chain.follow(block))?;
        Ok(chain.head())
    }

    #[test]
    fn a_chain_that_nobody_touched_is_followed_to_its_end() {
        let blocks = chain();
        assert_eq!(followed(&blocks), Ok(blocks[2].head()));
        assert_eq!((blocks[2].number, blocks[2].entries), (3, 6));
    }

    #[test]
    fn an_entry_that_was_changed_is_found_in_its_block() {
        let mut blocks = chain();
        blocks[1].text = blocks[1].text.take().map(|text| text.replace("revoked", "issued"));
        assert_eq!(followed(&blocks), Err(AuditFault::Entries { number: 2 }));
    }

    #[test]
    fn an_entry_that_was_changed_with_its_digest_is_found_in_its_block() {
        let mut blocks = chain();
        let text = blocks[1].text.take().unwrap().replace("revoked", "issued");
        blocks[1].digest = Sha256::digest(&text).into();
        blocks[1].text = Some(text);
        assert_eq!(followed(&blocks), Err(AuditFault::Changed { number: 2 }));
    }

    #[test]
    fn a_block_that_was_written_again_is_found_by_the_one_after_it() {
        let mut blocks = chain();
        let lines = [entry(9).line(), entry(9).line()];
        blocks[1] = AuditBlock::after(&blocks[0].head(), &tenant(), &lines, at(9));
        assert_eq!(followed(&blocks), Err(AuditFault::NotLinked { number: 3 }));
    }

    #[test]
    fn an_entry_that_was_taken_out_of_the_last_block_is_found() {
        let mut blocks = chain();
        let text = blocks[2].text.take().unwrap();
        let first = text.lines().next().unwrap().to_owned() + "\n";
        blocks[2].digest = Sha256::digest(&first).into();
        blocks[2].text = Some(first);
        blocks[2].hash = blocks[2].hashed(&tenant());
        assert_eq!(followed(&blocks), Err(AuditFault::Entries { number: 3 }));
    }

    #[test]
    fn a_block_that_was_removed_or_moved_is_found_where_it_was() {
        let mut blocks = chain();
        let removed = [blocks[0].clone(), blocks[2].clone()];
        assert_eq!(followed(&removed), Err(AuditFault::Missing { expected: 2, found: 3 }));
        blocks.swap(0, 1);
        assert_eq!(followed(&blocks), Err(AuditFault::Missing { expected: 1, found: 2 }));
    }

    #[test]
    fn a_block_of_another_tenant_is_none_of_this_chain() {
        let lines = [entry(0).line()];
        let other = "other".parse().unwrap();
        let block = AuditBlock::after(&AuditHead::BEFORE, &other, &lines, at(0));
        assert_eq!(followed(&[block]), Err(AuditFault::Changed { number: 1 }));
    }

    #[test]
    fn a_chain_whose_entries_are_shredded_is_still_whole() {
        let mut blocks = chain();
        blocks[0].text = None;
        assert_eq!(followed(&blocks), Ok(blocks[2].head()));
        assert_eq!(blocks[0].read(), Ok(Vec::new()));
    }

    #[test]
    fn an_entry_is_read_back_whatever_its_detail_holds() {
        let detail = Some("a\n\0\u{2028}\"b\\ ü".to_owned());
        let entry = AuditEntry { detail, ..entry(1) };
        let line = entry.line();
        assert_eq!(line.lines().count(), 1);
        assert_eq!(AuditEntry::read(&line), Ok(entry));
    }

    #[test]
    fn a_line_of_another_form_is_corrupt() {
        for line in ["[1]", "x", r#"[1,"burnt",null,null]"#, r#"[1,"issued","abc",null]"#] {
            assert_eq!(AuditEntry::read(line), Err(CORRUPT), "{line}");
        }
    }
}

//! `lanyard audit`: the chain of what happened is gone through, and read.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use lanyard_core::crypto::{AwsLc, PublicKey};
use lanyard_core::json;
use lanyard_store::sqlite::{AuditFile, FILE_NAME, sealed_in};
use lanyard_store::{
    AuditAction, AuditBlock, AuditChain, AuditEntry, AuditObject, AuditTrail, CredentialId,
    MemoryStore, SecretStore as _, StoreError, TenantId,
};
use serde_json::{Value, json};

use super::backup::{KeysAt, Place, StoreArgs, not_opened};
use super::keys::connect;
use super::{Ending, ExitCode};
use crate::audit_head::{AUDIT_KEY, SignedHead};
use crate::keys::Vault;
use crate::serve::compose;

/// How many blocks are read at once.
const BLOCKS: u16 = 100;

/// `lanyard audit`
#[derive(Debug, Args)]
pub struct AuditArgs {
    #[command(flatten)]
    /// Where the store is.
    pub store: StoreArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: AuditCommand,
}

/// What can be done with audit chains.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Go through every chain from its first block on, and say where something was changed, removed or reordered
    Verify {
        /// Where a server wrote down where its chains ended [default: heads_file of the configuration]
        #[arg(long, value_name = "FILE")]
        heads: Option<PathBuf>,
    },
    /// List what happened, oldest first
    List {
        /// To whose credentials and keys
        #[arg(long)]
        tenant: TenantId,
        /// Only to this credential: its identifier
        #[arg(long, value_name = "ID")]
        credential: Option<CredentialId>,
        /// How many of the newest at most
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
}

pub(super) async fn run(args: &AuditArgs) -> Ending {
    let done = match &args.command {
        AuditCommand::Verify { heads } => verify(args, heads.as_deref()).await,
        AuditCommand::List { tenant, credential, limit } => {
            list(args, tenant, *credential, *limit).await
        }
    };
    done.unwrap_or_else(|ending| ending)
}

async fn verify(args: &AuditArgs, heads: Option<&Path>) -> Result<Ending, Ending> {
    let opened = Opened::of(&args.store).await?;
    let named = heads.map(Path::to_owned).or(args.store.heads()?);
    let said = match &named {
        Some(file) => opened.said(file).await?,
        None => Said::default(),
    };
    let kept = opened.trail.audit_heads().await.map_err(failed)?;
    let kept: BTreeMap<_, _> = kept.into_iter().collect();
    let tenants: BTreeSet<_> = kept.keys().chain(said.heads.keys()).cloned().collect();
    let mut faults = said.faults;
    let (mut lines, mut chains) = (Vec::new(), Vec::new());
    for tenant in tenants {
        let mut walk = Walk::new(&tenant, said.heads.get(&tenant));
        walk.along(&*opened.trail).await.map_err(failed)?;
        if walk.faults.is_empty() && kept.get(&tenant).is_none_or(|head| *head != walk.chain.head())
        {
            let end = walk.chain.head().number;
            walk.faults.push(format!("the chain ends at block {end}, and its head is another one"));
        }
        lines.push(walk.told(named.is_some()));
        chains.push(walk.json());
        faults.extend(walk.faults.iter().map(|fault| format!("{tenant}: {fault}")));
    }
    if lines.is_empty() && faults.is_empty() {
        lines.push("Nothing is in any chain yet.".to_owned());
    }
    let json = json!({ "chains": chains, "faults": faults });
    let code = if faults.is_empty() { ExitCode::Done } else { ExitCode::Refused };
    lines.extend(faults);
    Ok(Ending { code, text: lines.join("\n"), json })
}

async fn list(
    args: &AuditArgs,
    tenant: &TenantId,
    credential: Option<CredentialId>,
    limit: usize,
) -> Result<Ending, Ending> {
    let trail = Opened::of(&args.store).await?.trail;
    let object = credential.map(AuditObject::of_credential);
    let mut newest: VecDeque<(Option<u64>, AuditEntry)> = VecDeque::new();
    let mut take = |block, entries: Vec<AuditEntry>| {
        let wanted = entries.into_iter().filter(|entry| object.is_none() || entry.object == object);
        newest.extend(wanted.map(|entry| (block, entry)));
        newest.drain(..newest.len().saturating_sub(limit));
    };
    let mut after = 0;
    loop {
        let blocks = trail.audit_blocks(tenant, after, BLOCKS).await.map_err(failed)?;
        let Some(last) = blocks.last() else { break };
        after = last.number;
        for block in &blocks {
            take(Some(block.number), block.read().map_err(failed)?);
        }
    }
    take(None, trail.audit_notes(tenant).await.map_err(failed)?);
    let text: Vec<_> = newest.iter().map(|(_, entry)| line(entry)).collect();
    let json: Vec<_> = newest.iter().map(|(block, entry)| entry_json(*block, entry)).collect();
    Ok(Ending::done(text.join("\n"), json!({ "entries": json })))
}

fn line(entry: &AuditEntry) -> String {
    let AuditEntry { at, action, object, detail } = entry;
    let object = object.map(|object| format!("  {object}")).unwrap_or_default();
    let detail = detail.as_ref().map(|detail| format!("  {detail}")).unwrap_or_default();
    format!("{at:.3}  {}{object}{detail}", action.as_str())
}

fn entry_json(block: Option<u64>, entry: &AuditEntry) -> Value {
    let AuditEntry { at, action, object, detail } = entry;
    let object = object.map(|object| object.to_string());
    json!({
        "at": at.to_string(), "action": action.as_str(), "object": object, "detail": detail,
        "block": block,
    })
}

/// The chains of a store, and the keys that are sealed in it.
struct Opened {
    trail: Box<dyn AuditTrail>,
    place: Place,
}

/// What a server said of where its chains ended.
#[derive(Default)]
struct Said {
    heads: BTreeMap<TenantId, BTreeMap<u64, Vec<SignedHead>>>,
    faults: Vec<String>,
}

impl Opened {
    async fn of(args: &StoreArgs) -> Result<Self, Ending> {
        let place = args.place()?;
        let trail: Box<dyn AuditTrail> = match &place {
            Place::Folder { data, .. } => {
                let file = AuditFile::open(&data.join(FILE_NAME));
                Box::new(file.map_err(|error| not_opened(error, data))?)
            }
            Place::Database { shared, .. } => {
                Box::new(connect(&compose::options_of(shared)).await?)
            }
        };
        Ok(Self { trail, place })
    }

    /// Reads signed heads; a line that the key of its tenant did not sign is a fault.
    async fn said(&self, file: &Path) -> Result<Said, Ending> {
        let text = std::fs::read_to_string(file).map_err(|error| {
            let why = format!("{} cannot be read: {error}.", file.display());
            Ending::not_done(ExitCode::Usage, "heads", why)
        })?;
        let vault = self.vault().await?;
        let mut keys: BTreeMap<TenantId, PublicKey> = BTreeMap::new();
        let mut said = Said::default();
        for (number, line) in (1..).zip(text.lines()) {
            let wrong =
                |why: &dyn std::fmt::Display| format!("line {number} of {}: {why}", file.display());
            let tenant = match SignedHead::danger_unverified(line) {
                Ok(head) => head.tenant,
                Err(error) => {
                    said.faults.push(wrong(&error));
                    continue;
                }
            };
            if !keys.contains_key(&tenant) {
                match vault.key(&tenant).await? {
                    Some(key) => drop(keys.insert(tenant.clone(), key)),
                    None => {
                        said.faults.push(wrong(&format!("there is no key of {tenant}")));
                        continue;
                    }
                }
            }
            match SignedHead::verify(line, &keys[&tenant], &AwsLc) {
                Ok(head) => {
                    let of_tenant = said.heads.entry(tenant).or_default();
                    of_tenant.entry(head.block).or_default().push(head);
                }
                Err(error) => said.faults.push(wrong(&error)),
            }
        }
        Ok(said)
    }

    /// What is sealed, read without touching the store.
    async fn vault(&self) -> Result<Sealed, Ending> {
        let (keys, sealed) = match &self.place {
            Place::Folder { data, keys } => {
                let sealed = sealed_in(&data.join(FILE_NAME));
                (keys, sealed.map_err(|error| not_opened(error, data))?)
            }
            Place::Database { shared, keys } => {
                let store = connect(&compose::options_of(shared)).await?;
                (keys, store.all_secrets().await.map_err(failed)?)
            }
        };
        Sealed::copied(keys, sealed).await
    }
}

/// A copy of what is sealed in a store.
struct Sealed {
    copy: Arc<MemoryStore>,
    vault: Vault,
}

impl Sealed {
    async fn copied(keys: &KeysAt, sealed: Vec<lanyard_store::Secret>) -> Result<Self, Ending> {
        let copy = Arc::new(MemoryStore::new());
        for lanyard_store::Secret { tenant, name, sealed, written_at, .. } in sealed {
            let put = copy.put_secret(&tenant, &name, None, sealed, written_at).await;
            put.map(drop).map_err(failed)?;
        }
        let ring = keys.ring().map_err(|error| sealing(&error))?;
        let vault = Vault::new(ring, copy.clone(), Arc::new(AwsLc));
        Ok(Self { copy, vault })
    }

    /// The key with which the heads of a tenant are signed, if any was.
    async fn key(&self, tenant: &TenantId) -> Result<Option<PublicKey>, Ending> {
        let Ok(name) = AUDIT_KEY.parse() else { return Ok(None) };
        if self.copy.secret(tenant, &name).await.map_err(failed)?.is_none() {
            return Ok(None);
        }
        let key = self.vault.key(tenant, &name, Timestamp::now()).await;
        Ok(Some(*key.map_err(|error| sealing(&error))?.public()))
    }
}

/// One chain on the way from its first block to its last, held to what was said of it.
struct Walk<'s> {
    tenant: &'s TenantId,
    chain: AuditChain,
    said: Option<&'s BTreeMap<u64, Vec<SignedHead>>>,
    /// Heads that say otherwise than the chain.
    other: Vec<&'s SignedHead>,
    agreed: usize,
    shredded: u64,
    unlinked: usize,
    /// The newest epoch that the chain tells of.
    epoch: u32,
    lost: usize,
    faults: Vec<String>,
}

impl<'s> Walk<'s> {
    fn new(tenant: &'s TenantId, said: Option<&'s BTreeMap<u64, Vec<SignedHead>>>) -> Self {
        Self {
            tenant,
            chain: AuditChain::of(tenant.clone()),
            said,
            other: Vec::new(),
            agreed: 0,
            shredded: 0,
            unlinked: 0,
            epoch: 0,
            lost: 0,
            faults: Vec::new(),
        }
    }

    async fn along(&mut self, trail: &dyn AuditTrail) -> Result<(), StoreError> {
        loop {
            let after = self.chain.head().number;
            let blocks = trail.audit_blocks(self.tenant, after, BLOCKS).await?;
            if blocks.is_empty() {
                break;
            }
            for block in &blocks {
                if let Err(fault) = self.chain.follow(block) {
                    self.faults.push(fault.to_string());
                    return Ok(());
                }
                self.passed(block);
            }
        }
        let notes = trail.audit_notes(self.tenant).await?;
        self.unlinked = notes.len();
        notes.iter().for_each(|note| self.restored(note));
        let end = self.chain.head().number;
        let beyond = self.said.into_iter().flatten().filter(|(block, _)| **block > end);
        self.other.extend(beyond.flat_map(|(_, heads)| heads));
        // what was before a restore is gone, and the chain says that there was one
        let (lost, missing): (Vec<&SignedHead>, Vec<_>) =
            self.other.iter().partition(|head| head.epoch < self.epoch);
        self.lost = lost.len();
        for head in missing {
            let at = Timestamp::from_second(head.iat).unwrap_or_default();
            let block = head.block;
            self.faults.push(if block > end {
                format!("the chain ends at block {end}, and had {block} at {at}")
            } else {
                format!("block {block} is another one than at {at}")
            });
        }
        Ok(())
    }

    fn passed(&mut self, block: &AuditBlock) {
        let hash = json::base64url(block.hash);
        let heads = self.said.and_then(|said| said.get(&block.number)).into_iter().flatten();
        for head in heads {
            if head.hash == hash && head.entries == block.entries {
                self.agreed += 1;
            } else {
                self.other.push(head);
            }
        }
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

    fn told(&self, heads: bool) -> String {
        let head = self.chain.head();
        let is = if self.faults.is_empty() { "whole" } else { "not whole" };
        let mut text =
            format!("{}: {} blocks with {} entries, {is}", self.tenant, head.number, head.entries);
        if heads {
            text += &format!(", as {} signed heads say", self.agreed);
        }
        if self.lost > 0 {
            text += &format!("; {} heads are of before a restore", self.lost);
        }
        if self.unlinked > 0 {
            text += &format!("; {} more are not linked yet", self.unlinked);
        }
        text
    }

    fn json(&self) -> Value {
        let head = self.chain.head();
        json!({
            "tenant": self.tenant.as_str(), "blocks": head.number, "entries": head.entries,
            "hash": json::base64url(head.hash), "unlinked": self.unlinked,
            "shredded_blocks": self.shredded, "heads_agreed": self.agreed,
            "heads_before_a_restore": self.lost, "is_whole": self.faults.is_empty(),
        })
    }
}

fn sealing(error: &crate::keys::KeyError) -> Ending {
    Ending::not_done(ExitCode::Failed, "sealing_key", format!("{error}."))
}

#[expect(clippy::needless_pass_by_value, reason = "what map_err calls")]
fn failed(error: StoreError) -> Ending {
    Ending::not_done(ExitCode::Failed, "store", format!("{error}."))
}

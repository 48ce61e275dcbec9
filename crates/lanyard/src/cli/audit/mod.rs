//! `lanyard audit`: the chain of what happened is gone through, and read.

mod opened;
mod walk;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use lanyard_store::{
    AuditEntry, AuditObject, AuditRead, AuditWalk, CredentialId, StoreError, TenantId,
};
use serde_json::{Value, json};

use super::backup::StoreArgs;
use super::{Ending, ExitCode};
use opened::{Opened, Said};
use walk::Walk;

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
    let configured = args.store.heads()?;
    // a server that has just begun has said nothing yet, and one whose file was taken away has nothing to show
    let missing = configured.as_ref().filter(|file| heads.is_none() && !file.exists());
    let named = heads.map(Path::to_owned).or(configured.clone().filter(|file| file.exists()));
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
        let mut walk = Walk::new(&tenant, kept.get(&tenant).copied(), said.heads.get(&tenant));
        walk.along(&*opened.trail).await.map_err(failed)?;
        lines.push(walk.told(named.is_some()));
        chains.push(walk.json());
        faults.extend(walk.faults.iter().map(|fault| format!("{tenant}: {fault}")));
    }
    for (tenant, number) in &said.unchecked {
        lines.push(format!(
            "{tenant}: {} not checked, as its keys were erased",
            of(*number, "head")
        ));
    }
    if let Some(file) = missing {
        lines.push(format!("{} is not there: the ends are held to nothing", file.display()));
    }
    if lines.is_empty() && faults.is_empty() {
        lines.push("Nothing is in any chain yet.".to_owned());
    }
    let unchecked: u64 = said.unchecked.values().sum();
    let json = json!({ "chains": chains, "faults": faults, "heads_unchecked": unchecked,
        "heads_missing": missing,
    });
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
    let (mut walk, mut first_fault) = (AuditWalk::along(&*trail, tenant), None);
    let notes = loop {
        let block = match walk.next().await {
            Ok(Some(block)) => block,
            Ok(None) => match walk.notes().await.map_err(failed)? {
                Some(notes) => break notes,
                None => continue,
            },
            Err(AuditRead::Fault { fault, block }) => {
                first_fault.get_or_insert(fault.to_string());
                *block
            }
            Err(AuditRead::Store(error)) => return Err(failed(error)),
        };
        take(Some(block.number), block.read().map_err(failed)?);
    };
    take(None, notes);
    let mut text: Vec<_> = newest.iter().map(|(_, entry)| line(entry)).collect();
    if text.is_empty() {
        text.push("Nothing of it is in the chain.".to_owned());
    }
    if let Some(fault) = &first_fault {
        text.push(format!("The chain is not whole: {fault}. lanyard audit verify says more."));
    }
    let entries: Vec<_> = newest.iter().map(|(block, entry)| entry_json(*block, entry)).collect();
    let code = if first_fault.is_none() { ExitCode::Done } else { ExitCode::Refused };
    let json = json!({ "entries": entries, "fault": first_fault });
    Ok(Ending { code, text: text.join("\n"), json })
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

/// So many of something.
fn of(number: u64, what: &str) -> String {
    match (number, what.strip_suffix('y')) {
        (1, _) => format!("1 {what}"),
        (_, Some(stem)) => format!("{number} {stem}ies"),
        (_, None) => format!("{number} {what}s"),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "what map_err calls")]
fn failed(error: StoreError) -> Ending {
    Ending::not_done(ExitCode::Failed, "store", format!("{error}."))
}

//! `lanyard keys`: the key-encryption key is changed, and what it wraps with it; a tenant's key is erased.

use clap::{Args, Subcommand};
use jiff::Timestamp;
use lanyard_core::crypto::AwsLc;
use lanyard_store::{
    PostgresOptions, PostgresStore, SecretStore as _, SqliteStore, Store, TenantId, sqlite,
};
use serde_json::json;

use super::backup::{KeysAt, Place, StoreArgs};
use super::{Ending, ExitCode};
use crate::keys::{Examined, KeyError, KeyRing, erase_tenant};
use crate::serve::ground;

/// `lanyard keys`
#[derive(Debug, Args)]
pub struct KeysArgs {
    #[command(flatten)]
    /// Where the store is.
    pub store: StoreArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: KeysCommand,
}

/// What can be done with keys.
#[derive(Debug, Clone, Subcommand)]
pub enum KeysCommand {
    /// Say how many keys there are, and how much depends on the newest alone
    Status,
    /// Add a fresh sealing key, which wraps from the next start on; the ones before still open
    Rotate,
    /// Wrap the keys of all tenants anew under the newest key
    Rewrap,
    /// Drop the sealing keys on which nothing depends any more
    Retire,
    /// Erase the key of a tenant: what the tenant has can never be read again
    Erase {
        /// The tenant
        tenant: TenantId,
        /// That it cannot be undone is known
        #[arg(long, required = true)]
        forever: bool,
    },
}

pub(super) async fn run(args: &KeysArgs) -> Ending {
    let done = match &args.command {
        KeysCommand::Status => status(args).await,
        KeysCommand::Rotate => rotate(args).await,
        KeysCommand::Rewrap => rewrapped(args).await,
        KeysCommand::Retire => retire(args).await,
        KeysCommand::Erase { tenant, .. } => erase(args, tenant).await,
    };
    done.unwrap_or_else(|ending| ending)
}

async fn status(args: &KeysArgs) -> Result<Ending, Ending> {
    let (keys, _, found) = opened(args).await?;
    let count = match keys.sealing.service {
        Some(_) => None,
        None => Some(keys.place.read().map_err(failed)?.count()),
    };
    let said = match count {
        Some(count) => format!("{count} sealing keys."),
        None => format!("{} wraps.", keys.sealing.shown(&keys.place)),
    };
    let Examined { tenants, under_newest, erased, secrets, direct } = found;
    let text = format!(
        "{said} The keys of {under_newest} of {tenants} tenants are wrapped under the newest, {erased} were erased; \
         {direct} of {secrets} secrets are sealed by a sealing key itself."
    );
    let said = json!({
        "keys": count, "tenants": tenants, "under_newest": under_newest, "erased": erased,
        "secrets": secrets, "direct": direct,
    });
    Ok(Ending::done(text, said))
}

async fn rotate(args: &KeysArgs) -> Result<Ending, Ending> {
    let (kept, ..) = opened(args).await?;
    if kept.sealing.service.is_some() {
        let why = "The key-encryption key is in a service: make a newer version of it there, or put a newer one in front, then run lanyard keys rewrap.";
        return Err(Ending::not_done(ExitCode::Usage, "key_elsewhere", why));
    }
    let keys = kept.place.read().map_err(failed)?.rotated(&AwsLc);
    kept.place.write(&keys).map_err(failed)?;
    let text = format!(
        "{} has a fresh key in front of {}. Keep a copy apart, start every server again, then run lanyard keys rewrap.",
        kept.place.shown(),
        keys.count() - 1
    );
    Ok(Ending::done(text, json!({ "keys": keys.count() })))
}

async fn rewrapped(args: &KeysArgs) -> Result<Ending, Ending> {
    let (_, ring, _) = opened(args).await?;
    let store = writable(args).await?;
    let changed = ring.rewrap(&*store, &AwsLc, Timestamp::now()).await;
    store.close().await.map_err(failed)?;
    let changed = changed.map_err(failed)?;
    let text = format!(
        "{changed} keys are wrapped anew. Backups of before open with the older keys alone; once those are of no use, run lanyard keys retire."
    );
    Ok(Ending::done(text, json!({ "rewrapped": changed })))
}

async fn retire(args: &KeysArgs) -> Result<Ending, Ending> {
    let (kept, _, found) = opened(args).await?;
    if !found.is_under_newest() {
        let left = found.tenants - found.under_newest + found.direct;
        let why = format!("{left} keys depend on an older one; run lanyard keys rewrap first.");
        return Err(Ending::not_done(ExitCode::Refused, "still_sealed", why));
    }
    let shown = kept.place.shown();
    if kept.sealing.service.is_some() {
        let text = format!(
            "Nothing depends on {shown} or on older keys of the service any more; once backups of before are of no use, remove them and take them out of the configuration."
        );
        return Ok(Ending::done(text, json!({ "keys": 0, "dropped": 0 })));
    }
    let keys = kept.place.read().map_err(failed)?;
    kept.place.write(&keys.newest()).map_err(failed)?;
    let dropped = keys.count() - 1;
    let text = format!("{dropped} keys were dropped from {shown}.");
    Ok(Ending::done(text, json!({ "keys": 1, "dropped": dropped })))
}

async fn erase(args: &KeysArgs, tenant: &TenantId) -> Result<Ending, Ending> {
    let (_, ring, before) = opened(args).await?;
    let store = writable(args).await?;
    let has_any = !store.secret_names(tenant, "").await.map_err(failed)?.is_empty();
    if !has_any {
        let _ = store.close().await;
        let why = format!("Nothing is sealed for a tenant {tenant}.");
        return Err(Ending::not_done(ExitCode::Refused, "no_such_tenant", why));
    }
    let erased = erase_tenant(&*store, tenant, Timestamp::now()).await;
    store.close().await.map_err(failed)?;
    let erased = erased.map_err(failed)?;
    // what is left is opened once more: everybody else's is as it was
    let after = ring.examine(&sealed(args).await?, &AwsLc).await.map_err(failed)?;
    let text = format!(
        "The key of {tenant} is erased, and {erased} secrets that were sealed under it; {} tenants have theirs, as before. \
         Backups of before still hold it: they open as long as there is the key-encryption key that wrapped it.",
        after.tenants
    );
    let said = json!({
        "tenant": tenant.as_str(), "erased_secrets": erased,
        "tenants": after.tenants, "tenants_before": before.tenants,
    });
    Ok(Ending::done(text, said))
}

/// The keys, and what is sealed, which they open.
async fn opened(args: &KeysArgs) -> Result<(KeysAt, KeyRing, Examined), Ending> {
    let keys = match args.store.place()? {
        Place::Folder { keys, .. } | Place::Database { keys, .. } => keys,
    };
    let sealed = sealed(args).await?;
    let ring = keys.ring().map_err(failed)?;
    let found = ring.examine(&sealed, &AwsLc).await.map_err(failed)?;
    Ok((keys, ring, found))
}

/// Everything that is sealed; a server may have the store meanwhile.
async fn sealed(args: &KeysArgs) -> Result<Vec<lanyard_store::Secret>, Ending> {
    match args.store.place()? {
        Place::Folder { data, .. } => {
            sqlite::sealed_in(&data.join(sqlite::FILE_NAME)).map_err(failed)
        }
        Place::Database { shared, .. } => {
            let store = connect(&ground::options_of(&shared)).await?;
            let sealed = store.all_secrets().await.map_err(failed)?;
            store.close().await.map_err(failed)?;
            Ok(sealed)
        }
    }
}

/// The store, for whoever changes it: with SQLite nobody else has it.
async fn writable(args: &KeysArgs) -> Result<Box<dyn Store>, Ending> {
    Ok(match args.store.place()? {
        Place::Folder { data, .. } => Box::new(SqliteStore::open(&data).map_err(failed)?),
        Place::Database { shared, .. } => Box::new(connect(&ground::options_of(&shared)).await?),
    })
}

pub(super) async fn connect(options: &PostgresOptions) -> Result<PostgresStore, Ending> {
    let options = PostgresOptions { connections: 1, ..options.clone() };
    PostgresStore::connect(&options).await.map_err(failed)
}

fn failed(error: impl std::error::Error + 'static) -> Ending {
    let error: &(dyn std::error::Error + 'static) = &error;
    let reason = match error.downcast_ref::<KeyError>() {
        Some(_) => "sealing_key",
        None => "store",
    };
    Ending::not_done(ExitCode::Failed, reason, format!("{error}."))
}

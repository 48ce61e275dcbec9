//! `lanyard keys`: the sealing key is changed, and what it seals with it.

use clap::{Args, Subcommand};
use jiff::Timestamp;
use lanyard_core::crypto::AwsLc;
use lanyard_store::{
    PostgresOptions, PostgresStore, Secret, SecretStore as _, SqliteStore, Store, sqlite,
};
use serde_json::json;

use super::backup::{Place, StoreArgs};
use super::{Ending, ExitCode};
use crate::keys::{KeyError, KeyPlace, SealingKeys, rewrap};
use crate::serve::compose;

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

/// What can be done with sealing keys.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum KeysCommand {
    /// Say how many keys there are, and how much is sealed under the newest
    Status,
    /// Add a fresh key, which seals from the next start on; the ones before still open
    Rotate,
    /// Seal everything anew under the newest key
    Rewrap,
    /// Drop the keys under which nothing is sealed any more
    Retire,
}

pub(super) async fn run(args: &KeysArgs) -> Ending {
    let done = match args.command {
        KeysCommand::Status => status(args).await,
        KeysCommand::Rotate => rotate(args).await,
        KeysCommand::Rewrap => rewrapped(args).await,
        KeysCommand::Retire => retire(args).await,
    };
    done.unwrap_or_else(|ending| ending)
}

async fn status(args: &KeysArgs) -> Result<Ending, Ending> {
    let (_, keys, sealed) = opened(args).await?;
    let under_newest = sealed.len() - older(&keys, &sealed);
    let text = format!(
        "{} keys; {under_newest} of {} secrets are sealed under the newest.",
        keys.count(),
        sealed.len()
    );
    let said =
        json!({ "keys": keys.count(), "secrets": sealed.len(), "under_newest": under_newest });
    Ok(Ending::done(text, said))
}

async fn rotate(args: &KeysArgs) -> Result<Ending, Ending> {
    let (place, keys, _) = opened(args).await?;
    let keys = keys.rotated(&AwsLc);
    place.write(&keys).map_err(failed)?;
    let text = format!(
        "{} has a fresh key in front of {}. Keep a copy apart, start every server again, then run lanyard keys rewrap.",
        place.shown(),
        keys.count() - 1
    );
    Ok(Ending::done(text, json!({ "keys": keys.count() })))
}

async fn rewrapped(args: &KeysArgs) -> Result<Ending, Ending> {
    let (_, keys, _) = opened(args).await?;
    let store: Box<dyn Store> = match args.store.place()? {
        Place::Folder { data, .. } => Box::new(SqliteStore::open(&data).map_err(failed)?),
        Place::Database { shared, .. } => Box::new(connect(&compose::options_of(&shared)).await?),
    };
    let changed = rewrap(&*store, &keys, &AwsLc, Timestamp::now()).await;
    store.close().await.map_err(failed)?;
    let changed = changed.map_err(failed)?;
    let text = format!(
        "{changed} secrets are sealed anew. Backups of before open with the older keys alone; once those are of no use, run lanyard keys retire."
    );
    Ok(Ending::done(text, json!({ "rewrapped": changed })))
}

async fn retire(args: &KeysArgs) -> Result<Ending, Ending> {
    let (place, keys, sealed) = opened(args).await?;
    let left = older(&keys, &sealed);
    if left > 0 {
        let why = format!(
            "{left} of {} secrets are sealed under an older key; run lanyard keys rewrap first.",
            sealed.len()
        );
        return Err(Ending::not_done(ExitCode::Refused, "still_sealed", why));
    }
    place.write(&keys.newest()).map_err(failed)?;
    let dropped = keys.count() - 1;
    let text = format!("{dropped} keys were dropped from {}.", place.shown());
    Ok(Ending::done(text, json!({ "keys": 1, "dropped": dropped })))
}

/// The keys, and everything sealed, which they open.
async fn opened(args: &KeysArgs) -> Result<(KeyPlace, SealingKeys, Vec<Secret>), Ending> {
    let (place, sealed) = match args.store.place()? {
        Place::Folder { data, key } => {
            let sealed = sqlite::sealed_in(&data.join(sqlite::FILE_NAME)).map_err(failed)?;
            (key, sealed)
        }
        Place::Database { shared, key } => {
            let store = connect(&compose::options_of(&shared)).await?;
            let sealed = store.all_secrets().await.map_err(failed)?;
            store.close().await.map_err(failed)?;
            (key, sealed)
        }
    };
    let keys = place.read().map_err(failed)?;
    keys.open_all(&sealed, &AwsLc).map_err(failed)?;
    Ok((place, keys, sealed))
}

async fn connect(options: &PostgresOptions) -> Result<PostgresStore, Ending> {
    let options = PostgresOptions { connections: 1, ..options.clone() };
    PostgresStore::connect(&options).await.map_err(failed)
}

fn older(keys: &SealingKeys, sealed: &[Secret]) -> usize {
    let newest = keys.newest();
    sealed.iter().filter(|one| !newest.opens(one, &AwsLc)).count()
}

fn failed(error: impl std::error::Error + 'static) -> Ending {
    let error: &(dyn std::error::Error + 'static) = &error;
    let reason = match error.downcast_ref::<KeyError>() {
        Some(_) => "sealing_key",
        None => "store",
    };
    Ending::not_done(ExitCode::Failed, reason, format!("{error}."))
}

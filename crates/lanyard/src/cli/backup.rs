//! `lanyard backup` and `lanyard restore`: a copy of a store that may be in use, and a store made of one.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use jiff::Timestamp;
use lanyard_core::crypto::{AwsLc, CryptoProvider};
use lanyard_store::{
    BackupError, EpochError, OpenError, PostgresOptions, PostgresStore, Restored, Restoring,
    Secret, SecretName, Store as _, StoreError, sqlite,
};
use serde_json::json;

use super::{Ending, ExitCode};
use crate::config::{Config, SharedStore};
use crate::files;
use crate::keys::{KeyError, KeyPlace, KeyRing, SEALING_KEY, Sealing, SealingKeys};
use crate::serve::{ground, issuing::NONCE_KEY};

/// Where the store is.
#[derive(Debug, Args)]
pub struct StoreArgs {
    /// The configuration of the server
    #[arg(long, global = true, default_value = "lanyard.toml")]
    pub config: PathBuf,
    /// The data folder of the server, where no configuration is to be read
    #[arg(long, global = true, value_name = "FOLDER", conflicts_with = "config")]
    pub data: Option<PathBuf>,
    /// Print JSON
    #[arg(long, global = true)]
    pub json: bool,
}

/// `lanyard backup`
#[derive(Debug, Args)]
pub struct BackupArgs {
    /// The file to make; it overwrites nothing
    pub file: PathBuf,
    #[command(flatten)]
    /// Where the store is.
    pub store: StoreArgs,
}

/// `lanyard restore`
#[derive(Debug, Args)]
pub struct RestoreArgs {
    /// The backup
    #[arg(required_unless_present = "epoch_only", conflicts_with = "epoch_only")]
    pub file: Option<PathBuf>,
    /// The sealing key of the backed-up server, if it is not in the data folder
    #[arg(long, value_name = "FILE", conflicts_with = "epoch_only")]
    pub sealing_key: Option<PathBuf>,
    /// Set a store that is there aside; nothing is deleted
    #[arg(long, conflicts_with = "epoch_only")]
    pub replace: bool,
    /// The data was brought back by other tools, such as PostgreSQL's: have what was good before refused
    #[arg(long)]
    pub epoch_only: bool,
    #[command(flatten)]
    /// Where the store is.
    pub store: StoreArgs,
}

/// What keeps everything, and what opens it.
pub(super) enum Place {
    Folder { data: PathBuf, keys: KeysAt },
    Database { shared: Box<SharedStore>, keys: KeysAt },
}

/// Where the sealing key is, or would be, and what the configuration says about it.
pub(super) struct KeysAt {
    pub(super) place: KeyPlace,
    pub(super) sealing: Sealing,
}

impl KeysAt {
    /// Everything that opens.
    pub(super) fn ring(&self) -> Result<KeyRing, KeyError> {
        let provider: Arc<dyn CryptoProvider> = Arc::new(AwsLc);
        KeyRing::at(&self.sealing, Some(self.place.clone()), &provider)
    }

    fn shown(&self) -> String {
        self.sealing.shown(&self.place)
    }
}

impl StoreArgs {
    fn configuration(&self) -> Result<Config, Ending> {
        Config::read(&self.config)
            .map_err(|error| Ending::not_done(ExitCode::Usage, "configuration", error.to_string()))
    }

    /// Where the configuration has it written down where audit chains end.
    pub(super) fn heads(&self) -> Result<Option<PathBuf>, Ending> {
        match self.data {
            Some(_) => Ok(None),
            None => Ok(self.configuration()?.audit.heads),
        }
    }

    pub(super) fn place(&self) -> Result<Place, Ending> {
        if let Some(data) = &self.data {
            let (place, sealing) = (KeyPlace::of_folder(None, data), Sealing::default());
            let keys = KeysAt { place, sealing };
            return Ok(Place::Folder { data: data.clone(), keys });
        }
        let config = self.configuration()?;
        let place = KeyPlace::of_folder(config.sealing.file.as_deref(), &config.data);
        let keys = KeysAt { place, sealing: config.sealing };
        Ok(match config.store {
            Some(shared) => Place::Database { shared: Box::new(shared), keys },
            None => Place::Folder { data: config.data, keys },
        })
    }
}

pub(super) async fn backup(args: &BackupArgs) -> Ending {
    let (data, keys) = match args.store.place() {
        Ok(Place::Folder { data, keys }) => (data, keys),
        Ok(Place::Database { .. }) => {
            return Ending::not_done(
                ExitCode::Usage,
                "postgres",
                "This server keeps everything in PostgreSQL: back that up with its own tools, and keep the sealing key apart. docs/backup.md says how.",
            );
        }
        Err(ending) => return ending,
    };
    let taken = async {
        let sealed = sqlite::sealed_in(&data.join(sqlite::FILE_NAME));
        let sealed = sealed.map_err(|error| not_backed_up(no_store(error, &data)))?;
        opens(&keys.ring().map_err(wrong_key)?, &sealed).await?;
        sqlite::back_up(&data, &args.file, Timestamp::now()).map_err(not_backed_up)
    };
    let taken = match taken.await {
        Ok(taken) => taken,
        Err(ending) => return ending,
    };
    let (file, at) = (args.file.display(), seconds(taken.taken_at));
    let text = format!(
        "{file} holds the store as of {at}: {} credentials on record, {} bytes.\n\
         It opens with the sealing key alone, which is not in it: keep {} apart from it.\n\
         The configuration and the files that it names are not in it either.",
        taken.credentials,
        taken.bytes,
        keys.shown(),
    );
    let said = json!({
        "file": args.file, "taken_at": at, "bytes": taken.bytes, "credentials": taken.credentials,
        "sealing_key": keys.shown(),
    });
    Ending::done(text, said)
}

pub(super) async fn restore(args: &RestoreArgs) -> Ending {
    let place = match args.store.place() {
        Ok(place) => place,
        Err(ending) => return ending,
    };
    let Ok(nonce_key) = NONCE_KEY.parse::<SecretName>() else {
        return Ending::not_done(ExitCode::Failed, "restore", "The nonce key has no name.");
    };
    let forget = [nonce_key];
    let restoring = Restoring { now: Timestamp::now(), replaces: args.replace, forget: &forget };
    let restored = match (place, &args.file) {
        (Place::Folder { data, keys }, Some(file)) => match bring_key(file, &keys, args).await {
            Ok(()) => sqlite::restore(file, &data, &restoring).map_err(not_restored),
            Err(ending) => Err(ending),
        },
        (Place::Folder { data, .. }, None) => {
            sqlite::begin_epoch(&data, &restoring).map_err(not_restored)
        }
        (Place::Database { shared, .. }, None) => begin_epoch(&shared, &restoring).await,
        (Place::Database { .. }, Some(_)) => Err(Ending::not_done(
            ExitCode::Usage,
            "postgres",
            "This server keeps everything in PostgreSQL: restore that with its own tools, then run lanyard restore --epoch-only. docs/backup.md says how.",
        )),
    };
    restored.map_or_else(|ending| ending, |restored| said(&restored))
}

/// Puts the sealing key where the server looks for it, once it is known to open everything in the backup.
async fn bring_key(backup: &Path, keys: &KeysAt, args: &RestoreArgs) -> Result<(), Ending> {
    let sealed = sqlite::sealed_in(backup).map_err(not_restored)?;
    let named = args.sealing_key.clone().map(KeyPlace::File);
    if keys.sealing.service.is_some() && named.is_none() {
        return opens(&keys.ring().map_err(wrong_key)?, &sealed).await;
    }
    let own = &keys.place;
    let key = named.as_ref().unwrap_or(own);
    if let KeyPlace::File(file) = key
        && !file.exists()
    {
        if sealed.is_empty() && named.is_none() {
            return Ok(());
        }
        let why = format!(
            "{} is not there, and the backup opens with it alone; name the sealing key with --sealing-key.",
            key.shown()
        );
        return Err(Ending::not_done(ExitCode::Failed, "sealing_key", why));
    }
    let brought = key.read().map_err(wrong_key)?;
    opens(&of_keys(brought.clone()), &sealed).await?;
    match own {
        KeyPlace::File(file) if named.is_some() => install_key(&brought, file, args.replace)
            .map_err(|error| {
                let why = format!("{}: {error}", own.shown());
                Ending::not_done(ExitCode::Failed, "sealing_key", why)
            }),
        _ => opens(&of_keys(own.read().map_err(wrong_key)?), &sealed).await,
    }
}

fn of_keys(keys: SealingKeys) -> KeyRing {
    KeyRing::of_keys(keys, Arc::new(AwsLc))
}

/// Refuses keys that do not open all of these.
async fn opens(ring: &KeyRing, sealed: &[Secret]) -> Result<(), Ending> {
    ring.examine(sealed, &AwsLc).await.map(drop).map_err(wrong_key)
}

fn install_key(keys: &SealingKeys, own: &Path, replaces: bool) -> std::io::Result<()> {
    let bytes = keys.to_bytes();
    if let Some(folder) = own.parent().filter(|folder| !folder.exists()) {
        files::private_folder(folder)?;
    }
    if own.exists() {
        if std::fs::read(own)? == *bytes {
            return Ok(());
        }
        if !replaces {
            return Err(std::io::Error::other(
                "another sealing key is there; --replace sets it aside",
            ));
        }
        let aside = format!("{SEALING_KEY}.replaced-{}", Timestamp::now().as_millisecond());
        std::fs::rename(own, own.with_file_name(aside))?;
    }
    files::write_private(own, &bytes)
}

async fn begin_epoch(shared: &SharedStore, restoring: &Restoring<'_>) -> Result<Restored, Ending> {
    let failed = |why: String| Ending::not_done(ExitCode::Failed, "restore", why);
    // one connection: every other of ours is a replica's
    let options = PostgresOptions { connections: 1, ..ground::options_of(shared) };
    let store =
        PostgresStore::connect(&options).await.map_err(|error| failed(error.to_string()))?;
    let restored = store.begin_epoch(restoring.now, restoring.forget).await;
    let _ = store.close().await;
    restored.map_err(|error| {
        let reason = match error {
            EpochError::InUse { .. } => "in_use",
            _ => "restore",
        };
        Ending::not_done(ExitCode::Failed, reason, error.to_string())
    })
}

fn said(restored: &Restored) -> Ending {
    let Restored { epoch, backup_at, ended_sessions, erased_again, credentials } = restored;
    let since = backup_at.map(seconds);
    let from = since.as_deref().unwrap_or("the moment of the backup");
    let erased = match erased_again {
        0 => String::new(),
        1 => "1 subject that was erased since is erased again.\n".to_owned(),
        number => format!("{number} subjects that were erased since are erased again.\n"),
    };
    let text = format!(
        "The store is as of {from}, in epoch {number}: {credentials} credentials are on record.\n\
         {ended_sessions} sessions were under way and are ended: their offers, codes, tokens and requests are refused, and so are refresh tokens and nonces of before.\n\
         {erased}\
         What else happened since is unknown to it. Repeat what was revoked, suspended or erased; credentials issued since are in the wallets and on no record; messages may come twice.",
        number = epoch.number,
    );
    let said = json!({
        "epoch": epoch.number, "backup_at": since, "ended_sessions": ended_sessions,
        "erased_again": erased_again, "credentials": credentials,
    });
    Ending::done(text, said)
}

fn seconds(at: Timestamp) -> String {
    format!("{at:.0}")
}

/// That no file was found says less than that no store was.
fn no_store(error: BackupError, data: &Path) -> BackupError {
    match error {
        BackupError::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
            BackupError::NoStore { directory: data.to_owned() }
        }
        error => error,
    }
}

/// Why a store cannot be read.
pub(super) fn not_opened(error: BackupError, data: &Path) -> Ending {
    not_done("store", &no_store(error, data))
}

fn not_backed_up(error: BackupError) -> Ending {
    not_done("backup", &error)
}

fn not_restored(error: BackupError) -> Ending {
    not_done("restore", &error)
}

fn not_done(what: &str, error: &BackupError) -> Ending {
    let reason = match error {
        BackupError::NoStore { .. } => "no_store",
        BackupError::FileExists { .. } => "file_exists",
        BackupError::NotEmpty { .. } => "not_empty",
        BackupError::Empty { .. } => "empty",
        BackupError::ClockBehind { .. } => "clock_behind",
        BackupError::Open(OpenError::InUse { .. }) => "in_use",
        BackupError::Open(OpenError::NewerSchema { .. }) => "newer_schema",
        BackupError::Open(OpenError::Damaged { .. })
        | BackupError::Store(StoreError::Corrupt { .. }) => "damaged",
        BackupError::Open(OpenError::Foreign { .. }) => "foreign",
        _ => what,
    };
    let hint = match error {
        BackupError::NotEmpty { .. } => " (--replace sets it aside)",
        _ => "",
    };
    Ending::not_done(ExitCode::Failed, reason, format!("{error}{hint}."))
}

#[expect(clippy::needless_pass_by_value, reason = "what map_err calls")]
fn wrong_key(error: KeyError) -> Ending {
    Ending::not_done(ExitCode::Failed, "sealing_key", format!("{error}."))
}

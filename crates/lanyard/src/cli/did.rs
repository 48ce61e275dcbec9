//! `lanyard did`

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use lanyard_core::crypto::AwsLc;
use lanyard_core::did::{Did, DidMethods, DidUrl, ResolutionError, ResolutionOptions};
use lanyard_core::json::{self, Object};
use lanyard_fetch::{CachedDids, DidCacheLimits, SafeFetcher};
use serde_json::{Value, json};

use super::{Ending, ExitCode};
use crate::did_files::{Change, DidFileError, DidFolder, Key, Written};

/// `lanyard did`
#[derive(Debug, Args)]
pub struct DidArgs {
    /// Print JSON
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: DidCommand,
}

/// What can be done with DIDs.
#[derive(Debug, Subcommand)]
pub enum DidCommand {
    /// Resolve a DID, or say what a DID URL names
    Resolve {
        /// did:key, did:jwk, did:peer, did:web or did:webvh
        url: String,
        /// Read did.json or did.jsonl from this folder instead of the web, to try them out
        #[arg(long, value_name = "FOLDER")]
        folder: Option<PathBuf>,
    },
    /// Make a DID: its files in a folder, ready to be published
    Create(CreateArgs),
    /// Replace the document of a DID in a folder
    Update {
        /// The DID's files and key.
        #[command(flatten)]
        files: DidFilesArgs,
        /// The new document, JSON; its id may be left out
        #[arg(long, value_name = "FILE")]
        document: PathBuf,
    },
    /// Replace the key of a DID in a folder
    Rotate {
        /// The DID's files and key.
        #[command(flatten)]
        files: DidFilesArgs,
        /// The key from now on, a private JWK; made when there is no such file
        #[arg(long, value_name = "FILE")]
        new_key: PathBuf,
        /// Commit to the key after that (did:webvh); made when there is no such file
        #[arg(long, value_name = "FILE")]
        next_key: Option<PathBuf>,
    },
    /// Give a DID in a folder up for ever
    Deactivate {
        /// The DID's files and key.
        #[command(flatten)]
        files: DidFilesArgs,
        /// The key that the last entry committed to, if it did (did:webvh)
        #[arg(long, value_name = "FILE")]
        next_key: Option<PathBuf>,
    },
}

/// `lanyard did create`
#[derive(Debug, Args)]
pub struct CreateArgs {
    /// The DID's files and key.
    #[command(flatten)]
    pub files: DidFilesArgs,
    /// The method
    #[arg(long)]
    pub method: DidMethod,
    /// Where it will be published: issuer.example, or issuer.example:dids for `https://issuer.example/dids/`
    #[arg(long)]
    pub place: String,
    /// The document, JSON; without one it holds the key, to sign and to authenticate with
    #[arg(long, value_name = "FILE")]
    pub document: Option<PathBuf>,
    /// Commit to the next key (did:webvh); made when there is no such file
    #[arg(long, value_name = "FILE")]
    pub next_key: Option<PathBuf>,
    /// Let the DID move to another place later (did:webvh)
    #[arg(long)]
    pub portable: bool,
    /// How long resolvers may keep it, in seconds (did:webvh)
    #[arg(long, value_name = "SECONDS")]
    pub ttl: Option<u32>,
    /// Write a did:web with the same document beside it (did:webvh)
    #[arg(long)]
    pub with_did_web: bool,
}

/// The files of a DID of one's own.
#[derive(Debug, Args)]
pub struct DidFilesArgs {
    /// The folder with did.json or did.jsonl
    #[arg(long, default_value = ".")]
    pub folder: PathBuf,
    /// The key, a private JWK that its owner alone can read; `create` makes it when there is no such file
    #[arg(long, value_name = "FILE", default_value = "did-key.jwk")]
    pub key: PathBuf,
}

/// The methods of which one can make DIDs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum DidMethod {
    /// did:web
    Web,
    /// did:webvh
    Webvh,
}

pub(super) async fn run(args: &DidArgs) -> Ending {
    let outcome = match &args.command {
        DidCommand::Resolve { url, folder } => return resolve(url, folder.as_deref()).await,
        DidCommand::Create(create) => create_files(create).await,
        DidCommand::Update { files, document } => {
            change(files, None, |_| {
                Ok(Change { document: Some(read(document)?), ..Change::default() })
            })
            .await
        }
        DidCommand::Rotate { files, new_key, next_key } => {
            change(files, next_key.as_deref(), |folder| {
                let curve = folder.curve();
                Ok(Change {
                    new_key: Some(Key::read_or_make(new_key, curve)?),
                    ..Change::default()
                })
            })
            .await
        }
        DidCommand::Deactivate { files, next_key } => {
            change(files, None, |folder| {
                let curve = folder.curve();
                let committed =
                    next_key.as_deref().map(|file| Key::read(file, curve)).transpose()?;
                Ok(Change { deactivate: true, new_key: committed, ..Change::default() })
            })
            .await
        }
    };
    match outcome {
        Ok(written) => conclude(&written),
        Err(error) => {
            let code = if error.is_refusal() { ExitCode::Refused } else { ExitCode::Usage };
            Ending::not_done(code, error.code(), format!("Nothing was written: {error}."))
        }
    }
}

async fn resolve(text: &str, folder: Option<&Path>) -> Ending {
    let methods = DidMethods::new(Arc::new(AwsLc));
    let dids = match folder {
        None => CachedDids::over(Arc::new(SafeFetcher::new()), methods),
        Some(folder) => {
            let folder = Arc::new(DidFolder::new(folder));
            let methods = methods.with_web(folder.clone()).with_webvh(folder);
            CachedDids::new(methods, DidCacheLimits::default())
        }
    };
    let asked = async {
        let url = match text.contains(['/', '?', '#']) {
            true => DidUrl::parse(text)?,
            false => DidUrl::parse(Did::parse(text)?.as_str())?,
        };
        let resolved = dids.resolve_with(url.did(), &ResolutionOptions::of(&url)?).await?;
        let names_more = !url.path().is_empty()
            || url.fragment().is_some()
            || url.parameters()?.iter().any(|(name, _)| name.starts_with("service"));
        match (&resolved.document, names_more) {
            (Some(document), true) => Ok((document.dereference(&url)?.to_json(), false)),
            (document, _) => Ok((resolved.to_json("application/did"), document.is_none())),
        }
    };
    match asked.await {
        Ok((result, false)) => Ending::done(format!("{result:#}"), result),
        Ok((result, true)) => {
            let text = format!("{result:#}\n\nThe DID is deactivated.");
            Ending { code: ExitCode::Refused, text, json: result }
        }
        Err(error) => refused(text, &error),
    }
}

fn refused(url: &str, error: &ResolutionError) -> Ending {
    let code = match error {
        ResolutionError::InvalidDid | ResolutionError::InvalidDidUrl => ExitCode::Usage,
        ResolutionError::InvalidOption | ResolutionError::OptionNotSupported => ExitCode::Usage,
        ResolutionError::Unreachable => ExitCode::Network,
        _ => ExitCode::Refused,
    };
    let text = format!("{url} does not resolve: {error} ({}).", error.code());
    Ending { code, text, json: error.to_json() }
}

async fn create_files(args: &CreateArgs) -> Result<Written, DidFileError> {
    let curve = DidFolder::curve_of(args.method);
    let key = Key::read_or_make(&args.files.key, curve)?;
    let document = args.document.as_deref().map(read).transpose()?;
    let folder = DidFolder::new(&args.files.folder);
    match args.method {
        DidMethod::Web => folder.create_web(&args.place, document, &key),
        DidMethod::Webvh => {
            let next = args.next_key.as_deref().map(|file| Key::read_or_make(file, curve));
            let next = next.transpose()?;
            folder.create_webvh(args, document, &key, next.as_ref(), Timestamp::now()).await
        }
    }
}

async fn change(
    args: &DidFilesArgs,
    next_key: Option<&Path>,
    change: impl FnOnce(&DidFolder) -> Result<Change, DidFileError>,
) -> Result<Written, DidFileError> {
    let folder = DidFolder::new(&args.folder);
    let mut change = change(&folder)?;
    change.next_key = next_key.map(|file| Key::read_or_make(file, folder.curve())).transpose()?;
    match folder.is_webvh() {
        true => {
            let key = Key::read(&args.key, folder.curve())?;
            // did:webvh 1.0, Read (4): each entry is later than the one before, and they count in seconds
            if folder.version_time(Timestamp::now())?.as_second() == Timestamp::now().as_second() {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            folder.change_webvh(change, &key, Timestamp::now()).await
        }
        false => folder.change_web(change),
    }
}

fn read(file: &Path) -> Result<Object, DidFileError> {
    let unreadable = |why: String| DidFileError::File { file: file.to_owned(), why };
    let text = std::fs::read(file).map_err(|error| unreadable(error.to_string()))?;
    json::parse_object(&text).map_err(|error| unreadable(error.to_string()))
}

fn conclude(written: &Written) -> Ending {
    let files: Vec<_> = written.files.iter().map(|file| file.display().to_string()).collect();
    let mut text = match &written.version_id {
        Some(version) => format!("{}\nversion {version}", written.did),
        None => written.did.to_string(),
    };
    for file in &files {
        text += &format!("\nwrote {file}");
    }
    for url in &written.publish_at {
        text += &format!("\npublish at {url}");
    }
    if let Some(note) = written.note {
        text += &format!("\n{note}");
    }
    let json: Value = json!({
        "did": written.did, "version_id": written.version_id, "files": files,
        "publish_at": written.publish_at,
    });
    Ending::done(text, json)
}

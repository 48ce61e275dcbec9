//! `lanyard did`

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use lanyard_core::crypto::AwsLc;
use lanyard_core::did::{Did, DidMethods, DidUrl, ResolutionError, ResolutionOptions};
use lanyard_core::json::{self, Object};
use lanyard_fetch::{CachedDids, DidCacheLimits, SafeFetcher};
use serde_json::{Value, json};

use super::{CreateArgs, DidArgs, DidCommand, DidFilesArgs, DidMethod, Ending, ExitCode};
use crate::did_files::{Change, DidFileError, DidFolder, Key, Written};

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

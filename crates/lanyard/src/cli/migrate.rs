//! `lanyard migrate`: brings the schema of a shared database up, as the role that owns it.

use std::path::PathBuf;

use clap::Args;
use lanyard_store::{PostgresOptions, PostgresStore};
use serde_json::json;

use super::{Ending, ExitCode};
use crate::config::Config;
use crate::serve::ground;

/// `lanyard migrate`
#[derive(Debug, Args)]
pub struct MigrateArgs {
    /// The configuration of the server
    #[arg(long, default_value = "lanyard.toml")]
    pub config: PathBuf,
    /// The role that owns the tables; the role of the configuration is let read and write them, and no more
    #[arg(long = "as", value_name = "ROLE")]
    pub owner: Option<String>,
    /// The password of that role; else LANYARD_POSTGRES_PASSWORD in the environment, if the server asks for one
    #[arg(long, value_name = "FILE", requires = "owner")]
    pub password_file: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

pub(super) async fn run(args: &MigrateArgs) -> Ending {
    let config = match Config::read(&args.config) {
        Ok(config) => config,
        Err(error) => {
            return Ending::not_done(ExitCode::Usage, "configuration", error.to_string());
        }
    };
    let Some(mut shared) = config.store else {
        return Ending::not_done(
            ExitCode::Usage,
            "sqlite",
            "This server keeps everything in SQLite, which it brings up itself when it starts.",
        );
    };
    let serving = shared.postgres.spoken_as();
    if let Some(owner) = &args.owner {
        shared.postgres.role = Some(owner.clone());
        shared.postgres.password = match args.password_file.as_ref().map(std::fs::read_to_string) {
            Some(Ok(text)) => Some(text.trim_end_matches(['\r', '\n']).to_owned()),
            Some(Err(error)) => {
                let why = format!("The password cannot be read: {error}.");
                return Ending::not_done(ExitCode::Usage, "password_file", why);
            }
            None => None,
        };
    }
    let serving = serving.filter(|role| args.owner.as_ref().is_some_and(|owner| owner != role));
    let options = PostgresOptions { connections: 1, ..ground::options_of(&shared) };
    if let Err(error) = PostgresStore::migrate(&options, serving.as_deref()).await {
        return Ending::not_done(ExitCode::Failed, "store", format!("{error}."));
    }
    let text = match &serving {
        Some(role) => {
            format!(
                "The schema is up to date. {role} may read and write it, and change nothing of it."
            )
        }
        None => "The schema is up to date.".to_owned(),
    };
    Ending::done(text, json!({ "is_up_to_date": true, "serving": serving }))
}

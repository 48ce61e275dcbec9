//! `lanyard config`: what a configuration file may say.

use clap::{Args, Subcommand};

use super::Ending;
use crate::config;

/// `lanyard config`
#[derive(Debug, Args)]
pub struct ConfigArgs {
    /// What to print.
    #[command(subcommand)]
    pub command: ConfigCommand,
}

/// What can be printed.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum ConfigCommand {
    /// Every key with its type, its default and its meaning, in Markdown
    Reference,
    /// The same as a JSON Schema, for editors
    Schema,
}

pub(super) fn run(args: &ConfigArgs) -> Ending {
    let schema = config::schema();
    let text = match args.command {
        ConfigCommand::Reference => config::reference().trim_end().to_owned(),
        ConfigCommand::Schema => format!("{schema:#}"),
    };
    Ending::done(text, schema)
}

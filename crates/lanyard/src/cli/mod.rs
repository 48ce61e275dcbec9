//! The commands: what they take, and the exit codes they leave.

mod api_key;
mod audit;
mod backup;
mod callback;
mod config;
mod credentials;
pub(crate) mod did;
mod evidence;
mod exit;
mod hash_password;
mod inspect;
mod integrate;
mod keys;
mod migrate;
mod offline;
mod server;
mod wallet;

use clap::{Parser, Subcommand};

pub use exit::{Ending, ExitCode};

const EXIT_CODES: &str = "Exit codes:
  0  done
  1  failed on this side (the message says how)
  2  wrong usage or configuration
  3  refused by the other side, or by a check
  4  nothing in the wallet matches
  5  the network or the other side cannot be reached
  6  not decided yet (a verdict is still awaited, or a check could not be made)";

/// Issue, hold and verify digital credentials.
#[derive(Debug, Parser)]
#[command(name = "lanyard", version, after_help = EXIT_CODES, propagate_version = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the binary can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Try everything: issuer, wallet and verifier in one process on one port
    Demo(server::DemoArgs),
    /// Run issuer and verifier from a configuration file
    Serve(server::ServeArgs),
    /// Print what a configuration file may say
    Config(config::ConfigArgs),
    /// Hold credentials: a wallet in the terminal
    Wallet(wallet::WalletArgs),
    /// Create a credential offer on a running server
    Offer(integrate::OfferArgs),
    /// Create a presentation request on a running server
    Request(integrate::RequestArgs),
    /// Revoke what an offer led to, suspend it, or make it valid again
    Revoke(integrate::RevokeArgs),
    /// Read the state or verdict of an offer or a request
    Result(integrate::ResultArgs),
    /// Resolve a DID, or make, change and give up one of your own
    Did(did::DidArgs),
    /// Copy the store of a server, which may be running, into one file
    Backup(backup::BackupArgs),
    /// Make the store of a server of a backup; what was good before is refused from then on
    Restore(backup::RestoreArgs),
    /// Bring the schema of a PostgreSQL database up to date, as the role that owns it
    Migrate(migrate::MigrateArgs),
    /// Change the key that everything at rest is sealed with
    Keys(keys::KeysArgs),
    /// Check the chain of what was issued, revoked, erased and sealed, and read it
    Audit(audit::AuditArgs),
    /// Issue a credential of any format from a file with claims and a key, without a server
    Issue(offline::IssueArgs),
    /// Verify a credential or a presentation of any format from a file, without a server
    Verify(offline::VerifyArgs),
    /// Check the receipt of a verification, offline and at any later time
    VerifyReceipt(evidence::VerifyReceiptArgs),
    /// Work on policies of presentation requests
    Policy(evidence::PolicyArgs),
    /// Say where a presentation request asks for more than it may need
    LintRequest(evidence::LintArgs),
    /// Decode a credential, token, link, query or metadata URL and say what is wrong with it
    Inspect(inspect::InspectArgs),
    /// Hash the password on standard input, for a file of holders who log in
    HashPassword,
    /// Look issued credentials up, suspend, reinstate, revoke and reissue them
    Credentials(credentials::CredentialsArgs),
    /// See which messages went to webhooks, and have them delivered again
    Messages(credentials::MessagesArgs),
    /// Revoke and forget everything about a subject
    Erase(credentials::EraseArgs),
    /// Make an API key for one of your systems
    ApiKey(api_key::ApiKeyArgs),
    /// Make the secret that a webhook's messages are signed with
    WebhookSecret,
    /// Print the OpenAPI document of the integrator API
    Openapi,
}

/// Runs the command line.
#[must_use]
pub fn run() -> std::process::ExitCode {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let Ok(runtime) = runtime else {
        return Ending::not_done(ExitCode::Failed, "threads", "The threads cannot be started.")
            .print(false);
    };
    runtime.block_on(perform(cli.command))
}

async fn perform(command: Command) -> std::process::ExitCode {
    match command {
        Command::Did(args) => did::run(&args).await.print(args.json),
        Command::Issue(args) => offline::issue(&args).await.print(false),
        Command::Verify(args) => offline::verify(&args).await.print(args.json),
        Command::VerifyReceipt(args) => evidence::verify_receipt(&args).print(args.json),
        Command::Policy(evidence::PolicyArgs { command: evidence::PolicyCommand::Test(args) }) => {
            evidence::policy(&args).await.print(args.json)
        }
        Command::LintRequest(args) => evidence::lint_request(&args).print(args.json),
        Command::Inspect(args) => inspect::run(&args).await.print(args.json),
        Command::Wallet(args) => wallet::run(&args).await.print(args.json),
        Command::Backup(args) => backup::backup(&args).await.print(args.store.json),
        Command::Restore(args) => backup::restore(&args).await.print(args.store.json),
        Command::Migrate(args) => migrate::run(&args).await.print(args.json),
        Command::Keys(args) => keys::run(&args).await.print(args.store.json),
        Command::Audit(args) => audit::run(&args).await.print(args.store.json),
        Command::Config(args) => config::run(&args).print(false),
        Command::HashPassword => hash_password::run().print(false),
        Command::Credentials(args) => credentials::credentials(&args).await.print(args.server.json),
        Command::Messages(args) => credentials::messages(&args).await.print(args.server.json),
        Command::Erase(args) => credentials::erase(&args).await.print(args.server.json),
        Command::ApiKey(args) => api_key::run(&args).print(args.json),
        Command::WebhookSecret => api_key::webhook_secret().print(false),
        Command::Openapi => api_key::openapi().print(false),
        Command::Demo(args) => server::demo(&args).await.print(false),
        Command::Serve(args) => server::serve(&args).await.print(false),
        Command::Offer(args) => integrate::offer(&args).await.print(args.server.json),
        Command::Request(args) => integrate::request(&args).await.print(args.server.json),
        Command::Revoke(args) => integrate::revoke(&args).await.print(args.server.json),
        Command::Result(args) => integrate::result(&args).await.print(args.server.json),
    }
}

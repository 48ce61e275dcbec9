//! The commands: what they take, and the exit codes they leave.

mod exit;
mod inspect;
mod integrate;
mod server;
mod wallet;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use url::Url;

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
    Demo(DemoArgs),
    /// Run issuer and verifier from a configuration file
    Serve(ServeArgs),
    /// Hold credentials: a wallet in the terminal
    Wallet(WalletArgs),
    /// Create a credential offer on a running server
    Offer(OfferArgs),
    /// Create a presentation request on a running server
    Request(RequestArgs),
    /// Revoke what an offer led to, suspend it, or make it valid again
    Revoke(RevokeArgs),
    /// Read the state or verdict of an offer or a request
    Result(ResultArgs),
    /// Decode a credential, token, link, query or metadata URL and say what is wrong with it
    Inspect(InspectArgs),
}

/// `lanyard demo`
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// The port to listen on, on loopback
    #[arg(long, default_value_t = 7077)]
    pub port: u16,
    /// The folder for keys, database and wallet; made on first start
    #[arg(long, default_value = "lanyard-demo")]
    pub data: PathBuf,
}

/// `lanyard serve`
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// The configuration; examples/lanyard.toml documents every key
    #[arg(long, default_value = "lanyard.toml")]
    pub config: PathBuf,
    /// Read the configuration, say what is wrong with it, and stop
    #[arg(long)]
    pub check: bool,
}

/// `lanyard wallet`
#[derive(Debug, Args)]
pub struct WalletArgs {
    /// The folder of the wallet; made on first use
    #[arg(long, global = true, env = "LANYARD_WALLET", default_value = "lanyard-wallet")]
    pub home: PathBuf,
    /// Certificates of the authorities to trust, PEM; kept in the wallet's folder once given
    #[arg(long = "trust-anchor", global = true, value_name = "FILE")]
    pub trust_anchors: Vec<PathBuf>,
    /// A server on this machine that may be reached over plain http, such as localhost:7077
    #[arg(long = "allow-http", global = true, value_name = "HOST:PORT")]
    pub allow_http: Vec<String>,
    /// Print JSON
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: WalletCommand,
}

/// What the wallet can do.
#[derive(Debug, Subcommand)]
pub enum WalletCommand {
    /// Accept a credential offer
    Accept {
        /// openid-credential-offer://… or the https link of an offer
        offer: String,
        /// The transaction code, if the offer needs one
        #[arg(long)]
        tx_code: Option<String>,
        /// Do not ask
        #[arg(long, short = 'y')]
        yes: bool,
    },
    /// Answer a presentation request
    Present {
        /// openid4vp://… or another link with client_id and request_uri
        request: String,
        /// Do not ask; share what is required, and the optional too if --optional is given
        #[arg(long, short = 'y')]
        yes: bool,
        /// Share what the verifier marks as optional too
        #[arg(long)]
        optional: bool,
    },
    /// List the credentials
    List,
    /// Show one credential with its claims
    Show {
        /// Its identifier, or an unambiguous beginning of it
        id: String,
    },
    /// What was received, shared, declined or failed
    History,
}

/// How to reach a running server.
#[derive(Debug, Args)]
pub struct ServerArgs {
    /// The server's public URL
    #[arg(long, env = "LANYARD_SERVER", default_value = "http://localhost:7077")]
    pub server: Url,
    /// The tenant
    #[arg(long, env = "LANYARD_TENANT", default_value = "demo")]
    pub tenant: String,
    /// The file with the API key; without it LANYARD_API_KEY is read
    #[arg(long, value_name = "FILE")]
    pub api_key_file: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `lanyard offer`
#[derive(Debug, Args)]
pub struct OfferArgs {
    /// Where.
    #[command(flatten)]
    pub server: ServerArgs,
    /// The credential type, such as employee_badge
    #[arg(long = "type", value_name = "ID")]
    pub kind: String,
    /// The claims: a JSON object, or @file.json
    #[arg(long)]
    pub claims: Option<String>,
    /// Ask the holder for a transaction code
    #[arg(long)]
    pub tx_code: bool,
}

/// `lanyard request`
#[derive(Debug, Args)]
pub struct RequestArgs {
    /// Where.
    #[command(flatten)]
    pub server: ServerArgs,
    /// A question that the server has ready, such as badge
    #[arg(long, required_unless_present = "dcql", conflicts_with = "dcql")]
    pub preset: Option<String>,
    /// A question of your own in DCQL: JSON, or @file.json
    #[arg(long)]
    pub dcql: Option<String>,
    /// How the verifier names itself: x509_hash, x509_san_dns or redirect_uri
    #[arg(long, value_name = "PREFIX")]
    pub client_id_prefix: Option<String>,
    /// How wallets fetch the request: get or post
    #[arg(long, value_name = "METHOD")]
    pub request_uri_method: Option<String>,
    /// Trust the issuers of these authorities for this request, PEM
    #[arg(long = "trust-anchor", value_name = "FILE")]
    pub trust_anchors: Vec<PathBuf>,
    /// Let the wallet answer unencrypted (direct_post)
    #[arg(long)]
    pub plain: bool,
    /// Wait for the verdict
    #[arg(long)]
    pub wait: bool,
}

/// `lanyard result`
#[derive(Debug, Args)]
pub struct ResultArgs {
    /// Where.
    #[command(flatten)]
    pub server: ServerArgs,
    /// The identifier that `lanyard offer` or `lanyard request` printed
    pub id: String,
    /// It is an offer
    #[arg(long)]
    pub offer: bool,
    /// Wait until it is decided, for this many seconds at most
    #[arg(long, value_name = "SECONDS")]
    pub wait: Option<u64>,
}

/// `lanyard revoke`
#[derive(Debug, Args)]
pub struct RevokeArgs {
    /// Where.
    #[command(flatten)]
    pub server: ServerArgs,
    /// The identifier that `lanyard offer` printed
    pub id: String,
    /// Not for good: it can be made valid again
    #[arg(long, conflicts_with = "reinstate")]
    pub suspend: bool,
    /// Make what was suspended valid again
    #[arg(long)]
    pub reinstate: bool,
}

/// `lanyard inspect`
#[derive(Debug, Args)]
pub struct InspectArgs {
    /// The thing itself, @file, or - for standard input
    pub thing: String,
    /// Fetch what a link or URL leads to
    #[arg(long)]
    pub fetch: bool,
    /// A server on this machine that may be reached over plain http, such as localhost:7077
    #[arg(long = "allow-http", value_name = "HOST:PORT")]
    pub allow_http: Vec<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
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
        Command::Inspect(args) => inspect::run(&args).await.print(args.json),
        Command::Wallet(args) => wallet::run(&args).await.print(args.json),
        Command::Demo(args) => server::demo(&args).await.print(false),
        Command::Serve(args) => server::serve(&args).await.print(false),
        Command::Offer(args) => integrate::offer(&args).await.print(args.server.json),
        Command::Request(args) => integrate::request(&args).await.print(args.server.json),
        Command::Revoke(args) => integrate::revoke(&args).await.print(args.server.json),
        Command::Result(args) => integrate::result(&args).await.print(args.server.json),
    }
}

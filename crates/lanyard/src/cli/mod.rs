//! The commands: what they take, and the exit codes they leave.

mod api_key;
mod callback;
mod credentials;
mod did;
mod evidence;
mod exit;
mod hash_password;
mod inspect;
mod integrate;
mod offline;
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
    /// Resolve a DID, or make, change and give up one of your own
    Did(DidArgs),
    /// Issue a credential of any format from a file with claims and a key, without a server
    Issue(IssueArgs),
    /// Verify a credential or a presentation of any format from a file, without a server
    Verify(VerifyArgs),
    /// Check the receipt of a verification, offline and at any later time
    VerifyReceipt(evidence::VerifyReceiptArgs),
    /// Work on policies of presentation requests
    Policy(evidence::PolicyArgs),
    /// Say where a presentation request asks for more than it may need
    LintRequest(evidence::LintArgs),
    /// Decode a credential, token, link, query or metadata URL and say what is wrong with it
    Inspect(InspectArgs),
    /// Hash the password on standard input, for a file of holders who log in
    HashPassword,
    /// Look issued credentials up, suspend, reinstate, revoke and reissue them
    Credentials(CredentialsArgs),
    /// See which messages went to webhooks, and have them delivered again
    Messages(MessagesArgs),
    /// Revoke and forget everything about a subject
    Erase(EraseArgs),
    /// Make an API key for one of your systems
    ApiKey(ApiKeyArgs),
    /// Make the secret that a webhook's messages are signed with
    WebhookSecret,
    /// Print the OpenAPI document of the integrator API
    Openapi,
}

/// `lanyard credentials`
#[derive(Debug, Args)]
pub struct CredentialsArgs {
    /// Where.
    #[command(flatten)]
    pub server: ServerArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: CredentialsCommand,
}

/// What can be done with issued credentials.
#[derive(Debug, Subcommand)]
pub enum CredentialsCommand {
    /// List them, newest first
    List {
        /// Only those about this subject: the reference that was given with the offer
        #[arg(long)]
        subject: Option<String>,
        /// Only those of this configuration
        #[arg(long = "type", value_name = "ID")]
        configuration: Option<String>,
        /// How many at most
        #[arg(long, default_value_t = 50)]
        limit: u16,
    },
    /// Show one, and what became of it
    Show {
        /// Its identifier
        id: String,
    },
    /// Suspend: not valid until it is reinstated
    Suspend(Which),
    /// Make valid again what was suspended
    Reinstate(Which),
    /// Revoke, for good
    Revoke(Which),
    /// Offer one anew with fresh claims; the old one is revoked
    Reissue {
        /// Its identifier
        id: String,
        /// The claims: a JSON object, or @file.json
        #[arg(long)]
        claims: String,
        /// Ask the holder for a transaction code
        #[arg(long)]
        tx_code: bool,
        /// Leave the old one as it is
        #[arg(long)]
        keep_old: bool,
    },
}

/// Which credentials.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub struct Which {
    /// The identifier of one
    pub id: Option<String>,
    /// All about this subject: the reference that was given with the offer
    #[arg(long, conflicts_with = "id")]
    pub subject: Option<String>,
    /// All of this configuration
    #[arg(long = "type", value_name = "ID", conflicts_with = "id")]
    pub configuration: Option<String>,
    /// Why: a word such as left_company
    #[arg(long)]
    pub reason: Option<String>,
}

/// `lanyard messages`
#[derive(Debug, Args)]
pub struct MessagesArgs {
    /// Where.
    #[command(flatten)]
    pub server: ServerArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: MessagesCommand,
}

/// What can be done with messages to webhooks.
#[derive(Debug, Subcommand)]
pub enum MessagesCommand {
    /// List them, newest first
    List {
        /// Only those that are waiting, delivered or dead
        #[arg(long)]
        state: Option<String>,
    },
    /// Have one delivered again
    Redeliver {
        /// Its identifier
        id: String,
    },
}

/// `lanyard erase`
#[derive(Debug, Args)]
pub struct EraseArgs {
    /// Where.
    #[command(flatten)]
    pub server: ServerArgs,
    /// Whom: the reference that was given with the offers
    #[arg(long)]
    pub subject: String,
}

/// `lanyard api-key`
#[derive(Debug, Args)]
pub struct ApiKeyArgs {
    /// Print JSON
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: ApiKeyCommand,
}

/// What can be done with API keys.
#[derive(Debug, Subcommand)]
pub enum ApiKeyCommand {
    /// Make one; the configuration gets its digest
    Create {
        /// The tenant
        #[arg(long, env = "LANYARD_TENANT")]
        tenant: String,
        /// What it is called in the configuration
        #[arg(long, default_value = "integrator")]
        name: String,
        /// What it may be used for, such as offers:write; may be repeated
        #[arg(long = "scope", value_name = "SCOPE", required = true)]
        scopes: Vec<String>,
    },
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

fn did(text: &str) -> Result<lanyard_core::did::Did, String> {
    lanyard_core::did::Did::parse(text).map_err(|error| error.to_string())
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
    /// An issuer that is a DID, to believe what it signs; to be given each time
    #[arg(long = "trust-did", global = true, value_name = "DID", value_parser = did)]
    pub trusted_dids: Vec<lanyard_core::did::Did>,
    /// A server on this machine that may be reached over plain http, such as localhost:7077
    #[arg(long = "allow-http", global = true, value_name = "HOST:PORT")]
    pub allow_http: Vec<String>,
    /// Print JSON
    #[arg(long, global = true)]
    pub json: bool,
    /// What the wallet is called by the authorization servers it is registered at
    #[arg(long, default_value = crate::demo::CLIENT)]
    pub client_id: String,
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
    /// Ask again for what issuers had not ready
    Collect,
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
    /// Have a credential issued again, if its issuer let the holder log in
    Renew {
        /// Its identifier
        id: String,
    },
    /// Go on with what was interrupted before the credentials came
    GoOn,
    /// What was received, shared, declined or failed
    History,
}

/// How to reach a running server.
#[derive(Debug, Args)]
pub struct ServerArgs {
    /// The server's public URL
    #[arg(long, global = true, env = "LANYARD_SERVER", default_value = "http://localhost:7077")]
    pub server: Url,
    /// The tenant
    #[arg(long, global = true, env = "LANYARD_TENANT", default_value = "demo")]
    pub tenant: String,
    /// The file with the API key; without it LANYARD_API_KEY is read
    #[arg(long, global = true, value_name = "FILE")]
    pub api_key_file: Option<PathBuf>,
    /// Print JSON
    #[arg(long, global = true)]
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
    /// Let this holder log in instead of giving the wallet a code
    #[arg(long, value_name = "NAME", conflicts_with = "tx_code")]
    pub holder: Option<String>,
    /// Your own reference to whom it is about, such as a staff number; only an HMAC of it is kept
    #[arg(long, value_name = "REFERENCE")]
    pub subject: Option<String>,
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
    /// How the verifier names itself: x509_hash, x509_san_dns, decentralized_identifier or redirect_uri
    #[arg(long, value_name = "PREFIX")]
    pub client_id_prefix: Option<String>,
    /// What the holder is to authorize: a JSON list of transactions, a file or - for standard input
    #[arg(long, value_name = "JSON")]
    pub transaction_data: Option<String>,
    /// What others say about the verifier: a JSON list, a file or - for standard input
    #[arg(long, value_name = "JSON")]
    pub verifier_info: Option<String>,
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

/// `lanyard issue`
#[derive(Debug, Args)]
pub struct IssueArgs {
    /// dc+sd-jwt, mso_mdoc, jwt_vc_json, ldp_vc, vc+jwt or vc+sd-jwt
    #[arg(long)]
    pub format: String,
    /// The type: a vct, a docType, or what stands beside VerifiableCredential
    #[arg(long = "type", value_name = "NAME")]
    pub kind: String,
    /// The issuer's private key, a JWK; made on first use
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// The curve of a key that is made: P-256, P-384 or Ed25519
    #[arg(long, default_value = "P-256")]
    pub curve: String,
    /// The issuer's certificate chain, PEM, leaf first, without the authority's own
    #[arg(long, value_name = "FILE")]
    pub certificate: Option<PathBuf>,
    /// The issuer: an https URL or a DID; without it the certificate's subject, or the key's own did:key
    #[arg(long)]
    pub issuer: Option<String>,
    /// The DID URL of the issuer's key, for a DID that is published elsewhere
    #[arg(long, value_name = "DID URL")]
    pub key_id: Option<String>,
    /// The holder's public key, a JWK; an mdoc needs one
    #[arg(long, value_name = "FILE")]
    pub holder: Option<PathBuf>,
    /// A further context of a W3C credential, which defines its terms; may be repeated
    #[arg(long = "context", value_name = "URL")]
    pub contexts: Vec<String>,
    /// For how many days it is valid
    #[arg(long, default_value_t = 365)]
    pub days: u16,
    /// The claims: a JSON object, @file or - for standard input; of an mdoc by namespace
    pub claims: String,
}

/// `lanyard verify`
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// The credential or presentation itself, @file, or - for standard input
    pub thing: String,
    /// Trust the issuers of these authorities, PEM; may be repeated
    #[arg(long = "trust-anchor", value_name = "FILE")]
    pub trust_anchors: Vec<PathBuf>,
    /// Trust this DID; may be repeated
    #[arg(long = "trust-did", value_name = "DID")]
    pub trust_dids: Vec<String>,
    /// Trust an issuer by its keys, a JWK or a JWK set; may be repeated
    #[arg(long = "trust-key", value_name = "ISSUER=FILE")]
    pub trust_keys: Vec<String>,
    /// Demand this type
    #[arg(long = "type", value_name = "NAME")]
    pub kind: Option<String>,
    /// The verifier that a presentation must be for: its full client identifier
    #[arg(long, requires = "nonce")]
    pub audience: Option<String>,
    /// The nonce that a presentation must answer
    #[arg(long, requires = "audience")]
    pub nonce: Option<String>,
    /// The response_uri of the request, for an mdoc
    #[arg(long, value_name = "URL", default_value = "")]
    pub response_uri: String,
    /// Policies for a presentation: a preset (standard, high_assurance, lenient) or @file with a JSON array
    #[arg(long, value_name = "POLICIES")]
    pub policies: Option<String>,
    /// Judge it at this moment instead of now, as 2026-01-15T12:00:00Z
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
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

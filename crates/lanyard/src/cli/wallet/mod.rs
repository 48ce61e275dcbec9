//! `lanyard wallet`: the wallet library in the terminal.

mod present;
mod print;
mod take;

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand, ValueEnum};
use lanyard_core::did::Did;
use lanyard_core::trust::{IssuerKeySource, IssuerTrust, x509::TrustAnchors};
use lanyard_wallet::{SignedMetadata, Wallet};

use super::callback::Callback;
use super::{Ending, ExitCode};
use crate::{files, wallet_home};
use present::present;
use print::{history, list, show};
use take::{accept, collect, go_on, renew};

fn did(text: &str) -> Result<Did, String> {
    Did::parse(text).map_err(|error| error.to_string())
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
    pub trusted_dids: Vec<Did>,
    /// A server on this machine that may be reached over plain http, such as localhost:7077
    #[arg(long = "allow-http", global = true, value_name = "HOST:PORT")]
    pub allow_http: Vec<String>,
    /// Ask issuers to sign what they say about themselves, by one of the trusted authorities
    #[arg(long, global = true, value_enum, value_name = "HOW")]
    pub signed_metadata: Option<Signing>,
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

/// How much a wallet cares whether issuers sign their metadata.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Signing {
    /// What is signed has to hold; what is not is taken too
    Preferred,
    /// No issuer is dealt with that does not sign
    Required,
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
        /// Its identifier, or an unambiguous beginning of it
        id: String,
    },
    /// Go on with what was interrupted before the credentials came
    GoOn,
    /// What was received, shared, declined or failed
    History,
}

const TRUST: &str = "trust.pem";

pub(super) async fn run(args: &WalletArgs) -> Ending {
    // where a browser comes back to: a free port of this machine, before anybody is told about it
    let callback = match Callback::listen().await {
        Ok(callback) => callback,
        Err(ending) => return ending,
    };
    let wallet = match open(args, &callback).await {
        Ok(wallet) => wallet,
        Err(ending) => return ending,
    };
    let ended = match &args.command {
        WalletCommand::Accept { offer, tx_code, yes } => {
            let yes = *yes || args.json;
            accept(&wallet, offer, tx_code.as_deref(), yes, callback).await
        }
        WalletCommand::Renew { id } => renew(&wallet, id).await,
        WalletCommand::GoOn => go_on(&wallet).await,
        WalletCommand::Present { request, yes, optional } => {
            present(&wallet, request, *yes || args.json, *optional).await
        }
        WalletCommand::Collect => collect(&wallet).await,
        WalletCommand::List => list(&wallet),
        WalletCommand::Show { id } => show(&wallet, id),
        WalletCommand::History => history(&wallet),
    };
    ended.unwrap_or_else(|ending| ending)
}

async fn open(args: &WalletArgs, callback: &Callback) -> Result<Wallet, Ending> {
    let usage = |reason: &str, text: String| Ending::not_done(ExitCode::Usage, reason, text);
    files::private_folder(&args.home)
        .map_err(|error| usage("home", format!("{}: {error}", args.home.display())))?;
    let anchors = anchors(args).map_err(|text| usage("trust_anchor", text))?;
    let development = !args.allow_http.is_empty();
    let fetcher = super::inspect::fetcher(&args.allow_http)?;
    let issuers =
        args.trusted_dids.iter().fold(IssuerTrust::certificates(anchors.clone()), |trust, did| {
            trust.with(IssuerKeySource::Did(did.clone()))
        });
    let opening = wallet_home::Opening {
        folder: args.home.clone(),
        issuers,
        signed_metadata: match args.signed_metadata {
            None => SignedMetadata::Unasked,
            Some(Signing::Preferred) => SignedMetadata::Preferred(anchors.clone()),
            Some(Signing::Required) => SignedMetadata::Required(anchors.clone()),
        },
        anchors,
        http: Arc::new(fetcher),
        development,
        client: callback.client(&args.client_id),
        attestation: None,
        key_attester: None,
    };
    wallet_home::open(opening)
        .await
        .map_err(|error| Ending::not_done(ExitCode::Failed, "wallet", error.to_string()))
}

/// The authorities given now, and those given before: they are kept in the wallet's folder.
fn anchors(args: &WalletArgs) -> Result<TrustAnchors, String> {
    let kept = args.home.join(TRUST);
    let mut pem = if kept.exists() { read(&kept)? } else { String::new() };
    let before = pem.len();
    for file in &args.trust_anchors {
        let text = read(file)?;
        TrustAnchors::from_pem(&text).map_err(|error| format!("{}: {error}", file.display()))?;
        if !pem.contains(text.trim()) {
            pem.push_str(text.trim());
            pem.push('\n');
        }
    }
    if pem.len() > before {
        std::fs::write(&kept, &pem).map_err(|error| format!("{}: {error}", kept.display()))?;
    }
    if pem.is_empty() {
        return Ok(TrustAnchors::default());
    }
    TrustAnchors::from_pem(&pem).map_err(|error| format!("{}: {error}", kept.display()))
}

fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// The two settings that a first try on one machine needs.
fn with_hint(text: String) -> String {
    let hint = match () {
        () if text.contains("https") => {
            "\nOn one machine, plain http needs --allow-http localhost:7077."
        }
        () if text.contains("trusted") => {
            "\nIts authority is not among yours: add it with --trust-anchor FILE, a DID with --trust-did DID."
        }
        () => "",
    };
    format!("{text}{hint}")
}

fn ask_yes(question: &str) -> Result<bool, Ending> {
    Ok(matches!(ask(&format!("{question} [y/N] "))?.to_ascii_lowercase().as_str(), "y" | "yes"))
}

fn ask(question: &str) -> Result<String, Ending> {
    let unanswered = || {
        Ending::not_done(
            ExitCode::Usage,
            "not_interactive",
            "This needs an answer and there is no terminal to ask on; add --yes, and --tx-code if one is needed.",
        )
    };
    if !std::io::stdin().is_terminal() {
        return Err(unanswered());
    }
    eprint!("{question}");
    std::io::stderr().flush().map_err(|_| unanswered())?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).map_err(|_| unanswered())?;
    Ok(line.trim().to_owned())
}

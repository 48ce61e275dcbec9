//! `lanyard wallet`: the wallet library in the terminal.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand, ValueEnum};
use lanyard_core::did::Did;
use lanyard_core::trust::{IssuerKeySource, IssuerTrust, x509::TrustAnchors};
use lanyard_oid4vp::wallet::{Choices, Selection, VerifierIdentity, VerifierReply};
use lanyard_wallet::{
    AcceptError, AuthorizationCode, IssuanceError, Offer, PreAuthorized, PresentationError,
    Request, Review, SignedMetadata, Standing, UnusableCard, Wallet,
    history::{Entry, Event},
    storage::{Card, CardId, StorageError},
};
use serde_json::{Value, json};

use super::callback::Callback;
use super::{Ending, ExitCode};
use crate::{files, wallet_home};

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
        /// Its identifier
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

async fn accept(
    wallet: &Wallet,
    link: &str,
    tx_code: Option<&str>,
    yes: bool,
    callback: Callback,
) -> Result<Ending, Ending> {
    let offer = match wallet.read_offer(link).await.map_err(|error| not_issued(&error))? {
        Offer::PreAuthorized(offer) => offer,
        Offer::AuthorizationCode(offer) => {
            if !yes && !ask_yes(&question_about(offer.review()))? {
                offer.decline();
                return Ok(declined());
            }
            return log_in(wallet, *offer, callback).await;
        }
    };
    let review = offer.review();
    if !yes && !ask_yes(&question_about(review))? {
        offer.decline();
        return Ok(declined());
    }
    let code = match (tx_code, &review.tx_code) {
        (None, Some(description)) => {
            let about = description
                .description
                .as_deref()
                .map(|text| format!(" ({text})"))
                .unwrap_or_default();
            Some(ask(&format!("Transaction code{about}: "))?)
        }
        (given, _) => given.map(str::to_owned),
    };
    redeem(wallet, offer, code.as_deref()).await
}

fn question_about(review: &Review) -> String {
    let names: Vec<_> = review.credentials.iter().map(|card| card.face.name.as_str()).collect();
    let issuer = review.issuer_name.as_deref().unwrap_or(&review.issuer);
    format!("{issuer} ({}) offers: {}. Take it?", review.issuer, names.join(", "))
}

fn declined() -> Ending {
    Ending::done("Declined. Nothing was taken.", json!({ "declined": true }))
}

/// The holder logs in with a browser, which comes back to this process.
async fn log_in(
    wallet: &Wallet,
    offer: AuthorizationCode,
    callback: Callback,
) -> Result<Ending, Ending> {
    let login = offer.begin().await.map_err(|error| not_issued(&error))?;
    eprintln!("Log in with your browser:\n\n  {}\n", login.url());
    let redirect = callback.wait().await?;
    let ids = login.finish(&redirect).await.map_err(|error| not_issued(&error))?;
    added(wallet, &ids)
}

async fn renew(wallet: &Wallet, id: &str) -> Result<Ending, Ending> {
    let cards = cards(wallet)?;
    let card = cards.iter().find(|card| card.id.0.to_string() == id).ok_or_else(|| absent(id))?;
    let renewed = wallet.renew(card.id).await.map_err(|error| not_issued(&error))?;
    added(wallet, &[renewed])
}

/// Takes what was still to come when the last attempt was interrupted.
async fn go_on(wallet: &Wallet) -> Result<Ending, Ending> {
    let mut ids = Vec::new();
    for waiting in wallet.unfinished().map_err(|error| not_issued(&error))? {
        ids.extend(wallet.go_on(waiting.id).await.map_err(|error| not_issued(&error))?);
    }
    if ids.is_empty() {
        return Ok(Ending::done("Nothing was interrupted.", json!({ "cards": [] })));
    }
    added(wallet, &ids)
}

async fn redeem(
    wallet: &Wallet,
    offer: Box<PreAuthorized>,
    code: Option<&str>,
) -> Result<Ending, Ending> {
    let code = code.filter(|_| offer.review().tx_code.is_some());
    let ids = offer.accept(code).await.map_err(|error| match &error {
        AcceptError::TxCodeForm(..) | AcceptError::TxCodeWrong(_) => Ending::not_done(
            ExitCode::Refused,
            error.code(),
            format!("{error}; run the command again with the right --tx-code"),
        ),
        AcceptError::TryAgain(_, error, _) | AcceptError::Failed(error) => not_issued(error),
    })?;
    added(wallet, &ids)
}

async fn collect(wallet: &Wallet) -> Result<Ending, Ending> {
    let ids = wallet.collect().await.map_err(|error| storage_refused(&error))?;
    added(wallet, &ids)
}

/// What came, and what is waited for.
fn added(wallet: &Wallet, ids: &[CardId]) -> Result<Ending, Ending> {
    let cards = cards(wallet)?;
    let waiting = wallet.waiting().map_err(|error| storage_refused(&error))?;
    let taken: Vec<_> = cards.iter().filter(|card| ids.contains(&card.id)).collect();
    let came = taken.iter().map(|card| format!("Added {}", line(card)));
    let late = waiting.iter().map(|(_, waiting)| {
        let (name, issuer) = (&waiting.face.name, &waiting.issuer);
        format!("Not ready yet: {name} from {issuer}; ask again with lanyard wallet collect, from {} on", waiting.next_at)
    });
    let lines: Vec<_> = came.chain(late).collect();
    let mut told = json!({ "cards": taken.iter().map(|card| summary(card)).collect::<Vec<_>>() });
    if !waiting.is_empty() {
        told["waiting"] = waiting
            .iter()
            .map(|(_, waiting)| {
                json!({ "name": waiting.face.name, "issuer": waiting.issuer, "next_at": waiting.next_at.to_string() })
            })
            .collect();
    }
    Ok(Ending::done(lines.join("\n"), told))
}

fn storage_refused(error: &StorageError) -> Ending {
    Ending::not_done(ExitCode::Failed, "storage_refused", error.to_string())
}

async fn present(wallet: &Wallet, link: &str, yes: bool, optional: bool) -> Result<Ending, Ending> {
    let request = match wallet.read_request(link).await {
        Ok(request) => request,
        Err(error) => {
            tell(&error).await;
            return Err(not_presented(&error));
        }
    };
    let Ok(choices) = request.choices() else {
        let unusable = unusable(&request);
        let _ = request.decline().await;
        let told = "Nothing in this wallet answers the request; the verifier was told that there is no answer.";
        return Err(Ending::not_done(
            ExitCode::NothingMatches,
            "nothing_matches",
            format!("{told}{unusable}"),
        ));
    };
    let selection = if optional { everything(&choices) } else { choices.smallest() };
    let question = question(&request, &choices, &selection);
    let over_asked: Vec<Value> = choices
        .over_asked()
        .iter()
        .map(|(query, flag)| json!({ "query": query, "code": flag.what.code(), "path": flag.path }))
        .collect();
    if !yes && !ask_yes(&question)? {
        let _ = request.decline().await;
        return Ok(Ending::done("Declined. Nothing was shared.", json!({ "declined": true })));
    }
    let consent = choices
        .approve(&selection)
        .map_err(|error| Ending::not_done(ExitCode::Failed, "selection", error.to_string()))?;
    let shared: Vec<Value> = consent
        .approved()
        .iter()
        .map(|approved| json!({ "query": approved.query.as_str(), "claims": approved.disclose.iter().map(ToString::to_string).collect::<Vec<_>>() }))
        .collect();
    let verifier = name(request.verifier());
    let reply = request.answer(consent).await.map_err(|error| not_presented(&error))?;
    let next = match &reply {
        VerifierReply::ContinueAt(url) | VerifierReply::ContinueInApp(url) => Some(url.as_str()),
        VerifierReply::Done => None,
    };
    let goes_on = next.map(|url| format!("\nContinue at {url}")).unwrap_or_default();
    Ok(Ending::done(
        format!("Shared with {verifier}.{goes_on}"),
        json!({
            "verifier": verifier, "shared": shared, "over_asked": over_asked, "continue_at": next,
        }),
    ))
}

/// What would answer if it were good, a line for each.
fn unusable(request: &Request) -> String {
    let line = |one: UnusableCard| {
        let name = &request.cards().get(one.card)?.content.face.name;
        let why = match one.standing {
            Standing::Expired => "has expired",
            Standing::Suspended => "is suspended by its issuer",
            Standing::Revoked => "was revoked by its issuer",
            Standing::Valid | Standing::EndsSoon => return None,
        };
        Some(format!("\n  {name} {why}"))
    };
    request.unusable().into_iter().filter_map(line).collect()
}

/// The favourite of every purpose that can be served, optional or not.
fn everything(choices: &Choices) -> Selection {
    let served = choices.sets().iter().map(|set| (!set.options.is_empty()).then_some(0)).collect();
    Selection { options: served, picks: Vec::new() }
}

fn question(request: &Request, choices: &Choices, selection: &Selection) -> String {
    let mut text = format!("{} asks for:", name(request.verifier()));
    let told = request.told();
    if let Some(purpose) = &told.purpose {
        text.push_str(&format!("\n  In its own words: “{purpose}”"));
    }
    for contact in told.for_deletion() {
        text.push_str(&format!("\n  To ask it for deletion: {contact}"));
    }
    for (set, option) in choices.sets().iter().zip(&selection.options) {
        let chosen = option.and_then(|option| set.options.get(option)).into_iter().flatten();
        for query in chosen.filter_map(|id| choices.query(id)) {
            let Some(candidate) = query.candidates.first() else { continue };
            let Some(card) = request.cards().get(candidate.credential) else { continue };
            let paths = candidate
                .choices
                .first()
                .map(|choice| choice.disclose.as_slice())
                .unwrap_or_default();
            let labels: Vec<_> = paths.iter().map(|path| card.content.face.label(path)).collect();
            text.push_str(&format!("\n  {}: {}", card.content.face.name, labels.join(", ")));
            let flags = candidate.choices.first().map(|choice| query.over_asked(choice));
            for flag in flags.unwrap_or_default() {
                let claim = flag.path.map(|path| card.content.face.label(&path));
                let claim = claim.unwrap_or_else(|| "all of these".to_owned());
                text.push_str(&format!(
                    "\n    More than most need: {claim}: {}",
                    flag.what.to_holder()
                ));
            }
        }
    }
    for transaction in choices.transactions() {
        text.push_str(&format!("\nBy sharing you authorize: {}", transaction.transaction()));
    }
    text.push_str("\nShare this?");
    text
}

fn name(verifier: &VerifierIdentity) -> String {
    match verifier {
        VerifierIdentity::Certificate { name, host, .. } => {
            format!("{name} (certified, at {host})")
        }
        VerifierIdentity::Address { host } => format!("{host} (nobody vouches for it)"),
        VerifierIdentity::Did { did, host } => {
            format!("{did}, at {host} (nobody vouches for who that is)")
        }
        VerifierIdentity::Attestation { name, attester, host } => {
            format!("{name} (attested by {attester}, at {host})")
        }
        VerifierIdentity::Registered { name, host } => format!("{name} (known, at {host})"),
    }
}

fn list(wallet: &Wallet) -> Result<Ending, Ending> {
    let cards = cards(wallet)?;
    let lines: Vec<_> = cards.iter().map(line).collect();
    let text = if lines.is_empty() {
        "No credentials yet. Take one with: lanyard wallet accept <offer>".to_owned()
    } else {
        lines.join("\n")
    };
    Ok(Ending::done(text, json!({ "cards": cards.iter().map(summary).collect::<Vec<_>>() })))
}

fn show(wallet: &Wallet, id: &str) -> Result<Ending, Ending> {
    let cards = cards(wallet)?;
    let card = cards.iter().find(|card| card.id.0.to_string() == id);
    let card = card.ok_or_else(|| absent(id))?;
    let mut shown = summary(card);
    shown["claims"] = Value::Object(card.content.claims.clone());
    let text = format!("{}\n{:#}", line(card), Value::Object(card.content.claims.clone()));
    Ok(Ending::done(text, shown))
}

fn absent(id: &str) -> Ending {
    Ending::not_done(
        ExitCode::NothingMatches,
        "card_absent",
        format!("There is no credential {id}; lanyard wallet list shows those there are."),
    )
}

fn history(wallet: &Wallet) -> Result<Ending, Ending> {
    let entries = wallet.history().map_err(|error| {
        Ending::not_done(ExitCode::Failed, "storage_refused", error.to_string())
    })?;
    let lines: Vec<_> = entries.iter().map(|(_, entry)| told(entry)).collect();
    let text = if lines.is_empty() { "Nothing happened yet.".to_owned() } else { lines.join("\n") };
    let values: Vec<_> =
        entries.iter().filter_map(|(_, entry)| serde_json::to_value(entry).ok()).collect();
    Ok(Ending::done(text, json!({ "history": values })))
}

fn told(entry: &Entry) -> String {
    let whom = entry.party_name.as_deref().unwrap_or(&entry.party);
    let what = match &entry.event {
        Event::Received => "received",
        Event::OfferDeclined => "declined an offer",
        Event::IssuanceFailed { .. } => "FAILED to accept",
        Event::Presented => "shared",
        Event::RequestDeclined => "declined a request",
        Event::PresentationFailed { .. } => "FAILED to answer",
        Event::Deferred => "waits for",
        Event::Deleted => "removed",
    };
    let why = match &entry.event {
        Event::IssuanceFailed { code, reason } | Event::PresentationFailed { code, reason } => {
            format!(": {reason} [{code}]")
        }
        _ => String::new(),
    };
    format!("{}  {what}  {}  {whom}{why}", entry.at, entry.credentials.join(", "))
}

fn cards(wallet: &Wallet) -> Result<Vec<Card>, Ending> {
    wallet
        .cards()
        .map_err(|error| Ending::not_done(ExitCode::Failed, "storage_refused", error.to_string()))
}

fn line(card: &Card) -> String {
    let content = &card.content;
    let issuer = content.issuer_name.as_deref().unwrap_or(&content.issuer);
    let until = content.expires_at.map(|end| format!(", until {end}")).unwrap_or_default();
    format!("{}  {} from {issuer}{until}", card.id.0, content.face.name)
}

fn summary(card: &Card) -> Value {
    let content = &card.content;
    json!({
        "id": card.id.0,
        "name": content.face.name,
        "issuer": content.issuer,
        "issuer_name": content.issuer_name,
        "signed_by": content.issuer_identity,
        "format": content.format,
        "types": content.types,
        "received_at": content.received_at.to_string(),
        "expires_at": content.expires_at.map(|end| end.to_string()),
        "copies": card.copies,
        "unused_copies": card.unused_copies,
    })
}

fn not_issued(error: &IssuanceError) -> Ending {
    let code = match error {
        IssuanceError::Fetch(_) => ExitCode::Network,
        IssuanceError::Offer(_) => ExitCode::Usage,
        IssuanceError::Keys(_) | IssuanceError::Storage(_) => ExitCode::Failed,
        _ => ExitCode::Refused,
    };
    Ending::not_done(code, error.code(), with_hint(error.to_string()))
}

/// Tells a verifier why its request is refused, where it can be told; whoever ran the command acted.
async fn tell(error: &PresentationError) {
    if let PresentationError::Refusable(refused) = error {
        let _ = refused.refuse().await;
    }
}

fn not_presented(error: &PresentationError) -> Ending {
    let code = match error {
        PresentationError::Fetch(_) => ExitCode::Network,
        PresentationError::Answer(_) | PresentationError::Storage(_) => ExitCode::Failed,
        _ => ExitCode::Refused,
    };
    Ending::not_done(code, error.code(), with_hint(error.to_string()))
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

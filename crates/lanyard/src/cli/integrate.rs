//! `lanyard offer`, `lanyard request`, `lanyard revoke`, `lanyard result`: what an integrator does, from the terminal.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use lanyard_fetch::{HostPort, SafeFetcher};
use secrecy::SecretString;
use serde_json::{Value, json};
use url::Url;

use super::{Ending, ExitCode, inspect::read};
use crate::config::is_loopback;
use crate::integrator::{Integrator, IntegratorError};
use crate::serve::plan;

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

/// How often a verdict that is waited for is asked for.
const PAUSE: Duration = Duration::from_millis(400);
/// How long `lanyard request --wait` waits: as long as a request lives.
const LONGEST_WAIT: Duration = Duration::from_secs(10 * 60);

pub(super) async fn offer(args: &OfferArgs) -> Ending {
    make_offer(args).await.unwrap_or_else(|ending| ending)
}

async fn make_offer(args: &OfferArgs) -> Result<Ending, Ending> {
    let api = integrator(&args.server)?;
    let claims = match &args.claims {
        Some(text) => json_of("--claims", text)?,
        None => sample(&args.kind)?,
    };
    let mut body = offer_body(&args.kind, claims, args.tx_code);
    if let Some(holder) = &args.holder {
        body["login"] = json!("only");
        body["holder"] = json!(holder);
    }
    if let Some(subject) = &args.subject {
        body["subject"] = json!(subject);
    }
    let made = api.create("offers", &body).await.map_err(refused)?;
    let code = text(&made, "tx_code")
        .map(|code| format!("\nTransaction code: {code}"))
        .unwrap_or_default();
    let shown = format!("{}\n{}{code}", text(&made, "id").unwrap_or_default(), link(&made));
    Ok(Ending::done(shown, made))
}

fn offer_body(kind: &str, claims: Value, tx_code: bool) -> Value {
    json!({ "credentials": [{ "configuration": kind, "claims": claims }], "tx_code": tx_code })
}

/// The demo's own types can be offered without typing anybody's claims.
fn sample(kind: &str) -> Result<Value, Ending> {
    let types = crate::demo::credential_types().unwrap_or_default();
    let found =
        types.iter().find(|known| known.id == kind).map(|known| Value::Object(known.sample()));
    found.ok_or_else(|| Ending::not_done(ExitCode::Usage, "claims", format!("{kind} is not a type of the demo; give its claims with --claims '{{…}}' or --claims @file.json")))
}

pub(super) async fn request(args: &RequestArgs) -> Ending {
    make_request(args).await.unwrap_or_else(|ending| ending)
}

async fn make_request(args: &RequestArgs) -> Result<Ending, Ending> {
    let api = integrator(&args.server)?;
    let mut anchors = Vec::new();
    for file in &args.trust_anchors {
        anchors.push(
            std::fs::read_to_string(file)
                .map_err(|error| usage("trust_anchor", format!("{}: {error}", file.display())))?,
        );
    }
    let made = api.create("requests", &request_body(args, anchors)?).await.map_err(refused)?;
    let id = text(&made, "id").unwrap_or_default();
    if !args.wait {
        return Ok(Ending::done(format!("{id}\n{}", link(&made)), made));
    }
    eprintln!("{}", link(&made));
    wait(&api, &format!("requests/{id}"), LONGEST_WAIT).await
}

/// Only what was said on the command line; the server knows its own defaults, and what is allowed.
fn request_body(args: &RequestArgs, anchors: Vec<String>) -> Result<Value, Ending> {
    let mut body = json!({});
    if let Some(query) = &args.dcql {
        body["dcql_query"] = json_of("--dcql", query)?;
    }
    if let Some(transactions) = &args.transaction_data {
        body["transaction_data"] = json_of("--transaction-data", transactions)?;
    }
    if let Some(info) = &args.verifier_info {
        body["verifier_info"] = json_of("--verifier-info", info)?;
    }
    let said = [
        ("preset", &args.preset),
        ("client_id_prefix", &args.client_id_prefix),
        ("request_uri_method", &args.request_uri_method),
    ];
    for (name, value) in said {
        if let Some(value) = value {
            body[name] = json!(value);
        }
    }
    if args.plain {
        body["response_mode"] = json!("direct_post");
    }
    if !anchors.is_empty() {
        body["trust_anchors"] = json!(anchors);
    }
    Ok(body)
}

pub(super) async fn revoke(args: &RevokeArgs) -> Ending {
    change_status(args).await.unwrap_or_else(|ending| ending)
}

/// Changes the status of every credential that the offer led to.
async fn change_status(args: &RevokeArgs) -> Result<Ending, Ending> {
    let api = integrator(&args.server)?;
    let status = match (args.suspend, args.reinstate) {
        (true, _) => "suspended",
        (false, true) => "valid",
        (false, false) => "revoked",
    };
    let offer = api.read(&format!("offers/{}", args.id)).await.map_err(refused)?;
    let credentials = offer.get("credentials").and_then(Value::as_array);
    let ids: Vec<_> = credentials.into_iter().flatten().filter_map(|one| text(one, "id")).collect();
    if ids.is_empty() {
        return Err(Ending::not_done(
            ExitCode::Refused,
            "not_issued",
            "Nothing was issued from this offer yet; withdraw it instead.",
        ));
    }
    let mut changed = Vec::new();
    for id in ids {
        let place = format!("credentials/{id}/status");
        changed.push(api.create(&place, &json!({ "status": status })).await.map_err(refused)?);
    }
    Ok(Ending::done(format!("{status}: {} credential(s)", changed.len()), json!(changed)))
}

pub(super) async fn result(args: &ResultArgs) -> Ending {
    let read = async {
        let api = integrator(&args.server)?;
        let collection = if args.offer { "offers" } else { "requests" };
        wait(
            &api,
            &format!("{collection}/{}", args.id),
            Duration::from_secs(args.wait.unwrap_or(0)),
        )
        .await
    };
    read.await.unwrap_or_else(|ending| ending)
}

async fn wait(api: &Integrator, item: &str, patience: Duration) -> Result<Ending, Ending> {
    let begun = Instant::now();
    loop {
        let status = api.read(item).await.map_err(refused)?;
        let ending = conclude(status);
        if ending.code != ExitCode::Undecided || begun.elapsed() >= patience {
            return Ok(ending);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// The state of an offer or a request as an exit code.
fn conclude(status: Value) -> Ending {
    let state = text(&status, "state").unwrap_or_default();
    let verdict = status.get("verdict").filter(|verdict| !verdict.is_null());
    let decided =
        verdict.and_then(|verdict| text(verdict, "state")).unwrap_or_else(|| state.clone());
    let code = match decided.as_str() {
        "verified" | "issued" => ExitCode::Done,
        "refused" | "declined" | "expired" | "withdrawn" | "cancelled" | "tx_code_exhausted" => {
            ExitCode::Refused
        }
        _ => ExitCode::Undecided,
    };
    let why = verdict
        .and_then(|verdict| text(verdict, "detail"))
        .map(|why| format!(": {why}"))
        .unwrap_or_default();
    let claims = verdict.map(claims).unwrap_or_default();
    Ending { code, text: format!("{decided}{why}{claims}"), json: status }
}

fn claims(verdict: &Value) -> String {
    let credentials =
        verdict.get("credentials").and_then(Value::as_array).cloned().unwrap_or_default();
    let shown = credentials.iter().filter_map(|credential| {
        let claims = credential.get("claims").filter(|claims| !claims.is_null())?;
        Some(format!("\n{}: {claims:#}", text(credential, "query").unwrap_or_default()))
    });
    shown.collect()
}

fn link(made: &Value) -> String {
    ["link", "offer_link", "request_link"]
        .iter()
        .find_map(|name| text(made, name))
        .unwrap_or_default()
}

pub(super) fn text(value: &Value, name: &str) -> Option<String> {
    value.get(name).and_then(Value::as_str).map(str::to_owned)
}

pub(super) fn json_of(option: &str, argument: &str) -> Result<Value, Ending> {
    let text = read(argument).map_err(|error| usage("unreadable", format!("{option}: {error}")))?;
    serde_json::from_str(&text)
        .map_err(|error| usage("json", format!("{option} is not JSON: {error}")))
}

pub(super) fn integrator(args: &ServerArgs) -> Result<Integrator, Ending> {
    let key = match &args.api_key_file {
        Some(file) => plan::api_key(file).map_err(|error| usage("api_key", error.to_string()))?,
        None => key_from_environment()?,
    };
    // the API key goes to this server: over plain http only if it is this machine, named by its user
    let own = is_loopback(&args.server).then(|| HostPort::of(&args.server)).flatten();
    let http = Arc::new(SafeFetcher::builder().danger_allow_plain_http_to(own).build());
    Ok(Integrator::new(args.server.clone(), args.tenant.clone(), key, http))
}

fn key_from_environment() -> Result<SecretString, Ending> {
    if let Ok(key) = std::env::var("LANYARD_API_KEY") {
        return Ok(SecretString::from(key));
    }
    // where the demo puts its key when it is started from here
    let demo = Path::new("lanyard-demo/api-key").to_path_buf();
    plan::api_key(&demo).map_err(|_| usage("api_key", "No API key: give --api-key-file FILE or set LANYARD_API_KEY; the demo's key is lanyard-demo/api-key.".to_owned()))
}

fn usage(reason: &str, text: String) -> Ending {
    Ending::not_done(ExitCode::Usage, reason, text)
}

pub(super) fn refused(error: IntegratorError) -> Ending {
    match &error {
        IntegratorError::Network(_) => {
            Ending::not_done(ExitCode::Network, "unreachable", error.to_string())
        }
        IntegratorError::Refused { code, .. } => {
            Ending::not_done(ExitCode::Refused, code, error.to_string())
        }
        IntegratorError::Answer => Ending::not_done(ExitCode::Failed, "answer", error.to_string()),
    }
}

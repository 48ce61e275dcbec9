//! `lanyard verify-receipt`, `lanyard policy test`, `lanyard lint-request`: what a verifier looks at without a
//! server.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::{Args, Subcommand};
use jiff::Timestamp;
use lanyard_core::{
    crypto::AwsLc,
    did::DidMethods,
    json,
    trust::{CertificateIss, IssuerKeySource, IssuerTrust, x509::TrustAnchors},
    verify::{PolicySet, PresentationVerifier},
};
use lanyard_fetch::{CachedDids, SafeFetcher, StatusListFetcher};
use lanyard_oid4vp::{
    dcql::DcqlQuery,
    verifier::{Recording, Verdict, VerdictState},
};
use lanyard_verifier::{ReceiptChecker, RequestPolicy, lint, try_policy};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{Ending, ExitCode, inspect::read};

/// `lanyard verify-receipt`
#[derive(Debug, Args)]
pub struct VerifyReceiptArgs {
    /// The receipt itself, @file, or - for standard input
    pub receipt: String,
    /// Believe verifiers with a certificate of these authorities, PEM; may be repeated
    #[arg(long = "trust-anchor", value_name = "FILE", required = true)]
    pub trust_anchors: Vec<PathBuf>,
    /// The DNS name that the verifier's certificate must have
    #[arg(long, value_name = "NAME")]
    pub verifier: Option<String>,
    /// A presentation that it must be about, as it was sent; may be repeated
    #[arg(long = "presentation", value_name = "FILE")]
    pub presentations: Vec<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `lanyard policy`
#[derive(Debug, Args)]
pub struct PolicyArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: PolicyCommand,
}

/// What can be done with a policy.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Try a policy on a recorded presentation, without a server and without anybody noticing
    Test(PolicyTestArgs),
}

/// `lanyard policy test`
#[derive(Debug, Args)]
pub struct PolicyTestArgs {
    /// The policy of a request: JSON, @file, or - for standard input
    pub policy: String,
    /// The recording, as GET /api/{tenant}/requests/{id}/recording gives it
    #[arg(long, value_name = "FILE")]
    pub recording: PathBuf,
    /// Trust the issuers of these authorities, PEM; may be repeated
    #[arg(long = "trust-anchor", value_name = "FILE")]
    pub trust_anchors: Vec<PathBuf>,
    /// Do not ask for status lists: a status is unknown then
    #[arg(long)]
    pub offline: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `lanyard lint-request`
#[derive(Debug, Args)]
pub struct LintArgs {
    /// A DCQL query, or a saved request with one: JSON, @file, or - for standard input
    pub query: String,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

pub(super) fn verify_receipt(args: &VerifyReceiptArgs) -> Ending {
    let receipt = match read(&args.receipt) {
        Ok(receipt) => receipt,
        Err(error) => return usage(format!("{} cannot be read: {error}", args.receipt)),
    };
    let anchors = match anchors(&args.trust_anchors) {
        Ok(anchors) => anchors,
        Err(ending) => return ending,
    };
    let presentations = args.presentations.iter().map(|file| text(file)).collect();
    let presentations: Vec<String> = match presentations {
        Ok(presentations) => presentations,
        Err(ending) => return ending,
    };
    let checker = ReceiptChecker {
        anchors: &anchors,
        verifier: args.verifier.as_deref(),
        presentations: &presentations,
        now: Timestamp::now(),
        provider: &AwsLc,
    };
    match checker.verify(&receipt) {
        Err(refused) => {
            let text = format!("Refused: {refused}.");
            Ending::not_done(ExitCode::Refused, refused.code(), text)
        }
        Ok(verified) => {
            let said = &verified.receipt;
            let asked = said.request.purpose.as_deref().unwrap_or("no purpose was given");
            let head = format!(
                "A receipt by {} ({}).\nAsked at {} ({asked}), concluded at {}.",
                verified.signed_by,
                verified.dns_names.join(", "),
                said.request.created_at,
                said.verdict.concluded_at,
            );
            let text = format!("{head}\n{}", told(&said.verdict));
            let json = json!({
                "signed_by": verified.signed_by,
                "dns_names": verified.dns_names,
                "receipt": verified.receipt,
            });
            Ending::done(text, json)
        }
    }
}

pub(super) async fn policy(args: &PolicyTestArgs) -> Ending {
    test(args).await.unwrap_or_else(|ending| ending)
}

async fn test(args: &PolicyTestArgs) -> Result<Ending, Ending> {
    let policy: RequestPolicy = parsed("the policy", &args.policy)?;
    let file = format!("@{}", args.recording.display());
    let recording: Recording = parsed("the recording", &file)?;
    let trust = match policy.trust().map_err(|fault| usage(fault.to_string()))? {
        Some(trust) => trust,
        None => IssuerTrust::new().with(IssuerKeySource::Certificates {
            anchors: anchors(&args.trust_anchors)?,
            iss: CertificateIss::default(),
        }),
    };
    let fetcher = Arc::new(SafeFetcher::new());
    let dids = CachedDids::over(fetcher.clone(), DidMethods::new(Arc::new(AwsLc)));
    let mut verifier =
        PresentationVerifier::new(trust.clone(), Arc::new(AwsLc)).with_resolver(Arc::new(dids));
    if !args.offline {
        let keys = lanyard_core::trust::IssuerKeys::new(trust, Arc::new(AwsLc));
        let lists = Arc::new(StatusListFetcher::new(fetcher));
        let checker = lanyard_core::status::StatusChecker::new(keys, lists);
        verifier = verifier.with_status(Arc::new(checker));
    }
    let with = |policies: &PolicySet| Arc::new(verifier.clone().with_policies(policies.clone()));
    let verdict = try_policy(&policy, &recording, with, &AwsLc).await;
    let verdict = verdict.map_err(|fault| usage(fault.to_string()))?;
    let code = match verdict.state {
        VerdictState::Verified => ExitCode::Done,
        VerdictState::Refused => ExitCode::Refused,
        VerdictState::Undetermined => ExitCode::Undecided,
    };
    Ok(Ending { code, text: told(&verdict), json: json!(verdict) })
}

pub(super) fn lint_request(args: &LintArgs) -> Ending {
    let value: Value = match parsed("the query", &args.query) {
        Ok(value) => value,
        Err(ending) => return ending,
    };
    let query = value.get("dcql_query").unwrap_or(&value);
    let query = match DcqlQuery::from_value(query) {
        Ok(query) => query,
        Err(error) => return usage(format!("The query cannot be asked: {error}.")),
    };
    let found = lint(&query);
    if found.is_empty() {
        return Ending::done("Nothing in it asks for more than it may need.", json!([]));
    }
    let lines = found.iter().map(|one| {
        let path = one.path.as_ref().map(|path| format!(" {path}")).unwrap_or_default();
        format!("{}{path}: {} ({})", one.credential.as_str(), one.advice, one.code)
    });
    let text = lines.collect::<Vec<_>>().join("\n");
    Ending { code: ExitCode::Refused, text, json: json!(found) }
}

/// A verdict for people, check by check.
fn told(verdict: &Verdict) -> String {
    let word = |value: Value| value.as_str().unwrap_or_default().to_owned();
    let mut text = format!("The verdict: {}", word(json!(verdict.state)));
    if let (Some(reason), Some(detail)) = (&verdict.reason, &verdict.detail) {
        text = format!("{text}, as {detail} ({reason})");
    }
    let good = verdict.credentials.iter().map(|credential| (credential, ""));
    let discarded = verdict.discarded.iter().map(|credential| (credential, ", discarded"));
    for (credential, discarded) in good.chain(discarded) {
        let issuer = credential.issuer.as_ref().map_or("nobody known", |issuer| &issuer.name);
        text = format!("{text}\n{} by {issuer}{discarded}", credential.query.as_str());
        for check in &credential.checks {
            let detail = check.detail.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
            let outcome = word(json!(check.outcome));
            text = format!("{text}\n  {outcome:<14} {} ({}){detail}", check.title, check.rule);
        }
        for list in &credential.status_lists {
            let age = list.age_seconds.map(|age| format!(", {age} s old")).unwrap_or_default();
            text = format!("{text}\n  status list    {}{age}", list.uri);
        }
        if let Some(claims) = &credential.claims {
            text = format!("{text}\n{:#}", json!(claims));
        }
    }
    text
}

fn parsed<T: DeserializeOwned>(what: &str, given: &str) -> Result<T, Ending> {
    let failed = |why: String| usage(format!("{what} cannot be read: {why}"));
    let text = read(given).map_err(|error| failed(error.to_string()))?;
    let value = json::parse(text.as_bytes()).map_err(|error| failed(error.to_string()))?;
    serde_json::from_value(value).map_err(|error| failed(error.to_string()))
}

fn anchors(files: &[PathBuf]) -> Result<TrustAnchors, Ending> {
    let mut all = TrustAnchors::default();
    for file in files {
        let more = TrustAnchors::from_pem(&text(file)?)
            .map_err(|error| usage(format!("{}: {error}", file.display())))?;
        all = all.and(more);
    }
    Ok(all)
}

fn text(file: &Path) -> Result<String, Ending> {
    std::fs::read_to_string(file)
        .map_err(|error| usage(format!("{} cannot be read: {error}", file.display())))
}

fn usage(text: String) -> Ending {
    Ending::not_done(ExitCode::Usage, "usage", text)
}

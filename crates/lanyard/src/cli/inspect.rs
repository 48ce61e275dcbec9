//! `lanyard inspect`

use std::io::Read as _;

use clap::Args;
use jiff::Timestamp;
use lanyard_fetch::{HostPort, HttpClient as _, Purpose, Request, SafeFetcher};
use url::Url;

use super::{Ending, ExitCode};
use crate::inspect::{Report, inspect};

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

/// The longest thing that is read.
const LONGEST: u64 = 2 << 20;

pub(super) async fn run(args: &InspectArgs) -> Ending {
    let text = match read(&args.thing) {
        Ok(text) => text,
        Err(error) => {
            return Ending::not_done(
                ExitCode::Usage,
                "unreadable",
                format!("{} cannot be read: {error}", args.thing),
            );
        }
    };
    let mut report = inspect(&text, Timestamp::now());
    if args.fetch
        && let Err(ending) = follow(args, &mut report).await
    {
        return ending;
    }
    conclude(&report)
}

/// Reads what a link leads to, and reports on that too: one step, not further.
async fn follow(args: &InspectArgs, report: &mut Report) -> Result<(), Ending> {
    let fetcher = fetcher(&args.allow_http)?;
    for lead in std::mem::take(&mut report.leads_to) {
        let url: Url = lead.parse().map_err(|_| {
            Ending::not_done(ExitCode::Usage, "url", format!("{lead} is not a URL"))
        })?;
        let request = Request::get(url, Purpose::IssuerMetadata);
        let response = fetcher.send(request).await.map_err(|error| {
            Ending::not_done(
                ExitCode::Network,
                "unreachable",
                format!("{report}\n\n{lead}: {error}"),
            )
        })?;
        if !response.is_success() {
            return Err(Ending::not_done(
                ExitCode::Refused,
                "status",
                format!("{report}\n\n{lead} answered with status {}", response.status),
            ));
        }
        let further = inspect(&String::from_utf8_lossy(&response.body), Timestamp::now());
        report.absorb(&lead, further);
    }
    Ok(())
}

/// The one way out, with the machines on this host that may be reached over plain http.
pub(super) fn fetcher(allow_http: &[String]) -> Result<SafeFetcher, Ending> {
    let mut allowed = Vec::new();
    for pair in allow_http {
        let parsed: HostPort = pair.parse().map_err(|error| {
            Ending::not_done(ExitCode::Usage, "allow_http", format!("--allow-http {pair}: {error}"))
        })?;
        allowed.push(parsed);
    }
    Ok(SafeFetcher::builder().danger_allow_plain_http_to(allowed).build())
}

fn conclude(report: &Report) -> Ending {
    let code = if report.is_wrong() { ExitCode::Refused } else { ExitCode::Done };
    Ending {
        code,
        text: report.to_string(),
        json: serde_json::to_value(report).unwrap_or_default(),
    }
}

/// The thing itself, `@file`, or `-` for standard input.
pub(super) fn read(thing: &str) -> std::io::Result<String> {
    let mut text = String::new();
    match thing.strip_prefix('@') {
        Some(path) => std::fs::File::open(path)?.take(LONGEST).read_to_string(&mut text)?,
        None if thing == "-" => std::io::stdin().take(LONGEST).read_to_string(&mut text)?,
        None => return Ok(thing.to_owned()),
    };
    Ok(text)
}

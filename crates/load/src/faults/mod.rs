//! The fault tool: wallets play while the server is killed, asked to end, starved of its disk, locked out of its
//! database, kept busy by slow clients and restored from a backup; then it is held to everything it promised.

mod checks;
mod ledger;
mod scene;
mod trials;
mod wallet;

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;
use lanyard_testkit::PostgresServer;
use serde::Serialize;

use crate::{failure::Failure, machine};
use scene::Store;
use trials::{Extent, Line};

/// Has faults happen to servers under load, and counts the promises that were broken: none.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The binary to try; without it the release build of this workspace
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
    /// Where to put the servers' data for the run; a real disk, not tmpfs [default: beside the binary]
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// Each fault a few times, in less than a minute
    #[arg(long)]
    short: bool,
    /// How often the server is killed on each store
    #[arg(long, value_name = "COUNT")]
    kills: Option<u64>,
    /// Only faults whose name holds this
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,
    /// What the moments of the kills are drawn from
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Write the report, in Markdown
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Write what was found as JSON too
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Everything that a run found.
#[derive(Serialize)]
struct Report {
    commit: String,
    /// The folder of the binary: `release`, or `debug`.
    build: String,
    processors: usize,
    fsync_per_second: f64,
    seed: u64,
    faults: Vec<Line>,
    not_exercised: Vec<&'static str>,
}

/// Runs the faults, prints what came of them, and says whether every promise held.
pub(crate) async fn run(arguments: &Arguments) -> Result<bool, Failure> {
    let binary = machine::binary(arguments.binary.as_deref())?;
    let folder = machine::data_folder(&binary, arguments.data.as_deref())?;
    let disk = lanyard_store::calibrate(folder.path())?;
    let extent = match arguments.short {
        // a build for debugging on a busy machine
        true => Extent {
            kills: 5,
            drains: 2,
            spell: Duration::from_secs(1),
            patience: Duration::from_secs(10),
            restores: 1,
        },
        false => Extent {
            kills: 100,
            drains: 20,
            spell: Duration::from_secs(10),
            patience: Duration::from_secs(1),
            restores: 20,
        },
    };
    let extent = Extent { kills: arguments.kills.unwrap_or(extent.kills), ..extent };
    let (place, wanted) = ((binary.as_path(), folder.path()), arguments.only.as_str());
    let postgres = PostgresServer::start();

    let mut faults = Vec::new();
    let mut tell = |line: Line| {
        println!("{}", row(&line));
        faults.push(line);
    };
    println!("{HEAD}");
    for server in std::iter::once(None).chain(postgres.as_ref().map(Some)) {
        // each fault has a database of its own
        let store = || match server {
            Some(server) => Store::Postgres { address: server.database() },
            None => Store::Sqlite,
        };
        if "kill -9".contains(wanted) {
            tell(trials::killed(place, &store(), extent, arguments.seed).await?);
        }
        if "SIGTERM".contains(wanted) {
            tell(trials::drained(place, &store(), extent).await?);
        }
        if "slow clients".contains(wanted) {
            tell(trials::slow_clients(place, &store(), extent).await?);
        }
    }
    if "disk full".contains(wanted) {
        tell(trials::disk_full(place, extent).await?);
    }
    if "database locked".contains(wanted) {
        tell(trials::locked(place, extent).await?);
    }
    if "restore".contains(wanted) {
        tell(trials::restored(place, extent).await?);
    }
    if let (true, Some(server)) = ("PostgreSQL killed".contains(wanted), &postgres) {
        tell(trials::database_gone(place, server, extent).await?);
    }
    let report = Report {
        commit: machine::commit(),
        build: build_of(&binary),
        processors: std::thread::available_parallelism().map_or(1, usize::from),
        fsync_per_second: disk.single,
        seed: arguments.seed,
        faults,
        not_exercised: if postgres.is_some() { vec![] } else { vec!["PostgreSQL"] },
    };
    println!("\n{}", report.sum());
    for line in &report.faults {
        for broken in &line.broken {
            println!("broken: {} on {}: {broken}", line.fault, line.store);
        }
    }
    if let Some(file) = &arguments.report {
        std::fs::write(file, report.page())?;
    }
    if let Some(file) = &arguments.json {
        std::fs::write(file, serde_json::to_vec_pretty(&report)?)?;
    }
    Ok(report.broken() == 0)
}

fn build_of(binary: &Path) -> String {
    let folder = binary.parent().and_then(Path::file_name);
    folder.map_or_else(String::new, |folder| folder.to_string_lossy().into_owned())
}

const HEAD: &str = "\
| fault | store | times | turns | steps ok | refused | unknown | answers lost | credentials | replays and leftovers tried | slowest start ms | invariants broken |\n\
|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|";

fn row(line: &Line) -> String {
    format!(
        "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
        line.fault,
        line.store,
        line.times,
        line.turns,
        line.steps.ok,
        line.steps.refused,
        line.steps.unknown,
        line.lost_answers,
        line.credentials,
        line.tried,
        line.slowest_start_ms,
        line.broken.len(),
    )
}

impl Report {
    fn broken(&self) -> usize {
        self.faults.iter().map(|line| line.broken.len()).sum()
    }

    fn sum(&self) -> String {
        let sum = |count: fn(&Line) -> u64| self.faults.iter().map(count).sum::<u64>();
        format!(
            "load held: {} turns, {} steps; faults survived: {}; inputs tried: {}; invariants broken: {}",
            sum(|line| line.turns),
            sum(|line| line.steps.ok + line.steps.refused + line.steps.unknown),
            sum(|line| line.times),
            sum(|line| line.tried),
            self.broken(),
        )
    }

    /// The page that is published.
    fn page(&self) -> String {
        let mut text = String::from(PAGE);
        let _ = writeln!(text, "{}\n\n{HEAD}", self.sum());
        for line in &self.faults {
            let _ = writeln!(text, "{}", row(line));
        }
        let _ = writeln!(
            text,
            "\nCommit {} ({} build), {} processors, {:.0} fsynced commits a second, seed {}.",
            self.commit, self.build, self.processors, self.fsync_per_second, self.seed
        );
        for name in &self.not_exercised {
            let _ = writeln!(text, "Not exercised on this machine: {name}.");
        }
        text
    }
}

const PAGE: &str = "\
# Reliability

Written by `cargo xtask faults`; the same for machines is in `reliability.json`. Do not edit.

Eight wallets play against one server: each turn is an offer, mostly a token and a credential, often a presentation or a revocation. Before a step they write down what they ask for, after it what they were answered, each line synced. What was acknowledged is a promise; what was not is open, and must be done whole or not at all. Then something happens to the server, again and again, and afterwards it is held to:

| | what is checked |
|---|---|
| I1 | no code gives two tokens; an acknowledged offer that nobody took up is good |
| I2 | every acknowledged credential is on record; no status place is given twice, also across restores |
| I3 | an acknowledged revocation is in the published list, and nothing else is |
| I4 | a presentation that was taken has one result, whoever asks how often, and is taken once |
| I6 | what was used stays used: every code and every presentation is shown again |
| I7 | nobody waits for a minute: what is open is tried again and comes to an end |
| I9 | every credential that was issued verifies |
| I11 | the SQLite file passes its integrity and foreign-key checks |

Not checked here: webhooks (I5), the audit chain (I8, there is none yet), tenants (I10, by tests), the answers of both stores side by side (I12, by the contract suite). *Answers lost* are steps that were done and whose answer was cut off with the connection: a code or a token is used then, and the wallet needs a new offer.

";

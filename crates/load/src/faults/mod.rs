//! The fault tool: wallets play while the server is killed, asked to end, starved of its disk, locked out of its
//! database, kept busy by slow clients and restored from a backup; then it is held to everything it promised.

mod checks;
mod clients;
mod database;
mod disk;
mod errands;
mod facts;
mod failing_server;
mod failing_store;
mod inputs;
mod ledger;
mod mutate;
mod points;
mod process;
mod raw;
mod report;
mod scene;
mod script;
mod steps;
mod trials;
mod wallet;

use std::{path::PathBuf, time::Duration};

use clap::Args;
use lanyard_testkit::PostgresServer;

use crate::{failure::Failure, machine};
use points::Scope;
use report::{HEAD, Points, Report};
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
    /// How many mutated requests are sent to a server on each store
    #[arg(long, value_name = "COUNT")]
    mutations: Option<u64>,
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

/// How the tool starts itself as a server.
#[derive(Debug, Args)]
pub(crate) struct ServerArguments {
    /// The configuration
    #[arg(long)]
    config: PathBuf,
    /// What happens at which point, as JSON
    #[arg(long)]
    armed: Option<String>,
}

/// Serves over a store that fails, with as many threads as the product has.
pub(crate) fn serve(arguments: &ServerArguments) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(failing_server::serve(&arguments.config, arguments.armed.as_deref()))
}

/// Runs the faults, prints what came of them, and says whether every promise held.
pub(crate) async fn run(arguments: &Arguments) -> Result<bool, Failure> {
    let binary = machine::binary(arguments.binary.as_deref())?;
    let folder = machine::data_folder(&binary, arguments.data.as_deref())?;
    let disk = lanyard_store::calibrate(folder.path())?;
    let extent = match arguments.short {
        true => Extent {
            kills: 5,
            drains: 2,
            spell: Duration::from_secs(1),
            restores: 1,
            points: Scope { rounds: 1, stride: 7 },
            mutations: 2000,
        },
        false => Extent {
            kills: 100,
            drains: 20,
            spell: Duration::from_secs(10),
            restores: 20,
            points: Scope { rounds: 3, stride: 1 },
            mutations: 1_000_000,
        },
    };
    let extent = Extent {
        kills: arguments.kills.unwrap_or(extent.kills),
        mutations: arguments.mutations.unwrap_or(extent.mutations),
        ..extent
    };
    let (place, wanted) = ((binary.as_path(), folder.path()), arguments.only.as_str());
    let postgres = PostgresServer::start();

    let mut faults = Vec::new();
    let mut tell = |line: Line| {
        println!("{}", line.row());
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
            tell(process::killed(place, &store(), extent, arguments.seed).await?);
        }
        if "SIGTERM".contains(wanted) {
            tell(process::drained(place, &store(), extent).await?);
        }
        if "slow clients".contains(wanted) {
            tell(clients::slow_clients(place, &store(), extent).await?);
        }
    }
    let mut points = Points::default();
    if "points".contains(wanted) {
        for server in std::iter::once(None).chain(postgres.as_ref().map(Some)) {
            let database = || match server {
                Some(server) => Store::Postgres { address: server.database() },
                None => Store::Sqlite,
            };
            let found = points::everywhere(folder.path(), &database, extent.points).await?;
            found.lines.into_iter().for_each(&mut tell);
            points.add(if server.is_some() { "PostgreSQL" } else { "SQLite" }, found.points);
            points.unvisited = found.unvisited;
        }
    }
    if "disk full".contains(wanted) {
        tell(disk::disk_full(place, extent).await?);
    }
    if "database locked".contains(wanted) {
        tell(disk::locked(place, extent).await?);
    }
    if "restore".contains(wanted) {
        tell(disk::restored(place, extent).await?);
    }
    if let (true, Some(server)) = ("connections cut".contains(wanted), &postgres) {
        tell(database::connections_cut(place, server, extent).await?);
    }
    if let (true, Some(server)) = ("PostgreSQL killed".contains(wanted), &postgres) {
        tell(database::database_gone(place, server, extent).await?);
    }
    let mut inputs = Vec::new();
    if "mutated requests".contains(wanted) {
        for server in std::iter::once(None).chain(postgres.as_ref().map(Some)) {
            let database = match server {
                Some(server) => Store::Postgres { address: server.database() },
                None => Store::Sqlite,
            };
            let tried = extent.mutations;
            let found = inputs::mutations(place, &database, tried, arguments.seed).await?;
            println!("{}", found.line.row());
            inputs.push(found);
        }
    }
    let report = Report {
        commit: machine::commit(),
        build: report::build_of(&binary),
        processors: std::thread::available_parallelism().map_or(1, usize::from),
        fsync_per_second: disk.single,
        seed: arguments.seed,
        faults,
        points,
        inputs,
        not_exercised: if postgres.is_some() { vec![] } else { vec!["PostgreSQL"] },
    };
    println!("{}\n{}", report.points.table(), report.sum());
    for line in report.lines() {
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

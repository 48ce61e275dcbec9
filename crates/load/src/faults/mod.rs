//! The fault tool: wallets play while the server is killed, asked to end, starved of its disk, locked out of its
//! database, kept busy by slow clients and restored from a backup; then it is held to everything it promised.

mod cable;
mod callers;
mod checks;
mod clients;
mod clocks;
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
mod races;
mod raw;
mod receiver;
mod replicas;
mod report;
mod restore;
mod scene;
mod script;
mod sealing;
mod steps;
mod told;
mod trials;
mod wallet;

use std::path::PathBuf;

use clap::Args;
use lanyard_testkit::PostgresServer;

use crate::{failure::Failure, machine};
pub(crate) use scene::Store;

use report::{HEAD, Points, Report};
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
    /// Each fault a few times, in a few minutes
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
    /// How far the clock is ahead of the machine's, in seconds
    #[arg(long, default_value_t = 0, allow_negative_numbers = true)]
    ahead: i64,
}

/// Serves over a store that fails, with as many threads as the product has.
pub(crate) fn serve(arguments: &ServerArguments) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let ServerArguments { config, armed, ahead } = arguments;
    runtime.block_on(failing_server::serve(config, armed.as_deref(), *ahead))
}

/// Runs the faults, prints what came of them, and says whether every promise held.
pub(crate) async fn run(arguments: &Arguments) -> Result<bool, Failure> {
    let binary = machine::binary(arguments.binary.as_deref())?;
    let folder = machine::data_folder(&binary, arguments.data.as_deref())?;
    let disk = lanyard_store::calibrate(folder.path())?;
    let extent = if arguments.short { Extent::SHORT } else { Extent::LONG };
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
    let is_wanted = |fault: &str| fault.contains(wanted);
    let servers: Vec<_> = std::iter::once(None).chain(postgres.as_ref().map(Some)).collect();
    for &server in &servers {
        let store = || store_of(server);
        if is_wanted("kill -9") {
            tell(process::killed(place, &store(), extent, arguments.seed).await?);
        }
        if is_wanted("SIGTERM") {
            tell(process::drained(place, &store(), extent).await?);
        }
        if is_wanted("sealing key changed") {
            tell(sealing::changed(place, &store(), extent).await?);
        }
        if is_wanted("slow clients") {
            tell(clients::slow_clients(place, &store(), extent).await?);
        }
        if is_wanted("webhook receiver in trouble") {
            tell(told::receiver_in_trouble(place, &store, extent).await?);
        }
        if is_wanted("clock jumps") {
            // where not all of them are tried, others on each store
            let rows = (usize::from(server.is_some()), extent.jumps);
            tell(clocks::jump(folder.path(), &store, rows).await?);
        }
        if is_wanted("restore") {
            tell(restore::restored(place, server, extent).await?);
        }
    }
    if is_wanted("disk full") {
        tell(disk::disk_full(place, extent).await?);
    }
    if is_wanted("database locked") {
        tell(disk::locked(place, extent).await?);
    }
    if let Some(server) = &postgres {
        let store = || store_of(Some(server));
        if is_wanted("each request at the other replica") {
            tell(replicas::alternating(place, &store(), extent).await?);
        }
        if is_wanted("two replicas race") {
            tell(races::race(place, &store(), extent).await?);
        }
        if is_wanted("one of two replicas killed") {
            tell(replicas::killed(place, &store(), extent).await?);
        }
        if is_wanted("one replica cut off") {
            tell(replicas::cut_off(place, &store(), extent).await?);
        }
        if is_wanted("one replica asleep") {
            tell(replicas::asleep(place, &store(), extent).await?);
        }
        if is_wanted("PostgreSQL failed over") {
            tell(database::failed_over(place, extent).await?);
        }
        if is_wanted("connections cut") {
            tell(database::connections_cut(place, server, extent).await?);
        }
        if is_wanted("PostgreSQL killed") {
            tell(database::database_gone(place, server, extent).await?);
        }
    }
    let mut points = Points::default();
    if is_wanted("points") {
        for &server in &servers {
            let store = || store_of(server);
            let found = points::everywhere(folder.path(), &store, extent.points).await?;
            found.lines.into_iter().for_each(&mut tell);
            points.add(if server.is_some() { "PostgreSQL" } else { "SQLite" }, found.points);
            points.unvisited = found.unvisited;
        }
    }
    let mut inputs = Vec::new();
    if is_wanted("mutated requests") {
        for &server in &servers {
            let tried = extent.mutations;
            let found = inputs::mutations(place, &store_of(server), tried, arguments.seed).await?;
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

/// Where everything is kept: each fault has a database of its own.
fn store_of(server: Option<&PostgresServer>) -> Store {
    match server {
        Some(server) => Store::Postgres { address: server.database() },
        None => Store::Sqlite,
    }
}

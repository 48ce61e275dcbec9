//! The fault tool: wallets play while the server is killed, asked to end, starved of its disk, locked out of its
//! database, kept busy by slow clients and restored from a backup; then it is held to everything it promised.
//!
//! What I1, R1, D2 and their like stand for is said at the head of docs/reliability.md.

mod cable;
mod callers;
mod chores;
mod clients;
mod clocks;
mod database;
mod disk;
mod due;
mod errands;
mod failing_server;
mod failing_store;
mod hosts;
mod housekeeping;
mod inputs;
mod lanes;
mod mutate;
mod points;
mod process;
#[cfg(test)]
mod promised;
mod races;
mod raw;
mod receiver;
mod replicas;
mod report;
mod restore;
mod rolling;
mod scarce;
mod scene;
mod script;
mod sealing;
mod service;
mod signing;
mod steps;
mod synced;
mod told;
mod trace;
mod trials;
mod upgrades;
mod wallet;

use std::path::{Path, PathBuf};

use clap::Args;
use lanyard_testkit::PostgresServer;

use crate::{failure::Failure, machine};
pub(crate) use scene::Store;

use inputs::Inputs;
use lanes::Work;
use points::Found;
use report::{HEAD, Points, Report};
use trials::{Extent, Line};

/// The faults whose pace is held to something.
const PACED: [&str; 2] = [replicas::PACED, housekeeping::FAULT];

/// How many faults of the short form happen at once: most of their time is spent on waiting.
const LANES: usize = 5;

/// Has faults happen to servers under load, and counts the promises that were broken: none.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The binary to try; without it the release build of this workspace
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
    /// The binary of the release before: both serve one PostgreSQL for a while, and it is replaced
    #[arg(long, value_name = "FILE")]
    before: Option<PathBuf>,
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
    /// How many faults happen at once [default: 5 where each happens a few times, else 1]
    #[arg(long, value_name = "COUNT")]
    lanes: Option<usize>,
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
    /// How long housekeeping rests between its rounds, in milliseconds; with this it begins when it is told to
    #[arg(long)]
    chores_every: Option<u64>,
}

/// Serves over a store that fails, with as many threads as the product has.
pub(crate) fn serve(arguments: &ServerArguments) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(failing_server::serve(arguments))
}

/// Runs the faults, prints what came of them, and says whether every promise held.
pub(crate) async fn run(arguments: &Arguments) -> Result<bool, Failure> {
    let binary = machine::binary(arguments.binary.as_deref())?;
    let before = arguments.before.as_deref();
    let before = before.map(|before| machine::binary(Some(before))).transpose()?;
    let folder = machine::data_folder(&binary, arguments.data.as_deref())?;
    let disk = lanyard_store::calibrate(folder.path())?;
    let extent = if arguments.short { Extent::SHORT } else { Extent::LONG };
    let extent = Extent {
        kills: arguments.kills.unwrap_or(extent.kills),
        mutations: arguments.mutations.unwrap_or(extent.mutations),
        ..extent
    };
    let wanted = arguments.only.as_str();
    let postgres = PostgresServer::start();
    let programs = Programs { binary: &binary, before: before.as_deref() };
    let works = works((programs, folder.path()), postgres.as_ref(), (extent, arguments.seed));
    let can_trace = synced::can_trace();
    let works = works.into_iter().filter(|(fault, ..)| fault.contains(wanted));
    let works = works.filter(|(fault, ..)| *fault != synced::FAULT || can_trace);
    // beside others nobody can tell at what pace anything goes
    let (alone, works): (Vec<_>, Vec<_>) = works.partition(|(fault, ..)| PACED.contains(fault));
    let [works, alone] = [works, alone].map(|works| works.into_iter().map(during).collect());

    let (mut faults, mut points, mut inputs) = (Vec::new(), Points::default(), Vec::new());
    let mut failed = Vec::new();
    println!("{HEAD}");
    let lanes = arguments.lanes.unwrap_or(if arguments.short { LANES } else { 1 });
    let mut tell = |came: Result<Came, Failure>| match came {
        Err(failure) => failed.push(failure.to_string()),
        Ok(Came::Fault(line)) => {
            println!("{}", line.row());
            faults.push(line);
        }
        Ok(Came::Points(store, found)) => {
            found.lines.iter().for_each(|line| println!("{}", line.row()));
            faults.extend(found.lines);
            points.add(store, found.points);
            points.unvisited = found.unvisited;
        }
        Ok(Came::Inputs(found)) => {
            println!("{}", found.line.row());
            inputs.push(*found);
        }
    };
    lanes::happen(lanes, works, &mut tell);
    lanes::happen(1, alone, &mut tell);
    let report = Report {
        commit: machine::commit(),
        build: report::build_of(&binary),
        processors: std::thread::available_parallelism().map_or(1, usize::from),
        fsync_per_second: disk.single,
        seed: arguments.seed,
        faults,
        points,
        inputs,
        failed,
        not_exercised: not_exercised(postgres.is_some(), before.is_some(), can_trace),
    };
    if let Some(file) = &arguments.report {
        std::fs::write(file, report.page())?;
    }
    if let Some(file) = &arguments.json {
        std::fs::write(file, serde_json::to_vec_pretty(&report)?)?;
    }
    let holds = report.broken() == 0 && report.failed.is_empty();
    // what is broken is not to be looked for among hundreds of points that hold
    if holds {
        println!("{}", report.points.table());
    }
    println!("{}", report.sum());
    for line in report.lines() {
        for broken in &line.broken {
            println!("broken: {} on {}: {broken}", line.fault, line.store);
        }
    }
    report.failed.iter().for_each(|failed| println!("not played to its end: {failed}"));
    Ok(holds)
}

/// Which programs are tried.
#[derive(Clone, Copy)]
struct Programs<'p> {
    binary: &'p Path,
    /// The release before, if it is there.
    before: Option<&'p Path>,
}

/// What this run says nothing about.
fn not_exercised(has_postgres: bool, has_before: bool, can_trace: bool) -> Vec<&'static str> {
    let needed =
        [(has_postgres, "PostgreSQL"), (has_postgres && has_before, ROLLING), (can_trace, TRACED)];
    needed.into_iter().filter_map(|(is_there, what)| (!is_there).then_some(what)).collect()
}

/// What needs the release before, and a database that two servers share.
const ROLLING: &str = "a rolling upgrade (--before)";

/// What needs a tracer of system calls.
const TRACED: &str = "that a sync comes before each answer that promises something (strace)";

/// What a work comes to.
enum Came {
    Fault(Line),
    /// On which store, and what.
    Points(&'static str, Found),
    Inputs(Box<Inputs>),
}

/// What happens, with its name and its store.
type Named<'w> = (&'static str, &'static str, Work<'w, Came>);

/// Has a failure say what it happened during.
fn during<'w>((fault, store, work): Named<'w>) -> Work<'w, Came> {
    Box::new(move || {
        Box::pin(async move {
            let came = work().await;
            came.map_err(|failure| Failure::During { fault, store, failure: Box::new(failure) })
        })
    })
}

fn fault<'w>(happens: impl AsyncFnOnce() -> Result<Line, Failure> + Send + 'w) -> Work<'w, Came> {
    Box::new(move || Box::pin(async move { happens().await.map(Came::Fault) }))
}

/// Everything that happens, by name and in the order of the report.
fn works<'w>(
    (Programs { binary, before }, folder): (Programs<'w>, &'w Path),
    postgres: Option<&'w PostgresServer>,
    (extent, seed): (Extent, u64),
) -> Vec<Named<'w>> {
    let place = (binary, folder);
    let mut works: Vec<Named<'w>> = Vec::new();
    let mut add = |fault, on: Option<_>, work| works.push((fault, name_of(on), work));
    let servers: Vec<_> = std::iter::once(None).chain(postgres.map(Some)).collect();
    for &server in &servers {
        let store = move || store_of(server);
        // where not all of them are tried, others on each store
        let jumps = (usize::from(server.is_some()), extent.jumps);
        let kills = async move || process::killed(place, &store(), extent, seed).await;
        add("kill -9", server, fault(kills));
        let drained = async move || process::drained(place, &store(), extent).await;
        add("SIGTERM", server, fault(drained));
        let changed = async move || sealing::changed(place, &store(), extent).await;
        add("sealing key changed", server, fault(changed));
        let replaced = async move || signing::replaced(place, &store(), extent).await;
        add(signing::FAULT, server, fault(replaced));
        let slow = async move || clients::slow_clients(place, &store(), extent).await;
        add("slow clients", server, fault(slow));
        let troubled = async move || hosts::in_trouble(place, &store(), extent).await;
        add(hosts::FAULT, server, fault(troubled));
        let told = async move || told::receiver_in_trouble(place, &store, extent).await;
        add("webhook receiver in trouble", server, fault(told));
        let scarce = async move || scarce::files_are_scarce(place, &store(), extent).await;
        add("few files", server, fault(scarce));
        let kept = async move || housekeeping::goes_on(folder, server, extent).await;
        add(housekeeping::FAULT, server, fault(kept));
        add("clock jumps", server, fault(async move || clocks::jump(folder, &store, jumps).await));
        let restored = async move || restore::restored(place, server, extent).await;
        add("restore", server, fault(restored));
        let upgraded = async move || upgrades::upgraded(place, server, (extent, seed)).await;
        add("upgrade", server, fault(upgraded));
    }
    add(synced::FAULT, None, fault(async move || synced::traced(place).await));
    add("disk full", None, fault(async move || disk::disk_full(place, extent).await));
    add("database locked", None, fault(async move || disk::locked(place, extent).await));
    if let Some(server) = postgres {
        let full = async move || database::disk_full(place, server, extent).await;
        add("disk full", Some(server), fault(full));
        let locked = async move || database::locked(place, extent).await;
        add("database locked", Some(server), fault(locked));
        let (on, store) = (Some(server), move || store_of(Some(server)));
        let alternating = async move || replicas::alternating(place, &store(), extent).await;
        add("each request at the other replica", on, fault(alternating));
        let race = async move || races::race(place, &store(), extent).await;
        add("two replicas race", on, fault(race));
        let killed = async move || replicas::killed(place, &store(), extent).await;
        add(replicas::PACED, on, fault(killed));
        let cut_off = async move || replicas::cut_off(place, &store(), extent).await;
        add("one replica cut off", on, fault(cut_off));
        let asleep = async move || replicas::asleep(place, &store(), extent).await;
        add("one replica asleep", on, fault(asleep));
        if let Some(before) = before {
            let rolling = async move || rolling::upgraded(place, before, server, extent).await;
            add("rolling upgrade", on, fault(rolling));
        }
        let failed_over = async move || database::failed_over(place, extent).await;
        add("PostgreSQL failed over", on, fault(failed_over));
        let cut = async move || database::connections_cut(place, server, extent).await;
        add("connections cut", on, fault(cut));
        let gone = async move || database::database_gone(place, extent).await;
        add("PostgreSQL killed", on, fault(gone));
    }
    for &server in &servers {
        let store = move || store_of(server);
        let everywhere = async move || {
            let found = points::everywhere(folder, &store, extent.points).await?;
            Ok(Came::Points(store().name(), found))
        };
        add("points", server, Box::new(move || Box::pin(async move { everywhere().await })));
    }
    for &server in &servers {
        let mutated = async move || {
            let tried = extent.mutations;
            let found = inputs::mutations(place, &store_of(server), tried, seed).await?;
            Ok(Came::Inputs(Box::new(found)))
        };
        add("mutated requests", server, Box::new(move || Box::pin(async move { mutated().await })));
    }
    works
}

/// What the store is called that this server keeps.
const fn name_of(server: Option<&PostgresServer>) -> &'static str {
    if server.is_some() { "PostgreSQL" } else { "SQLite" }
}

/// Where everything is kept: each fault has a database of its own.
fn store_of(server: Option<&PostgresServer>) -> Store {
    match server {
        Some(server) => Store::Postgres { address: server.database() },
        None => Store::Sqlite,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rolling_upgrade_is_exercised_only_with_the_release_before_and_a_shared_database() {
        assert!(not_exercised(true, true, true).is_empty());
        assert_eq!(not_exercised(true, false, true), [ROLLING]);
        assert_eq!(not_exercised(false, true, true), ["PostgreSQL", ROLLING]);
    }

    #[test]
    fn syncs_are_traced_only_where_there_is_a_tracer() {
        assert_eq!(not_exercised(true, true, false), [TRACED]);
    }

    #[test]
    fn a_failure_names_the_fault_and_the_store_that_it_happened_during() {
        let gone = fault(async || Err(Failure::ServerGone));
        let works = vec![during(("slow clients", "SQLite", gone))];
        let mut said = Vec::new();
        lanes::happen(1, works, |came| said.extend(came.err().map(|failure| failure.to_string())));
        assert_eq!(said, ["slow clients on SQLite: the server is gone, or never came"]);
    }
}

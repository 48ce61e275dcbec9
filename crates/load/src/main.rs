//! The load tool: starts the release binary on a core of its own, plays wallets from another core, and
//! measures the server from outside.
//!
//! The workload is that of the peers' benchmark: offers and requests are created before the clock starts;
//! an issuance is six requests, one after a login eight, an encrypted presentation two; connections are kept
//! alive. Figures mean something beside the disk's and the crypto's own, and beside the load that others put
//! on the machine: all three are printed with them.

mod attester;
mod bare;
mod client;
mod clock;
mod code;
mod crowd;
mod failure;
mod faults;
mod floor;
mod integrator;
mod issuance;
mod machine;
mod peers;
mod plan;
mod presentation;
mod proofs;
mod report;
mod server;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use lanyard_testkit::PostgresServer;

use crate::{
    attester::Attester,
    failure::Failure,
    peers::Ground,
    plan::{Plan, Played},
    report::Report,
    server::{Server, Setting},
};

/// The core that the server runs on, alone.
const SERVER_CORE: usize = 0;
/// The core that the wallets run on.
const WALLETS_CORE: usize = 1;

/// Measures a server under load, over loopback: flows a second, latencies, and the processor time of the
/// server for one flow beside the cryptography that it cannot avoid.
///
/// The server is a process of its own on the first core, with its data in an empty folder; the wallets play
/// from the second. A run is worth something on a machine that does nothing else: the last column says how
/// many processors others used meanwhile.
#[derive(Debug, Parser)]
#[command(
    name = "lanyard-load",
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  \
        lanyard-load                                   every flow, by 1, 16 and 64 wallets\n  \
        lanyard-load --short --flow dpop --wallets 64  one flow, for a second\n  \
        lanyard-load --json figures.json               the table, and the same for machines"
)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// The binary to measure; without it the release build of this workspace
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
    /// Where to put the server's data for the run; a real disk, not tmpfs [default: beside the binary]
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// Play each flow for one second instead of six
    #[arg(long)]
    short: bool,
    /// How many wallets at once; may be repeated [default: 1, 16, 64]
    #[arg(long, value_name = "COUNT")]
    wallets: Vec<usize>,
    /// Play these flows only; may be repeated
    #[arg(long, value_enum, value_name = "FLOW")]
    flow: Vec<plan::Flows>,
    /// Play the flows against the least that a server can do, too: the same requests, durable rows and
    /// cryptography, and nothing else
    #[arg(long)]
    least: bool,
    /// Play issuance and presentation against the peers in this folder, too: interop-tests/peers
    #[arg(long, value_name = "FOLDER")]
    peers: Option<PathBuf>,
    /// Play against a server on a PostgreSQL that is started for it, in place of SQLite
    #[arg(long)]
    postgres: bool,
    /// Write what was found as JSON too
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Be the least that a server can do for the shape in this file
    #[arg(long, value_name = "FILE", requires_all = ["port", "data"], hide = true)]
    bare: Option<PathBuf>,
    /// The port of that server
    #[arg(long, hide = true)]
    port: Option<u16>,
}

/// What else than measuring it does.
#[derive(Debug, Subcommand)]
enum Command {
    /// Have faults happen to a server under load, and count the promises that it broke
    Faults(faults::Arguments),
    /// Be the server, over a store that fails when it is told to
    #[command(hide = true)]
    FailingServer(faults::ServerArguments),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let done = runtime.map_err(Failure::from).and_then(|runtime| match &arguments {
        Arguments { command: Some(Command::Faults(faults)), .. } => {
            match runtime.block_on(faults::run(faults))? {
                true => Ok(()),
                false => Err(Failure::PromisesBroken),
            }
        }
        Arguments { command: Some(Command::FailingServer(arguments)), .. } => {
            faults::serve(arguments)
        }
        Arguments { bare: Some(shape), port: Some(port), data: Some(data), .. } => {
            runtime.block_on(bare::serve(shape, *port, data))
        }
        _ => {
            // before the first thread: threads inherit the core
            machine::pin_to(WALLETS_CORE);
            let report = runtime.block_on(measure(&arguments))?;
            write(&arguments, &report)
        }
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("lanyard-load: {failure}");
            ExitCode::FAILURE
        }
    }
}

async fn measure(arguments: &Arguments) -> Result<Report, Failure> {
    let binary = machine::binary(arguments.binary.as_deref())?;
    let folder = machine::data_folder(&binary, arguments.data.as_deref())?;
    let plan = Plan::new(arguments.short, &arguments.wallets, &arguments.flow);

    let disk = lanyard_store::calibrate(folder.path())?;
    let data = folder.path().join("data");
    let postgres = if arguments.postgres { PostgresServer::start() } else { None };
    let address = postgres.as_ref().map(PostgresServer::database);
    let setting = match &address {
        Some(address) => Setting::Shared(address),
        None if arguments.postgres => return Err(Failure::NoPostgres),
        None => Setting::Demo,
    };
    let server = Server::start(&binary, &data, SERVER_CORE, setting).await?;
    let memory_at_rest = server.resident_memory()?;
    let played = plan::play(&plan, &server, memory_at_rest).await;
    let Played { start, sizes, mut lines, mut shapes } = stopped(server, played).await?;

    // the tenant where holders log in has its own folder
    if plan.has_login() && address.is_none() {
        let attester = Attester::new()?;
        let data = folder.path().join("login");
        let setting = Setting::Attested(&attester);
        let server = Server::start(&binary, &data, SERVER_CORE, setting).await?;
        let played = plan::play_logins(&plan, &server, &attester, sizes).await;
        let (more_lines, more_shapes) = stopped(server, played).await?;
        lines.extend(more_lines);
        shapes.extend(more_shapes);
    }
    if arguments.least {
        lines.extend(plan::play_bare(&plan, folder.path(), SERVER_CORE, shapes).await?);
    }
    if let Some(programs) = &arguments.peers {
        let ground = Ground { programs, data: folder.path(), core: SERVER_CORE };
        lines.extend(peers::play(&plan, &ground, sizes).await?);
    }
    Ok(Report::new(&disk, &start, lines))
}

/// Stops a server; what it last said is worth more than how a wallet took it.
async fn stopped<T>(server: Server, played: Result<T, Failure>) -> Result<T, Failure> {
    match played {
        Ok(played) => server.stop().await.map(|()| played),
        Err(failure) => {
            server.show_log();
            Err(failure)
        }
    }
}

fn write(arguments: &Arguments, report: &Report) -> Result<(), Failure> {
    print!("{}", report.table());
    if let Some(file) = &arguments.json {
        std::fs::write(file, serde_json::to_vec_pretty(report)?)?;
    }
    Ok(())
}

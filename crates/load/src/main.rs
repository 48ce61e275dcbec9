//! The load tool: starts the release binary on a core of its own, plays wallets from another core, and
//! measures the server from outside.
//!
//! The workload is that of the peers' benchmark: offers and requests are created before the clock starts;
//! an issuance is six requests, an encrypted presentation two; connections are kept alive. Figures mean
//! something beside the disk's and the crypto's own, and beside the load that others put on the machine:
//! all three are printed with them.

mod client;
mod crowd;
mod failure;
mod floor;
mod integrator;
mod issuance;
mod machine;
mod plan;
mod presentation;
mod report;
mod server;

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use clap::Parser;

use crate::{failure::Failure, plan::Plan, report::Report};

/// The core that the server runs on, alone.
const SERVER_CORE: usize = 0;
/// The core that the wallets run on.
const WALLETS_CORE: usize = 1;

/// Measures `lanyard demo` under load, over loopback.
#[derive(Debug, Parser)]
#[command(name = "lanyard-load")]
struct Arguments {
    /// The binary to measure; without it the release build of this workspace
    #[arg(long)]
    binary: Option<PathBuf>,
    /// Where to put the server's data for the run; a real disk, not tmpfs
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// Take ten seconds instead of a minute
    #[arg(long)]
    short: bool,
    /// How many wallets at once; may be repeated
    #[arg(long, value_name = "COUNT")]
    wallets: Vec<usize>,
    /// Play these flows only
    #[arg(long, value_enum)]
    flow: Option<plan::Flows>,
    /// Write what was found as JSON too
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // before the first thread: threads inherit the core
    machine::pin_to(WALLETS_CORE);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let measured = runtime
        .map_err(Failure::from)
        .and_then(|runtime| runtime.block_on(measure(&arguments)))
        .and_then(|report| write(&arguments, &report));
    match measured {
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
    let plan = Plan::new(arguments.short, &arguments.wallets, arguments.flow);

    let disk = lanyard_store::calibrate(folder.path())?;
    let server = server::Server::start(&binary, &folder.path().join("data"), SERVER_CORE).await?;
    let memory_at_rest = server.resident_memory()?;
    let server = Arc::new(server);
    let measured = plan::play(&plan, &server, memory_at_rest, disk).await;
    match (measured, Arc::into_inner(server)) {
        (Ok(report), Some(server)) => server.stop().await.map(|()| report),
        (measured, server) => {
            // what the server last said is worth more than how a wallet took it
            server.iter().for_each(server::Server::show_log);
            measured
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

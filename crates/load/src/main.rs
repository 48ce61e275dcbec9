//! The load tool: starts the release binary on a core of its own, plays wallets from another core, and
//! measures the server from outside.
//!
//! The workload is that of the peers' benchmark: offers and requests are created before the clock starts;
//! an issuance is six requests, one after a login eight, an encrypted presentation two; connections are kept
//! alive. Figures mean something beside the disk's and the crypto's own, and beside the load that others put
//! on the machine: all three are printed with them.

mod about;
mod attester;
mod bare;
mod client;
mod clock;
mod code;
mod configured;
mod crowd;
mod database;
mod failure;
mod faults;
mod figures;
mod fill;
mod floor;
mod flows;
mod gates;
mod held;
mod integrator;
mod issuance;
mod ledger;
mod machine;
mod peers;
mod plan;
mod presentation;
mod promises;
mod proofs;
mod report;
mod scale;
mod server;
mod size;
mod stage;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

use crate::failure::Failure;

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
        lanyard-load --peers interop-tests/peers       beside what others wrote, held to the gates\n  \
        lanyard-load scale --postgres                  what a flow costs where much is kept\n  \
        lanyard-load held --only soak --minutes 30     half an hour of everything"
)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    flows: flows::Arguments,
    /// Be the least that a server can do for the shape in this file
    #[arg(long, value_name = "FILE", requires_all = ["port", "data"], hide = true)]
    bare: Option<PathBuf>,
    /// The port of that server
    #[arg(long, hide = true)]
    port: Option<u16>,
}

/// What else than measuring flows it does.
#[derive(Debug, Subcommand)]
enum Command {
    /// Have faults happen to a server under load, and count the promises that it broke
    Faults(faults::Arguments),
    /// Say what a flow costs where a million credentials or two thousand tenants are kept
    Scale(scale::Arguments),
    /// Put loads on a server that it has to hold: batches, lists, revocations, crowds, slow clients, hours
    Held(held::Arguments),
    /// Say how large the binary is, and what it is linked to
    Size(size::Arguments),
    /// Be the server, over a store that fails when it is told to
    #[command(hide = true)]
    FailingServer(faults::ServerArguments),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let done = runtime.map_err(Failure::from).and_then(|runtime| match &arguments.command {
        Some(Command::Faults(faults)) => match runtime.block_on(faults::run(faults))? {
            true => Ok(()),
            false => Err(Failure::PromisesBroken),
        },
        Some(Command::Scale(scale)) => bars(runtime.block_on(scale::run(scale))?),
        Some(Command::Held(held)) => bars(runtime.block_on(held::run(held))?),
        Some(Command::Size(size)) => size::run(size),
        Some(Command::FailingServer(arguments)) => faults::serve(arguments),
        None => match (&arguments.bare, arguments.port, arguments.flows.data()) {
            (Some(shape), Some(port), Some(data)) => {
                runtime.block_on(bare::serve(shape, port, data))
            }
            _ => bars(runtime.block_on(flows::run(&arguments.flows))?),
        },
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("lanyard-load: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn bars(are_met: bool) -> Result<(), Failure> {
    if are_met { Ok(()) } else { Err(Failure::BarsMissed) }
}

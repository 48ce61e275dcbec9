//! lanyard: issue, hold and verify credentials.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// A server allocates and frees a few hundred small things for each request; this one is quicker at it.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    lanyard_cli::cli::run()
}

//! One command per chore: `cargo xtask <chore>`.

mod arrows;
mod bindings;
mod check;
mod command;
mod coverage;
mod phones;
mod size;
mod suites;

use std::{env, process::ExitCode};

const USAGE: &str = "\
cargo xtask <chore>

  test      run every test: Rust, peers from npm, PyPI and Maven Central, oracles, browser
  check     formatting, lints, docs, arrows, dependency policy
  arrows    check which crate may depend on which
  coverage  write spec-vectors/coverage.md from spec-vectors/manifest.toml
  refusals  write spec-vectors/refusals anew; read the diff
  bindings  generate the wallet's bindings for Kotlin, Swift and Python
  phones    build the wallet, without C, as a static library for Android and iOS
  size      build the wallet's library as it is shipped, and hold it to 8 MB
  bench     run the benches beside their floors and beside their peers, and the load command
  load      measure the release build under load; takes the options of lanyard-load
  faults    kill, starve, lock and restore servers under load; writes docs/reliability.md
";

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    let outcome = match arguments.next().as_deref() {
        Some("test") => suites::run(),
        Some("check") => check::run(),
        Some("arrows") => arrows::run(),
        Some("coverage") => coverage::run(),
        Some("refusals") => check::publish_refusals(),
        Some("bindings") => bindings::write(),
        Some("phones") => phones::run(),
        Some("size") => size::run(),
        Some("bench") => check::bench(),
        Some("load") => check::load(&arguments.collect::<Vec<_>>()),
        Some("faults") => check::faults(&arguments.collect::<Vec<_>>()),
        _ => Err(USAGE.to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::FAILURE
        }
    }
}

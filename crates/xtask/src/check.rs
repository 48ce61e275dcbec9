//! The checks that are no tests: formatting, lints, docs, arrows, dependency policy; and the benches.

use std::process::Command;

use crate::{arrows, command};

/// Runs every check.
pub(crate) fn run() -> Result<(), String> {
    cargo(&["fmt", "--all", "--check"])?;
    cargo(&["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"])?;
    let mut docs = cargo_command(&["doc", "--workspace", "--no-deps", "--all-features"]);
    docs.env("RUSTDOCFLAGS", "-D warnings");
    command::run(docs)?;
    arrows::run()?;
    citations()?;
    // a stale lock file would fail only when the oracles are built, long after this
    cargo(&["fetch", "--locked", "--manifest-path", "interop-tests/oracles/Cargo.toml"])?;
    if command::exists("cargo-deny") {
        return cargo(&["deny", "--all-features", "check", "bans", "licenses", "sources"]);
    }
    if std::env::var_os("CI").is_some() {
        return Err("cargo deny is not installed: cargo install cargo-deny --locked".to_owned());
    }
    println!("not checked: dependency policy (cargo install cargo-deny --locked)");
    Ok(())
}

/// Whether comments cite both specifications in the one form that `git grep` is asked for.
fn citations() -> Result<(), String> {
    const OTHERS: &str = r"//.*(OpenID4(VCI|VP)( 1\.0)?|OID4(VCI|VP)) (§|App\.)";
    let search = command::program("git", &["grep", "-nE", OTHERS, "--", "*.rs"], ".");
    match command::run_read(search, |_| {})? {
        true => Err("cite OID4VCI 1.0 § and OID4VP 1.0 §, and nothing else".to_owned()),
        false => Ok(()),
    }
}

/// Runs the benches beside their floors and beside the libraries from npm, the wallet beside its
/// bars, then the load command.
pub(crate) fn bench() -> Result<(), String> {
    command::run(command::program("npm", &["ci", "--no-audit", "--no-fund"], "interop-tests"))?;
    command::run(command::program("node", &["bench/beside.mjs"], "interop-tests"))?;
    cargo(&["bench", "--package", "lanyard-wallet", "--bench", "wallet"])?;
    cargo(&["build", "--release", "--package", "lanyard", "--package", "lanyard-load"])?;
    cargo(&["run", "--release", "--package", "lanyard-load"])
}

/// Measures the release build under load.
pub(crate) fn load(options: &[String]) -> Result<(), String> {
    run_load(&[], options)
}

/// Has faults happen to the release build under load, and writes what came of them.
pub(crate) fn faults(options: &[String]) -> Result<(), String> {
    let written = ["faults", "--report", "docs/reliability.md", "--json", "docs/reliability.json"];
    run_load(&written, options)
}

fn run_load(arguments: &[&str], options: &[String]) -> Result<(), String> {
    cargo(&["build", "--release", "--package", "lanyard", "--package", "lanyard-load"])?;
    let options = options.iter().map(String::as_str);
    let run = ["run", "--release", "--package", "lanyard-load", "--"];
    let all: Vec<_> = run.into_iter().chain(arguments.iter().copied()).chain(options).collect();
    cargo(&all)
}

/// Writes the refusal vectors anew; the tests hold what is published to what is made.
pub(crate) fn publish_refusals() -> Result<(), String> {
    let arguments = [
        "test",
        "--package",
        "lanyard-core",
        "--all-features",
        "--test",
        "all",
        "published_reasons",
    ];
    let mut test = cargo_command(&arguments);
    test.env("LANYARD_PUBLISH_REFUSALS", "1");
    command::run(test)
}

fn cargo(arguments: &[&str]) -> Result<(), String> {
    command::run(cargo_command(arguments))
}

fn cargo_command(arguments: &[&str]) -> Command {
    command::program("cargo", arguments, ".")
}

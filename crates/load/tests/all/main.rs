//! The load tool against the server that this workspace built.

mod faults;
mod held;
mod ledger;

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

/// The server that this workspace built, beside the folder of this test.
fn server() -> PathBuf {
    let test = env::current_exe().expect("a test is a file");
    let folder = test.parent().and_then(|deps| deps.parent()).expect("it is in target/…/deps");
    let binary = folder.join("lanyard");
    assert!(binary.is_file(), "there is no server at {}: cargo build", binary.display());
    binary
}

/// Runs the tool with its data in a folder; whether it was content, and what it said.
fn run(arguments: &[&str], folder: &Path) -> (bool, String) {
    let mut tool = Command::new(env!("CARGO_BIN_EXE_lanyard-load"));
    tool.args(arguments).arg("--binary").arg(server()).arg("--data").arg(folder);
    let run = tool.output().expect("the tool runs");
    let said = String::from_utf8_lossy(&[run.stdout, run.stderr].concat()).into_owned();
    (run.status.success(), said)
}

/// A folder on the disk that this workspace is built on.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder")
}

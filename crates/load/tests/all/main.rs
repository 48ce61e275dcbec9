//! The fault tool in its short form: nothing that a server promised is broken, whatever happens to it.

use std::{env, path::PathBuf, process::Command};

/// The server that this workspace built, beside the folder of this test.
fn server() -> PathBuf {
    let test = env::current_exe().expect("a test is a file");
    let folder = test.parent().and_then(|deps| deps.parent()).expect("it is in target/…/deps");
    let binary = folder.join("lanyard");
    assert!(binary.is_file(), "there is no server at {}: cargo build", binary.display());
    binary
}

#[test]
fn no_promise_is_broken_whatever_happens_to_the_server() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let json = folder.path().join("reliability.json");
    let run = Command::new(env!("CARGO_BIN_EXE_lanyard-load"))
        .args(["faults", "--short", "--binary"])
        .arg(server())
        .arg("--data")
        .arg(folder.path())
        .arg("--json")
        .arg(&json)
        .output()
        .expect("the tool runs");
    let said = String::from_utf8_lossy(&[run.stdout, run.stderr].concat()).into_owned();
    assert!(run.status.success(), "{said}");
    assert!(said.contains("invariants broken: 0"), "{said}");

    let report = std::fs::read(json).expect("the report is written");
    let report: serde_json::Value = serde_json::from_slice(&report).expect("JSON");
    let faults = report["faults"].as_array().expect("faults");
    let count = |fault: &str, what: &str| {
        let of = faults.iter().filter(|line| line["fault"] == fault);
        of.filter_map(|line| line[what].as_u64()).sum::<u64>()
    };
    // a run in which nothing happened proves nothing
    for fault in ["kill -9", "SIGTERM", "slow clients", "disk full", "database locked", "restore"] {
        assert!(count(fault, "times") > 0, "{fault} never happened: {said}");
        assert!(count(fault, "credentials") > 0, "{fault}: nothing was issued: {said}");
        assert!(count(fault, "tried") > 0, "{fault}: nothing was tried afterwards: {said}");
    }
    println!("{said}");
}

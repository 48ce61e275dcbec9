//! The fault tool in its short form: nothing that a server promised is broken, whatever happens to it.

use std::collections::BTreeMap;

use crate::{folder, run, server};

#[test]
fn no_promise_is_broken_whatever_happens_to_the_server() {
    let folder = folder();
    let json = folder.path().join("reliability.json");
    let file = json.display().to_string();
    // the release before is this one: what is between two is for whoever has both
    let before = server().display().to_string();
    let arguments = ["faults", "--short", "--before", &before, "--json", &file];
    let (is_content, everything) = run(&arguments, folder.path());
    let said = without_points(&everything);
    assert!(is_content, "{said}");
    assert!(said.contains("invariants broken: 0"), "{said}");

    let report = std::fs::read(json).expect("the report is written");
    let report: serde_json::Value = serde_json::from_slice(&report).expect("JSON");
    let faults = report["faults"].as_array().expect("faults");
    let inputs = report["inputs"].as_array().expect("inputs");
    let lines = || faults.iter().chain(inputs.iter().map(|inputs| &inputs["line"]));
    let count = |fault: &str, what: &str| {
        let of = lines().filter(|line| line["fault"] == fault);
        of.filter_map(|line| line[what].as_u64()).sum::<u64>()
    };
    // a run in which nothing happened proves nothing
    for fault in [
        "kill -9",
        "SIGTERM",
        "slow clients",
        "disk full",
        "database locked",
        "few files",
        "restore",
        "ends at a point",
        "store fails at a point",
        "first start ends at a point",
        "mutated requests",
        "webhook receiver in trouble",
        "sealing key changed",
        "signing key replaced",
        "clock jumps",
        "housekeeping all the time",
        "hosts in trouble",
    ] {
        assert!(count(fault, "times") > 0, "{fault} never happened: {said}");
        assert!(count(fault, "credentials") > 0, "{fault}: nothing was issued: {said}");
        assert!(count(fault, "tried") > 0, "{fault}: nothing was tried afterwards: {said}");
    }
    // where system calls can be traced
    let not_exercised = report["not_exercised"].to_string();
    if !not_exercised.contains("strace") {
        assert!(count("syncs traced", "times") > 50, "hardly anything was promised: {said}");
    }
    // where there is PostgreSQL
    if faults.iter().any(|line| line["store"] == "PostgreSQL") {
        for fault in [
            "each request at the other replica",
            "two replicas race",
            "one of two replicas killed",
            "one replica cut off",
            "one replica asleep",
            "rolling upgrade",
            "connections cut",
            "PostgreSQL killed",
            "PostgreSQL failed over",
        ] {
            assert!(count(fault, "times") > 0, "{fault} never happened: {said}");
            assert!(count(fault, "credentials") > 0, "{fault}: nothing was issued: {said}");
        }
    }
    let mut asked_to_end = faults.iter().filter(|line| line["fault"] == "SIGTERM");
    assert!(asked_to_end.all(|line| line["steps"]["unknown"] == 0), "{said}");
    assert!(count("mutated requests", "times") >= 1000, "{said}");
    // every call that keeps something for somebody who asks is at a point
    for call in [
        "insert",
        "replace",
        "set_status",
        "erase_subject",
        "append_event",
        "settle_message",
        "begin_call",
        "abandon_call",
        "record_issued",
    ] {
        let of = report["points"]["stores"][0]["points"].as_array().expect("points").iter();
        let passed = of.filter(|at| at["point"]["call"] == call).count();
        assert!(passed >= 2, "nothing came past {call}: {said}");
    }
    // and at each that is passed while a server serves the process ended and the store failed
    for store in report["points"]["stores"].as_array().expect("points") {
        let mut tried: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        for at in store["points"].as_array().expect("points") {
            if at["kind"] == "commit" && at["point"]["during"] != "start" {
                let call = at["point"]["call"].as_str().expect("a name");
                let count = |what: &str| at[what].as_u64().expect("a count");
                let (ended, failed) = tried.entry(call).or_default();
                *ended += count("ended");
                *failed += count("failed");
            }
        }
        assert!(tried.len() > 20, "{tried:?}");
        let untried: Vec<_> =
            tried.iter().filter(|(_, (ended, failed))| *ended == 0 || *failed == 0).collect();
        assert!(untried.is_empty(), "on {}: {untried:?}: {said}", store["store"]);
    }
    println!("{everything}");
}

/// What is worth reading where something failed: without a row for each of hundreds of points.
fn without_points(said: &str) -> String {
    let lines = said.lines().filter(|line| !line.starts_with("| `"));
    lines.map(|line| format!("{line}\n")).collect()
}

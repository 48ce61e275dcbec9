//! A ledger of what wallets were promised, and a server that is held to it.

use std::{collections::BTreeMap, fs};

use serde_json::Value;

use crate::{folder, held::stores, run};

/// The last outcome of each step, by what it was about, of a ledger in which nothing is torn.
fn ends(file: &std::path::Path) -> BTreeMap<(u64, String), String> {
    let lines = fs::read_to_string(file).unwrap_or_default();
    let lines = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let end = |line: Value| {
        let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
        ((line["step"].as_u64().unwrap_or_default(), text("deed")), text("outcome"))
    };
    lines.map(end).collect()
}

#[test]
fn every_step_of_a_flow_is_in_the_ledger_with_its_end_and_the_server_is_held_to_it() {
    for store in stores() {
        let folder = folder();
        let (ledger, json) = (folder.path().join("steps"), folder.path().join("figures.json"));
        let (file, figures) = (ledger.display().to_string(), json.display().to_string());
        let flows = ["--flow", "batch", "--flow", "presentation", "--flow", "code"];
        let short = ["--short", "--wallets", "4", "--ledger", &file, "--json", &figures];
        let short = [&short[..], &flows].concat();
        let (is_content, said) = run(&[&short[..], store].concat(), folder.path());
        assert!(is_content, "{said}");
        assert!(said.contains("Every step was written down before it and after it"), "{said}");

        let report = fs::read(json).expect("the report is written");
        let report: Value = serde_json::from_slice(&report).expect("JSON");
        let kept = &report["ledger"];
        assert_eq!(kept["broken"], serde_json::json!([]), "{said}");
        for what in ["credentials", "tried", "syncs"] {
            assert!(kept[what].as_u64().is_some_and(|count| count > 0), "{what}: {kept}");
        }
        // the server where holders log in has a ledger of its own
        let ledgers = [ledger.clone(), ledger.with_extension("login")];
        let all: Vec<_> = ledgers.iter().map(|ledger| ends(ledger)).collect();
        let done = all.iter().flat_map(BTreeMap::values).filter(|end| *end == "ok").count();
        assert_eq!(kept["steps"]["ok"].as_u64(), u64::try_from(done).ok());
        for deed in ["offer", "token", "credential", "request", "response"] {
            let of = |ends: &BTreeMap<(u64, String), String>| ends.keys().any(|(_, of)| of == deed);
            assert!(of(&all[0]), "no {deed} is in the ledger");
        }
        assert!(all.iter().flat_map(BTreeMap::values).all(|end| end == "ok"));

        // it is not written over
        let (is_content, said) = run(&[&short[..], store].concat(), folder.path());
        assert!(!is_content && said.contains("exists"), "{said}");
    }
}

#[test]
fn the_load_that_lasts_keeps_a_ledger_and_breaks_nothing_in_it() {
    for store in stores() {
        let folder = folder();
        let only = ["held", "--short", "--only", "soak"];
        // whether its bars of the clock are met, is for a machine that does nothing else
        let (_, said) = run(&[&only, store].concat(), folder.path());
        let row = |what: &str| {
            let row = said.lines().find(|line| line.contains(&format!("| {what} |")));
            row.unwrap_or_else(|| panic!("{what} is not said: {said}")).to_owned()
        };
        assert!(row("invariants broken").contains("| 0.00 | ≤ 0 |"), "{said}");
        for what in ["steps in the ledger that were done", "revocations in it"] {
            assert!(!row(what).contains("| 0.00 |"), "{said}");
        }
        assert!(row("flows that failed").contains("| 0.00 | ≤ 0 |"), "{said}");
    }
}

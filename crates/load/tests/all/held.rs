//! Loads in their short form, as far as they are bounds of no clock.

use lanyard_testkit::PostgresServer;
use serde_json::Value;

use crate::{folder, run};

/// SQLite, and PostgreSQL where it is installed.
pub(crate) fn stores() -> Vec<&'static [&'static str]> {
    match PostgresServer::shared() {
        Some(_) => vec![&[], &["--postgres"]],
        None => vec![&[]],
    }
}

#[test]
fn what_a_store_was_filled_with_can_be_revoked_through_the_server_and_is_in_its_list() {
    for store in stores() {
        let folder = folder();
        let page = folder.path().join("page.md");
        std::fs::write(&page, format!("# By hand\n\n{MARKS}\n\n## By hand too\n"))
            .expect("writable");
        let file = page.display().to_string();
        let only = ["held", "--short", "--only", "revocations", "--report", &file];
        let (is_content, said) = run(&[&only, store].concat(), folder.path());
        assert!(is_content, "{said}");
        assert!(said.contains("revocations that it lacks | 0.00 | ≤ 0"), "{said}");

        // and the page says so, between what people wrote
        let written = std::fs::read_to_string(&page).expect("it is there");
        assert!(written.starts_with("# By hand\n\n<!--"), "{written}");
        assert!(written.ends_with("<!-- until here -->\n\n## By hand too\n"), "{written}");
        assert!(written.contains("revocations that it lacks | 0.00 | ≤ 0"), "{written}");
        let kept = std::fs::read(page.with_extension("json")).expect("it is beside the page");
        let kept: Value = serde_json::from_slice(&kept).expect("JSON");
        let held = kept["held"].as_object().expect("what was held, by store");
        assert!(
            held.values().all(|held| held["checks"].as_array().is_some_and(|all| all.len() > 5))
        );
    }
}

const MARKS: &str = "<!-- from here on written by lanyard-load -->\n<!-- until here -->";

#[test]
fn a_flow_on_postgresql_takes_no_more_round_trips_than_the_page_says() {
    let [_, postgres] = stores()[..] else { return };
    let folder = folder();
    let json = folder.path().join("figures.json");
    let file = json.display().to_string();
    let short = ["--short", "--wallets", "4", "--json", &file];
    let (is_content, said) = run(&[&short, postgres].concat(), folder.path());
    assert!(is_content, "{said}");
    let report = std::fs::read(json).expect("the report is written");
    let report: Value = serde_json::from_slice(&report).expect("JSON");
    let flows = report["flows"].as_array().expect("flows");
    for (name, most) in ROUND_TRIPS {
        let flow = flows.iter().find(|flow| flow["flow"] == name).expect("every flow is played");
        let trips = flow["database"]["round_trips_per_flow"].as_f64().expect("a number");
        // what is reserved for many flows at once, and housekeeping, come on top
        assert!(trips <= most + 1.0, "{name}: {trips}, not {most}");
    }
}

/// docs/performance.md: what each flow sends to the database and waits for.
const ROUND_TRIPS: [(&str, f64); 5] = [
    ("issuance", 17.0),
    ("issuance, DPoP", 19.0),
    ("batch of 20", 17.0),
    ("login, PAR, DPoP, attestation", 28.0),
    ("presentation, encrypted", 9.0),
];

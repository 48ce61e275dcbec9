//! Trust lists in files: read whole or not at all, and taken again when they change.

use std::path::{Path, PathBuf};

use lanyard_cli::{
    serve::trust::{TrustHealth, WatchedList},
    trust_list,
};
use lanyard_core::trust::{IssuerTrust, LiveTrust};

const GOOD: &str = r#"{"version": 1, "issuers": [{"metadata": "https://issuer.example"}]}"#;

fn file(name: &str, text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name);
    std::fs::write(&path, text).expect("writable");
    (folder, path)
}

fn fault(name: &str, text: &str) -> String {
    let (folder, path) = file(name, text);
    let error = trust_list::read(&path).expect_err("the list is wrong").to_string();
    error.replace(&format!("{}/", folder.path().display()), "")
}

fn open(path: &Path) -> WatchedList {
    let tenant = "acme".parse().expect("an id");
    WatchedList::open(tenant, path.to_owned(), IssuerTrust::new()).expect("the list is good")
}

/// How many rules there are, as the debug text of a policy tells.
fn rules(trust: &LiveTrust) -> usize {
    format!("{trust:?}").matches("Rule {").count()
}

#[test]
fn a_list_is_json_or_toml() {
    let toml = "version = 1\n[[issuers]]\nmetadata = \"https://issuer.example\"\n";
    let (_json_folder, json) = file("issuers.json", GOOD);
    let (_toml_folder, toml) = file("issuers.toml", toml);
    let [json, toml] = [json, toml].map(|path| trust_list::read(&path).expect("good").to_value());
    assert_eq!(json, toml);
}

#[test]
fn a_fault_is_told_with_its_file_and_its_place() {
    assert_eq!(
        fault("a.json", r#"{"version": 1, "issuers": [{"did": "x"}]}"#),
        "a.json: issuers[0].did: expected a DID"
    );
    assert_eq!(
        fault("a.toml", "version = 1\n[[issuers]]\nmetdata = \"https://issuer.example\"\n"),
        "a.toml: issuers[0]: there is no member metdata; did you mean metadata?; issuers[0]: expected exactly one of certificates, metadata, did and keys"
    );
    assert!(fault("a.toml", "version = 1\nissuers = [\n").starts_with("a.toml:"));
    assert!(fault("a.json", "{\n\n").contains("line 3"));
}

#[test]
fn a_changed_list_is_taken_and_a_broken_one_is_not() {
    let (_folder, path) = file("issuers.json", GOOD);
    let health = TrustHealth::default();
    let mut list = open(&path);
    let trust = list.trust();
    assert_eq!(rules(&trust), 1);

    let two = r#"{"version": 1, "issuers": [{"metadata": "https://a.example"}, {"did": "did:web:b.example"}]}"#;
    std::fs::write(&path, two).expect("writable");
    list.look(&health);
    assert_eq!((rules(&trust), health.details().len()), (2, 0));

    std::fs::write(&path, "{\"version\": 1, \"issuers\": [{}]}").expect("writable");
    list.look(&health);
    assert_eq!(rules(&trust), 2, "the one before still counts");
    assert_eq!(
        health.details(),
        ["trust list of acme cannot be read; the last good one is in use"]
    );

    std::fs::write(&path, GOOD).expect("writable");
    list.look(&health);
    assert_eq!((rules(&trust), health.details().len()), (1, 0));
}

#[test]
fn a_list_that_went_away_is_a_broken_one_until_it_is_back() {
    let (_folder, path) = file("issuers.json", GOOD);
    let health = TrustHealth::default();
    let mut list = open(&path);
    std::fs::remove_file(&path).expect("it is there");
    list.look(&health);
    assert_eq!((rules(&list.trust()), health.details().len()), (1, 1));
    std::fs::write(&path, GOOD).expect("writable");
    list.look(&health);
    assert_eq!(health.details().len(), 0);
}

#[test]
fn a_list_that_did_not_change_is_not_read_again() {
    let (_folder, path) = file("issuers.json", GOOD);
    let health = TrustHealth::default();
    let mut list = open(&path);
    let before = list.trust().current();
    list.look(&health);
    assert!(std::sync::Arc::ptr_eq(&before, &list.trust().current()));
}

#[test]
fn a_server_does_not_start_with_a_broken_list() {
    let (_folder, path) = file("issuers.json", "{\n  \"version\": 1,\n  \"issuers\": [\n}");
    let tenant = "acme".parse().expect("an id");
    let refused = WatchedList::open(tenant, path.clone(), IssuerTrust::new()).unwrap_err();
    let told =
        format!("{}: list: not acceptable JSON: expected value at line 4 column 1", path.display());
    assert_eq!(refused.to_string(), told);
}

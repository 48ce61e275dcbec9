//! Commands end with the exit codes that `lanyard --help` documents.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn lanyard(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lanyard"))
        .args(arguments)
        .current_dir(folder)
        .env_remove("LANYARD_API_KEY")
        .env_remove("LANYARD_WALLET")
        .output()
        .expect("the binary runs")
}

fn ended(arguments: &[&str]) -> (i32, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let output = lanyard(folder.path(), arguments);
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().expect("it ended by itself"), String::from_utf8(text).expect("text"))
}

#[test]
fn help_names_the_exit_codes() {
    let (code, text) = ended(&["--help"]);
    assert_eq!(code, 0);
    assert!(text.contains("4  nothing in the wallet matches"), "{text}");
}

#[test]
fn an_unknown_command_is_wrong_usage() {
    assert_eq!(ended(&["isue"]).0, 2);
}

#[test]
fn inspecting_something_wrong_ends_with_3_and_something_right_with_0() {
    let query =
        r#"{"credentials":[{"id":"a","format":"dc+sd-jwt","meta":{"vct_values":["urn:a"]}}]}"#;
    assert_eq!(ended(&["inspect", query]).0, 0);
    assert_eq!(ended(&["inspect", r#"{"credentials":[]}"#]).0, 3);
}

#[test]
fn json_output_is_json_even_when_something_is_wrong() {
    let (_, text) = ended(&["inspect", "--json", "hello"]);
    let report: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(report["findings"][0]["weight"], "wrong");
}

#[test]
fn a_new_wallet_is_empty_and_made_for_its_owner_alone() {
    use std::os::unix::fs::MetadataExt as _;
    let folder = tempfile::tempdir().expect("a folder");
    let output = lanyard(folder.path(), &["wallet", "list", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let listed: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(listed["cards"], serde_json::json!([]));
    let mode = |name: &str| {
        std::fs::metadata(folder.path().join(name)).expect("it is there").mode() & 0o777
    };
    assert_eq!(mode("lanyard-wallet"), 0o700);
    assert_eq!(mode("lanyard-wallet/wallet-key"), 0o600);
}

#[test]
fn a_wallet_whose_key_others_can_read_is_not_opened() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("a folder");
    lanyard(folder.path(), &["wallet", "list"]);
    let key = folder.path().join("lanyard-wallet/wallet-key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).expect("ours");
    let output = lanyard(folder.path(), &["wallet", "list"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("can be read by others (mode 644)"));
}

#[test]
fn a_link_that_is_none_is_wrong_usage() {
    let (code, text) = ended(&["wallet", "accept", "hello", "--yes"]);
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("no credential offer link"), "{text}");
}

#[test]
fn an_issuer_that_is_not_there_is_a_network_failure_and_in_the_history() {
    let folder = tempfile::tempdir().expect("a folder");
    let offer =
        "openid-credential-offer://?credential_offer_uri=http%3A%2F%2Flocalhost%3A9%2Foffer";
    let arguments = ["wallet", "accept", offer, "--yes", "--allow-http", "localhost:9"];
    let output = lanyard(folder.path(), &arguments);
    assert_eq!(output.status.code(), Some(5), "{output:?}");
    let output = lanyard(folder.path(), &["wallet", "history", "--json"]);
    let history: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(history["history"][0]["event"]["code"], "peer_unreachable");
}

#[test]
fn a_server_command_without_an_api_key_is_wrong_usage() {
    let (code, text) = ended(&["offer", "--type", "employee_badge"]);
    assert_eq!(code, 2);
    assert!(text.contains("--api-key-file FILE or set LANYARD_API_KEY"), "{text}");
}

#[test]
fn a_server_that_is_not_there_is_a_network_failure() {
    let folder = tempfile::tempdir().expect("a folder");
    let key = folder.path().join("key");
    std::fs::write(&key, "0123456789abcdef0123456789abcdef").expect("writable");
    let server = ["offer", "--type", "employee_badge", "--server", "http://localhost:9"];
    let file = key.to_str().expect("text");
    let output = lanyard(folder.path(), &[&server[..], &["--api-key-file", file]].concat());
    assert_eq!(output.status.code(), Some(5), "{output:?}");
}

#[test]
fn a_bad_configuration_is_told_with_its_line_and_is_wrong_usage() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("lanyard.toml"), "mode = \"fast\"\n").expect("writable");
    let output = lanyard(folder.path(), &["serve", "--check"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("lanyard.toml:1: "), "{output:?}");
}

#[test]
fn a_hashed_password_is_one_that_a_file_of_holders_takes() {
    use std::{io::Write as _, process::Stdio};
    let hashed = |password: &str| {
        let mut child = Command::new(env!("CARGO_BIN_EXE_lanyard"))
            .arg("hash-password")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let mut stdin = child.stdin.take().expect("piped");
        stdin.write_all(password.as_bytes()).expect("written");
        drop(stdin);
        child.wait_with_output().expect("it ended")
    };
    let output = hashed("correct horse\n");
    let hash = String::from_utf8(output.stdout).expect("text");
    let holders = serde_json::json!([{ "name": "ada", "password_hash": hash.trim() }]);
    assert!(lanyard_cli::directory::Directory::parse(&holders.to_string()).is_ok(), "{hash}");
    assert_eq!(hashed("").status.code(), Some(2));
}

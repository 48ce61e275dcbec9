//! What stays of a request, looked at without its server: receipts, policies on recordings, advice on queries.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::circle::{Demo, json, text};

fn lanyard(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lanyard"));
    command.args(arguments).arg("--json").current_dir(folder).output().expect("the binary runs")
}

/// Calls the integrator API; gives the body.
fn call(demo: &Demo, verb: &str, path: &str, body: &str) -> String {
    let key = std::fs::read_to_string(demo.file("api-key")).expect("the demo has a key");
    let mut stream = TcpStream::connect(("127.0.0.1", demo.port)).expect("the demo listens");
    let request = format!(
        "{verb} /api/demo/{path} HTTP/1.0\r\nhost: localhost:{}\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        demo.port,
        key.trim(),
        body.len(),
    );
    stream.write_all(request.as_bytes()).expect("the demo reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the demo answers");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    assert!(head.split(' ').nth(1).is_some_and(|status| status.starts_with('2')), "{answer}");
    body.to_owned()
}

/// A demo with one answered request that was recorded, and its id.
fn answered() -> (Demo, String) {
    let demo = Demo::start();
    let home = demo.folder.path().join("wallet");
    let offer = json(&demo.integrator(&["offer", "--type", "employee_badge"]));
    let accepted = demo.wallet(&home, &["accept", &text(&offer["link"])]);
    assert_eq!(accepted.status.code(), Some(0), "{accepted:?}");
    let wanted = json!({ "preset": "badge", "record": true }).to_string();
    let request = call(&demo, "POST", "requests", &wanted);
    let request: Value = serde_json::from_str(&request).expect("the API answers JSON");
    let shared = demo.wallet(&home, &["present", &text(&request["link"])]);
    assert_eq!(shared.status.code(), Some(0), "{shared:?}");
    let id = text(&request["id"]);
    (demo, id)
}

#[test]
fn a_receipt_is_checked_without_its_server_and_one_letter_more_is_refused() {
    let (demo, id) = answered();
    let receipt = call(&demo, "GET", &format!("requests/{id}/receipt?claims=included"), "");
    let folder = demo.folder.path();
    let check = |receipt: &str, name: &str| {
        let anchor = demo.file("ca.pem");
        let anchor = anchor.to_str().expect("text");
        lanyard(folder, &["verify-receipt", receipt, "--trust-anchor", anchor, "--verifier", name])
    };
    let good = check(&receipt, "localhost");
    assert_eq!(good.status.code(), Some(0), "{good:?}");
    let said = json(&good);
    assert_eq!(said["receipt"]["verdict"]["state"], "verified");
    assert_eq!(said["receipt"]["verdict"]["credentials"][0]["claims"]["given_name"], "Ada");
    let other = check(&receipt, "somebody.example");
    assert_eq!(other.status.code(), Some(3), "{other:?}");
    let (head, signature) = receipt.rsplit_once('.').expect("a JWS");
    let letter = if signature.starts_with('A') { 'B' } else { 'A' };
    let tampered = check(&format!("{head}.{letter}{}", &signature[1..]), "localhost");
    assert_eq!(tampered.status.code(), Some(3), "{tampered:?}");
}

#[test]
fn a_policy_is_tried_on_a_recording_without_a_server() {
    let (demo, id) = answered();
    let folder = demo.folder.path();
    let recording = call(&demo, "GET", &format!("requests/{id}/recording"), "");
    std::fs::write(folder.join("recording.json"), recording).expect("writable");
    let test = |rule: &str| {
        let policy = json!({
            "checks": [{ "policy": "status", "unknown": "accepted" }],
            "rules": [{ "id": "department", "credential": "badge", "expression": rule }],
        });
        let anchor = demo.file("ca.pem");
        let anchor = anchor.to_str().expect("text");
        let policy = policy.to_string();
        let arguments = ["policy", "test", &policy, "--recording", "recording.json"];
        lanyard(folder, &[&arguments[..], &["--offline", "--trust-anchor", anchor]].concat())
    };
    let wrong = test("claims.department == ");
    assert_eq!(wrong.status.code(), Some(2), "{wrong:?}");
    let met = test(r#"claims.department == "Research""#);
    assert_eq!(met.status.code(), Some(0), "{met:?}");
    let unmet = test(r#"claims.department == "Sales""#);
    assert_eq!(unmet.status.code(), Some(3), "{unmet:?}");
}

#[test]
fn a_query_for_a_date_of_birth_is_advised_against_and_one_for_an_age_is_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let lint = |claim: &str| {
        let query = json!({ "credentials": [{
            "id": "identity",
            "format": "dc+sd-jwt",
            "meta": { "vct_values": ["urn:example:identity"] },
            "claims": [{ "path": [claim] }],
        }] });
        lanyard(folder.path(), &["lint-request", &query.to_string()])
    };
    let told = lint("birthdate");
    assert_eq!(told.status.code(), Some(3), "{told:?}");
    assert_eq!(json(&told)[0]["code"], "birth_date");
    let silent = lint("age_over_18");
    assert_eq!((silent.status.code(), json(&silent)), (Some(0), json!([])));
    let none = lanyard(folder.path(), &["lint-request", "{}"]);
    assert_eq!(none.status.code(), Some(2), "{none:?}");
}

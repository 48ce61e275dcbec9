//! What the systems of an enterprise do with a running demo: its description, its commands, its records.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;

use serde_json::{Value, json as value};

use crate::circle::{Demo, json, text};

/// The status of an answer to a request without an API key.
fn status(demo: &Demo, verb: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", demo.port)).expect("the demo listens");
    let port = demo.port;
    let head = format!(
        "{verb} {path} HTTP/1.1\r\nhost: localhost:{port}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).expect("the demo reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the demo answers");
    answer.split(' ').nth(1).unwrap_or_default().to_owned()
}

fn lanyard(arguments: &[&str]) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_lanyard")).args(arguments).output();
    json(&output.expect("the binary runs"))
}

#[test]
fn every_operation_that_is_described_is_served_and_asks_for_a_key() {
    let demo = Demo::start();
    let answer = demo.ask("/api/openapi.json");
    let body = answer.split("\r\n\r\n").nth(1).expect("a body");
    let served: Value = serde_json::from_str(body).expect("the document is JSON");
    assert_eq!(served, lanyard(&["openapi"]), "what is printed is what is served");
    let mut asked = 0;
    for (path, operations) in served["paths"].as_object().expect("paths") {
        let place = path.replace("{tenant}", "demo").replace("{id}", &"0".repeat(32));
        for (verb, operation) in operations.as_object().expect("operations") {
            assert_eq!(status(&demo, &verb.to_uppercase(), &place), "401", "{verb} {path}");
            let scope = operation["x-scope"].as_str().expect("a scope");
            assert!(scope.parse::<lanyard_service::Scope>().is_ok());
            asked += 1;
        }
    }
    assert!(asked > 20, "{asked}");
    assert_eq!(status(&demo, "POST", "/api/demo/nothing"), "404", "what is not described");
}

#[test]
fn every_schema_that_is_referred_to_is_there_and_fits_its_example() {
    let document = lanyard(&["openapi"]);
    let whole = document.to_string();
    for reference in whole.split("\"$ref\":\"#").skip(1) {
        let pointer = reference.split('"').next().expect("a pointer");
        assert!(document.pointer(pointer).is_some(), "{pointer}");
    }
    let schemas = &document["components"]["schemas"];
    for operations in document["paths"].as_object().expect("paths").values() {
        for operation in operations.as_object().expect("operations").values() {
            let body = &operation["requestBody"]["content"]["application/json"];
            let Some(reference) = body["schema"]["$ref"].as_str() else { continue };
            let name = reference.rsplit('/').next().expect("a name");
            let known = schemas[name]["properties"].as_object().cloned().unwrap_or_default();
            if known.is_empty() {
                continue;
            }
            for member in body["example"].as_object().expect("an example").keys() {
                assert!(known.contains_key(member), "{name} has no {member}");
            }
        }
    }
}

#[test]
fn the_description_is_a_page_without_scripts() {
    let demo = Demo::start();
    let answer = demo.ask("/api/docs");
    assert!(answer.starts_with("HTTP/1.1 200"));
    assert!(answer.contains("default-src 'none'; style-src 'self'"));
    assert!(!answer.contains("<script"));
    assert!(answer.contains("id=\"createOffer\"") && answer.contains("id=\"createRequest\""));
    assert!(demo.ask("/api/docs.css").contains("prefers-color-scheme: dark"));
}

#[test]
fn a_key_is_made_with_its_scopes_and_the_configuration_gets_its_digest() {
    let made = lanyard(&[
        "api-key",
        "create",
        "--tenant",
        "acme",
        "--name",
        "hr",
        "--scope",
        "offers:write",
        "--json",
    ]);
    let key = text(&made["key"]);
    assert!(key.starts_with("lyk_acme_"));
    let digest = lanyard_service::ApiKeyDigest::of(&key, &lanyard_core::crypto::AwsLc);
    assert_eq!(text(&made["digest"]), digest.to_text());
    assert_eq!(made["scopes"], value!(["offers:write"]));
}

#[test]
fn a_credential_is_found_suspended_and_erased_from_the_terminal() {
    let demo = Demo::start();
    let home = demo.folder.path().join("wallet");
    let made = ["offer", "--type", "employee_badge", "--subject", "E-4711"];
    let offer = json(&demo.integrator(&made));
    let accepted = demo.wallet(&home, &["accept", &text(&offer["link"])]);
    assert_eq!(accepted.status.code(), Some(0), "{accepted:?}");

    let found = json(&demo.integrator(&["credentials", "list", "--subject", "E-4711"]));
    assert_eq!(found["credentials"].as_array().map(Vec::len), Some(1));
    let id = text(&found["credentials"][0]["id"]);
    let suspended =
        json(&demo.integrator(&["credentials", "suspend", &id, "--reason", "lost_device"]));
    assert_eq!(suspended["status"], "suspended");
    assert_eq!(suspended["history"][0]["reason"], "lost_device");
    let back = json(&demo.integrator(&["credentials", "reinstate", "--subject", "E-4711"]));
    assert_eq!(back["changed"], value!([id]));

    assert_eq!(json(&demo.integrator(&["messages", "list"]))["messages"], value!([]));

    let erased = json(&demo.integrator(&["erase", "--subject", "E-4711"]));
    assert_eq!((&erased["revoked"], &erased["left"]), (&value!(1), &value!(0)));
    let found = json(&demo.integrator(&["credentials", "list", "--subject", "E-4711"]));
    assert_eq!(found["credentials"], value!([]));
}

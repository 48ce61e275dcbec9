//! DIDs at the command line and over HTTP.

use std::path::Path;
use std::process::{Command, Output};

use axum::{Router, body::Body};
use http::{Request, StatusCode, header};
use http_body_util::BodyExt as _;
use lanyard_cli::serve::{compose::compose, plan::Plan};
use lanyard_core::crypto::AwsLc;
use lanyard_core::did::webvh::{UnverifiedLog, VerifiedLog, WebvhDid};
use lanyard_core::did::{Did, DidDocument, Relationship};
use serde_json::{Value, json};
use tokio::sync::watch;
use tower::ServiceExt as _;

const KEY: &str = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK";

fn lanyard(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lanyard"))
        .arg("did")
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("the binary runs")
}

/// Runs a command that is done, and gives what it says.
fn done(folder: &Path, arguments: &[&str]) -> Value {
    let output = lanyard(folder, &[arguments, &["--json"]].concat());
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {output:?}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// Runs a command that is not done: its exit code, and what it says.
fn refused(folder: &Path, arguments: &[&str]) -> (i32, String) {
    let output = lanyard(folder, arguments);
    let code = output.status.code().expect("it ended by itself");
    (code, String::from_utf8_lossy(&output.stderr).into_owned())
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).expect("it was written")
}

fn log_in(folder: &Path) -> VerifiedLog {
    let text = read(&folder.join("did.jsonl"));
    let log = UnverifiedLog::parse(text.as_bytes()).expect("a log");
    let did = log.claimed_did().expect("it has a document");
    let now = "2100-01-01T00:00:00Z".parse().expect("a time");
    log.verify(&WebvhDid::parse(&did).expect("a did:webvh"), None, now, &AwsLc)
        .expect("what the command writes verifies")
}

fn keys(document: &DidDocument) -> Vec<String> {
    let keys = document.methods_for(Relationship::AssertionMethod);
    keys.map(|method| method.id.to_string()).collect()
}

#[test]
fn resolves_a_did_and_says_what_a_did_url_names() {
    let folder = tempfile::tempdir().expect("a folder");
    let result = done(folder.path(), &["resolve", KEY]);
    assert_eq!(result["didDocument"]["id"], KEY);
    let method = format!("{KEY}#{}", KEY.trim_start_matches("did:key:"));
    let result = done(folder.path(), &["resolve", &method]);
    assert_eq!(result["contentStream"]["type"], "Multikey");
}

#[test]
fn what_does_not_resolve_is_told_with_its_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    for (did, code, why) in [
        ("did:key:z6Mk", 2, "INVALID_DID"),
        ("hello", 2, "INVALID_DID"),
        ("did:example:a", 3, "METHOD_NOT_SUPPORTED"),
        (
            "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK?versionId=1",
            2,
            "FEATURE_NOT_SUPPORTED",
        ),
        ("did:web:nowhere.invalid", 5, "INTERNAL_ERROR"),
    ] {
        let (ended, text) = refused(folder.path(), &["resolve", did]);
        assert_eq!(ended, code, "{did}: {text}");
        assert!(text.contains(why), "{did}: {text}");
    }
}

#[test]
fn makes_a_did_web_with_a_key_of_its_owner_alone() {
    use std::os::unix::fs::MetadataExt as _;
    let folder = tempfile::tempdir().expect("a folder");
    let made =
        done(folder.path(), &["create", "--method", "web", "--place", "issuer.example:dids"]);
    assert_eq!(made["did"], "did:web:issuer.example:dids");
    assert_eq!(made["publish_at"], json!(["https://issuer.example/dids/did.json"]));
    let did = Did::parse("did:web:issuer.example:dids").expect("a DID");
    let text = read(&folder.path().join("did.json"));
    let document = DidDocument::parse(&did, text.as_bytes(), &AwsLc).expect("a document");
    assert_eq!(keys(&document).len(), 1);
    let key = std::fs::metadata(folder.path().join("did-key.jwk")).expect("it is there");
    assert_eq!(key.mode() & 0o777, 0o600);
}

#[test]
fn rotates_and_deactivates_a_did_web() {
    let folder = tempfile::tempdir().expect("a folder");
    done(folder.path(), &["create", "--method", "web", "--place", "issuer.example"]);
    let before = read(&folder.path().join("did.json"));
    done(folder.path(), &["rotate", "--new-key", "new.jwk"]);
    assert_ne!(read(&folder.path().join("did.json")), before);
    done(folder.path(), &["deactivate"]);
    assert!(!folder.path().join("did.json").exists());
    let (code, text) = refused(folder.path(), &["deactivate"]);
    assert_eq!(code, 2);
    assert!(text.contains("lanyard did create"), "{text}");
}

#[test]
fn makes_changes_and_gives_up_a_did_webvh() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path();
    let create = ["create", "--method", "webvh", "--place", "issuer.example", "--with-did-web"];
    let made = done(path, &create);
    let did = made["did"].as_str().expect("a DID").to_owned();
    assert_eq!(made["publish_at"][0], "https://issuer.example/.well-known/did.jsonl");
    assert_eq!(made["publish_at"][1], "https://issuer.example/.well-known/did.json");
    assert_eq!(keys(log_in(path).document()).len(), 1);

    std::fs::write(path.join("new.json"), r#"{"alsoKnownAs":["https://issuer.example/"]}"#)
        .expect("writable");
    done(path, &["update", "--document", "new.json"]);
    assert_eq!(log_in(path).document().to_json()["alsoKnownAs"][0], "https://issuer.example/");
    let web: Value = serde_json::from_str(&read(&path.join("did.json"))).expect("JSON");
    assert_eq!(web["id"], "did:web:issuer.example");
    assert_eq!(web["alsoKnownAs"], json!(["https://issuer.example/", did]));

    let resolved = done(path, &["resolve", &did, "--folder", "."]);
    assert_eq!(resolved["didDocument"]["id"], did);
    assert_eq!(resolved["didDocumentMetadata"]["scid"], did.split(':').nth(2).expect("a SCID"));
    let first = done(path, &["resolve", &format!("{did}?versionNumber=1"), "--folder", "."]);
    assert_eq!(first["didDocument"].get("alsoKnownAs"), None);
    done(path, &["rotate", "--new-key", "new.jwk"]);
    let (code, text) = refused(path, &["deactivate"]);
    assert_eq!(code, 3);
    assert!(text.contains("not signed by an active update key"), "{text}");
    done(path, &["deactivate", "--key", "new.jwk"]);
    let (code, text) = refused(path, &["resolve", &did, "--folder", "."]);
    assert_eq!(code, 3);
    assert!(text.contains("The DID is deactivated"), "{text}");
    let log = log_in(path);
    assert!(log.is_deactivated());
    assert_eq!((log.version_count(), path.join("did.json").exists()), (4, false));
}

#[test]
fn a_key_that_was_committed_to_is_taken_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path();
    let place = ["create", "--method", "webvh", "--place", "issuer.example:dids"];
    done(path, &[&place[..], &["--next-key", "next.jwk"]].concat());
    let before = keys(log_in(path).document());
    std::fs::write(path.join("new.json"), "{}").expect("writable");
    let (code, text) = refused(path, &["update", "--document", "new.json"]);
    assert_eq!(code, 3);
    assert!(text.contains("lanyard did rotate"), "{text}");
    done(path, &["rotate", "--new-key", "next.jwk", "--next-key", "third.jwk"]);
    assert_ne!(keys(log_in(path).document()), before);
    assert!(log_in(path).is_prerotated());
    done(path, &["deactivate", "--key", "next.jwk", "--next-key", "third.jwk"]);
    assert!(log_in(path).is_deactivated());
}

#[test]
fn nothing_is_written_over_or_with_a_key_that_others_can_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path();
    let create = ["create", "--method", "webvh", "--place", "issuer.example"];
    done(path, &create);
    let (code, text) = refused(path, &create);
    assert_eq!(code, 2);
    assert!(text.contains("is there already"), "{text}");
    let key = path.join("did-key.jwk");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).expect("ours");
    let (code, text) = refused(path, &["deactivate"]);
    assert_eq!(code, 2);
    assert!(text.contains("chmod 600"), "{text}");
}

#[test]
fn a_place_that_is_none_is_refused() {
    for (method, place) in [("web", "127.0.0.1"), ("webvh", "localhost"), ("webvh", "a.example:..")]
    {
        let folder = tempfile::tempdir().expect("a folder");
        let (code, text) =
            refused(folder.path(), &["create", "--method", method, "--place", place]);
        assert!(code == 2 || code == 3, "{place}: {text}");
        assert!(text.contains("place"), "{place}: {text}");
    }
}

struct Server {
    router: Router,
    _folder: tempfile::TempDir,
    _stop: watch::Sender<bool>,
}

impl Server {
    async fn new(resolver: bool) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut plan = Plan::demo(7077, folder.path().join("data")).expect("a plan");
        plan.resolver = resolver;
        let (stop, stopping) = watch::channel(false);
        let router = compose(plan, stopping).await.expect("the server starts").router;
        Self { router, _folder: folder, _stop: stop }
    }

    async fn get(&self, identifier: &str, accept: &str) -> (StatusCode, http::HeaderMap, String) {
        let request = Request::builder()
            .uri(format!("/1.0/identifiers/{identifier}"))
            .header(header::HOST, "localhost:7077")
            .header(header::ACCEPT, accept)
            .body(Body::empty())
            .expect("a request");
        let response = self.router.clone().oneshot(request).await.expect("infallible");
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        (parts.status, parts.headers, String::from_utf8_lossy(&body).into_owned())
    }

    async fn json(&self, identifier: &str, accept: &str) -> (StatusCode, Value) {
        let (status, headers, body) = self.get(identifier, accept).await;
        assert_eq!(headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
        (status, serde_json::from_str(&body).expect("JSON"))
    }
}

const RESULT: &str = "application/did-resolution";

#[tokio::test]
async fn nothing_is_resolved_for_others_unless_the_configuration_says_so() {
    assert_eq!(Server::new(false).await.get(KEY, RESULT).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_result_or_a_document_is_given_as_it_is_asked_for() {
    let server = Server::new(true).await;
    let (status, result) = server.json(KEY, RESULT).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(result["didDocument"]["id"], KEY);
    for media_type in ["application/did", "application/did+json", "application/did+ld+json"] {
        let (status, headers, body) = server.get(KEY, media_type).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(headers[header::CONTENT_TYPE], media_type);
        assert_eq!(serde_json::from_str::<Value>(&body).unwrap()["id"], KEY);
    }
    let (_, headers, _) = server.get(KEY, RESULT).await;
    assert_eq!(headers[header::CONTENT_TYPE], RESULT);
    assert_eq!(headers[header::CACHE_CONTROL], "public, max-age=86400");
}

#[tokio::test]
async fn every_error_has_the_status_of_its_type() {
    let server = Server::new(true).await;
    for (identifier, status, code) in [
        ("did:key:z6Mk", 400, "INVALID_DID"),
        ("hello", 400, "INVALID_DID"),
        ("did:key:a%23%23b", 400, "INVALID_DID"),
        ("did:example:a", 501, "METHOD_NOT_SUPPORTED"),
        ("did%3Aexample%3Aa", 501, "METHOD_NOT_SUPPORTED"),
        ("did:peer:3zQmS19jtYDvGtKVrJhQnRFpBQAx3pJ9omx2HpNrcXFuRCz9", 404, "NOT_FOUND"),
        ("did:web:127.0.0.1", 400, "INVALID_DID"),
        ("did:web:nowhere.invalid", 500, "INTERNAL_ERROR"),
    ] {
        let (answered, result) = server.json(identifier, RESULT).await;
        assert_eq!(answered.as_u16(), status, "{identifier}: {result}");
        let error = &result["didResolutionMetadata"]["error"]["type"];
        assert_eq!(error, &format!("https://www.w3.org/ns/did#{code}"), "{identifier}");
    }
    let (status, result) = server.json(&format!("{KEY}?versionId=1"), RESULT).await;
    assert_eq!(status.as_u16(), 501, "{result}");
    let whole = KEY.replace(':', "%3A");
    let (status, _) = server.json(&format!("{whole}?versionTime=now"), RESULT).await;
    assert_eq!(status.as_u16(), 400);
    let (status, _) = server.json(&format!("{whole}?noCache=true"), RESULT).await;
    assert_eq!(status.as_u16(), 501);
    assert_eq!(server.get(KEY, "text/html").await.0.as_u16(), 406);
    let (status, headers, _) = server.get("did:example:a", "application/did").await;
    assert_eq!(status.as_u16(), 501);
    assert_eq!(headers[header::CONTENT_TYPE], "application/problem+json");
}

#[tokio::test]
async fn a_did_url_leads_to_its_part_or_its_service() {
    let server = Server::new(true).await;
    let fragment = KEY.trim_start_matches("did:key:");
    let whole = format!("{KEY}#{fragment}").replace(':', "%3A").replace('#', "%23");
    let (status, method) = server.json(&whole, "application/did").await;
    assert_eq!((status, &method["type"]), (StatusCode::OK, &json!("Multikey")));
    let (_, result) = server.json(&whole, "application/did-url-dereferencing").await;
    assert_eq!(result["contentStream"], method);

    let service = |endpoint: &str| {
        let service = json!({"t": "Files", "s": endpoint}).to_string();
        let key = "z6Mkj3PUd1WjvaDhNZhhhXQdz5UnZXmS7ehtx8bsPpD47kKc";
        let encoded = lanyard_core::json::base64url(service);
        format!("did:peer:2.V{key}.S{encoded}?service=service&relativeRef=a.pdf")
    };
    let did = service("https://files.example/staff/");
    let (status, headers, body) = server.get(&did, "application/did").await;
    assert_eq!((status, body.as_str()), (StatusCode::SEE_OTHER, ""));
    assert_eq!(headers[header::LOCATION], "https://files.example/staff/a.pdf");
    let (status, result) = server.json(&did, "application/did-url-dereferencing").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(result["contentStream"], json!(["https://files.example/staff/a.pdf"]));
    // a redirect to something that runs would run in the caller's browser
    let script = service("javascript:alert(1)//").replace("&relativeRef=a.pdf", "");
    assert_eq!(server.get(&script, "application/did").await.0, StatusCode::NOT_ACCEPTABLE);
}

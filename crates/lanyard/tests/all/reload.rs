//! Credential types in files: taken again when they change, all of them or none.

use std::{
    os::unix::fs::PermissionsExt as _,
    path::Path,
    time::{Duration, Instant},
};

use axum::{Router, body::Body};
use http::Request;
use http_body_util::BodyExt as _;
use lanyard_cli::{
    config::Config,
    serve::{compose::compose, plan::Plan},
};
use serde_json::Value;
use tokio::sync::watch;
use tower::ServiceExt as _;

use crate::circle::STARTED;

const BADGE: &str = include_str!("../../../../examples/types/badge.json");

const CONFIGURATION: &str = r#"mode = "development"
base_url = "http://localhost:7077"
listen = "127.0.0.1:7077"
data = "data"
pages = true
[issuer]
[[tenants]]
id = "acme"
name = "Acme"
api_key_files = ["acme.api-key"]
credential_types = ["badge.json"]
"#;

struct Server {
    router: Router,
    folder: tempfile::TempDir,
    _stop: watch::Sender<bool>,
}

impl Server {
    async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let key = folder.path().join("acme.api-key");
        std::fs::write(&key, "0123456789abcdef0123456789abcdef").expect("writable");
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).expect("ours");
        write(folder.path(), "badge.json", BADGE);
        write(folder.path(), "lanyard.toml", CONFIGURATION);
        let config = Config::read(&folder.path().join("lanyard.toml")).expect("good");
        let (stop, stopping) = watch::channel(false);
        let plan = Plan::of(&config).expect("usable");
        let router = compose(plan, stopping).await.expect("it starts").router;
        Self { router, folder, _stop: stop }
    }

    fn write(&self, name: &str, text: &str) {
        write(self.folder.path(), name, text);
    }

    async fn get(&self, path: &str) -> String {
        let request = Request::get(path).header("host", "localhost:7077");
        let request = request.body(Body::empty()).expect("a request");
        let response = self.router.clone().oneshot(request).await.expect("infallible");
        let body = response.into_body().collect().await.expect("a body").to_bytes();
        String::from_utf8_lossy(&body).into_owned()
    }

    async fn name_of_badge(&self) -> String {
        let metadata = self.get("/.well-known/openid-credential-issuer/acme").await;
        let metadata: Value = serde_json::from_str(&metadata).expect("JSON");
        let badge = &metadata["credential_configurations_supported"]["badge"];
        badge["credential_metadata"]["display"][0]["name"].as_str().unwrap_or_default().to_owned()
    }

    /// Asks until the answer is as wanted: files are looked at every two seconds.
    async fn until(&self, path: &str, wanted: &str) -> bool {
        let begun = Instant::now();
        while begun.elapsed() < STARTED {
            if self.get(path).await.contains(wanted) {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        false
    }
}

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).expect("writable");
}

fn renamed(name: &str) -> String {
    let mut badge: Value = serde_json::from_str(BADGE).expect("JSON");
    badge["name"] = name.into();
    badge.to_string()
}

#[tokio::test]
async fn a_changed_type_is_offered_and_a_broken_one_leaves_the_one_before_in_force() {
    let server = Server::start().await;
    server.write("badge.json", &renamed("Pass for everybody"));
    let metadata = "/.well-known/openid-credential-issuer/acme";
    assert!(server.until(metadata, "Pass for everybody").await);
    assert!(server.get("/issue").await.contains("Pass for everybody"), "the pages follow");

    server.write("badge.json", "{\n\"id\": \"badge\",\n");
    let broken = "configuration cannot be read; the last good one is in use";
    assert!(server.until("/readyz", broken).await);
    assert_eq!(server.name_of_badge().await, "Pass for everybody");

    server.write("badge.json", &renamed("Mended pass"));
    assert!(server.until(metadata, "Mended pass").await);
    assert!(!server.get("/readyz").await.contains(broken));
}

#[tokio::test]
async fn a_type_that_is_added_to_the_configuration_is_offered() {
    let server = Server::start().await;
    let licence = r#"{"id":"licence","format":"mso_mdoc","doctype":"org.example.licence.1","name":"Licence","claims":[{"path":["org.example.1","given_name"],"name":"Given name"}]}"#;
    server.write("licence.json", licence);
    let two = CONFIGURATION.replace("[\"badge.json\"]", "[\"badge.json\", \"licence.json\"]");
    server.write("lanyard.toml", &two);
    let metadata = "/.well-known/openid-credential-issuer/acme";
    assert!(server.until(metadata, "org.example.licence.1").await);
}

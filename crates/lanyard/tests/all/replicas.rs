//! Two replicas on one PostgreSQL database: any request may reach any of them.

use std::fs::Permissions;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::body::{Body, to_bytes};
use axum::{Router, extract::State, http::Request, response::Response};
use lanyard_testkit::{PostgresServer, free_port};
use serde_json::Value;

use crate::circle::{STARTED, json, text};

/// By a name that both replicas have: in development mode each makes itself a certificate.
const ASK: [&str; 5] = ["request", "--preset", "badge", "--client-id-prefix", "x509_san_dns"];

const CLAIMS: &str = r#"{"given_name": "Ada", "family_name": "Moreau"}"#;
const KEY: &str = "0123456789abcdef0123456789abcdef";

/// One server in a process of its own; it stops when dropped.
struct Replica {
    process: Child,
    port: u16,
}

impl Drop for Replica {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Replica {
    /// The status line and the head of an answer, asked by hand.
    fn ask(&self, request: &str) -> String {
        let mut answer = String::new();
        if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) {
            let request = request.replace('\n', "\r\n");
            let sent = stream.write_all(request.as_bytes());
            let _ = sent.and_then(|()| stream.read_to_string(&mut answer));
        }
        answer
    }

    fn get(&self, path: &str) -> String {
        self.ask(&format!("GET {path} HTTP/1.1\nhost: localhost\nconnection: close\n\n"))
    }

    fn make_offer(&self) -> String {
        let body = format!(r#"{{"configuration": "badge", "claims": {CLAIMS}}}"#);
        self.ask(&format!(
            "POST /api/demo/offers HTTP/1.1\nhost: localhost\nconnection: close\nauthorization: Bearer {KEY}\ncontent-type: application/json\ncontent-length: {}\n\n{body}",
            body.len()
        ))
    }
}

/// What replicas share: an address that people know, a database, a sealing key.
struct Setting {
    folder: tempfile::TempDir,
    base: String,
    port: u16,
    database: String,
}

impl Setting {
    fn new(database: String) -> Self {
        let (folder, port) = (tempfile::tempdir().expect("a folder"), free_port());
        let setting = Self { folder, base: format!("http://localhost:{port}"), port, database };
        setting.write("api-key", KEY.as_bytes());
        setting.write("sealing-key", &[7; 32]);
        let badge = include_str!("../../../../examples/types/badge.json");
        setting.write("badge.json", badge.as_bytes());
        setting
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, bytes).expect("writable");
        std::fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("ours");
        path
    }

    /// The configuration of a replica, which has a data folder of its own.
    fn configuration(&self, name: &str, port: u16, sealing_key: &str) -> PathBuf {
        let text = format!(
            r#"mode = "development"
base_url = "{}"
listen = "127.0.0.1:{port}"
data = "{name}"
[store]
postgres = "{}"
sealing_key_file = "{sealing_key}"
[issuer]
[verifier]
[[tenants]]
id = "demo"
name = "Demo"
api_key_files = ["api-key"]
credential_types = ["badge.json"]
status_lists = {{ ttl_seconds = 1 }}
"#,
            self.base, self.database
        );
        self.write(&format!("{name}.toml"), text.as_bytes())
    }

    fn serve(&self, configuration: &Path) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lanyard"));
        command.args(["serve", "--config"]).arg(configuration).stdout(Stdio::null());
        command
    }

    fn start(&self, name: &str, port: u16) -> Replica {
        let configuration = self.configuration(name, port, "sealing-key");
        let process = self.serve(&configuration).spawn().expect("the binary runs");
        let replica = Replica { process, port };
        until(|| replica.get("/readyz").starts_with("HTTP/1.1 200"), "the replica starts");
        replica
    }

    fn integrator(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lanyard"));
        command.args(arguments).args(["--json", "--server", &self.base, "--api-key-file"]);
        command.arg(self.folder.path().join("api-key")).output().expect("the binary runs")
    }

    fn wallet(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lanyard"));
        command.arg("wallet").args(arguments).args(["--json", "--home"]);
        command.arg(self.folder.path().join("wallet")).args(["--allow-http"]);
        command.arg(format!("localhost:{}", self.port)).arg("--trust-anchor");
        command.arg(self.folder.path().join("a/ca.pem")).output().expect("the binary runs")
    }
}

fn until(done: impl Fn() -> bool, what: &str) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < STARTED, "{what}: it does not");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The proxy before the replicas: it sends each step to another one than the step before.
#[derive(Clone)]
struct Proxy {
    replicas: [u16; 2],
    /// Which of the two has the first, third, … step.
    first: Arc<Mutex<usize>>,
    seen: Arc<Mutex<Vec<(&'static str, usize)>>>,
    http: reqwest::Client,
}

/// What a request is about, and whether it goes to the first or the second replica.
fn step(method: &str, path: &str) -> (&'static str, usize) {
    let named = |name: &str| path.split('/').any(|segment| segment == name);
    match method {
        "POST" if named("api") => ("asked", 1),
        _ if named("api") => ("result", 0),
        "POST" if named("token") => ("token", 1),
        "POST" if named("nonce") => ("nonce", 0),
        "POST" if named("credential") => ("credential", 1),
        "POST" if named("responses") => ("response", 1),
        _ if named("requests") => ("request object", 0),
        _ if named("offers") => ("offer", 0),
        _ => ("metadata", 1),
    }
}

async fn forward(State(proxy): State<Proxy>, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let (about, which) = step(parts.method.as_str(), parts.uri.path());
    let which = which ^ *proxy.first.lock().expect("nobody panicked");
    proxy.seen.lock().expect("nobody panicked").push((about, which));
    let url = format!("http://127.0.0.1:{}{}", proxy.replicas[which], parts.uri);
    let body = to_bytes(body, 1 << 20).await.expect("a body");
    let sent = proxy.http.request(parts.method, url).headers(parts.headers).body(body);
    let answer = sent.send().await.expect("the replica answers");
    let mut response = Response::builder().status(answer.status());
    for (name, value) in answer.headers() {
        if name != "transfer-encoding" {
            response = response.header(name, value);
        }
    }
    let body = answer.bytes().await.expect("a body");
    response.body(Body::from(body)).expect("a response")
}

impl Proxy {
    async fn listen(port: u16, replicas: [u16; 2]) -> Self {
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build();
        let http = http.expect("a client");
        let proxy = Self { replicas, first: Arc::default(), seen: Arc::default(), http };
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.expect("free");
        let router = Router::new().fallback(forward).with_state(proxy.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.expect("it serves") });
        proxy
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nonce_of_one_replica_a_proof_to_the_other_and_a_result_from_the_first() {
    let Some(server) = PostgresServer::shared() else { return };
    let setting = Setting::new(server.database());
    let replicas = [setting.start("a", free_port()), setting.start("b", free_port())];
    let ports = [replicas[0].port, replicas[1].port];
    let proxy = Proxy::listen(setting.port, ports).await;
    for (round, port) in ports.into_iter().enumerate() {
        *proxy.first.lock().expect("nobody panicked") = round;
        proxy.seen.lock().expect("nobody panicked").clear();
        let offer = json(&setting.integrator(&["offer", "--type", "badge", "--claims", CLAIMS]));
        let (id, link) = (text(&offer["id"]), text(&offer["link"]));
        // the watcher is at the replica that takes neither the token request nor the credential request
        let watched = format!("http://127.0.0.1:{port}/api/demo/offers/{id}/events");
        let watched = proxy.http.get(watched).bearer_auth(KEY).send().await.expect("an answer");

        let accepted = setting.wallet(&["accept", &link]);
        assert_eq!(accepted.status.code(), Some(0), "round {round}: {accepted:?}");
        let again = setting.wallet(&["accept", &link]);
        assert_ne!(again.status.code(), Some(0), "a code is good once for both: {again:?}");
        until_told(watched, "credential_issued").await;

        let request = json(&setting.integrator(&ASK));
        let shared = setting.wallet(&["present", &text(&request["link"])]);
        assert_eq!(shared.status.code(), Some(0), "round {round}: {shared:?}");
        let result = setting.integrator(&["result", &text(&request["id"])]);
        assert_eq!(result.status.code(), Some(0), "round {round}: {result:?}");
        assert_eq!(json(&result)["verdict"]["state"], "verified");

        let revoked = setting.integrator(&["revoke", &id]);
        assert_eq!(json(&revoked)[0]["status"], "revoked", "{revoked:?}");
        until(|| verdict(&setting)["reason"] == "credential_revoked", "both learn of it");

        let seen = proxy.seen.lock().expect("nobody panicked").clone();
        for (about, which) in [
            ("offer", 0),
            ("token", 1),
            ("nonce", 0),
            ("credential", 1),
            ("asked", 1),
            ("request object", 0),
            ("response", 1),
            ("result", 0),
        ] {
            assert!(seen.contains(&(about, which ^ round)), "{about}: {seen:?}");
        }
    }
}

fn verdict(setting: &Setting) -> Value {
    let request = json(&setting.integrator(&ASK));
    setting.wallet(&["present", &text(&request["link"])]);
    json(&setting.integrator(&["result", &text(&request["id"])]))["verdict"].clone()
}

async fn until_told(mut watched: reqwest::Response, step: &str) {
    let mut told = String::new();
    while !told.contains(step) {
        let chunk = tokio::time::timeout(STARTED, watched.chunk()).await;
        let chunk = chunk.expect("it is told in time").expect("an event").expect("more");
        told += &String::from_utf8_lossy(&chunk);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_away_costs_a_503_and_everything_heals_by_itself() {
    let Some(server) = PostgresServer::start() else { return };
    let setting = Setting::new(server.database());
    let replica = setting.start("a", setting.port);
    let offer = json(&setting.integrator(&["offer", "--type", "badge", "--claims", CLAIMS]));
    assert!(replica.make_offer().starts_with("HTTP/1.1 201"), "{}", replica.make_offer());

    server.stop();
    let refused = replica.make_offer().to_ascii_lowercase();
    assert!(refused.starts_with("http/1.1 503"), "{refused}");
    assert!(refused.contains("\r\nretry-after: "), "{refused}");
    assert!(replica.get("/readyz").starts_with("HTTP/1.1 503"));
    assert!(replica.get("/healthz").starts_with("HTTP/1.1 200"));

    server.start_again();
    until(|| replica.get("/readyz").starts_with("HTTP/1.1 200"), "it heals");
    let accepted = setting.wallet(&["accept", &text(&offer["link"])]);
    assert_eq!(accepted.status.code(), Some(0), "an acknowledged offer is there: {accepted:?}");
}

#[test]
fn a_database_that_is_read_only_is_not_ready_until_it_takes_writes_again() {
    let Some(server) = PostgresServer::start() else { return };
    let address = server.database();
    let name = address.rsplit("dbname=").next().expect("a name").to_owned();
    let setting = Setting::new(address);
    let replica = setting.start("a", setting.port);
    // as after a failover: connections end, and the server behind new ones is another
    let becomes = |read_only: &str| {
        let altered = "SET default_transaction_read_only =";
        server.sql(&format!("ALTER DATABASE {name} {altered} {read_only}"));
        server.sql(&format!(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '{name}'"
        ));
    };
    becomes("on");
    let told = "the store cannot be written: store_unreachable";
    until(|| replica.get("/readyz").ends_with(told), "it is told");
    assert!(replica.get("/readyz").starts_with("HTTP/1.1 503"));
    assert!(replica.make_offer().starts_with("HTTP/1.1 503"));
    becomes("off");
    until(|| replica.get("/readyz").starts_with("HTTP/1.1 200"), "it heals");
}

#[test]
fn a_replica_with_another_sealing_key_does_not_start() {
    let Some(server) = PostgresServer::shared() else { return };
    let setting = Setting::new(server.database());
    let first = setting.start("a", free_port());
    setting.write("other-key", &[8; 32]);
    let configuration = setting.configuration("b", free_port(), "other-key");
    let refused = setting.serve(&configuration).stdout(Stdio::piped()).output();
    let refused = refused.expect("the binary runs");
    let said = String::from_utf8_lossy(&[refused.stdout, refused.stderr].concat()).into_owned();
    assert!(!refused.status.success(), "{said}");
    assert!(said.contains("does not open the keys in the database"), "{said}");
    assert!(first.get("/readyz").starts_with("HTTP/1.1 200"), "the first is not disturbed");
}

#[test]
fn a_replica_serves_as_a_role_that_may_only_read_and_write_what_another_role_brought_up() {
    let Some(server) = PostgresServer::shared() else { return };
    let database = server.database();
    server.sql("CREATE ROLE lanyard_serving LOGIN NOSUPERUSER NOBYPASSRLS");
    let setting = Setting::new(database.replace("user=lanyard", "user=lanyard_serving"));
    let port = free_port();
    let configuration = setting.configuration("a", port, "sealing-key");
    let refused = setting.serve(&configuration).stderr(Stdio::piped()).output();
    let refused = refused.expect("the binary runs");
    let said = String::from_utf8_lossy(&[refused.stdout, refused.stderr].concat()).into_owned();
    assert!(!refused.status.success() && said.contains("lanyard migrate"), "{said}");

    let mut migrate = Command::new(env!("CARGO_BIN_EXE_lanyard"));
    migrate.args(["migrate", "--json", "--as", "lanyard", "--config"]).arg(&configuration);
    let migrated = migrate.output().expect("the binary runs");
    assert_eq!(migrated.status.code(), Some(0), "{migrated:?}");
    assert_eq!(json(&migrated)["serving"], "lanyard_serving");

    let replica = setting.start("a", port);
    let made = replica.make_offer();
    assert!(made.starts_with("HTTP/1.1 201"), "{made}");
}

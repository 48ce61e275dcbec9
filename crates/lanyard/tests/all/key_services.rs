//! Keys that are in a service: wrapped by a transit engine, wrapped and signed with on a PKCS #11 token; erased for good.

use std::collections::HashMap;
use std::fs::Permissions;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::extract::{Path as Named, State};
use axum::{Json, Router, http::HeaderMap, http::StatusCode, routing::get, routing::post};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json as value};

use crate::circle::{STARTED, json, text};

const CLAIMS: &str = r#"{"given_name": "Ada", "family_name": "Moreau"}"#;

/// A folder with what a server of two tenants needs.
pub(crate) struct Setting {
    folder: tempfile::TempDir,
    port: u16,
    environment: Option<(&'static str, PathBuf)>,
}

/// A server in a process of its own; it stops when dropped.
pub(crate) struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Setting {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let setting = Self { folder, port: lanyard_testkit::free_port(), environment: None };
        setting.write("api-key", "0123456789abcdef0123456789abcdef".as_bytes());
        let badge = include_str!("../../../../examples/types/badge.json");
        setting.write("badge.json", badge.as_bytes());
        setting
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).expect("writable");
        std::fs::set_permissions(self.path(name), Permissions::from_mode(0o600)).expect("ours");
    }

    pub(crate) fn configure(&self, section: &str, tenants: &[&str], signing: &str) {
        let port = self.port;
        let mut text = format!(
            "mode = \"development\"\nbase_url = \"http://localhost:{port}\"\n\
             listen = \"127.0.0.1:{port}\"\ndata = \"data\"\n{section}\n[issuer]\n"
        );
        for tenant in tenants {
            text.push_str(&format!(
                "[[tenants]]\nid = \"{tenant}\"\nname = \"{tenant}\"\napi_key_files = [\"api-key\"]\n\
                 credential_types = [\"badge.json\"]\n{signing}\n"
            ));
        }
        self.write("lanyard.toml", text.as_bytes());
    }

    pub(crate) fn lanyard(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lanyard"));
        command.args(arguments);
        if let Some((name, value)) = &self.environment {
            command.env(name, value);
        }
        command
    }

    /// Starts a server, or says why it does not.
    pub(crate) fn start(&self) -> Result<Served, String> {
        let mut serve = self.lanyard(&["serve", "--config"]);
        serve.arg(self.path("lanyard.toml")).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut served = Served(serve.spawn().expect("the binary runs"));
        let begun = Instant::now();
        while !self.ask("/readyz").starts_with("HTTP/1.1 200") {
            if served.0.try_wait().expect("a child").is_some() {
                let mut said = String::new();
                let errors = served.0.stderr.as_mut().expect("it was piped");
                errors.read_to_string(&mut said).expect("text");
                return Err(said);
            }
            assert!(begun.elapsed() < STARTED, "the server does not start");
            std::thread::sleep(Duration::from_millis(5));
        }
        // nobody reads what it logs, and it must not wait for that
        let mut errors = served.0.stderr.take().expect("it was piped");
        std::thread::spawn(move || std::io::copy(&mut errors, &mut std::io::sink()));
        Ok(served)
    }

    fn ask(&self, path: &str) -> String {
        let mut answer = String::new();
        if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) {
            let head =
                format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
            let sent = stream.write_all(head.as_bytes());
            let _ = sent.and_then(|()| stream.read_to_string(&mut answer));
        }
        answer
    }

    fn keys(&self, command: &[&str]) -> Output {
        let mut keys = self.lanyard(&["keys", "--json", "--config"]);
        keys.arg(self.path("lanyard.toml")).args(command).output().expect("the binary runs")
    }

    fn done(&self, command: &[&str]) -> Value {
        let output = self.keys(command);
        assert_eq!(output.status.code(), Some(0), "{command:?}: {output:?}");
        json(&output)
    }

    /// A badge is offered by a tenant, taken by a wallet that believes this authority.
    fn issue(&self, tenant: &str, home: &str, anchor: &Path) -> Output {
        let mut offer = self.lanyard(&["offer", "--type", "badge", "--json", "--tenant", tenant]);
        offer.args(["--claims", CLAIMS, "--server", &format!("http://localhost:{}", self.port)]);
        offer.arg("--api-key-file").arg(self.path("api-key"));
        let offer = offer.output().expect("the binary runs");
        assert!(offer.status.success(), "{offer:?}");
        let link = text(&json(&offer)["link"]);
        let mut take = self.lanyard(&["wallet", "accept", &link, "--yes", "--json", "--home"]);
        take.arg(self.path(home)).args(["--allow-http", &format!("localhost:{}", self.port)]);
        take.arg("--trust-anchor").arg(anchor).output().expect("the binary runs")
    }
}

/// The fields that say how far a change of keys is.
fn progress(status: &Value) -> (u64, u64, u64, u64) {
    let number = |name: &str| status[name].as_u64().expect("a number");
    (number("tenants"), number("under_newest"), number("erased"), number("direct"))
}

#[test]
fn an_erased_tenant_is_gone_for_good_and_the_others_are_as_they_were() {
    let setting = Setting::new();
    setting.configure("", &["acme", "globex"], "");
    let served = setting.start().expect("it starts");
    let anchor = setting.path("data/ca.pem");
    for tenant in ["acme", "globex"] {
        let taken = setting.issue(tenant, &format!("wallet-{tenant}"), &anchor);
        assert!(taken.status.success(), "{tenant}: {taken:?}");
    }
    let backup = setting.path("before.db");
    let mut copy = setting.lanyard(&["backup", "--json", "--config"]);
    let copied = copy.arg(setting.path("lanyard.toml")).arg(&backup).output().expect("it runs");
    assert!(copied.status.success(), "{copied:?}");
    drop(served);

    let refused = setting.keys(&["erase", "globex"]);
    assert_eq!(refused.status.code(), Some(2), "it says --forever: {refused:?}");
    let refused = setting.keys(&["erase", "nobody", "--forever"]);
    assert_eq!(json(&refused)["error"], "no_such_tenant");
    let erased = setting.done(&["erase", "globex", "--forever"]);
    // the test authority has a key like a tenant
    assert_eq!((&erased["tenants_before"], &erased["tenants"]), (&value!(3), &value!(2)));
    assert!(erased["erased_secrets"].as_u64() > Some(2), "{erased}");
    assert_eq!(progress(&setting.done(&["status"])), (2, 2, 1, 0));

    let refused = setting.start().err().expect("what it had is gone");
    assert!(refused.contains("the key of the tenant globex was erased at 20"), "{refused}");
    setting.configure("", &["acme"], "");
    let served = setting.start().expect("without that tenant it starts");
    let taken = setting.issue("acme", "wallet-later", &anchor);
    assert!(taken.status.success(), "{taken:?}");
    drop(served);

    // a sealing key that was changed since makes backups of before as unreadable as the store
    setting.done(&["rotate"]);
    assert_eq!(setting.done(&["rewrap"]), value!({ "rewrapped": 2 }), "an erased one is left");
    setting.done(&["retire"]);
    let mut restore = setting.lanyard(&["restore", "--json", "--replace", "--config"]);
    let refused = restore.arg(setting.path("lanyard.toml")).arg(&backup).output().expect("it runs");
    assert_eq!(json(&refused)["error"], "sealing_key", "{refused:?}");
}

/// A transit engine, as its API is published: keys with versions, made on first use, behind a token.
#[derive(Clone, Default)]
struct Engine(Arc<Mutex<HashMap<String, Vec<Vec<u8>>>>>);

const TOKEN: &str = "hvs.canary";

impl Engine {
    /// Serves it on a port of its own.
    fn serve(&self) -> u16 {
        let router = Router::new()
            .route("/v1/transit/encrypt/{key}", post(encrypt))
            .route("/v1/transit/decrypt/{key}", post(decrypt))
            .route("/v1/transit/keys/{key}", get(read_key))
            .with_state(self.clone());
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        listener.set_nonblocking(true).expect("a socket");
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("threads").block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).expect("a socket");
                axum::serve(listener, router).await
            })
        });
        port
    }

    fn rotate_all(&self) {
        for versions in self.0.lock().expect("no panic").values_mut() {
            let fresh = versions.len() as u8 + 1;
            versions.push(vec![fresh; 4]);
        }
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = self.0.lock().expect("no panic").keys().cloned().collect();
        names.sort();
        names
    }
}

fn authorized(headers: &HeaderMap) -> Result<(), (StatusCode, Json<Value>)> {
    match headers.get("authorization").and_then(|it| it.to_str().ok()) {
        Some(token) if token == format!("Bearer {TOKEN}") => Ok(()),
        _ => Err(refused(StatusCode::FORBIDDEN, "permission denied")),
    }
}

fn refused(status: StatusCode, why: &str) -> (StatusCode, Json<Value>) {
    (status, Json(value!({ "errors": [why] })))
}

type Answered = Result<Json<Value>, (StatusCode, Json<Value>)>;

async fn encrypt(
    State(engine): State<Engine>,
    Named(key): Named<String>,
    headers: HeaderMap,
    Json(asked): Json<Value>,
) -> Answered {
    authorized(&headers)?;
    let mut keys = engine.0.lock().expect("no panic");
    let versions = keys.entry(key).or_insert_with(|| vec![vec![1; 4]]);
    let sealed = value!([versions.last(), asked["plaintext"], asked["associated_data"]]);
    let sealed = STANDARD.encode(sealed.to_string());
    let ciphertext = format!("vault:v{}:{sealed}", versions.len());
    Ok(Json(value!({ "data": { "ciphertext": ciphertext, "key_version": versions.len() } })))
}

async fn decrypt(
    State(engine): State<Engine>,
    Named(key): Named<String>,
    headers: HeaderMap,
    Json(asked): Json<Value>,
) -> Answered {
    authorized(&headers)?;
    let no_key = || refused(StatusCode::BAD_REQUEST, "encryption key not found");
    let keys = engine.0.lock().expect("no panic");
    let versions = keys.get(&key).ok_or_else(no_key)?;
    let parts: Vec<_> = asked["ciphertext"].as_str().expect("text").split(':').collect();
    let version: usize = parts[1].trim_start_matches('v').parse().expect("a version");
    let sealed = STANDARD.decode(parts[2]).expect("base64");
    let sealed: Value = serde_json::from_slice(&sealed).expect("JSON");
    let is_good =
        sealed[0] == value!(versions[version - 1]) && sealed[2] == asked["associated_data"];
    match is_good {
        true => Ok(Json(value!({ "data": { "plaintext": sealed[1] } }))),
        false => Err(refused(StatusCode::BAD_REQUEST, "message authentication failed")),
    }
}

async fn read_key(
    State(engine): State<Engine>,
    Named(key): Named<String>,
    headers: HeaderMap,
) -> Answered {
    authorized(&headers)?;
    let keys = engine.0.lock().expect("no panic");
    match keys.get(&key) {
        Some(versions) => Ok(Json(value!({ "data": { "latest_version": versions.len() } }))),
        None => Err(refused(StatusCode::NOT_FOUND, "")),
    }
}

#[test]
fn a_transit_engine_takes_over_from_the_sealing_key_and_a_deleted_key_takes_its_tenant_along() {
    let setting = Setting::new();
    setting.configure("", &["acme", "globex"], "");
    let anchor = setting.path("data/ca.pem");
    let served = setting.start().expect("with a sealing key");
    assert!(setting.issue("acme", "wallet", &anchor).status.success());
    drop(served);

    let engine = Engine::default();
    let port = engine.serve();
    setting.write("token", TOKEN.as_bytes());
    let section = format!(
        "[key_encryption]\ntransit = {{ url = \"http://localhost:{port}/v1/transit\", \
         key = \"lanyard-{{tenant}}\", token_file = \"token\" }}\n"
    );
    setting.configure(&section, &["acme", "globex"], "");
    assert_eq!(progress(&setting.done(&["status"])), (3, 0, 0, 0), "the sealing key still opens");
    drop(setting.start().expect("before anything is wrapped anew"));
    assert_eq!(setting.done(&["rewrap"]), value!({ "rewrapped": 3 }));
    assert_eq!(engine.names(), ["lanyard-acme", "lanyard-globex", "lanyard-lanyard-authority"]);
    setting.done(&["retire"]);
    std::fs::remove_file(setting.path("data/sealing-key")).expect("nothing depends on it");
    let served = setting.start().expect("with the engine alone");
    assert!(setting.issue("acme", "wallet", &anchor).status.success());
    drop(served);
    assert!(!setting.path("data/sealing-key").exists(), "none is made");

    engine.rotate_all();
    assert_eq!(progress(&setting.done(&["status"])), (3, 0, 0, 0), "versions of before open");
    assert_eq!(json(&setting.keys(&["rotate"]))["error"], "key_elsewhere");
    assert_eq!(json(&setting.keys(&["retire"]))["error"], "still_sealed");
    assert_eq!(setting.done(&["rewrap"]), value!({ "rewrapped": 3 }));
    assert_eq!(progress(&setting.done(&["status"])), (3, 3, 0, 0));

    setting.write("token", b"another");
    let why = setting.start().err().expect("no token, no keys");
    assert!(why.contains("the transit engine: it refuses with status 403"), "{why}");
    assert!(!why.contains("another"), "{why}");
    setting.write("token", TOKEN.as_bytes());
    // crypto-erasure where copies of the database cannot be reached: its key is deleted in the engine
    engine.0.lock().expect("no panic").remove("lanyard-globex");
    let why = setting.start().err().expect("what globex has is lost");
    assert!(why.contains("refuses with status 400"), "{why}");
    setting.configure(&section, &["acme"], "");
    assert!(setting.start().is_ok(), "the others are as they were");
}

/// SoftHSM with a token of its own; Debian's package is softhsm2.
impl Setting {
    fn with_token() -> Self {
        let mut setting = Self::new();
        std::fs::create_dir(setting.path("tokens")).expect("a folder");
        let tokens = setting.path("tokens").display().to_string();
        let configuration = format!("directories.tokendir = {tokens}\nlog.level = ERROR\n");
        setting.write("softhsm2.conf", configuration.as_bytes());
        setting.environment = Some(("SOFTHSM2_CONF", setting.path("softhsm2.conf")));
        setting.soft_hsm(&["--init-token", "--free", "--label", "lanyard", "--so-pin", "12345678"]);
        setting.write("pin", b"4711\n");
        setting
    }

    fn soft_hsm(&self, arguments: &[&str]) {
        let mut command = Command::new("softhsm2-util");
        command.args(arguments).args(["--pin", "4711"]);
        let (name, value) = self.environment.as_ref().expect("it was set");
        let done = command.env(name, value).output();
        let done = done.expect("the package of the driver has it");
        assert!(done.status.success(), "{arguments:?}: {done:?}");
    }

    fn import(&self, file: &str, label: &str, id: &str, is_aes: bool) {
        let file = self.path(file).display().to_string();
        let mut arguments = vec!["--import", &file, "--token", "lanyard", "--label", label];
        arguments.extend(["--id", id]);
        if is_aes {
            arguments.push("--aes");
        }
        self.soft_hsm(&arguments);
    }

    fn uri(&self, object: &str) -> String {
        let module = soft_hsm_driver().expect("it was there when the token was made");
        format!("pkcs11:token=lanyard;object={object}?module-path={module}&pin-source=file:pin")
    }
}

fn soft_hsm_driver() -> Option<&'static str> {
    let drivers =
        ["/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so"];
    drivers.into_iter().find(|driver| Path::new(driver).exists())
}

/// An authority, and a certificate of it for a key: both in PEM.
fn certificate(key: &rcgen::KeyPair, issuer_id: &str) -> (String, String) {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyUsagePurpose, SanType};
    let mut root = CertificateParams::default();
    root.distinguished_name.push(rcgen::DnType::CommonName, "Authority of a test");
    root.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    root.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let root_key = rcgen::KeyPair::generate().expect("a key");
    let anchor = root.self_signed(&root_key).expect("a certificate");
    let mut leaf = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
    leaf.distinguished_name.push(rcgen::DnType::CommonName, "Signs on a token");
    leaf.subject_alt_names.push(SanType::URI(issuer_id.try_into().expect("a URI")));
    leaf.use_authority_key_identifier_extension = true;
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    let leaf = leaf.signed_by(key, &Issuer::new(root, root_key)).expect("a certificate");
    (anchor.pem(), leaf.pem())
}

#[test]
fn a_token_wraps_the_keys_of_tenants_and_signs_what_is_issued() {
    if soft_hsm_driver().is_none() {
        return lanyard_testkit::not_exercised("keys on a token (apt-get install softhsm2)");
    }
    let setting = Setting::with_token();
    setting.write("kek", &[7; 32]);
    setting.import("kek", "kek-1", "01", true);
    setting.write("kek", &[8; 32]);
    setting.import("kek", "kek-2", "02", true);
    let key = rcgen::KeyPair::generate().expect("a key");
    setting.write("signing.pem", key.serialize_pem().as_bytes());
    setting.import("signing.pem", "acme", "03", false);
    std::fs::remove_file(setting.path("signing.pem")).expect("it is on the token now");
    let issuer = format!("http://localhost:{}/acme", setting.port);
    let (anchor, leaf) = certificate(&key, &issuer);
    setting.write("anchor.pem", anchor.as_bytes());
    setting.write("leaf.pem", leaf.as_bytes());

    let section = |keys: &[&str]| {
        let uris: Vec<_> = keys.iter().map(|key| format!("{:?}", setting.uri(key))).collect();
        format!("[key_encryption]\npkcs11 = [{}]\n", uris.join(", "))
    };
    let signing =
        format!("signing = {{ certificates = \"leaf.pem\", key = {:?} }}", setting.uri("acme"));
    setting.configure(&section(&["kek-1"]), &["acme"], &signing);
    let served = setting.start().expect("it starts");
    let taken = setting.issue("acme", "wallet", &setting.path("anchor.pem"));
    assert!(taken.status.success(), "signed on the token, and it verifies: {taken:?}");
    drop(served);
    assert!(!setting.path("data/sealing-key").exists(), "there is no other key");
    assert_eq!(progress(&setting.done(&["status"])), (2, 2, 0, 0));

    setting.configure(&section(&["kek-2", "kek-1"]), &["acme"], &signing);
    assert_eq!(progress(&setting.done(&["status"])), (2, 0, 0, 0));
    assert_eq!(setting.done(&["rewrap"]), value!({ "rewrapped": 2 }));
    setting.configure(&section(&["kek-2"]), &["acme"], &signing);
    assert!(setting.start().is_ok(), "the newer key is enough");

    let starts_not = |words: &str| {
        let why = setting.start().err().expect("it does not start");
        assert!(why.contains(words), "{why}");
    };
    setting.configure(&section(&["kek-1"]), &["acme"], &signing);
    starts_not("does not open the keys in the database");
    setting.configure(&section(&["kek-3"]), &["acme"], &signing);
    starts_not("there is no key of the label kek-3 on the token");
    let other =
        format!("signing = {{ certificates = \"leaf.pem\", key = {:?} }}", setting.uri("x"));
    setting.configure(&section(&["kek-2"]), &["acme"], &other);
    starts_not("there is no key of the label x on the token");
    setting.configure(&section(&["kek-2"]), &["acme"], &signing);
    setting.write("pin", b"0000");
    starts_not("the PIN is wrong");
}

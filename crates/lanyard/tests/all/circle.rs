//! The whole circle against a running demo over HTTP: issued, held, verified, by commands and by forms.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use lanyard_testkit::free_port;
use serde_json::{Value, json};

use crate::stores;

const BADGE: &str = "urn:lanyard:demo:employee-badge:1";

/// A demo in a process of its own; it stops when dropped.
pub(crate) struct Demo {
    process: Child,
    pub(crate) folder: Arc<tempfile::TempDir>,
    data: &'static str,
    pub(crate) port: u16,
    /// Where its rows are, if not in its folder.
    database: Option<String>,
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What a server may take to start on a machine that has much else to do.
pub(crate) const STARTED: Duration = Duration::from_secs(120);

fn spawn(port: u16, data: &Path, database: Option<&str>, flags: &[&str]) -> Child {
    let mut demo = Command::new(env!("CARGO_BIN_EXE_lanyard"));
    demo.args(["demo", "--port", &port.to_string(), "--data"]).arg(data).args(flags);
    demo.args(database.map(|address| ["--postgres", address]).into_iter().flatten());
    demo.stdout(Stdio::null()).spawn().expect("the binary runs")
}

impl Demo {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    pub(crate) fn start_with(flags: &[&str]) -> Self {
        Self::start_in(Arc::new(tempfile::tempdir().expect("a folder")), "data", flags)
    }

    /// With its data in a folder in this one.
    pub(crate) fn start_in(
        folder: Arc<tempfile::TempDir>,
        data: &'static str,
        flags: &[&str],
    ) -> Self {
        let (port, database) = (free_port(), stores::database());
        let process = spawn(port, &folder.path().join(data), database.as_deref(), flags);
        let mut demo = Self { process, folder, data, port, database };
        demo.until_ready();
        demo
    }

    /// The process ends without a chance to do anything, and another one takes its place.
    pub(crate) fn kill_and_restart(&mut self) {
        self.kill();
        self.start_again();
    }

    /// Ends it as `kill -9` does.
    pub(crate) fn kill(&mut self) {
        self.process.kill().expect("it runs");
        self.process.wait().expect("it ends");
    }

    /// Has it end by itself, with its last line in the log.
    fn end(&mut self) {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").arg(pid).status().expect("kill runs").success());
        assert!(self.process.wait().expect("it ends").success());
    }

    /// Starts it on the port and with the data that it had.
    pub(crate) fn start_again(&mut self) {
        self.process = spawn(self.port, &self.file(""), self.database.as_deref(), &[]);
        self.until_ready();
    }

    fn until_ready(&mut self) {
        let begun = Instant::now();
        while !self.is_ready() {
            let ended = self.process.try_wait().expect("a child");
            assert!(ended.is_none() && begun.elapsed() < STARTED, "no start: {ended:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn is_ready(&self) -> bool {
        self.ask("/readyz").starts_with("HTTP/1.1 200")
    }

    /// Asks by hand: a connection taken before the server is ready waits for its answer.
    pub(crate) fn ask(&self, path: &str) -> String {
        let mut answer = String::new();
        if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) {
            let head =
                format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
            let sent = stream.write_all(head.as_bytes());
            let _ = sent.and_then(|()| stream.read_to_string(&mut answer));
        }
        answer
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(self.data).join(name)
    }

    pub(crate) fn base(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    pub(crate) fn integrator(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lanyard"));
        command.args(arguments).args(["--json", "--server", &self.base(), "--api-key-file"]);
        command.arg(self.file("api-key")).output().expect("the binary runs")
    }

    pub(crate) fn wallet(&self, home: &Path, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lanyard"));
        command.arg("wallet").args(arguments).args(["--json", "--home"]).arg(home);
        command.args(["--allow-http", &format!("localhost:{}", self.port), "--trust-anchor"]);
        command.arg(self.file("ca.pem")).output().expect("the binary runs")
    }
}

pub(crate) fn json(output: &Output) -> Value {
    let parsed = serde_json::from_slice(&output.stdout);
    assert!(parsed.is_ok(), "no JSON: {output:?}");
    parsed.expect("it was just looked at")
}

pub(crate) fn text(value: &Value) -> String {
    assert!(value.is_string(), "no text: {value}");
    value.as_str().expect("it was just looked at").to_owned()
}

#[test]
fn a_credential_is_issued_held_presented_and_verified_from_the_terminal() {
    let demo = Demo::start();
    let home = demo.folder.path().join("wallet");
    let offer = json(&demo.integrator(&["offer", "--type", "employee_badge", "--tx-code"]));
    let (link, code) = (text(&offer["link"]), text(&offer["tx_code"]));

    let wrong = if code == "000000" { "000001" } else { "000000" };
    let refused = demo.wallet(&home, &["accept", &link, "--tx-code", wrong]);
    assert_eq!(
        (refused.status.code(), json(&refused)["error"].clone()),
        (Some(3), json!("tx_code_wrong"))
    );
    let accepted = demo.wallet(&home, &["accept", &link, "--tx-code", &code]);
    assert_eq!(accepted.status.code(), Some(0), "{accepted:?}");
    assert_eq!(json(&accepted)["cards"][0]["name"], "Employee badge");
    let id = text(&offer["id"]);
    assert_eq!(demo.integrator(&["result", &id, "--offer"]).status.code(), Some(0));

    let query = json!({"credentials": [{"id": "badge", "format": "dc+sd-jwt", "meta": {"vct_values": [BADGE]}, "claims": [{"path": ["given_name"]}, {"path": ["department"]}]}]});
    let request = json(&demo.integrator(&["request", "--dcql", &query.to_string()]));
    let id = text(&request["id"]);
    assert_eq!(demo.integrator(&["result", &id]).status.code(), Some(6), "nobody answered yet");
    let shared = demo.wallet(&home, &["present", &text(&request["link"])]);
    assert_eq!(shared.status.code(), Some(0), "{shared:?}");
    let result = demo.integrator(&["result", &id]);
    assert_eq!(result.status.code(), Some(0), "{result:?}");
    let verdict = &json(&result)["verdict"];
    assert_eq!(verdict["state"], "verified");
    assert_eq!(
        verdict["credentials"][0]["claims"],
        json!({"given_name": "Ada", "department": "Research"})
    );
}

#[test]
fn what_was_verified_before_is_refused_once_it_is_revoked() {
    let demo = Demo::start();
    let home = demo.folder.path().join("wallet");
    let offer = json(&demo.integrator(&["offer", "--type", "employee_badge"]));
    let id = text(&offer["id"]);
    let early = demo.integrator(&["revoke", &id]);
    assert_eq!(early.status.code(), Some(3), "nothing was issued yet: {early:?}");
    let accepted = demo.wallet(&home, &["accept", &text(&offer["link"])]);
    assert_eq!(accepted.status.code(), Some(0), "{accepted:?}");
    assert_eq!(verdict(&demo, &home)["state"], "verified");

    assert_eq!(demo.integrator(&["revoke", &id, "--suspend"]).status.code(), Some(0));
    until_refused(&demo, &home, "credential_suspended");
    assert_eq!(demo.integrator(&["revoke", &id, "--reinstate"]).status.code(), Some(0));
    let begun = Instant::now();
    while verdict(&demo, &home)["state"] != "verified" {
        assert!(begun.elapsed() < NOTICED, "it is valid again");
    }
    let revoked = demo.integrator(&["revoke", &id]);
    assert_eq!(json(&revoked)[0]["status"], "revoked", "{revoked:?}");
    until_refused(&demo, &home, "credential_revoked");
    let undone = demo.integrator(&["revoke", &id, "--reinstate"]);
    assert_eq!(
        (undone.status.code(), json(&undone)["error"].clone()),
        (Some(3), json!("credential_revoked"))
    );
}

/// How long the demo may take to notice a change: it keeps lists for a second.
const NOTICED: Duration = Duration::from_secs(120);

pub(crate) fn until_refused(demo: &Demo, home: &Path, reason: &str) {
    let begun = Instant::now();
    loop {
        let verdict = verdict(demo, home);
        if verdict["state"] == "refused" {
            assert_eq!(verdict["reason"], reason);
            return;
        }
        assert!(begun.elapsed() < NOTICED, "still {verdict}");
    }
}

/// Asks for the badge, presents it, and reads what the verifier thinks of it.
fn verdict(demo: &Demo, home: &Path) -> Value {
    let request = json(&demo.integrator(&["request", "--preset", "badge"]));
    demo.wallet(home, &["present", &text(&request["link"])]);
    json(&demo.integrator(&["result", &text(&request["id"])]))["verdict"].clone()
}

#[test]
fn a_wallet_that_holds_nothing_that_fits_ends_with_4_and_the_verifier_learns_no_more_than_a_no() {
    let demo = Demo::start();
    let home = demo.folder.path().join("wallet");
    let query = json!({"credentials": [{"id": "badge", "format": "dc+sd-jwt", "meta": {"vct_values": [BADGE]}}]});
    let request = json(&demo.integrator(&["request", "--plain", "--dcql", &query.to_string()]));
    assert_eq!(demo.wallet(&home, &["present", &text(&request["link"])]).status.code(), Some(4));
    let result = demo.integrator(&["result", &text(&request["id"])]);
    assert_eq!(
        (result.status.code(), json(&result)["state"].clone()),
        (Some(3), json!("declined"))
    );
}

#[test]
fn what_the_demo_made_is_for_its_owner_alone_and_there_again_after_a_restart() {
    use std::os::unix::fs::MetadataExt as _;
    let mut demo = Demo::start();
    let mode = |path: &Path| std::fs::metadata(path).expect("it is there").mode() & 0o777;
    assert_eq!(mode(&demo.file("")), 0o700);
    for secret in ["api-key", "sealing-key", "pocket/wallet-key"] {
        assert_eq!(mode(&demo.file(secret)), 0o600, "{secret}");
    }
    match &demo.database {
        None => assert_eq!(mode(&demo.file("lanyard.db")), 0o600),
        Some(_) => assert!(!demo.file("lanyard.db").exists(), "its rows are elsewhere"),
    }
    let anchor = std::fs::read(demo.file("ca.pem")).expect("an anchor");
    let offer = json(&demo.integrator(&["offer", "--type", "university_diploma"]));
    demo.kill_and_restart();
    assert_eq!(std::fs::read(demo.file("ca.pem")).expect("an anchor"), anchor);
    let home = demo.folder.path().join("wallet");
    let accepted = demo.wallet(&home, &["accept", &text(&offer["link"])]);
    assert_eq!(
        accepted.status.code(),
        Some(0),
        "an acknowledged offer survives kill -9: {accepted:?}"
    );
}

/// A browser without JavaScript: it follows redirects and keeps one cookie.
pub(crate) struct Browser<'d> {
    demo: &'d Demo,
    client: reqwest::Client,
    cookie: Option<String>,
}

impl<'d> Browser<'d> {
    pub(crate) fn new(demo: &'d Demo) -> Self {
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build();
        Self { demo, client: client.expect("a client"), cookie: None }
    }

    async fn send(&mut self, mut request: reqwest::RequestBuilder) -> (u16, String, String) {
        let mut place = String::new();
        loop {
            if let Some(cookie) = &self.cookie {
                request = request.header("cookie", cookie);
            }
            let response =
                request.header("sec-fetch-site", "same-origin").send().await.expect("an answer");
            let header = |name: &str| {
                response
                    .headers()
                    .get(name)
                    .and_then(|value| value.to_str().ok())
                    .map(str::to_owned)
            };
            if let Some(cookie) = header("set-cookie") {
                assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
                self.cookie = cookie.split(';').next().map(str::to_owned);
            }
            match header("location") {
                Some(next) => {
                    let url = if next.starts_with('/') {
                        format!("{}{next}", self.demo.base())
                    } else {
                        next.clone()
                    };
                    (request, place) = (self.client.get(url), next);
                }
                None => {
                    return (
                        response.status().as_u16(),
                        place,
                        response.text().await.expect("text"),
                    );
                }
            }
        }
    }

    pub(crate) async fn get(&mut self, path: &str) -> (u16, String, String) {
        self.send(self.client.get(format!("{}{path}", self.demo.base()))).await
    }

    pub(crate) async fn post(
        &mut self,
        path: &str,
        fields: &[(&str, &str)],
    ) -> (u16, String, String) {
        self.send(self.client.post(format!("{}{path}", self.demo.base())).form(fields)).await
    }
}

/// The value of the first attribute after `marker` in a page.
pub(crate) fn attribute<'p>(page: &'p str, marker: &str) -> &'p str {
    assert!(page.contains(marker), "no {marker} in {page}");
    let after = page.split(marker).nth(1).expect("it was just looked at");
    after.split('"').next().expect("an attribute ends")
}

pub(crate) fn unescaped(text: &str) -> String {
    text.replace("&#38;", "&").replace("&amp;", "&")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_take_a_person_through_the_circle_and_show_the_verdict_to_one_browser_alone() {
    let demo = Demo::start();
    let mut browser = Browser::new(&demo);
    let hostile = "<script>alert(1)</script>";
    let identity = [
        ("type", "verified_identity"),
        ("given_name", hostile),
        ("family_name", "Moreau"),
        ("birthdate", "1990-12-10"),
        ("age_over_18", "true"),
    ];
    let (_, place, page) = browser.post("/issue", &identity).await;
    assert!(place.starts_with("/issue/"), "{page}");
    let link = unescaped(attribute(&page, "id=\"offer-link\" value=\""));

    let (_, place, page) = browser.post("/pocket/open", &[("link", &link)]).await;
    assert!(place.starts_with("/pocket/offers/") && page.contains("Alder &#38; Finch"), "{page}");
    let (status, _, page) = browser.post(&format!("{place}/accept"), &[]).await;
    assert!(status == 200 && page.contains("Added to Pocket"), "{page}");

    let (_, place, page) = browser.post("/verify", &[("preset", "age"), ("here", "true")]).await;
    let request = place.trim_end_matches("?here=true").to_owned();
    let link = unescaped(attribute(&page, "id=\"request-link\" value=\""));
    let (_, place, page) = browser.post("/pocket/open", &[("link", &link)]).await;
    assert!(page.contains("Certified") && page.contains("Over 18"), "{page}");
    let (_, _, page) = browser.post(&format!("{place}/answer"), &[("set.0", "0")]).await;
    let back = unescaped(attribute(&page, "<a class=\"button\" href=\""));
    assert!(back.contains("response_code="), "{page}");

    let mut stranger = Browser::new(&demo);
    let (status, ..) = stranger.get(&back.replace(&demo.base(), "")).await;
    assert_eq!(status, 404, "another browser learns nothing");
    let (_, place, page) = browser.get(&back.replace(&demo.base(), "")).await;
    assert_eq!(place, request);
    assert!(
        page.contains("Everything that was asked for is there") && page.contains("Over 18"),
        "{page}"
    );
    assert!(!page.contains("1990-12-10") && !page.contains("Moreau"), "only what was disclosed");
    assert_eq!(stranger.get(&request).await.0, 404, "another browser sees nothing");
    let (_, _, card) = browser.get("/pocket/cards/1").await;
    assert!(
        card.contains("&#60;script&#62;alert(1)") && !card.contains(hostile),
        "a claim is text"
    );
}

/// An issuer alone, from a configuration, with its log in a file.
fn issuer_alone() -> Demo {
    use std::os::unix::fs::PermissionsExt as _;
    let (folder, port) = (tempfile::tempdir().expect("a folder"), free_port());
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("writable");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("ours");
    };
    write("badge.json", include_str!("../../../../examples/types/badge.json"));
    write("acme.api-key", "0123456789abcdef0123456789abcdef");
    let configuration = format!(
        r#"mode = "development"
base_url = "http://localhost:{port}"
listen = "127.0.0.1:{port}"
data = "data"
{store}[issuer]
[[tenants]]
id = "acme"
name = "Acme"
api_key_files = ["acme.api-key"]
credential_types = ["badge.json"]
"#,
        store = stores::section(folder.path())
    );
    write("lanyard.toml", &configuration);
    let log = std::fs::File::create(folder.path().join("log")).expect("writable");
    let process = Command::new(env!("CARGO_BIN_EXE_lanyard"))
        .args(["serve", "--config"])
        .arg(folder.path().join("lanyard.toml"))
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("the binary runs");
    let mut server = Demo { process, folder: Arc::new(folder), data: "data", port, database: None };
    server.until_ready();
    server
}

#[test]
fn an_issuer_alone_serves_from_its_configuration_and_verifies_nothing() {
    let server = issuer_alone();
    let metadata = server.ask("/.well-known/openid-credential-issuer/acme");
    let named = format!("\"credential_issuer\":\"http://localhost:{}/acme\"", server.port);
    assert!(metadata.contains(&named), "{metadata}");
    assert!(server.ask("/verify").starts_with("HTTP/1.1 404"), "no pages were asked for");
    let request = server.ask("/api/acme/requests/x");
    assert!(request.starts_with("HTTP/1.1 404"), "it does not verify");
}

#[test]
fn the_log_tells_every_step_and_no_claim_no_code_and_no_path() {
    let mut server = issuer_alone();
    let key = server.folder.path().join("acme.api-key");
    let claims = r#"{"given_name": "Canary-Given", "family_name": "Canary-Family"}"#;
    let offer = Command::new(env!("CARGO_BIN_EXE_lanyard"))
        .args([
            "offer",
            "--json",
            "--tenant",
            "acme",
            "--type",
            "badge",
            "--tx-code",
            "--claims",
            claims,
        ])
        .args(["--server", &server.base(), "--api-key-file"])
        .arg(key)
        .output()
        .expect("the binary runs");
    let offer = json(&offer);
    let (link, code) = (text(&offer["link"]), text(&offer["tx_code"]));
    let home = server.folder.path().join("wallet");
    let accepted = server.wallet(&home, &["accept", &link, "--tx-code", &code]);
    assert_eq!(accepted.status.code(), Some(0), "{accepted:?}");
    server.ask("/Canary-Path?code=Canary-Query");
    server.end();
    let log = std::fs::read_to_string(server.folder.path().join("log")).expect("a log");
    for line in log.lines() {
        assert!(serde_json::from_str::<Value>(line).is_ok(), "each line is JSON: {line}");
    }
    assert!(
        log.contains("credential_issued") && log.contains("\"route\":\"/{tenant}/token\""),
        "{log}"
    );
    let secret = link.rsplit("%2F").next().expect("a path");
    for hidden in ["Canary", secret, &format!("\"{code}\""), "0123456789abcdef"] {
        assert!(!log.contains(hidden), "{hidden} is in the log: {log}");
    }
}

/// What Ada does in her browser, from the address that her wallet gives it.
async fn ada_logs_in(browser: &mut Browser<'_>, page: &str) -> (u16, String, String) {
    let request_uri = unescaped(attribute(page, "name=\"request_uri\" value=\""));
    let mut fields = vec![("client_id", "lanyard-wallet"), ("request_uri", request_uri.as_str())];
    fields.extend([("decision", "log_in"), ("user", "ada"), ("password", "wrong")]);
    let (_, _, page) = browser.post("/demo/authorize", &fields).await;
    assert!(page.contains("do not belong together"), "{page}");
    fields.truncate(4);
    fields.push(("password", "demo"));
    let (_, _, page) = browser.post("/demo/authorize", &fields).await;
    assert!(page.contains("logged in as <b>ada</b>"), "{page}");
    fields.truncate(2);
    fields.push(("decision", "allow"));
    browser.post("/demo/authorize", &fields).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_holder_logs_in_between_pocket_and_issuer() {
    let demo = Demo::start();
    let mut browser = Browser::new(&demo);
    let badge = [
        ("type", "employee_badge"),
        ("given_name", "Augusta"),
        ("family_name", "Moreau"),
        ("employee_id", "AF-1"),
        ("department", "Research"),
        ("login", "true"),
    ];
    let (_, place, page) = browser.post("/issue", &badge).await;
    assert!(place.starts_with("/issue/"), "{page}");
    let link = unescaped(attribute(&page, "id=\"offer-link\" value=\""));
    let (_, place, _) = browser.post("/pocket/open", &[("link", &link)]).await;
    let (status, place, page) = browser.post(&format!("{place}/accept"), &[]).await;
    assert!(status == 200 && place.contains("/demo/authorize?client_id="), "{place} {page}");
    let (status, place, page) = ada_logs_in(&mut browser, &page).await;
    assert!(place.contains("/pocket/login?code="), "{place}");
    assert!(status == 200 && page.contains("Added to Pocket"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_holder_logs_in_for_the_wallet_in_the_terminal_and_renews_what_came() {
    use std::io::BufRead as _;
    let demo = Demo::start();
    let home = demo.folder.path().join("wallet");
    // claims that are looked up can be looked up again: nothing but the type is offered
    let body = json!({ "configuration": "employee_badge", "login": "only" });
    let key = std::fs::read_to_string(demo.file("api-key")).expect("a key");
    let made = reqwest::Client::new()
        .post(format!("{}/api/demo/offers", demo.base()))
        .bearer_auth(key.trim())
        .json(&body);
    let made: Value = made.send().await.expect("an answer").json().await.expect("JSON");
    let mut command = Command::new(env!("CARGO_BIN_EXE_lanyard"));
    command.args(["wallet", "accept", &text(&made["link"]), "--json", "--home"]).arg(&home);
    command.args(["--allow-http", &format!("localhost:{}", demo.port), "--trust-anchor"]);
    let mut wallet = command
        .arg(demo.file("ca.pem"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let lines = std::io::BufReader::new(wallet.stderr.take().expect("a pipe")).lines();
    let url = lines.map(|line| line.expect("text")).find(|line| line.contains("/demo/authorize?"));
    let url = url.expect("the wallet says where to log in").trim().to_owned();
    let mut browser = Browser::new(&demo);
    let path = url.strip_prefix(&demo.base()).expect("our own issuer").to_owned();
    let (_, _, page) = browser.get(&path).await;
    let (status, place, page) = ada_logs_in(&mut browser, &page).await;
    assert!(place.starts_with("http://127.0.0.1:"), "{place}");
    assert!(status == 200 && page.contains("Go back to the terminal"), "{page}");
    let output = wallet.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let card = json(&output)["cards"][0].clone();
    assert_eq!(card["name"], "Employee badge");
    let renewed = demo.wallet(&home, &["renew", &card["id"].to_string()]);
    assert_eq!(renewed.status.code(), Some(0), "{renewed:?}");
    assert_ne!(json(&renewed)["cards"][0]["id"], card["id"]);
}

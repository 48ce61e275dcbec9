//! Pocket with issuers and verifiers of somebody else, at a TLS server of a private network.

use std::path::PathBuf;

use lanyard_cli::serve::{
    accept::{self, Limits, Listener},
    compose::compose,
    plan::Plan,
    tls::ServerTls,
};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::pki_types::PrivateKeyDer;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::circle::{Browser, Demo, text};
use crate::stores;

/// An issuer and verifier whose TLS an authority of this test vouches for, and whose keys an authority of its own.
struct Foreign {
    base: String,
    key: String,
    client: reqwest::Client,
    /// The authority of its TLS.
    tls_root: PathBuf,
    /// The authority of what it signs.
    anchor: PathBuf,
    _folder: tempfile::TempDir,
    _stop: watch::Sender<bool>,
}

impl Foreign {
    async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut root = CertificateParams::default();
        root.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        root.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let root_key = KeyPair::generate().expect("a key");
        let root_pem = root.self_signed(&root_key).expect("a certificate").pem();
        let key = KeyPair::generate().expect("a key");
        let leaf = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
        let leaf = leaf.signed_by(&key, &Issuer::new(root, root_key)).expect("a certificate");
        let tls = ServerTls::new(
            vec![leaf.der().clone()],
            PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        );
        let tls = tls.expect("they go together");

        let listener = Listener::bind("127.0.0.1:0", Some(tls)).await.expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let data = folder.path().join("data");
        let base = format!("https://localhost:{port}");
        let plan = Plan {
            base_url: base.parse().expect("a URL"),
            store: stores::shared(),
            ..Plan::demo(port, data.clone()).expect("a plan")
        };
        let (stop, stopping) = watch::channel(false);
        let router = compose(plan, stopping).await.expect("it starts").router;
        let stopped = std::future::pending();
        tokio::spawn(accept::serve(vec![listener], router, Limits::default(), stopped));

        let tls_root = folder.path().join("tls-root.pem");
        std::fs::write(&tls_root, &root_pem).expect("written");
        let trusted = reqwest::Certificate::from_pem(root_pem.as_bytes()).expect("a certificate");
        let client = reqwest::Client::builder().tls_certs_only([trusted]).build();
        let key = std::fs::read_to_string(data.join("api-key")).expect("a key");
        let (anchor, client) = (data.join("ca.pem"), client.expect("a client"));
        let key = key.trim().to_owned();
        Self { base, key, client, tls_root, anchor, _folder: folder, _stop: stop }
    }

    /// What an integrator makes there.
    async fn made(&self, kind: &str, body: Value) -> Value {
        let request = self.client.post(format!("{}/api/demo/{kind}", self.base));
        let answer = request.bearer_auth(&self.key).json(&body).send().await.expect("an answer");
        assert!(answer.status().is_success(), "{}", answer.status());
        answer.json().await.expect("JSON")
    }

    /// The flags for Pocket to deal with it.
    fn flags(&self) -> [[String; 2]; 3] {
        let path = |path: &PathBuf| path.display().to_string();
        let pair = self.base.trim_start_matches("https://").to_owned();
        [
            ["--pocket-trust-anchor".to_owned(), path(&self.anchor)],
            ["--pocket-tls-root".to_owned(), path(&self.tls_root)],
            ["--pocket-reach".to_owned(), pair],
        ]
    }

    async fn offered_badge(&self) -> String {
        let types = lanyard_cli::demo::credential_types().expect("readable");
        let badge = types.iter().find(|kind| kind.id == "employee_badge").expect("a badge");
        let claims = badge.sample();
        let body =
            json!({ "credentials": [{ "configuration": "employee_badge", "claims": claims }] });
        text(&self.made("offers", body).await["link"])
    }
}

fn at_pocket(link: &str) -> String {
    format!("/pocket/open?{}", link.split_once('?').expect("a link has parameters").1)
}

fn pocket<'f>(flags: impl IntoIterator<Item = &'f [String; 2]>) -> Demo {
    let all: Vec<_> = flags.into_iter().flatten().map(String::as_str).collect();
    Demo::start_with(&[&["--danger-auto-consent"], all.as_slice()].concat())
}

#[tokio::test(flavor = "multi_thread")]
async fn pocket_takes_from_and_answers_whom_it_is_told_of() {
    let foreign = Foreign::start().await;
    let demo = pocket(&foreign.flags());
    let mut browser = Browser::new(&demo);
    let (status, _, page) = browser.get(&at_pocket(&foreign.offered_badge().await)).await;
    assert!(status == 200 && page.contains("Added to Pocket"), "{page}");
    let asked = foreign.made("requests", json!({ "preset": "badge" })).await;
    let (status, _, page) = browser.get(&at_pocket(&text(&asked["link"]))).await;
    assert!(status == 200 && page.contains("Shared"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn pocket_takes_nothing_where_one_of_authority_host_and_tls_root_is_not_told() {
    let foreign = Foreign::start().await;
    let flags = foreign.flags();
    let reasons = ["not believed", "TLS", "not allowed"];
    for (missing, reason) in reasons.iter().enumerate() {
        let told = flags.iter().enumerate().filter(|(place, _)| *place != missing);
        let demo = pocket(told.map(|(_, flag)| flag));
        let mut browser = Browser::new(&demo);
        let (status, _, page) = browser.get(&at_pocket(&foreign.offered_badge().await)).await;
        assert!(status == 400 && page.contains(reason), "without {:?}: {page}", flags[missing]);
        let (_, _, page) = browser.get("/pocket").await;
        assert!(!page.contains("href=\"/pocket/cards/"), "without {:?}", flags[missing]);
    }
}

#[test]
fn a_real_server_has_no_pocket_to_tell_of_anybody_and_what_is_no_certificate_stops_the_demo() {
    let folder = tempfile::tempdir().expect("a folder");
    let none = folder.path().join("none.pem");
    std::fs::write(&none, "no certificate").expect("written");
    let none = none.display().to_string();
    let data = folder.path().join("data").display().to_string();
    for arguments in [
        &["serve", "--pocket-trust-anchor", &none][..],
        &["serve", "--pocket-reach", "suite.internal:8443"],
        &["serve", "--pocket-tls-root", &none],
        &["demo", "--port", "0", "--data", &data, "--pocket-trust-anchor", &none],
        &["demo", "--port", "0", "--data", &data, "--pocket-trust-anchor", "/no/such/file"],
        &["demo", "--port", "0", "--data", &data, "--pocket-tls-root", &none],
        // a network is no host
        &["demo", "--port", "0", "--data", &data, "--pocket-reach", "10.0.0.0/8"],
        &["demo", "--port", "0", "--data", &data, "--pocket-reach", "suite.internal"],
    ] {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_lanyard"));
        let ended = command.args(arguments).output().expect("the binary runs");
        assert_eq!(ended.status.code(), Some(2), "{arguments:?}: {ended:?}");
    }
}

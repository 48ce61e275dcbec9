//! Canaries: no claim, code, token or nonce is to be found where it does not belong.

use std::{
    fs, io,
    sync::{Arc, Mutex},
};

use lanyard_store::SqliteStore;
use serde_json::json;
use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

use crate::fixture::{Server, text};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no test panics while it logs").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

fn contains(haystack: &[u8], needle: &str) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle.as_bytes())
}

#[tokio::test]
async fn neither_the_database_nor_the_log_ever_holds_a_claim_a_code_a_token_or_a_nonce() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new("trace"))
        .with_writer(log.clone())
        .without_time()
        .finish();
    // for the whole process: what the other tests log is listened to as well
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let server = Server::with_store(Arc::new(SqliteStore::open(folder.path()).unwrap()));

    // one offer waits, one is authorized, one was refused and then issued
    let body = |name: &str| {
        json!({
            "configuration": "employee_badge", "tx_code": true,
            "claims": { "given_name": name, "employee_id": "canary-employee" },
        })
    };
    let waiting = server.offer_of(&body("canary-waiting")).await;
    let authorized = server.offer_of(&body("canary-authorized")).await;
    let unused = server.access_to(&authorized).await;
    let issued = server.offer_of(&body("canary-issued")).await;
    server.redeem_with(&issued, Some("canary-typed")).await;
    let token = server.access_to(&issued).await;
    server.redeem(&issued).await;
    server.credential(&token, &json!({ "credential_configuration_id": "canary-asked" })).await;
    let nonce = server.nonce().await;
    let reply = server.credential(&token, &server.badge_request().await).await;
    let credential = text(&reply.json()["credentials"][0]["credential"]);
    server
        .make_offer(&json!({ "configuration": "employee_badge", "claims": {
        "given_name": "canary-refused", "since": "canary-since" } }))
        .await;

    let disclosure = credential.split('~').nth(1).unwrap().to_owned();
    let secret_path = |path: &str| path.rsplit('/').next().unwrap().to_owned();
    let mut canaries = vec![
        "canary".to_owned(),
        waiting.code,
        authorized.code,
        issued.code,
        unused,
        token,
        nonce,
        credential,
        disclosure,
        crate::fixture::KEY.to_owned(),
        secret_path(&waiting.path),
        secret_path(&issued.path),
    ];
    // six digits occur by chance: only as a word of their own in the log
    let tx_codes = [waiting.tx_code, authorized.tx_code, issued.tx_code].map(Option::unwrap);
    let log = log.0.lock().unwrap().clone();
    assert!(contains(&log, "credential_issued"), "the log was listened to");
    for canary in &canaries {
        assert!(!contains(&log, canary), "in the log: {canary}");
    }
    for tx_code in &tx_codes {
        let log = String::from_utf8_lossy(&log);
        assert!(!log.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == tx_code));
    }
    canaries.extend(tx_codes.iter().map(|code| format!("\"{code}\"")));

    let mut files = 0;
    for entry in fs::read_dir(folder.path()).unwrap() {
        let (entry, bytes) = entry.map(|entry| (entry.path(), fs::read(entry.path()))).unwrap();
        let Ok(bytes) = bytes else { continue };
        files += usize::from(contains(&bytes, "offer_created"));
        for canary in &canaries {
            assert!(!contains(&bytes, canary), "in {}: {canary}", entry.display());
        }
    }
    assert!(files > 0, "the database was read");
}

//! No claim, nonce, key or path in the store's file or in the log.

use std::{
    fs,
    io::{self, Write},
    sync::{Arc, Mutex},
};

use lanyard_core::crypto::RustCrypto;
use lanyard_store::{SqliteStore, Store as _};
use lanyard_verifier::BrowserSession;
use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

use crate::world::{Holder, KEY, World, badge_query, demo};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no test panics while it holds this lock").extend_from_slice(bytes);
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

#[tokio::test]
async fn neither_the_store_s_files_nor_the_log_hold_a_claim_a_nonce_a_token_or_a_path() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .finish();
    // beside one subscriber alone, a thread that has none decides for all that nobody listens
    let _second = tracing::dispatcher::Dispatch::new(tracing_subscriber::registry());
    let _guard = tracing::subscriber::set_default(subscriber);

    let folder = tempfile::tempdir().expect("a folder");
    let store = Arc::new(SqliteStore::open(folder.path()).expect("a store"));
    let world = World::with_store(store.clone());
    let browser = BrowserSession::generate(&RustCrypto);
    let asked = world
        .ask(json!({
            "dcql_query": badge_query(&["name"]),
            "response_mode": "direct_post",
            "purpose": "canary-purpose",
            "same_device": {},
            "browser_session": browser.reveal(),
        }))
        .await;
    let reviewed = world.review(&asked).await;
    let nonce = reviewed.request().nonce.as_str().to_owned();
    let state = reviewed.request().state.as_ref().expect("a state").as_str().to_owned();

    // one presentation that is refused, garbage, and one that is verified
    let wrong = Some("canary-nonce".to_owned());
    let bad = Holder { nonce: wrong, ..Holder::new(&world).await }.answer_to(&reviewed).await;
    world.post(&bad).await;
    world.post_form(bad.response_uri.path(), "vp_token=canary-garbage&state=canary-state").await;
    world.post_form("/demo/responses/canary-path", "vp_token=canary").await;
    let good = Holder::new(&world).await.answer_to(&reviewed).await;
    let reply = world.post(&good).await.json();
    let redirect = reply["redirect_uri"].as_str().expect("a text").to_owned();
    let code = redirect.split_once("response_code=").expect("a code").1.to_owned();
    let status = world.service.finish_same_device(&demo(), &code, &browser).await;
    assert!(status.expect("the browser that asked").verdict.expect("a verdict").is_verified());
    assert_eq!(world.status(&asked).await["state"], "verified");
    store.close().await.expect("everything is written");

    let path = |path: &str| path.rsplit('/').next().expect("a segment").to_owned();
    let token = good.body.split('&').next().expect("a member");
    let canaries = [
        // no shorter: three letters occur by chance in what is sealed
        "Lovelace".to_owned(),
        "Engines".to_owned(),
        "canary".to_owned(),
        nonce,
        state,
        code,
        browser.reveal().to_owned(),
        KEY.to_owned(),
        path(&asked.request_path()),
        path(good.response_uri.path()),
        token[token.len() - 60..].to_owned(),
    ];
    let logged = log.0.lock().expect("no test panics while it holds this lock").clone();
    assert!(!logged.is_empty(), "there is a log to look at");
    let mut haystacks = vec![("the log".to_owned(), logged)];
    for entry in fs::read_dir(folder.path()).expect("a folder") {
        let file = entry.expect("an entry").path();
        if file.is_file() {
            haystacks.push((file.display().to_string(), fs::read(&file).expect("a file")));
        }
    }
    assert!(haystacks.len() > 1, "there is a file to look at");
    for (name, haystack) in haystacks {
        for canary in &canaries {
            let found = haystack.windows(canary.len()).any(|window| window == canary.as_bytes());
            assert!(!found, "{canary} is in {name}");
        }
    }
}

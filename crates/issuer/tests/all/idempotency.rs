//! A call with an `Idempotency-Key` is done once, however often it is made.

use std::{collections::BTreeSet, sync::Arc};

use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use jiff::SignedDuration;
use lanyard_issuer::IssuerService;
use lanyard_store::{IssuedFilter, IssuedPage, Page, SessionKind};
use lanyard_testkit::store;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::fixture::{
    Ground, KEY, OTHER_KEY, Reply, Server, api_request, badge_claims, refused, tenant,
};

const OFFERS: &str = "/api/demo/offers";

fn badge() -> Value {
    json!({ "configuration": "employee_badge", "claims": badge_claims() })
}

fn keyed(path: &str, api_key: &str, key: &str, body: &Value) -> Request<Body> {
    let mut request = api_request(Method::POST, path, api_key, body);
    request.headers_mut().insert("idempotency-key", key.parse().expect("a header"));
    request
}

async fn make(server: &Server, key: &str, body: &Value) -> Reply {
    server.send(keyed(OFFERS, KEY, key, body)).await
}

async fn offers(server: &Server) -> usize {
    let store = &server.ground.store;
    let all = store.list(&tenant("demo"), SessionKind::Offer, Page::first(200)).await;
    all.expect("an answer").len()
}

#[tokio::test]
async fn the_same_call_is_answered_the_same_and_done_once() {
    let server = Server::new();
    let mut wanted = badge();
    wanted["tx_code"] = json!(true);
    let first = make(&server, "order-1", &wanted).await;
    assert_eq!(first.status, StatusCode::CREATED);
    let again = make(&server, "order-1", &wanted).await;
    assert_eq!((again.status, &again.body), (first.status, &first.body));
    for name in [header::LOCATION, header::CONTENT_TYPE, header::CACHE_CONTROL] {
        assert_eq!(again.header(name.clone()), first.header(name));
    }
    assert_eq!(offers(&server).await, 1);

    let other = make(&server, "order-2", &wanted).await;
    assert_ne!(other.body, first.body);
    let without = server.make_offer(&wanted).await;
    assert_ne!(without.body, first.body);
    assert_eq!(offers(&server).await, 3);
}

#[tokio::test]
async fn a_key_is_not_taken_for_another_request() {
    let server = Server::new();
    make(&server, "order-1", &badge()).await;
    let mut other = badge();
    other["claims"]["given_name"] = json!("Bob");
    let reply = make(&server, "order-1", &other).await;
    assert_eq!(reply.refusal(), refused(422, "idempotency_key_reused"));
    assert_eq!(offers(&server).await, 1);
}

#[tokio::test]
async fn a_store_that_cannot_answer_is_503_with_a_time_to_come_back() {
    let server = Server::new();
    server.ground.store.close().await.unwrap();
    let reply = make(&server, "order-1", &badge()).await;
    assert_eq!(reply.refusal(), refused(503, "temporarily_unavailable"));
    let seconds: u32 = reply.header(header::RETRY_AFTER).unwrap().parse().unwrap();
    assert!(seconds > 0);
}

#[tokio::test]
async fn a_key_of_another_tenant_is_another_key() {
    let server = Server::new();
    let ours = make(&server, "order-1", &badge()).await;
    let theirs = server.send(keyed("/api/other/offers", OTHER_KEY, "order-1", &badge())).await;
    assert_eq!(theirs.status, StatusCode::CREATED);
    assert_ne!(theirs.body, ours.body);
}

#[tokio::test]
async fn a_key_is_as_good_as_new_after_a_day() {
    let server = Server::new();
    let first = make(&server, "order-1", &badge()).await;
    server.ground.pass(SignedDuration::from_hours(24));
    let later = make(&server, "order-1", &badge()).await;
    assert_eq!(later.status, StatusCode::CREATED);
    assert_ne!(later.body, first.body);
}

#[tokio::test]
async fn a_call_that_was_refused_can_be_made_again() {
    let server = Server::new();
    let wrong = json!({ "configuration": "unknown", "claims": {} });
    assert_eq!(make(&server, "order-1", &wrong).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let right = make(&server, "order-1", &badge()).await;
    assert_eq!(right.status, StatusCode::CREATED, "{right}");
}

#[tokio::test]
async fn a_key_that_is_none_is_refused() {
    let server = Server::new();
    for key in ["", "a b", &"x".repeat(256)] {
        let reply = make(&server, key, &badge()).await;
        assert_eq!(reply.refusal().0, 400, "{key}");
    }
    let mut twice = keyed(OFFERS, KEY, "one", &badge());
    twice.headers_mut().append("idempotency-key", "two".parse().unwrap());
    let reply = server.send(twice).await;
    assert_eq!(reply.refusal(), refused(400, "idempotency_key_malformed"));
    assert_eq!(offers(&server).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixty_four_equal_calls_at_once_make_one_offer() {
    let server = Arc::new(Server::with_store(store()));
    let mut callers = JoinSet::new();
    for _ in 0..64 {
        let server = Arc::clone(&server);
        callers.spawn(async move { make(&server, "order-1", &badge()).await });
    }
    let replies = callers.join_all().await;
    let made: BTreeSet<_> = replies
        .iter()
        .filter(|reply| reply.status == StatusCode::CREATED)
        .map(|r| &r.body)
        .collect();
    assert_eq!(made.len(), 1, "whoever was answered got the same offer");
    let others = replies.iter().filter(|reply| reply.status != StatusCode::CREATED);
    others.for_each(|reply| {
        assert_eq!(reply.refusal(), refused(409, "idempotency_key_in_progress"));
    });
    assert_eq!(offers(&server).await, 1);
}

#[test]
fn a_call_whose_process_ends_at_any_moment_is_done_once() {
    let directory = tempfile::tempdir().unwrap();
    let store = Arc::new(lanyard_store::SqliteStore::open(directory.path()).unwrap());
    let ground = Ground::new(store, false);
    let process = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for round in 0..64 {
        let key = format!("order-{round}");
        // whatever the process was doing by then ends with it
        process().block_on(async {
            let server = Server::on(ground.clone());
            let moment = std::time::Duration::from_micros(round * 60);
            tokio::time::timeout(moment, make(&server, &key, &badge())).await.ok();
        });
        ground.pass(SignedDuration::from_secs(61));
        process().block_on(async {
            let server = Server::on(ground.clone());
            let made = make(&server, &key, &badge()).await;
            assert_eq!(made.status, StatusCode::CREATED, "{made}");
            let again = make(&server, &key, &badge()).await;
            assert_eq!(again.body, made.body);
            assert_eq!(offers(&server).await as u64, round + 1);
            let link = made.json()["offer_uri"].as_str().unwrap().to_owned();
            let path = link.strip_prefix("https://issuer.example").unwrap();
            assert_eq!(server.get(path).await.status, StatusCode::OK, "what was answered is there");
        });
    }
}

const SECURED: &str = "/api/demo/credentials/issue";

fn secured() -> Value {
    let credential = json!({
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "type": ["VerifiableCredential"],
        "credentialSubject": {"id": "did:example:ada"},
    });
    json!({ "credential": credential })
}

/// How many credentials are on record.
async fn issued(server: &Server) -> usize {
    let (filter, page) = (IssuedFilter::default(), IssuedPage { before: None, limit: 200 });
    let all = server.ground.store.list_issued(&tenant("demo"), &filter, page).await;
    all.expect("an answer").len()
}

#[test]
fn a_credential_that_was_handed_in_is_secured_once_whenever_a_process_ends() {
    let directory = tempfile::tempdir().unwrap();
    let store = Arc::new(lanyard_store::SqliteStore::open(directory.path()).unwrap());
    let ground = Ground::new(store, true).named_by_did();
    let process = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for round in 0..64 {
        let key = format!("order-{round}");
        process().block_on(async {
            let server = Server::on(ground.clone());
            let moment = std::time::Duration::from_micros(round * 150);
            let made = server.send(keyed(SECURED, KEY, &key, &secured()));
            tokio::time::timeout(moment, made).await.ok();
        });
        ground.pass(SignedDuration::from_secs(61));
        process().block_on(async {
            let server = Server::on(ground.clone());
            let made = server.send(keyed(SECURED, KEY, &key, &secured())).await;
            assert_eq!(made.status, StatusCode::CREATED, "{made}");
            let again = server.send(keyed(SECURED, KEY, &key, &secured())).await;
            assert_eq!(again.body, made.body);
            assert_eq!(again.header(header::LOCATION), made.header(header::LOCATION));
            assert_eq!(issued(&server).await as u64, round + 1);
        });
    }
}

#[tokio::test]
async fn an_answer_that_cannot_be_kept_is_given_to_nobody() {
    let directory = tempfile::tempdir().unwrap();
    let store = Arc::new(lanyard_store::SqliteStore::open(directory.path()).unwrap());
    let server = Server::on(Ground::new(store, false).named_by_did());
    let other = rusqlite::Connection::open(directory.path().join("lanyard.db")).unwrap();
    let refuse = "CREATE TRIGGER refuse BEFORE UPDATE OF answer ON call
                  BEGIN SELECT RAISE(ABORT, 'no answers'); END";
    other.execute_batch(refuse).unwrap();
    let call = || server.send(keyed(SECURED, KEY, "order-1", &secured()));
    let untold = call().await;
    assert!(untold.status.is_server_error(), "{untold}");

    other.execute_batch("DROP TRIGGER refuse").unwrap();
    let made = call().await;
    assert_eq!(made.status, StatusCode::CREATED, "it can be made again at once: {made}");
    server.ground.pass(SignedDuration::from_secs(61));
    assert_eq!(call().await.body, made.body);
}

#[tokio::test]
async fn what_is_kept_of_an_answer_is_sealed() {
    let directory = tempfile::tempdir().unwrap();
    let store = Arc::new(lanyard_store::SqliteStore::open(directory.path()).unwrap());
    let server = Server::with_store(store.clone());
    let made = make(&server, "order-canary", &badge()).await.json();
    let link = made["link"].as_str().unwrap();
    lanyard_store::Store::close(&*store).await.unwrap();
    let file = std::fs::read(directory.path().join("lanyard.db")).unwrap();
    let secret = link.rsplit("offers%2F").next().unwrap();
    assert!(secret.len() > 20, "{link}");
    for canary in [secret, "order-canary"] {
        let found = file.windows(canary.len()).any(|window| window == canary.as_bytes());
        assert!(!found, "{canary}");
    }
}

#[tokio::test]
async fn every_operation_that_is_said_to_heed_the_key_does_and_no_other() {
    let server = Server::with_statuses_by_did();
    for operation in IssuerService::described().0 {
        let path = operation.path.replace("{tenant}", "demo").replace("{id}", &"0".repeat(32));
        let Some((_, example)) = operation.body else {
            assert!(!operation.once, "{path}");
            continue;
        };
        let reply = server.send(keyed(&path, KEY, "not a key", &example)).await;
        let heeds = reply.status == StatusCode::BAD_REQUEST
            && reply.refusal().1 == "idempotency_key_malformed";
        assert_eq!(heeds, operation.once, "{path}: {reply}");
    }
}

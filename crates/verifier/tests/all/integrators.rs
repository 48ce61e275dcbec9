//! What integrators are promised: keys with scopes, calls done once, and word of how a request ended.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::body::Body;
use http::{Method, Request, StatusCode, header};
use jiff::SignedDuration;
use lanyard_core::crypto::RustCrypto;
use lanyard_fetch::{Body as Sent, FetchError, HttpClient, Response, ResponseHeaders};
use lanyard_service::webhook::{Deliverer, ExpiryJudge, Webhook, WebhookSecret, Webhooks};
use lanyard_testkit::{store, store_heralded_by};
use serde_json::{Value, json};

use crate::world::{Answer, KEY, World, badge_query};

async fn call(world: &World, key: &str, once: Option<&str>, path: &str, body: &Value) -> Answer {
    let verb = if body.is_null() { Method::GET } else { Method::POST };
    let mut request = Request::builder()
        .method(verb)
        .uri(format!("/api/demo/{path}"))
        .header(header::AUTHORIZATION, format!("Bearer {key}"))
        .header(header::CONTENT_TYPE, "application/json");
    if let Some(once) = once {
        request = request.header("idempotency-key", once);
    }
    world.send(request.body(Body::from(body.to_string())).expect("a request")).await
}

fn question() -> Value {
    json!({ "dcql_query": badge_query(&["name"]) })
}

#[tokio::test]
async fn a_key_that_may_ask_may_not_read_the_answer() {
    let world = World::new();
    let asks = format!("{KEY}-asks");
    let made = call(&world, &asks, None, "requests", &question()).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    let id = made.json()["id"].as_str().expect("a name").to_owned();
    for (path, scope) in [
        (format!("requests/{id}"), "requests:read"),
        (format!("requests/{id}/events"), "requests:read"),
    ] {
        let refused = call(&world, &asks, None, &path, &Value::Null).await;
        assert_eq!(refused.refusal(), (403, "insufficient_scope".to_owned()));
        let challenge = format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\"");
        assert_eq!(refused.header(header::WWW_AUTHENTICATE), challenge);
    }
    let verify = call(&world, &asks, None, "credentials/verify", &json!({})).await;
    assert_eq!(verify.refusal(), (403, "insufficient_scope".to_owned()));
}

#[tokio::test]
async fn the_same_question_with_the_same_key_is_asked_once() {
    let world = World::new();
    let first = call(&world, KEY, Some("visit-1"), "requests", &question()).await;
    assert_eq!(first.status, StatusCode::CREATED);
    let again = call(&world, KEY, Some("visit-1"), "requests", &question()).await;
    assert_eq!((again.status, again.text()), (first.status, first.text()));
    let mut other = question();
    other["purpose"] = json!("Something else");
    let other = call(&world, KEY, Some("visit-1"), "requests", &other).await;
    assert_eq!(other.refusal(), (422, "idempotency_key_reused".to_owned()));
}

#[tokio::test]
async fn a_question_with_a_key_that_cannot_be_kept_says_when_to_ask_again() {
    let store = store();
    let world = World::with_store(store.clone());
    store.close().await.expect("a memory store closes");
    let answer = call(&world, KEY, Some("visit-1"), "requests", &question()).await;
    assert_eq!(answer.refusal(), (503, "temporarily_unavailable".to_owned()));
    let wait: u64 = answer.header(header::RETRY_AFTER).parse().expect("seconds");
    assert!(wait >= 1);
}

/// Keeps what it got.
#[derive(Default)]
struct Receiver(Mutex<Vec<Value>>);

#[async_trait]
impl HttpClient for Receiver {
    async fn send(&self, request: lanyard_fetch::Request) -> Result<Response, FetchError> {
        let Sent::Json(body) = &request.body else { unreachable!("a message is JSON") };
        let body = serde_json::from_slice(body).expect("JSON");
        self.0.lock().expect("no test panics here").push(body);
        Ok(Response {
            status: 200,
            content_type: None,
            headers: ResponseHeaders::default(),
            body: Vec::new().into(),
            final_url: request.url,
        })
    }
}

/// A verifier whose integrator is told, with what it was told and the worker that tells it.
fn told() -> (World, Arc<Receiver>, Deliverer) {
    let webhook = Webhook {
        name: "desk".to_owned(),
        url: "https://desk.example/hook".parse().expect("a URL"),
        secret: WebhookSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("a secret"),
        events: vec!["presentation.*".to_owned()],
    };
    let provider = Arc::new(RustCrypto);
    let demo = "demo".parse().expect("a name");
    let webhooks = Arc::new(Webhooks::new([(demo, vec![webhook])], provider.clone()));
    let store = store_heralded_by(webhooks.clone());
    let world = World::with_store(store.clone());
    let receiver = Arc::new(Receiver::default());
    let worker = Deliverer {
        store,
        http: receiver.clone(),
        webhooks,
        provider,
        clock: world.clock.clone(),
        judges: vec![Arc::new(world.service.clone()) as Arc<dyn ExpiryJudge>],
    };
    (world, receiver, worker)
}

fn kinds(receiver: &Receiver) -> Vec<String> {
    let got = receiver.0.lock().expect("no test panics here");
    let mut kinds: Vec<_> =
        got.iter().map(|body| body["type"].as_str().expect("a type").to_owned()).collect();
    kinds.sort();
    kinds
}

#[tokio::test]
async fn a_request_that_nobody_answered_is_told_as_expired() {
    let (world, receiver, worker) = told();
    let asked = world.ask_for_name().await;
    for _ in 0..8 {
        world.clock.forward(SignedDuration::from_secs(61));
        worker.deliver_due().await.expect("the store is in memory");
    }
    assert_eq!(kinds(&receiver), ["presentation.expired", "presentation.request_created"]);
    let got = receiver.0.lock().expect("no test panics here");
    assert!(got.iter().all(|body| body["data"]["session"] == asked.id.as_str()));
}

#[tokio::test]
async fn a_request_that_was_taken_back_is_told_and_does_not_expire() {
    let (world, receiver, worker) = told();
    let asked = world.ask_for_name().await;
    world.api(Method::DELETE, &format!("requests/{}", asked.id), None).await;
    for _ in 0..8 {
        world.clock.forward(SignedDuration::from_mins(20));
        worker.deliver_due().await.expect("the store is in memory");
    }
    assert_eq!(kinds(&receiver), ["presentation.cancelled", "presentation.request_created"]);
}

#[tokio::test]
async fn a_message_that_is_no_answer_is_told_to_nobody() {
    let (world, receiver, worker) = told();
    let asked = world.ask_for_name().await;
    let answer = world.answer(&asked).await;
    let garbage = world.post_form(answer.response_uri.path(), "a=1&a=2").await;
    assert_eq!(garbage.status, 400);
    world.clock.forward(SignedDuration::from_secs(1));
    worker.deliver_due().await.expect("the store is in memory");
    let fetched = ["presentation.request_created", "presentation.request_fetched"];
    assert_eq!(kinds(&receiver), fetched);
    assert_eq!(world.post(&answer).await.status, 200);
    assert_eq!(world.post(&answer).await.status, 400, "it is answered once");
    world.clock.forward(SignedDuration::from_secs(1));
    worker.deliver_due().await.expect("the store is in memory");
    let all = [fetched[0], fetched[1], "presentation.response_received", "presentation.verified"];
    assert_eq!(kinds(&receiver), all);
}

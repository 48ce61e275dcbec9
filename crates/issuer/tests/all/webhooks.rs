//! An integrator is told of each step, by messages that are written with it.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::http::{Method, StatusCode};
use jiff::SignedDuration;
use lanyard_core::crypto::RustCrypto;
use lanyard_fetch::{
    Body, FetchError, HttpClient, Purpose, Request, RequestHeader, Response, ResponseHeaders,
};
use lanyard_service::webhook::{
    Deliverer, ExpiryJudge, GIVEN_UP_AFTER, Webhook, WebhookSecret, Webhooks,
};
use lanyard_store::{Message, MessagePage, MessageState};
use lanyard_testkit::store_heralded_by;
use serde_json::{Value, json};

use crate::{
    fixture::{Ground, Server, badge_claims, tenant, text},
    statuses::set,
};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A receiver that answers as it is told, and keeps what it got.
#[derive(Default)]
struct Receiver {
    answers: Mutex<Vec<u16>>,
    got: Mutex<Vec<Request>>,
}

#[async_trait]
impl HttpClient for Receiver {
    async fn send(&self, request: Request) -> Result<Response, FetchError> {
        let url = request.url.clone();
        self.got.lock().expect("no test panics here").push(request);
        let status = self.answers.lock().expect("no test panics here").pop().unwrap_or(204);
        if status == 0 {
            return Err(FetchError::TimedOut { host: "hr.example".to_owned() });
        }
        Ok(Response {
            status,
            content_type: None,
            headers: ResponseHeaders::default(),
            body: Vec::new().into(),
            final_url: url,
        })
    }
}

struct World {
    server: Server,
    receiver: Arc<Receiver>,
    worker: Deliverer,
}

impl World {
    fn told(events: &[&str]) -> Self {
        let webhook = Webhook {
            name: "hr".to_owned(),
            url: "https://hr.example/hook".parse().expect("a URL"),
            secret: WebhookSecret::parse(SECRET).expect("a secret"),
            events: events.iter().map(|&event| event.to_owned()).collect(),
        };
        let provider = Arc::new(RustCrypto);
        let webhooks = Webhooks::new([(tenant("demo"), vec![webhook])], provider.clone());
        let webhooks = Arc::new(webhooks);
        let store = store_heralded_by(webhooks.clone());
        let server = Server::on(Ground::new(store.clone(), true));
        let receiver = Arc::new(Receiver::default());
        let worker = Deliverer {
            store,
            http: receiver.clone(),
            webhooks,
            provider,
            clock: server.ground.clock.clone(),
            judges: vec![Arc::new(server.service.clone()) as Arc<dyn ExpiryJudge>],
        };
        Self { server, receiver, worker }
    }

    async fn deliver(&self) -> usize {
        self.worker.deliver_due().await.expect("the store is in memory")
    }

    /// The bodies that were received, in order.
    fn bodies(&self) -> Vec<Value> {
        let got = self.receiver.got.lock().expect("no test panics here");
        let body = |request: &Request| match &request.body {
            Body::Json(bytes) => serde_json::from_slice(bytes).expect("JSON"),
            _ => unreachable!("a message is JSON"),
        };
        got.iter().map(body).collect()
    }

    fn kinds(&self) -> Vec<String> {
        self.bodies().iter().map(|body| text(&body["type"])).collect()
    }

    async fn messages(&self, state: MessageState) -> Vec<Message> {
        let page = MessagePage { state: Some(state), before: None, limit: 50 };
        self.server.ground.store.list_messages(&tenant("demo"), page).await.expect("an answer")
    }
}

fn header(request: &Request, wanted: RequestHeader) -> String {
    let mut found = request.headers.iter().filter(|(name, _)| *name == wanted);
    found.next().expect("the header is there").1.clone()
}

#[tokio::test]
async fn each_step_is_told_once_signed_and_without_a_claim() {
    let world = World::told(&["*"]);
    let (offer, token) = world.server.access().await;
    world.server.finish(&token).await;
    let id = text(&world.server.status(&offer).await["credentials"][0]["id"]);
    set(&world.server, &id, "revoked").await;
    world.deliver().await;
    let mut kinds = world.kinds();
    kinds.sort();
    assert_eq!(
        kinds,
        [
            "credential.revoked",
            "issuance.credential_issued",
            "issuance.offer_created",
            "issuance.offer_fetched",
            "issuance.token_issued",
        ]
    );
    for body in world.bodies() {
        let data = &body["data"];
        assert_eq!(data["tenant"], "demo");
        assert!(body["timestamp"].is_string());
        if data["session"].is_string() {
            assert_eq!(text(&data["session"]), offer.id);
        } else {
            assert_eq!(text(&data["credential"]), id);
        }
        let shown = body.to_string();
        for canary in ["Ada", "AF-1", token.as_str(), offer.code.as_str()] {
            assert!(!shown.contains(canary), "{shown}");
        }
    }
    assert_eq!(world.deliver().await, 0, "what was taken is not sent again");

    let secret = WebhookSecret::parse(SECRET).unwrap();
    for request in &*world.receiver.got.lock().unwrap() {
        assert_eq!(
            (request.purpose, request.url.as_str()),
            (Purpose::Webhook, "https://hr.example/hook")
        );
        let Body::Json(body) = &request.body else { unreachable!("a message is JSON") };
        let name = header(request, RequestHeader::WebhookId);
        let second: i64 = header(request, RequestHeader::WebhookTimestamp).parse().unwrap();
        assert_eq!(second, world.server.ground.now().as_second());
        let body = std::str::from_utf8(body).unwrap();
        let signature = secret.sign(&name, second, body, &RustCrypto);
        assert_eq!(header(request, RequestHeader::WebhookSignature), signature);
    }
}

#[tokio::test]
async fn a_webhook_hears_what_it_asked_for() {
    let world = World::told(&["issuance.token_issued", "credential.*"]);
    let (offer, token) = world.server.access().await;
    world.server.finish(&token).await;
    let id = text(&world.server.status(&offer).await["credentials"][0]["id"]);
    set(&world.server, &id, "suspended").await;
    world.deliver().await;
    let mut kinds = world.kinds();
    kinds.sort();
    assert_eq!(kinds, ["credential.suspended", "issuance.token_issued"]);
}

#[tokio::test]
async fn a_refusal_is_told_with_its_reason() {
    let world = World::told(&["issuance.tx_code_wrong"]);
    let offer = world.server.offer_with_tx_code().await;
    world.server.redeem_with(&offer, Some("wrong!")).await;
    world.deliver().await;
    let bodies = world.bodies();
    assert_eq!(bodies[0]["data"]["outcome"], "refused");
    assert_eq!(bodies[0]["data"]["reason"], "tx_code_wrong");
}

#[tokio::test]
async fn an_offer_that_nobody_took_is_told_as_expired_once() {
    let world = World::told(&["issuance.expired"]);
    let offer = world.server.offer().await;
    world.deliver().await;
    world.server.ground.pass(SignedDuration::from_mins(9));
    assert_eq!(world.deliver().await, 1, "it was looked at and still waits");
    assert_eq!(world.kinds(), [""; 0]);
    world.server.ground.pass(SignedDuration::from_mins(2));
    world.deliver().await;
    world.deliver().await;
    assert_eq!(world.kinds(), ["issuance.expired"]);
    assert_eq!(text(&world.bodies()[0]["data"]["session"]), offer.id);
    assert_eq!(world.deliver().await, 0);
}

#[tokio::test]
async fn what_was_issued_or_withdrawn_is_not_told_as_expired() {
    let world = World::told(&["issuance.expired"]);
    let (_, token) = world.server.access().await;
    world.server.finish(&token).await;
    let withdrawn = world.server.offer().await;
    let path = format!("/api/demo/offers/{}", withdrawn.id);
    world.server.api(Method::DELETE, &path, &Value::Null).await;
    for _ in 0..6 {
        world.server.ground.pass(SignedDuration::from_hours(6));
        world.deliver().await;
    }
    assert_eq!(world.kinds(), [""; 0]);
    assert_eq!(world.deliver().await, 0, "nobody looks any more");
}

#[tokio::test]
async fn a_message_that_is_not_taken_is_sent_again_and_given_up_in_the_end() {
    let world = World::told(&["issuance.offer_created"]);
    world.server.offer().await;
    *world.receiver.answers.lock().unwrap() = vec![500; 20];
    assert_eq!(world.deliver().await, 1);
    assert_eq!(world.deliver().await, 0, "not at once");
    for tried in 1..GIVEN_UP_AFTER {
        let waiting = world.messages(MessageState::Waiting).await;
        assert_eq!((waiting[0].attempts, waiting[0].outcome.as_deref()), (tried, Some("500")));
        world.server.ground.pass(SignedDuration::from_hours(27));
        assert_eq!(world.deliver().await, 1);
    }
    let dead = world.messages(MessageState::Dead).await;
    assert_eq!((dead.len(), dead[0].attempts), (1, GIVEN_UP_AFTER));
    let names: Vec<_> = {
        let got = world.receiver.got.lock().unwrap();
        got.iter().map(|request| header(request, RequestHeader::WebhookId)).collect()
    };
    assert!(names.iter().all(|name| *name == names[0]), "the receiver knows it by its name");

    // a person had a look, and has it sent again
    world.receiver.answers.lock().unwrap().clear();
    let (store, now) = (&world.server.ground.store, world.server.ground.now());
    assert_eq!(store.redeliver_message(&tenant("demo"), dead[0].id, now).await, Ok(true));
    assert_eq!(world.deliver().await, 1);
    assert_eq!(world.messages(MessageState::Delivered).await.len(), 1);
}

#[tokio::test]
async fn a_receiver_that_is_gone_for_good_is_not_asked_again() {
    let world = World::told(&["issuance.offer_created"]);
    world.server.offer().await;
    *world.receiver.answers.lock().unwrap() = vec![410];
    world.deliver().await;
    assert_eq!(world.messages(MessageState::Dead).await.len(), 1);
}

#[tokio::test]
async fn a_receiver_that_does_not_answer_costs_a_try() {
    let world = World::told(&["issuance.offer_created"]);
    world.server.offer().await;
    *world.receiver.answers.lock().unwrap() = vec![0];
    world.deliver().await;
    let waiting = world.messages(MessageState::Waiting).await;
    assert_eq!(waiting[0].outcome.as_deref(), Some("hr.example took too long to answer"));
    world.server.ground.pass(SignedDuration::from_secs(6));
    world.deliver().await;
    assert_eq!(world.messages(MessageState::Delivered).await.len(), 1);
}

#[tokio::test]
async fn an_offer_that_was_refused_is_told_to_nobody() {
    let world = World::told(&["*"]);
    let wrong = json!({ "configuration": "unknown", "claims": badge_claims() });
    let reply = world.server.make_offer(&wrong).await;
    assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(world.deliver().await, 0);
}

//! The trail as it happens.

use std::time::Duration;

use axum::http::{Method, header};
use http_body_util::BodyExt as _;
use serde_json::Value;

use crate::fixture::{KEY, Offer, Server, api_request, session, tenant};

struct Watcher(axum::body::Body);

impl Watcher {
    async fn new(server: &Server, offer: &Offer) -> Self {
        let path = format!("/api/demo/offers/{}/events", offer.id);
        let response = server.open(api_request(Method::GET, &path, KEY, &Value::Null)).await;
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
        Self(response.into_body())
    }

    /// The step of the next event, or `None` at the end of the stream.
    async fn next(&mut self) -> Option<String> {
        let frame = tokio::time::timeout(Duration::from_secs(60), self.0.frame());
        let frame = frame.await.expect("an event comes at once")?.expect("the stream is whole");
        let text = frame.into_data().expect("events are data").to_vec();
        let text = String::from_utf8(text).expect("events are text");
        let data = text.lines().find_map(|line| line.strip_prefix("data: ")).expect("data");
        assert!(text.starts_with("event: trail\n"), "{text}");
        let event: Value = serde_json::from_str(data).expect("data is JSON");
        Some(crate::fixture::text(&event["step"]))
    }
}

#[tokio::test]
async fn a_watcher_is_told_what_was_and_what_happens_each_once() {
    let server = Server::new();
    let offer = server.offer().await;
    let mut watcher = Watcher::new(&server, &offer).await;
    assert_eq!(watcher.next().await.as_deref(), Some("offer_created"));
    assert_eq!(watcher.next().await.as_deref(), Some("offer_fetched"));
    server.get(&offer.path).await;
    let token = server.access_to(&offer).await;
    assert_eq!(watcher.next().await.as_deref(), Some("token_issued"));
    server.redeem(&offer).await;
    assert_eq!(watcher.next().await.as_deref(), Some("refused"));
    server.finish(&token).await;
    assert_eq!(watcher.next().await.as_deref(), Some("credential_issued"));
}

#[tokio::test]
async fn a_watcher_is_told_nothing_of_other_offers() {
    let server = Server::new();
    let (watched, other) = (server.offer().await, server.offer().await);
    let mut live = server.service.subscribe(&tenant("demo"), session(&watched));
    let mut foreign = server.service.subscribe(&tenant("other"), session(&watched));
    server.access_to(&other).await;
    server.access_to(&watched).await;
    assert_eq!(live.recv().await.unwrap().step, "token_issued");
    assert!(live.try_recv().is_err());
    assert!(foreign.try_recv().is_err());
}

#[tokio::test]
async fn streams_end_when_the_server_stops() {
    let server = Server::new();
    let offer = server.offer().await;
    let mut watcher = Watcher::new(&server, &offer).await;
    assert_eq!(watcher.next().await.as_deref(), Some("offer_created"));
    assert_eq!(watcher.next().await.as_deref(), Some("offer_fetched"));
    server.shutdown.send(true).unwrap();
    assert_eq!(watcher.next().await, None);
}

#[tokio::test]
async fn a_fetch_is_shown_at_once_and_costs_no_write() {
    let server = Server::new();
    let offer = server.offer().await;
    let stored = || async {
        let events = server.ground.store.events(&tenant("demo"), session(&offer)).await.unwrap();
        events.into_iter().map(|event| event.step).collect::<Vec<_>>()
    };
    assert_eq!(server.trail(&offer).await, ["offer_created", "offer_fetched"]);
    assert_eq!(stored().await, ["offer_created"]);
    server.access_to(&offer).await;
    assert_eq!(stored().await, ["offer_created", "offer_fetched", "token_issued"]);
    assert_eq!(server.trail(&offer).await, stored().await);
}

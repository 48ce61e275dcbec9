//! The trail, live.

use axum::body::Body;
use http::{Request, header};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use crate::world::{Asked, Holder, KEY, World, demo, session};

async fn watch(world: &World, asked: &Asked) -> Body {
    let request = Request::get(format!("/api/demo/requests/{}/events", asked.id))
        .header(header::AUTHORIZATION, format!("Bearer {KEY}"))
        .body(Body::empty());
    let Ok(response) = world.router.clone().oneshot(request.expect("a request")).await;
    assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
    assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
    response.into_body()
}

async fn next(body: &mut Body) -> Option<String> {
    let frame = body.frame().await?.expect("a frame");
    let data = frame.into_data().expect("data");
    Some(String::from_utf8(data.to_vec()).expect("text"))
}

#[tokio::test]
async fn tells_what_happened_then_what_happens_each_once_and_ends_with_the_request() {
    let world = World::new();
    let asked = world.ask_for_name().await;
    let mut live = watch(&world, &asked).await;
    let mut next_step = async |expected: &str| {
        let event = next(&mut live).await.expect("the request has not ended");
        assert!(event.starts_with("event: trail\n"), "{event}");
        assert!(event.contains(&format!(r#""step":"{expected}""#)), "{event}");
    };
    next_step("request_created").await;
    let nonce = Some("another-nonce".to_owned());
    let bad = Holder { nonce, ..Holder::new(&world).await }.answer(&asked).await;
    next_step("request_fetched").await;
    world.post(&bad).await;
    next_step("response_received").await;
    next_step("refused").await;
    let good = world.answer(&asked).await;
    next_step("request_fetched").await;
    world.post(&good).await;
    next_step("response_received").await;
    next_step("verified").await;
    let end = next(&mut live).await.expect("the end is told");
    assert_eq!(end, "event: end\ndata: {\"state\":\"verified\"}\n\n");
    assert_eq!(next(&mut live).await, None);
}

#[tokio::test]
async fn a_watcher_who_comes_late_is_told_everything_and_the_end() {
    let world = World::new();
    let asked = world.ask_for_name().await;
    world.post(&world.answer(&asked).await).await;
    let mut live = watch(&world, &asked).await;
    let mut told = String::new();
    while let Some(event) = next(&mut live).await {
        told.push_str(&event);
    }
    for step in ["request_created", "request_fetched", "response_received", "verified"] {
        assert_eq!(told.matches(&format!(r#""step":"{step}""#)).count(), 1, "{step}");
    }
    assert!(!told.contains("Lovelace"));
}

#[tokio::test]
async fn a_watcher_is_let_go_when_the_server_stops() {
    let world = World::new();
    let asked = world.ask_for_name().await;
    let mut live = watch(&world, &asked).await;
    assert!(next(&mut live).await.is_some());
    world.shutdown.send(true).expect("the service listens");
    assert_eq!(next(&mut live).await, None);
}

#[tokio::test]
async fn pages_hear_the_same_without_http() {
    let world = World::new();
    let asked = world.ask_for_name().await;
    let mut live = world.service.subscribe(&demo(), session(&asked));
    world.post(&world.answer(&asked).await).await;
    for step in ["request_fetched", "response_received", "verified"] {
        assert_eq!(live.recv().await.expect("an event").step, step);
    }
}

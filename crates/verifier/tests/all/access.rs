//! Who may know: API keys, tenants, and a store that is away.

use axum::body::Body;
use http::{Method, Request, StatusCode, header};
use jiff::SignedDuration;
use lanyard_store::{NewEvent, NewSession, SessionId, SessionKind};
use lanyard_testkit::store;
use lanyard_verifier::VerifierError;
use serde_json::json;

use crate::world::{KEY, OTHER_KEY, World, demo, session, steps};

/// Every route of the integrator API, for a request that exists.
fn routes(id: &str) -> Vec<(Method, String)> {
    let item = format!("/api/demo/requests/{id}");
    vec![
        (Method::POST, "/api/demo/requests".to_owned()),
        (Method::GET, item.clone()),
        (Method::POST, format!("{item}/return")),
        (Method::GET, format!("{item}/qr.svg")),
        (Method::GET, format!("{item}/events")),
        (Method::DELETE, item),
    ]
}

async fn knock(
    world: &World,
    method: Method,
    path: &str,
    key: Option<&str>,
) -> crate::world::Answer {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::CONTENT_TYPE, "application/json");
    if let Some(key) = key {
        request = request.header(header::AUTHORIZATION, key);
    }
    world.send(request.body(Body::from("{}")).expect("a request")).await
}

#[tokio::test]
async fn every_integrator_route_asks_for_the_key_of_its_tenant() {
    // security.md 193
    let world = World::new();
    let asked = world.ask_for_name().await;
    for (method, path) in routes(&asked.id) {
        let without = knock(&world, method.clone(), &path, None).await;
        assert_eq!(without.refusal(), (401, "invalid_token".to_owned()), "{method} {path}");
        assert_eq!(without.header(header::WWW_AUTHENTICATE), "Bearer");
        for wrong in ["Bearer revoked", &format!("bearer {KEY}x"), &format!("Bearer {}", &KEY[1..])]
        {
            let wrong = knock(&world, method.clone(), &path, Some(wrong)).await;
            assert_eq!(wrong.refusal(), (401, "invalid_token".to_owned()), "{method} {path}");
        }
        let basic = knock(&world, method.clone(), &path, Some("Basic YTpi")).await;
        assert_eq!(basic.status, StatusCode::UNAUTHORIZED);
        let other = Some(format!("Bearer {OTHER_KEY}"));
        let other = knock(&world, method.clone(), &path, other.as_deref()).await;
        assert_eq!(other.refusal(), (404, "not_found".to_owned()), "{method} {path}");
    }
    assert_eq!(world.status(&asked).await["state"], "waiting");
}

#[tokio::test]
async fn a_token_in_the_query_is_refused_at_every_integrator_route_whatever_the_header_has() {
    // RFC 6750 §2.3, RFC 9700 §4.3.2
    let world = World::new();
    let asked = world.ask_for_name().await;
    let good = format!("Bearer {KEY}");
    for (method, path) in routes(&asked.id) {
        let path = format!("{path}?access_token={KEY}");
        for key in [None, Some(good.as_str())] {
            let answer = knock(&world, method.clone(), &path, key).await;
            assert_eq!(answer.refusal(), (400, "invalid_request".to_owned()), "{method} {path}");
            assert_eq!(
                answer.json()["error_description"],
                "a token in the query is not taken; send it in the Authorization header"
            );
            assert_eq!(
                answer.header(header::WWW_AUTHENTICATE),
                r#"Bearer error="invalid_request""#
            );
        }
    }
    assert_eq!(world.status(&asked).await["state"], "waiting");
}

#[tokio::test]
async fn an_api_key_that_nobody_has_is_told_to_be_one() {
    let world = World::new();
    let answer = knock(&world, Method::POST, "/api/demo/requests", Some("Bearer wrong")).await;
    assert_eq!(answer.json()["error_description"], "the API key is unknown or revoked");
}

#[tokio::test]
async fn another_tenant_s_request_is_as_absent_as_one_that_never_was() {
    // security.md 193
    let world = World::new();
    let asked = world.ask_for_name().await;
    let key = format!("Bearer {OTHER_KEY}");
    let mut bodies = Vec::new();
    let never = "0".repeat(32);
    for id in [asked.id.as_str(), &never, "not-an-id", "%ff"] {
        let path = format!("/api/other/requests/{id}");
        let answer = knock(&world, Method::GET, &path, Some(&key)).await;
        assert_eq!(answer.refusal(), (404, "not_found".to_owned()));
        bodies.push(answer.text());
    }
    assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]));
    let foreign = world.service.request_status(&"other".parse().unwrap(), session(&asked)).await;
    assert!(matches!(foreign, Err(VerifierError::UnknownRequest)));
    let nobody = world.service.request_status(&"nobody".parse().unwrap(), session(&asked)).await;
    assert!(matches!(nobody, Err(VerifierError::UnknownTenant)));
}

#[tokio::test]
async fn a_request_that_was_cancelled_takes_nothing_any_more() {
    let world = World::new();
    let asked = world.ask_for_name().await;
    let response = world.answer(&asked).await;
    let path = format!("requests/{}", asked.id);
    let cancelled = world.api(Method::DELETE, &path, None).await;
    assert_eq!(cancelled.status, StatusCode::NO_CONTENT);
    let status = world.status(&asked).await;
    assert_eq!((&status["state"], &status["open"]), (&json!("cancelled"), &json!(false)));
    assert_eq!(steps(&status), ["request_created", "request_fetched", "cancelled"]);
    assert_eq!(world.post(&response).await.refusal(), (400, "invalid_request".to_owned()));
    assert_eq!(world.get(&asked.request_path()).await.status, StatusCode::NOT_FOUND);
    let picture = world.api(Method::GET, &format!("{path}/qr.svg"), None).await;
    assert_eq!(picture.refusal(), (409, "request_not_waiting".to_owned()));
}

#[tokio::test]
async fn deleting_a_request_that_has_ended_erases_its_result() {
    let world = World::new();
    let asked = world.ask_for_name().await;
    world.post(&world.answer(&asked).await).await;
    let path = format!("requests/{}", asked.id);
    assert_eq!(world.api(Method::DELETE, &path, None).await.status, StatusCode::NO_CONTENT);
    let gone = world.api(Method::GET, &path, None).await;
    assert_eq!(gone.refusal(), (404, "not_found".to_owned()));
}

#[tokio::test]
async fn the_link_and_the_picture_do_not_hold_the_integrator_s_name_of_the_request() {
    let world = World::new();
    let asked = world.ask_for_name().await;
    assert!(!asked.link.as_str().contains(&asked.id));
    let object = world.get(&asked.request_path()).await.text();
    let claims = lanyard_core::jose::UnverifiedJws::parse(&object)
        .expect("a JWS")
        .danger_unverified_claims()
        .expect("claims");
    assert!(!serde_json::to_string(&claims).expect("JSON").contains(&asked.id));
    let picture = world.api(Method::GET, &format!("requests/{}/qr.svg", asked.id), None).await;
    assert_eq!(picture.header(header::CONTENT_TYPE), "image/svg+xml");
    assert!(picture.text().contains("<svg"));
}

#[tokio::test]
async fn a_store_that_is_away_makes_everybody_wait_and_loses_nothing() {
    let store = store();
    let world = World::with_store(store.clone());
    let asked = world.ask_for_name().await;
    let response = world.answer(&asked).await;
    store.close().await.expect("a memory store closes");
    let answers = [
        world.get(&asked.request_path()).await,
        world.post(&response).await,
        world.api(Method::GET, &format!("requests/{}", asked.id), None).await,
        world.api(Method::POST, "requests", Some(json!({ "preset": "badge" }))).await,
    ];
    for answer in answers {
        assert_eq!(answer.refusal(), (503, "temporarily_unavailable".to_owned()));
        let wait: u64 = answer.header(header::RETRY_AFTER).parse().expect("seconds");
        assert!(wait >= 1);
    }
    let asked = world.service.create_request(&demo(), Default::default()).await;
    assert!(matches!(asked, Err(VerifierError::Fault(_))));
}

#[tokio::test]
async fn nothing_that_is_answered_may_be_kept() {
    let world = World::new();
    let asked = world.ask_for_name().await;
    let response = world.answer(&asked).await;
    let answers = [
        world.get("/demo/requests/unknown").await,
        world.get(&asked.request_path()).await,
        world.api(Method::POST, "requests", Some(json!({ "preset": "badge" }))).await,
        world.api(Method::GET, &format!("requests/{}/qr.svg", asked.id), None).await,
        world.post(&response).await,
        world.post(&response).await,
        world.api(Method::GET, &format!("requests/{}", asked.id), None).await,
    ];
    for answer in answers {
        assert_eq!(answer.header(header::CACHE_CONTROL), "no-store", "{}", answer.status);
    }
}

#[tokio::test]
async fn an_offer_of_the_issuer_beside_it_is_no_request() {
    let store = store();
    let world = World::with_store(store.clone());
    let id = SessionId::new(world.now(), [7; 10]);
    let offer = NewSession {
        tenant: demo(),
        id,
        kind: SessionKind::Offer,
        state: b"sealed by somebody else".to_vec(),
        created_at: world.now(),
        expires_at: world.now() + SignedDuration::from_mins(10),
        handles: Vec::new(),
        subject: None,
        once: Vec::new(),
        call: None,
        event: NewEvent::done(world.now(), "offer_created"),
    };
    store.insert(offer).await.unwrap();
    // those by POST read a body before
    let all = routes(&id.to_string()).into_iter();
    for (method, path) in all.filter(|(method, _)| method != Method::POST) {
        let answer = knock(&world, method.clone(), &path, Some(&format!("Bearer {KEY}"))).await;
        assert_eq!(answer.refusal(), (404, "not_found".to_owned()), "{method} {path}");
    }
}

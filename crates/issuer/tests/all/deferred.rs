//! Deferred credentials and notifications over HTTP (OID4VCI 1.0 §9, §11).

use axum::http::{Method, StatusCode, header};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::fixture::{Offer, Reply, Server, badge_claims, credential_request, refused, text};

async fn offered(server: &Server, deferral: Value) -> (Offer, String) {
    let body = json!({
        "configuration": "employee_badge", "claims": badge_claims(), "deferral": deferral,
    });
    let offer = server.offer_of(&body).await;
    let token = server.access_to(&offer).await;
    (offer, token)
}

async fn collect(server: &Server, token: &str, transaction: &str) -> Reply {
    let body = json!({ "transaction_id": transaction, "unknown": 1 });
    server.send(credential_request("/demo/deferred", token, &body)).await
}

async fn decide(server: &Server, offer: &Offer, decision: &str) -> Reply {
    let path = format!("/api/demo/offers/{}/decision", offer.id);
    server.api(Method::POST, &path, &json!({ "decision": decision })).await
}

/// Asks for the badge, and gets a transaction.
async fn deferred(server: &Server, token: &str, request: &Value) -> (String, u64) {
    let reply = server.credential(token, request).await;
    assert_eq!(reply.status, StatusCode::ACCEPTED, "{reply}");
    assert_eq!(reply.header(header::CACHE_CONTROL), Some("no-store"));
    let body = reply.json();
    let members: Vec<_> = body.as_object().expect("an object").keys().cloned().collect();
    assert_eq!(members, ["transaction_id", "interval"]);
    (text(&body["transaction_id"]), body["interval"].as_u64().expect("seconds"))
}

#[tokio::test]
async fn what_is_not_ready_is_collected_once_it_is() {
    let server = Server::new();
    let (offer, token) = offered(&server, json!(10)).await;
    let (transaction, interval) = deferred(&server, &token, &server.badge_request().await).await;
    assert!((1..=5).contains(&interval));
    server.ground.pass(SignedDuration::from_secs(9));
    let reply = collect(&server, &token, &transaction).await;
    assert_eq!(reply.status, StatusCode::ACCEPTED, "{reply}");
    assert_eq!(text(&reply.json()["transaction_id"]), transaction);
    assert_eq!(reply.json()["interval"], json!(1));
    assert_eq!(text(&server.status(&offer).await["state"]), "deferred");
    server.ground.pass(SignedDuration::from_secs(1));
    let reply = collect(&server, &token, &transaction).await;
    assert_eq!(reply.status, StatusCode::OK, "{reply}");
    let members: Vec<_> = reply.json().as_object().unwrap().keys().cloned().collect();
    assert_eq!(members, ["credentials", "notification_id"]);
    assert_eq!(text(&server.status(&offer).await["state"]), "issued");
    let trail = server.trail(&offer).await;
    assert!(trail.contains(&"credential_deferred".to_owned()), "{trail:?}");
}

#[tokio::test]
async fn a_collected_credential_is_given_again_the_same_until_the_wallet_says_that_it_has_it() {
    let server = Server::with_statuses();
    let (offer, token) = offered(&server, json!(10)).await;
    let (transaction, _) = deferred(&server, &token, &server.badge_request().await).await;
    server.ground.pass(SignedDuration::from_secs(10));
    let first = collect(&server, &token, &transaction).await;
    assert_eq!(first.status, StatusCode::OK, "{first}");
    // another replica knows as well
    let replica = Server::on(server.ground.clone());
    for server in [&server, &replica] {
        let again = collect(server, &token, &transaction).await;
        assert_eq!((again.status, &again.body), (StatusCode::OK, &first.body));
    }
    let status = server.status(&offer).await;
    assert_eq!(status["credentials"].as_array().map(Vec::len), Some(1), "issued once: {status}");
    let trail = server.trail(&offer).await;
    let repeated = trail.iter().filter(|step| *step == "credential_repeated").count();
    assert_eq!(repeated, 2, "{trail:?}");

    let told = json!({
        "notification_id": first.json()["notification_id"], "event": "credential_accepted",
    });
    assert_eq!(notify(&server, &token, &told).await.status, StatusCode::NO_CONTENT);
    // §9.1: used up
    let reply = collect(&server, &token, &transaction).await;
    assert_eq!(reply.refusal(), refused(400, "invalid_transaction_id"));
}

#[tokio::test]
async fn a_collected_credential_is_given_again_for_an_hour_to_its_token_alone() {
    let server = Server::new();
    let (_, token) = offered(&server, json!(10)).await;
    let (transaction, _) = deferred(&server, &token, &server.badge_request().await).await;
    server.ground.pass(SignedDuration::from_secs(10));
    let first = collect(&server, &token, &transaction).await;
    let (_, stranger) = offered(&server, json!(10)).await;
    let reply = collect(&server, &stranger, &transaction).await;
    assert_eq!(reply.refusal(), refused(400, "invalid_transaction_id"));
    let reply = collect(&server, &token, "another").await;
    assert_eq!(reply.refusal(), refused(400, "invalid_transaction_id"));
    let reply = server.credential(&token, &server.badge_request().await).await;
    assert_eq!(reply.refusal().0, 400, "no other key gets one: {reply}");
    server.ground.pass(SignedDuration::from_secs(3_599));
    let again = collect(&server, &token, &transaction).await;
    assert_eq!((again.status, again.body), (StatusCode::OK, first.body));
    server.ground.pass(SignedDuration::from_secs(1));
    let reply = collect(&server, &token, &transaction).await;
    assert_eq!(reply.refusal(), refused(400, "invalid_transaction_id"));
}

#[tokio::test]
async fn what_was_collected_is_given_again_while_something_else_is_due() {
    let server = Server::new();
    let offer = server
        .offer_of(&json!({ "deferral": 10, "credentials": [
            { "configuration": "employee_badge", "claims": badge_claims() },
            { "configuration": "diploma", "claims": { "degree": "MSc" } },
        ]}))
        .await;
    let token = server.access_to(&offer).await;
    let (transaction, _) = deferred(&server, &token, &server.badge_request().await).await;
    server.ground.pass(SignedDuration::from_secs(10));
    let first = collect(&server, &token, &transaction).await;
    let again = collect(&server, &token, &transaction).await;
    assert_eq!((again.status, again.body), (StatusCode::OK, first.body));
    let mut diploma = server.badge_request().await;
    diploma["credential_configuration_id"] = json!("diploma");
    let reply = server.credential(&token, &diploma).await;
    assert_eq!(reply.status, StatusCode::OK, "{reply}");
    let again = collect(&server, &token, &transaction).await;
    assert_eq!(again.status, StatusCode::OK, "{again}");
}

#[tokio::test]
async fn an_integrator_releases_or_denies_what_waits() {
    let server = Server::new();
    let (offer, token) = offered(&server, json!("until_decided")).await;
    let (transaction, _) = deferred(&server, &token, &server.badge_request().await).await;
    // the life of the token was that of new requests
    server.ground.pass(SignedDuration::from_hours(2));
    let reply = collect(&server, &token, &transaction).await;
    assert_eq!(reply.status, StatusCode::ACCEPTED, "{reply}");
    assert_eq!(decide(&server, &offer, "perhaps").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(decide(&server, &offer, "release").await.status, StatusCode::NO_CONTENT);
    assert_eq!(decide(&server, &offer, "deny").await.status, StatusCode::CONFLICT);
    let reply = collect(&server, &token, &transaction).await;
    assert_eq!(reply.status, StatusCode::OK, "{reply}");

    let (offer, token) = offered(&server, json!("until_decided")).await;
    let (transaction, _) = deferred(&server, &token, &server.badge_request().await).await;
    assert_eq!(decide(&server, &offer, "deny").await.status, StatusCode::NO_CONTENT);
    for _ in 0..2 {
        let reply = collect(&server, &token, &transaction).await;
        assert_eq!(reply.refusal(), refused(400, "credential_request_denied"));
    }
    let trail = server.trail(&offer).await;
    assert!(trail.contains(&"refused: credential_denied".to_owned()), "{trail:?}");
    assert_eq!(server.status(&offer).await["state"], "denied");
}

#[tokio::test]
async fn a_decision_before_the_wallet_comes_counts_too() {
    let server = Server::new();
    let (offer, token) = offered(&server, json!("until_decided")).await;
    assert_eq!(decide(&server, &offer, "release").await.status, StatusCode::NO_CONTENT);
    server.finish(&token).await;
    let (offer, token) = offered(&server, json!("until_decided")).await;
    assert_eq!(decide(&server, &offer, "deny").await.status, StatusCode::NO_CONTENT);
    let reply = server.credential(&token, &server.badge_request().await).await;
    assert_eq!(reply.refusal(), refused(400, "credential_request_denied"));
    let (offer, _) = offered(&server, json!(0)).await;
    assert_eq!(decide(&server, &offer, "release").await.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn a_lost_answer_is_given_again_to_the_same_key_and_to_no_other() {
    let server = Server::new();
    let (_, token) = offered(&server, json!("until_decided")).await;
    let request = server.badge_request().await;
    let (transaction, _) = deferred(&server, &token, &request).await;
    assert_eq!(deferred(&server, &token, &request).await.0, transaction);
    let other = server.credential(&token, &server.badge_request().await).await;
    assert_eq!(other.refusal(), refused(400, "credential_request_denied"));
}

#[tokio::test]
async fn a_transaction_is_of_its_token_and_its_form() {
    let server = Server::new();
    let (_, token) = offered(&server, json!("until_decided")).await;
    let (transaction, _) = deferred(&server, &token, &server.badge_request().await).await;
    let (_, stranger) = offered(&server, json!("until_decided")).await;
    let reply = collect(&server, &stranger, &transaction).await;
    assert_eq!(reply.refusal(), refused(400, "invalid_transaction_id"));
    let reply = collect(&server, &token, "garbage").await;
    assert_eq!(reply.refusal(), refused(400, "invalid_transaction_id"));
    let reply = collect(&server, "garbage", &transaction).await;
    assert_eq!(reply.refusal(), refused(401, "invalid_token"));
    for body in [json!({}), json!({ "transaction_id": 1 }), json!({ "transaction_id": "" })] {
        let reply = server.send(credential_request("/demo/deferred", &token, &body)).await;
        assert_eq!(reply.refusal(), refused(400, "invalid_credential_request"), "{body}");
    }
    let path = format!("/demo/deferred?access_token={token}");
    let body = json!({ "transaction_id": transaction });
    let reply = server.send(credential_request(&path, &token, &body)).await;
    assert_eq!(reply.refusal(), refused(400, "invalid_request"));
}

async fn notify(server: &Server, token: &str, body: &Value) -> Reply {
    server.send(credential_request("/demo/notification", token, body)).await
}

#[tokio::test]
async fn a_notification_is_taken_once_and_again_without_effect() {
    let server = Server::new();
    let (offer, token) = server.access().await;
    let reply = server.credential(&token, &server.badge_request().await).await;
    let id = text(&reply.json()["notification_id"]);
    let accepted = json!({
        "notification_id": id, "event": "credential_accepted", "event_description": "canary",
    });
    for _ in 0..3 {
        let reply = notify(&server, &token, &accepted).await;
        assert_eq!(reply.status, StatusCode::NO_CONTENT, "{reply}");
        assert!(reply.body.is_empty());
    }
    let deleted = json!({ "notification_id": id, "event": "credential_deleted" });
    assert_eq!(notify(&server, &token, &deleted).await.status, StatusCode::NO_CONTENT);
    let status = server.status(&offer).await;
    assert!(!status.to_string().contains("canary"), "a peer's text is nobody's business");
    let told = status["trail"].as_array().unwrap().iter();
    let told: Vec<_> = told
        .filter(|event| event["step"] == "notified")
        .map(|event| text(&event["detail"]))
        .collect();
    assert_eq!(told, ["credential_accepted", "credential_deleted"]);
}

#[tokio::test]
async fn a_notification_is_refused_by_its_own_codes() {
    let server = Server::new();
    let (_, token) = server.access().await;
    let reply = server.credential(&token, &server.badge_request().await).await;
    let id = text(&reply.json()["notification_id"]);
    for body in [
        json!({}),
        json!({ "notification_id": id }),
        json!({ "notification_id": id, "event": "credential_lost" }),
        json!({ "notification_id": 1, "event": "credential_accepted" }),
        json!([]),
    ] {
        let reply = notify(&server, &token, &body).await;
        assert_eq!(reply.refusal(), refused(400, "invalid_notification_request"), "{body}");
    }
    let foreign = json!({ "notification_id": "foreign", "event": "credential_accepted" });
    let reply = notify(&server, &token, &foreign).await;
    assert_eq!(reply.refusal(), refused(400, "invalid_notification_id"));
    // another token's identifier is as unknown as any
    let (_, other) = server.access().await;
    let body = json!({ "notification_id": id, "event": "credential_accepted" });
    let reply = notify(&server, &other, &body).await;
    assert_eq!(reply.refusal(), refused(400, "invalid_notification_id"));
    let reply = notify(&server, "garbage", &body).await;
    assert_eq!(reply.refusal(), refused(401, "invalid_token"));
}

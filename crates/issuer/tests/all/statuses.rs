//! What becomes of credentials after they were issued, and what is published about it.

use std::sync::Arc;

use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use jiff::SignedDuration;
use lanyard_core::{
    crypto::RustCrypto,
    sd_jwt_vc::UnverifiedSdJwtVc,
    status::{
        Status, StatusMechanism, StatusReference,
        token_status_list::{StatusListAggregation, UnverifiedStatusList, VerifiedStatusList},
    },
};
use lanyard_oid4vci::issuer::StatusAllocator as _;
use lanyard_store::{SqliteStore, Store};
use lanyard_testkit::store;
use serde_json::{Value, json};

use crate::fixture::{
    Ground, KEY, OTHER_KEY, Offer, Server, api_request, badge_claims, sign, text,
};

/// A badge that was issued in two copies: its offer, its name, and the places of their statuses.
pub(crate) struct Badge {
    offer: Offer,
    pub(crate) id: String,
    pub(crate) places: Vec<(u64, String)>,
}

pub(crate) async fn badge(server: &Server) -> Badge {
    let offer = server.offer().await;
    issued(server, offer).await
}

/// The same, about somebody.
pub(crate) async fn badge_about(server: &Server, subject: &str) -> Badge {
    let body = json!({
        "configuration": "employee_badge", "claims": badge_claims(), "subject": subject,
    });
    let offer = server.offer_of(&body).await;
    issued(server, offer).await
}

async fn issued(server: &Server, offer: Offer) -> Badge {
    let token = server.access_to(&offer).await;
    let mut proofs = Vec::new();
    for _ in 0..2 {
        let key = server.ground.key();
        let (header, claims) = server.proof_parts(&*key).await;
        proofs.push(sign(header, claims, &*key).await);
    }
    let request =
        json!({ "credential_configuration_id": "employee_badge", "proofs": { "jwt": proofs } });
    let reply = server.credential(&token, &request).await;
    assert_eq!(reply.status, StatusCode::OK, "{reply}");
    let mut places = Vec::new();
    for copy in reply.json()["credentials"].as_array().expect("credentials") {
        let credential = text(&copy["credential"]);
        let credential = UnverifiedSdJwtVc::parse(&credential).expect("an SD-JWT VC");
        let keys = server.ground.trust_of(credential.claimed_issuer().issuer);
        let key = keys.find(&credential.claimed_issuer(), server.ground.now()).await;
        let key = key.expect("a trusted issuer");
        let verified = credential.verify(key, None, &RustCrypto).expect("our own credential");
        match verified.status() {
            Some(StatusReference::TokenStatusList { index, uri }) => {
                places.push((*index, uri.as_str().to_owned()));
            }
            other => unreachable!("a badge has a status, and not {other:?}"),
        }
    }
    let id = text(&server.status(&offer).await["credentials"][0]["id"]);
    Badge { offer, id, places }
}

/// Fetches the list and verifies it as a verifier does.
async fn list(server: &Server, uri: &str) -> VerifiedStatusList {
    let reply = server.get(path(uri)).await;
    assert_eq!(reply.status, StatusCode::OK, "{reply}");
    let kind = reply.header(header::CONTENT_TYPE).expect("a media type");
    let list = UnverifiedStatusList::parse(kind, &reply.body).expect("a status list token");
    let keys = server.ground.trust();
    let types = [lanyard_core::sd_jwt_vc::Vct::parse("urn:example:employee-badge:1")
        .expect("a type")
        .into()];
    let now = server.ground.now();
    let key = keys.find(&list.claimed_issuer(None, &types), now).await.expect("a trusted issuer");
    let uri = uri.to_owned().try_into().expect("a URI");
    list.verify(key.key(), &uri, now, &RustCrypto).expect("our own list")
}

pub(crate) fn path(uri: &str) -> &str {
    uri.strip_prefix("https://issuer.example").expect("our own URL")
}

pub(crate) async fn statuses(server: &Server, badge: &Badge) -> Vec<Status> {
    let mut found = Vec::new();
    for (index, uri) in &badge.places {
        found.push(list(server, uri).await.status(*index).expect("a place in the list"));
    }
    found
}

pub(crate) async fn set(server: &Server, id: &str, status: &str) -> (u16, Value) {
    let path = format!("/api/demo/credentials/{id}/status");
    let reply = server.api(Method::POST, &path, &json!({ "status": status })).await;
    (reply.status.as_u16(), reply.json())
}

async fn refused(server: &Server, id: &str, body: &Value) -> (u16, String) {
    let path = format!("/api/demo/credentials/{id}/status");
    server.api(Method::POST, &path, body).await.refusal()
}

#[tokio::test]
async fn every_copy_has_a_status_of_its_own_in_a_list_that_verifies() {
    let server = Server::with_statuses();
    let badge = badge(&server).await;
    assert_eq!(badge.places.len(), 2);
    assert_ne!(badge.places[0], badge.places[1]);
    assert_eq!(badge.places[0].1, "https://issuer.example/demo/status-lists/0");
    assert_eq!(statuses(&server, &badge).await, [Status::Valid; 2]);
    assert_eq!(server.status(&badge.offer).await["credentials"][0]["status"], "valid");
}

#[tokio::test]
async fn a_revoked_credential_is_revoked_in_every_copy_and_for_good() {
    let server = Server::with_statuses();
    let (revoked, other) = (badge(&server).await, badge(&server).await);
    assert_eq!(statuses(&server, &revoked).await, [Status::Valid; 2]);
    let done = (200, json!({ "id": revoked.id, "status": "revoked" }));
    assert_eq!(set(&server, &revoked.id, "revoked").await, done);
    assert_eq!(statuses(&server, &revoked).await, [Status::Invalid; 2], "at once");
    assert_eq!(statuses(&server, &other).await, [Status::Valid; 2]);
    assert_eq!(set(&server, &revoked.id, "revoked").await, done, "twice is once");
    for undone in ["valid", "suspended"] {
        let refusal = refused(&server, &revoked.id, &json!({ "status": undone })).await;
        assert_eq!(refusal, (409, "credential_revoked".to_owned()));
    }
    let status = server.status(&revoked.offer).await;
    assert_eq!(status["credentials"][0]["status"], "revoked");
    let trail = server.trail(&revoked.offer).await;
    assert_eq!(trail.iter().filter(|step| *step == "status_changed").count(), 1);
}

#[tokio::test]
async fn a_suspended_credential_can_be_valid_again() {
    let server = Server::with_statuses();
    let badge = badge(&server).await;
    set(&server, &badge.id, "suspended").await;
    assert_eq!(statuses(&server, &badge).await, [Status::Suspended; 2]);
    set(&server, &badge.id, "valid").await;
    assert_eq!(statuses(&server, &badge).await, [Status::Valid; 2]);
}

#[tokio::test]
async fn a_list_is_the_same_for_everybody_until_it_is_due_or_changes() {
    let server = Server::with_statuses();
    let badge = badge(&server).await;
    let path = path(&badge.places[0].1);
    let first = server.get(path).await;
    assert_eq!(first.header(header::CONTENT_TYPE), Some("application/statuslist+jwt"));
    assert_eq!(first.header(header::CACHE_CONTROL), Some("public, max-age=300"));
    assert_eq!(first.header(header::ACCESS_CONTROL_ALLOW_ORIGIN), Some("*"));
    assert_eq!(first.header(header::SET_COOKIE), None);
    let etag = first.header(header::ETAG).expect("an ETag").to_owned();
    let again = server.get(&format!("{path}?cred=7")).await;
    assert_eq!(again.body, first.body, "whatever is asked for besides");

    let known = Request::builder().uri(path).header(header::IF_NONE_MATCH, &etag);
    let known = server.send(known.body(Body::empty()).expect("a request")).await;
    assert_eq!((known.status, known.body.len()), (StatusCode::NOT_MODIFIED, 0));

    server.ground.pass(SignedDuration::from_secs(299));
    let late = server.get(path).await;
    assert_eq!(late.body, first.body);
    assert_eq!(late.header(header::CACHE_CONTROL), Some("public, max-age=1"));
    server.ground.pass(SignedDuration::from_secs(1));
    assert_ne!(server.get(path).await.body, first.body, "made anew when its ttl is over");
}

#[tokio::test]
async fn a_list_that_made_room_is_made_anew_with_all_that_was_revoked() {
    // enough for the list of one tenant and not for two
    let ground = Ground::new(store(), true).keeping_lists_within(5_000);
    let server = Server::on(ground);
    let (before, after) = (badge(&server).await, badge(&server).await);
    set(&server, &before.id, "revoked").await;
    let path = path(&before.places[0].1);
    let first = server.get(path).await;
    assert_eq!(server.get(path).await.body, first.body, "in memory");

    let others = server.ground.status_lists("other");
    others.allocate(1, StatusMechanism::TokenStatusList, &[]).await.expect("a place");
    let other = server.get("/other/status-lists/0").await;
    assert_eq!(other.status, StatusCode::OK, "{other}");
    set(&server, &after.id, "suspended").await;
    assert_ne!(server.get(path).await.body, first.body, "made anew");
    assert_eq!(statuses(&server, &before).await, [Status::Invalid; 2]);
    assert_eq!(statuses(&server, &after).await, [Status::Suspended; 2]);
}

#[tokio::test]
async fn there_is_no_list_before_something_is_in_it_and_no_history() {
    let server = Server::with_statuses();
    for path in ["/demo/status-lists/0", "/demo/status-lists/1", "/nobody/status-lists/0"] {
        assert_eq!(server.get(path).await.refusal(), (404, "not_found".to_owned()), "{path}");
    }
    badge(&server).await;
    for path in ["/demo/status-lists/1", "/demo/status-lists/00", "/demo/status-lists/+0"] {
        assert_eq!(server.get(path).await.refusal(), (404, "not_found".to_owned()), "{path}");
    }
    let history = server.get("/demo/status-lists/0?time=1700000000").await;
    assert_eq!(history.status, StatusCode::NOT_IMPLEMENTED);
}

#[tokio::test]
async fn only_the_tenants_own_integrator_changes_a_status() {
    let server = Server::with_statuses();
    let badge = badge(&server).await;
    let body = json!({ "status": "revoked" });
    let path = format!("/api/demo/credentials/{}/status", badge.id);
    let as_key = async |path: &str, key| {
        server.send(api_request(Method::POST, path, key, &body)).await.refusal()
    };
    assert_eq!(as_key(&path, OTHER_KEY).await, (404, "not_found".to_owned()));
    assert_eq!(as_key(&path, "guessed").await, (401, "invalid_token".to_owned()));
    let theirs = format!("/api/other/credentials/{}/status", badge.id);
    assert_eq!(as_key(&theirs, OTHER_KEY).await, (404, "not_found".to_owned()));
    let unknown = "/api/demo/credentials/00000000000000000000000000000000/status";
    assert_eq!(as_key(unknown, KEY).await, (404, "not_found".to_owned()));
    assert_eq!(statuses(&server, &badge).await, [Status::Valid; 2]);
}

#[tokio::test]
async fn a_change_names_one_of_three_statuses() {
    let server = Server::with_statuses();
    let badge = badge(&server).await;
    for body in [
        json!({}),
        json!([]),
        json!({ "status": "gone" }),
        json!({ "status": 1 }),
        json!({ "status": "revoked", "reason": "left" }),
    ] {
        let refusal = refused(&server, &badge.id, &body).await;
        assert_eq!(refusal, (400, "invalid_request".to_owned()), "{body}");
    }
}

#[tokio::test]
async fn without_status_lists_credentials_have_no_status() {
    let server = Server::new();
    let (offer, token) = server.access().await;
    server.finish(&token).await;
    let credential = server.status(&offer).await["credentials"][0].clone();
    assert_eq!(credential.get("status"), None);
    let refusal = refused(&server, &text(&credential["id"]), &json!({ "status": "revoked" })).await;
    assert_eq!(refusal, (404, "not_found".to_owned()));
    assert_eq!(server.get("/demo/status-lists/0").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_restart_forgets_no_revocation_and_repeats_no_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let open =
        || -> Arc<dyn Store> { Arc::new(SqliteStore::open(folder.path()).expect("a store")) };
    let server = Server::with_statuses_in(open());
    let before = badge(&server).await;
    set(&server, &before.id, "revoked").await;
    let store = Arc::clone(&server.ground.store);
    let ground = Arc::clone(&server.ground);
    drop(server);
    store.close().await.expect("closed");
    drop((store, ground));
    let server = Server::with_statuses_in(open());
    let after = badge(&server).await;
    assert!(after.places.iter().all(|place| !before.places.contains(place)));
    assert_eq!(statuses(&server, &before).await, [Status::Invalid; 2]);
}

#[tokio::test]
async fn two_replicas_never_give_one_place_twice() {
    let store = store();
    let one = Server::with_statuses_in(store);
    let other = Server::on(Arc::clone(&one.ground));
    let (first, second) = (badge(&one).await, badge(&other).await);
    assert!(second.places.iter().all(|place| !first.places.contains(place)));
}

#[tokio::test]
async fn a_list_comes_as_a_cwt_for_whoever_asks_for_one() {
    let server = Server::with_statuses();
    let badge = badge(&server).await;
    let (index, uri) = &badge.places[0];
    let ask = async |accept: &str| {
        let request = Request::builder().uri(path(uri)).header(header::ACCEPT, accept);
        server.send(request.body(Body::empty()).expect("a request")).await
    };
    let as_jwt = server.get(path(uri)).await;
    for accept in ["*/*", "text/html", "application/statuslist+jwt, application/statuslist+cwt"] {
        assert_eq!(ask(accept).await.body, as_jwt.body, "{accept}");
    }
    set(&server, &badge.id, "revoked").await;
    let as_cwt = ask("application/statuslist+cwt, application/statuslist+jwt;q=0.5").await;
    let kind = as_cwt.header(header::CONTENT_TYPE).expect("a media type");
    assert_eq!(kind, "application/statuslist+cwt");
    assert_eq!(as_cwt.header(header::VARY), Some("Accept"));
    assert_ne!(as_cwt.header(header::ETAG), as_jwt.header(header::ETAG));
    let read = UnverifiedStatusList::parse(kind, &as_cwt.body).expect("a status list token");
    let types = [lanyard_core::sd_jwt_vc::Vct::parse("urn:example:employee-badge:1")
        .expect("a type")
        .into()];
    let (keys, now) = (server.ground.trust(), server.ground.now());
    let key = keys.find(&read.claimed_issuer(None, &types), now).await.expect("a trusted issuer");
    let uri = uri.clone().try_into().expect("a URI");
    let read = read.verify(key.key(), &uri, now, &RustCrypto).expect("our own list");
    assert_eq!(read.status(*index), Ok(Status::Invalid));
}

#[tokio::test]
async fn all_lists_are_found_by_the_metadata() {
    let server = Server::with_statuses();
    badge(&server).await;
    let metadata = server.get("/.well-known/oauth-authorization-server/demo").await.json();
    let endpoint = text(&metadata["status_list_aggregation_endpoint"]);
    let reply = server.get(path(&endpoint)).await;
    assert_eq!(reply.header(header::CONTENT_TYPE), Some("application/json"));
    let all = StatusListAggregation::parse("application/json", &reply.body).expect("a list");
    let all: Vec<_> = all.lists.iter().map(|list| list.as_str()).collect();
    assert_eq!(all, ["https://issuer.example/demo/status-lists/0"]);
    assert_eq!(list(&server, all[0]).await.aggregation().unwrap().as_str(), endpoint);

    let without = Server::new();
    let metadata = without.get("/.well-known/oauth-authorization-server/demo").await.json();
    assert_eq!(metadata.get("status_list_aggregation_endpoint"), None);
    assert_eq!(without.get("/demo/status-lists").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn another_replica_publishes_a_revocation_within_a_second() {
    let one = Server::with_statuses();
    let badge = badge(&one).await;
    let other = Server::on(Arc::clone(&one.ground));
    let path = path(&badge.places[0].1);
    let before = other.get(path).await.body;
    set(&one, &badge.id, "revoked").await;
    assert_eq!(other.get(path).await.body, before, "it asks the store now and then");
    one.ground.pass(SignedDuration::from_millis(999));
    assert_ne!(other.get(path).await.body, before);
}

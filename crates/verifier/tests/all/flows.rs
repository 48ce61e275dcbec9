//! The happy paths: every way to ask, and every way to answer.

use std::sync::Arc;

use http::{StatusCode, header};
use jiff::SignedDuration;
use lanyard_core::jose::UnverifiedJws;
use lanyard_store::{SqliteStore, Store as _};
use serde_json::{Value, json};

use crate::world::{World, badge_query, steps};

async fn verified(world: &World, body: Value) {
    let asked = world.ask(body.clone()).await;
    let answer = world.post(&world.answer(&asked).await).await;
    assert_eq!((answer.status, answer.text()), (StatusCode::OK, "{}".to_owned()), "{body}");
    assert_eq!(answer.header(header::CONTENT_TYPE), "application/json");
    let status = world.status(&asked).await;
    assert_eq!(status["state"], "verified", "{body}");
    assert_eq!(status["open"], false);
    let credential = &status["verdict"]["credentials"][0];
    assert_eq!(credential["claims"], json!({ "name": "Ada Lovelace" }), "{body}");
    assert_eq!(credential["issuer"]["name"], "Acme");
    let checks = credential["checks"].as_array().expect("checks");
    assert!(checks.iter().any(|check| check["id"] == "query" && check["outcome"] == "passed"));
}

#[tokio::test]
async fn verifies_a_presentation_by_each_client_id_prefix_response_mode_and_method() {
    let world = World::new();
    let query = badge_query(&["name"]);
    for mode in ["direct_post", "direct_post.jwt"] {
        for prefix in ["x509_hash", "x509_san_dns"] {
            for method in ["get", "post"] {
                let body = json!({
                    "dcql_query": query,
                    "response_mode": mode,
                    "client_id_prefix": prefix,
                    "request_uri_method": method,
                });
                verified(&world, body).await;
            }
        }
        let by_value = json!({
            "dcql_query": query,
            "response_mode": mode,
            "client_id_prefix": "redirect_uri",
        });
        verified(&world, by_value).await;
    }
}

#[tokio::test]
async fn asks_encrypted_and_by_the_certificate_s_hash_unless_told_otherwise() {
    let world = World::new();
    let asked = world.ask(json!({ "preset": "badge" })).await;
    assert!(asked.parameter("client_id").starts_with("x509_hash:"));
    let object = world.get(&asked.request_path()).await.text();
    let claims =
        UnverifiedJws::parse(&object).expect("a JWS").danger_unverified_claims().expect("claims");
    assert_eq!(claims["response_mode"], "direct_post.jwt");
    assert_eq!(claims["aud"], "https://self-issued.me/v2");
    assert!(!claims.contains_key("wallet_nonce"));
    assert!(!claims.contains_key("redirect_uri"));
    let status = world.status(&asked).await;
    assert_eq!(status["title"], "A colleague");
    assert_eq!(status["purpose"], "To let you in");
}

#[tokio::test]
async fn verifies_over_sqlite_and_after_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Arc::new(SqliteStore::open(folder.path()).expect("a store"));
    let world = World::with_store(store.clone());
    verified(&world, json!({ "preset": "badge" })).await;
    verified(&world, json!({ "preset": "badge", "response_mode": "direct_post" })).await;
    store.close().await.expect("everything is written");
}

#[tokio::test]
async fn the_request_object_is_served_twice_with_one_nonce_and_to_a_post_with_the_wallet_s_own() {
    let world = World::new();
    let asked = world.ask_for_name().await;
    let path = asked.request_path();
    let claims = |object: String| {
        let jws = UnverifiedJws::parse(&object).expect("a JWS");
        jws.danger_unverified_claims().expect("claims")
    };
    let first = claims(world.get(&path).await.text());
    let second = claims(world.get(&path).await.text());
    let form = "wallet_nonce=qPmxiNFCR3QTm19POc8u&wallet_metadata=%7B%7D";
    let third = claims(world.post_form(&path, form).await.text());
    for name in ["nonce", "state", "client_metadata", "response_uri"] {
        assert_eq!(first[name], second[name], "{name}");
        assert_eq!(first[name], third[name], "{name}");
    }
    assert_eq!(third["wallet_nonce"], "qPmxiNFCR3QTm19POc8u");
    let by_a_wallet_without_nonce = claims(world.post_form(&path, "").await.text());
    assert!(!by_a_wallet_without_nonce.contains_key("wallet_nonce"));
}

#[tokio::test]
async fn two_requests_share_neither_nonce_nor_state_nor_key_nor_path() {
    let world = World::new();
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..2 {
        let asked = world.ask_for_name().await;
        let object = world.get(&asked.request_path()).await.text();
        let claims = UnverifiedJws::parse(&object)
            .expect("a JWS")
            .danger_unverified_claims()
            .expect("claims");
        let key = claims["client_metadata"]["jwks"]["keys"][0]["x"].clone();
        for value in [&claims["nonce"], &claims["state"], &claims["response_uri"], &key] {
            assert!(seen.insert(value.as_str().expect("a text").to_owned()));
        }
        assert!(seen.insert(asked.request_path()));
    }
}

#[tokio::test]
async fn tells_every_step_of_a_presentation_in_order() {
    let world = World::new();
    let asked = world.ask_for_name().await;
    assert_eq!(steps(&world.status(&asked).await), ["request_created"]);
    let response = world.answer(&asked).await;
    let status = world.status(&asked).await;
    assert_eq!(steps(&status), ["request_created", "request_fetched"]);
    assert_eq!((&status["state"], &status["open"]), (&json!("waiting"), &json!(true)));
    world.post(&response).await;
    assert_eq!(
        steps(&world.status(&asked).await),
        ["request_created", "request_fetched", "response_received", "verified"]
    );
}

#[tokio::test]
async fn believes_further_authorities_for_one_request_when_told_so() {
    let world = World::new();
    let ca = lanyard_testkit::TestCa::new("Another authority");
    let leaf = ca.leaf(&lanyard_testkit::LeafOptions::named("Another issuer"));
    let validity = lanyard_core::credential::Validity::UNLIMITED;
    let held = world.issue(&leaf, crate::world::BADGE, validity).await;
    let holder = crate::world::Holder::of(&world, held);

    let trusting = json!({ "preset": "badge", "trust_anchors": [pem(ca.anchor_der())] });
    let asked = world.ask(trusting).await;
    let response = holder.answer(&asked).await;
    assert_eq!(world.post(&response).await.status, StatusCode::OK);
    assert_eq!(
        world.status(&asked).await["verdict"]["credentials"][0]["issuer"]["name"],
        "Another issuer"
    );

    let asked = world.ask_for_name().await;
    let response = holder.answer(&asked).await;
    assert_eq!(world.post(&response).await.refusal(), (400, "invalid_request".to_owned()));
    assert_eq!(world.status(&asked).await["verdict"]["reason"], "issuer_not_trusted");
}

#[tokio::test]
async fn a_result_can_be_read_for_a_quarter_of_an_hour_once_it_was_read() {
    let world = World::new();
    let asked = world.ask_for_name().await;
    world.post(&world.answer(&asked).await).await;
    world.clock.forward(SignedDuration::from_hours(23));
    assert_eq!(world.status(&asked).await["state"], "verified");
    world.clock.forward(SignedDuration::from_mins(14));
    assert_eq!(world.status(&asked).await["state"], "verified");
    world.clock.forward(SignedDuration::from_mins(2));
    let gone = world.api(http::Method::GET, &format!("requests/{}", asked.id), None).await;
    assert_eq!(gone.refusal(), (404, "not_found".to_owned()));
}

#[tokio::test]
async fn a_result_that_nobody_reads_is_gone_after_a_day() {
    let world = World::new();
    let asked = world.ask_for_name().await;
    world.post(&world.answer(&asked).await).await;
    world.clock.forward(crate::world::RETENTION);
    let gone = world.api(http::Method::GET, &format!("requests/{}", asked.id), None).await;
    assert_eq!(gone.refusal(), (404, "not_found".to_owned()));
}

fn pem(der: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<_> =
        text.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

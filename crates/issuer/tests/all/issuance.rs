//! From the offer to verified credentials, by the wallet's own states.

use std::sync::Arc;

use axum::{
    body::Body,
    http::{Request, header},
};
use lanyard_core::crypto::Signer;
use lanyard_oid4vci::{
    CredentialConfigurationId, Transport, TxCode,
    offer::OfferLink,
    wallet::{
        Discovery, IncomingResponse, Method, OfferReference, OutgoingRequest, ReceivedCredential,
        Showing,
    },
};
use lanyard_store::{SqliteStore, Store};
use lanyard_testkit::store;
use serde_json::{Value, json};

use crate::fixture::{Reply, Server, badge_claims, session, tenant, text};

async fn exchange(server: &Server, request: &OutgoingRequest) -> Reply {
    let method = match request.method {
        Method::Get => axum::http::Method::GET,
        Method::Post => axum::http::Method::POST,
    };
    let mut builder = Request::builder().method(method).uri(request.url.path());
    if let Some(kind) = request.body.content_type() {
        builder = builder.header(header::CONTENT_TYPE, kind);
    }
    if let Some(token) = &request.authorization {
        builder = builder.header(header::AUTHORIZATION, format!("Bearer {}", token.reveal()));
    }
    let body = Body::from(request.body.as_bytes().to_vec());
    server.send(builder.body(body).expect("the way is clear")).await
}

fn incoming(reply: &Reply) -> IncomingResponse<'_> {
    IncomingResponse {
        status: reply.status.as_u16(),
        content_type: reply.header(header::CONTENT_TYPE),
        body: &reply.body,
    }
}

/// The wallet's whole way from the link on.
async fn receive(
    server: &Server,
    link: &str,
    tx_code: Option<String>,
    keys: &[Arc<dyn Signer>],
) -> Vec<ReceivedCredential> {
    let offer = match OfferLink::parse(link, Transport::Https).expect("the way is clear") {
        OfferLink::ByValue(offer) => offer,
        OfferLink::ByReference(place) => {
            let reference = OfferReference::new(place);
            let reply = exchange(server, &reference.request()).await;
            reference.receive(incoming(&reply), Transport::Https).expect("the way is clear")
        }
    };
    let discovery = Discovery::new(offer);
    let reply = exchange(server, &discovery.request()).await;
    let (now, provider) = (server.ground.now(), &lanyard_core::crypto::RustCrypto);
    let discovery = discovery.receive(incoming(&reply), now, provider).expect("the way is clear");
    let reply = exchange(server, &discovery.request()).await;
    let redeemable = discovery
        .receive(incoming(&reply))
        .expect("the way is clear")
        .redeem()
        .expect("the way is clear");
    let request = redeemable.request(tx_code.map(TxCode::new)).expect("the way is clear");
    let granted =
        redeemable.receive(incoming(&exchange(server, &request).await)).expect("the way is clear");
    let reply = exchange(server, &granted.nonce_request().expect("the way is clear")).await;
    let nonce = granted.receive_nonce(incoming(&reply)).expect("the way is clear");
    let (now, badge) = (server.ground.now(), CredentialConfigurationId::new("employee_badge"));
    let provider = &lanyard_core::crypto::RustCrypto;
    let showing = Showing { nonce: Some(&nonce), attestation: None, at_once: None, now, provider };
    let pending = granted.request(&badge, keys, showing).await.expect("the way is clear");
    let reply = exchange(server, pending.request()).await;
    let trust = server.ground.trust();
    pending.receive(incoming(&reply), &trust, now).await.expect("the way is clear")
}

async fn goes_round(store: Arc<dyn Store>, by_reference: bool, tx_code: bool) {
    let server = Server::with_store(store);
    let created = server
        .make_offer(&json!({
            "configuration": "employee_badge", "claims": badge_claims(),
            "tx_code": tx_code, "by_reference": by_reference,
        }))
        .await
        .json();
    assert_eq!(created["tx_code"].is_string(), tx_code);
    let tx_code = created["tx_code"].as_str().map(str::to_owned);
    let keys = [server.ground.key(), server.ground.key()];
    let received = receive(&server, &text(&created["link"]), tx_code, &keys).await;

    assert_eq!(received.len(), 2);
    for (received, key) in received.iter().zip(&keys) {
        assert_eq!(received.key, Some(*key.public_key()));
        let claims = received.credential.claims();
        for (name, value) in badge_claims().as_object().expect("the way is clear") {
            assert_eq!(claims.claim(name), Some(value), "{name}");
        }
    }
    let status = server.api(axum::http::Method::GET, &path(&created), &Value::Null).await.json();
    assert_eq!(status["state"], "issued");
    let steps: Vec<_> = status["trail"]
        .as_array()
        .expect("the way is clear")
        .iter()
        .map(|event| text(&event["step"]))
        .collect();
    let fetched: &[_] = if by_reference { &["offer_fetched"] } else { &[] };
    let expected = [&["offer_created"], fetched, &["token_issued", "credential_issued"]].concat();
    assert_eq!(steps, expected);
}

fn path(created: &Value) -> String {
    format!("/api/demo/offers/{}", text(&created["id"]))
}

#[tokio::test]
async fn a_wallet_gets_verified_credentials_by_reference_and_by_value() {
    for (by_reference, tx_code) in [(true, false), (false, false), (true, true), (false, true)] {
        goes_round(store(), by_reference, tx_code).await;
    }
}

#[tokio::test]
async fn a_wallet_gets_verified_credentials_over_the_durable_store() {
    let folder = tempfile::tempdir().unwrap();
    goes_round(Arc::new(SqliteStore::open(folder.path()).unwrap()), true, true).await;
}

#[tokio::test]
async fn two_credentials_come_one_after_the_other_with_one_token() {
    let server = Server::new();
    let offer = server.offer_of_two().await;
    let token = server.access_to(&offer).await;
    server.finish(&token).await;
    assert_eq!(server.status(&offer).await["state"], "authorized");
    let request = json!({
        "credential_configuration_id": "diploma", "proofs": { "jwt": [server.proof().await] },
    });
    let reply = server.credential(&token, &request).await;
    assert_eq!(reply.status, 200, "{reply}");
    assert_eq!(server.status(&offer).await["state"], "issued");
}

#[tokio::test]
async fn every_logical_credential_is_on_record_once_however_many_copies_it_has() {
    let server = Server::new();
    let (offer, token) = server.access().await;
    let proofs = [server.proof().await, server.proof().await, server.proof().await];
    let request =
        json!({ "credential_configuration_id": "employee_badge", "proofs": { "jwt": proofs } });
    let reply = server.credential(&token, &request).await;
    assert_eq!(reply.json()["credentials"].as_array().unwrap().len(), 3);

    let (store, now) = (&server.ground.store, server.ground.now());
    let records = store.issued_in(&tenant("demo"), session(&offer)).await.unwrap();
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].configuration, "employee_badge");
    assert_eq!(records[0].issued_at, now);
    assert!(records[0].expires_at.unwrap() > now);
    assert!(store.issued_in(&tenant("other"), session(&offer)).await.unwrap().is_empty());
}

#[tokio::test]
async fn whoever_asks_with_authorization_details_gets_credential_identifiers() {
    let server = Server::new();
    let offer = server.offer_of_two().await;
    let details = json!([
        { "type": "openid_credential", "credential_configuration_id": "employee_badge" },
    ]);
    let details: String =
        url::form_urlencoded::byte_serialize(details.to_string().as_bytes()).collect();
    let form = format!(
        "grant_type={}&pre-authorized_code={}&authorization_details={details}",
        crate::fixture::GRANT,
        offer.code
    );
    let token = server.token(&form).await.json();
    let identifier = text(&token["authorization_details"][0]["credential_identifiers"][0]);
    let request = json!({
        "credential_identifier": identifier, "proofs": { "jwt": [server.proof().await] },
    });
    let reply = server.credential(&text(&token["access_token"]), &request).await;
    assert_eq!(reply.status, 200, "{reply}");
}

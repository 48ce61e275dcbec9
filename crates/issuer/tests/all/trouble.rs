//! A store that cannot answer, and a database that somebody moved things around in.

use axum::http::{Method, header};
use lanyard_core::crypto::RustCrypto;
use lanyard_store::{HandleKind, NewEvent, NewSession, Page, Session, SessionId, SessionKind};
use lanyard_testkit::store;
use serde_json::{Value, json};

use crate::fixture::{Server, badge_claims, data_key, refused, tenant};

#[tokio::test]
async fn a_store_that_cannot_answer_is_503_with_a_time_to_come_back() {
    let server = Server::new();
    let (offer, token) = server.access().await;
    let request = server.badge_request().await;
    server.ground.store.close().await.unwrap();
    let path = format!("/api/demo/offers/{}", offer.id);
    for reply in [
        server.redeem(&offer).await,
        server.credential(&token, &request).await,
        server.get(&offer.path).await,
        server
            .make_offer(&json!({ "configuration": "employee_badge", "claims": badge_claims() }))
            .await,
        server.api(Method::GET, &path, &Value::Null).await,
        server.api(Method::DELETE, &path, &Value::Null).await,
    ] {
        assert_eq!(reply.refusal(), refused(503, "temporarily_unavailable"));
        let seconds: u32 = reply.header(header::RETRY_AFTER).unwrap().parse().unwrap();
        assert!(seconds > 0);
    }
    // what needs no store goes on
    assert!(!server.nonce().await.is_empty());
    assert_eq!(server.get("/.well-known/openid-credential-issuer/demo").await.status, 200);
}

/// Puts a sealed state under another name, as somebody with the database could.
///
/// Gives a code that leads there: whoever has the database has the digests, not the keys, so this is more
/// than they could do.
async fn transplant(server: &Server, state: Vec<u8>, into: &str, id: SessionId) -> String {
    let (now, tenant, key) = (server.ground.now(), tenant(into), data_key(into));
    let code = key.lead_to(&tenant, id, &RustCrypto);
    let handles = vec![key.handle(&tenant, HandleKind::PreAuthorizedCode, &code, &RustCrypto)];
    let session = NewSession {
        tenant,
        id,
        kind: SessionKind::Offer,
        state,
        created_at: now,
        expires_at: now + jiff::SignedDuration::from_mins(10),
        handles,
        subject: None,
        once: Vec::new(),
        call: None,
        event: NewEvent::done(now, "offer_created"),
    };
    server.ground.store.insert(session).await.expect("the store takes it");
    code
}

#[tokio::test]
async fn a_sealed_state_opens_for_no_other_tenant_and_no_other_session() {
    let server = Server::with_store(store());
    let offer = server.offer().await;
    let store = &server.ground.store;
    let listed = store.list(&tenant("demo"), SessionKind::Offer, Page::first(1)).await.unwrap();
    let Session { state, id, .. } = listed[0].clone();

    let code = transplant(&server, state.clone(), "other", id).await;
    let form = format!("grant_type={}&pre-authorized_code={code}", crate::fixture::GRANT);
    let reply = server.send(crate::fixture::token_request("/other/token", &form)).await;
    assert_eq!(reply.refusal(), refused(500, "server_error"));

    let elsewhere = SessionId::new(server.ground.now(), [9; 10]);
    let code = transplant(&server, state, "demo", elsewhere).await;
    let form = format!("grant_type={}&pre-authorized_code={code}", crate::fixture::GRANT);
    assert_eq!(server.token(&form).await.refusal(), refused(500, "server_error"));
    server.access_to(&offer).await;
}

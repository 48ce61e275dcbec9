//! Offers by reference, and metadata (security catalogue rows 105–109).

use axum::{
    body::Body,
    http::{Method, StatusCode, header},
};
use jiff::SignedDuration;
use lanyard_core::json;
use lanyard_store::{NewEvent, NewSession, SessionId, SessionKind};
use serde_json::Value;

use crate::fixture::{Server, refused, request, tenant, text};

#[tokio::test]
async fn an_offer_may_be_fetched_again_while_it_waits_and_its_code_stays_single_use() {
    let server = Server::new();
    let offer = server.offer().await;
    let first = server.get(&offer.path).await;
    assert_eq!(first.header(header::CACHE_CONTROL), Some("no-store"));
    assert_eq!(first.header(header::CONTENT_TYPE), Some("application/json"));
    for _ in 0..4 {
        assert_eq!(server.get(&offer.path).await.body, first.body);
    }
    server.access_to(&offer).await;
    assert_eq!(server.redeem(&offer).await.refusal(), refused(400, "invalid_grant"));
    // redeemed: there is nothing left to fetch
    assert_eq!(server.get(&offer.path).await.refusal(), refused(404, "not_found"));
}

#[tokio::test]
async fn an_offer_path_is_not_to_be_guessed_and_not_its_session() {
    let server = Server::new();
    let (one, two) = (server.offer().await, server.offer().await);
    let secret = one.path.strip_prefix("/demo/offers/").unwrap();
    // the session's name, hidden, and 256 random bits
    let bytes = json::base64url_decode(secret).unwrap();
    assert_eq!(bytes.len(), 16 + 32);
    let name: SessionId = one.id.parse().unwrap();
    assert!(!bytes.windows(6).any(|window| *window == name.as_bytes()[..6]));
    assert_ne!(one.path, two.path);
    let by_session = server.get(&format!("/demo/offers/{}", one.id)).await;
    assert_eq!(by_session.refusal(), refused(404, "not_found"));
}

#[tokio::test]
async fn whatever_is_not_there_is_not_there_in_the_same_words() {
    let server = Server::new();
    let offer = server.offer().await;
    let secret = offer.path.strip_prefix("/demo/offers/").unwrap().to_owned();
    let reference = server.get("/demo/offers/unknown").await;
    assert_eq!(reference.refusal(), refused(404, "not_found"));
    let expired = server.offer().await;
    server.ground.pass(SignedDuration::from_mins(10));
    for path in [
        expired.path,
        format!("/other/offers/{secret}"),
        format!("/unknown/offers/{secret}"),
        format!("/Demo/offers/{secret}"),
        "/demo/offers/%00".to_owned(),
        "/demo/offers/%ff".to_owned(),
        "/demo/offers/".to_owned(),
    ] {
        let reply = server.get(&path).await;
        assert_eq!((reply.status, &reply.body), (reference.status, &reference.body), "{path}");
    }
}

#[tokio::test]
async fn metadata_is_found_by_insertion_and_describes_this_server() {
    let server = Server::new();
    let reply = server.get("/.well-known/openid-credential-issuer/demo").await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(reply.header(header::CONTENT_TYPE), Some("application/json"));
    assert_eq!(reply.header(header::ACCESS_CONTROL_ALLOW_ORIGIN), Some("*"));
    let metadata = reply.json();
    assert_eq!(metadata["credential_issuer"], "https://issuer.example/demo");
    assert_eq!(metadata["credential_endpoint"], "https://issuer.example/demo/credential");
    assert_eq!(metadata["nonce_endpoint"], "https://issuer.example/demo/nonce");
    let badge = &metadata["credential_configurations_supported"]["employee_badge"];
    assert_eq!(badge["format"], "dc+sd-jwt");

    let reply = server.get("/.well-known/oauth-authorization-server/other").await;
    assert_eq!(reply.status, StatusCode::OK);
    let metadata = reply.json();
    assert_eq!(metadata["issuer"], "https://issuer.example/other");
    assert_eq!(metadata["token_endpoint"], "https://issuer.example/other/token");
}

#[tokio::test]
async fn metadata_of_names_that_are_no_tenants_is_not_found() {
    let server = Server::new();
    let reference = server.get("/.well-known/openid-credential-issuer/unknown").await;
    assert_eq!(reference.refusal(), refused(404, "not_found"));
    for name in
        ["..", "%2e%2e", "%00", "", "/demo", "Demo", "DEMO", "demo%20", "demo/", "demo/..", "%ff"]
    {
        for document in ["openid-credential-issuer", "oauth-authorization-server"] {
            let path = format!("/.well-known/{document}/{name}");
            let reply = server.get(&path).await;
            assert_eq!((reply.status, &reply.body), (reference.status, &reference.body), "{path}");
        }
    }
    let appended = server.get("/demo/.well-known/openid-credential-issuer").await;
    assert_eq!(appended.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn no_header_decides_what_a_url_says() {
    let server = Server::new();
    let forged = |method: Method, path: &str| {
        request(method, path)
            .header(header::HOST, "evil.example")
            .header("x-forwarded-host", "evil.example")
            .header("x-forwarded-proto", "http")
            .header("x-forwarded-prefix", "/evil")
            .header(header::FORWARDED, "host=evil.example;proto=http")
            .header(header::AUTHORIZATION, format!("Bearer {}", crate::fixture::KEY))
            .header(header::CONTENT_TYPE, "application/json")
    };
    let body = r#"{"configuration":"employee_badge","claims":{"given_name":"Ada"}}"#;
    let made = forged(Method::POST, "/api/demo/offers").body(Body::from(body)).unwrap();
    let made = server.send(made).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made}");
    let uri = text(&made.json()["offer_uri"]);
    let path = uri.strip_prefix("https://issuer.example").unwrap().to_owned();
    let mut replies = vec![made];
    for path in [path.as_str(), "/.well-known/openid-credential-issuer/demo"] {
        let request = forged(Method::GET, path).body(Body::empty()).unwrap();
        replies.push(server.send(request).await);
    }
    for reply in replies {
        // not the word alone: four letters occur by chance in what is random
        let body = String::from_utf8_lossy(&reply.body);
        let believed = ["evil.example", "/evil", "%2Fevil"].iter().any(|evil| body.contains(evil));
        assert!(!believed, "{reply}");
        assert!(!format!("{:?}", reply.headers).contains("evil"));
    }
}

#[tokio::test]
async fn nonces_are_made_for_everybody_and_kept_nowhere() {
    let server = Server::new();
    let before = format!("{:?}", all_sessions(&server).await);
    let mut seen = std::collections::HashSet::new();
    for _ in 0..1000 {
        assert!(seen.insert(server.nonce().await));
    }
    assert_eq!(format!("{:?}", all_sessions(&server).await), before);

    let reply =
        server.send(request(Method::POST, "/demo/nonce").body(Body::empty()).unwrap()).await;
    assert_eq!(reply.header(header::CACHE_CONTROL), Some("no-store"));
    let members: Vec<_> = reply.json().as_object().unwrap().keys().cloned().collect();
    assert_eq!(members, ["c_nonce"]);
    let full = request(Method::POST, "/demo/nonce").body(Body::from("x")).unwrap();
    assert_eq!(server.send(full).await.refusal(), refused(413, "invalid_request"));
    assert_eq!(server.get("/demo/nonce").await.status, StatusCode::METHOD_NOT_ALLOWED);
}

async fn all_sessions(server: &Server) -> Vec<lanyard_store::Session> {
    let page = lanyard_store::Page::first(lanyard_store::Page::LARGEST);
    let (tenant, kind) = (crate::fixture::tenant("demo"), lanyard_store::SessionKind::Offer);
    server.ground.store.list(&tenant, kind, page).await.expect("the store answers")
}

#[tokio::test]
async fn every_endpoint_has_its_method() {
    let server = Server::new();
    let offer = server.offer().await;
    let id = format!("/api/demo/offers/{}", offer.id);
    for (method, path) in [
        (Method::GET, "/demo/token"),
        (Method::GET, "/demo/credential"),
        (Method::PUT, "/demo/nonce"),
        (Method::POST, offer.path.as_str()),
        (Method::POST, "/.well-known/openid-credential-issuer/demo"),
        (Method::GET, "/api/demo/offers"),
        (Method::PUT, id.as_str()),
    ] {
        let reply = server.api(method.clone(), path, &Value::Null).await;
        assert_eq!(reply.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
        assert!(reply.headers.contains_key(header::ALLOW));
    }
}

/// A session of the verifier beside it, in the same store, which lives for ten minutes.
pub(crate) async fn presentation_request(server: &Server) -> SessionId {
    another_session(server, SessionKind::Request).await
}

async fn another_session(server: &Server, kind: SessionKind) -> SessionId {
    let now = server.ground.now();
    let id = SessionId::new(now, [7; 10]);
    let session = NewSession {
        tenant: tenant("demo"),
        id,
        kind,
        state: b"sealed by somebody else".to_vec(),
        created_at: now,
        expires_at: now + SignedDuration::from_mins(10),
        handles: Vec::new(),
        subject: None,
        once: Vec::new(),
        call: None,
        event: NewEvent::done(now, "request_created"),
    };
    server.ground.store.insert(session).await.expect("a name of its own");
    id
}

#[tokio::test]
async fn what_is_no_offer_is_not_there_for_whoever_may_read_offers_live_or_expired() {
    for kind in [SessionKind::Request, SessionKind::Authorization] {
        let server = Server::new();
        let id = another_session(&server, kind).await;
        for age in ["live", "expired"] {
            for (method, path, body) in [
                (Method::GET, "", Value::Null),
                (Method::GET, "/qr.svg", Value::Null),
                (Method::GET, "/events", Value::Null),
                (Method::POST, "/decision", serde_json::json!({ "decision": "release" })),
                (Method::DELETE, "", Value::Null),
            ] {
                let path = format!("/api/demo/offers/{id}{path}");
                let reply = server.api(method, &path, &body).await;
                assert_eq!(reply.refusal(), refused(404, "not_found"), "{age} {kind:?} {path}");
            }
            server.ground.pass(SignedDuration::from_mins(10));
        }
    }
}

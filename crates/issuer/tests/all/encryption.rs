//! Encrypted requests and responses over HTTP.

use axum::{
    body::Body,
    http::{Method, StatusCode, header},
};
use lanyard_core::{
    crypto::{ContentEncryption, CryptoProvider as _, Curve, RustCrypto},
    jose::{EncryptionRecipient, Jwk, UnopenedJwe},
};
use lanyard_oid4vci::encryption::EncryptionRule;
use serde_json::{Value, json};

use crate::fixture::{Reply, Server, refused, request};

/// A body encrypted to the key in the server's metadata.
async fn sealed(server: &Server, body: &Value) -> String {
    let place = "/.well-known/openid-credential-issuer/demo";
    let metadata = server.get(place).await.json();
    let jwk = &metadata["credential_request_encryption"]["jwks"]["keys"][0];
    let jwk = Jwk::from_value(jwk).expect("the metadata have a key");
    let recipient = EncryptionRecipient { jwk, enc: ContentEncryption::A256Gcm };
    recipient.encrypt(body.to_string().as_bytes(), None, &RustCrypto).expect("it encrypts")
}

async fn send(server: &Server, token: &str, jwe: String) -> Reply {
    let request = request(Method::POST, "/demo/credential")
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header(header::CONTENT_TYPE, "application/jwt")
        .body(Body::from(jwe))
        .expect("a request");
    server.send(request).await
}

#[tokio::test]
async fn an_encrypted_request_gets_the_answer_that_it_asks_for() {
    let server = Server::with_encryption(EncryptionRule::Required);
    let (_, token) = server.access().await;
    let plain = server.credential(&token, &server.badge_request().await).await;
    assert_eq!(plain.refusal(), refused(400, "invalid_encryption_parameters"));

    let key = RustCrypto.generate_key(Curve::P256).expect("a key");
    let jwk = Jwk {
        alg: Some("ECDH-ES".to_owned()),
        kid: Some("k".to_owned()),
        ..Jwk::new(*key.public())
    };
    let mut body = server.badge_request().await;
    body["credential_response_encryption"] =
        json!({ "jwk": jwk.to_value(), "enc": "A128GCM", "zip": "DEF" });
    let reply = send(&server, &token, sealed(&server, &body).await).await;
    assert_eq!(reply.status, StatusCode::OK, "{reply}");
    assert_eq!(reply.header(header::CONTENT_TYPE), Some("application/jwt"));
    assert_eq!(reply.header(header::CACHE_CONTROL), Some("no-store"));
    let text = String::from_utf8(reply.body).expect("a JWE is text");
    let jwe = UnopenedJwe::parse_compressed(&text).expect("a JWE");
    assert_eq!(jwe.header().kid.as_deref(), Some("k"));
    let json = jwe.open(&key, &[ContentEncryption::A128Gcm], &RustCrypto).expect("it opens");
    let response: Value = serde_json::from_slice(&json).expect("JSON");
    assert_eq!(response["credentials"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn refuses_to_encrypt_a_response_to_an_unencrypted_request() {
    let server = Server::with_encryption(EncryptionRule::Offered);
    let (offer, token) = server.access().await;
    let key = RustCrypto.generate_key(Curve::P256).expect("a key");
    let jwk = Jwk { alg: Some("ECDH-ES".to_owned()), ..Jwk::new(*key.public()) };
    let mut body = server.badge_request().await;
    body["credential_response_encryption"] = json!({ "jwk": jwk.to_value(), "enc": "A256GCM" });
    // OID4VCI 1.0 §8.2: what would be answered, sent encrypted, is refused plain
    let reply = server.credential(&token, &body).await;
    assert_eq!(reply.refusal(), refused(400, "invalid_encryption_parameters"));
    assert_eq!(server.trail(&offer).await.pop().as_deref(), Some("refused: request_not_encrypted"));
    let reply = send(&server, &token, sealed(&server, &body).await).await;
    assert_eq!(reply.status, StatusCode::OK, "{reply}");
}

#[tokio::test]
async fn an_error_is_never_encrypted_and_costs_nothing() {
    let server = Server::with_encryption(EncryptionRule::Offered);
    let (_, token) = server.access().await;
    let key = RustCrypto.generate_key(Curve::P256).expect("a key");
    let jwk = Jwk { alg: Some("ECDH-ES".to_owned()), ..Jwk::new(*key.public()) };
    let mut body = server.badge_request().await;
    body["credential_response_encryption"] = json!({ "jwk": jwk.to_value(), "enc": "A192GCM" });
    let reply = send(&server, &token, sealed(&server, &body).await).await;
    assert_eq!(reply.refusal(), refused(400, "invalid_encryption_parameters"));
    let reply = send(&server, &token, "not.a.jwe".to_owned()).await;
    assert_eq!(reply.refusal(), refused(400, "invalid_encryption_parameters"));
    server.finish(&token).await;
}

#[tokio::test]
async fn metadata_come_signed_to_whoever_asks_for_that_alone() {
    let server = Server::new();
    let place = "/.well-known/openid-credential-issuer/demo";
    let ask = async |accept: &str| {
        let request = request(Method::GET, place).header(header::ACCEPT, accept);
        server.send(request.body(Body::empty()).expect("a request")).await
    };
    for (accept, kind) in [
        ("application/jwt", "application/jwt"),
        ("application/jwt, application/json;q=0.5", "application/jwt"),
        ("application/json, application/jwt", "application/json"),
        ("application/jwt;q=0.1, */*", "application/json"),
        ("text/html", "application/json"),
    ] {
        let reply = ask(accept).await;
        assert_eq!(reply.status, StatusCode::OK, "{accept}");
        assert_eq!(reply.header(header::CONTENT_TYPE), Some(kind), "{accept}");
        assert_eq!(reply.header(header::VARY), Some("accept, accept-language"), "{accept}");
    }
    assert_eq!(server.get(place).await.header(header::CONTENT_TYPE), Some("application/json"));
}

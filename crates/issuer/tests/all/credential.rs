//! The credential endpoint, one broken rule at a time (security catalogue rows 86–101).

use axum::{
    body::Body,
    http::{Method, StatusCode, header},
};
use jiff::SignedDuration;
use lanyard_core::json::Object;
use serde_json::{Value, json};

use crate::fixture::{Reply, Server, credential_request, refused, request, sign};

#[tokio::test]
async fn a_credential_response_has_these_members_alone_and_is_not_stored() {
    let server = Server::new();
    let (_, token) = server.access().await;
    let reply = server.credential(&token, &server.badge_request().await).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(reply.header(header::CACHE_CONTROL), Some("no-store"));
    assert_eq!(reply.header(header::CONTENT_TYPE), Some("application/json"));
    let members: Vec<_> = reply.json().as_object().unwrap().keys().cloned().collect();
    assert_eq!(members, ["credentials", "notification_id"]);
}

#[tokio::test]
async fn refuses_tokens_that_are_not_good_here() {
    let server = Server::new();
    let (_, token) = server.access().await;
    let body = server.badge_request().await;
    for (path, shown) in [
        ("/demo/credential", "garbage"),
        ("/demo/credential", crate::fixture::KEY),
        ("/other/credential", token.as_str()),
    ] {
        let reply = server.send(credential_request(path, shown, &body)).await;
        assert_eq!(reply.refusal(), refused(401, "invalid_token"), "{path}");
        let challenge = reply.header(header::WWW_AUTHENTICATE);
        assert_eq!(challenge, Some(r#"Bearer error="invalid_token""#));
    }
    server.finish(&token).await;
}

#[tokio::test]
async fn refuses_an_expired_token() {
    let server = Server::new();
    let (_, token) = server.access().await;
    server.ground.pass(SignedDuration::from_mins(5));
    let reply = server.credential(&token, &server.badge_request().await).await;
    assert_eq!(reply.refusal(), refused(401, "invalid_token"));
}

#[tokio::test]
async fn refuses_a_token_whose_offer_was_withdrawn() {
    let server = Server::new();
    let (offer, token) = server.access().await;
    let path = format!("/api/demo/offers/{}", offer.id);
    let gone = server.api(Method::DELETE, &path, &Value::Null).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    let reply = server.credential(&token, &server.badge_request().await).await;
    assert_eq!(reply.refusal(), refused(401, "invalid_token"));
}

#[tokio::test]
async fn gives_each_credential_once() {
    let server = Server::new();
    let (offer, token) = server.access().await;
    server.finish(&token).await;
    let reply = server.credential(&token, &server.badge_request().await).await;
    assert_eq!(reply.refusal(), refused(400, "credential_request_denied"));
    let trail = server.trail(&offer).await;
    assert!(trail.contains(&"refused: credential_already_issued".to_owned()), "{trail:?}");
}

async fn with_header(server: &Server, path: &str, headers: &[&str]) -> Reply {
    let mut builder = request(Method::POST, path).header(header::CONTENT_TYPE, "application/json");
    for value in headers {
        builder = builder.header(header::AUTHORIZATION, *value);
    }
    let body = Body::from(server.badge_request().await.to_string());
    server.send(builder.body(body).expect("a request")).await
}

#[tokio::test]
async fn takes_the_token_from_one_authorization_header_alone() {
    let server = Server::new();
    let (_, token) = server.access().await;
    let good = format!("Bearer {token}");

    let in_query = format!("/demo/credential?access_token={token}");
    let reply = with_header(&server, &in_query, &[]).await;
    assert_eq!(reply.refusal(), refused(400, "invalid_request"));
    let reply = with_header(&server, &in_query, &[&good]).await;
    assert_eq!(reply.refusal(), refused(400, "invalid_request"));
    let reply = with_header(&server, "/demo/credential", &[&good, &good]).await;
    assert_eq!(reply.refusal(), refused(400, "invalid_request"));
    for malformed in ["Bearer", "Bearer ", "Bearer a b", "Bearer a,b"] {
        let reply = with_header(&server, "/demo/credential", &[malformed]).await;
        assert_eq!(reply.refusal(), refused(400, "invalid_request"), "{malformed}");
    }
    let basic = "Basic eDp5";
    for none in [&[][..], &[basic][..]] {
        let reply = with_header(&server, "/demo/credential", none).await;
        assert_eq!(reply.refusal(), refused(401, "invalid_token"));
        // RFC 6750 §3.1: who showed nothing is told no error code in the challenge
        assert_eq!(reply.header(header::WWW_AUTHENTICATE), Some("Bearer"));
    }
    let any_case = format!("bEaReR {token}");
    let reply = with_header(&server, "/demo/credential", &[&any_case]).await;
    assert_eq!(reply.status, StatusCode::OK, "{reply}");
}

/// A good request with one change is refused, and a good one is answered after it.
async fn refusal(change: impl FnOnce(&mut Value)) -> (u16, String, Option<String>) {
    let server = Server::new();
    let (offer, token) = server.access().await;
    let mut body = server.badge_request().await;
    change(&mut body);
    let reply = server.credential(&token, &body).await;
    let (status, code) = reply.refusal();
    let reason = server.trail(&offer).await.pop();
    server.finish(&token).await;
    (status, code, reason)
}

fn told(status: u16, code: &str, reason: &str) -> (u16, String, Option<String>) {
    (status, code.to_owned(), Some(format!("refused: {reason}")))
}

#[tokio::test]
async fn refuses_a_configuration_that_was_not_offered() {
    let change = |body: &mut Value| body["credential_configuration_id"] = json!("diploma");
    let expected = told(400, "credential_request_denied", "credential_not_offered");
    assert_eq!(refusal(change).await, expected);
}

#[tokio::test]
async fn refuses_a_request_that_does_not_name_one_credential_in_one_way() {
    let expected = told(400, "invalid_credential_request", "credential_name_ambiguous");
    let both = |body: &mut Value| body["credential_identifier"] = json!("employee_badge.1");
    assert_eq!(refusal(both).await, expected);
    let neither = |body: &mut Value| {
        body.as_object_mut().unwrap().remove("credential_configuration_id");
    };
    assert_eq!(refusal(neither).await, expected);
    let identifier = |body: &mut Value| {
        body.as_object_mut().unwrap().remove("credential_configuration_id");
        body["credential_identifier"] = json!("employee_badge.1");
    };
    let expected = told(400, "unknown_credential_identifier", "credential_configuration_expected");
    assert_eq!(refusal(identifier).await, expected);
}

#[tokio::test]
async fn refuses_unknown_configurations_and_identifiers_with_codes_of_their_own() {
    let change = |body: &mut Value| body["credential_configuration_id"] = json!("unknown");
    let code = "unknown_credential_configuration";
    let expected = told(400, code, "credential_configuration_unknown");
    assert_eq!(refusal(change).await, expected);

    let server = Server::new();
    let offer = server.offer().await;
    let details =
        r#"[{"type":"openid_credential","credential_configuration_id":"employee_badge"}]"#;
    let details: String = url::form_urlencoded::byte_serialize(details.as_bytes()).collect();
    let grant = crate::fixture::GRANT;
    let code = &offer.code;
    let form =
        format!("grant_type={grant}&pre-authorized_code={code}&authorization_details={details}");
    let token = server.token(&form).await.json()["access_token"].as_str().unwrap().to_owned();
    let proofs = json!({ "jwt": [server.proof().await] });
    let body = json!({ "credential_identifier": "unknown", "proofs": proofs });
    let reply = server.credential(&token, &body).await;
    assert_eq!(reply.refusal(), refused(400, "unknown_credential_identifier"));
    let body = json!({ "credential_identifier": "employee_badge.1", "proofs": proofs });
    assert_eq!(server.credential(&token, &body).await.status, StatusCode::OK);
}

#[tokio::test]
async fn refuses_proofs_of_the_wrong_shape() {
    let missing = |body: &mut Value| {
        body.as_object_mut().unwrap().remove("proofs");
    };
    assert_eq!(refusal(missing).await, told(400, "invalid_proof", "proofs_missing"));
    let singular = |body: &mut Value| {
        let proof = body["proofs"]["jwt"][0].clone();
        body.as_object_mut().unwrap().remove("proofs");
        body["proof"] = json!({ "proof_type": "jwt", "jwt": proof });
    };
    assert_eq!(refusal(singular).await, told(400, "invalid_proof", "proofs_missing"));
    for proofs in [json!({}), json!({ "jwt": [] }), json!({ "jwt": "x" }), json!([])] {
        let change = |body: &mut Value| body["proofs"] = proofs.clone();
        let expected = told(400, "invalid_proof", "proofs_malformed");
        assert_eq!(refusal(change).await, expected, "{proofs}");
    }
    let two_types = |body: &mut Value| body["proofs"]["attestation"] = json!(["x"]);
    assert_eq!(refusal(two_types).await, told(400, "invalid_proof", "proofs_malformed"));
    let other = |body: &mut Value| body["proofs"] = json!({ "attestation": ["x"] });
    assert_eq!(refusal(other).await, told(400, "invalid_proof", "proof_type_unsupported"));
}

#[tokio::test]
async fn refuses_two_proofs_of_one_key_and_more_than_a_batch() {
    let twice = |body: &mut Value| {
        let proof = body["proofs"]["jwt"][0].clone();
        body["proofs"]["jwt"] = json!([proof, proof]);
    };
    assert_eq!(refusal(twice).await, told(400, "invalid_proof", "proof_key_repeated"));
    let many = |body: &mut Value| {
        let proof = body["proofs"]["jwt"][0].clone();
        body["proofs"]["jwt"] = json!(vec![proof; 21]);
    };
    let expected = told(400, "invalid_credential_request", "proofs_too_many");
    assert_eq!(refusal(many).await, expected);
}

#[tokio::test]
async fn refuses_to_encrypt_a_response_to_what_is_no_key() {
    let change = |body: &mut Value| {
        body["credential_response_encryption"] = json!({ "jwk": {}, "enc": "A256GCM" });
    };
    let expected = told(400, "invalid_encryption_parameters", "encryption_parameters");
    assert_eq!(refusal(change).await, expected);
}

#[tokio::test]
async fn ignores_members_it_does_not_know() {
    let server = Server::new();
    let (_, token) = server.access().await;
    let mut body = server.badge_request().await;
    body["whatever"] = json!({ "x": [1, 2, 3] });
    assert_eq!(server.credential(&token, &body).await.status, StatusCode::OK);
}

/// A good proof with one change, and the nonce's issuer, is refused; a good one is answered after it.
async fn proof_refusal(
    change: impl FnOnce(&mut Object, &mut Object),
) -> (u16, String, Option<String>) {
    let server = Server::new();
    let (offer, token) = server.access().await;
    let key = server.ground.key();
    let (mut header, mut claims) = server.proof_parts(&*key).await;
    change(&mut header, &mut claims);
    let proof = sign(header, claims, &*key).await;
    let body =
        json!({ "credential_configuration_id": "employee_badge", "proofs": { "jwt": [proof] } });
    let (status, code) = server.credential(&token, &body).await.refusal();
    let reason = server.trail(&offer).await.pop();
    server.finish(&token).await;
    (status, code, reason)
}

fn set(members: &mut Object, name: &str, value: Value) {
    members.insert(name.to_owned(), value);
}

#[tokio::test]
async fn tells_a_wrong_nonce_from_a_missing_one() {
    let forged = |_: &mut Object, claims: &mut Object| set(claims, "nonce", json!("forged"));
    assert_eq!(proof_refusal(forged).await, told(400, "invalid_nonce", "nonce_unknown"));
    let missing = |_: &mut Object, claims: &mut Object| {
        claims.shift_remove("nonce");
    };
    assert_eq!(proof_refusal(missing).await, told(400, "invalid_proof", "proof_nonce_missing"));
}

#[tokio::test]
async fn refuses_the_nonce_of_another_tenant() {
    let server = Server::new();
    let (_, token) = server.access().await;
    let key = server.ground.key();
    let (header, mut claims) = server.proof_parts(&*key).await;
    set(&mut claims, "nonce", json!(server.nonce_of("other").await));
    let proof = sign(header, claims, &*key).await;
    let body =
        json!({ "credential_configuration_id": "employee_badge", "proofs": { "jwt": [proof] } });
    let reply = server.credential(&token, &body).await;
    assert_eq!(reply.refusal(), refused(400, "invalid_nonce"));
    server.finish(&token).await;
}

#[tokio::test]
async fn refuses_an_expired_nonce() {
    let server = Server::new();
    let key = server.ground.key();
    let (header, mut claims) = server.proof_parts(&*key).await;
    server.ground.pass(SignedDuration::from_secs(301));
    set(&mut claims, "iat", json!(server.ground.now().as_second()));
    let (_, token) = server.access().await;
    let proof = sign(header, claims, &*key).await;
    let body =
        json!({ "credential_configuration_id": "employee_badge", "proofs": { "jwt": [proof] } });
    let reply = server.credential(&token, &body).await;
    assert_eq!(reply.refusal(), refused(400, "invalid_nonce"));
    server.finish(&token).await;
}

#[tokio::test]
async fn takes_a_nonce_from_one_replica_at_another_one_also_after_a_restart() {
    let first = Server::new();
    let (_, token) = first.access().await;
    let body = first.badge_request().await;
    let ground = std::sync::Arc::clone(&first.ground);
    drop(first);
    // the same secrets, as every replica has them
    let second = Server::on(ground);
    let reply = second.credential(&token, &body).await;
    assert_eq!(reply.status, StatusCode::OK, "{reply}");
}

#[tokio::test]
async fn refuses_a_proof_for_another_audience() {
    for aud in [
        json!("https://issuer.example/other"),
        json!("https://issuer.example/demo/"),
        json!("https://issuer.example/demo/token"),
        json!("http://issuer.example/demo"),
        json!(["https://issuer.example/demo"]),
    ] {
        let change = |_: &mut Object, claims: &mut Object| set(claims, "aud", aud.clone());
        let expected = told(400, "invalid_proof", "proof_aud");
        assert_eq!(proof_refusal(change).await, expected, "{aud}");
    }
}

#[tokio::test]
async fn refuses_a_proof_made_at_another_time_or_by_a_named_client() {
    let now = Server::new().ground.now().as_second();
    for iat in [now - 3600, now + 3600] {
        let change = |_: &mut Object, claims: &mut Object| set(claims, "iat", json!(iat));
        let expected = told(400, "invalid_proof", "proof_iat_window");
        assert_eq!(proof_refusal(change).await, expected);
    }
    for iat in [json!(now.to_string()), Value::Null] {
        let change = |_: &mut Object, claims: &mut Object| set(claims, "iat", iat.clone());
        let expected = told(400, "invalid_proof", "proof_iat_missing");
        assert_eq!(proof_refusal(change).await, expected);
    }
    let named = |_: &mut Object, claims: &mut Object| set(claims, "iss", json!("wallet"));
    assert_eq!(proof_refusal(named).await, told(400, "invalid_proof", "proof_iss_present"));
}

#[tokio::test]
async fn refuses_a_proof_with_two_keys_none_or_one_that_would_be_fetched() {
    let two = |header: &mut Object, _: &mut Object| set(header, "kid", json!("did:jwk:x#0"));
    assert_eq!(proof_refusal(two).await, told(400, "invalid_proof", "proof_key_ambiguous"));
    let none = |header: &mut Object, _: &mut Object| {
        header.shift_remove("jwk");
    };
    assert_eq!(proof_refusal(none).await, told(400, "invalid_proof", "proof_key_ambiguous"));
    let fetched = |header: &mut Object, _: &mut Object| {
        header.shift_remove("jwk");
        set(header, "kid", json!("did:web:10.0.0.1#key"));
    };
    assert_eq!(proof_refusal(fetched).await, told(400, "invalid_proof", "proof_kid"));
}

#[tokio::test]
async fn refuses_a_proof_that_another_key_signed() {
    let server = Server::new();
    let (_, token) = server.access().await;
    let (header, claims) = server.proof_parts(&*server.ground.key()).await;
    let proof = sign(header, claims, &*server.ground.key()).await;
    let body =
        json!({ "credential_configuration_id": "employee_badge", "proofs": { "jwt": [proof] } });
    let reply = server.credential(&token, &body).await;
    assert_eq!(reply.refusal(), refused(400, "invalid_proof"));
    server.finish(&token).await;
}

async fn raw(server: &Server, token: &str, content_type: &str, body: String) -> Reply {
    let builder = request(Method::POST, "/demo/credential")
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header(header::CONTENT_TYPE, content_type);
    server.send(builder.body(Body::from(body)).expect("a request")).await
}

#[tokio::test]
async fn refuses_bodies_that_are_no_strict_json() {
    let server = Server::new();
    let (_, token) = server.access().await;
    for body in ["", "{", "[]", "null", r#"{"a":1,"a":1}"#, "\u{feff}{}"] {
        let reply = raw(&server, &token, "application/json", body.to_owned()).await;
        assert_eq!(reply.refusal(), refused(400, "invalid_credential_request"), "{body}");
    }
    for kind in ["text/plain", "application/json; charset=utf-16"] {
        let body = server.badge_request().await.to_string();
        let reply = raw(&server, &token, kind, body).await;
        assert_eq!(reply.refusal(), refused(415, "invalid_credential_request"), "{kind}");
    }
    let body = format!(r#"{{"x":"{}"}}"#, "a".repeat(1024 * 1024));
    let reply = raw(&server, &token, "application/json", body).await;
    assert_eq!(reply.refusal(), refused(413, "invalid_credential_request"));
    server.finish(&token).await;
}

//! The token endpoint, one broken rule at a time (security catalogue rows 77–84).

use axum::{
    body::Body,
    http::{Method, StatusCode, header},
};
use jiff::SignedDuration;
use serde_json::json;

use crate::fixture::{GRANT, Offer, Reply, Server, refused, request, token_request};

/// The code still works after the refusal.
async fn still_works(server: &Server, offer: &Offer) {
    let token = server.access_to(offer).await;
    server.finish(&token).await;
}

#[tokio::test]
async fn a_token_response_is_bearer_for_five_minutes_and_not_stored() {
    let server = Server::new();
    let reply = server.redeem(&server.offer().await).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(reply.header(header::CACHE_CONTROL), Some("no-store"));
    assert_eq!(reply.header(header::CONTENT_TYPE), Some("application/json"));
    let body = reply.json();
    assert_eq!((&body["token_type"], &body["expires_in"]), (&json!("Bearer"), &json!(300)));
    let members: Vec<_> = body.as_object().unwrap().keys().collect();
    assert_eq!(members, ["access_token", "token_type", "expires_in"]);
}

#[tokio::test]
async fn refuses_a_code_that_was_used_and_leaves_the_first_token_alone() {
    let server = Server::new();
    let (offer, token) = server.access().await;
    assert_eq!(server.redeem(&offer).await.refusal(), refused(400, "invalid_grant"));
    server.finish(&token).await;
    let trail = server.trail(&offer).await;
    assert!(trail.contains(&"refused: code_used".to_owned()), "{trail:?}");
}

#[tokio::test]
async fn refuses_a_missing_tx_code_without_costing_a_try() {
    let server = Server::new();
    let offer = server.offer_with_tx_code().await;
    for _ in 0..8 {
        let reply = server.redeem_with(&offer, None).await;
        assert_eq!(reply.refusal(), refused(400, "invalid_request"));
        let reply = server.redeem_with(&offer, Some("")).await;
        assert_eq!(reply.refusal(), refused(400, "invalid_request"));
    }
    still_works(&server, &offer).await;
}

#[tokio::test]
async fn refuses_a_tx_code_that_nobody_asked_for() {
    let server = Server::new();
    let offer = server.offer().await;
    let reply = server.redeem_with(&offer, Some("123456")).await;
    assert_eq!(reply.refusal(), refused(400, "invalid_request"));
    still_works(&server, &offer).await;
}

#[tokio::test]
async fn refuses_a_wrong_tx_code_and_leaves_the_code_alive() {
    let server = Server::new();
    for wrong in ["0", "%EF%BC%91%EF%BC%92%EF%BC%93", "+{}", "{}+", "0{}", "{}0"] {
        let offer = server.offer_with_tx_code().await;
        let typed = wrong.replace("{}", offer.tx_code.as_deref().unwrap());
        let reply = server.redeem_with(&offer, Some(&typed)).await;
        assert_eq!(reply.refusal(), refused(400, "invalid_grant"), "{wrong}");
        let trail = server.trail(&offer).await;
        assert!(trail.contains(&"tx_code_wrong: tx_code_wrong".to_owned()), "{trail:?}");
        still_works(&server, &offer).await;
    }
}

#[tokio::test]
async fn kills_the_code_with_the_fifth_wrong_tx_code() {
    let server = Server::new();
    let offer = server.offer_with_tx_code().await;
    for _ in 0..5 {
        let reply = server.redeem_with(&offer, Some("wrong")).await;
        assert_eq!(reply.refusal(), refused(400, "invalid_grant"));
    }
    assert_eq!(server.redeem(&offer).await.refusal(), refused(400, "invalid_grant"));
    assert_eq!(server.status(&offer).await["state"], "tx_code_exhausted");
    let trail = server.trail(&offer).await;
    let wrong = trail.iter().filter(|step| *step == "tx_code_wrong: tx_code_wrong").count();
    assert_eq!(wrong, 4, "{trail:?}");
    assert!(trail.contains(&"refused: tx_code_exhausted".to_owned()), "{trail:?}");
}

#[tokio::test]
async fn refuses_an_expired_code() {
    let server = Server::new();
    let offer = server.offer().await;
    server.ground.pass(SignedDuration::from_mins(10));
    assert_eq!(server.redeem(&offer).await.refusal(), refused(400, "invalid_grant"));
    assert_eq!(server.status(&offer).await["state"], "expired");
}

#[tokio::test]
async fn refuses_a_code_after_the_clock_was_set_back_behind_its_making() {
    let server = Server::new();
    let offer = server.offer().await;
    server.ground.pass(SignedDuration::from_hours(-1));
    assert_eq!(server.redeem(&offer).await.refusal(), refused(400, "invalid_grant"));
    server.ground.pass(SignedDuration::from_hours(1));
    still_works(&server, &offer).await;
}

#[tokio::test]
async fn refuses_a_code_that_is_unknown_or_of_another_tenant() {
    let server = Server::new();
    let offer = server.offer().await;
    let form = format!("grant_type={GRANT}&pre-authorized_code=garbage");
    assert_eq!(server.token(&form).await.refusal(), refused(400, "invalid_grant"));
    let form = format!("grant_type={GRANT}&pre-authorized_code={}", offer.code);
    let reply = server.send(token_request("/other/token", &form)).await;
    assert_eq!(reply.refusal(), refused(400, "invalid_grant"));
    still_works(&server, &offer).await;
}

#[tokio::test]
async fn refuses_a_parameter_that_is_repeated() {
    let server = Server::new();
    let offer = server.offer().await;
    let code = &offer.code;
    for form in [
        format!("grant_type={GRANT}&pre-authorized_code={code}&pre-authorized_code={code}"),
        format!("grant_type={GRANT}&grant_type={GRANT}&pre-authorized_code={code}"),
        format!("grant_type={GRANT}&pre-authorized_code={code}&x=1&x=1"),
    ] {
        assert_eq!(server.token(&form).await.refusal(), refused(400, "invalid_request"), "{form}");
    }
    still_works(&server, &offer).await;
}

#[tokio::test]
async fn ignores_parameters_it_does_not_know() {
    let server = Server::new();
    let offer = server.offer().await;
    let form = format!("grant_type={GRANT}&pre-authorized_code={}&whatever=1", offer.code);
    assert_eq!(server.token(&form).await.status, StatusCode::OK);
}

#[tokio::test]
async fn refuses_grants_it_does_not_have() {
    let server = Server::new();
    let offer = server.offer().await;
    for (form, code) in [
        ("grant_type=authorization_code&code=x", "unsupported_grant_type"),
        ("grant_type=password", "unsupported_grant_type"),
        ("grant_type=", "invalid_request"),
        ("", "invalid_request"),
    ] {
        assert_eq!(server.token(form).await.refusal(), refused(400, code), "{form}");
    }
    let form = format!("pre-authorized_code={}", offer.code);
    assert_eq!(server.token(&form).await.refusal(), refused(400, "invalid_request"));
    let form = format!("grant_type={GRANT}");
    assert_eq!(server.token(&form).await.refusal(), refused(400, "invalid_request"));
    still_works(&server, &offer).await;
}

async fn typed(server: &Server, offer: &Offer, content_type: Option<&str>) -> Reply {
    let mut builder = request(Method::POST, "/demo/token");
    if let Some(content_type) = content_type {
        builder = builder.header(header::CONTENT_TYPE, content_type);
    }
    let form = format!("grant_type={GRANT}&pre-authorized_code={}", offer.code);
    server.send(builder.body(Body::from(form)).expect("a request")).await
}

#[tokio::test]
async fn takes_forms_and_nothing_else() {
    let server = Server::new();
    let offer = server.offer().await;
    for wrong in [
        None,
        Some("application/json"),
        Some("text/plain"),
        Some("application/x-www-form-urlencoded;charset=utf-16"),
        Some("multipart/form-data; boundary=x"),
    ] {
        let reply = typed(&server, &offer, wrong).await;
        assert_eq!(reply.refusal(), refused(415, "invalid_request"), "{wrong:?}");
    }
    let right = "Application/X-WWW-Form-Urlencoded; charset=UTF-8";
    assert_eq!(typed(&server, &offer, Some(right)).await.status, StatusCode::OK);
}

#[tokio::test]
async fn refuses_a_form_that_is_too_large() {
    let server = Server::new();
    let offer = server.offer().await;
    let form = format!("grant_type={GRANT}&pre-authorized_code={}&x=", offer.code);
    let fitting = format!("{form}{}", "a".repeat(64 * 1024 - form.len()));
    let reply = server.token(&format!("{fitting}a")).await;
    assert_eq!(reply.refusal(), refused(413, "invalid_request"));
    assert_eq!(server.token(&fitting).await.status, StatusCode::OK);
}

#[tokio::test]
async fn refuses_client_authentication_that_is_not_offered() {
    let server = Server::new();
    let offer = server.offer().await;
    let form = format!("grant_type={GRANT}&pre-authorized_code={}", offer.code);
    let mut basic = token_request("/demo/token", &form);
    basic.headers_mut().insert(header::AUTHORIZATION, "Basic eDp5".parse().unwrap());
    let reply = server.send(basic).await;
    assert_eq!(reply.refusal(), refused(401, "invalid_client"));
    assert!(reply.headers.contains_key(header::WWW_AUTHENTICATE));
    let reply = server.token(&format!("{form}&client_secret=x")).await;
    assert_eq!(reply.refusal(), refused(401, "invalid_client"));
    still_works(&server, &offer).await;
}

#[tokio::test]
async fn refuses_authorization_details_for_what_was_not_offered() {
    let server = Server::new();
    let offer = server.offer().await;
    let details = r#"[{"type":"openid_credential","credential_configuration_id":"diploma"}]"#;
    let details: String = url::form_urlencoded::byte_serialize(details.as_bytes()).collect();
    let form = format!(
        "grant_type={GRANT}&pre-authorized_code={}&authorization_details={details}",
        offer.code
    );
    let reply = server.token(&form).await;
    assert_eq!(reply.refusal(), refused(400, "invalid_authorization_details"));
    still_works(&server, &offer).await;
}

#[tokio::test]
async fn an_error_description_reflects_nothing() {
    let server = Server::new();
    let hostile = "%22%3E%3Cqqq%3E%0D%0AX%3A+y+%C3%A9";
    for form in [
        format!("grant_type={hostile}"),
        format!("grant_type={GRANT}&pre-authorized_code={hostile}"),
        format!("{hostile}={hostile}"),
    ] {
        let reply = server.token(&form).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST);
        reply.refusal();
        assert!(!String::from_utf8_lossy(&reply.body).contains("qqq"), "{reply}");
    }
}

//! The integrators' API.

use axum::{
    body::Body,
    http::{Method, StatusCode, header},
};
use jiff::SignedDuration;
use lanyard_issuer::{IssuerError, IssuerService, SettingsError};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::fixture::{
    KEY, OTHER_KEY, READER_KEY, Server, api_request, badge_claims, refused, request, session,
    tenant, text,
};

fn badge() -> Value {
    json!({ "configuration": "employee_badge", "claims": badge_claims() })
}

#[tokio::test]
async fn an_offer_is_answered_with_everything_it_takes_to_show_it() {
    let server = Server::new();
    let reply = server.make_offer(&badge()).await;
    assert_eq!(reply.status, StatusCode::CREATED);
    assert_eq!(reply.header(header::CACHE_CONTROL), Some("no-store"));
    let body = reply.json();
    let members: Vec<_> = body.as_object().unwrap().keys().collect();
    assert_eq!(members, ["id", "link", "offer_uri", "expires_at"]);
    assert!(text(&body["link"]).starts_with("openid-credential-offer://?credential_offer_uri="));
    let expires_at: jiff::Timestamp = text(&body["expires_at"]).parse().unwrap();
    assert_eq!(expires_at, server.ground.now() + SignedDuration::from_mins(10));
    let place = reply.header(header::LOCATION).unwrap();
    assert_eq!(place, format!("offers/{}", text(&body["id"])));

    let mut by_value = badge();
    by_value["by_reference"] = json!(false);
    by_value["tx_code"] = json!(true);
    let body = server.make_offer(&by_value).await.json();
    assert!(text(&body["link"]).starts_with("openid-credential-offer://?credential_offer=%7B"));
    assert_eq!(text(&body["tx_code"]).len(), 6);
}

#[tokio::test]
async fn only_the_tenants_own_key_opens_its_api() {
    let server = Server::new();
    let offer = server.offer().await;
    let (offers, one) = ("/api/demo/offers".to_owned(), format!("/api/demo/offers/{}", offer.id));
    for (method, path) in [
        (Method::POST, offers),
        (Method::GET, one.clone()),
        (Method::DELETE, one.clone()),
        (Method::GET, format!("{one}/events")),
        (Method::GET, format!("{one}/qr.svg")),
    ] {
        let none = request(method.clone(), &path).body(Body::empty()).unwrap();
        let reply = server.send(none).await;
        assert_eq!(reply.refusal(), refused(401, "invalid_token"), "{method} {path}");
        assert_eq!(reply.header(header::WWW_AUTHENTICATE), Some("Bearer"));
        let wrong = api_request(method.clone(), &path, "wrong", &badge());
        assert_eq!(server.send(wrong).await.refusal(), refused(401, "invalid_token"));
        // another tenant's key learns nothing: as if the offer, or the tenant, did not exist
        let foreign = api_request(method.clone(), &path, OTHER_KEY, &badge());
        let reply = server.send(foreign).await;
        assert_eq!(reply.refusal(), refused(404, "not_found"), "{method} {path}");
        let nowhere = api_request(method.clone(), &path.replace("demo", "nobody"), KEY, &badge());
        assert_eq!(server.send(nowhere).await.body, reply.body);
    }
    let in_query = format!("{one}?access_token={KEY}");
    let reply = server.get(&in_query).await;
    assert_eq!(reply.refusal(), refused(400, "invalid_request"));
    assert_eq!(server.status(&offer).await["state"], "offered");
}

#[tokio::test]
async fn a_token_in_the_query_is_refused_whatever_the_header_has() {
    // RFC 6750 §2.3, RFC 9700 §4.3.2
    let server = Server::new();
    let offer = server.offer().await;
    let path = format!("/api/demo/offers/{}?access_token={KEY}", offer.id);
    let reply = server.send(api_request(Method::DELETE, &path, KEY, &Value::Null)).await;
    assert_eq!(reply.refusal(), refused(400, "invalid_request"));
    assert_eq!(
        reply.json()["error_description"],
        "a token in the query is not taken; send it in the Authorization header"
    );
    assert_eq!(reply.header(header::WWW_AUTHENTICATE), Some(r#"Bearer error="invalid_request""#));
    assert_eq!(server.status(&offer).await["state"], "offered");
}

#[tokio::test]
async fn an_api_key_that_nobody_has_is_told_to_be_one() {
    let server = Server::new();
    let reply = server.send(api_request(Method::POST, "/api/demo/offers", "wrong", &badge())).await;
    assert_eq!(reply.json()["error_description"], "the API key is unknown or revoked");
}

#[tokio::test]
async fn an_offer_of_another_tenant_is_not_there() {
    let server = Server::new();
    let offer = server.offer().await;
    let path = format!("/api/other/offers/{}", offer.id);
    for method in [Method::GET, Method::DELETE] {
        let request = api_request(method, &path, OTHER_KEY, &Value::Null);
        assert_eq!(server.send(request).await.refusal(), refused(404, "not_found"));
    }
    for id in ["unknown", "%00", "019ab555e2007fffbfffffffffffffff"] {
        let path = format!("/api/demo/offers/{id}");
        let reply = server.api(Method::GET, &path, &Value::Null).await;
        assert_eq!(reply.refusal(), refused(404, "not_found"), "{id}");
    }
    assert_eq!(server.status(&offer).await["state"], "offered");
}

async fn refusal(body: Value) -> ((u16, String), String) {
    let reply = Server::new().make_offer(&body).await;
    (reply.refusal(), text(&reply.json()["error_description"]))
}

#[tokio::test]
async fn refuses_a_body_of_the_wrong_shape_and_says_what_is_wrong() {
    let claims = badge_claims();
    for (body, says) in [
        (json!([]), "not a JSON object"),
        (json!({}), "name the credentials in credentials"),
        (json!({ "credentials": [], "configuration": "x" }), "name the credentials"),
        (json!({ "configuration": "employee_badge" }), "claims is missing"),
        (json!({ "claims": claims }), "configuration is missing"),
        (json!({ "configuration": 1, "claims": claims }), "configuration must be a string"),
        (json!({ "configuration": "x", "claims": "y" }), "claims must be an object"),
        (json!({ "credentials": {} }), "credentials must be an array"),
        (json!({ "credentials": ["x"] }), "credentials must be an array of objects"),
        (json!({ "configuration": "x", "claims": {}, "tx_code": 1 }), "tx_code must be true"),
        (json!({ "configuration": "x", "claims": {}, "by_reference": "no" }), "by_reference must"),
        (json!({ "configuration": "x", "claims": {}, "lifetime": 1 }), "no member lifetime"),
        (json!({ "credentials": [], "lifetime": 1 }), "no member lifetime"),
        (
            json!({ "credentials": [{ "configuration": "x", "claims": {}, "y": 1 }] }),
            "no member y; known are configuration, claims",
        ),
    ] {
        let (refusal, description) = refusal(body.clone()).await;
        assert_eq!(refusal, refused(400, "invalid_request"), "{body}");
        assert!(description.contains(says), "{description}");
    }
}

#[tokio::test]
async fn refuses_what_cannot_be_offered_before_it_is_offered() {
    let offer = |name: &str, claims: Value| json!({ "configuration": name, "claims": claims });
    for (body, code) in [
        (json!({ "credentials": [] }), "offer_empty"),
        (offer("unknown", json!({})), "credential_configuration_unknown"),
        (offer("employee_badge", json!({})), "claim_missing"),
        (offer("employee_badge", json!({ "given_name": 1 })), "claim_wrong_value"),
        (
            offer("employee_badge", json!({ "given_name": "A", "since": "2019-02-30" })),
            "claim_wrong_value",
        ),
        (
            offer("employee_badge", json!({ "given_name": "A", "salary": 1 })),
            "claim_not_configured",
        ),
        (json!({ "credentials": [badge(), badge()] }), "credential_configuration_repeated"),
    ] {
        assert_eq!(refusal(body.clone()).await.0, refused(422, code), "{body}");
    }
}

#[tokio::test]
async fn a_refusal_names_claims_and_never_repeats_their_values() {
    let hostile = "\"><script>\r\nX: y é";
    let body = json!({
        "configuration": "employee_badge",
        "claims": { "given_name": "Ada", "since": hostile },
    });
    let (refusal, description) = refusal(body).await;
    assert_eq!(refusal, refused(422, "claim_wrong_value"));
    assert!(description.contains("since") && !description.contains("script"), "{description}");
}

#[tokio::test]
async fn refuses_bodies_that_are_too_large_or_no_json() {
    let server = Server::new();
    let send = |kind: &'static str, body: String| {
        let builder = request(Method::POST, "/api/demo/offers")
            .header(header::AUTHORIZATION, format!("Bearer {KEY}"))
            .header(header::CONTENT_TYPE, kind);
        server.send(builder.body(Body::from(body)).unwrap())
    };
    let reply = send("text/plain", badge().to_string()).await;
    assert_eq!(reply.refusal(), refused(415, "invalid_request"));
    let reply = send("application/json", " ".repeat(1024 * 1024 + 1)).await;
    assert_eq!(reply.refusal(), refused(413, "invalid_request"));
    let twice = r#"{"configuration":"employee_badge","configuration":"diploma","claims":{}}"#;
    let reply = send("application/json", twice.to_owned()).await;
    assert_eq!(reply.refusal(), refused(400, "invalid_request"));
    let mut gzip = api_request(Method::POST, "/api/demo/offers", KEY, &badge());
    gzip.headers_mut().insert(header::CONTENT_ENCODING, "gzip".parse().unwrap());
    assert_eq!(server.send(gzip).await.refusal(), refused(415, "invalid_request"));
}

#[tokio::test]
async fn claims_that_look_like_code_are_issued_as_they_are() {
    let server = Server::new();
    let name = "<svg onload=alert(1)>'; DROP TABLE sessions;-- =cmd|' /C calc'!A0";
    let offer = server
        .offer_of(&json!({ "configuration": "employee_badge", "claims": { "given_name": name } }))
        .await;
    let token = server.access_to(&offer).await;
    let reply = server.credential(&token, &server.badge_request().await).await;
    let credential = text(&reply.json()["credentials"][0]["credential"]);
    let disclosed = credential.split('~').skip(1).any(|disclosure| {
        let bytes = lanyard_core::json::base64url_decode(disclosure).unwrap_or_default();
        serde_json::from_slice::<Value>(&bytes).is_ok_and(|value| value[2] == name)
    });
    assert!(disclosed);
}

#[tokio::test]
async fn a_withdrawn_offer_is_worth_nothing_and_stays_withdrawn() {
    let server = Server::new();
    let offer = server.offer().await;
    let path = format!("/api/demo/offers/{}", offer.id);
    for _ in 0..2 {
        let reply = server.api(Method::DELETE, &path, &Value::Null).await;
        assert_eq!(reply.status, StatusCode::NO_CONTENT);
    }
    assert_eq!(server.status(&offer).await["state"], "withdrawn");
    assert_eq!(server.trail(&offer).await.last().unwrap(), "offer_withdrawn");
    assert_eq!(server.get(&offer.path).await.refusal(), refused(404, "not_found"));
    assert_eq!(server.redeem(&offer).await.refusal(), refused(400, "invalid_grant"));
    let qr = server.api(Method::GET, &format!("{path}/qr.svg"), &Value::Null).await;
    assert_eq!(qr.refusal(), refused(409, "offer_not_waiting"));
}

#[tokio::test]
async fn what_was_issued_cannot_be_withdrawn() {
    let server = Server::new();
    let (offer, token) = server.access().await;
    server.finish(&token).await;
    let path = format!("/api/demo/offers/{}", offer.id);
    let reply = server.api(Method::DELETE, &path, &Value::Null).await;
    assert_eq!(reply.refusal(), refused(409, "already_issued"));
    assert_eq!(server.status(&offer).await["state"], "issued");
}

#[tokio::test]
async fn a_waiting_offer_is_shown_as_a_qr_code() {
    let server = Server::new();
    let offer = server.offer().await;
    let path = format!("/api/demo/offers/{}/qr.svg", offer.id);
    let reply = server.api(Method::GET, &path, &Value::Null).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(reply.header(header::CONTENT_TYPE), Some("image/svg+xml"));
    assert_eq!(reply.header(header::CACHE_CONTROL), Some("no-store"));
    let picture = String::from_utf8(reply.body).unwrap();
    assert!(picture.contains("<svg") && picture.contains("</svg>"));
    let shown = server.service.show_offer(&tenant("demo"), session(&offer)).await.unwrap();
    assert!(shown.link.contains("credential_offer_uri="));
}

#[tokio::test]
async fn the_status_is_kept_for_as_long_as_the_settings_say() {
    let server = Server::new();
    let (offer, token) = server.access().await;
    server.finish(&token).await;
    server.ground.pass(SignedDuration::from_mins(59));
    assert_eq!(server.status(&offer).await["state"], "issued");
    server.ground.pass(SignedDuration::from_mins(1));
    server.ground.store.purge_expired(server.ground.now(), 100).await.unwrap();
    let gone = server.service.offer_status(&tenant("demo"), session(&offer)).await;
    assert!(matches!(gone, Err(IssuerError::UnknownOffer)));
}

#[tokio::test]
async fn settings_that_contradict_each_other_are_refused() {
    let server = Server::new();
    let settings = || {
        let (_, shutdown) = watch::channel(false);
        server.ground.settings(shutdown)
    };
    for base in ["https://issuer.example/path/", "https://issuer.example/?x", "data:x"] {
        let mut settings = settings();
        settings.base_url = base.parse().unwrap();
        assert_eq!(IssuerService::new(settings).unwrap_err(), SettingsError::BaseUrl, "{base}");
    }
    let mut elsewhere = settings();
    elsewhere.base_url = "https://elsewhere.example".parse().unwrap();
    let expected = "https://elsewhere.example/demo".to_owned();
    assert_eq!(
        IssuerService::new(elsewhere).unwrap_err(),
        SettingsError::IssuerElsewhere { tenant: tenant("demo"), expected }
    );
    let mut twice = settings();
    twice.tenants.extend(settings().tenants);
    assert_eq!(
        IssuerService::new(twice).unwrap_err(),
        SettingsError::TenantRepeated(tenant("demo"))
    );
}

#[tokio::test]
async fn a_key_is_good_for_its_scopes_and_a_refusal_names_the_one_that_is_missing() {
    let server = Server::new();
    let offer = server.offer().await;
    let one = format!("/api/demo/offers/{}", offer.id);
    let read = api_request(Method::GET, &one, READER_KEY, &Value::Null);
    assert_eq!(server.send(read).await.status, StatusCode::OK);
    for (method, path, scope) in [
        (Method::POST, "/api/demo/offers", "offers:write"),
        (Method::DELETE, one.as_str(), "offers:write"),
        (Method::POST, "/api/demo/credentials/search", "credentials:read"),
        (Method::POST, "/api/demo/credentials/revoke", "credentials:write"),
        (Method::POST, "/api/demo/credentials/issue", "credentials:issue"),
        (Method::POST, "/api/demo/subjects/erase", "subjects:erase"),
    ] {
        let reply = server.send(api_request(method, path, READER_KEY, &badge())).await;
        assert_eq!(reply.refusal(), refused(403, "insufficient_scope"), "{path}");
        let challenge = format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\"");
        assert_eq!(reply.header(header::WWW_AUTHENTICATE), Some(challenge.as_str()));
    }
    // in another tenant it is nobody's key but demo's
    let elsewhere = api_request(Method::GET, "/api/other/offers/x", READER_KEY, &Value::Null);
    assert_eq!(server.send(elsewhere).await.refusal(), refused(404, "not_found"));
    assert_eq!(server.status(&offer).await["state"], "offered");
}

//! The authorization request: pushed, opened in a browser, decided (security catalogue rows 110 and 111;
//! the FAPI modules of the conformance suite).

use axum::http::{Method, header};
use jiff::SignedDuration;
use lanyard_issuer::Consent;
use lanyard_testkit::store;
use serde_json::json;

use crate::{
    code_wallet::{Answer, ISSUER, Wallet, server, server_in, server_where_ada_agrees},
    fixture::{Server, refused, request, text},
};

const LOG_IN: [(&str, &str); 3] =
    [("decision", "log_in"), ("user", "ada"), ("password", "lovelace")];

#[tokio::test]
async fn a_holder_logs_in_and_agrees_and_the_wallet_gets_the_badge() {
    let server = server();
    let mut wallet = Wallet::new(&server);
    let reply = wallet.push(&server, &wallet.parts()).await;
    assert_eq!(reply.status, 201, "{reply}");
    assert_eq!(reply.header(header::CACHE_CONTROL), Some("no-store"));
    assert_eq!(reply.json()["expires_in"], 60);
    let request_uri = text(&reply.json()["request_uri"]);
    assert!(request_uri.starts_with("urn:ietf:params:oauth:request_uri:"), "{request_uri}");

    let answer = wallet.answer(&server, &request_uri).await;
    assert_eq!(answer.one("state").as_deref(), Some("what the wallet wants back: a&b"));
    assert_eq!(answer.one("from").as_deref(), Some("login"));
    let code = answer.one("code").unwrap();
    assert_eq!(code.len(), 64);
    let reply = wallet.token(&server, &code).await;
    assert_eq!(reply.status, 200, "{reply}");
    let body = reply.json();
    assert_eq!((&body["token_type"], &body["expires_in"]), (&json!("DPoP"), &json!(600)));
    assert!(body.get("authorization_details").is_none() && body.get("id_token").is_none());
    let reply = wallet.badge(&server, &text(&body["access_token"])).await;
    assert_eq!(reply.status, 200, "{reply}");

    // it is found by the name that its holder logged in with
    assert_eq!((server.issued_to("ada").await, server.issued_to("bob").await), (1, 0));
}

#[tokio::test]
async fn the_pages_are_plain_forms_that_nobody_frames_or_keeps() {
    let server = server();
    let mut wallet = Wallet::new(&server);
    let request_uri = wallet.pushed(&server).await;
    let page = wallet.open(&server, &request_uri).await;
    assert_eq!(page.header(header::CACHE_CONTROL), Some("no-store"));
    assert_eq!(page.header(header::REFERRER_POLICY), Some("no-referrer"));
    let policy = page.header(header::CONTENT_SECURITY_POLICY).unwrap();
    assert!(policy.contains("default-src 'none'"), "{policy}");
    assert!(policy.contains("form-action 'self' https://wallet.example;"), "{policy}");
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    let html = String::from_utf8(page.body.clone()).unwrap();
    assert!(!html.contains("<script") && !html.contains("style="), "{html}");
    assert!(html.contains("Alder &#38; Finch") || html.contains("Alder &amp; Finch"), "{html}");
    let cookie = page.header(header::SET_COOKIE).unwrap();
    assert!(cookie.starts_with("__Host-lanyard-login="), "{cookie}");
    for rule in ["HttpOnly", "SameSite=Lax", "Secure", "Path=/"] {
        assert!(cookie.contains(rule), "{cookie}");
    }
    let stylesheet = server.get("/demo/authorize.css").await;
    assert_eq!(stylesheet.header(header::CONTENT_TYPE), Some("text/css; charset=utf-8"));
}

#[tokio::test]
async fn the_metadata_says_what_is_enforced() {
    let server = server();
    let metadata = server.get("/.well-known/oauth-authorization-server/demo").await.json();
    assert_eq!(metadata["issuer"], ISSUER);
    assert_eq!(metadata["authorization_endpoint"], format!("{ISSUER}/authorize"));
    assert_eq!(metadata["pushed_authorization_request_endpoint"], format!("{ISSUER}/par"));
    assert_eq!(metadata["require_pushed_authorization_requests"], true);
    assert_eq!(metadata["response_types_supported"], json!(["code"]));
    assert_eq!(metadata["code_challenge_methods_supported"], json!(["S256"]));
    assert_eq!(metadata["authorization_response_iss_parameter_supported"], true);
    assert_eq!(metadata["dpop_signing_alg_values_supported"], json!(["ES256", "ES384", "EdDSA"]));
    assert!(metadata.get("challenge_endpoint").is_none());
    let bare = Server::new().get("/.well-known/oauth-authorization-server/demo").await.json();
    assert!(bare.get("authorization_endpoint").is_none(), "{bare}");
    let reply = Server::new().get("/demo/authorize?client_id=wallet&request_uri=x").await;
    assert_eq!(reply.status, 404);
}

#[tokio::test]
async fn refuses_a_pushed_request_that_breaks_one_rule() {
    let server = server();
    let wallet = Wallet::new(&server);
    for (parts, code) in [
        (wallet.parts_without("response_type"), "invalid_request"),
        (wallet.parts_with("response_type", "token"), "unsupported_response_type"),
        (wallet.parts_with("response_type", "code id_token"), "unsupported_response_type"),
        (wallet.parts_without("redirect_uri"), "invalid_request"),
        (wallet.parts_with("redirect_uri", "https://wallet.example/callback"), "invalid_request"),
        (
            wallet.parts_with("redirect_uri", "https://wallet.example/callback?from=login&a=b"),
            "invalid_request",
        ),
        (wallet.parts_with("redirect_uri", "https://other.example/callback"), "invalid_request"),
        (wallet.parts_without("code_challenge"), "invalid_request"),
        (wallet.parts_without("code_challenge_method"), "invalid_request"),
        (wallet.parts_with("code_challenge_method", "plain"), "invalid_request"),
        (wallet.parts_with("code_challenge", "short"), "invalid_request"),
        (wallet.parts_with("request_uri", "urn:x"), "invalid_request"),
        (wallet.parts_with("request", "a.b.c"), "request_not_supported"),
        (wallet.parts_with("state", &"s".repeat(3000)), "invalid_request"),
        (wallet.parts_with("scope", "unknown openid"), "invalid_scope"),
        (wallet.parts_without("scope"), "invalid_scope"),
        (wallet.parts_with("client_id", "nobody"), "invalid_client"),
        (wallet.parts_without("client_id"), "invalid_client"),
        (wallet.parts_with("issuer_state", "guess"), "invalid_request"),
        (wallet.parts_with("authorization_details", "[]"), "invalid_authorization_details"),
        (
            wallet.parts_with(
                "authorization_details",
                r#"[{"type":"openid_credential","credential_configuration_id":"none"}]"#,
            ),
            "invalid_authorization_details",
        ),
        (
            wallet.parts_with(
                "authorization_details",
                r#"[{"type":"openid_credential","credential_configuration_id":"diploma","locations":["https://other.example"]}]"#,
            ),
            "invalid_authorization_details",
        ),
    ] {
        let reply = wallet.push(&server, &parts).await;
        assert_eq!(reply.refusal(), refused(400, code), "{parts:?}");
    }
    let mut twice = wallet.parts();
    twice.push(("state".to_owned(), "again".to_owned()));
    assert_eq!(wallet.push(&server, &twice).await.refusal(), refused(400, "invalid_request"));
    // unknown parameters and scopes are nobody's business, a long state is
    for parts in [
        wallet.parts_with("extra", "1"),
        wallet.parts_with("scope", "openid employee_badge"),
        wallet.parts_with("state", &"s".repeat(1000)),
        wallet.parts_without("state"),
    ] {
        assert_eq!(wallet.push(&server, &parts).await.status, 201, "{parts:?}");
    }
}

#[tokio::test]
async fn takes_pushed_requests_by_post_alone() {
    let server = server();
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let sent = request(method, "/demo/par").body(axum::body::Body::empty()).unwrap();
        assert_eq!(server.send(sent).await.status, 405);
    }
}

#[tokio::test]
async fn without_a_state_none_comes_back() {
    let server = server_where_ada_agrees();
    let mut wallet = Wallet::new(&server);
    let reply = wallet.push(&server, &wallet.parts_without("state")).await;
    let reply = wallet.open(&server, &text(&reply.json()["request_uri"])).await;
    let answer = Answer::of(&reply);
    assert_eq!((answer.one("state"), answer.one("code").is_some()), (None, true));
}

#[tokio::test]
async fn a_request_that_was_not_pushed_goes_back_if_its_place_is_known() {
    let server = server();
    let mut wallet = Wallet::new(&server);
    let query = crate::code_wallet::form(&wallet.parts());
    let reply = server.get(&format!("/demo/authorize?{query}")).await;
    assert_eq!(Answer::of(&reply).one("error").as_deref(), Some("invalid_request"));
    for (name, value) in
        [("redirect_uri", "https://evil.example/callback"), ("client_id", "nobody")]
    {
        let query = crate::code_wallet::form(&wallet.parts_with(name, value));
        let reply = server.get(&format!("/demo/authorize?{query}")).await;
        assert_eq!(reply.status, 400, "{name}");
        assert!(reply.header(header::LOCATION).is_none());
    }
    // what is not part of the pushed request counts for nothing
    let agrees = server_where_ada_agrees();
    let request_uri = wallet.pushed(&agrees).await;
    let more = [("state", "evil"), ("redirect_uri", "https://evil.example/"), ("scope", "diploma")];
    let more = more.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let query = crate::code_wallet::form(
        &[
            &[
                ("client_id".to_owned(), "wallet".to_owned()),
                ("request_uri".to_owned(), request_uri),
            ],
            &more[..],
        ]
        .concat(),
    );
    let answer = Answer::of(&agrees.get(&format!("/demo/authorize?{query}")).await);
    assert_eq!(answer.one("state").as_deref(), Some("what the wallet wants back: a&b"));
    wallet.cookie = None;
}

#[tokio::test]
async fn a_request_uri_is_good_for_its_client_its_minute_and_one_decision() {
    let server = server();
    let mut wallet = Wallet::new(&server);
    let request_uri = wallet.pushed(&server).await;
    // another client's: a page, and no redirect to anybody
    let reply = wallet.open_as(&server, "other", &request_uri).await;
    assert_eq!((reply.status.as_u16(), reply.header(header::LOCATION)), (400, None));
    // the same browser may come again before the decision
    assert_eq!(wallet.open(&server, &request_uri).await.status, 200);
    assert_eq!(wallet.open(&server, &request_uri).await.status, 200);
    let answer = wallet.answer(&server, &request_uri).await;
    assert!(answer.one("code").is_some());
    let reply = wallet.open(&server, &request_uri).await;
    assert_eq!((reply.status.as_u16(), reply.header(header::LOCATION)), (400, None));

    let late = wallet.pushed(&server).await;
    server.ground.pass(SignedDuration::from_secs(61));
    let reply = wallet.open(&server, &late).await;
    assert_eq!(reply.status, 400);
    assert_eq!(wallet.open(&server, "urn:ietf:params:oauth:request_uri:guess").await.status, 400);
}

#[tokio::test]
async fn a_holder_may_take_longer_than_the_request_uri_lives() {
    let server = server();
    let mut wallet = Wallet::new(&server);
    let request_uri = wallet.pushed(&server).await;
    assert_eq!(wallet.open(&server, &request_uri).await.status, 200);
    server.ground.pass(SignedDuration::from_mins(5));
    assert!(wallet.answer(&server, &request_uri).await.one("code").is_some());
    // but another browser may not come that late
    let request_uri = wallet.pushed(&server).await;
    assert_eq!(wallet.open(&server, &request_uri).await.status, 200);
    server.ground.pass(SignedDuration::from_mins(5));
    wallet.cookie = None;
    let reply = wallet.open(&server, &request_uri).await;
    assert_eq!(Answer::of(&reply).one("error").as_deref(), Some("invalid_request_uri"));
}

#[tokio::test]
async fn another_browser_begins_from_the_beginning() {
    let server = server();
    let mut wallet = Wallet::new(&server);
    let request_uri = wallet.pushed(&server).await;
    wallet.open(&server, &request_uri).await;
    wallet.submit(&server, &request_uri, &LOG_IN).await;
    wallet.cookie = None;
    // without the cookie of the page, an agreement is the page first, and nobody is logged in
    let reply = wallet.submit(&server, &request_uri, &[("decision", "allow")]).await;
    assert_eq!(reply.status, 200);
    assert!(String::from_utf8_lossy(&reply.body).contains("password"));
}

#[tokio::test]
async fn a_form_from_elsewhere_decides_nothing() {
    let server = server();
    let mut wallet = Wallet::new(&server);
    let request_uri = wallet.pushed(&server).await;
    wallet.open(&server, &request_uri).await;
    for (name, value) in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")] {
        let mut sent = wallet.form_of(&request_uri, &[("decision", "deny")]);
        sent.headers_mut().insert(name, value.parse().unwrap());
        assert_eq!(server.send(sent).await.status, 400, "{name}");
    }
    assert!(wallet.answer(&server, &request_uri).await.one("code").is_some());
}

#[tokio::test]
async fn whoever_declines_sends_the_wallet_away_with_access_denied() {
    let server = server();
    let mut wallet = Wallet::new(&server);
    let request_uri = wallet.pushed(&server).await;
    wallet.open(&server, &request_uri).await;
    let reply = wallet.submit(&server, &request_uri, &[("decision", "deny")]).await;
    let answer = Answer::of(&reply);
    assert_eq!(answer.one("error").as_deref(), Some("access_denied"));
    assert_eq!(answer.one("state").as_deref(), Some("what the wallet wants back: a&b"));
    assert!(answer.one("code").is_none());
    assert_eq!(wallet.open(&server, &request_uri).await.status, 400);

    let never = server_in(store(), Consent::DangerNever);
    let mut wallet = Wallet::new(&never);
    let request_uri = wallet.pushed(&never).await;
    let reply = wallet.open(&never, &request_uri).await;
    assert_eq!(Answer::of(&reply).one("error").as_deref(), Some("access_denied"));
}

#[tokio::test]
async fn the_fifth_wrong_password_ends_it() {
    let server = server();
    let mut wallet = Wallet::new(&server);
    let request_uri = wallet.pushed(&server).await;
    wallet.open(&server, &request_uri).await;
    let wrong = [("decision", "log_in"), ("user", "ada"), ("password", "byron")];
    for _ in 0..4 {
        let reply = wallet.submit(&server, &request_uri, &wrong).await;
        assert_eq!(reply.status, 200);
        assert!(String::from_utf8_lossy(&reply.body).contains("do not belong together"));
    }
    let reply = wallet.submit(&server, &request_uri, &wrong).await;
    assert_eq!(Answer::of(&reply).one("error").as_deref(), Some("access_denied"));
}

#[tokio::test]
async fn a_holder_without_such_a_credential_gets_none() {
    let server = server();
    let mut wallet = Wallet::new(&server);
    let request_uri = wallet.pushed(&server).await;
    wallet.open(&server, &request_uri).await;
    let bob = [("decision", "log_in"), ("user", "bob"), ("password", "builder")];
    assert_eq!(wallet.submit(&server, &request_uri, &bob).await.status, 200);
    let reply = wallet.submit(&server, &request_uri, &[("decision", "allow")]).await;
    assert_eq!(Answer::of(&reply).one("error").as_deref(), Some("access_denied"));
}

#[tokio::test]
async fn an_offer_is_for_the_holder_it_names_and_can_be_begun_again() {
    let server = server();
    let mut wallet = Wallet::new(&server);
    let offer = json!({
        "configuration": "employee_badge", "login": "only", "holder": "ada",
        "claims": { "given_name": "Augusta" },
    });
    let created = server.make_offer(&offer).await;
    assert_eq!(created.status, 201, "{created}");
    let path = text(&created.json()["offer_uri"]).replace("https://issuer.example", "");
    let offer = server.get(&path).await.json();
    let grants = &offer["grants"];
    assert_eq!(grants.as_object().unwrap().len(), 1, "{grants}");
    let issuer_state = text(&grants["authorization_code"]["issuer_state"]);

    let parts = wallet.parts_with("issuer_state", &issuer_state);
    let first = text(&wallet.push(&server, &parts).await.json()["request_uri"]);
    wallet.open(&server, &first).await;
    let bob = [("decision", "log_in"), ("user", "bob"), ("password", "builder")];
    // begun again: the first request is worth nothing any more
    let second = text(&wallet.push(&server, &parts).await.json()["request_uri"]);
    assert_eq!(wallet.open(&server, &first).await.status, 400);
    let answer = wallet.answer(&server, &second).await;
    let reply = wallet.token(&server, &answer.one("code").unwrap()).await;
    // claims that came with the offer are issued once: there is nothing to refresh
    assert!(reply.json().get("refresh_token").is_none());
    let token = text(&reply.json()["access_token"]);
    assert_eq!(wallet.badge(&server, &token).await.status, 200);

    let offer = json!({
        "configuration": "employee_badge", "login": "only", "holder": "ada",
        "claims": { "given_name": "Augusta" },
    });
    let created = server.make_offer(&offer).await.json();
    let path = text(&created["offer_uri"]).replace("https://issuer.example", "");
    let issuer_state =
        text(&server.get(&path).await.json()["grants"]["authorization_code"]["issuer_state"]);
    let parts = wallet.parts_with("issuer_state", &issuer_state);
    let request_uri = text(&wallet.push(&server, &parts).await.json()["request_uri"]);
    wallet.open(&server, &request_uri).await;
    let reply = wallet.submit(&server, &request_uri, &bob).await;
    assert_eq!(Answer::of(&reply).one("error").as_deref(), Some("access_denied"));
    let status = server
        .api(Method::GET, &format!("/api/demo/offers/{}", text(&created["id"])), &json!(null))
        .await;
    assert_eq!(status.json()["state"], "denied");
}

#[tokio::test]
async fn refuses_an_offer_that_says_too_little_about_its_holder() {
    let server = server();
    for (body, status, code) in [
        (
            json!({ "configuration": "employee_badge", "claims": { "given_name": "A" }, "login": "only" }),
            422,
            "holder_missing",
        ),
        (json!({ "configuration": "employee_badge", "login": "too" }), 400, "invalid_request"),
        (json!({ "configuration": "employee_badge", "login": true }), 400, "invalid_request"),
    ] {
        assert_eq!(server.make_offer(&body).await.refusal(), refused(status, code), "{body}");
    }
    let bare = Server::new();
    let body = json!({ "configuration": "employee_badge", "login": "only" });
    assert_eq!(bare.make_offer(&body).await.refusal(), refused(422, "login_not_offered"));
}

#[tokio::test]
async fn an_offer_with_both_grants_can_be_taken_either_way() {
    let server = server();
    let body = json!({
        "configuration": "employee_badge", "claims": { "given_name": "Augusta" },
        "login": "too", "holder": "ada",
    });
    let offer = server.offer_of(&body).await;
    let mut wallet = Wallet::new(&server);
    let issuer_state =
        text(&server.get(&offer.path).await.json()["grants"]["authorization_code"]["issuer_state"]);
    // begun by logging in, finished by the code
    let parts = wallet.parts_with("issuer_state", &issuer_state);
    let request_uri = text(&wallet.push(&server, &parts).await.json()["request_uri"]);
    assert_eq!(wallet.open(&server, &request_uri).await.status, 200);
    let token = server.access_to(&offer).await;
    server.finish(&token).await;
    assert_eq!(wallet.open(&server, &request_uri).await.status, 400);
    let reply = wallet.push(&server, &parts).await;
    assert_eq!(reply.refusal(), refused(400, "invalid_request"));
}

#[tokio::test]
async fn an_offer_that_has_expired_is_begun_fetched_and_shown_no_more_though_its_holder_still_logs_in()
 {
    let server = server();
    let body = json!({ "configuration": "employee_badge", "login": "only" });
    let offer = server.offer_of(&body).await;
    let mut wallet = Wallet::new(&server);
    let grants = server.get(&offer.path).await.json()["grants"].clone();
    let issuer_state = text(&grants["authorization_code"]["issuer_state"]);
    let parts = wallet.parts_with("issuer_state", &issuer_state);
    server.ground.pass(SignedDuration::from_secs(599));
    let request_uri = text(&wallet.push(&server, &parts).await.json()["request_uri"]);
    assert_eq!(wallet.open(&server, &request_uri).await.status, 200);
    server.ground.pass(SignedDuration::from_secs(1));
    assert_eq!(server.get(&offer.path).await.refusal(), refused(404, "not_found"));
    let shown = format!("/api/demo/offers/{}/qr.svg", offer.id);
    let shown = server.api(Method::GET, &shown, &json!(null)).await;
    assert_eq!(shown.refusal(), refused(409, "offer_not_waiting"));
    let reply = wallet.push(&server, &parts).await;
    assert_eq!(reply.refusal(), refused(400, "invalid_request"));
    // who has begun in time goes on
    assert!(wallet.answer(&server, &request_uri).await.one("code").is_some());
}

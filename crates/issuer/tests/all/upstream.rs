//! Holders log in at their company's login provider (OpenID Connect Core §3.1), and their claims come from there
//! and from a system that is asked.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    http::{
        Method,
        header::{COOKIE, LOCATION, RETRY_AFTER},
    },
};
use jiff::SignedDuration;
use lanyard_core::crypto::RustCrypto;
use lanyard_issuer::{
    AttributeProvider, AttributeProviderSettings, ClaimSource, ClaimSources, ClaimsFrom, Clock,
    Consent, LoginWays, MappedClaim,
};
use lanyard_oid4vci::{
    CredentialConfigurationId,
    issuer::{IssuerName, IssuingKey},
};
use lanyard_testkit::store;
use serde_json::{Value, json};

use crate::{
    code_wallet::{Answer, Wallet, rules},
    fixture::{Directory, Ground, Reply, Server, refused, request, text},
    login_provider::{Provider, Visit, link_on, payload_of},
    offers::presentation_request,
};

/// A server whose holders log in at the provider; their badge is what it tells of them.
fn server_of(holder: &str, asks: bool) -> (Server, Arc<Provider>) {
    let ground = Ground::where_holders_log_in(store(), |_| rules(), Consent::Ask);
    let provider = Provider::new(ground.now());
    let mapped =
        |name: &str| MappedClaim { from: vec![name.to_owned()], to: vec![name.to_owned()] };
    let badge = CredentialConfigurationId::new("employee_badge");
    let mut sources =
        vec![(badge.clone(), ClaimsFrom::Login(vec![mapped("given_name"), mapped("employee_id")]))];
    if asks {
        let asked = AttributeProvider::new(AttributeProviderSettings {
            url: "https://hr.acme.example/people".parse().expect("a URL"),
            issuer: "https://issuer.example/demo".to_owned(),
            key: IssuingKey {
                signer: ground.key(),
                name: IssuerName::Certificate { chain: vec![vec![1, 2, 3]], iss: None },
            },
            timeout: Duration::from_secs(3),
            http: provider.clone(),
            random: Arc::new(RustCrypto),
            clock: Arc::clone(&ground.clock) as Arc<dyn Clock>,
        });
        sources.push((badge, ClaimsFrom::Source(Arc::new(asked))));
    }
    let claims: Arc<dyn ClaimSource> = Arc::new(ClaimSources::new(sources, Arc::new(Directory)));
    let ways = LoginWays::Upstream(provider.as_seen_by(holder));
    (Server::on(ground.with_login(Some(ways), Some(claims))), provider)
}

/// A browser in the middle of a login.
struct Browser {
    wallet: Wallet,
    request_uri: String,
}

impl Browser {
    /// On the login page.
    async fn new(server: &Server) -> (Self, Reply) {
        let mut wallet = Wallet::new(server);
        let request_uri = wallet.pushed(server).await;
        let page = wallet.open(server, &request_uri).await;
        assert_eq!(page.status, 200, "{page}");
        (Self { wallet, request_uri }, page)
    }

    async fn get(&self, server: &Server, path: &str) -> Reply {
        let cookie = self.wallet.cookie.as_deref().unwrap_or_default();
        let asked = request(Method::GET, path).header(COOKIE, cookie);
        server.send(asked.body(Body::empty()).expect("a request")).await
    }

    /// At the provider, and what is to be brought back from there.
    async fn leave(&self, server: &Server, provider: &Provider, page: &Reply) -> Visit {
        let page = String::from_utf8(page.body.clone()).expect("text");
        let gone = self.get(server, &link_on(&page)).await;
        assert_eq!(gone.status, 303, "{gone}");
        provider.visit(gone.header(LOCATION).expect("a place"))
    }

    async fn come_back(&self, server: &Server, visit: &Visit) -> Reply {
        let path = format!("/demo/login/callback?code=good&state={}", visit.state);
        self.get(server, &path).await
    }

    /// From the consent page to the badge's claims.
    async fn badge(mut self, server: &Server) -> (u16, String) {
        let consent = self.wallet.open(server, &self.request_uri).await;
        assert_eq!(consent.status, 200, "{consent}");
        let answer = self.wallet.submit(server, &self.request_uri, &[("decision", "allow")]).await;
        let code = Answer::of(&answer).one("code").expect("allowed");
        let token = self.wallet.token(server, &code).await.json();
        let reply = self.wallet.badge(server, &text(&token["access_token"])).await;
        let body = String::from_utf8(reply.body.clone()).expect("text");
        (reply.status.as_u16(), body)
    }
}

/// What the page says in words.
fn problem(page: &Reply) -> String {
    let html = String::from_utf8(page.body.clone()).expect("text");
    let alert = html.split_once("role=\"alert\">");
    assert!(alert.is_some(), "{html}");
    let (_, rest) = alert.expect("a page with an alert");
    rest.split("</p>").next().unwrap_or_default().replace("&#39;", "'")
}

#[tokio::test]
async fn an_employee_logs_in_with_the_company_account_and_gets_the_badge() {
    let (server, provider) = server_of("sub", false);
    let (browser, page) = Browser::new(&server).await;
    let html = String::from_utf8(page.body.clone()).unwrap();
    assert!(html.contains("Log in with Acme account") && !html.contains("password"), "{html}");
    let visit = browser.leave(&server, &provider, &page).await;
    let back = browser.come_back(&server, &visit).await;
    // 303 to an address without the code
    assert_eq!(back.status, 303, "{back}");
    let place = back.header(LOCATION).unwrap();
    assert!(
        place.starts_with("https://issuer.example/demo/authorize?client_id=wallet&"),
        "{place}"
    );
    let consent = browser.get(&server, place.strip_prefix("https://issuer.example").unwrap()).await;
    let html = String::from_utf8(consent.body.clone()).unwrap();
    assert!(html.contains("Ada Moreau"), "{html}");
    let (status, body) = browser.badge(&server).await;
    assert_eq!(status, 200, "{body}");
    // the ID token's name counts before the one that nobody signed; the rest is what UserInfo tells
    let badge =
        text(&serde_json::from_str::<Value>(&body).unwrap()["credentials"][0]["credential"]);
    let shown = |name: &str| {
        let disclosures = badge.split('~').filter_map(|part| {
            let bytes = lanyard_core::json::base64url_decode(part).ok()?;
            serde_json::from_slice::<Value>(&bytes).ok()
        });
        disclosures.into_iter().find(|one| one[1] == name).map(|one| one[2].clone())
    };
    assert_eq!(shown("given_name"), Some(json!("Ada")));
    let (_, payload) = payload_of(badge.split('~').next().unwrap());
    assert_eq!(payload["employee_id"], "AF-1");
    assert_eq!(server.issued_to("0042").await, 1, "on record under who logged in");
}

#[tokio::test]
async fn what_a_login_told_is_issued_once_and_gives_no_refresh_token() {
    let (server, provider) = server_of("sub", false);
    let (mut browser, page) = Browser::new(&server).await;
    let visit = browser.leave(&server, &provider, &page).await;
    browser.come_back(&server, &visit).await;
    let request_uri = browser.request_uri.clone();
    browser.wallet.open(&server, &request_uri).await;
    let answer = browser.wallet.submit(&server, &request_uri, &[("decision", "allow")]).await;
    let code = Answer::of(&answer).one("code").unwrap();
    let token = browser.wallet.token(&server, &code).await.json();
    assert!(token.get("refresh_token").is_none(), "{token}");
    let token = text(&token["access_token"]);
    assert_eq!(browser.wallet.badge(&server, &token).await.status, 200);
    let again = browser.wallet.badge(&server, &token).await;
    assert_eq!(again.refusal(), refused(400, "credential_request_denied"));
}

#[tokio::test]
async fn an_id_token_that_breaks_one_rule_logs_nobody_in() {
    let (server, provider) = server_of("sub", false);
    let now = server.ground.now().as_second();
    let good = provider.told();
    for (claim, value, words) in [
        ("iss", json!("https://login.other.example"), "it comes from another provider"),
        ("aud", json!("other"), "it is meant for another client"),
        ("aud", json!(["lanyard", "other"]), "it is meant for another client"),
        ("azp", json!("other"), "it is meant for another client"),
        ("exp", json!(now - 61), "it has expired"),
        ("exp", Value::Null, "it has expired"),
        ("iat", json!(now + 61), "it is not issued yet"),
        ("nonce", json!("another"), "it belongs to another login"),
        ("sub", json!(""), "it names nobody"),
        ("sub", json!("s".repeat(256)), "it names nobody"),
    ] {
        provider.tell(|told| told.claims[claim] = value.clone());
        let (browser, page) = Browser::new(&server).await;
        let visit = browser.leave(&server, &provider, &page).await;
        let back = browser.come_back(&server, &visit).await;
        assert_eq!(back.status, 200, "{claim} {value}: {back}");
        assert!(problem(&back).ends_with(words), "{claim} {value}: {back}");
        provider.tell(|told| *told = good.clone());
    }
    for (kid, by_another, words) in [
        ("two", false, "it is signed with a key that the provider does not publish"),
        ("one", true, "the signature does not verify"),
    ] {
        provider.tell(|told| (told.kid, told.signed_by_another) = (kid, by_another));
        let (browser, page) = Browser::new(&server).await;
        let visit = browser.leave(&server, &provider, &page).await;
        let back = browser.come_back(&server, &visit).await;
        assert!(problem(&back).ends_with(words), "{kid}: {back}");
    }
    // nothing is lost: the same page leads there again
    provider.tell(|told| *told = good.clone());
    let (browser, page) = Browser::new(&server).await;
    let visit = browser.leave(&server, &provider, &page).await;
    assert_eq!(browser.come_back(&server, &visit).await.status, 303);
}

#[tokio::test]
async fn a_key_that_the_provider_published_since_is_asked_for_once_in_a_while() {
    let (server, provider) = server_of("sub", false);
    let asks = || provider.told().asked.iter().filter(|path| *path == "/jwks").count();
    for _ in 0..2 {
        provider.tell(|told| told.kid = "two");
        let (browser, page) = Browser::new(&server).await;
        let visit = browser.leave(&server, &provider, &page).await;
        browser.come_back(&server, &visit).await;
    }
    assert_eq!(asks(), 1, "within half a minute a made-up name makes no request");
    server.ground.pass(SignedDuration::from_secs(31));
    let (browser, page) = Browser::new(&server).await;
    let visit = browser.leave(&server, &provider, &page).await;
    browser.come_back(&server, &visit).await;
    assert_eq!(asks(), 2);
}

#[tokio::test]
async fn a_state_is_good_once_in_the_browser_that_took_it_there() {
    let (server, provider) = server_of("sub", false);
    let (browser, page) = Browser::new(&server).await;
    let visit = browser.leave(&server, &provider, &page).await;
    let (stranger, _) = Browser::new(&server).await;
    let stopped = |reply: &Reply| {
        assert_eq!(reply.status, 400, "{reply}");
        assert!(problem(reply).starts_with("this login was not begun in this browser"), "{reply}");
    };
    stopped(&stranger.come_back(&server, &visit).await);
    let (session, _) = visit.state.split_once('.').unwrap();
    for state in [format!("{session}.guess"), "guess".to_owned(), "a.b".to_owned(), String::new()] {
        stopped(&browser.come_back(&server, &Visit { state }).await);
    }
    assert_eq!(browser.come_back(&server, &visit).await.status, 303);
    stopped(&browser.come_back(&server, &visit).await);
    // and not for longer than a login takes
    let (browser, page) = Browser::new(&server).await;
    let visit = browser.leave(&server, &provider, &page).await;
    server.ground.pass(SignedDuration::from_mins(10));
    stopped(&browser.come_back(&server, &visit).await);
}

#[tokio::test]
async fn whatever_goes_wrong_at_the_provider_is_said_in_a_sentence_and_can_be_tried_again() {
    let (server, provider) = server_of("sub", false);
    for (query, words) in [
        ("error=access_denied", "the login was cancelled"),
        ("error=interaction_required%3Cb%3E", "the login provider says: interaction_requiredb"),
        ("code=other", "the login provider did not take its own code back"),
        (
            "code=good&iss=https://login.other.example",
            "the answer comes from another login provider",
        ),
    ] {
        let (browser, page) = Browser::new(&server).await;
        let visit = browser.leave(&server, &provider, &page).await;
        let path = format!("/demo/login/callback?{query}&state={}", visit.state);
        let back = browser.get(&server, &path).await;
        assert_eq!(problem(&back), words, "{query}");
        let again = browser.leave(&server, &provider, &back).await;
        assert_eq!(browser.come_back(&server, &again).await.status, 303, "{query}");
    }
    provider.tell(|told| told.user_info["sub"] = json!("0043"));
    let (browser, page) = Browser::new(&server).await;
    let visit = browser.leave(&server, &provider, &page).await;
    let back = browser.come_back(&server, &visit).await;
    assert_eq!(problem(&back), "the login provider does not say who you are");
}

#[tokio::test]
async fn a_provider_that_says_whose_its_answers_are_is_held_to_it() {
    let (server, provider) = server_of("sub", false);
    let name = "authorization_response_iss_parameter_supported";
    provider.tell(|told| told.metadata[name] = json!(true));
    let (browser, page) = Browser::new(&server).await;
    let visit = browser.leave(&server, &provider, &page).await;
    let back = browser.come_back(&server, &visit).await;
    assert_eq!(problem(&back), "the answer comes from another login provider");
}

#[tokio::test]
async fn a_provider_that_does_not_describe_itself_is_not_gone_to() {
    for (member, value, words) in [
        ("issuer", json!("https://login.other.example"), "its issuer is not the configured one"),
        ("token_endpoint", json!("http://login.acme.example/token"), "token_endpoint"),
        ("jwks_uri", Value::Null, "jwks_uri"),
        ("response_types_supported", json!(["id_token"]), "it offers no response_type code"),
        ("code_challenge_methods_supported", json!(["plain"]), "it offers no PKCE with S256"),
    ] {
        let (server, provider) = server_of("sub", false);
        provider.tell(|told| told.metadata[member] = value);
        let (browser, page) = Browser::new(&server).await;
        let page = String::from_utf8(page.body).unwrap();
        let reply = browser.get(&server, &link_on(&page)).await;
        assert!(problem(&reply).ends_with(words), "{member}: {reply}");
    }
    let (server, provider) = server_of("sub", false);
    provider.tell(|told| told.is_down = true);
    let (browser, page) = Browser::new(&server).await;
    let page = String::from_utf8(page.body).unwrap();
    let reply = browser.get(&server, &link_on(&page)).await;
    let words = "the login provider cannot be reached now; try again in a minute";
    assert_eq!(problem(&reply), words);
}

#[tokio::test]
async fn an_address_names_a_holder_only_when_the_provider_has_verified_it() {
    let (server, provider) = server_of("email", false);
    for (claims, words) in [
        (json!({}), "the login provider does not tell email, by which you are known here"),
        (
            json!({ "email": "ada@acme.example" }),
            "your e-mail address has not been verified by the login provider",
        ),
        (
            json!({ "email": "ada@acme.example", "email_verified": "true" }),
            "your e-mail address has not been verified by the login provider",
        ),
    ] {
        provider.tell(|told| {
            told.claims.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
        });
        let (browser, page) = Browser::new(&server).await;
        let visit = browser.leave(&server, &provider, &page).await;
        assert_eq!(problem(&browser.come_back(&server, &visit).await), words);
    }
    provider.tell(|told| told.claims["email_verified"] = json!(true));
    let (browser, page) = Browser::new(&server).await;
    let visit = browser.leave(&server, &provider, &page).await;
    assert_eq!(browser.come_back(&server, &visit).await.status, 303);
}

#[tokio::test]
async fn claims_that_nobody_can_tell_yet_are_collected_once_somebody_can() {
    let (server, provider) = server_of("sub", true);
    provider.tell(|told| told.answer = (202, Value::Null));
    let (mut browser, page) = Browser::new(&server).await;
    let visit = browser.leave(&server, &provider, &page).await;
    browser.come_back(&server, &visit).await;
    let request_uri = browser.request_uri.clone();
    browser.wallet.open(&server, &request_uri).await;
    let answer = browser.wallet.submit(&server, &request_uri, &[("decision", "allow")]).await;
    let code = Answer::of(&answer).one("code").unwrap();
    let token = text(&browser.wallet.token(&server, &code).await.json()["access_token"]);
    let waiting = browser.wallet.badge(&server, &token).await;
    assert_eq!(waiting.status, 202, "{waiting}");
    let transaction = json!({ "transaction_id": waiting.json()["transaction_id"] });
    let collect = async || browser.wallet.at("/demo/deferred", &server, &token, &transaction).await;
    assert_eq!(collect().await.status, 202);
    // claims that do not fit are as good as none
    provider.tell(|told| told.answer = (200, json!({ "claims": { "since": "yesterday" } })));
    assert_eq!(collect().await.status, 202);
    provider.tell(|told| told.answer = (500, Value::Null));
    let reply = collect().await;
    assert_eq!((reply.status.as_u16(), reply.header(RETRY_AFTER)), (503, Some("5")));
    provider.tell(|told| told.answer = (200, json!({ "claims": { "since": "2019-03-01" } })));
    let reply = collect().await;
    assert_eq!(reply.status, 200, "{reply}");
}

// OID4VCI 1.0 §9.3
#[tokio::test]
async fn a_credential_that_waited_is_denied_for_good_once_somebody_says_that_there_is_none() {
    let (server, provider) = server_of("sub", true);
    provider.tell(|told| told.answer = (202, Value::Null));
    let body = json!({ "configuration": "employee_badge", "login": "only" });
    let offer = server.offer_of(&body).await;
    let grants = server.get(&offer.path).await.json()["grants"].clone();
    let mut wallet = Wallet::new(&server);
    let issuer_state = text(&grants["authorization_code"]["issuer_state"]);
    let parts = wallet.parts_with("issuer_state", &issuer_state);
    let request_uri = text(&wallet.push(&server, &parts).await.json()["request_uri"]);
    let page = wallet.open(&server, &request_uri).await;
    let mut browser = Browser { wallet, request_uri };
    let visit = browser.leave(&server, &provider, &page).await;
    browser.come_back(&server, &visit).await;
    let request_uri = browser.request_uri.clone();
    browser.wallet.open(&server, &request_uri).await;
    let answer = browser.wallet.submit(&server, &request_uri, &[("decision", "allow")]).await;
    let code = Answer::of(&answer).one("code").unwrap();
    let token = text(&browser.wallet.token(&server, &code).await.json()["access_token"]);
    let waiting = browser.wallet.badge(&server, &token).await;
    assert_eq!(waiting.status, 202, "{waiting}");
    let transaction = json!({ "transaction_id": waiting.json()["transaction_id"] });
    assert_eq!(server.status(&offer).await["state"], "deferred");
    provider.tell(|told| told.answer = (404, Value::Null));
    let collect = async || browser.wallet.at("/demo/deferred", &server, &token, &transaction).await;
    let denied = refused(400, "credential_request_denied");
    assert_eq!(collect().await.refusal(), denied);
    let told = "credential_denied: credential_denied".to_owned();
    assert_eq!(server.trail(&offer).await.last(), Some(&told));
    assert_eq!(server.status(&offer).await["state"], "denied");
    // nobody is asked again
    provider.tell(|told| told.answer = (200, json!({ "claims": { "since": "2019-03-01" } })));
    let asked = provider.told().asked.len();
    assert_eq!(collect().await.refusal(), denied);
    assert_eq!(browser.wallet.badge(&server, &token).await.refusal(), denied);
    assert_eq!(provider.told().asked.len(), asked);
}

#[tokio::test]
async fn an_attribute_provider_is_asked_in_a_signed_request_that_is_good_for_a_minute() {
    let (server, provider) = server_of("sub", true);
    let (browser, page) = Browser::new(&server).await;
    let visit = browser.leave(&server, &provider, &page).await;
    browser.come_back(&server, &visit).await;
    let (status, body) = browser.badge(&server).await;
    assert_eq!(status, 200, "{body}");
    let (header, payload) = payload_of(&provider.told().request);
    assert_eq!(header["typ"], "lanyard-claims-request+jwt");
    assert_eq!(header["x5c"], json!(["AQID"]));
    assert_eq!(payload["iss"], "https://issuer.example/demo");
    assert_eq!(payload["aud"], "https://hr.acme.example/people");
    assert_eq!(payload["sub"], "0042");
    assert_eq!(payload["credential_configuration_id"], "employee_badge");
    assert_eq!(payload["login"], json!({ "given_name": "Ada", "employee_id": "AF-1" }));
    let seconds = |name: &str| payload[name].as_i64().expect("seconds");
    assert_eq!(seconds("exp") - seconds("iat"), 60);
}

#[tokio::test]
async fn a_holder_for_whom_there_are_no_claims_is_sent_back_to_the_wallet() {
    let (server, provider) = server_of("sub", true);
    provider.tell(|told| told.answer = (404, Value::Null));
    let (mut browser, page) = Browser::new(&server).await;
    let visit = browser.leave(&server, &provider, &page).await;
    browser.come_back(&server, &visit).await;
    let request_uri = browser.request_uri.clone();
    browser.wallet.open(&server, &request_uri).await;
    let answer = browser.wallet.submit(&server, &request_uri, &[("decision", "allow")]).await;
    let answer = Answer::of(&answer);
    assert_eq!(answer.one("error").as_deref(), Some("access_denied"), "{}", answer.0);
}

#[tokio::test]
async fn a_state_that_names_a_presentation_request_is_one_that_was_not_begun() {
    let (server, provider) = server_of("sub", false);
    let (browser, page) = Browser::new(&server).await;
    browser.leave(&server, &provider, &page).await;
    let session = presentation_request(&server).await;
    for _ in ["live", "expired"] {
        let back = browser.come_back(&server, &Visit { state: format!("{session}.x") }).await;
        assert_eq!(back.status, 400, "{back}");
        assert!(problem(&back).starts_with("this login was not begun in this browser"), "{back}");
        server.ground.pass(SignedDuration::from_mins(10));
    }
}

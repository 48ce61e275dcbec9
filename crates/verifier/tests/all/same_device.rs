//! The result belongs to the browser that asked (OID4VP 1.0 §13.3, §14.2).

use http::{Method, StatusCode};
use lanyard_core::crypto::RustCrypto;
use lanyard_verifier::{BrowserSession, RequestState, VerifierError};
use serde_json::{Value, json};
use url::Url;

use crate::world::{Asked, World, demo, session, steps};

fn own_page(browser: &BrowserSession) -> Value {
    json!({ "preset": "badge", "same_device": {}, "browser_session": browser.reveal() })
}

/// Answers the request, and gives the response code that the browser is sent back with.
async fn code(world: &World, asked: &Asked, page: &str) -> String {
    let answer = world.post(&world.answer(asked).await).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let reply = answer.json();
    assert_eq!(reply.as_object().expect("an object").len(), 1);
    let redirect = Url::parse(reply["redirect_uri"].as_str().expect("a text")).expect("a URL");
    assert!(redirect.as_str().starts_with(page), "{redirect}");
    let mut pairs = redirect.query_pairs();
    let code = pairs.find(|(name, _)| name == "response_code").expect("a code").1.into_owned();
    assert!(code.len() >= 43, "256 bits");
    code
}

#[tokio::test]
async fn the_browser_that_asked_gets_the_result_once_it_comes_back() {
    let world = World::new();
    let browser = BrowserSession::generate(&RustCrypto);
    let asked = world.ask(own_page(&browser)).await;
    let code = code(&world, &asked, "https://verifier.example/demo/return?response_code=").await;

    // until then nobody does, not even who knows the request's name
    let status = world.status(&asked).await;
    assert_eq!(status["state"], "responded");
    assert!(status.get("verdict").is_none());
    assert_eq!(steps(&status).last().map(String::as_str), Some("response_received"));

    let status = world.service.finish_same_device(&demo(), &code, &browser).await;
    let status = status.expect("the browser that asked");
    assert_eq!(status.state, RequestState::Verified);
    let claims = &status.verdict.expect("a verdict").credentials[0].claims;
    assert_eq!(claims.as_ref().expect("claims")["name"], "Ada Lovelace");
    let trail = world.status(&asked).await;
    let expected =
        ["request_created", "request_fetched", "response_received", "browser_returned", "verified"];
    assert_eq!(steps(&trail), expected);

    // the code is good once; the browser itself may look again
    let again = world.service.finish_same_device(&demo(), &code, &browser).await;
    assert!(matches!(again, Err(VerifierError::UnknownRequest)));
    let again = world.service.request_status_in_browser(&demo(), session(&asked), &browser).await;
    assert_eq!(again.expect("the browser that asked").state, RequestState::Verified);
}

#[tokio::test]
async fn another_browser_gets_nothing_and_uses_up_nothing() {
    // security.md 128
    let world = World::new();
    let browser = BrowserSession::generate(&RustCrypto);
    let other = BrowserSession::generate(&RustCrypto);
    let asked = world.ask(own_page(&browser)).await;
    let code = code(&world, &asked, "https://verifier.example/demo/return").await;

    let stolen = world.service.finish_same_device(&demo(), &code, &other).await;
    assert!(matches!(stolen, Err(VerifierError::UnknownRequest)));
    let looked = world.service.request_status_in_browser(&demo(), session(&asked), &other).await;
    assert!(matches!(looked, Err(VerifierError::UnknownRequest)));
    let last = steps(&world.status(&asked).await).pop();
    assert_eq!(last.as_deref(), Some("refused: other_browser"));

    let own = world.service.finish_same_device(&demo(), &code, &browser).await;
    assert_eq!(own.expect("the browser that asked").state, RequestState::Verified);
}

#[tokio::test]
async fn a_guessed_code_and_another_tenant_s_lead_nowhere() {
    let world = World::new();
    let browser = BrowserSession::generate(&RustCrypto);
    let asked = world.ask(own_page(&browser)).await;
    let code = code(&world, &asked, "https://verifier.example/demo/return").await;
    let other = "other".parse().expect("a name");
    let elsewhere = world.service.finish_same_device(&other, &code, &browser).await;
    assert!(matches!(elsewhere, Err(VerifierError::UnknownRequest)));
    let guessed = world.service.finish_same_device(&demo(), "guessed", &browser).await;
    assert!(matches!(guessed, Err(VerifierError::UnknownRequest)));
}

#[tokio::test]
async fn across_devices_the_browser_that_asked_watches_and_no_other() {
    // security.md 128
    let world = World::new();
    let browser = BrowserSession::generate(&RustCrypto);
    let body = json!({ "preset": "badge", "browser_session": browser.reveal() });
    let asked = world.ask(body).await;
    world.post(&world.answer(&asked).await).await;
    let service = &world.service;
    let own = service.request_status_in_browser(&demo(), session(&asked), &browser).await;
    assert_eq!(own.expect("the browser that asked").state, RequestState::Verified);
    let other = BrowserSession::generate(&RustCrypto);
    let other = service.request_status_in_browser(&demo(), session(&asked), &other).await;
    assert!(matches!(other, Err(VerifierError::UnknownRequest)));

    let unbound = world.ask_for_name().await;
    let nobody = service.request_status_in_browser(&demo(), session(&unbound), &browser).await;
    assert!(matches!(nobody, Err(VerifierError::UnknownRequest)));
}

#[tokio::test]
async fn an_integrator_s_own_page_trades_the_code_for_the_result() {
    let world = World::new();
    let body = json!({
        "preset": "badge",
        "same_device": { "redirect_uri": "https://shop.example/back?cart=1" },
    });
    let (asked, other) = (world.ask(body.clone()).await, world.ask(body).await);
    let page = "https://shop.example/back?cart=1&response_code=";
    let code = code(&world, &asked, page).await;
    assert_eq!(world.status(&asked).await["state"], "responded");

    let trade = |asked: &Asked, code: &str| {
        let path = format!("requests/{}/return", asked.id);
        let body = json!({ "response_code": code });
        let world = &world;
        async move { world.api(Method::POST, &path, Some(body)).await }
    };
    // the code of a request that another browser began
    assert_eq!(trade(&other, &code).await.refusal(), (404, "not_found".to_owned()));
    assert_eq!(trade(&asked, "guessed").await.refusal(), (404, "not_found".to_owned()));
    let traded = trade(&asked, &code).await;
    assert_eq!(traded.status, StatusCode::OK);
    assert_eq!(traded.json()["state"], "verified");
    assert_eq!(trade(&asked, &code).await.refusal(), (404, "not_found".to_owned()));
    assert_eq!(world.status(&asked).await["state"], "verified");
}

#[tokio::test]
async fn a_wallet_that_declines_sends_the_browser_back_too() {
    let world = World::new();
    let browser = BrowserSession::generate(&RustCrypto);
    let asked = world.ask(own_page(&browser)).await;
    let declined = world.review(&asked).await.decline(&RustCrypto).expect("a response");
    let reply = world.post(&declined).await.json();
    let redirect = Url::parse(reply["redirect_uri"].as_str().expect("a text")).expect("a URL");
    let code = redirect.query_pairs().next().expect("a code").1.into_owned();
    let status = world.service.finish_same_device(&demo(), &code, &browser).await;
    assert_eq!(status.expect("the browser that asked").state, RequestState::Declined);
}

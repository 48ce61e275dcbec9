//! Pocket's own URL for links, as suites that try wallets call it.

use serde_json::Value;

use crate::circle::{Browser, Demo, attribute, json, text, unescaped};

/// What a link says, at Pocket's own URL.
fn at_pocket(link: &str) -> String {
    let query = link.split_once('?').expect("a link has parameters").1;
    format!("/pocket/open?{query}")
}

fn offer(demo: &Demo, more: &[&str]) -> Value {
    json(&demo.integrator(&[&["offer", "--type", "employee_badge"], more].concat()))
}

async fn cards(browser: &mut Browser<'_>) -> usize {
    let (_, _, page) = browser.get("/pocket").await;
    page.matches("href=\"/pocket/cards/").count()
}

fn by_value(reference: &str, object: &Value) -> String {
    let link: url::Url = reference.parse().expect("a link");
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("credential_offer", &object.to_string())
        .finish();
    format!("{}://?{query}", link.scheme())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_setting_a_link_is_shown_and_nothing_is_fetched_or_taken() {
    let demo = Demo::start();
    let mut browser = Browser::new(&demo);
    let made = offer(&demo, &[]);
    let link = text(&made["link"]);
    let (status, _, page) = browser.get(&at_pocket(&link)).await;
    assert_eq!(status, 200);
    assert_eq!(unescaped(attribute(&page, "name=\"link\" value=\"")), link);
    assert_eq!(cards(&mut browser).await, 0);
    let told = demo.integrator(&["result", "--offer", &text(&made["id"])]);
    assert!(!json(&told).to_string().contains("offer_fetched"), "{told:?}");
    // the holder opens it
    let (_, place, _) = browser.post("/pocket/open", &[("link", &link)]).await;
    assert!(place.starts_with("/pocket/offers/"), "{place}");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_setting_offers_by_value_and_by_reference_are_taken_at_once() {
    let demo = Demo::start_with(&["--danger-auto-consent"]);
    let mut browser = Browser::new(&demo);
    let by_reference = text(&offer(&demo, &[])["link"]);
    assert!(by_reference.contains("credential_offer_uri="));
    let (status, _, page) = browser.get(&at_pocket(&by_reference)).await;
    assert!(status == 200 && page.contains("Added to Pocket"), "{page}");
    let reference = text(&offer(&demo, &[])["link"]);
    let url: url::Url = reference.parse().expect("a link");
    let place = url.query_pairs().find(|(name, _)| name == "credential_offer_uri");
    let object = reqwest::get(&*place.expect("by reference").1).await.expect("an answer");
    let object: Value = object.json().await.expect("JSON");
    let (status, _, page) = browser.get(&at_pocket(&by_value(&reference, &object))).await;
    assert!(status == 200 && page.contains("Added to Pocket"), "{page}");
    assert_eq!(cards(&mut browser).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_setting_the_code_that_it_was_given_is_sent_and_a_wrong_one_is_an_error() {
    let demo = Demo::start_with(&["--danger-auto-consent", "--tx-code", "not the code"]);
    let mut browser = Browser::new(&demo);
    let made = offer(&demo, &["--tx-code"]);
    let (status, _, page) = browser.get(&at_pocket(&text(&made["link"]))).await;
    assert!(status == 400 && page.contains("That was not the code"), "{page}");
    assert_eq!(cards(&mut browser).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_setting_a_login_goes_to_the_issuer_and_comes_back() {
    let demo = Demo::start_with(&["--danger-auto-consent"]);
    let mut browser = Browser::new(&demo);
    let made = offer(&demo, &["--holder", "ada"]);
    let (status, place, page) = browser.get(&at_pocket(&text(&made["link"]))).await;
    assert_eq!(status, 200);
    assert!(place.contains("/authorize") || place.contains("/login"), "{place}: {page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_setting_requests_are_answered_at_once_or_declined_where_nothing_fits() {
    let demo = Demo::start_with(&["--danger-auto-consent"]);
    let mut browser = Browser::new(&demo);
    let ask = |arguments: &[&str]| json(&demo.integrator(&[&["request"], arguments].concat()));
    let asked = ask(&["--preset", "badge"]);
    let (status, _, page) = browser.get(&at_pocket(&text(&asked["link"]))).await;
    assert!(status == 200 && page.contains("Declined"), "{page}");
    let told = json(&demo.integrator(&["result", &text(&asked["id"])]));
    assert_eq!(told["state"], "declined");

    browser.get(&at_pocket(&text(&offer(&demo, &[])["link"]))).await;
    for way in [&["--preset", "badge"][..], &["--preset", "badge", "--request-uri-method", "post"]]
    {
        let asked = ask(way);
        let link = text(&asked["link"]);
        assert!(link.contains("request_uri="), "{link}");
        let (status, _, page) = browser.get(&at_pocket(&link)).await;
        assert!(status == 200 && page.contains("Shared"), "{page}");
        let told = json(&demo.integrator(&["result", &text(&asked["id"])]));
        assert_eq!(told["verdict"]["state"], "verified");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_setting_what_breaks_a_rule_is_an_error_and_nothing_is_sent() {
    let demo = Demo::start_with(&["--danger-auto-consent"]);
    let mut browser = Browser::new(&demo);
    for query in [
        "client_id=nobody%3Ax&request_uri=http%3A%2F%2Flocalhost%2Fx",
        "credential_offer=%7B%7D",
        "client_id=redirect_uri%3Ahttps%3A%2F%2Fv.example&response_type=vp_token",
    ] {
        let (status, _, page) = browser.get(&format!("/pocket/open?{query}")).await;
        assert_eq!(status, 400, "{query}: {page}");
    }
    assert_eq!(cards(&mut browser).await, 0);
}

#[test]
fn a_real_server_cannot_be_told_to_consent() {
    let demo = Demo::start();
    for arguments in [
        &["serve", "--danger-auto-consent"][..],
        // a code alone means nothing
        &["demo", "--tx-code", "1"],
    ] {
        assert_eq!(demo.integrator(arguments).status.code(), Some(2), "{arguments:?}");
    }
}

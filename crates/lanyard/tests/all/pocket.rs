//! Pocket: what the holder is told before they share, and what they find again afterwards.

use serde_json::json;

use crate::circle::{Browser, Demo, attribute, json, text, unescaped};

const BADGE: &str = "urn:lanyard:demo:employee-badge:1";

/// A request that asks too much, of a verifier that says why, and whom to ask about it.
fn asked(demo: &Demo) -> String {
    let query = json!({ "credentials": [{
        "id": "badge", "format": "dc+sd-jwt", "meta": { "vct_values": [BADGE] },
        "claims": [{ "path": ["given_name"] }, { "path": ["portrait"] }],
    }]});
    let info = json!([{ "format": "registrar_dataset", "data": {
        "purpose": [{ "lang": "en", "content": "To let <you> in" }],
        "supportURI": "privacy@desk.example", "policyURI": "javascript:alert(1)",
    }}]);
    let arguments = ["request", "--dcql", &query.to_string(), "--verifier-info", &info.to_string()];
    text(&json(&demo.integrator(&arguments))["link"])
}

async fn take(demo: &Demo, browser: &mut Browser<'_>) -> String {
    let offer = json(&demo.integrator(&["offer", "--type", "employee_badge"]));
    let (_, place, _) = browser.post("/pocket/open", &[("link", &text(&offer["link"]))]).await;
    let (_, _, page) = browser.post(&format!("{place}/accept"), &[]).await;
    assert!(page.contains("Added to Pocket"), "{page}");
    text(&offer["id"])
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_too_much_is_flagged_and_whom_to_ask_for_deletion_is_found_later() {
    let demo = Demo::start();
    let mut browser = Browser::new(&demo);
    take(&demo, &mut browser).await;
    let (_, place, page) = browser.post("/pocket/open", &[("link", &asked(&demo))]).await;
    assert!(page.contains("It asks for more than most need"), "{page}");
    assert!(page.contains("Portrait: Your face can be recognised elsewhere"), "{page}");
    assert!(page.contains("To let &#60;you&#62; in"), "a purpose is text: {page}");
    assert!(page.contains("href=\"mailto:privacy@desk.example\""), "{page}");
    assert!(!page.contains("javascript:"), "{page}");
    let (_, _, page) = browser.post(&format!("{place}/answer"), &[("set.0", "0")]).await;
    assert!(page.contains("What you chose was sent"), "{page}");
    let (_, _, page) = browser.get("/pocket/history").await;
    assert!(page.contains("Whom you shared with") && page.contains("Ask for deletion"), "{page}");
    assert!(attribute(&page, "Ask for deletion: <a href=\"").starts_with("mailto:privacy@"));
    let own = unescaped(attribute(&page, "<a href=\"/pocket/history?"));
    let (_, _, page) = browser.get(&format!("/pocket/history?{own}")).await;
    assert!(page.contains("Shared with") && !page.contains("Received from"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_history_is_looked_through_by_kind_text_and_day() {
    let demo = Demo::start();
    let mut browser = Browser::new(&demo);
    take(&demo, &mut browser).await;
    let entries = async |browser: &mut Browser<'_>, query: &str| {
        let (_, _, page) = browser.get(&format!("/pocket/history?{query}")).await;
        page.contains("Received from")
    };
    for (query, found) in [
        ("kind=received", true),
        ("kind=shared", false),
        ("text=employee+BADGE", true),
        ("text=diploma", false),
        ("from=2020-01-01", true),
        ("until=2020-01-01", false),
        ("from=never", true),
    ] {
        assert_eq!(entries(&mut browser, query).await, found, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_that_was_revoked_is_told_until_the_holder_says_that_they_saw_it() {
    let demo = Demo::start();
    let mut browser = Browser::new(&demo);
    let offer = take(&demo, &mut browser).await;
    assert_eq!(demo.integrator(&["revoke", &offer]).status.code(), Some(0));
    for _ in 0..2 {
        let (_, _, page) = browser.get("/pocket").await;
        assert!(page.contains("Employee badge was revoked by its issuer"), "{page}");
    }
    let (_, place, page) = browser.post("/pocket/notices/seen", &[]).await;
    assert_eq!(place, "/pocket");
    assert!(!page.contains("Since you last looked"), "{page}");
    assert!(page.contains("Revoked by its issuer"), "the card says so all the same");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wallet_in_the_terminal_says_what_is_asked_too_much() {
    let demo = Demo::start();
    let home = demo.folder.path().join("wallet");
    let offer = json(&demo.integrator(&["offer", "--type", "employee_badge"]));
    demo.wallet(&home, &["accept", &text(&offer["link"])]);
    let shared = demo.wallet(&home, &["present", &unescaped(&asked(&demo))]);
    let shared = json(&shared);
    assert_eq!(shared["over_asked"][0]["code"], "portrait", "{shared}");
    let history = json(&demo.wallet(&home, &["history"]));
    let told = &history["history"][0]["told"];
    assert_eq!(told["contacts"], json!(["mailto:privacy@desk.example"]), "{history}");
    assert_eq!(told.get("privacy_policy"), None);
}

//! Every presentation that must not pass: refused with 400 at once, and why is in the trail.

use std::sync::Arc;

use axum::body::Body;
use http::{Method, Request, StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use lanyard_core::{
    credential::Validity,
    crypto::RustCrypto,
    status::{StatusListUri, StatusReference},
};
use lanyard_store::SqliteStore;
use lanyard_testkit::test_now;
use serde_json::json;

use crate::world::{Asked, BADGE, Holder, World, badge_query, steps};

const YEAR: SignedDuration = SignedDuration::from_hours(24 * 365);

/// Sends what the holder makes of a request; it must be refused for this reason alone, and the request
/// must still take a good answer.
async fn refused_for(world: &World, holder: &Holder<'_>, reason: &str) {
    let asked = world.ask_for_name().await;
    let answer = world.post(&holder.answer(&asked).await).await;
    assert_eq!(answer.refusal(), (400, "invalid_request".to_owned()), "{reason}");
    let status = world.status(&asked).await;
    assert_eq!(status["state"], "refused", "{reason}");
    assert_eq!(status["verdict"]["reason"], reason);
    assert_eq!(steps(&status).last(), Some(&format!("refused: {reason}")));
    assert!(status["verdict"]["credentials"][0].get("claims").is_none(), "{reason}");
    assert_eq!((&status["open"], &status["attempts_left"]), (&json!(true), &json!(2)), "{reason}");
    passes(world, &asked).await;
}

async fn passes(world: &World, asked: &Asked) {
    let answer = world.post(&world.answer(asked).await).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_eq!(world.status(asked).await["state"], "verified");
}

/// Flips one bit in the middle of a signature: the last dot-separated part of a token.
fn flip(token: &str) -> String {
    let place = token.rfind('.').expect("a token has parts") + 20;
    let other = if &token[place..=place] == "A" { "B" } else { "A" };
    format!("{}{other}{}", &token[..place], &token[place + 1..])
}

#[tokio::test]
async fn refuses_a_key_binding_whose_signature_is_broken() {
    let world = World::new();
    let tamper = |presentation: String| flip(&presentation);
    let holder = Holder { tamper, ..Holder::new(&world).await };
    refused_for(&world, &holder, "key_binding_signature_invalid").await;
}

#[tokio::test]
async fn refuses_a_credential_whose_issuer_signature_is_broken() {
    let world = World::new();
    let tamper = |presentation: String| {
        let (credential, rest) = presentation.split_once('~').expect("an SD-JWT");
        format!("{}~{rest}", flip(credential))
    };
    let holder = Holder { tamper, ..Holder::new(&world).await };
    refused_for(&world, &holder, "issuer_signature_invalid").await;
}

#[tokio::test]
async fn refuses_a_key_binding_over_other_disclosures() {
    let world = World::new();
    // what was signed for with a disclosure is sent without it
    let tamper = |presentation: String| {
        let parts: Vec<_> = presentation.split('~').collect();
        format!("{}~{}", parts[0], parts[parts.len() - 1])
    };
    let holder = Holder { tamper, ..Holder::new(&world).await };
    refused_for(&world, &holder, "sd_hash_mismatch").await;
}

#[tokio::test]
async fn refuses_a_key_binding_for_another_nonce() {
    let world = World::new();
    let nonce = Some("another-nonce-of-another-request".to_owned());
    let holder = Holder { nonce, ..Holder::new(&world).await };
    refused_for(&world, &holder, "nonce_mismatch").await;
}

#[tokio::test]
async fn refuses_a_key_binding_for_another_audience() {
    let world = World::new();
    let audience = Some("x509_san_dns:verifier.example".to_owned());
    let holder = Holder { audience, ..Holder::new(&world).await };
    refused_for(&world, &holder, "audience_mismatch").await;
}

#[tokio::test]
async fn refuses_a_key_binding_that_is_a_year_old() {
    let world = World::new();
    let holder = Holder { at: world.now() - YEAR, ..Holder::new(&world).await };
    refused_for(&world, &holder, "key_binding_too_old").await;
}

#[tokio::test]
async fn refuses_a_key_binding_from_next_year() {
    let world = World::new();
    let holder = Holder { at: world.now() + YEAR, ..Holder::new(&world).await };
    refused_for(&world, &holder, "key_binding_from_the_future").await;
}

#[tokio::test]
async fn refuses_expired_and_not_yet_valid_credentials_by_different_reasons() {
    let world = World::new();
    let hour = SignedDuration::from_hours(1);
    let between = |not_before: Timestamp, expires_at: Timestamp| Validity {
        issued_at: None,
        not_before: Some(not_before),
        expires_at: Some(expires_at),
    };
    let cases = [
        (between(test_now() - YEAR, test_now() - hour), "credential_expired"),
        (between(test_now() + hour, test_now() + YEAR), "credential_not_yet_valid"),
    ];
    for (validity, reason) in cases {
        let held = world.issue(world.trusted_issuer(), BADGE, validity).await;
        refused_for(&world, &Holder::of(&world, held), reason).await;
    }
}

#[tokio::test]
async fn refuses_what_was_made_for_another_request() {
    // security.md 124: made for request 1, sent to request 2
    let world = World::new();
    let plain = json!({ "dcql_query": badge_query(&["name"]), "response_mode": "direct_post" });
    let (first, second) = (world.ask(plain.clone()).await, world.ask(plain).await);
    let answer = world.answer(&first).await;
    let elsewhere = world.answer(&second).await.response_uri;
    let refused = world.post_form(elsewhere.path(), answer.body.clone()).await;
    assert_eq!(refused.refusal(), (400, "invalid_request".to_owned()));
    let status = world.status(&second).await;
    assert_eq!(steps(&status).last().map(String::as_str), Some("refused: state_mismatch"));
    assert_eq!(status["state"], "waiting");
    passes(&world, &second).await;
    assert_eq!(world.post(&answer).await.status, StatusCode::OK);
}

#[tokio::test]
async fn refuses_what_was_encrypted_for_another_request() {
    // security.md 144: a middleman puts another presentation into this request's path
    let world = World::new();
    let (first, second) = (world.ask_for_name().await, world.ask_for_name().await);
    let answer = world.answer(&first).await;
    let elsewhere = world.answer(&second).await.response_uri;
    let refused = world.post_form(elsewhere.path(), answer.body).await;
    assert_eq!(refused.refusal(), (400, "invalid_request".to_owned()));
    let last = steps(&world.status(&second).await).pop();
    assert_eq!(last.as_deref(), Some("refused: response_does_not_decrypt"));
    passes(&world, &second).await;
}

#[tokio::test]
async fn refuses_a_state_that_is_missing_unknown_or_a_megabyte() {
    // security.md 125
    let world = World::new();
    let asked = world
        .ask(json!({ "dcql_query": badge_query(&["name"]), "response_mode": "direct_post" }))
        .await;
    let answer = world.answer(&asked).await;
    let path = answer.response_uri.path();
    let without = answer.body.split('&').filter(|pair| !pair.starts_with("state="));
    let without = without.collect::<Vec<_>>().join("&");
    let megabyte = format!("{without}&state={}", "a".repeat(1 << 20));
    let bodies = [without.clone(), format!("{without}&state=unknown"), megabyte];
    let mut answers = Vec::new();
    for body in bodies {
        let refused = world.post_form(path, body).await;
        assert_eq!(refused.refusal(), (400, "invalid_request".to_owned()));
        answers.push(refused.text());
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "one answer for all of them");
    passes(&world, &asked).await;
}

#[tokio::test]
async fn refuses_every_response_to_an_ended_request() {
    // security.md 125, 130: also a good one
    let world = World::new();
    let asked = world.ask_for_name().await;
    let (first, second) = (world.answer(&asked).await, world.answer(&asked).await);
    assert_eq!(world.post(&first).await.status, StatusCode::OK);
    for again in [&first, &second] {
        assert_eq!(world.post(again).await.refusal(), (400, "invalid_request".to_owned()));
    }
    let status = world.status(&asked).await;
    assert_eq!(status["state"], "verified");
    assert_eq!(steps(&status).last().map(String::as_str), Some("refused: request_ended"));
}

#[tokio::test]
async fn a_wallet_that_declines_ends_the_request() {
    // security.md 130
    let world = World::new();
    for mode in ["direct_post", "direct_post.jwt"] {
        let body = json!({ "dcql_query": badge_query(&["name"]), "response_mode": mode });
        let asked = world.ask(body).await;
        let late = world.answer(&asked).await;
        let declined = world.review(&asked).await.decline(&RustCrypto).expect("a response");
        let answer = world.post(&declined).await;
        assert_eq!((answer.status, answer.text().as_str()), (StatusCode::OK, "{}"));
        let status = world.status(&asked).await;
        assert_eq!(status["state"], "declined");
        assert_eq!(status["declined"], "access_denied");
        let last = steps(&status).pop();
        assert_eq!(last.as_deref(), Some("declined: access_denied"));
        assert_eq!(world.post(&late).await.refusal(), (400, "invalid_request".to_owned()));
    }
}

#[tokio::test]
async fn a_refusal_with_an_unknown_state_ends_nothing() {
    // security.md 130
    let world = World::new();
    let asked = world.ask_for_name().await;
    let path = world.answer(&asked).await.response_uri;
    let forged = world.post_form(path.path(), "error=access_denied&state=guessed").await;
    assert_eq!(forged.refusal(), (400, "invalid_request".to_owned()));
    passes(&world, &asked).await;
}

#[tokio::test]
async fn refuses_a_vp_token_that_does_not_answer_the_query() {
    // security.md 131
    let world = World::new();
    let presentation = "a~b";
    let many: serde_json::Map<_, _> =
        (0..20_000).map(|id| (id.to_string(), json!([presentation]))).collect();
    let cases = [
        (json!({ "other": [presentation] }), "query_unknown"),
        (json!({}), "credential_missing"),
        (json!({ "badge": [presentation, presentation] }), "presentation_not_single"),
        (json!({ "badge": presentation }), "vp_token_malformed"),
        (json!({ "badge": [] }), "vp_token_malformed"),
        (json!([presentation]), "vp_token_malformed"),
        (json!({ "badge": [{ "a": "json object" }] }), "sd_jwt_no_tilde"),
        (json!(many), "response_not_json"),
    ];
    for (token, reason) in cases {
        let body = json!({ "dcql_query": badge_query(&["name"]), "response_mode": "direct_post" });
        let asked = world.ask(body).await;
        let reviewed = world.review(&asked).await;
        let state = reviewed.request().state.as_ref().expect("a state").as_str().to_owned();
        let form = [("vp_token", token.to_string()), ("state", state)];
        let form = serde_urlencoded::to_string(form).expect("a form");
        let path = reviewed.request().response_uri.url().path().to_owned();
        let refused = world.post_form(&path, form).await;
        assert_eq!(refused.refusal(), (400, "invalid_request".to_owned()), "{reason}");
        let last = steps(&world.status(&asked).await).pop();
        assert_eq!(last, Some(format!("refused: {reason}")));
        passes(&world, &asked).await;
    }
}

#[tokio::test]
async fn the_third_presentation_that_fails_ends_the_request() {
    let world = World::new();
    let asked = world.ask_for_name().await;
    let nonce = Some("another-nonce".to_owned());
    let bad = Holder { nonce, ..Holder::new(&world).await };
    let good = world.answer(&asked).await;
    for left in [2, 1, 0] {
        let answer = world.post(&bad.answer(&asked).await).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        let status = world.status(&asked).await;
        assert_eq!(status["attempts_left"], left);
        assert_eq!(status["open"], left > 0);
        if left == 0 {
            assert_eq!(status["state"], "refused");
            assert!(status.get("link").is_none());
            break;
        }
    }
    assert_eq!(world.post(&good).await.refusal(), (400, "invalid_request".to_owned()));
    assert_eq!(world.get(&asked.request_path()).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn unknown_guessed_expired_and_foreign_paths_are_one_and_the_same_404() {
    // security.md 139, 124
    let world = World::new();
    let asked = world.ask_for_name().await;
    let path = asked.request_path();
    let response = world.answer(&asked).await;
    let foreign = path.replace("/demo/", "/other/");
    let nowhere = path.replace("/demo/", "/nobody/");
    // the first character of the identifier, which holds six bits of it: another one each time
    let start = "/demo/requests/".len();
    let other = if path[start..].starts_with('A') { "B" } else { "A" };
    let guessed = format!("{}{other}{}", &path[..start], &path[start + 1..]);
    let mut bodies = Vec::new();
    for wrong in [foreign.as_str(), &nowhere, &guessed, "/demo/requests/%ff", "/demo/requests/x"] {
        let answer = world.get(wrong).await;
        assert_eq!(answer.refusal(), (404, "not_found".to_owned()), "{wrong}");
        bodies.push(answer.text());
    }
    for tenant in ["other", "nobody"] {
        let wrong = response.response_uri.path().replace("/demo/", &format!("/{tenant}/"));
        let answer = world.post_form(&wrong, response.body.clone()).await;
        assert_eq!(answer.refusal(), (404, "not_found".to_owned()), "{wrong}");
        bodies.push(answer.text());
    }
    world.clock.forward(SignedDuration::from_mins(5));
    for answer in [world.get(&path).await, world.post(&response).await] {
        assert_eq!(answer.refusal(), (404, "not_found".to_owned()));
        bodies.push(answer.text());
    }
    assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]));
    let status = world.status(&asked).await;
    assert_eq!((&status["state"], &status["open"]), (&json!("expired"), &json!(false)));
}

#[tokio::test]
async fn refuses_bodies_that_are_too_large_or_of_another_kind() {
    // security.md 138, 190
    let world = World::new();
    let asked = world.ask_for_name().await;
    let fetch = asked.request_path();
    let respond = world.answer(&asked).await.response_uri.path().to_owned();
    let too_large = |length: usize| format!("wallet_metadata={}", "a".repeat(length));
    for (path, length) in [(&fetch, 64 << 10), (&respond, 2 << 20)] {
        let answer = world.post_form(path, too_large(length)).await;
        assert_eq!(answer.refusal(), (413, "invalid_request".to_owned()));
        for (name, value) in [
            (header::CONTENT_TYPE, "application/json"),
            (header::CONTENT_TYPE, "application/x-www-form-urlencoded; charset=utf-16"),
        ] {
            let request = Request::post(path).header(name, value).body(Body::from("{}"));
            let answer = world.send(request.expect("a request")).await;
            assert_eq!(answer.refusal(), (415, "invalid_request".to_owned()));
        }
        let request = Request::post(path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::CONTENT_ENCODING, "gzip")
            .body(Body::from("a=b"));
        let answer = world.send(request.expect("a request")).await;
        assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    passes(&world, &asked).await;
}

#[tokio::test]
async fn refuses_wallet_metadata_and_nonces_that_are_none() {
    // security.md 138
    let world = World::new();
    let asked = world.ask_for_name().await;
    let long = format!("wallet_nonce={}", "a".repeat(2000));
    let cases = [
        "wallet_metadata=%5B%5D",
        "wallet_metadata=%7B%7D&wallet_metadata=%7B%7D",
        "wallet_nonce=a%0D%0Ab",
        "wallet_nonce=",
        "wallet_nonce=a&wallet_nonce=b",
        &long,
    ];
    for form in cases {
        let answer = world.post_form(&asked.request_path(), form.to_owned()).await;
        assert_eq!(answer.refusal(), (400, "invalid_request".to_owned()), "{form}");
    }
    passes(&world, &asked).await;
}

#[tokio::test]
async fn of_two_responses_at_the_same_time_one_counts() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = SqliteStore::open(folder.path()).expect("a store");
    let world = World::with_store(Arc::new(store));
    let mut overtaken = 0;
    for _ in 0..8 {
        let asked = world.ask_for_name().await;
        let (one, other) = (world.answer(&asked).await, world.answer(&asked).await);
        // the second is judged while the first waits for the disk
        let (one, other) = tokio::join!(world.post(&one), world.post(&other));
        let mut statuses = [one.status.as_u16(), other.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 400]);
        let status = world.status(&asked).await;
        assert_eq!(status["state"], "verified");
        let count = |wanted: &[&str]| {
            steps(&status).iter().filter(|step| wanted.contains(&step.as_str())).count()
        };
        assert_eq!(count(&["verified"]), 1);
        assert_eq!(count(&["refused: response_overtaken", "refused: request_ended"]), 1);
        overtaken += count(&["refused: response_overtaken"]);
    }
    assert!(overtaken > 0, "no two responses met at the store");
}

#[tokio::test]
async fn what_nobody_can_tell_is_neither_a_yes_nor_a_no_and_can_be_tried_again() {
    let world = World::new();
    let status = StatusReference::TokenStatusList {
        uri: StatusListUri::parse("https://issuer.example/statuslists/1").unwrap(),
        index: 7,
    };
    let asked = world.ask_for_name().await;
    let unsure = Holder::of(&world, world.badge_with_status(&status).await).answer(&asked).await;
    assert_eq!(world.post(&unsure).await.refusal(), (400, "server_error".to_owned()));
    let status = world.status(&asked).await;
    assert_eq!((&status["state"], &status["open"]), (&json!("undetermined"), &json!(true)));
    assert_eq!(steps(&status).last().map(String::as_str), Some("undetermined: status_unknown"));
    assert!(status["verdict"]["credentials"][0].get("claims").is_none());
    passes(&world, &asked).await;
}

#[tokio::test]
async fn what_a_request_says_about_the_host_is_ignored() {
    let world = World::new();
    let request = Request::builder()
        .method(Method::POST)
        .uri("/api/demo/requests")
        .header(header::HOST, "evil.example")
        .header("x-forwarded-host", "evil.example")
        .header("forwarded", "host=evil.example")
        .header(header::AUTHORIZATION, format!("Bearer {}", crate::world::KEY))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(json!({ "preset": "badge" }).to_string()));
    let answer = world.send(request.expect("a request")).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    assert!(!answer.text().contains("evil.example"));
    assert!(answer.text().contains("https%3A%2F%2Fverifier.example%2Fdemo%2Frequests%2F"));
}

#[tokio::test]
async fn a_wallet_that_tells_an_error_of_its_own_ends_the_request() {
    let world = World::new();
    for code in ["invalid_request_object", "user_cancelled"] {
        let asked = world.ask_for_name().await;
        let reviewed = world.review(&asked).await;
        let state = reviewed.request().state.as_ref().expect("a state");
        let form = serde_urlencoded::to_string([("error", code), ("state", state.as_str())]);
        let path = reviewed.request().response_uri.url().path();
        let answer = world.post_form(path, form.expect("a form")).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        let status = world.status(&asked).await;
        assert_eq!((&status["state"], &status["declined"]), (&json!("declined"), &json!("other")));
        assert!(!status.to_string().contains(code), "what a wallet made up is not told");
    }
}

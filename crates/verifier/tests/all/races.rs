//! Many at once, the wrong session, and answers that are too much.

use std::sync::Arc;

use http::{Method, StatusCode};
use lanyard_store::SqliteStore;
use lanyard_verifier::BrowserSession;
use serde_json::json;

use crate::world::{World, badge_query, demo, session, steps};

/// A field of a form.
fn field(body: &str, name: &str) -> String {
    let mut pairs = url::form_urlencoded::parse(body.as_bytes());
    pairs.find(|(own, _)| own == name).expect("it is there").1.into_owned()
}

/// 64 posts of one presentation at once: one is taken, and one verdict falls.
async fn one_of_many(world: &World) {
    let body = json!({ "dcql_query": badge_query(&["name"]), "response_mode": "direct_post" });
    let asked = world.ask(body).await;
    let response = world.answer(&asked).await;
    let answers = futures_util::future::join_all((0..64).map(|_| world.post(&response))).await;
    let taken = answers.iter().filter(|answer| answer.status == StatusCode::OK).count();
    assert_eq!(taken, 1);
    for answer in answers.iter().filter(|answer| answer.status != StatusCode::OK) {
        assert_eq!(answer.refusal(), (400, "invalid_request".to_owned()));
    }
    let status = world.status(&asked).await;
    assert_eq!(status["state"], "verified");
    let verdicts = steps(&status).into_iter().filter(|step| step == "verified").count();
    assert_eq!(verdicts, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_64_posts_of_one_presentation_one_is_taken() {
    one_of_many(&World::new()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_64_posts_of_one_presentation_one_is_taken_on_disk_too() {
    let folder = tempfile::tempdir().expect("a folder");
    one_of_many(&World::with_store(Arc::new(SqliteStore::open(folder.path()).expect("a store"))))
        .await;
}

#[tokio::test]
async fn an_answer_to_one_request_is_none_to_another() {
    let world = World::new();
    let body = json!({ "dcql_query": badge_query(&["name"]), "response_mode": "direct_post" });
    let (one, other) = (world.ask(body.clone()).await, world.ask(body).await);
    let (mine, theirs) = (world.answer(&one).await, world.answer(&other).await);
    // the whole answer, with the state of its own request
    let swapped = world.post_form(theirs.response_uri.path(), mine.body.clone()).await;
    assert_eq!(swapped.refusal(), (400, "invalid_request".to_owned()));
    assert_eq!(
        steps(&world.status(&other).await).last().expect("a step"),
        "refused: state_mismatch"
    );
    // the presentation of one with the state of the other
    let mixed = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("vp_token", &field(&mine.body, "vp_token"))
        .append_pair("state", &field(&theirs.body, "state"))
        .finish();
    let swapped = world.post_form(theirs.response_uri.path(), mixed).await;
    assert_eq!(swapped.refusal(), (400, "invalid_request".to_owned()));
    let status = world.status(&other).await;
    assert_eq!(status["verdict"]["reason"], "nonce_mismatch");
    // neither cost the first anything
    assert_eq!(world.post(&mine).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_forwarded_code_shows_the_result_to_nobody_but_the_browser_that_asked() {
    let world = World::new();
    let (mine, forwarded) =
        (BrowserSession::new("m".repeat(43)), BrowserSession::new("f".repeat(43)));
    let body = json!({
        "dcql_query": badge_query(&["name"]), "browser_session": mine.reveal(),
    });
    let asked = world.ask(body).await;
    // whoever gets the forwarded code presents; the code itself leads to no result
    world.post(&world.answer(&asked).await).await;
    let id = session(&asked);
    assert!(world.service.request_status_in_browser(&demo(), id, &forwarded).await.is_err());
    let own = world.service.request_status_in_browser(&demo(), id, &mine).await;
    assert!(own.expect("the browser that asked").verdict.is_some());
    assert!(!asked.link.as_str().contains(&asked.id), "the code names no session of the API");
    for path in [asked.request_path(), asked.request_path().replace("requests", "responses")] {
        let answer = world.get(&path).await;
        assert!(!answer.text().contains("Lovelace"));
    }
}

#[tokio::test]
async fn an_answer_that_is_too_long_too_deep_or_too_wide_is_refused_at_once() {
    let world = World::new();
    let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    let wide: serde_json::Map<_, _> =
        (0..30_000).map(|id| (format!("q{id}"), json!(["a"]))).collect();
    let cases = [
        (format!(r#"{{"badge":["{}"]}}"#, "a".repeat(2 << 20)), 413),
        (deep.clone(), 400),
        (format!(r#"{{"badge":{deep}}}"#), 400),
        (serde_json::Value::Object(wide).to_string(), 400),
        (r#"{"badge":[]}"#.to_owned(), 400),
        (r#"{"badge":"a"}"#.to_owned(), 400),
        (r#"{"badge":["a","b"]}"#.to_owned(), 400),
        (r#"{"other":["a"]}"#.to_owned(), 400),
        ("{}".to_owned(), 400),
    ];
    for (token, expected) in cases {
        let body = json!({ "dcql_query": badge_query(&["name"]), "response_mode": "direct_post" });
        let asked = world.ask(body).await;
        let response = world.answer(&asked).await;
        let state = field(&response.body, "state");
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("vp_token", &token)
            .append_pair("state", &state)
            .finish();
        let answer = world.post_form(response.response_uri.path(), form).await;
        let short: String = token.chars().take(40).collect();
        assert_eq!(answer.status.as_u16(), expected, "{short}");
        // the request still waits, for an honest answer too
        assert_eq!(world.post(&response).await.status, StatusCode::OK, "{short}");
    }
}

#[tokio::test]
async fn a_state_that_is_long_unknown_or_missing_is_refused_the_same_way() {
    let world = World::new();
    let body = json!({ "dcql_query": badge_query(&["name"]), "response_mode": "direct_post" });
    let asked = world.ask(body).await;
    let response = world.answer(&asked).await;
    let token = field(&response.body, "vp_token");
    let mut answers = Vec::new();
    for state in [None, Some("unknown".to_owned()), Some("s".repeat(1 << 20))] {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("vp_token", &token);
        if let Some(state) = &state {
            form.append_pair("state", state);
        }
        answers.push(world.post_form(response.response_uri.path(), form.finish()).await.text());
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    let status = world.api(Method::GET, &format!("requests/{}", asked.id), None).await.json();
    assert_eq!((&status["state"], &status["attempts_left"]), (&json!("waiting"), &json!(3)));
}

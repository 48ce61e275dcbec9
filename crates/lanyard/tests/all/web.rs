//! The pages of a running demo: their headers, whom they let in, and that nothing in them runs.

use axum::{Router, body::Body};
use http::{Request, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use lanyard_cli::serve::{compose::compose, plan::Plan};
use tokio::sync::watch;
use tower::ServiceExt as _;

use crate::stores;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

struct Demo {
    router: Router,
    _folder: tempfile::TempDir,
    _stop: watch::Sender<bool>,
}

async fn demo() -> Demo {
    let folder = tempfile::tempdir().expect("a folder");
    let plan = Plan::demo(7077, folder.path().join("data")).expect("a plan");
    let plan = Plan { store: stores::shared(), ..plan };
    let (stop, stopping) = watch::channel(false);
    let router = compose(plan, stopping).await.expect("the demo starts").router;
    Demo { router, _folder: folder, _stop: stop }
}

impl Demo {
    async fn send(&self, request: http::request::Builder, body: &str) -> Response<String> {
        let request = request.body(Body::from(body.to_owned())).expect("a request");
        let response = self.router.clone().oneshot(request).await.expect("infallible");
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        Response::from_parts(parts, String::from_utf8_lossy(&body).into_owned())
    }

    async fn get(&self, path: &str) -> Response<String> {
        self.send(here(path), "").await
    }
}

fn here(path: &str) -> http::request::Builder {
    Request::builder().uri(path).header(header::HOST, "localhost:7077")
}

fn form(path: &str) -> http::request::Builder {
    here(path).method("POST").header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
}

#[tokio::test]
async fn every_page_and_asset_carries_the_protecting_headers() {
    let demo = demo().await;
    let paths = [
        "/",
        "/issue",
        "/issue/new/employee_badge",
        "/verify",
        "/pocket",
        "/pocket/history",
        "/nowhere",
        "/assets/lanyard.css",
    ];
    for path in paths {
        let response = demo.get(path).await;
        let value = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
        assert_eq!(value("content-security-policy"), Some(POLICY), "{path}");
        assert_eq!(value("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(value("referrer-policy"), Some("no-referrer"), "{path}");
        assert_eq!(value("cross-origin-opener-policy"), Some("same-origin"), "{path}");
        assert_eq!(value("cross-origin-resource-policy"), Some("same-origin"), "{path}");
        assert!(
            value("permissions-policy").is_some_and(|policy| policy.contains("camera=()")),
            "{path}"
        );
        let cached = if path.starts_with("/assets") { "max-age=300" } else { "no-store" };
        assert_eq!(value("cache-control"), Some(cached), "{path}");
    }
}

#[tokio::test]
async fn a_page_asked_for_under_another_host_name_is_not_shown() {
    let demo = demo().await;
    let request = Request::builder().uri("/pocket").header(header::HOST, "rebound.example:7077");
    let response = demo.send(request, "").await;
    assert_eq!(response.status(), StatusCode::MISDIRECTED_REQUEST);
    assert!(response.body().contains("Open http://localhost:7077/ instead"));
}

#[tokio::test]
async fn a_form_sent_from_another_site_is_refused() {
    let demo = demo().await;
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
    ] {
        let response = demo.send(form("/pocket/open").header(name, value), "link=x").await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{name}: {value}");
    }
    let response =
        demo.send(form("/pocket/open").header("sec-fetch-site", "same-origin"), "link=x").await;
    assert_eq!(response.status(), StatusCode::OK);
}

#[tokio::test]
async fn what_is_typed_comes_back_as_text() {
    let demo = demo().await;
    let hostile = "%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E";
    let response = demo.send(form("/pocket/open"), &format!("link={hostile}")).await;
    assert!(!response.body().contains("<script>alert"), "{}", response.body());
    let typed = format!("type=employee_badge&given_name={hostile}&employed_since=never");
    let response = demo.send(form("/issue"), &typed).await;
    assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(!response.body().contains("<script>alert"));
    assert!(response.body().contains("Write it as 2026-11-24"));
    let response = demo.send(form("/verify"), &format!("preset=own&dcql={hostile}")).await;
    assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(!response.body().contains("<script>alert"));
}

#[tokio::test]
async fn a_query_that_breaks_a_rule_is_told_which() {
    let demo = demo().await;
    let response =
        demo.send(form("/verify"), "preset=own&dcql=%7B%22credentials%22%3A%5B%5D%7D").await;
    assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(response.body().contains("This is not a DCQL query yet"));
}

#[tokio::test]
async fn whoever_asks_for_a_date_of_birth_is_told_that_an_age_may_do() {
    let demo = demo().await;
    for (claim, told) in [("birthdate", true), ("age_over_18", false)] {
        let query = serde_json::json!({ "credentials": [{
            "id": "identity",
            "format": "dc+sd-jwt",
            "meta": { "vct_values": ["urn:example:identity"] },
            "claims": [{ "path": [claim] }],
        }] });
        let typed: String = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("preset", "own")
            .append_pair("dcql", &query.to_string())
            .finish();
        let made = demo.send(form("/verify"), &typed).await;
        assert_eq!(made.status(), StatusCode::SEE_OTHER, "{}", made.body());
        let header = |name| made.headers()[name].to_str().expect("text").to_owned();
        let cookie = header(header::SET_COOKIE);
        let cookie = cookie.split(';').next().expect("a cookie has a value");
        let page =
            demo.send(here(&header(header::LOCATION)).header(header::COOKIE, cookie), "").await;
        assert_eq!(page.status(), StatusCode::OK);
        assert_eq!(page.body().contains("Could you ask for less?"), told, "{claim}");
        assert_eq!(page.body().contains("a date of birth identifies"), told, "{claim}");
    }
}

#[tokio::test]
async fn a_page_that_is_not_there_says_what_to_do() {
    let demo = demo().await;
    let response = demo.get("/issue/0123456789abcdef0123456789abcdef").await;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    assert!(response.body().contains("what one browser makes, no other sees"));
}

#[tokio::test]
async fn the_server_says_that_it_lives_and_that_it_is_ready() {
    let demo = demo().await;
    assert_eq!(demo.get("/healthz").await.body(), "ok");
    assert_eq!(demo.get("/readyz").await.body(), "ready");
}

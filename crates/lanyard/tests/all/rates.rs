//! What one address asks too often is turned away, and nobody else is.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Instant;

use axum::{Router, body::Body, extract::ConnectInfo};
use http::{Request, Response, StatusCode, header::RETRY_AFTER};
use http_body_util::BodyExt as _;
use lanyard_cli::serve::{
    compose::compose,
    plan::Plan,
    rates::{Rates, counted_routes},
};
use tokio::sync::watch;
use tower::ServiceExt as _;

struct Server {
    router: Router,
    _folder: tempfile::TempDir,
    _stop: watch::Sender<bool>,
}

impl Server {
    /// One request per second and class, two at once, and one wrong key a minute.
    async fn slow() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut plan = Plan::demo(7077, folder.path().join("data")).expect("a plan");
        let one = NonZeroU32::MIN;
        plan.rates = Some(Rates {
            token: one,
            nonce: one,
            credential: one,
            fetch: one,
            response: one,
            login: one,
            api: one,
            resolution: one,
            wrong_keys_per_minute: one,
        });
        plan.resolver = true;
        let (stop, stopping) = watch::channel(false);
        let router = compose(plan, stopping).await.expect("it starts").router;
        Self { router, _folder: folder, _stop: stop }
    }

    async fn send(&self, from: &str, method: &str, path: &str) -> Response<Body> {
        let peer: SocketAddr = format!("{from}:4000").parse().expect("an address");
        let request = Request::builder().method(method).uri(path).header("host", "localhost:7077");
        let mut request = request.body(Body::empty()).expect("a request");
        request.extensions_mut().insert(ConnectInfo(peer));
        self.router.clone().oneshot(request).await.expect("infallible")
    }

    async fn status(&self, from: &str, method: &str, path: &str) -> StatusCode {
        self.send(from, method, path).await.status()
    }

    /// Asks for one path after the other until one is turned away: after two, and after one more for
    /// each second that it takes to ask.
    async fn turned_away(&self, from: &str, method: &str, paths: &[&str]) -> Response<Body> {
        let (begun, mut passed) = (Instant::now(), 0);
        let mut paths = paths.iter().cycle();
        loop {
            let path = paths.next().expect("there is a path");
            let answer = self.send(from, method, path).await;
            // who is turned away for a wrong key waits longer
            if answer.headers().get(RETRY_AFTER).is_some_and(|wait| wait == "1") {
                assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS, "{path}");
                assert!(passed >= 2, "{path}: {passed} passed");
                return answer;
            }
            passed += 1;
            assert!(passed <= 2 + begun.elapsed().as_secs(), "{path}: {passed} passed");
        }
    }
}

#[tokio::test]
async fn every_counted_route_turns_the_third_request_of_a_second_away() {
    let server = Server::slow().await;
    let counted = counted_routes().map(|route| {
        let path = route.replace("{tenant}", "demo").replace("{*identifier}", "did:key:x");
        // only a login that is sent counts; for the others no method is as good as another
        (if route.contains("{id}") { "GET" } else { "POST" }, path.replace("{id}", "x"))
    });
    let api = ("POST", "/api/demo/offers".to_owned());
    for (at, (method, path)) in counted.chain([api]).enumerate() {
        let (from, path) = (format!("192.0.2.{at}"), path.as_str());
        let third = server.turned_away(&from, method, &[path]).await;
        let body = third.into_body().collect().await.expect("a body").to_bytes();
        let said = String::from_utf8_lossy(&body).into_owned();
        assert!(said.contains("Too many requests from this address"), "{said}");
    }
}

#[tokio::test]
async fn routes_of_one_class_are_counted_together_and_classes_apart() {
    let server = Server::slow().await;
    let token_class = ["/demo/par", "/demo/challenge", "/demo/sign-in/token", "/demo/token"];
    server.turned_away("192.0.2.1", "POST", &token_class).await;
    let nonce = server.status("192.0.2.1", "POST", "/demo/nonce").await;
    assert_eq!(nonce, StatusCode::OK);
}

#[tokio::test]
async fn another_address_another_tenant_and_this_machine_are_not_turned_away_for_it() {
    let server = Server::slow().await;
    server.turned_away("192.0.2.1", "POST", &["/demo/nonce"]).await;
    let at = |from: &'static str, path: &'static str| server.status(from, "POST", path);
    assert_eq!(at("192.0.2.2", "/demo/nonce").await, StatusCode::OK);
    assert_eq!(at("192.0.2.1", "/other/nonce").await, StatusCode::NOT_FOUND);
    for _ in 0..5 {
        assert_eq!(at("127.0.0.1", "/demo/nonce").await, StatusCode::OK);
    }
}

#[tokio::test]
async fn what_anybody_may_read_as_often_as_they_like_is_not_counted() {
    let server = Server::slow().await;
    for path in ["/.well-known/openid-credential-issuer/demo", "/demo/status-lists", "/healthz"] {
        for _ in 0..5 {
            assert_eq!(server.status("192.0.2.1", "GET", path).await, StatusCode::OK, "{path}");
        }
    }
}

#[tokio::test]
async fn a_second_wrong_key_within_the_minute_is_not_even_told_that_it_is_wrong() {
    let server = Server::slow().await;
    let at = || server.send("192.0.2.1", "GET", "/api/demo/presets");
    assert_eq!(at().await.status(), StatusCode::UNAUTHORIZED);
    let second = at().await;
    assert_eq!(second.status(), StatusCode::TOO_MANY_REQUESTS);
    let wait: u64 = second.headers()[RETRY_AFTER].to_str().expect("text").parse().expect("seconds");
    assert!((50..=61).contains(&wait), "{wait}");
}

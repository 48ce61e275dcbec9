//! What Prometheus reads: bounded, and about nobody.

use axum::{Router, body::Body};
use http::Request;
use http_body_util::BodyExt as _;
use lanyard_cli::serve::{compose::compose, metrics::Metrics, plan::Plan};
use tokio::sync::watch;
use tower::ServiceExt as _;

struct Server {
    router: Router,
    metrics: Metrics,
    _folder: tempfile::TempDir,
    _stop: watch::Sender<bool>,
}

impl Server {
    async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut plan = Plan::demo(7077, folder.path().join("data")).expect("a plan");
        let metrics = Metrics::default();
        plan.metrics = Some(metrics.clone());
        let (stop, stopping) = watch::channel(false);
        let router = compose(plan, stopping).await.expect("it starts");
        Self { router, metrics, _folder: folder, _stop: stop }
    }

    async fn ask(&self, method: &str, path: &str) -> u16 {
        let request = Request::builder().method(method).uri(path).header("host", "localhost:7077");
        let request = request.body(Body::empty()).expect("a request");
        self.router.clone().oneshot(request).await.expect("infallible").status().as_u16()
    }

    async fn metrics(&self) -> String {
        let request = Request::get("/metrics").body(Body::empty()).expect("a request");
        let response = self.metrics.clone().router().oneshot(request).await.expect("infallible");
        let body = response.into_body().collect().await.expect("a body").to_bytes();
        String::from_utf8(body.to_vec()).expect("text")
    }
}

#[tokio::test]
async fn requests_are_counted_by_route_method_and_status_with_their_duration() {
    let server = Server::start().await;
    assert_eq!(server.ask("POST", "/demo/nonce").await, 200);
    assert_eq!(server.ask("POST", "/demo/nonce").await, 200);
    assert_eq!(server.ask("POST", "/demo/token").await, 400);
    let text = server.metrics().await;
    for line in [
        r#"lanyard_http_requests_total{route="/{tenant}/nonce",method="POST",status="200"} 2"#,
        r#"lanyard_http_requests_total{route="/{tenant}/token",method="POST",status="400"} 1"#,
        r#"lanyard_http_request_duration_seconds_count{route="/{tenant}/nonce"} 2"#,
        "lanyard_http_requests_in_flight 0",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
}

#[tokio::test]
async fn ten_thousand_made_up_tenants_paths_and_methods_are_a_handful_of_lines() {
    let server = Server::start().await;
    for number in 0..10_000 {
        server.ask("POST", &format!("/tenant-{number}/nonce?canary-{number}")).await;
        server.ask(&format!("M{number}"), &format!("/nowhere/{number}")).await;
    }
    let text = server.metrics().await;
    let lines = text.lines().filter(|line| line.starts_with("lanyard_http_requests_total{"));
    assert!(lines.count() < 10, "{text}");
    assert!(!text.contains("canary") && !text.contains("tenant-1"), "{text}");
}

#[tokio::test]
async fn the_public_port_has_no_metrics() {
    let server = Server::start().await;
    assert_eq!(server.ask("GET", "/metrics").await, 404);
}

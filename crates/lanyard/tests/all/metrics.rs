//! What Prometheus reads: bounded, and about nobody.

use std::time::{Duration, Instant};

use axum::{Router, body::Body};
use http::Request;
use http_body_util::BodyExt as _;
use lanyard_cli::serve::{compose::compose, metrics::Metrics, plan::Plan};
use tokio::sync::watch;
use tower::ServiceExt as _;

use crate::circle::STARTED;

struct Server {
    router: Router,
    metrics: Metrics,
    folder: tempfile::TempDir,
    _stop: watch::Sender<bool>,
}

impl Server {
    async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut plan = Plan::demo(7077, folder.path().join("data")).expect("a plan");
        let metrics = Metrics::default();
        plan.metrics = Some(metrics.clone());
        let (stop, stopping) = watch::channel(false);
        let router = compose(plan, stopping).await.expect("it starts").router;
        Self { router, metrics, folder, _stop: stop }
    }

    async fn ask(&self, method: &str, path: &str) -> u16 {
        let request = Request::builder().method(method).uri(path).header("host", "localhost:7077");
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let request = request.body(Body::empty()).expect("a request");
        self.router.clone().oneshot(request).await.expect("infallible").status().as_u16()
    }

    /// Asks for an offer as its integrator.
    async fn make_offer(&self) -> u16 {
        let key = std::fs::read_to_string(self.folder.path().join("data/api-key")).expect("a key");
        let body = serde_json::json!({ "configuration": "employee_badge", "login": "only" });
        let request = Request::post("/api/demo/offers").header("host", "localhost:7077");
        let request = request.header("authorization", format!("Bearer {}", key.trim()));
        let request = request.header("content-type", "application/json");
        let request = request.body(Body::from(body.to_string())).expect("a request");
        self.router.clone().oneshot(request).await.expect("infallible").status().as_u16()
    }

    /// What is read, once this is in it.
    async fn until(&self, wanted: &str) -> String {
        let begun = Instant::now();
        loop {
            let text = self.metrics().await;
            if text.contains(wanted) {
                return text;
            }
            assert!(begun.elapsed() < STARTED, "{wanted} in {text}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
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
async fn steps_are_timed_by_flow_and_step_and_by_nothing_else() {
    use tracing_subscriber::layer::SubscriberExt as _;
    let server = Server::start().await;
    let timed = tracing_subscriber::registry().with(server.metrics.steps());
    // beside one subscriber alone, a thread that has none decides for all that nobody listens
    let _second = tracing::dispatcher::Dispatch::new(tracing_subscriber::registry());
    let _timed = tracing::subscriber::set_default(timed);
    assert_eq!(server.make_offer().await, 201);
    assert_eq!(server.make_offer().await, 201);
    // this step has no request
    tracing::info!(target: "lanyard_issuer", step = "expired", "issuance");
    let text = server.metrics().await;
    let labels = r#"{flow="issuance",step="offer_created"}"#;
    let count = format!("lanyard_protocol_step_duration_seconds_count{labels} 2");
    assert!(text.contains(&count), "{text}");
    let timed = text.matches("lanyard_protocol_step_duration_seconds_count{");
    assert_eq!(timed.count(), 1, "{text}");
}

#[tokio::test]
async fn the_store_and_the_chores_are_watched() {
    let server = Server::start().await;
    let text = server.until("lanyard_store_writable 1").await;
    let of = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(&format!("{name} ")));
        let line = line.unwrap_or_else(|| panic!("{name} in {text}"));
        line.rsplit(' ').next().and_then(|value| value.parse::<f64>().ok()).expect("a number")
    };
    // the keys of the demo were sealed a moment ago
    assert!(of("lanyard_sqlite_log_bytes") > 0.0, "{text}");
    assert!(of("lanyard_chores_done_timestamp_seconds") > 1.7e9, "{text}");
    for none in [
        "lanyard_webhook_messages_waiting",
        "lanyard_webhook_messages_given_up_total",
        "lanyard_postgres_connections_in_use",
    ] {
        assert!(of(none).abs() < 0.5, "{none} in {text}");
    }
}

#[tokio::test]
async fn the_public_port_has_no_metrics() {
    let server = Server::start().await;
    assert_eq!(server.ask("GET", "/metrics").await, 404);
}

#[tokio::test]
async fn dashboard_and_alerts_read_metrics_that_there_are_and_steps_that_are_taken() {
    use lanyard_verifier::step;
    use tracing_subscriber::layer::SubscriberExt as _;
    let server = Server::start().await;
    server.ask("POST", "/demo/nonce").await;
    let counted = tracing_subscriber::registry().with(server.metrics.steps());
    // beside one subscriber alone, a thread that has none decides for all that nobody listens
    let _second = tracing::dispatcher::Dispatch::new(tracing_subscriber::registry());
    let _counted = tracing::subscriber::set_default(counted);
    assert_eq!(server.make_offer().await, 201);
    let served = server.metrics().await;
    let deploy = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/deploy");
    let read = |name: &str| std::fs::read_to_string(format!("{deploy}/{name}")).expect("a file");
    let text = read("grafana.json") + &read("alerts.yaml");
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let names = text.match_indices("lanyard_").map(|(at, _)| &text[at..]);
    let names = names.map(|rest| rest.split(|c| !is_name(c)).next().unwrap_or_default());
    let mut read = 0;
    for name in names {
        let family = ["_total", "_bucket", "_info"].iter().find_map(|end| name.strip_suffix(end));
        let described = format!("# TYPE {} ", family.unwrap_or(name));
        assert!(served.contains(&described), "{name}: {served}");
        read += 1;
    }
    assert!(read > 8, "{read}");
    let known = [step::VERIFIED, step::REFUSED, step::UNDETERMINED, step::DECLINED];
    for steps in text.split("step=~").skip(1) {
        let steps = steps.trim_start_matches(['\\', '"']).split(['\\', '"']).next();
        for step in steps.unwrap_or_default().split('|') {
            assert!(known.contains(&step), "{step}");
        }
    }
}

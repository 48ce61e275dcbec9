//! A collector is told of requests and steps, in the trace of whoever asked, and of nobody's data.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::circle::STARTED;
use crate::stores;

/// The example of W3C Trace Context §3.2.
const CALLER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const KEY: &str = "0123456789abcdef0123456789abcdef";

/// Takes what an exporter sends; refuses as often as it is told to.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Taken>>);

#[derive(Default)]
struct Taken {
    bodies: Vec<(String, Value)>,
    busy: usize,
}

async fn take(
    State(collector): State<Collector>,
    uri: Uri,
    Json(body): Json<Value>,
) -> (StatusCode, Json<Value>) {
    let mut taken = collector.0.lock().expect("no panic");
    if taken.busy > 0 {
        taken.busy -= 1;
        return (StatusCode::SERVICE_UNAVAILABLE, Json(json!({})));
    }
    taken.bodies.push((uri.path().to_owned(), body));
    (StatusCode::OK, Json(json!({})))
}

impl Collector {
    fn serve(&self) -> u16 {
        let router = Router::new().fallback(take).with_state(self.clone());
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        listener.set_nonblocking(true).expect("a socket");
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("threads").block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).expect("a socket");
                axum::serve(listener, router).await
            })
        });
        port
    }

    fn of(&self, path: &str) -> Vec<Value> {
        let taken = self.0.lock().expect("no panic");
        let wanted = taken.bodies.iter().filter(|(at, _)| at == path);
        wanted.map(|(_, body)| body.clone()).collect()
    }

    fn spans(&self) -> Vec<Value> {
        let bodies = self.of("/v1/traces");
        let all = bodies.iter().filter_map(|body| {
            body["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().cloned()
        });
        all.flatten().collect()
    }

    /// The spans, once there is one of this name.
    fn until(&self, name: &str) -> Vec<Value> {
        let begun = Instant::now();
        loop {
            let spans = self.spans();
            if spans.iter().any(|span| span["name"] == name) {
                return spans;
            }
            assert!(begun.elapsed() < STARTED, "no span {name}: {spans:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

struct Served {
    process: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Served {
    fn start(telemetry: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let port = lanyard_testkit::free_port();
        let write = |name: &str, text: &str| {
            std::fs::write(folder.path().join(name), text).expect("writable");
            let private = std::fs::Permissions::from_mode(0o600);
            std::fs::set_permissions(folder.path().join(name), private).expect("ours");
        };
        write("api-key", KEY);
        write("badge.json", include_str!("../../../../examples/types/badge.json"));
        write(
            "lanyard.toml",
            &format!(
                "mode = \"development\"\nbase_url = \"http://localhost:{port}\"\n\
                 listen = \"127.0.0.1:{port}\"\ndata = \"data\"\n{telemetry}\n{}[issuer]\n[[tenants]]\n\
                 id = \"acme\"\nname = \"Acme\"\napi_key_files = [\"api-key\"]\n\
                 credential_types = [\"badge.json\"]\n",
                stores::section(folder.path())
            ),
        );
        let mut serve = Command::new(env!("CARGO_BIN_EXE_lanyard"));
        serve.args(["serve", "--config"]).arg(folder.path().join("lanyard.toml"));
        let process = serve.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let served = Self { process: process.expect("it runs"), port, _folder: folder };
        let begun = Instant::now();
        while !served.ask("GET", "/readyz", "", "").starts_with("HTTP/1.1 200") {
            assert!(begun.elapsed() < STARTED, "the server does not start");
            std::thread::sleep(Duration::from_millis(5));
        }
        served
    }

    fn ask(&self, method: &str, path: &str, headers: &str, body: &str) -> String {
        let mut answer = String::new();
        if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) {
            let request = format!(
                "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{headers}\
                 content-length: {}\r\n\r\n{body}",
                body.len()
            );
            let sent = stream.write_all(request.as_bytes());
            let _ = sent.and_then(|()| stream.read_to_string(&mut answer));
        }
        answer
    }

    /// Offers Ada a badge, in the trace of a caller.
    fn offer(&self) {
        let headers = format!(
            "authorization: Bearer {KEY}\r\ncontent-type: application/json\r\ntraceparent: {CALLER}\r\n"
        );
        let body = r#"{"configuration": "badge", "claims": {"given_name": "Ada", "family_name": "Moreau"}}"#;
        let answer = self.ask("POST", "/api/acme/offers", &headers, body);
        assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    }
}

const OFFERED: &str = "POST /api/{tenant}/offers";

#[test]
fn a_request_is_a_span_in_its_callers_trace_with_its_steps_and_without_anybodys_data() {
    let collector = Collector::default();
    // the first try finds it busy: what there is to tell is told again
    collector.0.lock().expect("no panic").busy = 1;
    let port = collector.serve();
    let served = Served::start(&format!(
        "[telemetry]\ncollector = \"http://localhost:{port}\"\nevery_seconds = 1\n"
    ));
    served.offer();
    let spans = collector.until(OFFERED);
    let span = spans.iter().find(|span| span["name"] == OFFERED).expect("it was awaited");
    assert_eq!(span["traceId"], "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(span["parentSpanId"], "00f067aa0ba902b7");
    assert_ne!(span["spanId"], span["parentSpanId"]);
    assert_eq!(span["kind"], 2);
    let nanoseconds = |key: &str| span[key].as_str().and_then(|text| text.parse::<u64>().ok());
    assert!(nanoseconds("startTimeUnixNano") < nanoseconds("endTimeUnixNano"), "{span}");
    let step = &span["events"][0];
    assert_eq!(step["name"], "issuance", "{span}");
    assert_eq!(step["attributes"][0]["key"], "lanyard.step");
    let attributes = span["attributes"].as_array().expect("attributes");
    let keys: Vec<_> = attributes.iter().map(|it| it["key"].as_str().expect("a key")).collect();
    let expected = ["http.request.method", "http.route", "http.response.status_code"];
    assert_eq!(keys, expected);
    let alone = spans.iter().find(|span| span["name"] == "GET /readyz").expect("one of its own");
    assert!(alone.get("parentSpanId").is_none(), "{alone}");

    let begun = Instant::now();
    while collector.of("/v1/metrics").is_empty() {
        assert!(begun.elapsed() < STARTED, "no metrics");
        std::thread::sleep(Duration::from_millis(20));
    }
    let metrics = collector.of("/v1/metrics");
    let counted =
        metrics.last().expect("some")["resourceMetrics"][0]["scopeMetrics"][0].to_string();
    assert!(counted.contains("lanyard_http_requests"), "{counted}");
    let bodies = collector.0.lock().expect("no panic").bodies.clone();
    for (path, body) in &bodies {
        let name = &body[if path == "/v1/traces" { "resourceSpans" } else { "resourceMetrics" }][0];
        assert_eq!(name["resource"]["attributes"][0]["value"]["stringValue"], "lanyard");
        let text = body.to_string();
        for secret in ["Ada", "Moreau", "acme", KEY] {
            assert!(!text.contains(secret), "{path}: {secret} in {text}");
        }
    }
}

#[test]
fn a_caller_who_does_not_sample_is_not_traced_and_nobody_is_at_none_in_a_hundred() {
    let collector = Collector::default();
    let port = collector.serve();
    let served = Served::start(&format!(
        "[telemetry]\ncollector = \"http://localhost:{port}\"\nevery_seconds = 1\ntraced_percent = 0\n"
    ));
    let unsampled = CALLER.replace("-01", "-00");
    served.ask("GET", "/healthz", &format!("traceparent: {unsampled}\r\n"), "");
    served.ask("GET", "/readyz", "", "");
    // the caller's word counts for more than the share
    served.offer();
    let spans = collector.until(OFFERED);
    assert!(spans.iter().all(|span| span["name"] == OFFERED), "{spans:?}");
}

//! Traces and metrics for a collector, over OTLP/HTTP in JSON (OpenTelemetry Protocol 1.7); off unless one is named.
//!
//! A span says method, route and status of a request, and which steps of a protocol it took: names of this program
//! alone. Tenants, sessions, paths and whatever a stranger sends are in none.

mod metrics;
mod parent;
mod span;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::extract::{MatchedPath, Request};
use axum::response::Response;
use jiff::Timestamp;
use lanyard_core::crypto::{AwsLc, Random as _};
use lanyard_fetch::{
    Body, FetchError, HostPort, HttpClient as _, Purpose, Request as Outgoing, SafeFetcher, traced,
};
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use tracing::{Event, Subscriber};
use tracing_subscriber::{Layer, layer::Context};
use url::Url;

use super::front::Inner;
use super::metrics::{Metrics, Said, flow_of, known};
use parent::TraceParent;
use span::{Span, Step};

/// Spans that wait at most; more are counted and dropped.
const MOST_WAITING: usize = 4096;

/// So many spans are sent at once.
const BATCH: usize = 512;

/// What is still to send when the server ends is sent so soon.
const LAST_CALL: Duration = Duration::from_millis(100);

/// Which collector is told, and of what.
#[derive(Debug, Clone)]
pub struct TelemetryOptions {
    /// Where OTLP/HTTP is spoken: `/v1/traces` and `/v1/metrics` are appended.
    pub collector: Url,
    /// How many in a hundred requests are traced that come without a decision of their caller.
    pub percent: u8,
    /// How often it is told.
    pub every: Duration,
}

/// What this server tells its collector; clones share it.
#[derive(Debug, Clone)]
pub struct Telemetry(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    options: TelemetryOptions,
    finished: mpsc::Sender<Span>,
    /// Spans that nobody took.
    lost: AtomicU64,
}

tokio::task_local! {
    /// The steps that the request at hand took.
    static STEPS: std::cell::RefCell<Vec<Step>>;
}

impl Telemetry {
    /// Begins to tell a collector, until `shutdown`.
    pub fn start(
        options: TelemetryOptions,
        metrics: Metrics,
        shutdown: watch::Receiver<bool>,
    ) -> Self {
        let (finished, coming) = mpsc::channel(MOST_WAITING);
        let shared = Arc::new(Shared { options, finished, lost: AtomicU64::new(0) });
        let own = HostPort::of(&shared.options.collector);
        let exporter = Exporter {
            shared: shared.clone(),
            http: SafeFetcher::builder().own_services(own).build(),
            metrics,
            resource: resource(),
            begun: Timestamp::now(),
            waiting: Vec::new(),
        };
        tokio::spawn(exporter.run(coming, shutdown));
        Self(shared)
    }
}

/// A layer that notes the steps of the request at hand.
pub fn steps<S: Subscriber>() -> impl Layer<S> {
    Steps
}

struct Steps;

impl<S: Subscriber> Layer<S> for Steps {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let Some(flow) = flow_of(event.metadata().target()) else { return };
        let _ = STEPS.try_with(|steps| {
            let mut said = Said::default();
            event.record(&mut said);
            if let Some(step) = said.step {
                let at = Timestamp::now();
                steps.borrow_mut().push(Step { at, flow, step, reason: said.reason });
            }
        });
    }
}

/// Traces a request, if its caller or chance says so.
pub(super) async fn trace(telemetry: &Telemetry, request: Request, next: impl Inner) -> Response {
    let header = request.headers().get("traceparent").and_then(|header| header.to_str().ok());
    let caller = header.and_then(TraceParent::parse);
    let here = match &caller {
        Some(caller) => caller.child(),
        None => TraceParent::fresh_of(telemetry.0.options.percent),
    };
    if !here.is_sampled {
        return traced(here.to_string(), next.run(request)).await;
    }
    let (at, method) = (Timestamp::now(), known(request.method()));
    let route = request.extensions().get::<MatchedPath>().cloned();
    let noted = STEPS.scope(std::cell::RefCell::default(), async {
        let response = traced(here.to_string(), next.run(request)).await;
        (response, STEPS.try_with(std::cell::RefCell::take).unwrap_or_default())
    });
    let (response, steps) = noted.await;
    let span = Span {
        here,
        parent: caller.map(|caller| caller.span),
        begun: at,
        ended: Timestamp::now(),
        method,
        route: route.as_ref().map_or("none", MatchedPath::as_str).to_owned(),
        status: response.status().as_u16(),
        steps,
    };
    if telemetry.0.finished.try_send(span).is_err() {
        telemetry.0.lost.fetch_add(1, Ordering::Relaxed);
    }
    response
}

/// What the collector knows this process by.
fn resource() -> Value {
    let mut instance = [0; 16];
    AwsLc.fill(&mut instance);
    json!({ "attributes": [
        attribute("service.name", "lanyard"),
        attribute("service.version", env!("CARGO_PKG_VERSION")),
        attribute("service.instance.id", &parent::hex(&instance)),
    ] })
}

/// A text as OTLP has it.
fn attribute(key: &str, value: &str) -> Value {
    json!({ "key": key, "value": { "stringValue": value } })
}

/// A moment as OTLP has it: nanoseconds, in a text, as JSON numbers are too small.
fn nanoseconds(at: Timestamp) -> String {
    at.as_nanosecond().to_string()
}

/// Sends what there is.
struct Exporter {
    shared: Arc<Shared>,
    http: SafeFetcher,
    metrics: Metrics,
    resource: Value,
    begun: Timestamp,
    waiting: Vec<Span>,
}

impl Exporter {
    async fn run(mut self, mut coming: mpsc::Receiver<Span>, mut shutdown: watch::Receiver<bool>) {
        let mut tick = tokio::time::interval(self.shared.options.every);
        loop {
            tokio::select! {
                span = coming.recv() => match span {
                    Some(span) => self.waiting.push(span),
                    None => return,
                },
                _ = tick.tick() => {
                    self.send_traces().await;
                    self.send_metrics().await;
                }
                ended = shutdown.changed(), if !*shutdown.borrow() => {
                    if ended.is_err() {
                        return;
                    }
                    tick = tokio::time::interval(LAST_CALL);
                }
            }
            if self.waiting.len() >= BATCH {
                self.send_traces().await;
            }
        }
    }

    async fn send_traces(&mut self) {
        while !self.waiting.is_empty() {
            let batch = self.waiting.len().min(BATCH);
            let spans: Vec<_> = self.waiting[..batch].iter().map(Span::to_json).collect();
            let body = json!({ "resourceSpans": [{
                "resource": self.resource,
                "scopeSpans": [{ "scope": scope(), "spans": spans }],
            }] });
            if !self.send("v1/traces", &body).await {
                // kept for the next time, as many as fit
                let over = self.waiting.len().saturating_sub(MOST_WAITING);
                self.waiting.drain(..over);
                self.shared.lost.fetch_add(over as u64, Ordering::Relaxed);
                return;
            }
            self.waiting.drain(..batch);
        }
    }

    async fn send_metrics(&self) {
        let Some(metrics) = metrics::of(&self.metrics, self.begun, Timestamp::now()) else {
            return;
        };
        let body = json!({ "resourceMetrics": [{
            "resource": self.resource,
            "scopeMetrics": [{ "scope": scope(), "metrics": metrics }],
        }] });
        self.send("v1/metrics", &body).await;
    }

    /// Whether it is off the hands: taken, or of a kind that will never be.
    async fn send(&self, path: &str, body: &Value) -> bool {
        let mut url = self.shared.options.collector.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path.split('/'));
        }
        let request = Outgoing::post(url, Purpose::OwnService, Body::Json(body.to_string().into()));
        let lost = self.shared.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            tracing::warn!(shed = lost, "spans were dropped");
        }
        match self.http.send(request).await {
            Ok(answer) if answer.is_success() => true,
            // OTLP 1.7, "Failures": these may be tried again, nothing else
            Ok(answer) if matches!(answer.status, 429 | 502 | 503 | 504) => {
                tracing::warn!(status = answer.status, "the collector is busy");
                false
            }
            Ok(answer) => {
                tracing::warn!(status = answer.status, "the collector refuses");
                true
            }
            Err(error) => {
                unreached(&error);
                false
            }
        }
    }
}

fn unreached(error: &FetchError) {
    tracing::warn!(%error, "the collector cannot be reached");
}

fn scope() -> Value {
    json!({ "name": "lanyard" })
}

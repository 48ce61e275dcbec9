//! What Prometheus reads, on an address of its own: how many, how many failed, how long.
//!
//! Labels are names of this program alone: routes as they are written in it, steps and reasons of its protocols.
//! Tenants, paths, sessions and whatever a stranger sends are in none of them, so their number is bounded and nobody
//! is named.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::{
    Router,
    extract::{MatchedPath, Request, State},
    response::{IntoResponse as _, Response},
    routing::get,
};
use http::{Method, StatusCode, header::CONTENT_TYPE};
use lanyard_service::http::replies;
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram, info::Info},
    registry::Registry,
};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{Layer, layer::Context};

use super::{front::Inner, vitals::Gauges};

/// The media type of the answer (OpenMetrics 1.0 §3.3).
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Seconds: from what a lookup takes to what a client waits for at most.
const BUCKETS: [f64; 12] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 15.0];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    route: String,
    method: &'static str,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Routed {
    route: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Taken {
    flow: &'static str,
    step: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Stepped {
    flow: &'static str,
    step: String,
    reason: String,
}

/// The counters of a server; clones share them.
#[derive(Clone, Debug)]
pub struct Metrics(Arc<Counters>);

#[derive(Debug)]
struct Counters {
    requests: Family<Answered, Counter>,
    durations: Family<Routed, Histogram>,
    in_flight: Gauge,
    turned_away: Counter,
    steps: Family<Stepped, Counter>,
    step_durations: Family<Taken, Histogram>,
    gauges: Gauges,
    registry: Registry,
}

tokio::task_local! {
    /// When the request at hand came.
    static BEGUN: Instant;
}

impl Default for Metrics {
    fn default() -> Self {
        let requests = Family::default();
        let durations = Family::new_with_constructor((|| Histogram::new(BUCKETS)) as fn() -> _);
        let (in_flight, steps) = (Gauge::default(), Family::default());
        let step_durations =
            Family::new_with_constructor((|| Histogram::new(BUCKETS)) as fn() -> _);
        let (turned_away, gauges) = (Counter::default(), Gauges::default());
        let mut registry = Registry::with_prefix("lanyard");
        let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The program", build);
        registry.register("http_requests", "Requests that were answered", requests.clone());
        registry.register(
            "http_request_duration_seconds",
            "From the head of a request to the head of its answer",
            durations.clone(),
        );
        registry.register(
            "http_requests_in_flight",
            "Requests that are not answered yet",
            in_flight.clone(),
        );
        registry.register(
            "turned_away",
            "What would have begun and was told to come later, as there was too much to do",
            turned_away.clone(),
        );
        registry.register("protocol_steps", "Steps of issuances and presentations", steps.clone());
        registry.register(
            "protocol_step_duration_seconds",
            "From the head of a request to the step that it took",
            step_durations.clone(),
        );
        gauges.register(&mut registry);
        Self(Arc::new(Counters {
            requests,
            durations,
            in_flight,
            turned_away,
            steps,
            step_durations,
            gauges,
            registry,
        }))
    }
}

impl Metrics {
    /// `/metrics`, for an address that only the operator reaches.
    pub fn router(self) -> Router {
        Router::new().route("/metrics", get(read)).with_state(self)
    }

    /// Counts the steps that the services tell of.
    #[must_use]
    pub fn steps<S: Subscriber>(&self) -> impl Layer<S> + use<S> {
        Steps(self.clone())
    }
}

impl Metrics {
    /// Everything that is counted, as OpenMetrics has it.
    pub(super) fn text(&self) -> Option<String> {
        let mut text = String::new();
        encode(&mut text, &self.0.registry).ok()?;
        Some(text)
    }
}

async fn read(State(metrics): State<Metrics>) -> Response {
    match metrics.text() {
        Some(text) => ([(CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        None => replies::unstored(StatusCode::INTERNAL_SERVER_ERROR.into_response()),
    }
}

/// Takes one off again, also when the client goes away before it is answered.
struct InFlight<'m>(&'m Gauge);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Counts a request, and how long it took.
pub(super) async fn count(metrics: &Metrics, request: Request, next: impl Inner) -> Response {
    let begun = Instant::now();
    let method = known(request.method());
    let route = request.extensions().get::<MatchedPath>().cloned();
    metrics.0.in_flight.inc();
    let in_flight = InFlight(&metrics.0.in_flight);
    let response = BEGUN.scope(begun, next.run(request)).await;
    drop(in_flight);
    let route = route.as_ref().map_or("none", MatchedPath::as_str).to_owned();
    metrics.answered(route, method, response.status(), begun.elapsed());
    response
}

impl Metrics {
    /// What is looked at now and then.
    pub(super) fn gauges(&self) -> Gauges {
        self.0.gauges.clone()
    }

    /// Counts one that was told to come later.
    pub(super) fn turned_away(&self) {
        self.0.turned_away.inc();
    }

    /// Counts one that was answered, and how long it took.
    pub(super) fn answered(
        &self,
        route: String,
        method: &'static str,
        status: StatusCode,
        took: Duration,
    ) {
        let Counters { requests, durations, .. } = self.0.as_ref();
        durations.get_or_create(&Routed { route: route.clone() }).observe(took.as_secs_f64());
        requests.get_or_create(&Answered { route, method, status: status.as_u16() }).inc();
    }
}

/// A method by its name; any word can be sent as one.
pub(super) fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        Method::PATCH => "PATCH",
        _ => "other",
    }
}

struct Steps(Metrics);

impl<S: Subscriber> Layer<S> for Steps {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let Some(flow) = flow_of(event.metadata().target()) else { return };
        let mut said = Said::default();
        event.record(&mut said);
        let Some(step) = said.step else { return };
        let Counters { steps, step_durations, .. } = self.0.0.as_ref();
        // what is done without a request, such as a look at what expired, has no beginning
        let _ = BEGUN.try_with(|begun| {
            let taken = Taken { flow, step: step.clone() };
            step_durations.get_or_create(&taken).observe(begun.elapsed().as_secs_f64());
        });
        steps.get_or_create(&Stepped { flow, step, reason: said.reason }).inc();
    }
}

/// What a crate's steps are steps of: what is logged there with a step and a reason is one of the words of the trails.
pub(super) fn flow_of(target: &str) -> Option<&'static str> {
    match target.split("::").next() {
        Some("lanyard_issuer") => Some("issuance"),
        Some("lanyard_verifier") => Some("presentation"),
        _ => None,
    }
}

/// What an event says of a step.
#[derive(Default)]
pub(super) struct Said {
    pub(super) step: Option<String>,
    pub(super) reason: String,
}

impl Visit for Said {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "step" => self.step = Some(value.to_owned()),
            "reason" => value.clone_into(&mut self.reason),
            _ => {}
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    async fn read(metrics: &Metrics) -> String {
        let request = Request::get("/metrics").body(Body::empty()).unwrap();
        let response = metrics.clone().router().oneshot(request).await.unwrap();
        assert_eq!(response.headers()[CONTENT_TYPE], OPEN_METRICS);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        String::from_utf8(body.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn steps_are_counted_by_flow_and_reason_and_no_other_field_is_a_label() {
        let metrics = Metrics::default();
        let subscriber = tracing_subscriber::registry().with(metrics.steps());
        tracing::subscriber::with_default(subscriber, || {
            let step = |reason: &str| {
                tracing::info!(target: "lanyard_verifier::service", tenant = "acme", session = "s1",
                    step = "refused", reason, "presentation");
            };
            step("nonce_mismatch");
            step("nonce_mismatch");
            tracing::info!(target: "somebody_else", step = "refused", "presentation");
            tracing::info!(target: "lanyard_issuer::service", "no step");
        });
        let text = read(&metrics).await;
        let line = r#"lanyard_protocol_steps_total{flow="presentation",step="refused",reason="nonce_mismatch"} 2"#;
        assert!(text.contains(line), "{text}");
        assert_eq!(text.matches("lanyard_protocol_steps_total{").count(), 1, "{text}");
        assert!(!text.contains("acme") && !text.contains("s1"), "{text}");
    }

    #[test]
    fn a_method_that_somebody_made_up_is_no_label() {
        assert_eq!(known(&Method::from_bytes(b"BREW").unwrap()), "other");
    }
}

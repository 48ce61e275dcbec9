//! Logs as JSON lines, from an allow-list of fields: what is not on it is not written.

use std::io::Write as _;
use std::time::Instant;

use axum::{
    extract::{MatchedPath, Request},
    middleware::Next,
    response::Response,
};
use jiff::Timestamp;
use serde_json::{Map, Value};
use tracing::{
    Event, Id, Level, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Record},
};
use tracing_subscriber::{
    Layer,
    filter::LevelFilter,
    layer::{Context, SubscriberExt as _},
    registry::LookupSpan,
    util::SubscriberInitExt as _,
};

/// The fields that may be written. None of them ever holds a claim, a token, a nonce, a path or a query.
const ALLOWED: [&str; 14] = [
    "message",
    "tenant",
    "session",
    "step",
    "outcome",
    "reason",
    "status",
    "method",
    "route",
    "took_ms",
    "connections",
    "shed",
    "cut",
    "error",
];

/// Starts writing logs to standard error.
pub fn start() {
    let _ =
        tracing_subscriber::registry().with(JsonLines.with_filter(LevelFilter::INFO)).try_init();
}

/// Writes one line per event.
struct JsonLines;

impl<S: Subscriber + for<'span> LookupSpan<'span>> Layer<S> for JsonLines {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Allowed::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(fields) = span.extensions_mut().get_mut::<Allowed>() {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let ours = event.metadata().target().starts_with("lanyard");
        if !ours && *event.metadata().level() > Level::WARN {
            return;
        }
        let mut line = Map::new();
        line.insert("at".to_owned(), Timestamp::now().to_string().into());
        line.insert("level".to_owned(), event.metadata().level().as_str().into());
        line.insert("target".to_owned(), event.metadata().target().into());
        for span in context.event_scope(event).into_iter().flat_map(|scope| scope.from_root()) {
            line.insert("span".to_owned(), span.name().into());
            if let Some(fields) = span.extensions().get::<Allowed>() {
                line.extend(fields.0.clone());
            }
        }
        // what libraries say may quote what they were given; that something happened is enough
        if ours {
            let mut fields = Allowed::default();
            event.record(&mut fields);
            line.extend(fields.0);
        }
        let mut text = Value::Object(line).to_string();
        text.push('\n');
        let _ = std::io::stderr().lock().write_all(text.as_bytes());
    }
}

/// The fields of an event or span that are on the list.
#[derive(Default)]
struct Allowed(Map<String, Value>);

impl Allowed {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        if ALLOWED.contains(&field.name()) {
            self.0.insert(field.name().to_owned(), value.into());
        }
    }
}

impl Visit for Allowed {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.put(field, format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }
}

/// One line per request: which route, which status, how long. Never the path.
pub(super) async fn request_line(request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let response = next.run(request).await;
    let took = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let route = route.as_deref().unwrap_or("none");
    tracing::info!(
        method = method.as_str(),
        route,
        status = response.status().as_u16(),
        took_ms = took,
        "request"
    );
    response
}

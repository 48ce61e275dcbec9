//! Logs as JSON lines, from an allow-list of fields: what is not on it is not written.

use std::fmt::{self, Write as _};
use std::io::{self, Write as _};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::{
    extract::{MatchedPath, Request},
    response::Response,
};
use http::StatusCode;
use jiff::Timestamp;
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

use super::front::Inner;
use super::metrics::Metrics;
use super::otlp;

/// The fields that may be written. None of them ever holds a claim, a token, a nonce, a path or a query.
const ALLOWED: [&str; 17] = [
    "message",
    "tenant",
    "session",
    "step",
    "outcome",
    "reason",
    "cause",
    "status",
    "method",
    "route",
    "took_ms",
    "connections",
    "shed",
    "cut",
    "in_hand",
    "share",
    "error",
];

/// How long lines wait for others: a line for every request, each written by itself, cost as much
/// processor time as the database.
const GATHERING: Duration = Duration::from_millis(10);

/// With so many bytes waiting, whoever adds a line writes them.
const MOST_WAITING: usize = 1 << 20;

/// The logs of this process; what still waits is written when it is dropped.
#[derive(Debug)]
pub struct Logs(Arc<Sink>);

/// Starts writing logs to standard error, and counting and tracing what they tell of.
pub fn start(metrics: Option<&Metrics>, is_traced: bool) -> Logs {
    let sink = Arc::new(Sink::default());
    let writer = Arc::clone(&sink);
    let started = std::thread::Builder::new().name("logs".into()).spawn(move || writer.serve());
    // without the thread every line is written by whoever has it to tell
    sink.waiting().is_served = started.is_ok();
    let lines = JsonLines(Arc::clone(&sink));
    let subscriber = tracing_subscriber::registry()
        .with(lines.with_filter(LevelFilter::INFO))
        .with(metrics.map(|metrics| metrics.steps().with_filter(LevelFilter::INFO)))
        .with(is_traced.then(|| otlp::steps().with_filter(LevelFilter::INFO)));
    let _ = subscriber.try_init();
    Logs(sink)
}

impl Drop for Logs {
    fn drop(&mut self) {
        self.0.flush();
    }
}

/// Lines on their way to standard error.
#[derive(Debug, Default)]
struct Sink {
    waiting: Mutex<Waiting>,
    came: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    lines: String,
    is_served: bool,
}

impl Sink {
    fn serve(&self) {
        loop {
            drop(
                self.came
                    .wait_while(self.waiting(), |waiting| waiting.lines.is_empty())
                    .unwrap_or_else(PoisonError::into_inner),
            );
            std::thread::sleep(GATHERING);
            self.flush();
        }
    }

    /// Adds a line; one that tells of trouble is written at once, with all before it.
    fn put(&self, line: &str, is_urgent: bool) {
        let mut waiting = self.waiting();
        let is_first = waiting.lines.is_empty();
        waiting.lines.push_str(line);
        let at_once = is_urgent || !waiting.is_served || waiting.lines.len() > MOST_WAITING;
        drop(waiting);
        match (at_once, is_first) {
            (true, _) => self.flush(),
            (false, true) => self.came.notify_one(),
            (false, false) => {}
        }
    }

    fn flush(&self) {
        // whoever has the stream takes what waits, so the lines stay in order
        let mut stream = io::stderr().lock();
        let lines = std::mem::take(&mut self.waiting().lines);
        let _ = stream.write_all(lines.as_bytes());
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes one line per event.
struct JsonLines(Arc<Sink>);

impl<S: Subscriber + for<'span> LookupSpan<'span>> Layer<S> for JsonLines {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(fields) = span.extensions_mut().get_mut::<Fields>() {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let ours = event.metadata().target().starts_with("lanyard");
        let level = *event.metadata().level();
        if !ours && level > Level::WARN {
            return;
        }
        let mut line = Fields::default();
        // what libraries say may quote what they were given; that something happened is enough
        if ours {
            event.record(&mut line);
        }
        let mut span_name = None;
        for span in context.event_scope(event).into_iter().flatten() {
            span_name.get_or_insert(span.name());
            if let Some(fields) = span.extensions().get::<Fields>() {
                line.adopt(fields);
            }
        }
        let mut text = String::with_capacity(256);
        let _ = write!(text, "{{\"at\":\"{}\",\"level\":\"{level}\",", Timestamp::now());
        let _ = write!(text, "\"target\":{}", Json(event.metadata().target()));
        if let Some(name) = span_name {
            let _ = write!(text, ",\"span\":{}", Json(name));
        }
        for (name, value) in &line.0 {
            let _ = write!(text, ",\"{name}\":{value}");
        }
        text.push_str("}\n");
        self.0.put(&text, level <= Level::WARN);
    }
}

/// The fields of an event or span that are on the list, their values as JSON.
#[derive(Default)]
struct Fields(Vec<(&'static str, String)>);

impl Fields {
    fn put(&mut self, field: &Field, value: impl fmt::Display) {
        let allowed = ALLOWED.iter().find(|allowed| **allowed == field.name());
        let Some(name) = allowed.copied() else { return };
        self.0.retain(|(other, _)| *other != name);
        self.0.push((name, value.to_string()));
    }

    /// Takes over what is not said here.
    fn adopt(&mut self, outer: &Self) {
        for (name, value) in &outer.0 {
            if !self.0.iter().any(|(own, _)| own == name) {
                self.0.push((name, value.clone()));
            }
        }
    }
}

/// A text as JSON has it.
struct Json<'t>(&'t str);

impl fmt::Display for Json<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // nearly every text that is logged is a word of ours
        let is_plain = |byte: u8| byte >= b' ' && byte != b'"' && byte != b'\\' && byte != 0x7f;
        if self.0.bytes().all(is_plain) {
            return write!(out, "\"{}\"", self.0);
        }
        out.write_str(&serde_json::to_string(self.0).map_err(|_| fmt::Error)?)
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, Json(&format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, Json(value));
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
pub(super) async fn request_line(request: Request, next: impl Inner) -> Response {
    let begun = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let response = next.run(request).await;
    let route = route.as_ref().map_or("none", MatchedPath::as_str);
    tell(method.as_str(), route, response.status(), begun.elapsed());
    response
}

/// The line of one request that was answered.
pub(super) fn tell(method: &str, route: &str, status: StatusCode, took: Duration) {
    let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    tracing::info!(method, route, status = status.as_u16(), took_ms, "request");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_json_whatever_it_holds() {
        for text in ["done", "", "a \"b\" \\ \n \u{7f} ü \u{2028} \0"] {
            let read: String = serde_json::from_str(&Json(text).to_string()).unwrap();
            assert_eq!(read, text);
        }
    }

    #[test]
    fn a_line_is_json_with_the_allowed_fields_alone_and_what_the_event_says_wins() {
        let sink = Arc::new(Sink::default());
        sink.waiting().is_served = true;
        let subscriber = tracing_subscriber::registry().with(JsonLines(Arc::clone(&sink)));
        tracing::subscriber::with_default(subscriber, || {
            let span = tracing::info_span!("step", tenant = "outer", session = 7, claim = "secret");
            let _entered = span.enter();
            tracing::info!(tenant = "inner", claim = "secret", "it \"works\"");
        });
        let lines = std::mem::take(&mut sink.waiting().lines);
        let line: serde_json::Value = serde_json::from_str(&lines).unwrap();
        assert_eq!(lines.matches('\n').count(), 1);
        assert_eq!(line["message"], "it \"works\"");
        assert_eq!((&line["tenant"], &line["session"]), (&"inner".into(), &7.into()));
        assert_eq!((&line["span"], &line["level"]), (&"step".into(), &"INFO".into()));
        assert!(!lines.contains("secret"), "{lines}");
    }
}

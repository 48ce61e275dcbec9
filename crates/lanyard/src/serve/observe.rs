//! Logs as JSON lines, from an allow-list of fields: what is not on it is not written.

mod line;

use std::io::{self, Write as _};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::{
    extract::{MatchedPath, Request},
    response::Response,
};
use http::StatusCode;
use tracing_subscriber::{
    Layer, filter::LevelFilter, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

use super::front::Inner;
use super::metrics::Metrics;
use super::otlp;
use line::JsonLines;

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

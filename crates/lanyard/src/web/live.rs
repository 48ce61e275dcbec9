//! Live pages: server-sent events that carry what the server would render now.

use std::convert::Infallible;
use std::pin::Pin;
use std::time::Duration;

use axum::response::{
    IntoResponse as _, Response, Sse,
    sse::{Event, KeepAlive},
};
use futures_util::{Future, StreamExt as _, stream};

use tokio::sync::watch;

use super::trail::Changes;

/// How long a browser is told news; then it asks again by itself.
const LONGEST: Duration = Duration::from_secs(15 * 60);
/// How long news may wait when no change was announced.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a live part looks like now.
pub(super) struct Now {
    /// The rendered part.
    pub(super) html: String,
    /// Whether it will not change any more.
    pub(super) ended: bool,
    /// Where the browser goes when it has ended, if the page as a whole changes then.
    pub(super) goto: Option<String>,
}

/// A live part on its way.
pub(super) type Rendering = Pin<Box<dyn Future<Output = Option<Now>> + Send>>;
type Render = Box<dyn Fn() -> Rendering + Send>;

/// Tells a browser each new state.
pub(super) fn follow(
    changes: Changes,
    render: Render,
    shutdown: watch::Receiver<bool>,
) -> Response {
    let deadline = tokio::time::Instant::now() + LONGEST;
    let begun = Following { changes, render, last: None, over: false, deadline, shutdown };
    let events = stream::unfold(begun, Following::next).flat_map(stream::iter);
    Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))).into_response()
}

struct Following {
    changes: Changes,
    render: Render,
    last: Option<String>,
    over: bool,
    deadline: tokio::time::Instant,
    shutdown: watch::Receiver<bool>,
}

impl Following {
    async fn next(mut self) -> Option<(Vec<Result<Event, Infallible>>, Self)> {
        if self.over || tokio::time::Instant::now() > self.deadline {
            return None;
        }
        if self.last.is_some() {
            tokio::select! {
                // whoever could have said so is gone: the server stops
                _ = self.shutdown.wait_for(|stopped| *stopped) => return None,
                news = tokio::time::timeout(PATIENCE, self.changes.next()) => {
                    if news == Ok(None) {
                        self.changes = Box::pin(stream::pending());
                    }
                }
            }
        }
        let now = (self.render)().await?;
        let mut events = Vec::new();
        if self.last.as_ref() != Some(&now.html) {
            events.push(Event::default().event("state").data(&now.html));
        }
        if now.ended {
            self.over = true;
            events.push(match &now.goto {
                Some(place) => Event::default().event("goto").data(place),
                None => Event::default().event("end").data("end"),
            });
        }
        self.last = Some(now.html);
        Some((events.into_iter().map(Ok).collect(), self))
    }
}

//! One request: its head, its body, its handler's time.

use std::any::Any;
use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use bytes::Bytes;
use futures_util::FutureExt;
use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderValue, RETRY_AFTER};
use http::{Request, Response, StatusCode, Version};
use http_body_util::Limited;
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};
use tower::Service;

use super::connection::{Clock, InFlight};
use super::traffic::Traffic;
use super::{Arrival, Door, Limits};

/// The router, behind the limits that concern one request.
#[derive(Clone)]
pub(super) struct RequestGuard {
    router: Router,
    limits: Arc<Limits>,
    traffic: Arc<Traffic>,
    clock: Arc<Clock>,
    peer: SocketAddr,
}

impl RequestGuard {
    pub(super) fn new(door: &Door, clock: Arc<Clock>, peer: SocketAddr) -> Self {
        let (limits, traffic) = (Arc::clone(&door.limits), Arc::clone(&door.traffic));
        Self { router: door.router.clone(), limits, traffic, clock, peer }
    }
}

impl hyper::service::Service<Request<Incoming>> for RequestGuard {
    type Response = Response<Answer>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let in_flight = self.clock.request_begins(request.version() == Version::HTTP_2);
        let http2 = request.version() == Version::HTTP_2;
        let arrival = Arrival {
            asking: self.traffic.asks(&self.clock.asked),
            was_let_pass: self.clock.was_let_pass.swap(false, Ordering::Relaxed),
        };
        let guard = self.clone();
        Box::pin(async move {
            let mut response = match refuse_head(&request, &guard.limits) {
                Some(refusal) => refusal.response(),
                None => guard.clone().answer(request, arrival).await,
            };
            if http2 {
                // RFC 9113 §8.2.2: a connection-specific field has no place in HTTP/2
                response.headers_mut().remove(CONNECTION);
            } else if guard.traffic.is_leaving() {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Ok(response.map(|body| Answer { body, _in_flight: in_flight }))
        })
    }
}

impl RequestGuard {
    async fn answer(mut self, request: Request<Incoming>, arrival: Arrival) -> Response<Body> {
        let (parts, incoming) = request.into_parts();
        let progress = Arc::new(Progress::default());
        let body = if incoming.is_end_stream() {
            Body::empty()
        } else {
            let timed = TimedBody::new(incoming, Arc::clone(&self.limits), Arc::clone(&progress));
            Body::new(Limited::new(timed, self.limits.body_bytes))
        };
        let mut request = Request::from_parts(parts, body);
        request.extensions_mut().insert(ConnectInfo(self.peer));
        request.extensions_mut().insert(arrival);

        let handler = AssertUnwindSafe(self.router.call(request)).catch_unwind();
        let handler = HandlerTime {
            handler: Box::pin(handler),
            started: Instant::now(),
            alarm: None,
            limit: self.limits.request,
            progress: &progress,
        };
        let outcome = handler.await;
        if progress.stage() == Stage::TooSlow {
            return Refusal::BodyTooSlow.response();
        }
        match outcome {
            Some(Ok(Ok(response))) => response,
            Some(Err(panic)) => {
                tracing::error!(panic = panic_text(panic.as_ref()), "a handler panicked");
                Refusal::HandlerPanicked.response()
            }
            None => Refusal::HandlerTooSlow.response(),
        }
    }
}

/// A panic's message may hold a claim; only a literal is safe to show.
fn panic_text(panic: &(dyn Any + Send)) -> &'static str {
    panic.downcast_ref::<&'static str>().copied().unwrap_or("(a formatted message, not shown)")
}

/// What this layer answers instead of the router.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    UriTooLong,
    HeadTooLarge,
    HostNotOnce,
    BodyTooLarge,
    BodyTooSlow,
    HandlerTooSlow,
    HandlerPanicked,
}

impl Refusal {
    fn response(self) -> Response<Body> {
        let (status, text) = match self {
            Self::UriTooLong => {
                (StatusCode::URI_TOO_LONG, "The path and query of the request are too long.\n")
            }
            Self::HeadTooLarge => (
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                "The header fields of the request are too many or too long.\n",
            ),
            Self::HostNotOnce => {
                (StatusCode::BAD_REQUEST, "The request needs exactly one Host field.\n")
            }
            Self::BodyTooLarge => {
                (StatusCode::PAYLOAD_TOO_LARGE, "The body of the request is too long.\n")
            }
            Self::BodyTooSlow => {
                (StatusCode::REQUEST_TIMEOUT, "The body of the request came too slowly.\n")
            }
            Self::HandlerTooSlow => {
                (StatusCode::SERVICE_UNAVAILABLE, "The answer took too long. Try again.\n")
            }
            Self::HandlerPanicked => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "The server made a mistake; it is in its log.\n",
            ),
        };
        let mut response = Response::new(Body::from(text));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        if self == Self::HandlerTooSlow {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

fn refuse_head(request: &Request<Incoming>, limits: &Limits) -> Option<Refusal> {
    let uri = request.uri().path_and_query().map_or(0, |path| path.as_str().len());
    if uri > limits.uri_bytes {
        return Some(Refusal::UriTooLong);
    }
    let headers = request.headers();
    let bytes =
        headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum::<usize>();
    if headers.len() > limits.header_fields || bytes > limits.header_bytes {
        return Some(Refusal::HeadTooLarge);
    }
    // RFC 9112 §3.2: exactly one Host in an HTTP/1.1 request
    let hosts = headers.get_all(HOST).iter().count();
    if hosts > 1 || hosts == 0 && request.version() == Version::HTTP_11 {
        return Some(Refusal::HostNotOnce);
    }
    let announced =
        headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limits.body_bytes as u64) {
        return Some(Refusal::BodyTooLarge);
    }
    None
}

/// How far a request body has come.
#[derive(Debug, Default)]
struct Progress(AtomicU8);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Untouched,
    Coming,
    There,
    TooSlow,
}

impl Progress {
    fn stage(&self) -> Stage {
        match self.0.load(Ordering::Relaxed) {
            0 => Stage::Untouched,
            1 => Stage::Coming,
            2 => Stage::There,
            _ => Stage::TooSlow,
        }
    }

    fn set(&self, stage: Stage) {
        self.0.store(stage as u8, Ordering::Relaxed);
    }
}

/// A handler with a limit to its time; the time its body takes to arrive does not count.
struct HandlerTime<'a, H> {
    handler: Pin<Box<H>>,
    started: Instant,
    alarm: Option<Pin<Box<Sleep>>>,
    limit: Duration,
    progress: &'a Progress,
}

impl<H: Future> Future for HandlerTime<'_, H> {
    type Output = Option<H::Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let before = this.progress.stage();
        if let Poll::Ready(output) = this.handler.as_mut().poll(cx) {
            return Poll::Ready(Some(output));
        }
        if before != Stage::There && this.progress.stage() == Stage::There {
            this.started = Instant::now();
        }
        let due = this.started + this.limit;
        let alarm = this.alarm.get_or_insert_with(|| Box::pin(sleep_until(due)));
        loop {
            ready!(alarm.as_mut().poll(cx));
            let now = Instant::now();
            let due = match this.progress.stage() {
                // the body has limits of its own
                Stage::Coming => now + this.limit,
                Stage::Untouched | Stage::There | Stage::TooSlow => due,
            };
            if due <= now {
                return Poll::Ready(None);
            }
            alarm.as_mut().reset(due);
        }
    }
}

/// A request body that must come in time and at a pace.
struct TimedBody {
    incoming: Incoming,
    limits: Arc<Limits>,
    progress: Arc<Progress>,
    started: Instant,
    received: u64,
    alarm: Option<Pin<Box<Sleep>>>,
}

/// The body came too slowly.
#[derive(Debug, thiserror::Error)]
#[error("the request body came too slowly")]
struct BodyTooSlow;

impl TimedBody {
    fn new(incoming: Incoming, limits: Arc<Limits>, progress: Arc<Progress>) -> Self {
        Self { incoming, limits, progress, started: Instant::now(), received: 0, alarm: None }
    }

    /// When the body is too slow unless more of it comes.
    fn due(&self) -> Instant {
        let limits = &self.limits;
        let earned =
            Duration::from_millis(self.received.saturating_mul(1000) / limits.body_rate.max(1));
        self.started + limits.body.min(limits.body_grace + earned)
    }
}

impl HttpBody for TimedBody {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = &mut *self;
        if this.progress.stage() == Stage::Untouched {
            this.progress.set(Stage::Coming);
        }
        match Pin::new(&mut this.incoming).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                this.received += frame.data_ref().map_or(0, |data| data.len() as u64);
                if this.incoming.is_end_stream() {
                    this.progress.set(Stage::There);
                } else if this.due() <= Instant::now() {
                    this.progress.set(Stage::TooSlow);
                    return Poll::Ready(Some(Err(BodyTooSlow.into())));
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(end) => {
                this.progress.set(Stage::There);
                Poll::Ready(end.map(|frame| frame.map_err(Into::into)))
            }
            Poll::Pending => {
                let due = this.due();
                let alarm = this.alarm.get_or_insert_with(|| Box::pin(sleep_until(due)));
                if alarm.deadline() != due {
                    alarm.as_mut().reset(due);
                }
                ready!(alarm.as_mut().poll(cx));
                this.progress.set(Stage::TooSlow);
                Poll::Ready(Some(Err(BodyTooSlow.into())))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

/// A response body that keeps its request in flight until it is handed over.
pub(super) struct Answer {
    body: Body,
    _in_flight: InFlight,
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

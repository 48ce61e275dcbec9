//! One connection: its clock, its bytes, its end.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

use super::first::First;
use super::framing::{Framing, Violation};
use super::request::RequestGuard;
use super::traffic::Asked;
use super::{Limits, Phase, Place};
use crate::serve::tls::ServerTls;

pub(super) type Http = auto::Builder<TokioExecutor>;

pub(super) fn http(limits: &Limits) -> Http {
    let mut http = auto::Builder::new(TokioExecutor::new());
    http.http1()
        .timer(TokioTimer::new())
        // the library's own clock also runs between requests, so it cannot tell a slow head from an idle connection; `Clock` can
        .header_read_timeout(None)
        .max_buf_size((limits.uri_bytes + limits.header_bytes).max(8 * 1024));
    http.http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.http2_streams)
        .max_pending_accept_reset_streams(limits.http2_resets)
        .max_local_error_reset_streams(limits.http2_resets)
        .max_header_list_size(u32::try_from(limits.header_bytes).unwrap_or(u32::MAX))
        .initial_stream_window_size(256 * 1024)
        .max_send_buf_size(128 * 1024);
    http
}

/// Serves one connection until it ends, its time is over or the server shuts down.
pub(super) async fn run(
    tcp: TcpStream,
    (peer, first): (SocketAddr, First),
    tls: Option<ServerTls>,
    place: Place,
    phases: watch::Receiver<Phase>,
) {
    match tls {
        None => converse(tcp, (peer, first), &place, phases).await,
        Some(tls) => {
            // a handshake is part of the head: it gets the same time
            if let Ok(Ok(stream)) = timeout(place.door.limits.header, tls.0.accept(tcp)).await {
                converse(stream, (peer, first), &place, phases).await;
            }
        }
    }
}

/// How long a connection that was told to end may take to say goodbye.
const LINGER: Duration = Duration::from_secs(1);

/// How long a request that has begun to come, or is about to, is waited for before its connection ends.
const LAST_CALL: Duration = Duration::from_secs(1);

async fn converse<S>(
    stream: S,
    (peer, first): (SocketAddr, First),
    place: &Place,
    phases: watch::Receiver<Phase>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let limits = &place.door.limits;
    let First { bytes: ahead, asked, was_let_pass } = first;
    let clock = Arc::new(Clock::new(asked, was_let_pass));
    let (framing, refusal) = (Framing::new(), REFUSAL);
    let guarded = Guarded { ahead, stream, clock: Arc::clone(&clock), framing, refusal };
    let requests = RequestGuard::new(&place.door, Arc::clone(&clock), peer);
    let mut connection = pin!(place.door.http.serve_connection(TokioIo::new(guarded), requests));
    let (mut leaving, mut closed) = (phases.clone(), phases);
    let mut leave = pin!(leaving.wait_for(|phase| *phase >= Phase::Leaving));
    let mut close = pin!(closed.wait_for(|phase| *phase == Phase::Closed));
    let (mut is_leaving, mut is_told) = (false, false);
    let mut alarm = pin!(sleep_until(clock.deadline(limits).at));
    let mut leave_by: Option<Instant> = None;
    let mut drained = false;

    std::future::poll_fn(|cx| {
        if connection.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        // an error means the server is gone: the same as its end
        if !is_leaving && leave.as_mut().poll(cx).is_ready() {
            is_leaving = true;
            // HTTP/2 says which requests it still answers; HTTP/1.1 says it with the next answer
            is_told = clock.http2.load(Ordering::Relaxed);
            if is_told {
                connection.as_mut().graceful_shutdown();
            }
        }
        if is_leaving && !drained && close.as_mut().poll(cx).is_ready() {
            drained = true;
            leave_by = Some(Instant::now() + limits.shutdown);
        }
        loop {
            // to end between two requests would cut off the one that is on its way
            let last_call = clock.last_call().filter(|_| drained && !is_told);
            if drained && !is_told && last_call.is_none_or(|until| until <= Instant::now()) {
                is_told = true;
                connection.as_mut().graceful_shutdown();
            }
            if is_told && connection.as_mut().poll(cx).is_ready() {
                return Poll::Ready(());
            }
            let due = clock.deadline(limits);
            let soonest = [leave_by, last_call.filter(|_| !is_told)];
            let at = soonest.into_iter().flatten().fold(due.at, Instant::min);
            // only ever moved forward here; a deadline that moved away is noticed when the alarm rings
            if at < alarm.deadline() {
                alarm.as_mut().reset(at);
            }
            ready!(alarm.as_mut().poll(cx));
            let now = Instant::now();
            if now < at {
                alarm.as_mut().reset(at);
                continue;
            }
            if last_call.is_some_and(|until| until <= now) && !is_told {
                continue;
            }
            if leave_by.is_some_and(|leave| leave <= now) {
                if drained {
                    place.door.cut.fetch_add(1, Ordering::Relaxed);
                }
                return Poll::Ready(());
            }
            if due.reason != Overdue::Idle || leave_by.is_some() {
                tracing::debug!(reason = ?due.reason, "connection cut");
                return Poll::Ready(());
            }
            // an idle peer gets a clean end: a FIN, and GOAWAY for HTTP/2
            leave_by = Some(now + LINGER);
            clock.touch();
            connection.as_mut().graceful_shutdown();
            if connection.as_mut().poll(cx).is_ready() {
                return Poll::Ready(());
            }
        }
    })
    .await;
    place.door.traffic.is_over(&clock.asked);
}

/// Where a connection stands in time; shared by its bytes and its requests.
pub(super) struct Clock {
    started: Instant,
    pub(super) asked: Asked,
    /// Whether its first request is still to come and was judged at the door.
    pub(super) was_let_pass: AtomicBool,
    in_flight: AtomicUsize,
    http2: AtomicBool,
    /// Milliseconds since the start, plus one; zero for "not now".
    head_since: AtomicU64,
    idle_since: AtomicU64,
    stalled_since: AtomicU64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Overdue {
    Head,
    Idle,
    Stalled,
    Nothing,
}

struct Deadline {
    at: Instant,
    reason: Overdue,
}

/// Looked at again after this long when nothing is due.
const NOTHING_DUE: Duration = Duration::from_secs(60);

impl Clock {
    fn new(asked: Asked, was_let_pass: bool) -> Self {
        Self {
            started: Instant::now(),
            asked,
            was_let_pass: AtomicBool::new(was_let_pass),
            in_flight: AtomicUsize::new(0),
            http2: AtomicBool::new(false),
            // a fresh connection owes a head
            head_since: AtomicU64::new(1),
            idle_since: AtomicU64::new(1),
            stalled_since: AtomicU64::new(0),
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX - 1) + 1
    }

    fn instant(&self, stamp: u64) -> Instant {
        self.started + Duration::from_millis(stamp - 1)
    }

    fn deadline(&self, limits: &Limits) -> Deadline {
        let (stalled, head) =
            (self.stalled_since.load(Ordering::Relaxed), self.head_since.load(Ordering::Relaxed));
        if stalled != 0 {
            return Deadline {
                at: self.instant(stalled) + limits.write_stall,
                reason: Overdue::Stalled,
            };
        }
        if self.in_flight.load(Ordering::Relaxed) > 0 {
            return Deadline { at: Instant::now() + NOTHING_DUE, reason: Overdue::Nothing };
        }
        if head != 0 {
            return Deadline { at: self.instant(head) + limits.header, reason: Overdue::Head };
        }
        let idle = self.idle_since.load(Ordering::Relaxed);
        Deadline { at: self.instant(idle) + limits.idle, reason: Overdue::Idle }
    }

    /// Until when a request that has begun to come is waited for, if one has.
    fn last_call(&self) -> Option<Instant> {
        let head = self.head_since.load(Ordering::Relaxed);
        (head != 0).then(|| self.instant(head) + LAST_CALL)
    }

    fn touch(&self) {
        self.idle_since.store(self.now(), Ordering::Relaxed);
    }

    fn bytes_came(&self) {
        // HTTP/2 peers may ping while idle; their heads are bounded by the idle time
        let counts =
            self.in_flight.load(Ordering::Relaxed) == 0 && !self.http2.load(Ordering::Relaxed);
        if counts && self.head_since.load(Ordering::Relaxed) == 0 {
            self.head_since.store(self.now(), Ordering::Relaxed);
        }
    }

    fn written(&self, pending: bool) {
        let stalled = self.stalled_since.load(Ordering::Relaxed) != 0;
        if pending && !stalled {
            self.stalled_since.store(self.now(), Ordering::Relaxed);
        } else if !pending && stalled {
            self.stalled_since.store(0, Ordering::Relaxed);
        }
    }

    /// A head is complete; the request is in flight until the returned value is dropped.
    pub(super) fn request_begins(self: &Arc<Self>, http2: bool) -> InFlight {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        self.http2.store(http2, Ordering::Relaxed);
        self.head_since.store(0, Ordering::Relaxed);
        InFlight(Arc::clone(self))
    }
}

/// A request whose answer is not fully handed over yet.
pub(super) struct InFlight(Arc<Clock>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.touch();
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The connection's bytes: timed, and with their framing followed.
struct Guarded<S> {
    /// What was read before.
    ahead: Bytes,
    stream: S,
    clock: Arc<Clock>,
    framing: Framing,
    refusal: &'static [u8],
}

/// A byte that neither a head nor a chunk size may hold, and the end of the head, before which the parser does not look.
const REFUSAL: &[u8] = b"\0\r\n\r\n";

fn put(buf: &mut ReadBuf<'_>, bytes: &'static [u8]) -> &'static [u8] {
    let (now, later) = bytes.split_at(bytes.len().min(buf.remaining()));
    buf.put_slice(now);
    later
}

impl<S: AsyncRead + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.framing.ended() {
            this.refusal = put(buf, this.refusal);
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        if this.ahead.is_empty() {
            ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
        } else {
            buf.put_slice(&this.ahead.split_to(this.ahead.len().min(buf.remaining())));
        }
        if buf.filled().len() == before {
            return Poll::Ready(Ok(()));
        }
        this.clock.bytes_came();
        if let Err(Violation { at }) = this.framing.follow(&buf.filled()[before..]) {
            // instead of the ambiguity the parser gets what it must refuse: it answers 400 and closes
            buf.set_filled(before + at);
            this.refusal = put(buf, this.refusal);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.clock.written(written.is_pending());
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.clock.written(flushed.is_pending());
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.clock.written(shut.is_pending());
        shut
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.clock.written(written.is_pending());
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

//! A server under test and peers that write bytes of their own.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::ConnectInfo;
use axum::routing::{get, post};
use lanyard_cli::serve::accept::{Limits, Listener, Routes, ServeError, Served, serve};
use lanyard_cli::serve::tls::ServerTls;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// What any peer waits at most: far longer than every limit under test.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// Asserts that what began at `started` was cut by its own limit and not by the patience of the test.
pub(super) fn assert_cut_after(limit: Duration, started: Instant) {
    // timers count whole milliseconds, and may be a part of one ahead of this clock
    let least = limit.saturating_sub(Duration::from_millis(1));
    let elapsed = started.elapsed();
    assert!(elapsed >= least && elapsed < PATIENCE / 2, "{elapsed:?} against {limit:?}");
}

pub(super) struct Server {
    pub(super) address: SocketAddr,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<Result<Served, ServeError>>,
}

impl Server {
    pub(super) async fn with(limits: Limits) -> Self {
        Self::routing(limits, router(), None).await
    }

    pub(super) async fn routing(limits: Limits, router: Router, tls: Option<ServerTls>) -> Self {
        Self::at(Self::listener(tls).await, limits, router)
    }

    /// A listener that nobody is taken in at yet.
    pub(super) async fn listener(tls: Option<ServerTls>) -> Listener {
        Listener::bind("127.0.0.1:0", tls).await.expect("a loopback port is free")
    }

    /// Takes in whoever comes, and came, to a listener.
    pub(super) fn at(listener: Listener, limits: Limits, routes: impl Into<Routes>) -> Self {
        let address = listener.local_addr().expect("bound");
        let routes: Routes = routes.into();
        let (stop, stopped) = oneshot::channel();
        let shutdown = async {
            let _ = stopped.await;
        };
        Self {
            address,
            stop,
            serving: tokio::spawn(serve(vec![listener], routes, limits, shutdown)),
        }
    }

    pub(super) async fn connect(&self) -> Peer {
        Peer(TcpStream::connect(self.address).await.expect("the server listens"))
    }

    /// Sends `text` on a connection of its own and reads until the server closes it.
    pub(super) async fn converse(&self, text: &str) -> String {
        let mut peer = self.connect().await;
        peer.send(text).await;
        peer.rest().await
    }

    pub(super) fn stop(self) -> JoinHandle<Result<Served, ServeError>> {
        let _ = self.stop.send(());
        self.serving
    }

    pub(super) async fn stopped(self) -> Served {
        timeout(PATIENCE, self.stop())
            .await
            .expect("stops in time")
            .expect("no panic")
            .expect("served")
    }
}

pub(super) fn router() -> Router {
    Router::new()
        .route("/", get(|| async { "hello" }))
        .route(
            "/peer",
            get(|ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.ip().to_string() }),
        )
        .route("/length", post(|body: Bytes| async move { body.len().to_string() }))
        .route("/never", get(std::future::pending::<&str>))
        .route("/panic", get(panicking))
        .route("/big", get(|| async { vec![b'x'; 64 * 1024 * 1024] }))
}

async fn panicking() -> String {
    let nothing: Option<String> = std::env::var("LANYARD_TEST_NEVER_SET").ok();
    nothing.expect("this handler fails on purpose")
}

pub(super) const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

pub(super) struct Peer(pub(super) TcpStream);

impl Peer {
    pub(super) async fn send(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.expect("the connection is open");
    }

    /// Sends `piece` every 20 ms until the server ends the connection or `PATIENCE` does, and says what came back.
    pub(super) async fn drip(&mut self, piece: &str) -> String {
        let (mut read, mut write) = self.0.split();
        let dripping = async {
            while write.write_all(piece.as_bytes()).await.is_ok() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            std::future::pending::<()>().await;
        };
        let mut answer = Vec::new();
        tokio::select! {
            () = dripping => {}
            ended = timeout(PATIENCE, read.read_to_end(&mut answer)) => { let _ = ended.expect("the server ends the connection"); }
        }
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// One answer with a `Content-Length`.
    pub(super) async fn answer(&mut self) -> String {
        let mut bytes = Vec::new();
        loop {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length = head
                    .to_ascii_lowercase()
                    .lines()
                    .find_map(|l| l.strip_prefix("content-length: ").map(str::to_owned));
                if body.len() >= length.map_or(0, |l| l.parse().expect("a number")) {
                    return text;
                }
            }
            let read =
                timeout(PATIENCE, self.0.read_buf(&mut bytes)).await.expect("an answer in time");
            assert!(read.expect("the connection is open") > 0, "closed after {text:?}");
        }
    }

    /// Everything until the server closes; a reset counts as closed.
    pub(super) async fn rest(&mut self) -> String {
        let mut bytes = Vec::new();
        let _ = timeout(PATIENCE, self.0.read_to_end(&mut bytes))
            .await
            .expect("the server closes the connection");
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

pub(super) fn status(answer: &str) -> u16 {
    answer
        .strip_prefix("HTTP/1.1 ")
        .and_then(|rest| rest.get(..3))
        .map_or(0, |code| code.parse().expect("a status"))
}

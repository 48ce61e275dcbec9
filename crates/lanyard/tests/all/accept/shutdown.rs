//! A server that is told to stop.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get;
use lanyard_cli::serve::accept::{Limits, ServeError, serve};
use tokio::net::TcpStream;
use tokio::sync::Notify;

use super::peer::{GET, PATIENCE, Server, assert_cut_after, router, status};

#[tokio::test]
async fn what_is_in_flight_finishes() {
    let (entered, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (enter, released) = (Arc::clone(&entered), Arc::clone(&release));
    let slow = get(move || async move {
        enter.notify_one();
        released.notified().await;
        "done"
    });
    let server = Server::routing(Limits::default(), Router::new().route("/slow", slow), None).await;
    let address = server.address;
    let mut peer = server.connect().await;
    peer.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n").await;
    entered.notified().await;
    let serving = server.stop();
    let refused = async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, refused).await.expect("new connections are refused");
    assert!(!serving.is_finished());
    release.notify_one();
    let answer = peer.rest().await;
    assert!(status(&answer) == 200 && answer.ends_with("done"), "{answer}");
    assert_eq!(serving.await.unwrap().unwrap().cut, 0);
}

#[tokio::test]
async fn what_does_not_finish_in_time_is_cut() {
    let limit = Duration::from_millis(200);
    let server = Server::with(Limits { shutdown: limit, ..Limits::default() }).await;
    let mut peer = server.connect().await;
    peer.send("GET /never HTTP/1.1\r\nHost: a\r\n\r\n").await;
    // The request is in flight once a later one on another connection was answered.
    let mut other = server.connect().await;
    other.send(GET).await;
    other.answer().await;
    let started = Instant::now();
    let served = server.stopped().await;
    assert_eq!(served.cut, 1, "{served:?}");
    assert_cut_after(limit, started);
    assert_eq!(peer.rest().await, "");
}

#[tokio::test]
async fn idle_connections_do_not_hold_up_the_end() {
    let server = Server::with(Limits::default()).await;
    let mut peer = server.connect().await;
    peer.send(GET).await;
    peer.answer().await;
    let started = Instant::now();
    let served = server.stopped().await;
    assert!(
        served.cut == 0 && started.elapsed() < Limits::default().shutdown / 2,
        "{served:?} {:?}",
        started.elapsed()
    );
    assert_eq!(peer.rest().await, "");
}

#[tokio::test]
async fn nothing_to_listen_on_is_an_error() {
    let outcome = serve(Vec::new(), router(), Limits::default(), std::future::pending()).await;
    assert_eq!(outcome, Err(ServeError::NoListener));
}

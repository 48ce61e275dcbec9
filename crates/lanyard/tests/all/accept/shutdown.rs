//! A server that is told to stop.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get;
use lanyard_cli::serve::accept::{Limits, ServeError, serve};
use tokio::net::TcpStream;
use tokio::sync::Notify;

use super::peer::{GET, PATIENCE, Peer, Server, assert_cut_after, router, status};

#[tokio::test]
async fn what_is_in_flight_finishes() {
    let (entered, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (enter, released) = (Arc::clone(&entered), Arc::clone(&release));
    let slow = get(move || async move {
        enter.notify_one();
        released.notified().await;
        "done"
    });
    let limits = Limits { notice: Duration::from_millis(100), ..Limits::default() };
    let server = Server::routing(limits, Router::new().route("/slow", slow), None).await;
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
    // if it waited for them, it would not stop in time
    let server = Server::with(Limits { shutdown: PATIENCE * 10, ..Limits::default() }).await;
    let mut peer = server.connect().await;
    peer.send(GET).await;
    peer.answer().await;
    let served = server.stopped().await;
    assert_eq!(served.cut, 0, "{served:?}");
    assert_eq!(peer.rest().await, "");
}

/// Long enough for everything that a test does meanwhile.
const NOTICE: Duration = Duration::from_secs(5);

#[tokio::test]
async fn whoever_comes_while_others_learn_of_the_end_is_served_and_told_to_go() {
    let server = Server::with(Limits { notice: NOTICE, ..Limits::default() }).await;
    let address = server.address;
    let mut kept = server.connect().await;
    kept.send(GET).await;
    assert!(!is_last(&kept.answer().await));
    let serving = server.stop();
    // the one that was idle is not cut off: its next request is answered, and is its last
    kept.send(GET).await;
    assert!(is_last(&kept.rest().await));
    let mut late = Peer(TcpStream::connect(address).await.expect("it listens"));
    late.send(GET).await;
    assert!(is_last(&late.rest().await));
    let served = tokio::time::timeout(PATIENCE, serving).await;
    let served = served.expect("it ends").expect("no panic").expect("served");
    assert_eq!((served.connections, served.cut), (2, 0));
}

#[tokio::test]
async fn a_request_that_has_begun_to_come_is_answered_after_the_doors_are_closed() {
    let server = Server::with(Limits { notice: Duration::ZERO, ..Limits::default() }).await;
    let (mut begun, mut silent) = (server.connect().await, server.connect().await);
    let (first, rest) = GET.split_at(10);
    begun.send(first).await;
    // taken in, as a later one was answered
    let mut other = server.connect().await;
    other.send(GET).await;
    other.answer().await;
    let serving = server.stop();
    begun.send(rest).await;
    let answer = begun.rest().await;
    assert!(status(&answer) == 200 && is_last(&answer), "{answer}");
    assert_eq!(silent.rest().await, "", "nobody waits long for one that says nothing");
    assert_eq!(serving.await.unwrap().unwrap().cut, 0);
}

#[tokio::test]
async fn nobody_who_is_connected_is_left_at_the_door() {
    for _ in 0..20 {
        let server = Server::with(Limits { notice: Duration::ZERO, ..Limits::default() }).await;
        let address = server.address;
        // on one thread: the server has taken in none of them yet
        let connect = || std::net::TcpStream::connect(address).expect("it listens");
        let waiting: Vec<_> = (0..10).map(|_| connect()).collect();
        let serving = server.stop();
        for stream in waiting {
            stream.set_nonblocking(true).expect("a socket");
            let mut peer = Peer(TcpStream::from_std(stream).expect("a socket"));
            peer.send(GET).await;
            assert_eq!(status(&peer.rest().await), 200);
        }
        assert_eq!(serving.await.unwrap().unwrap().connections, 10);
    }
}

fn is_last(answer: &str) -> bool {
    assert_eq!(status(answer), 200, "{answer}");
    answer.to_ascii_lowercase().contains("\r\nconnection: close\r\n")
}

#[tokio::test]
async fn nothing_to_listen_on_is_an_error() {
    let outcome = serve(Vec::new(), router(), Limits::default(), std::future::pending()).await;
    assert_eq!(outcome, Err(ServeError::NoListener));
}

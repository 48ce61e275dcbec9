//! Slow peers and slow handlers.

use std::time::{Duration, Instant};

use lanyard_cli::serve::accept::Limits;

use super::peer::{GET, PATIENCE, Server, assert_cut_after, status};

const SHORT: Duration = Duration::from_millis(200);
const LONG: Duration = Duration::from_secs(600);

/// Every limit long: a test shortens the one it is about.
fn patient() -> Limits {
    Limits {
        header: LONG,
        body: LONG,
        body_grace: LONG,
        idle: LONG,
        request: LONG,
        write_stall: LONG,
        shutdown: LONG,
        ..Limits::default()
    }
}

#[tokio::test]
async fn a_request_is_answered_and_the_handler_knows_the_peer() {
    let server = Server::with(Limits::default()).await;
    let mut peer = server.connect().await;
    for _ in 0..3 {
        peer.send(GET).await;
        let answer = peer.answer().await;
        assert!(status(&answer) == 200 && answer.ends_with("hello"), "{answer}");
    }
    peer.send("GET /peer HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(peer.answer().await.ends_with("127.0.0.1"));
}

#[tokio::test]
async fn a_dripping_head_is_cut() {
    let server = Server::with(Limits { header: SHORT, ..patient() }).await;
    let started = Instant::now();
    let mut peer = server.connect().await;
    peer.send("GET / HTTP/1.1\r\n").await;
    assert_eq!(peer.drip("X: y\r\n").await, "");
    assert_cut_after(SHORT, started);
}

#[tokio::test]
async fn a_fresh_connection_that_says_nothing_is_cut() {
    let server = Server::with(Limits { header: SHORT, ..patient() }).await;
    let started = Instant::now();
    assert_eq!(server.connect().await.rest().await, "");
    assert_cut_after(SHORT, started);
}

#[tokio::test]
async fn a_dripping_head_on_a_used_connection_is_cut() {
    let server = Server::with(Limits { header: SHORT, ..patient() }).await;
    let mut peer = server.connect().await;
    peer.send(GET).await;
    assert_eq!(status(&peer.answer().await), 200);
    // Idle is no fault: the clock of the head begins with its first byte.
    tokio::time::sleep(SHORT * 2).await;
    let started = Instant::now();
    peer.send("GET / HTTP/1.1\r\n").await;
    assert_eq!(peer.drip("X: y\r\n").await, "");
    assert_cut_after(SHORT, started);
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let server = Server::with(Limits { idle: SHORT, ..patient() }).await;
    let mut peer = server.connect().await;
    let started = Instant::now();
    peer.send(GET).await;
    assert_eq!(status(&peer.answer().await), 200);
    assert_eq!(peer.rest().await, "");
    assert_cut_after(SHORT, started);
}

#[tokio::test]
async fn a_dripping_body_is_cut_for_its_pace() {
    let server = Server::with(Limits { body_grace: SHORT, ..patient() }).await;
    let mut peer = server.connect().await;
    let started = Instant::now();
    peer.send("POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n").await;
    assert_eq!(status(&peer.drip("x").await), 408);
    assert_cut_after(SHORT, started);
}

#[tokio::test]
async fn a_body_of_good_pace_that_never_ends_is_cut() {
    let server = Server::with(Limits { body: SHORT, body_rate: 1, ..patient() }).await;
    let mut peer = server.connect().await;
    peer.send("POST /length HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n").await;
    assert_eq!(status(&peer.drip("4\r\nabcd\r\n").await), 408);
}

#[tokio::test]
async fn a_body_that_keeps_the_pace_passes() {
    let server = Server::with(Limits { body_grace: SHORT, body_rate: 64, ..patient() }).await;
    let mut peer = server.connect().await;
    peer.send("POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 20000\r\n\r\n").await;
    for _ in 0..20 {
        peer.send(&"x".repeat(1000)).await;
        tokio::time::sleep(SHORT / 8).await;
    }
    assert!(peer.answer().await.ends_with("20000"));
}

#[tokio::test]
async fn a_handler_that_takes_too_long_is_ended() {
    let server = Server::with(Limits { request: SHORT, ..patient() }).await;
    let answer = server.converse("GET /never HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(status(&answer), 503);
    assert!(answer.contains("retry-after: 1\r\n"), "{answer}");
}

#[tokio::test]
async fn the_time_of_the_body_is_not_the_handlers_time() {
    let server = Server::with(Limits { request: SHORT, ..patient() }).await;
    let mut peer = server.connect().await;
    peer.send("POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab").await;
    tokio::time::sleep(SHORT * 3).await;
    peer.send("cd").await;
    assert!(peer.answer().await.ends_with('4'));
}

#[tokio::test]
async fn a_peer_that_does_not_read_its_answer_is_cut() {
    let server = Server::with(Limits { write_stall: SHORT, connections: 1, ..patient() }).await;
    let mut deaf = server.connect().await;
    deaf.send("GET /big HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let started = Instant::now();
    // Its place is the only one: whoever gets an answer got it after the cut.
    while status(&server.converse("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await)
        != 200
    {
        assert!(started.elapsed() < PATIENCE, "the place was never given back");
        tokio::time::sleep(SHORT / 4).await;
    }
}

#[tokio::test]
async fn a_slow_answer_that_is_read_is_not_cut() {
    let server =
        Server::with(Limits { idle: SHORT, header: SHORT, write_stall: SHORT, ..patient() }).await;
    let mut peer = server.connect().await;
    peer.send("GET /never HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let waiting = tokio::time::timeout(SHORT * 4, peer.rest()).await;
    assert!(waiting.is_err(), "the connection was closed while its handler was at work");
}

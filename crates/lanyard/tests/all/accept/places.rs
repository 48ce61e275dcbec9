//! Many peers at once.

use std::time::Duration;

use axum::{Extension, Router, routing::get};
use lanyard_cli::serve::accept::{Arrival, Limits};

use super::peer::{GET, PATIENCE, Server, status};

#[tokio::test]
async fn a_full_server_turns_peers_away_and_recovers() {
    let server = Server::with(Limits { connections: 4, ..Limits::default() }).await;
    let mut taken = Vec::new();
    for _ in 0..4 {
        let mut peer = server.connect().await;
        peer.send(GET).await;
        assert_eq!(status(&peer.answer().await), 200);
        taken.push(peer);
    }
    for _ in 0..3 {
        let answer = server.converse(GET).await;
        assert!(status(&answer) == 503 && answer.contains("retry-after: 1"), "{answer:?}");
    }
    // Those inside are not disturbed.
    taken[0].send(GET).await;
    assert_eq!(status(&taken[0].answer().await), 200);
    taken.clear();
    let recovered = async {
        while status(
            &server.converse("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await,
        ) != 200
        {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, recovered).await.expect("places are given back");
    let served = server.stopped().await;
    assert!(served.connections >= 5 && served.shed >= 3, "{served:?}");
}

#[tokio::test]
async fn one_address_cannot_take_all_places() {
    let limits = Limits { per_ip: 2, per_ip_spares_loopback: false, ..Limits::default() };
    let server = Server::with(limits).await;
    let mut taken = Vec::new();
    for _ in 0..2 {
        let mut peer = server.connect().await;
        peer.send(GET).await;
        assert_eq!(status(&peer.answer().await), 200);
        taken.push(peer);
    }
    assert_eq!(status(&server.converse(GET).await), 503);
}

#[tokio::test]
async fn loopback_is_spared_by_default() {
    let server = Server::with(Limits { per_ip: 2, ..Limits::default() }).await;
    let mut taken = Vec::new();
    for _ in 0..5 {
        let mut peer = server.connect().await;
        peer.send(GET).await;
        assert_eq!(status(&peer.answer().await), 200);
        taken.push(peer);
    }
}

#[tokio::test]
async fn who_is_only_connected_or_never_gets_to_the_end_of_a_request_is_not_asking() {
    let how_many = get(async |Extension(arrival): Extension<Arrival>| arrival.asking.to_string());
    let router = Router::new().route("/", how_many);
    let server = Server::routing(Limits::default(), router, None).await;
    let mut idle = Vec::new();
    for nth in 0..20 {
        let mut peer = server.connect().await;
        if nth % 2 == 0 {
            peer.send("POST /token HTTP/1.1\r\nHost: a").await;
        }
        idle.push(peer);
    }
    let mut one = server.connect().await;
    for _ in 0..3 {
        one.send(GET).await;
        let answer = one.answer().await;
        assert!(answer.ends_with("\r\n\r\n1"), "{answer}");
    }
}

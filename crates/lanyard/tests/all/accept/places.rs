//! Many peers at once.

use std::time::Duration;

use lanyard_cli::serve::accept::Limits;

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

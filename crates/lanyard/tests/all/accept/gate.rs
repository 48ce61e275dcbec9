//! Whoever is told at the door to come later, and whoever is let pass there.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::{Extension, Router, routing::get};
use bytes::Bytes;
use lanyard_cli::serve::accept::{Arrival, Gate, Judgement, Limits, Opening, Routes};
use tokio::net::TcpStream;

use super::peer::{GET, Peer, Server, router, status};

const LATER: &str = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n";

/// Has everybody come later who asks for `/length`, and judges nothing else but `/`.
struct Strict;

impl Gate for Strict {
    fn is_pressed(&self, _: usize) -> bool {
        true
    }

    fn judges(&self, opening: &Opening<'_>, _: usize) -> Judgement {
        match opening.target {
            "/length" => Judgement::Later(Bytes::from_static(LATER.as_bytes())),
            "/" => Judgement::LetPass,
            _ => Judgement::Open,
        }
    }
}

fn behind_the_gate(router: Router) -> Routes {
    Routes { router, gate: Some(Arc::new(Strict)) }
}

/// Somebody who has sent that before anybody is taken in.
async fn sent(address: SocketAddr, text: &str) -> Peer {
    let mut peer = Peer(TcpStream::connect(address).await.expect("it listens"));
    peer.send(text).await;
    peer
}

#[tokio::test]
async fn who_is_told_to_come_later_hears_it_and_everybody_else_is_served() {
    let listener = Server::listener(None).await;
    let address = listener.local_addr().expect("bound");
    let post = "POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n";
    let mut later = sent(address, &format!("{post}abcde")).await;
    let mut piecemeal = sent(address, &format!("{post}ab")).await;
    let other = "GET /peer HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let mut twice = sent(address, &format!("{GET}{other}")).await;
    let mut others = Vec::new();
    // more than the library's own queue holds
    for _ in 0..200 {
        others.push(sent(address, other).await);
    }
    let server = Server::at(listener, Limits::default(), behind_the_gate(router()));
    assert_eq!(later.rest().await, LATER);
    piecemeal.send("cde").await;
    assert!(piecemeal.answer().await.ends_with("\r\n\r\n5"), "its body was all there");
    assert_eq!(twice.rest().await.matches("HTTP/1.1 200").count(), 2);
    for mut other in others {
        assert!(other.rest().await.ends_with("\r\n\r\n127.0.0.1"));
    }
    drop((piecemeal, twice));
    assert_eq!(server.stopped().await.shed, 0);
}

#[tokio::test]
async fn only_the_first_request_of_a_connection_was_let_pass_and_each_connection_asks_once() {
    let arrived = get(async |Extension(arrival): Extension<Arrival>| format!("{arrival:?}"));
    let listener = Server::listener(None).await;
    let mut peer = sent(listener.local_addr().expect("bound"), GET).await;
    let routes = behind_the_gate(Router::new().route("/", arrived));
    let _server = Server::at(listener, Limits::default(), routes);
    for was_let_pass in [true, false] {
        let arrival = Arrival { asking: 1, was_let_pass };
        let answer = peer.answer().await;
        assert!(answer.ends_with(&format!("{arrival:?}")), "{answer}");
        peer.send(GET).await;
    }
}

#[tokio::test]
async fn where_there_is_no_place_nobody_is_looked_at() {
    let listener = Server::listener(None).await;
    let mut peer = sent(listener.local_addr().expect("bound"), GET).await;
    let limits = Limits { connections: 0, ..Limits::default() };
    let server = Server::at(listener, limits, behind_the_gate(router()));
    assert_eq!(status(&peer.rest().await), 503);
    assert_eq!(server.stopped().await.shed, 1);
}

//! Heads and bodies that are too big or that two parsers could read in two ways.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::routing::any;
use lanyard_cli::serve::accept::Limits;

use super::peer::{GET, Server, status};

#[tokio::test]
async fn a_uri_of_8_kib_passes_and_a_longer_one_is_refused() {
    let server = Server::with(Limits::default()).await;
    let head = |length: usize| {
        format!("GET /?{} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "q".repeat(length - 2))
    };
    assert_eq!(status(&server.converse(&head(8 * 1024)).await), 200);
    assert_eq!(status(&server.converse(&head(8 * 1024 + 1)).await), 414);
}

#[tokio::test]
async fn more_than_64_header_fields_are_refused() {
    let server = Server::with(Limits::default()).await;
    let head = |fields: usize| {
        let others = (2..fields).map(|n| format!("X-{n}: y\r\n")).collect::<String>();
        format!("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{others}\r\n")
    };
    assert_eq!(status(&server.converse(&head(64)).await), 200);
    for fields in [65, 101, 1000] {
        assert_eq!(status(&server.converse(&head(fields)).await), 431, "{fields} fields");
    }
}

#[tokio::test]
async fn header_fields_of_more_than_32_kib_are_refused() {
    let server = Server::with(Limits::default()).await;
    let head = |length: usize| {
        format!(
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX: {}\r\n\r\n",
            "y".repeat(length)
        )
    };
    assert_eq!(status(&server.converse(&head(30 * 1024)).await), 200);
    assert_eq!(status(&server.converse(&head(32 * 1024)).await), 431);
    assert_eq!(status(&server.converse(&head(60 * 1024)).await), 431);
}

#[tokio::test]
async fn a_body_of_more_than_2_mib_is_refused_announced_or_not() {
    let server = Server::with(Limits { body_bytes: 4096, ..Limits::default() }).await;
    let announced = |length: usize| {
        format!(
            "POST /length HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{}",
            "x".repeat(length)
        )
    };
    assert_eq!(status(&server.converse(&announced(4096)).await), 200);
    assert_eq!(status(&server.converse(&announced(4097)).await), 413);
    let chunked = |length: usize| {
        let body = "x".repeat(length);
        format!(
            "POST /length HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n{length:x}\r\n{body}\r\n0\r\n\r\n"
        )
    };
    assert_eq!(status(&server.converse(&chunked(4096)).await), 200);
    assert_eq!(status(&server.converse(&chunked(4097)).await), 413);
    assert_eq!(Limits::default().body_bytes, 2 * 1024 * 1024);
}

#[tokio::test]
async fn a_head_that_two_parsers_read_in_two_ways_gets_400_and_the_end() {
    let seen = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&seen);
    let router = Router::new().fallback(any(move || {
        counter.fetch_add(1, Ordering::SeqCst);
        async { "seen" }
    }));
    let server = Server::routing(Limits::default(), router, None).await;
    let smuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
    let heads = [
        (
            "CL and TE",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ),
        (
            "TE and CL",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
        ),
        (
            "two CL",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
        ),
        (
            "the same CL twice",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\nabcd",
        ),
        ("CL +5", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nabcde"),
        ("CL list", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\nabcde"),
        (
            "TE gzip",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        ),
        (
            "TE in HTTP/1.0",
            "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ),
        ("obs-fold", "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n"),
        ("space before the colon", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 4\r\n\r\nabcd"),
        ("bare LF after the request line", "GET / HTTP/1.1\nHost: a\r\n\r\n"),
        ("bare LF after a field", "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n"),
        ("bare LF at the end", "GET / HTTP/1.1\r\nHost: a\r\n\n"),
        ("only LF", "GET / HTTP/1.1\nHost: a\n\n"),
        ("bare CR", "GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n"),
        ("NUL in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n"),
        ("NUL in the target", "GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("no Host", "GET / HTTP/1.1\r\nX: y\r\n\r\n"),
        ("two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
        ("not HTTP", "\x16\x03\x01\x02\r\n\r\n"),
    ];
    for (fault, head) in heads {
        let answer = server.converse(&format!("{head}{smuggled}")).await;
        assert_eq!(
            (status(&answer), answer.matches("HTTP/1.1").count()),
            (400, 1),
            "{fault}: {answer:?}"
        );
    }
    assert_eq!(seen.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_fault_behind_a_good_request_spoils_only_itself() {
    let server = Server::with(Limits::default()).await;
    let answer = server.converse(&format!("{GET}GET / HTTP/1.1\nHost: a\n\n{GET}")).await;
    let statuses = answer.matches("HTTP/1.1 ").count();
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.contains("HTTP/1.1 400") && statuses == 2,
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_broken_chunk_ends_the_request() {
    let server = Server::with(Limits::default()).await;
    for chunk in
        ["4\nabcd\r\n0\r\n\r\n", "4\r\nabcdef\r\n0\r\n\r\n", "x\r\n", "4;\n\r\nabcd\r\n0\r\n\r\n"]
    {
        let head = "POST /length HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
        let answer = server.converse(&format!("{head}{chunk}{GET}")).await;
        assert!(!answer.contains("200 OK"), "{chunk:?}: {answer:?}");
    }
}

#[tokio::test]
async fn pipelined_requests_with_bodies_are_answered_in_order() {
    let server = Server::with(Limits::default()).await;
    let requests = [
        "POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n\n\r\0ab",
        "POST /length HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\n\0\n\r\r\n4\r\nabcd\r\n0\r\nT: x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    ];
    let answer = server.converse(&requests.concat()).await;
    let bodies = answer
        .split("HTTP/1.1 200 OK")
        .skip(1)
        .map(|a| a.rsplit("\r\n").next().unwrap_or_default().to_owned());
    assert_eq!(bodies.collect::<Vec<_>>(), ["5", "7", "hello"], "{answer}");
}

#[tokio::test]
async fn a_handler_that_panics_costs_one_500() {
    let server = Server::with(Limits::default()).await;
    assert_eq!(status(&server.converse("GET /panic HTTP/1.1\r\nHost: a\r\n\r\n").await), 500);
    let mut peer = server.connect().await;
    peer.send(GET).await;
    assert_eq!(status(&peer.answer().await), 200);
}

//! Size, time and what goes over the wire.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use lanyard_fetch::{
    Authorization, Body, FetchError, FetchLimits, HttpClient, Purpose, Request, RequestHeader,
};
use tokio::sync::Semaphore;

use crate::server::{Server, Step, builder, fetcher, impatient, metadata, reply, send};

const MIB: usize = 1024 * 1024;

fn host() -> String {
    "127.0.0.1".into()
}

#[tokio::test]
async fn an_endless_body_is_cut_at_the_cap() {
    let server = Server::answering(vec![
        send("HTTP/1.1 200 OK\r\n\r\n"),
        Step::Forever(vec![b'x'; 64 * 1024], Duration::ZERO),
    ])
    .await;
    let outcome = fetcher([server.pair()]).send(metadata(server.url("/"))).await;
    assert_eq!(outcome.unwrap_err(), FetchError::TooLarge { limit: 5 * MIB });
}

#[tokio::test]
async fn an_endless_chunked_body_is_cut_at_the_cap() {
    let mut chunk = b"10000\r\n".to_vec();
    chunk.extend(vec![b'x'; 0x10000]);
    chunk.extend(b"\r\n");
    let server = Server::answering(vec![
        send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"),
        Step::Forever(chunk, Duration::ZERO),
    ])
    .await;
    let outcome =
        fetcher([server.pair()]).send(Request::get(server.url("/"), Purpose::StatusList)).await;
    assert_eq!(outcome.unwrap_err(), FetchError::TooLarge { limit: 5 * MIB });
}

#[tokio::test]
async fn each_purpose_has_its_cap_to_the_byte() {
    let full = "x".repeat(16 * 1024);
    let server = Server::ok(&full).await;
    let outcome =
        fetcher([server.pair()]).send(Request::get(server.url("/"), Purpose::Nonce)).await;
    assert_eq!(outcome.unwrap().body.len(), 16 * 1024);
    let server = Server::ok(&format!("{full}x")).await;
    let outcome =
        fetcher([server.pair()]).send(Request::get(server.url("/"), Purpose::Nonce)).await;
    assert_eq!(outcome.unwrap_err(), FetchError::TooLarge { limit: 16 * 1024 });
}

#[tokio::test]
async fn a_content_length_beyond_the_cap_is_refused_before_the_body() {
    let server =
        Server::answering(vec![send("HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n{}")])
            .await;
    let outcome = fetcher([server.pair()]).send(metadata(server.url("/"))).await;
    assert_eq!(outcome.unwrap_err(), FetchError::TooLarge { limit: 5 * MIB });
}

#[tokio::test]
async fn a_body_shorter_than_its_content_length_is_broken() {
    let server = Server::answering(vec![
        send("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{}"),
        Step::Close,
    ])
    .await;
    let outcome = fetcher([server.pair()]).send(metadata(server.url("/"))).await;
    assert_eq!(outcome.unwrap_err(), FetchError::ResponseBroken { host: host() });
}

#[tokio::test]
async fn an_answer_that_is_not_http_is_broken() {
    let server = Server::answering(vec![send("SSH-2.0-OpenSSH_9.2\r\n"), Step::Close]).await;
    let outcome = fetcher([server.pair()]).send(metadata(server.url("/"))).await;
    assert_eq!(outcome.unwrap_err(), FetchError::ResponseBroken { host: host() });
}

#[tokio::test]
async fn a_dripping_body_ends_with_the_total_time() {
    let server = Server::answering(vec![
        send("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n"),
        Step::Forever(b"x".to_vec(), Duration::from_millis(20)),
    ])
    .await;
    let outcome =
        builder([server.pair()]).limits(impatient()).build().send(metadata(server.url("/"))).await;
    assert_eq!(outcome.unwrap_err(), FetchError::TimedOut { host: host() });
}

#[tokio::test]
async fn a_dripping_head_ends_with_the_total_time() {
    let server = Server::answering(vec![
        send("HTTP/1.1 200 OK\r\n"),
        Step::Forever(b"a: b\r\n".to_vec(), Duration::from_millis(20)),
    ])
    .await;
    let outcome =
        builder([server.pair()]).limits(impatient()).build().send(metadata(server.url("/"))).await;
    assert_eq!(outcome.unwrap_err(), FetchError::TimedOut { host: host() });
}

#[tokio::test]
async fn a_silent_server_ends_with_the_total_time() {
    let server = Server::answering(vec![Step::Wait(Duration::from_secs(60))]).await;
    let outcome =
        builder([server.pair()]).limits(impatient()).build().send(metadata(server.url("/"))).await;
    assert_eq!(outcome.unwrap_err(), FetchError::TimedOut { host: host() });
}

#[tokio::test]
async fn a_gzip_bomb_is_refused_and_not_inflated() {
    let server =
        Server::answering(vec![reply("200 OK", &[("content-encoding", "gzip")], "\u{1f}pretend")])
            .await;
    let outcome = fetcher([server.pair()]).send(metadata(server.url("/"))).await;
    assert_eq!(outcome.unwrap_err(), FetchError::BodyEncoded { host: host() });
}

#[tokio::test]
async fn identity_encoding_by_name_is_accepted() {
    let server =
        Server::answering(vec![reply("200 OK", &[("content-encoding", "identity")], "{}")]).await;
    assert_eq!(fetcher([server.pair()]).send(metadata(server.url("/"))).await.unwrap().body, "{}");
}

#[tokio::test]
async fn four_requests_to_one_host_run_at_once_and_others_wait() {
    let permits = Arc::new(Semaphore::new(0));
    let steps = vec![Step::Until(permits.clone()), reply("200 OK", &[], "{}")];
    let server = Server::answering(steps).await;
    let limits = FetchLimits { total: Duration::from_secs(120), ..FetchLimits::default() };
    let fetcher = builder([server.pair()]).limits(limits).build();
    let sent = (0..12).map(|_| fetcher.send(metadata(server.url("/"))));
    let sent = futures_util::future::join_all(sent);
    let watched = async {
        until_hits(&server, 4).await;
        // more than enough for a fifth, if there were one
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(server.hits(), 4);
        permits.add_permits(1);
        until_hits(&server, 5).await;
        permits.add_permits(11);
    };
    let (answers, ()) = tokio::join!(sent, watched);
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(server.hits(), 12);
}

#[tokio::test]
async fn five_hundred_at_once_at_a_host_in_trouble_get_four_connections_and_hold_up_nobody_else() {
    let head = || send("HTTP/1.1 200 OK\r\n\r\n");
    let troubles = [
        vec![Step::Wait(Duration::from_secs(60))],
        vec![head(), Step::Forever(b"x".to_vec(), Duration::from_millis(200))],
    ];
    for trouble in troubles {
        let (ill, well) = (Server::answering(trouble).await, Server::ok("{}").await);
        let limits = FetchLimits { total: Duration::from_secs(2), ..FetchLimits::default() };
        let fetcher = builder([ill.pair(), well.pair()]).limits(limits).build();
        let begun = Instant::now();
        let sent = (0..500).map(|_| fetcher.send(metadata(ill.url("/"))));
        let sent = futures_util::future::join_all(sent);
        let beside = async {
            until_hits(&ill, 4).await;
            assert!(fetcher.send(metadata(well.url("/"))).await.is_ok());
            (begun.elapsed(), ill.connected())
        };
        let (answers, (beside, connected)) = tokio::join!(sent, beside);
        for answer in answers {
            assert_eq!(answer.unwrap_err(), FetchError::TimedOut { host: host() });
        }
        assert_eq!(connected, 4);
        assert!(beside < Duration::from_secs(2), "the other host waited {beside:.1?}");
        assert!(begun.elapsed() < Duration::from_secs(5), "given up after {:.1?}", begun.elapsed());
    }
}

#[tokio::test]
async fn a_message_that_waits_for_its_turn_at_a_webhook_has_its_whole_time_from_then_on() {
    let server = Server::answering(vec![Step::Wait(Duration::from_secs(60))]).await;
    let limits = FetchLimits { per_host: 1, ..impatient() };
    let fetcher = builder([server.pair()]).limits(limits).build();
    let body = || Body::Json(Bytes::from_static(b"{}"));
    let sent =
        (0..3).map(|_| fetcher.send(Request::post(server.url("/"), Purpose::Webhook, body())));
    let answers = futures_util::future::join_all(sent).await;
    for answer in answers {
        assert_eq!(answer.unwrap_err(), FetchError::TimedOut { host: host() });
    }
    assert_eq!(server.hits(), 3, "each reached the receiver");
}

async fn until_hits(server: &Server, hits: usize) {
    while server.hits() < hits {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn an_error_status_is_an_answer() {
    let json = [
        ("content-type", "application/json;charset=UTF-8"),
        ("dpop-nonce", "n-1"),
        ("cache-control", "no-store"),
    ];
    let server =
        Server::answering(vec![reply("400 Bad Request", &json, r#"{"error":"invalid_grant"}"#)])
            .await;
    let response = fetcher([server.pair()]).send(metadata(server.url("/"))).await.unwrap();
    assert_eq!((response.status, response.is_success()), (400, false));
    assert_eq!(response.media_type().as_deref(), Some("application/json"));
    assert_eq!(response.headers.dpop_nonce.as_deref(), Some("n-1"));
    assert_eq!(response.headers.cache_control.as_deref(), Some("no-store"));
    assert_eq!(response.body, r#"{"error":"invalid_grant"}"#);
}

#[tokio::test]
async fn the_wire_carries_what_was_asked_for_and_nothing_else() {
    let server = Server::answering(vec![reply("200 OK", &[("set-cookie", "a=b")], "{}")]).await;
    let fetcher = fetcher([server.pair()]);
    let request = Request::get(server.url("/path?q=1#fragment"), Purpose::Credential)
        .accept("application/json")
        .header(RequestHeader::Dpop, "proof")
        .authorization(Authorization::Dpop("token".to_owned().into()));
    fetcher.send(request).await.unwrap();
    fetcher.send(metadata(server.url("/"))).await.unwrap();
    let heads = server.heads.lock().unwrap().clone();
    let lines = |head: &str| {
        let mut lines = head.trim_end().split("\r\n").map(str::to_owned).collect::<Vec<_>>();
        lines[1..].sort();
        lines
    };
    let (agent, host) = (
        concat!("user-agent: lanyard/", env!("CARGO_PKG_VERSION")),
        format!("host: {}", server.address),
    );
    let expected = [
        "GET /path?q=1 HTTP/1.1",
        "accept-encoding: identity",
        "accept: application/json",
        "authorization: DPoP token",
        "dpop: proof",
        &host,
        agent,
    ];
    assert_eq!(lines(&heads[0]), expected);
    assert_eq!(
        lines(&heads[1]),
        ["GET / HTTP/1.1", "accept-encoding: identity", "accept: */*", &host, agent]
    );
}

#[tokio::test]
async fn bodies_carry_their_content_type() {
    let server = Server::ok("{}").await;
    let fetcher = fetcher([server.pair()]);
    let bodies = [
        (
            Body::Form(vec![("a b".into(), "ü&=".into()), ("a b".into(), "2".into())]),
            "application/x-www-form-urlencoded",
        ),
        (Body::Json(Bytes::from_static(b"{}")), "application/json"),
        (
            Body::Other {
                content_type: "application/jwt".into(),
                bytes: Bytes::from_static(b"e30"),
            },
            "application/jwt",
        ),
    ];
    for (body, content_type) in bodies {
        fetcher.send(Request::post(server.url("/"), Purpose::Token, body)).await.unwrap();
        let head = server.heads.lock().unwrap().pop().unwrap();
        assert!(head.contains(&format!("content-type: {content_type}\r\n")), "{head}");
    }
}

#[tokio::test]
async fn a_header_value_with_a_line_break_is_not_sent() {
    let server = Server::ok("{}").await;
    let request = metadata(server.url("/")).header(RequestHeader::Dpop, "a\r\nx: y");
    assert_eq!(
        fetcher([server.pair()]).send(request).await.unwrap_err(),
        FetchError::HeaderInvalid
    );
    assert_eq!(server.connected(), 0);
}

#[test]
fn debug_shows_neither_path_nor_body_nor_token() {
    let body = Body::Form(vec![("pre-authorized_code".into(), "canary-code".into())]);
    let request = Request::post(
        "https://issuer.example/canary-path?canary-query".parse().unwrap(),
        Purpose::Token,
        body,
    )
    .authorization(Authorization::Bearer("canary-token".to_owned().into()))
    .header(RequestHeader::Dpop, "canary-proof");
    let shown = format!("{request:?} {:?}", request.authorization);
    assert!(shown.contains("issuer.example") && !shown.contains("canary"), "{shown}");
}

#[tokio::test]
async fn large_answers_of_all_hosts_together_are_bounded() {
    let (large, go_on) = ("x".repeat(128 * 1024), Arc::new(Semaphore::new(0)));
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{large}", 129 * 1024);
    let mut servers = Vec::new();
    for _ in 0..8 {
        let rest = send(&"x".repeat(1024));
        let steps = vec![send(&head), Step::Until(go_on.clone()), rest];
        servers.push(Server::answering(steps).await);
    }
    let (well, small) = (Server::ok(&large).await, Server::ok("{}").await);
    let pairs = servers.iter().chain([&well, &small]).map(Server::pair);
    // there is room for what is large in one of them
    let limits = FetchLimits {
        in_hand: 100 * 1024,
        total: Duration::from_secs(60),
        ..FetchLimits::default()
    };
    let fetcher = builder(pairs).limits(limits).build();
    let mut asked: FuturesUnordered<_> =
        servers.iter().map(|server| fetcher.send(metadata(server.url("/")))).collect();
    for _ in 1..servers.len() {
        let outcome = asked.next().await.unwrap();
        assert_eq!(outcome.unwrap_err(), FetchError::TooMuchAtOnce { host: host() });
    }
    assert_eq!(fetcher.send(metadata(small.url("/"))).await.unwrap().body.len(), 2);
    drop(asked);
    let outcome = fetcher.send(metadata(well.url("/"))).await;
    assert_eq!(outcome.unwrap().body.len(), 128 * 1024, "what is read is given back");
}

//! Which hosts are contacted at all.

use std::sync::Arc;
use std::time::Duration;

use lanyard_fetch::{
    AddressRange, ConnectCause, FetchError, FetchLimits, HttpClient, Purpose, Request, SafeFetcher,
    traced,
};
use url::Url;

use crate::server::{Names, Server, builder, fetcher, metadata, reply};

fn url(text: &str) -> Url {
    Url::parse(text).expect("a URL")
}

#[tokio::test]
async fn without_an_allow_list_nothing_on_loopback_is_contacted() {
    let canary = Server::ok("{}").await;
    let port = canary.address.port();
    let fetcher = SafeFetcher::builder().allow_ports([port]).build();
    let expected = [
        (format!("http://127.0.0.1:{port}/"), FetchError::NotHttps),
        (format!("http://localhost:{port}/"), FetchError::NotHttps),
        (format!("https://127.0.0.1:{port}/"), FetchError::IpLiteralHost),
        (format!("https://2130706433:{port}/"), FetchError::IpLiteralHost),
        (format!("https://0x7f.1:{port}/"), FetchError::IpLiteralHost),
        (format!("https://0177.0.0.1:{port}/"), FetchError::IpLiteralHost),
        (format!("https://[::ffff:127.0.0.1]:{port}/"), FetchError::IpLiteralHost),
        (format!("https://localhost.:{port}/"), FetchError::HostNotAllowed),
        (format!("https://issuer.example@localhost:{port}/"), FetchError::UserinfoInUrl),
        (format!("https://localhost:{port}/"), denied("localhost", AddressRange::Loopback)),
        (format!("https://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ:{port}/"), denied("localhost", AddressRange::Loopback)),
    ];
    for (target, error) in expected {
        assert_eq!(fetcher.send(metadata(url(&target))).await.unwrap_err(), error, "{target}");
    }
    assert_eq!(canary.connected(), 0);
}

fn denied(host: &str, range: AddressRange) -> FetchError {
    FetchError::AddressDenied { host: host.into(), range }
}

#[tokio::test]
async fn a_name_that_resolves_to_a_denied_address_is_not_contacted() {
    let names = Names::with(&[
        ("loopback.example", &[&["127.0.0.1"]]),
        ("private.example", &[&["10.1.2.3"]]),
        ("link-local.example", &[&["fe80::1"]]),
        ("cgnat.example", &[&["100.64.0.1"]]),
        ("ula.example", &[&["fd12::1"]]),
        ("multicast.example", &[&["224.0.0.1"]]),
        ("unspecified.example", &[&["0.0.0.0"]]),
        ("metadata.example", &[&["169.254.169.254"]]),
        ("mapped.example", &[&["::ffff:127.0.0.1"]]),
        ("nat64.example", &[&["64:ff9b::10.0.0.1"]]),
        ("mixed.example", &[&["93.184.216.34", "127.0.0.1"]]),
    ]);
    let fetcher = SafeFetcher::builder().resolver(names).build();
    let expected = [
        ("loopback.example", AddressRange::Loopback),
        ("private.example", AddressRange::Private),
        ("link-local.example", AddressRange::LinkLocal),
        ("cgnat.example", AddressRange::CarrierGradeNat),
        ("ula.example", AddressRange::UniqueLocal),
        ("multicast.example", AddressRange::Multicast),
        ("unspecified.example", AddressRange::Unspecified),
        ("metadata.example", AddressRange::CloudMetadata),
        ("mapped.example", AddressRange::Loopback),
        ("nat64.example", AddressRange::Private),
        ("mixed.example", AddressRange::Loopback),
    ];
    for (host, range) in expected {
        let outcome = fetcher.send(metadata(url(&format!("https://{host}/")))).await;
        assert_eq!(outcome.unwrap_err(), denied(host, range));
    }
}

#[tokio::test]
async fn an_allowed_pair_opens_no_other_port_of_its_host() {
    let (allowed, canary) = (Server::ok("{}").await, Server::ok("{}").await);
    let fetcher = SafeFetcher::builder()
        .allow_ports([canary.address.port()])
        .danger_allow_plain_http_to([allowed.pair(), allowed.pair_named("localhost")])
        .build();
    assert_eq!(fetcher.send(metadata(allowed.url("/"))).await.unwrap().status, 200);
    assert_eq!(fetcher.send(metadata(canary.url("/"))).await.unwrap_err(), FetchError::NotHttps);
    let https = url(&format!("https://localhost:{}/", canary.address.port()));
    assert_eq!(
        fetcher.send(metadata(https)).await.unwrap_err(),
        denied("localhost", AddressRange::Loopback)
    );
    assert_eq!(canary.connected(), 0);
}

#[tokio::test]
async fn a_service_of_the_operator_is_reached_at_its_pair_and_at_no_other() {
    let (own, canary) = (Server::ok("{}").await, Server::ok("{}").await);
    let fetcher = SafeFetcher::builder()
        .allow_ports([canary.address.port()])
        .own_services([own.pair_named("localhost")])
        .build();
    let asked = url(&format!("http://localhost:{}/", own.address.port()));
    assert_eq!(fetcher.send(metadata(asked)).await.unwrap().status, 200);
    assert_eq!(fetcher.send(metadata(own.url("/"))).await.unwrap_err(), FetchError::NotHttps);
    let https = url(&format!("https://localhost:{}/", canary.address.port()));
    assert_eq!(
        fetcher.send(metadata(https)).await.unwrap_err(),
        denied("localhost", AddressRange::Loopback)
    );
    assert_eq!(canary.connected(), 0);
}

#[tokio::test]
async fn a_trace_goes_on_to_systems_of_the_enterprise_and_to_nobody_else() {
    let server = Server::ok("{}").await;
    let fetcher = builder([server.pair()]).build();
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let all = [
        (Purpose::AttributeProvider, true),
        (Purpose::LoginProvider, true),
        (Purpose::StatusList, false),
        (Purpose::DidDocument, false),
        (Purpose::Webhook, false),
    ];
    for (purpose, is_own) in all {
        let request = Request::get(server.url("/"), purpose);
        traced(parent.to_owned(), fetcher.send(request)).await.unwrap();
        let head = server.heads.lock().unwrap().pop().unwrap();
        let says = head.contains(&format!("traceparent: {parent}\r\n"));
        assert_eq!(says, is_own, "{purpose:?}: {head}");
    }
    let request = Request::get(server.url("/"), Purpose::AttributeProvider);
    fetcher.send(request).await.unwrap();
    let head = server.heads.lock().unwrap().pop().unwrap();
    assert!(!head.contains("traceparent"), "there was no trace: {head}");
}

#[tokio::test]
async fn an_allowed_name_that_moves_to_a_private_or_public_address_is_denied() {
    let names =
        Names::with(&[("demo.test", &[&["10.0.0.7"]]), ("demo2.test", &[&["93.184.216.34"]])]);
    let pairs = ["demo.test:7077".parse().unwrap(), "demo2.test:7077".parse().unwrap()];
    let fetcher = builder(pairs).resolver(names).build();
    let outcome = fetcher.send(metadata(url("http://demo.test:7077/"))).await;
    assert_eq!(outcome.unwrap_err(), denied("demo.test", AddressRange::Private));
    let outcome = fetcher.send(metadata(url("http://demo2.test:7077/"))).await;
    assert_eq!(outcome.unwrap_err(), denied("demo2.test", AddressRange::Public));
}

#[tokio::test]
async fn a_name_is_looked_up_once_and_the_connection_goes_to_the_vetted_address() {
    let honest = Server::answering(vec![
        reply("200 OK", &[("connection", "close")], "honest"),
        crate::server::Step::Close,
    ])
    .await;
    let port = honest.address.port();
    let canary =
        Server::answering_at(&format!("127.0.0.2:{port}"), vec![reply("200 OK", &[], "rebound")])
            .await;
    let names =
        Names::with(&[("rebind.test", &[&["127.0.0.1"], &["127.0.0.2"], &["169.254.169.254"]])]);
    let fetcher = builder([honest.pair_named("rebind.test")]).resolver(names.clone()).build();
    let target = url(&format!("http://rebind.test:{port}/"));

    let response = fetcher.send(metadata(target.clone())).await.unwrap();
    assert_eq!((&response.body[..], names.asked(), canary.connected()), (&b"honest"[..], 1, 0));

    // The second look-up still says loopback; the third says metadata and is refused.
    assert_eq!(fetcher.send(metadata(target.clone())).await.unwrap().body, "rebound");
    let fresh = builder([honest.pair_named("rebind.test")]).resolver(names).build();
    assert_eq!(
        fresh.send(metadata(target)).await.unwrap_err(),
        denied("rebind.test", AddressRange::CloudMetadata)
    );
}

#[tokio::test]
async fn a_pooled_connection_is_used_again_without_a_second_look_up() {
    let server = Server::ok("{}").await;
    let names = Names::with(&[("issuer.test", &[&["127.0.0.1"], &["10.0.0.1"]])]);
    let fetcher = builder([server.pair_named("issuer.test")]).resolver(names.clone()).build();
    for _ in 0..5 {
        let target = url(&format!("http://issuer.test:{}/", server.address.port()));
        assert_eq!(fetcher.send(metadata(target)).await.unwrap().status, 200);
    }
    assert_eq!((server.hits(), server.connected(), names.asked()), (5, 1, 1));
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_not_asked_for_again_within_its_time() {
    let not_resolved = FetchError::NameNotResolved { host: "nowhere.example".into() };
    for (ttl, asked) in [(Duration::from_secs(60), 1), (Duration::ZERO, 3)] {
        let names = Names::with(&[]);
        let limits = FetchLimits { failed_name_ttl: ttl, ..FetchLimits::default() };
        let fetcher = SafeFetcher::builder().resolver(names.clone()).limits(limits).build();
        for _ in 0..3 {
            let outcome = fetcher.send(metadata(url("https://nowhere.example/"))).await;
            assert_eq!(outcome.unwrap_err(), not_resolved);
        }
        assert_eq!(names.asked(), asked);
    }
}

#[tokio::test]
async fn a_closed_port_says_refused() {
    // bound, so that nobody else has it, and not listened on
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    let fetcher = fetcher([address.to_string().parse().unwrap()]);
    let outcome = fetcher.send(metadata(url(&format!("http://{address}/")))).await;
    assert_eq!(
        outcome.unwrap_err(),
        FetchError::ConnectFailed { host: "127.0.0.1".into(), cause: ConnectCause::Refused }
    );
}

#[tokio::test]
async fn a_look_up_that_hangs_ends_with_the_connect_time() {
    struct Hanging;
    #[async_trait::async_trait]
    impl lanyard_fetch::NameResolver for Hanging {
        async fn addresses(&self, _host: &str) -> std::io::Result<Vec<std::net::IpAddr>> {
            std::future::pending().await
        }
    }
    let limits = FetchLimits { connect: Duration::from_millis(50), ..FetchLimits::default() };
    let fetcher = SafeFetcher::builder().resolver(Arc::new(Hanging)).limits(limits).build();
    let outcome = fetcher.send(metadata(url("https://slow.example/"))).await;
    assert_eq!(outcome.unwrap_err(), FetchError::ConnectTimedOut { host: "slow.example".into() });
}

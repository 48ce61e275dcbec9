//! Redirects: none for protocol traffic, three vetted hops for status lists.

use lanyard_fetch::{Body, FetchError, HttpClient, Purpose, Request};
use url::Url;

use crate::server::{Server, fetcher, reply};

const REDIRECTS: [(&str, u16); 5] = [
    ("301 Moved Permanently", 301),
    ("302 Found", 302),
    ("303 See Other", 303),
    ("307 Temporary Redirect", 307),
    ("308 Permanent Redirect", 308),
];

const PROTOCOL: [Purpose; 15] = [
    Purpose::CredentialOffer,
    Purpose::IssuerMetadata,
    Purpose::AuthorizationServerMetadata,
    Purpose::Token,
    Purpose::Nonce,
    Purpose::Credential,
    Purpose::RequestObject,
    Purpose::PresentationResponse,
    Purpose::DidDocument,
    Purpose::IssuerKeys,
    Purpose::TypeMetadata,
    Purpose::Picture,
    Purpose::IntegratorApi,
    Purpose::Webhook,
    Purpose::OwnService,
];

fn status_list(url: Url) -> Request {
    Request::get(url, Purpose::StatusList)
}

#[tokio::test]
async fn protocol_traffic_follows_no_redirect() {
    let canary = Server::ok("{}").await;
    for (line, status) in REDIRECTS {
        let server =
            Server::answering(vec![reply(line, &[("location", canary.url("/").as_str())], "")])
                .await;
        let fetcher = fetcher([server.pair(), canary.pair()]);
        let refused = FetchError::RedirectRefused { host: "127.0.0.1".into(), status };
        for purpose in PROTOCOL {
            assert_eq!(
                fetcher.send(Request::get(server.url("/"), purpose)).await.unwrap_err(),
                refused,
                "{purpose:?}"
            );
            let post = Request::post(
                server.url("/"),
                purpose,
                Body::Form(vec![("vp_token".into(), "x".into())]),
            );
            assert_eq!(fetcher.send(post).await.unwrap_err(), refused, "{purpose:?}");
        }
    }
    assert_eq!(canary.connected(), 0);
}

#[tokio::test]
async fn a_status_list_is_followed_for_three_hops() {
    for (line, _) in REDIRECTS {
        let list = Server::ok("list").await;
        let second = Server::answering(vec![reply(
            line,
            &[("location", list.url("/lists/1").as_str())],
            "",
        )])
        .await;
        let first =
            Server::answering(vec![reply(line, &[("location", second.url("/").as_str())], "")])
                .await;
        let start =
            Server::answering(vec![reply(line, &[("location", first.url("/").as_str())], "")])
                .await;
        let fetcher = fetcher([start.pair(), first.pair(), second.pair(), list.pair()]);
        let response = fetcher.send(status_list(start.url("/"))).await.unwrap();
        assert_eq!((&response.body[..], response.final_url), (&b"list"[..], list.url("/lists/1")));
    }
}

#[tokio::test]
async fn a_status_list_loop_ends_after_three_hops() {
    let server = Server::answering(vec![reply("302 Found", &[("location", "/again")], "")]).await;
    let fetcher = fetcher([server.pair()]);
    assert_eq!(
        fetcher.send(status_list(server.url("/"))).await.unwrap_err(),
        FetchError::TooManyRedirects { limit: 3 }
    );
    assert_eq!(server.hits(), 4);
}

#[tokio::test]
async fn each_hop_is_vetted_anew() {
    let canary = Server::ok("{}").await;
    let port = canary.address.port();
    let expected = [
        (format!("http://127.0.0.1:{port}/"), FetchError::NotHttps),
        (format!("https://127.0.0.1:{port}/"), FetchError::IpLiteralHost),
        (format!("//a@127.0.0.1:{port}/"), FetchError::UserinfoInUrl),
        ("http://issuer.example/".to_owned(), FetchError::NotHttps),
        ("file:///etc/passwd".to_owned(), FetchError::NotHttps),
        (format!("https://localhost:{port}/"), FetchError::PortDenied { port }),
    ];
    for (target, error) in expected {
        let server =
            Server::answering(vec![reply("302 Found", &[("location", &target)], "")]).await;
        let outcome = fetcher([server.pair()]).send(status_list(server.url("/"))).await;
        assert_eq!(outcome.unwrap_err(), error, "{target}");
    }
    assert_eq!(canary.connected(), 0);
}

#[tokio::test]
async fn a_redirect_without_a_location_leads_nowhere() {
    let server = Server::answering(vec![reply("302 Found", &[], "")]).await;
    let outcome = fetcher([server.pair()]).send(status_list(server.url("/"))).await;
    assert_eq!(
        outcome.unwrap_err(),
        FetchError::RedirectWithoutTarget { host: "127.0.0.1".into() }
    );
}

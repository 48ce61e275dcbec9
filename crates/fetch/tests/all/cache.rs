//! The cache in front of the fetcher.

use std::sync::Arc;
use std::time::Duration;

use lanyard_fetch::{
    Authorization, Body, CacheLimits, CachedClient, FetchError, HttpClient, Purpose, Request,
    RequestHeader,
};

use crate::server::{Server, Step, fetcher, metadata, reply};

fn cached(server: &Server, limits: &CacheLimits) -> CachedClient {
    CachedClient::new(Arc::new(fetcher([server.pair()])), limits)
}

#[tokio::test]
async fn simultaneous_requests_for_one_document_become_one() {
    let slow = vec![Step::Wait(Duration::from_millis(50)), reply("200 OK", &[], "{}")];
    let server = Server::answering(slow).await;
    let client = cached(&server, &CacheLimits::default());
    let answers =
        futures_util::future::join_all((0..50).map(|_| client.send(metadata(server.url("/")))))
            .await;
    assert!(answers.iter().all(|answer| answer.as_ref().unwrap().body == "{}"));
    assert_eq!(server.hits(), 1);
}

#[tokio::test]
async fn a_kept_answer_serves_until_its_time_is_over() {
    for (ttl, hits) in [(Duration::from_secs(60), 1), (Duration::ZERO, 3)] {
        let server = Server::ok("{}").await;
        let client = cached(&server, &CacheLimits { ttl, ..CacheLimits::default() });
        for _ in 0..3 {
            client.send(metadata(server.url("/"))).await.unwrap();
        }
        assert_eq!(server.hits(), hits);
    }
}

#[tokio::test]
async fn an_answer_marked_no_store_is_not_kept() {
    let server =
        Server::answering(vec![reply("200 OK", &[("cache-control", "no-store")], "{}")]).await;
    let client = cached(&server, &CacheLimits::default());
    for _ in 0..3 {
        client.send(metadata(server.url("/"))).await.unwrap();
    }
    assert_eq!(server.hits(), 3);
}

#[tokio::test]
async fn a_failure_serves_for_its_own_shorter_time() {
    for (failure_ttl, hits) in [(Duration::from_secs(60), 1), (Duration::ZERO, 3)] {
        let server = Server::answering(vec![reply("500 Internal Server Error", &[], "")]).await;
        let client = cached(&server, &CacheLimits { failure_ttl, ..CacheLimits::default() });
        for _ in 0..3 {
            assert_eq!(client.send(metadata(server.url("/"))).await.unwrap().status, 500);
        }
        assert_eq!(server.hits(), hits);
    }
    let client = CachedClient::new(Arc::new(fetcher([])), &CacheLimits::default());
    for _ in 0..2 {
        let outcome = client.send(metadata("http://issuer.example/".parse().unwrap())).await;
        assert_eq!(outcome.unwrap_err(), FetchError::NotHttps);
    }
}

#[tokio::test]
async fn what_belongs_to_one_session_is_never_kept() {
    let server = Server::ok("{}").await;
    let client = cached(&server, &CacheLimits::default());
    let url = || server.url("/");
    let requests = [
        Request::get(url(), Purpose::CredentialOffer),
        Request::get(url(), Purpose::RequestObject),
        Request::post(url(), Purpose::IssuerMetadata, Body::Form(Vec::new())),
        metadata(url()).authorization(Authorization::Bearer("t".to_owned().into())),
        metadata(url()).header(RequestHeader::AcceptLanguage, "de"),
    ];
    for request in &requests {
        client.send(request.clone()).await.unwrap();
        client.send(request.clone()).await.unwrap();
    }
    assert_eq!(server.hits(), 2 * requests.len());
}

#[tokio::test]
async fn another_media_type_is_another_document() {
    let server = Server::ok("{}").await;
    let client = cached(&server, &CacheLimits::default());
    for accept in ["application/json", "application/jwt", "application/json"] {
        client.send(metadata(server.url("/")).accept(accept)).await.unwrap();
    }
    assert_eq!(server.hits(), 2);
}

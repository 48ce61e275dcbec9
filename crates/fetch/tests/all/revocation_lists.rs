//! Lists of revoked certificates over plain http, which is where authorities publish them.

use std::sync::Arc;

use lanyard_core::trust::x509::{RevocationListSource as _, RevocationListUnavailable};
use lanyard_fetch::{
    AddressRange, FetchError, HttpClient, Purpose, Request, RevocationListFetcher, SafeFetcher,
};
use url::Url;

use crate::server::{Names, Server, fetcher, reply};

fn list(text: &str) -> Request {
    Request::get(Url::parse(text).expect("a URL"), Purpose::RevocationList)
}

fn denied(host: &str, range: AddressRange) -> FetchError {
    FetchError::AddressDenied { host: host.into(), range }
}

#[tokio::test]
async fn plain_http_reaches_public_addresses_alone() {
    let names = Names::with(&[
        ("loopback.example", &[&["127.0.0.1"]]),
        ("private.example", &[&["10.1.2.3"]]),
        ("link-local.example", &[&["fe80::1"]]),
        ("cgnat.example", &[&["100.64.0.1"]]),
        ("ula.example", &[&["fd12::1"]]),
        ("metadata.example", &[&["169.254.169.254"]]),
        ("mapped.example", &[&["::ffff:127.0.0.1"]]),
        ("nat64.example", &[&["64:ff9b::10.0.0.1"]]),
        ("mixed.example", &[&["93.184.216.34", "127.0.0.1"]]),
    ]);
    let fetcher = SafeFetcher::builder().resolver(names).build();
    for (host, range) in [
        ("loopback.example", AddressRange::Loopback),
        ("private.example", AddressRange::Private),
        ("link-local.example", AddressRange::LinkLocal),
        ("cgnat.example", AddressRange::CarrierGradeNat),
        ("ula.example", AddressRange::UniqueLocal),
        ("metadata.example", AddressRange::CloudMetadata),
        ("mapped.example", AddressRange::Loopback),
        ("nat64.example", AddressRange::Private),
        ("mixed.example", AddressRange::Loopback),
    ] {
        for scheme in ["http", "https"] {
            let outcome = fetcher.send(list(&format!("{scheme}://{host}/a.crl"))).await;
            assert_eq!(outcome.unwrap_err(), denied(host, range), "{scheme}");
        }
    }
}

#[tokio::test]
async fn what_is_not_signed_is_never_fetched_over_plain_http() {
    let fetcher = SafeFetcher::new();
    for purpose in [
        Purpose::CredentialOffer,
        Purpose::IssuerMetadata,
        Purpose::AuthorizationServerMetadata,
        Purpose::Token,
        Purpose::Nonce,
        Purpose::Credential,
        Purpose::RequestObject,
        Purpose::PresentationResponse,
        Purpose::DidDocument,
        Purpose::DidLog,
        Purpose::IssuerKeys,
        Purpose::TypeMetadata,
        Purpose::StatusList,
        Purpose::IntegratorApi,
        Purpose::Webhook,
    ] {
        let url = Url::parse("http://issuer.example/").expect("a URL");
        let outcome = fetcher.send(Request::get(url, purpose)).await;
        assert_eq!(outcome.unwrap_err(), FetchError::NotHttps, "{purpose:?}");
    }
}

#[tokio::test]
async fn a_list_is_not_fetched_by_a_redirect() {
    let canary = Server::ok("{}").await;
    let hop = reply("302 Found", &[("location", canary.url("/").as_str())], "");
    let server = Server::answering(vec![hop]).await;
    let source = RevocationListFetcher::new(Arc::new(fetcher([server.pair(), canary.pair()])));
    let answer = source.list(&server.url("/a.crl")).await;
    assert_eq!((answer, canary.connected()), (Err(RevocationListUnavailable), 0));
}

#[tokio::test]
async fn a_list_comes_over_plain_http_as_it_is() {
    let kind = ("content-type", "application/pkix-crl");
    let server = Server::answering(vec![reply("200 OK", &[kind], "a list")]).await;
    let source = RevocationListFetcher::new(Arc::new(fetcher([server.pair()])));
    assert_eq!(source.list(&server.url("/a.crl")).await, Ok(b"a list".to_vec()));
}

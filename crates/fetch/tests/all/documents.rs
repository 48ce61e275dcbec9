//! Issuer metadata and type metadata, with a client that answers from memory and with a real server.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use lanyard_core::{
    crypto::RustCrypto,
    sd_jwt_vc::{
        Vct,
        type_metadata::{
            EffectiveTypeMetadata, Integrity, IntegrityError, TypeMetadataError,
            TypeMetadataSource as _, TypeMetadataUnavailable,
        },
    },
    trust::{
        IssuerIdentifier, IssuerMetadata, IssuerMetadataSource as _, IssuerMetadataUnavailable,
        x509::RevocationListSource as _,
    },
};
use lanyard_fetch::{
    CacheLimits, CachedClient, FetchError, HttpClient, IssuerMetadataFetcher, Request, Response,
    ResponseHeaders, RevocationListFetcher, SafeFetcher, TypeMetadataFetcher,
};
use serde_json::json;
use tokio::net::TcpListener;
use url::Url;

use crate::server::{Server, fetcher};

struct Canned {
    status: u16,
    content_type: &'static str,
    body: Mutex<String>,
    asked: Mutex<Vec<String>>,
}

impl Canned {
    fn json(body: &str) -> Arc<Self> {
        Self::answering(200, "application/json", body)
    }

    fn answering(status: u16, content_type: &'static str, body: &str) -> Arc<Self> {
        let body = Mutex::new(body.to_owned());
        Arc::new(Self { status, content_type, body, asked: Mutex::default() })
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("not poisoned").clone()
    }
}

#[async_trait]
impl HttpClient for Canned {
    async fn send(&self, request: Request) -> Result<Response, FetchError> {
        self.asked.lock().expect("not poisoned").push(request.url.to_string());
        Ok(Response {
            status: self.status,
            content_type: Some(self.content_type.to_owned()),
            headers: ResponseHeaders::default(),
            body: self.body.lock().expect("not poisoned").clone().into(),
            final_url: request.url,
        })
    }
}

const TYPE: &str = "https://types.example/badge";

fn url() -> Url {
    Url::parse("https://issuer.example/.well-known/jwt-vc-issuer").expect("a URL")
}

fn vct(text: &str) -> Vct {
    Vct::parse(text).expect("a type")
}

fn types(http: &Arc<Canned>) -> TypeMetadataFetcher {
    TypeMetadataFetcher::new(http.clone(), Arc::new(RustCrypto))
}

#[tokio::test]
async fn only_a_good_answer_of_the_right_media_type_is_a_document() {
    use IssuerMetadataUnavailable::{NotPublished, Unreachable};
    for (status, content_type, expected) in [
        (200, "application/json", Ok(b"{}".to_vec())),
        (200, "Application/JSON; charset=utf-8", Ok(b"{}".to_vec())),
        (200, "application/jwk-set+json", Ok(b"{}".to_vec())),
        (200, "text/html", Err(Unreachable)),
        (204, "application/json", Err(Unreachable)),
        (403, "application/json", Err(Unreachable)),
        (404, "application/json", Err(NotPublished)),
        (410, "application/json", Err(NotPublished)),
        (500, "application/json", Err(Unreachable)),
    ] {
        let http = Canned::answering(status, content_type, "{}");
        let answer = IssuerMetadataFetcher::new(http).document(&url()).await;
        assert_eq!(answer, expected, "{status} {content_type}");
    }
}

#[tokio::test]
async fn a_type_is_fetched_from_the_https_url_that_it_is_and_from_nowhere_else() {
    let http = Canned::json("{}");
    assert!(types(&http).document(&vct(TYPE), None).await.is_ok());
    for other in
        ["urn:example:badge:1", "Badge", "http://types.example/badge", "file:///etc/passwd"]
    {
        let answer = types(&http).document(&vct(other), None).await;
        assert_eq!(answer, Err(TypeMetadataUnavailable::NotPublished), "{other}");
    }
    assert_eq!(http.asked(), [TYPE]);
}

#[tokio::test]
async fn a_document_with_a_digest_is_fetched_once_and_a_wrong_one_is_not_kept() {
    let document = json!({"vct": TYPE}).to_string();
    let integrity = Integrity::of(document.as_bytes(), &RustCrypto);
    let http = Canned::json("not the document");
    let source = types(&http);
    let read = async || {
        EffectiveTypeMetadata::of_type(&vct(TYPE), Some(&integrity), &source, &RustCrypto).await
    };
    let mismatch = TypeMetadataError::Integrity(IntegrityError::Mismatch);
    assert_eq!(read().await, Err(mismatch));
    *http.body.lock().expect("not poisoned") = document;
    assert!(read().await.is_ok());
    *http.body.lock().expect("not poisoned") = "gone bad".to_owned();
    assert!(read().await.is_ok());
    assert_eq!(http.asked().len(), 2);
}

#[tokio::test]
async fn a_list_of_revoked_certificates_is_one_by_its_media_type() {
    for (status, content_type, good) in [
        (200, "application/pkix-crl", true),
        (200, "text/html", false),
        (404, "application/pkix-crl", false),
    ] {
        let http = Canned::answering(status, content_type, "list");
        let answer = RevocationListFetcher::new(http).list(&url()).await;
        assert_eq!(answer.is_ok(), good, "{status} {content_type}");
    }
}

#[tokio::test]
async fn many_who_ask_for_one_issuer_are_one_request() {
    let http = Canned::json("{}");
    let cached = Arc::new(CachedClient::new(http.clone(), &CacheLimits::default()));
    let source = IssuerMetadataFetcher::new(cached);
    let (url, other) = (url(), url());
    let (one, two) = tokio::join!(source.document(&url), source.document(&other));
    assert!(one.is_ok() && two.is_ok());
    assert_eq!(http.asked().len(), 1);
}

#[tokio::test]
async fn metadata_and_the_key_set_it_refers_to_come_from_a_server() {
    let key = json!({
        "kty": "EC", "crv": "P-256", "kid": "1",
        "x": "b28d4MwZMjw8-00CG4xfnn9SLMVMM19SlqZpVb_uNtQ",
        "y": "Xv5zWwuoaTgdS6hV43yI6gBwTnjukmFQQnJ_kCxzqk8",
    });
    let keys = Server::ok(&json!({"keys": [key]}).to_string()).await;
    let port = keys.address.port();
    // a port of our own, since the document names it before its server runs
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let own = listener.local_addr().expect("bound").port();
    let issuer = format!("http://localhost:{own}/a");
    let jwks_uri = format!("http://localhost:{port}/keys");
    let document = json!({"issuer": issuer, "jwks_uri": jwks_uri}).to_string();
    let reply = crate::server::reply("200 OK", &[("content-type", "application/json")], &document);
    let server = Server::answering_on(listener, vec![reply]);
    let http = fetcher([keys.pair_named("localhost"), server.pair_named("localhost")]);
    let source = IssuerMetadataFetcher::new(Arc::new(http));
    let issuer = IssuerIdentifier::parse(issuer).expect("a URL");
    let found = IssuerMetadata::keys(&issuer, &source).await.unwrap();
    assert_eq!(found.len(), 1);
    let heads = server.heads.lock().expect("not poisoned");
    assert!(heads[0].starts_with("GET /.well-known/jwt-vc-issuer/a HTTP/1.1"));
}

#[tokio::test]
async fn neither_a_private_address_nor_a_redirect_is_followed() {
    let canary = Server::ok("{}").await;
    let port = canary.address.port();
    let http = Arc::new(SafeFetcher::builder().allow_ports([port]).build());
    let at = Url::parse(&format!("https://localhost:{port}/")).expect("a URL");
    let answer = IssuerMetadataFetcher::new(http).document(&at).await;
    assert_eq!(answer, Err(IssuerMetadataUnavailable::Unreachable));
    let redirect = crate::server::reply("302 Found", &[("location", canary.url("/").as_str())], "");
    let hop = Server::answering(vec![redirect]).await;
    let http = Arc::new(fetcher([hop.pair(), canary.pair()]));
    let answer = IssuerMetadataFetcher::new(http).document(&hop.url("/")).await;
    assert_eq!(answer, Err(IssuerMetadataUnavailable::Unreachable));
    assert_eq!(canary.connected(), 0);
}

//! did:web documents, with a client that answers from memory.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use lanyard_core::crypto::RustCrypto;
use lanyard_core::did::{
    Did, DidDocument, DidMethods, DidResolver, DocumentFault, ResolutionError,
};
use lanyard_fetch::{
    DidWebError, DidWebFetcher, DidWebUrl, FetchError, HttpClient, Request, Response,
    ResponseHeaders, SafeFetcher,
};

const DID: &str = "did:web:issuer.example:staff";

struct Canned {
    status: u16,
    content_type: Option<&'static str>,
    body: String,
    asked: Mutex<Vec<String>>,
}

#[async_trait]
impl HttpClient for Canned {
    async fn send(&self, request: Request) -> Result<Response, FetchError> {
        self.asked.lock().expect("not poisoned").push(request.url.to_string());
        Ok(Response {
            status: self.status,
            content_type: self.content_type.map(str::to_owned),
            headers: ResponseHeaders::default(),
            body: self.body.clone().into(),
            final_url: request.url,
        })
    }
}

fn canned(body: &str) -> Canned {
    Canned {
        status: 200,
        content_type: Some("application/did+json"),
        body: body.to_owned(),
        asked: Mutex::default(),
    }
}

async fn fetch(canned: Canned) -> Result<String, DidWebError> {
    let fetched = DidWebFetcher::new(Arc::new(canned)).fetch(DID).await?;
    Ok(String::from_utf8_lossy(&fetched.bytes).into_owned())
}

async fn resolve(canned: Canned) -> Result<DidDocument, ResolutionError> {
    let web = Arc::new(DidWebFetcher::new(Arc::new(canned)));
    DidMethods::new(Arc::new(RustCrypto)).with_web(web).resolve(&Did::parse(DID)?).await
}

#[tokio::test]
async fn the_document_comes_from_the_mapped_url() {
    let body = format!(r#"{{"id":"{DID}","extra":1}}"#);
    let client = Arc::new(canned(&body));
    let fetched = DidWebFetcher::new(client.clone()).fetch(DID).await.unwrap();
    assert_eq!(fetched.bytes, body.as_bytes());
    let asked = client.asked.lock().expect("not poisoned");
    assert_eq!(*asked, ["https://issuer.example/staff/did.json"]);
}

#[tokio::test]
async fn a_fetched_document_is_read_by_the_core() {
    assert!(resolve(canned(&format!(r#"{{"id":"{DID}"}}"#))).await.is_ok());
}

#[tokio::test]
async fn a_document_about_another_did_is_refused() {
    let foreign = ResolutionError::Document(DocumentFault::ForeignId);
    for body in [r#"{"id":"did:web:evil.example"}"#, &format!(r#"{{"id":["{DID}"]}}"#), "{}"] {
        assert_eq!(resolve(canned(body)).await, Err(foreign.clone()), "{body}");
    }
}

#[tokio::test]
async fn a_document_that_is_not_strict_json_is_refused() {
    let twice = format!(r#"{{"id":"did:web:evil.example","id":"{DID}"}}"#);
    let byte_order_mark = format!("\u{feff}{{\"id\":\"{DID}\"}}");
    for body in ["", "[]", "null", "<html></html>", &twice, &byte_order_mark] {
        let outcome = resolve(canned(body)).await;
        let unreadable =
            matches!(outcome, Err(ResolutionError::Document(DocumentFault::Unreadable(_))));
        assert!(unreadable, "{body}: {outcome:?}");
    }
}

#[tokio::test]
async fn an_answer_of_another_media_type_is_refused() {
    for content_type in [None, Some("text/html"), Some("text/plain"), Some("application/jsonp")] {
        let answer = || Canned { content_type, ..canned(&format!(r#"{{"id":"{DID}"}}"#)) };
        assert_eq!(fetch(answer()).await, Err(DidWebError::MediaType), "{content_type:?}");
        assert_eq!(resolve(answer()).await, Err(ResolutionError::RepresentationNotSupported));
    }
    let content_type = Some("Application/JSON; charset=utf-8");
    assert!(fetch(Canned { content_type, ..canned("{}") }).await.is_ok());
}

#[tokio::test]
async fn an_answer_other_than_200_is_refused() {
    let expected = [
        (204, ResolutionError::Unreachable),
        (400, ResolutionError::Unreachable),
        (404, ResolutionError::NotFound),
        (410, ResolutionError::NotFound),
        (500, ResolutionError::Unreachable),
    ];
    for (status, resolution) in expected {
        let answer = || Canned { status, ..canned(&format!(r#"{{"id":"{DID}"}}"#)) };
        assert_eq!(fetch(answer()).await, Err(DidWebError::Status { status }));
        assert_eq!(resolve(answer()).await, Err(resolution));
    }
}

#[tokio::test]
async fn a_did_that_leads_elsewhere_is_not_asked_for() {
    let client = Arc::new(canned("{}"));
    let methods = DidMethods::new(Arc::new(RustCrypto))
        .with_web(Arc::new(DidWebFetcher::new(client.clone())));
    let did = Did::parse("did:web:issuer.example:..:..").expect("the grammar allows it");
    assert_eq!(methods.resolve(&did).await, Err(ResolutionError::InvalidDid));
    assert_eq!(client.asked.lock().expect("not poisoned").len(), 0);
}

#[tokio::test]
async fn a_host_on_a_denied_address_is_unreachable_and_not_contacted() {
    let canary = crate::server::Server::ok("{}").await;
    let port = canary.address.port();
    let http = Arc::new(SafeFetcher::builder().allow_ports([port]).build());
    let methods =
        DidMethods::new(Arc::new(RustCrypto)).with_web(Arc::new(DidWebFetcher::new(http)));
    let did = Did::parse(&format!("did:web:localhost%3A{port}")).expect("a DID");
    assert_eq!(methods.resolve(&did).await, Err(ResolutionError::Unreachable));
    assert_eq!(canary.connected(), 0);
}

#[test]
fn every_official_did_maps_to_its_official_url() {
    if !lanyard_testkit::vectors::available("did-web") {
        return;
    }
    let pairs = lanyard_testkit::vectors::json("did-web/did_to_url.json");
    let pairs = pairs.as_array().expect("a list");
    assert!(!pairs.is_empty());
    for pair in pairs {
        let url =
            DidWebUrl::of(pair["did"].as_str().expect("a DID")).map(|url| url.url().to_string());
        assert_eq!(url.as_deref().ok(), pair["url"].as_str(), "{pair}");
    }
}

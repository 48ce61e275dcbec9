//! Status lists, with a client that answers from memory and with a real server.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures_util::future::join_all;
use lanyard_core::status::{
    StatusListSource as _, StatusListUnavailable, StatusListUri,
    StatusMechanism::{self, BitstringStatusList, TokenStatusList},
};
use lanyard_fetch::{
    FetchError, HttpClient, Purpose, Request, Response, ResponseHeaders, SafeFetcher,
    StatusListFetcher,
};

use crate::server::{Server, reply};

const URI: &str = "https://issuer.example/status-lists/1";

fn uri(text: &str) -> StatusListUri {
    StatusListUri::parse(text).expect("a URI")
}

struct Canned {
    status: u16,
    content_type: &'static str,
    asked: Mutex<Vec<Request>>,
}

impl Canned {
    fn answering(status: u16, content_type: &'static str) -> Arc<Self> {
        Arc::new(Self { status, content_type, asked: Mutex::default() })
    }
}

#[async_trait]
impl HttpClient for Canned {
    async fn send(&self, request: Request) -> Result<Response, FetchError> {
        let final_url = request.url.clone();
        self.asked.lock().expect("not poisoned").push(request);
        tokio::task::yield_now().await;
        Ok(Response {
            status: self.status,
            content_type: Some(self.content_type.to_owned()),
            headers: ResponseHeaders::default(),
            body: "a list".into(),
            final_url,
        })
    }
}

#[tokio::test]
async fn a_list_is_asked_for_in_both_forms_and_comes_with_its_media_type() {
    let http = Canned::answering(200, "application/statuslist+cwt; charset=binary");
    let list = StatusListFetcher::new(http.clone()).list(&uri(URI), TokenStatusList).await.unwrap();
    assert_eq!(list.media_type, "application/statuslist+cwt");
    assert_eq!(list.bytes, b"a list");
    let asked = http.asked.lock().unwrap();
    assert_eq!(asked[0].purpose, Purpose::StatusList);
    let accept = asked[0].accept.as_deref();
    assert_eq!(accept, Some("application/statuslist+jwt, application/statuslist+cwt;q=0.5"));
}

#[tokio::test]
async fn simultaneous_questions_for_one_list_become_one_request() {
    let http = Canned::answering(200, "application/statuslist+jwt");
    let fetcher = StatusListFetcher::new(http.clone());
    let uri = uri(URI);
    let answers = join_all((0..50).map(|_| fetcher.list(&uri, TokenStatusList))).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(http.asked.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_list_for_w3c_credentials_is_asked_for_as_one_and_is_another_list() {
    let http = Canned::answering(200, "application/vc");
    let fetcher = StatusListFetcher::new(http.clone());
    let ask = async |mechanism: StatusMechanism| fetcher.list(&uri(URI), mechanism).await;
    assert_eq!(ask(BitstringStatusList).await.unwrap().media_type, "application/vc");
    assert!(ask(TokenStatusList).await.is_ok());
    let asked = http.asked.lock().unwrap();
    assert_eq!(asked.len(), 2);
    let accept = asked[0].accept.as_deref();
    assert_eq!(accept, Some("application/vc+jwt, application/vc, application/json;q=0.5"));
}

#[tokio::test]
async fn the_list_of_all_lists_is_read_where_there_is_one() {
    let lists = r#"{"status_lists": ["https://issuer.example/status-lists/0"]}"#;
    for (status, media_type, body, found) in [
        ("200 OK", "application/json", lists, true),
        ("200 OK", "application/json; charset=utf-8", lists, true),
        ("200 OK", "text/html", lists, false),
        ("200 OK", "application/json", "[]", false),
        ("404 Not Found", "application/json", lists, false),
    ] {
        let server = Server::answering(vec![reply(status, &[("content-type", media_type)], body)]);
        let server = server.await;
        let fetcher = StatusListFetcher::new(Arc::new(crate::server::fetcher([server.pair()])));
        let read = fetcher.aggregation(&uri(server.url("/lists").as_str())).await;
        assert_eq!(read.as_ref().map(|all| all.lists.len()).ok(), found.then_some(1), "{status}");
    }
}

#[tokio::test]
async fn an_error_of_the_host_is_no_list_and_does_not_make_everybody_ask_again() {
    for status in [204, 404, 500, 503] {
        let http = Canned::answering(status, "application/statuslist+jwt");
        let fetcher = StatusListFetcher::new(http.clone());
        for _ in 0..3 {
            let answer = fetcher.list(&uri(URI), TokenStatusList).await;
            let is_refused = answer.as_ref().err() == Some(&StatusListUnavailable);
            // an empty 204 is a success of HTTP; the core refuses what is in it
            assert_eq!(is_refused, status != 204, "{status}");
        }
        assert_eq!(http.asked.lock().unwrap().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn neither_plain_http_nor_a_private_address_nor_another_scheme_is_asked() {
    let fetcher = StatusListFetcher::new(Arc::new(SafeFetcher::new()));
    for text in [
        "http://issuer.example/1",
        "https://localhost/1",
        "https://127.0.0.1/1",
        "https://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
        "urn:example:list",
    ] {
        for mechanism in [TokenStatusList, BitstringStatusList] {
            let answer = fetcher.list(&uri(text), mechanism).await;
            assert_eq!(answer.err(), Some(StatusListUnavailable), "{text}");
        }
    }
}

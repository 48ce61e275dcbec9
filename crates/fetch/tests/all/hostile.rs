//! Every document that a verifier fetches for somebody else, from hosts that do their worst.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use lanyard_core::sd_jwt_vc::{Vct, type_metadata::TypeMetadataSource as _};
use lanyard_core::status::{StatusListSource as _, StatusListUri, StatusMechanism};
use lanyard_core::trust::{IssuerMetadataSource as _, x509::RevocationListSource as _};
use lanyard_fetch::{
    CacheLimits, CachedClient, DidWebFetcher, FetchError, FetchLimits, HttpClient,
    IssuerMetadataFetcher, Request, Response, RevocationListFetcher, SafeFetcher,
    StatusListFetcher, TypeMetadataFetcher,
};
use tokio::sync::Semaphore;

use crate::server::{Server, Step, builder, impatient, reply, send};

/// What is fetched; each has a port of its own to the core.
#[derive(Clone, Copy, Debug)]
enum Wanted {
    TokenStatusList,
    BitstringStatusList,
    RevocationList,
    DidDocument,
    IssuerMetadata,
    TypeMetadata,
}

const EVERY: [Wanted; 6] = [
    Wanted::TokenStatusList,
    Wanted::BitstringStatusList,
    Wanted::RevocationList,
    Wanted::DidDocument,
    Wanted::IssuerMetadata,
    Wanted::TypeMetadata,
];

impl Wanted {
    fn media_type(self) -> &'static str {
        match self {
            Self::TokenStatusList => "application/statuslist+jwt",
            Self::BitstringStatusList => "application/vc",
            Self::RevocationList => "application/pkix-crl",
            Self::DidDocument => "application/did+json",
            Self::IssuerMetadata | Self::TypeMetadata => "application/json",
        }
    }

    /// Whether the media type is judged where it is fetched; that of a status list is the core's to judge.
    fn is_told_by_its_media_type(self) -> bool {
        !matches!(self, Self::TokenStatusList | Self::BitstringStatusList)
    }

    /// Fetches from a server; whatever went wrong is an error without a body.
    async fn fetch(self, http: Arc<dyn HttpClient>, server: &Server) -> Result<(), String> {
        let url = server.url("/document");
        let named = format!("http://localhost:{}/document", server.address.port());
        match self {
            Self::TokenStatusList | Self::BitstringStatusList => {
                let mechanism = match self {
                    Self::TokenStatusList => StatusMechanism::TokenStatusList,
                    _ => StatusMechanism::BitstringStatusList,
                };
                let uri = StatusListUri::parse(url.as_str()).expect("a URI");
                let answer = StatusListFetcher::new(http).list(&uri, mechanism).await;
                answer.map(drop).map_err(|error| error.to_string())
            }
            Self::RevocationList => {
                let answer = RevocationListFetcher::new(http).list(&url).await;
                answer.map(drop).map_err(|error| error.to_string())
            }
            Self::DidDocument => {
                let did = format!("did:web:localhost%3A{}", server.address.port());
                let answer = DidWebFetcher::new(http).fetch(&did).await;
                answer.map(drop).map_err(|error| error.to_string())
            }
            Self::IssuerMetadata => {
                let answer = IssuerMetadataFetcher::new(http).document(&url).await;
                answer.map(drop).map_err(|error| error.to_string())
            }
            Self::TypeMetadata => {
                let provider = Arc::new(lanyard_core::crypto::RustCrypto);
                let vct = Vct::parse(&named).expect("a type");
                let answer = TypeMetadataFetcher::new(http, provider).document(&vct, None).await;
                answer.map(drop).map_err(|error| error.to_string())
            }
        }
    }
}

/// A client that reaches one server.
fn client(server: &Server, limits: FetchLimits) -> Arc<dyn HttpClient> {
    let pairs = [server.pair(), server.pair_named("localhost")];
    Arc::new(Plain(builder(pairs).limits(limits).build()))
}

/// Asks over plain http what would be asked over https, as these servers have no certificate.
struct Plain(SafeFetcher);

#[async_trait]
impl HttpClient for Plain {
    async fn send(&self, mut request: Request) -> Result<Response, FetchError> {
        request.url.set_scheme("http").expect("https and http are alike");
        self.0.send(request).await
    }
}

fn head(wanted: Wanted, more: &str) -> Step {
    send(&format!("HTTP/1.1 200 OK\r\ncontent-type: {}\r\n{more}\r\n", wanted.media_type()))
}

/// What becomes of every document under the same steps.
async fn under(
    limits: FetchLimits,
    steps: impl Fn(Wanted) -> Vec<Step>,
) -> Vec<(Wanted, Result<(), String>)> {
    let mut outcomes = Vec::new();
    for wanted in EVERY {
        let server = Server::answering(steps(wanted)).await;
        let fetched = wanted.fetch(client(&server, limits.clone()), &server);
        let outcome = tokio::time::timeout(SILENCE / 2, fetched).await;
        outcomes.push((wanted, outcome.expect("nobody waits that long")));
    }
    outcomes
}

/// Far longer than a client that is impatient waits.
const SILENCE: Duration = Duration::from_secs(600);

async fn refused_in_time(what: &str, steps: impl Fn(Wanted) -> Vec<Step>) {
    for (wanted, outcome) in under(impatient(), steps).await {
        assert!(outcome.is_err(), "{what}: {wanted:?}");
    }
}

#[tokio::test]
async fn every_document_comes_from_a_host_that_behaves() {
    let good =
        |wanted: Wanted| vec![reply("200 OK", &[("content-type", wanted.media_type())], "{}")];
    for (wanted, outcome) in under(FetchLimits::default(), good).await {
        assert_eq!(outcome, Ok(()), "{wanted:?}");
    }
}

#[tokio::test]
async fn a_host_that_never_answers_is_given_up() {
    refused_in_time("silent", |_| vec![Step::Wait(SILENCE)]).await;
}

#[tokio::test]
async fn a_host_that_drips_is_given_up() {
    let drip = || Step::Forever(b"x".to_vec(), Duration::from_millis(20));
    refused_in_time("drip", move |wanted| vec![head(wanted, ""), drip()]).await;
}

#[tokio::test]
async fn an_endless_answer_is_cut() {
    let flood = || Step::Forever(vec![b'x'; 64 * 1024], Duration::ZERO);
    refused_in_time("endless", move |wanted| vec![head(wanted, ""), flood()]).await;
}

#[tokio::test]
async fn an_answer_that_says_it_is_huge_is_not_read() {
    let length = "content-length: 1073741824\r\n";
    refused_in_time("huge", move |wanted| vec![head(wanted, length)]).await;
}

#[tokio::test]
async fn a_compressed_answer_is_not_inflated() {
    let more = "content-encoding: gzip\r\ncontent-length: 2\r\n";
    refused_in_time("gzip", move |wanted| vec![head(wanted, more), send("xx")]).await;
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_no_document() {
    let more = "content-length: 100\r\n";
    refused_in_time("short", move |wanted| vec![head(wanted, more), send("x"), Step::Close]).await;
}

#[tokio::test]
async fn an_error_page_is_no_document() {
    for status in ["404 Not Found", "500 Internal Server Error", "503 Service Unavailable"] {
        refused_in_time(status, move |wanted| {
            vec![reply(status, &[("content-type", wanted.media_type())], "{}")]
        })
        .await;
    }
}

#[tokio::test]
async fn a_page_for_people_is_no_document() {
    let page = |_| vec![reply("200 OK", &[("content-type", "text/html")], "<h1>hello</h1>")];
    for (wanted, outcome) in under(FetchLimits::default(), page).await {
        assert_eq!(outcome.is_err(), wanted.is_told_by_its_media_type(), "{wanted:?}");
    }
}

#[tokio::test]
async fn a_redirect_to_elsewhere_reaches_nobody() {
    let canary = Server::ok("{}").await;
    let target = canary.url("/").to_string();
    for status in ["301 Moved Permanently", "302 Found", "307 Temporary Redirect"] {
        let target = target.clone();
        refused_in_time(status, move |_| vec![reply(status, &[("location", &target)], "")]).await;
    }
    assert_eq!(canary.connected(), 0, "not even for a status list, as the hop is vetted");
}

#[tokio::test]
async fn a_redirect_without_an_end_ends() {
    refused_in_time("loop", |_| vec![reply("302 Found", &[("location", "/again")], "")]).await;
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(24))]
    #[test]
    fn however_sixty_four_come_together_one_request_goes_out(
        delays in proptest::collection::vec(0_u64..30, 64),
        status in proptest::sample::select(vec!["200 OK", "500 Internal Server Error"]),
    ) {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build();
        let hits = runtime.expect("a runtime").block_on(async {
            // answered once all have asked
            let permits = Arc::new(Semaphore::new(0));
            let steps = vec![Step::Until(permits.clone()), reply(status, &[], "{}")];
            let server = Server::answering(steps).await;
            let missing = Arc::new(AtomicUsize::new(delays.len()));
            let pairs = [server.pair()];
            let http = Arc::new(CachedClient::new(
                Arc::new(builder(pairs).build()),
                &CacheLimits::default(),
            ));
            let lists = StatusListFetcher::new(Arc::new(builder([server.pair()]).build()));
            let uri = StatusListUri::parse(server.url("/list").as_str()).expect("a URI");
            let mut waiters = tokio::task::JoinSet::new();
            for delay in delays {
                let (http, lists, uri) = (Arc::clone(&http), lists.clone(), uri.clone());
                let request = crate::server::metadata(server.url("/document"));
                let (permits, missing) = (permits.clone(), missing.clone());
                waiters.spawn(async move {
                    tokio::time::sleep(Duration::from_millis(delay)).await;
                    let mechanism = StatusMechanism::TokenStatusList;
                    let list = lists.list(&uri, mechanism);
                    let mut asked = Box::pin(futures_util::future::join(http.send(request), list));
                    let early = poll_fn(|now| Poll::Ready(asked.as_mut().poll(now).is_ready()));
                    assert!(!early.await, "nobody was answered yet");
                    if missing.fetch_sub(1, Ordering::SeqCst) == 1 {
                        permits.add_permits(128);
                    }
                    let (document, list) = asked.await;
                    (document.expect("an answer").status, list.is_ok())
                });
            }
            let answers = waiters.join_all().await;
            let first = answers[0];
            assert!(answers.iter().all(|answer| *answer == first), "all hear the same");
            server.hits()
        });
        proptest::prop_assert_eq!(hits, 2, "one for the document and one for the list");
    }
}

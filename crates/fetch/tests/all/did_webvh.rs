//! did:webvh logs, and the memory before all DID methods, with a client that answers from memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use lanyard_core::Timestamp;
use lanyard_core::crypto::{CryptoProvider, Curve, RustCrypto, Signer as _, SoftwareSigner};
use lanyard_core::did::webvh::{
    NewDid, SignedEntry, UnverifiedLog, WebvhDid, WebvhFault, Witnesses, approve_version,
};
use lanyard_core::did::{
    Did, DidMethods, DidResolver, ResolutionError, ResolutionOptions, Version,
};
use lanyard_core::json::Object;
use lanyard_fetch::{
    CachedDids, DidCacheLimits, DidWebFetcher, DidWebvhFetcher, FetchError, HttpClient, Request,
    Response, ResponseHeaders,
};

/// A status, a body, and `Cache-Control`.
type File = (u16, String, Option<&'static str>);

/// Serves files by their URL, and counts who asked.
#[derive(Default)]
struct Files {
    files: Mutex<HashMap<String, File>>,
    asked: Mutex<Vec<String>>,
}

impl Files {
    fn put(&self, url: &str, text: &str) {
        self.put_as(url, 200, text, None);
    }

    fn put_as(&self, url: &str, status: u16, text: &str, cache_control: Option<&'static str>) {
        let file = (status, text.to_owned(), cache_control);
        self.files.lock().expect("not poisoned").insert(url.to_owned(), file);
    }

    fn asked(&self) -> usize {
        self.asked.lock().expect("not poisoned").len()
    }
}

#[async_trait]
impl HttpClient for Files {
    async fn send(&self, request: Request) -> Result<Response, FetchError> {
        self.asked.lock().expect("not poisoned").push(request.url.to_string());
        let found = self.files.lock().expect("not poisoned").get(request.url.as_str()).cloned();
        let (status, body, cache_control) = found.unwrap_or((404, String::new(), None));
        let cache_control = cache_control.map(str::to_owned);
        Ok(Response {
            status,
            content_type: Some("application/json".to_owned()),
            headers: ResponseHeaders { cache_control, ..ResponseHeaders::default() },
            body: body.into(),
            final_url: request.url,
        })
    }
}

fn signer() -> SoftwareSigner {
    let key = RustCrypto.generate_key(Curve::Ed25519).expect("a key can be made");
    SoftwareSigner::new(&RustCrypto, &key).expect("a good key")
}

fn day(days: i64) -> Timestamp {
    Timestamp::from_second(1_735_689_600 + days * 86_400).expect("a time")
}

const LOG: &str = "https://issuer.example/dids/did.jsonl";

async fn create(key: &SoftwareSigner, ttl: u32) -> SignedEntry {
    let draft = NewDid::at("issuer.example:dids", Object::new()).with_ttl(ttl);
    draft.sign(key, day(0), &RustCrypto).await.expect("a good draft")
}

/// The entry after those in `text`.
async fn update(did: &Did, text: &str, key: &SoftwareSigner, days: i64) -> String {
    let log = UnverifiedLog::parse(text.as_bytes()).expect("a good log");
    let did = WebvhDid::parse(did).expect("a did:webvh");
    let log = log.verify(&did, None, day(days), &RustCrypto).expect("a good log");
    log.next_entry().sign(key, day(days), &RustCrypto).await.expect("a good entry").line
}

fn methods(files: &Arc<Files>) -> DidMethods {
    DidMethods::new(Arc::new(RustCrypto))
        .with_web(Arc::new(DidWebFetcher::new(files.clone())))
        .with_webvh(Arc::new(DidWebvhFetcher::new(files.clone())))
}

fn cached(files: &Arc<Files>) -> CachedDids {
    CachedDids::new(methods(files), DidCacheLimits::default())
}

#[tokio::test]
async fn a_log_comes_from_its_place_and_is_verified() {
    let (files, key) = (Arc::new(Files::default()), signer());
    let entry = create(&key, 3600).await;
    files.put(LOG, &entry.line);
    let document = methods(&files).resolve(&entry.did).await.unwrap();
    assert_eq!(document.id(), &entry.did);
    assert_eq!(*files.asked.lock().unwrap(), [LOG]);
}

#[tokio::test]
async fn the_witnesses_file_is_asked_for_when_witnesses_are_named() {
    let (files, key, witness) = (Arc::new(Files::default()), signer(), signer());
    let witnesses = Witnesses::new(1, &[*witness.public_key()]).unwrap();
    let draft = NewDid::at("issuer.example:dids", Object::new()).with_witnesses(&witnesses);
    let entry = draft.sign(&key, day(0), &RustCrypto).await.unwrap();
    files.put(LOG, &entry.line);
    let missing = ResolutionError::Webvh(WebvhFault::WitnessFile.into());
    assert_eq!(methods(&files).resolve(&entry.did).await, Err(missing));
    let approval = approve_version(&entry.version_id, &witness, day(0), &RustCrypto).await.unwrap();
    files.put("https://issuer.example/dids/did-witness.json", &format!("[{approval}]"));
    assert!(methods(&files).resolve(&entry.did).await.is_ok());
}

#[tokio::test]
async fn a_missing_log_is_not_found_and_a_broken_host_is_unreachable() {
    let files = Arc::new(Files::default());
    let entry = create(&signer(), 3600).await;
    assert_eq!(methods(&files).resolve(&entry.did).await, Err(ResolutionError::NotFound));
    for status in [204, 403, 500] {
        files.put_as(LOG, status, "", None);
        let outcome = methods(&files).resolve(&entry.did).await;
        assert_eq!(outcome, Err(ResolutionError::Unreachable), "{status}");
    }
}

#[tokio::test]
async fn a_log_that_is_none_is_refused_whatever_its_media_type() {
    let files = Arc::new(Files::default());
    let entry = create(&signer(), 3600).await;
    files.put(LOG, "<html></html>");
    let outcome = methods(&files).resolve(&entry.did).await;
    let refused = matches!(&outcome, Err(ResolutionError::Webvh(error)) if error.fault == WebvhFault::Malformed);
    assert!(refused, "{outcome:?}");
}

#[tokio::test]
async fn a_log_serves_for_as_long_as_it_says() {
    for (ttl, asked) in [(3600, 1), (0, 3)] {
        let (files, key) = (Arc::new(Files::default()), signer());
        let entry = create(&key, ttl).await;
        files.put(LOG, &entry.line);
        let dids = cached(&files);
        for _ in 0..3 {
            dids.resolve(&entry.did).await.unwrap();
        }
        assert_eq!(files.asked(), asked, "ttl {ttl}");
    }
}

#[tokio::test]
async fn an_earlier_version_is_asked_for_each_time() {
    let (files, key) = (Arc::new(Files::default()), signer());
    let entry = create(&key, 3600).await;
    files.put(LOG, &entry.line);
    let dids = cached(&files);
    let options = ResolutionOptions { version: Some(Version::Number(1)) };
    for _ in 0..2 {
        assert!(dids.resolve_with(&entry.did, &options).await.is_ok());
    }
    assert_eq!(files.asked(), 2);
}

#[tokio::test]
async fn a_log_that_has_lost_entries_is_refused() {
    let (files, key) = (Arc::new(Files::default()), signer());
    let first = create(&key, 0).await;
    let second = update(&first.did, &first.line, &key, 1).await;
    let other = update(&first.did, &first.line, &key, 2).await;
    let dids = cached(&files);
    files.put(LOG, &first.line);
    assert!(dids.resolve(&first.did).await.is_ok());
    files.put(LOG, &format!("{}{second}", first.line));
    assert!(dids.resolve(&first.did).await.is_ok());
    let truncated = Err(ResolutionError::Webvh(WebvhFault::Truncated.into()));
    files.put(LOG, &first.line);
    assert_eq!(dids.resolve(&first.did).await, truncated);
    files.put(LOG, &format!("{}{other}", first.line));
    assert_eq!(dids.resolve(&first.did).await, truncated);
    files.put(LOG, &format!("{}{second}", first.line));
    assert!(dids.resolve(&first.did).await.is_ok());
}

const WEB: &str = "did:web:issuer.example";

#[tokio::test]
async fn a_did_web_serves_for_as_long_as_its_host_says() {
    let url = "https://issuer.example/.well-known/did.json";
    for (cache_control, asked) in
        [(None, 1), (Some("max-age=60"), 1), (Some("no-store"), 3), (Some("max-age=0"), 3)]
    {
        let files = Arc::new(Files::default());
        files.put_as(url, 200, &format!(r#"{{"id":"{WEB}"}}"#), cache_control);
        let dids = cached(&files);
        for _ in 0..3 {
            dids.resolve(&Did::parse(WEB).unwrap()).await.unwrap();
        }
        assert_eq!(files.asked(), asked, "{cache_control:?}");
    }
}

#[tokio::test]
async fn no_host_is_believed_beyond_the_limit() {
    let files = Arc::new(Files::default());
    let url = "https://issuer.example/.well-known/did.json";
    files.put_as(url, 200, &format!(r#"{{"id":"{WEB}"}}"#), Some("max-age=31536000"));
    let limits = DidCacheLimits { longest: Duration::ZERO, ..DidCacheLimits::default() };
    let dids = CachedDids::new(methods(&files), limits);
    for _ in 0..3 {
        dids.resolve(&Did::parse(WEB).unwrap()).await.unwrap();
    }
    assert_eq!(files.asked(), 3);
}

#[tokio::test]
async fn a_missing_document_is_remembered_and_a_broken_one_is_not() {
    let url = "https://issuer.example/.well-known/did.json";
    for (status, text, asked) in [(404, "", 1), (500, "", 1), (200, "{}", 3)] {
        let files = Arc::new(Files::default());
        files.put_as(url, status, text, None);
        let dids = cached(&files);
        for _ in 0..3 {
            assert!(dids.resolve(&Did::parse(WEB).unwrap()).await.is_err());
        }
        assert_eq!(files.asked(), asked, "{status}");
    }
}

#[tokio::test]
async fn a_did_that_carries_its_document_asks_nobody() {
    let files = Arc::new(Files::default());
    let dids = CachedDids::over(files.clone(), DidMethods::new(Arc::new(RustCrypto)));
    let did = Did::from_key(signer().public_key());
    assert!(dids.resolve(&did).await.is_ok());
    assert_eq!(files.asked(), 0);
}

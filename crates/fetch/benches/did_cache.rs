//! How fast a did:web is that was resolved before.

use std::{hint::black_box, sync::Arc, time::Duration};

use async_trait::async_trait;
use criterion::Criterion;
use lanyard_core::{
    Timestamp,
    crypto::RustCrypto,
    did::{Did, DidMethods, DidResolver as _, DidWebSource, Fetched, ResolutionError},
};
use lanyard_fetch::{CachedDids, DidCacheLimits};

struct OneDocument;

#[async_trait]
impl DidWebSource for OneDocument {
    async fn document(&self, did: &Did) -> Result<Fetched, ResolutionError> {
        let document = format!(
            r##"{{"id":"{did}","verificationMethod":[{{"id":"#key","type":"Multikey","controller":"{did}","publicKeyMultibase":"z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"}}],"assertionMethod":["#key"]}}"##
        );
        let fresh_for = Duration::from_secs(3600);
        Ok(Fetched { bytes: document.into_bytes(), at: Timestamp::now(), fresh_for })
    }
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let methods = DidMethods::new(Arc::new(RustCrypto)).with_web(Arc::new(OneDocument));
    let dids = CachedDids::new(methods, DidCacheLimits::default());
    let did = Did::parse("did:web:issuer.example:staff").expect("a DID");
    criterion.bench_function("did:web, kept", |bencher| {
        // many in one turn, as the runtime itself is not what is measured
        bencher.iter_custom(|turns| {
            runtime.block_on(async {
                let start = std::time::Instant::now();
                for _ in 0..turns {
                    black_box(dids.resolve(black_box(&did)).await).expect("a good document");
                }
                start.elapsed()
            })
        });
    });
    criterion.final_summary();
}

//! How fast a did:web is that was resolved before, beside its floor: a look-up by the DID.

use std::{collections::HashMap, hint::black_box, sync::Arc, time::Duration};

use async_trait::async_trait;
use lanyard_core::{
    Timestamp,
    crypto::RustCrypto,
    did::{Did, DidDocument, DidMethods, DidResolver as _, DidWebSource, Fetched, ResolutionError},
};
use lanyard_fetch::{CachedDids, DidCacheLimits};

use beside::{Operations, ready};

#[path = "../../core/benches/beside/mod.rs"]
mod beside;

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
    let methods = DidMethods::new(Arc::new(RustCrypto)).with_web(Arc::new(OneDocument));
    let dids = CachedDids::new(methods, DidCacheLimits::default());
    let did = Did::parse("did:web:issuer.example:staff").expect("a DID");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let document = runtime.block_on(dids.resolve(&did)).expect("a good document");
    let kept: HashMap<Did, DidDocument> = HashMap::from([(did.clone(), document)]);
    let operations: Operations<'_> = vec![(
        "did:web, kept",
        Box::new(|| {
            black_box(ready(dids.resolve(black_box(&did)))).expect("a good document");
        }),
        Box::new(|| {
            black_box(kept.get(black_box(&did)).cloned());
        }),
    )];
    beside::run("floor", &[("did/cache".to_owned(), operations)]);
}

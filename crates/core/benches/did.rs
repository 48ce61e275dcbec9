//! DIDs that carry their document, and logs of did:webvh.

use std::{
    future::Future,
    hint::black_box,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use criterion::Criterion;
use lanyard_core::{
    Timestamp,
    crypto::{AwsLc, CryptoProvider, Curve, Signer as _, SoftwareSigner},
    did::{
        Did, DidMethods, DidResolver,
        webvh::{NewDid, UnverifiedLog, WebvhDid},
    },
    jose::Jwk,
    json::Object,
};
use mimalloc::MiMalloc;

/// The allocator of the binary.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let methods = DidMethods::new(Arc::new(AwsLc));
    for curve in [Curve::Ed25519, Curve::P256] {
        let key = *AwsLc.generate_key(curve).expect("a key can be made").public();
        for did in [Did::from_key(&key), Did::from_jwk(&Jwk::new(key))] {
            let name = format!("did:{} of {curve:?}", did.method());
            criterion.bench_function(&name, |bencher| {
                bencher.iter(|| ready(methods.resolve(black_box(&did))).expect("a good DID"));
            });
        }
    }
    let (did, log) = log_of(10);
    criterion.bench_function("did:webvh log of 10 entries", |bencher| {
        bencher.iter(|| {
            let log = UnverifiedLog::parse(black_box(log.as_bytes())).expect("a good log");
            log.verify(&did, None, at(10), &AwsLc).expect("a good log")
        });
    });
    criterion.final_summary();
}

fn at(day: i64) -> Timestamp {
    Timestamp::from_second(1_735_689_600 + day * 86_400).expect("a time")
}

fn log_of(entries: i64) -> (WebvhDid, String) {
    let key = AwsLc.generate_key(Curve::Ed25519).expect("a key can be made");
    let signer = SoftwareSigner::new(&AwsLc, &key).expect("a good key");
    let draft = NewDid::at("issuer.example", Object::new());
    let first = ready(draft.sign(&signer, at(0), &AwsLc)).expect("a good draft");
    let did = WebvhDid::parse(&first.did).expect("a did:webvh");
    let mut text = first.line;
    for day in 1..entries {
        let log = UnverifiedLog::parse(text.as_bytes()).expect("a good log");
        let log = log.verify(&did, None, at(day), &AwsLc).expect("a good log");
        let keys = [*signer.public_key()];
        let next = log.next_entry().with_update_keys(&keys).sign(&signer, at(day), &AwsLc);
        text += &ready(next).expect("a good entry").line;
    }
    (did, text)
}

/// Nothing here waits for anything, so one poll is enough.
fn ready<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return value;
        }
    }
}

//! Status lists: making one of a million statuses, reading one, and asking again.
//!
//! The list that is read is the workload `status-list.json` in `LANYARD_BENCH` (else `../shared/bench`
//! beside the repository); without it, one of our own.

use std::{
    env, fs,
    future::Future,
    hint::black_box,
    path::{Path, PathBuf},
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use async_trait::async_trait;
use criterion::{Criterion, criterion_group, criterion_main};
use lanyard_core::{
    Timestamp,
    crypto::{AwsLc, CryptoProvider as _, Curve, SoftwareSigner},
    jose::Jwk,
    sd_jwt_vc::Vct,
    status::{
        PublishedStatusList, Status, StatusCheck as _, StatusChecker, StatusListSource,
        StatusListUnavailable, StatusListUri, StatusMechanism, StatusQuestion, StatusReference,
        token_status_list::{
            MEDIA_TYPE_JWT, StatusBits, StatusList, StatusListAggregation, StatusListDraft,
            UnverifiedStatusList,
        },
    },
    trust::{IssuerIdentifier, IssuerIdentity, IssuerKeySource, IssuerKeys, IssuerTrust},
};
use serde_json::Value;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const URI: &str = "https://issuer.example/status/1";
const TOKENS: u64 = 1_000_000;

/// A host that answers from memory.
struct Host(Vec<u8>);

#[async_trait]
impl StatusListSource for Host {
    async fn list(
        &self,
        _: &StatusListUri,
        _: StatusMechanism,
    ) -> Result<PublishedStatusList, StatusListUnavailable> {
        Ok(PublishedStatusList { media_type: MEDIA_TYPE_JWT.to_owned(), bytes: self.0.clone() })
    }

    async fn aggregation(
        &self,
        _: &StatusListUri,
    ) -> Result<StatusListAggregation, StatusListUnavailable> {
        Err(StatusListUnavailable)
    }
}

/// The output of a future that never waits, as everything is that happens in memory.
fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("nothing here waits"),
    }
}

/// The official workload, when it is there.
fn workload() -> Option<(String, Jwk)> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/bench");
    let folder = env::var_os("LANYARD_BENCH").map_or(beside, PathBuf::from);
    let text = fs::read(folder.join("status-list.json")).ok()?;
    let workload: Value = serde_json::from_slice(&text).ok()?;
    let key = Jwk::from_value(&workload["issuer_jwk"]).ok()?;
    Some((workload["token"].as_str()?.to_owned(), key))
}

/// A list of a million statuses, one in a hundred of them revoked.
fn list() -> StatusList {
    let mut list = StatusList::new(StatusBits::One, TOKENS).expect("within every limit");
    // a prime and a million have no divisor in common, so these are spread and all different
    for nth in 0..TOKENS / 100 {
        list.set(nth * 292_997 % TOKENS, Status::Invalid).expect("in the list");
    }
    list
}

fn statuses(criterion: &mut Criterion) {
    let uri = StatusListUri::parse(URI).expect("a URI");
    let now: Timestamp = "2026-01-01T00:00:00Z".parse().expect("a moment");
    let key = AwsLc.generate_key(Curve::P256).expect("a key");
    let signer = SoftwareSigner::new(&AwsLc, &key).expect("a whole key");

    criterion.bench_function("status list: make, compress and sign 1,000,000", |bench| {
        bench.iter(|| {
            let draft = StatusListDraft::new(&uri, &list(), now);
            ready(draft.sign_jwt(&signer)).expect("a signature")
        });
    });

    let (token, jwk) = workload().unwrap_or_else(|| {
        let draft = StatusListDraft::new(&uri, &list(), now);
        (ready(draft.sign_jwt(&signer)).expect("a signature"), Jwk::new(*key.public()))
    });
    criterion.bench_function("status list: verify, inflate and read", |bench| {
        bench.iter(|| {
            let list = UnverifiedStatusList::parse_jwt(black_box(&token)).expect("a token");
            let list = list.verify(&jwk.key, &uri, now, &AwsLc).expect("a good list");
            list.status(412).expect("in the list")
        });
    });

    let issuer = IssuerIdentifier::parse("https://issuer.example").expect("an issuer");
    let source = IssuerKeySource::Keys { issuer: issuer.clone(), keys: vec![jwk.clone()] };
    let keys = IssuerKeys::new(IssuerTrust::new().with(source), Arc::new(AwsLc));
    let checker = StatusChecker::new(keys, Arc::new(Host(token.clone().into_bytes())));
    let types = [Vct::parse("urn:example:badge:1").expect("a type").into()];
    let issuer = IssuerIdentity::Identifier(issuer);
    let reference = StatusReference::TokenStatusList { index: 412, uri: uri.clone() };
    let question = StatusQuestion {
        reference: &reference,
        issuer: &issuer,
        types: &types,
        now,
        not_before: None,
    };
    ready(checker.status(&question)).expect("a status");
    criterion.bench_function("status: a warm check", |bench| {
        bench.iter(|| ready(checker.status(black_box(&question))));
    });
}

criterion_group!(benches, statuses);
criterion_main!(benches);

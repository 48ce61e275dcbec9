//! Status lists beside their floor: making one of a million statuses, reading one, and asking again.
//!
//! The list that is read is the workload `status-list.json` in `LANYARD_BENCH` (else `../shared/bench`
//! beside the repository). The floors are the signature, the compression and a look at a bit.

use std::{
    collections::HashMap,
    hint::black_box,
    io::{Read as _, Write as _},
    sync::Arc,
};

use async_trait::async_trait;
use flate2::{Compression, read::ZlibDecoder, write::ZlibEncoder};
use lanyard_core::{
    Timestamp,
    crypto::{AwsLc, CryptoProvider as _, Curve, SignatureAlgorithm, SoftwareSigner},
    jose::Jwk,
    json,
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

use beside::{Operations, ready};
use workload::workload;

mod beside;
mod workload;

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

/// A list of a million statuses, one in a hundred of them revoked.
fn list() -> StatusList {
    let mut list = StatusList::new(StatusBits::One, TOKENS).expect("within every limit");
    // a prime and a million have no divisor in common, so these are spread and all different
    for nth in 0..TOKENS / 100 {
        list.set(nth * 292_997 % TOKENS, Status::Invalid).expect("in the list");
    }
    list
}

fn main() {
    let uri = StatusListUri::parse(URI).expect("a URI");
    let now: Timestamp = "2026-01-01T00:00:00Z".parse().expect("a moment");
    let key = AwsLc.generate_key(Curve::P256).expect("a key");
    let signer = SoftwareSigner::new(&AwsLc, &key).expect("a whole key");
    let raw = AwsLc.signing_key(&key).expect("a whole key");
    let packed = packed();

    let workload = workload("status-list.json");
    let jwk = Jwk::from_value(&workload["issuer_jwk"]).expect("a key");
    let token = workload["token"].as_str().expect("a token");
    let theirs = Parts::of(token);

    let issuer = IssuerIdentifier::parse("https://issuer.example").expect("an issuer");
    let source = IssuerKeySource::Keys { issuer: issuer.clone(), keys: vec![jwk.clone()] };
    let keys = IssuerKeys::new(IssuerTrust::new().with(source), Arc::new(AwsLc));
    let checker = StatusChecker::new(keys, Arc::new(Host(token.as_bytes().to_vec())));
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
    let kept = HashMap::from([(URI.to_owned(), Arc::new(theirs.list()))]);

    let operations: Operations<'_> = vec![
        (
            "make and sign a list of 1,000,000",
            Box::new(|| {
                let draft = StatusListDraft::new(&uri, &list(), now);
                black_box(ready(draft.sign_jwt(&signer)).expect("a signature"));
            }),
            Box::new(|| {
                let mut encoder = ZlibEncoder::new(Vec::new(), Compression::new(6));
                encoder.write_all(black_box(&packed)).expect("it is written to memory");
                black_box(encoder.finish().expect("it is written to memory"));
                black_box(raw.sign(&[7; 1000]).expect("a signature"));
            }),
        ),
        (
            "verify a list and read it",
            Box::new(|| {
                let list = UnverifiedStatusList::parse_jwt(black_box(token)).expect("a token");
                let list = list.verify(&jwk.key, &uri, now, &AwsLc).expect("a good list");
                black_box(list.status(412).expect("in the list"));
            }),
            Box::new(|| {
                let Parts { input, signature, .. } = &theirs;
                AwsLc.verify(SignatureAlgorithm::Es256, &jwk.key, input, signature).expect("good");
                black_box(theirs.list());
            }),
        ),
        (
            "a warm check",
            Box::new(|| {
                black_box(ready(checker.status(black_box(&question)))).expect("a status");
            }),
            Box::new(|| {
                let list = Arc::clone(kept.get(black_box(uri.as_str())).expect("it is kept"));
                black_box(list.get(412 / 8).map(|byte| byte >> (412 % 8) & 1));
            }),
        ),
    ];
    beside::run("floor", &[("status/aws-lc".to_owned(), operations)]);
}

/// A million bits, one in a hundred of them set, as they are before they are compressed.
fn packed() -> Vec<u8> {
    let mut bytes = vec![0; TOKENS as usize / 8];
    for nth in 0..TOKENS / 100 {
        let index = (nth * 292_997 % TOKENS) as usize;
        bytes[index / 8] |= 1 << (index % 8);
    }
    bytes
}

/// A status list token taken apart by hand.
struct Parts {
    input: Vec<u8>,
    signature: Vec<u8>,
    compressed: Vec<u8>,
}

impl Parts {
    fn of(token: &str) -> Self {
        let (input, signature) = token.rsplit_once('.').expect("a JWS");
        let payload = input.split_once('.').expect("a JWS").1;
        let payload = json::base64url_decode(payload).expect("base64url");
        let payload = json::parse(&payload).expect("JSON");
        let list = payload["status_list"]["lst"].as_str().expect("a list");
        Self {
            input: input.as_bytes().to_vec(),
            signature: json::base64url_decode(signature).expect("base64url"),
            compressed: json::base64url_decode(list).expect("base64url"),
        }
    }

    fn list(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        ZlibDecoder::new(self.compressed.as_slice()).read_to_end(&mut bytes).expect("zlib");
        bytes
    }
}

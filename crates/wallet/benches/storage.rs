//! A wallet with 10,000 credentials: how long it takes to open, to list, and to find what answers a request.
//!
//! Bars: cold open < 20 ms, list < 5 ms, choices < 10 ms.

use std::{hint::black_box, path::Path, sync::Arc};

use async_trait::async_trait;
use criterion::{Criterion, criterion_group, criterion_main};
use lanyard_core::{
    Timestamp,
    credential::Format,
    crypto::{CryptoProvider, RustCrypto},
    trust::{IssuerTrust, x509::TrustAnchors},
};
use lanyard_fetch::SafeFetcher;
use lanyard_oid4vci::client_authentication::ClientId;
use lanyard_wallet::{
    KnownVerifiers, SignedMetadata, SoftwareKeys, Wallet, WalletClient, WalletSettings,
    face::Face,
    ports::{Ports, SecureStorage, SecureStorageError, SystemClock},
    storage::{Copy, NewCard, Storage},
};
use serde_json::json;
use zeroize::Zeroizing;

const CARDS: usize = 10_000;
const TYPES: usize = 1_000;

struct Key;

#[async_trait]
impl SecureStorage for Key {
    async fn database_key(&self) -> Result<Zeroizing<[u8; 32]>, SecureStorageError> {
        Ok(Zeroizing::new([5; 32]))
    }
}

async fn open(folder: &Path) -> Storage {
    let file = folder.join("wallet.sqlite");
    Storage::open(&file, &Key, Arc::new(RustCrypto)).await.expect("the database opens")
}

fn card(number: usize) -> NewCard {
    let claims = json!({ "given_name": "Ada", "family_name": "Moreau", "number": number });
    NewCard {
        issuer: "https://issuer.example".to_owned(),
        issuer_name: Some("Issuer".to_owned()),
        issuer_identity: "CN=Issuer".to_owned(),
        configuration: "badge".to_owned(),
        format: Format::SdJwtVc,
        types: vec![format!("urn:example:{}", number % TYPES)],
        face: Face { name: format!("Badge {number}"), ..Face::default() },
        holder_bound: true,
        has_status: false,
        key_identifiers: Vec::new(),
        claims: claims.as_object().cloned().expect("an object"),
        received_at: Timestamp::UNIX_EPOCH,
        expires_at: None,
    }
}

fn wallet(storage: Storage) -> Wallet {
    let crypto: Arc<dyn CryptoProvider> = Arc::new(RustCrypto);
    let settings = WalletSettings {
        issuers: IssuerTrust::certificates(TrustAnchors::default()),
        verifier_anchors: TrustAnchors::default(),
        verifiers: KnownVerifiers::new(),
        languages: Vec::new(),
        signed_metadata: SignedMetadata::Unasked,
        copies: 1,
        development: false,
        client: WalletClient { id: ClientId::new("bench"), redirect_uri: String::new() },
    };
    let ports = Ports {
        http: Arc::new(SafeFetcher::new()),
        clock: Arc::new(SystemClock),
        keys: Arc::new(SoftwareKeys::new(storage.clone(), crypto.clone())),
        attestation: None,
        key_attestation: None,
        user: None,
        crypto,
    };
    Wallet::new(settings, ports, storage)
}

fn ten_thousand(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let folder = tempfile::tempdir().expect("a folder");
    let storage = runtime.block_on(open(folder.path()));
    let copies: Vec<_> = (0..4)
        .map(|number| Copy { credential: format!("not.looked.at{number}~"), key: None })
        .collect();
    for number in 0..CARDS {
        storage.insert_card(&card(number), &copies).expect("stored");
    }
    criterion.bench_function("open a database of 10,000 cards", |bench| {
        bench.iter(|| black_box(runtime.block_on(open(folder.path()))));
    });
    criterion.bench_function("list 10,000 cards for the first time", |bench| {
        bench.iter_batched(
            || runtime.block_on(open(folder.path())),
            |storage| black_box(storage.cards().expect("cards")),
            criterion::BatchSize::PerIteration,
        );
    });
    criterion.bench_function("list 10,000 cards", |bench| {
        bench.iter(|| black_box(storage.cards().expect("cards")));
    });
    let wallet = wallet(storage);
    let query = json!({ "credentials": [{
        "id": "badge", "format": "dc+sd-jwt", "meta": { "vct_values": ["urn:example:7"] },
        "claims": [{ "path": ["given_name"] }],
    }]});
    let data = json!({
        "response_type": "vp_token", "response_mode": "dc_api", "nonce": "n-0S6_WzA2Mj_bench_n-0S6",
        "dcql_query": query,
    });
    criterion.bench_function(
        "read a request and look for what answers it among 10,000 cards",
        |bench| {
            bench.iter(|| {
                let read = wallet.read_platform_request(
                    "openid4vp-v1-unsigned",
                    &data,
                    "https://shop.example",
                );
                black_box(runtime.block_on(read).expect("a request").choices().is_ok())
            });
        },
    );
}

criterion_group!(benches, ten_thousand);
criterion_main!(benches);

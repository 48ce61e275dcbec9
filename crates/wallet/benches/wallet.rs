//! The wallet's figures, each beside its bar: what a holder would notice.
//!
//! The databases are in memory where the system has a file system there: what is measured is the wallet, and not the
//! disk. What a durable mark costs on the disk is told too.

use std::{
    collections::HashMap,
    hint::black_box,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use lanyard_core::{
    Timestamp,
    claims::Claims,
    credential::{Format, Validity},
    crypto::{CryptoProvider, Curve, RustCrypto, Signer, SoftwareSigner},
    jose::Jwk,
    sd_jwt_vc::{KeyBinding, SdJwtVcDraft, Vct},
    trust::{IssuerTrust, x509::TrustAnchors},
};
use lanyard_fetch::{FetchError, HttpClient, Request, Response};
use lanyard_oid4vci::client_authentication::ClientId;
use lanyard_testkit::{Leaf, LeafOptions, TestCa};
use lanyard_wallet::{
    KnownVerifiers, PlatformRequest, SignedMetadata, SoftwareKeys, Wallet, WalletClient,
    WalletSettings,
    face::Face,
    history::{Entry, Event},
    ports::{
        KeyHandle, KeyStore, KeyStoreError, Ports, SecureStorage, SecureStorageError, SystemClock,
    },
    storage::{Copy, Form, NewCard, Storage},
};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use zeroize::Zeroizing;

/// How many cards a wallet holds that holds many, and of how many types they are.
const CARDS: usize = 10_000;
const TYPES: usize = 1_000;

/// How often a thing is done to tell how long it takes; the median counts.
const TIMES: usize = 31;

struct Key;

#[async_trait]
impl SecureStorage for Key {
    async fn database_key(&self) -> Result<Zeroizing<[u8; 32]>, SecureStorageError> {
        Ok(Zeroizing::new([5; 32]))
    }
}

/// Nobody is asked anything: the platform hands over requests and takes answers.
struct NoNetwork;

#[async_trait]
impl HttpClient for NoNetwork {
    async fn send(&self, _: Request) -> Result<Response, FetchError> {
        unreachable!("a request of the platform needs no network")
    }
}

/// Keys that are at hand once they were used, as those in a phone's chip always are.
struct InChip {
    software: SoftwareKeys,
    ready: Mutex<HashMap<KeyHandle, Arc<dyn Signer>>>,
}

#[async_trait]
impl KeyStore for InChip {
    async fn generate(&self, count: usize) -> Result<Vec<KeyHandle>, KeyStoreError> {
        self.software.generate(count).await
    }

    async fn signer(&self, handle: &KeyHandle) -> Result<Arc<dyn Signer>, KeyStoreError> {
        if let Some(ready) = self.ready.lock().expect("nobody panics").get(handle) {
            return Ok(ready.clone());
        }
        let signer = self.software.signer(handle).await?;
        self.ready.lock().expect("nobody panics").insert(handle.clone(), signer.clone());
        Ok(signer)
    }

    async fn sign_each(
        &self,
        wanted: &[(KeyHandle, Vec<u8>)],
    ) -> Result<Vec<Vec<u8>>, KeyStoreError> {
        self.software.sign_each(wanted).await
    }

    async fn delete(&self, handles: &[KeyHandle]) -> Result<(), KeyStoreError> {
        self.software.delete(handles).await
    }
}

/// An entry of the history as an answer leaves it.
fn entry() -> Entry {
    Entry {
        at: Timestamp::UNIX_EPOCH,
        event: Event::Presented,
        party: "https://shop.example".to_owned(),
        party_name: None,
        credentials: vec!["Badge 0".to_owned()],
        claims: vec![r#"["given_name"]"#.to_owned(), r#"["family_name"]"#.to_owned()],
        claim_names: vec!["Given name".to_owned(), "Family name".to_owned()],
        told: None,
    }
}

/// Prints figures beside their bars, and remembers whether one was missed.
#[derive(Default)]
struct Figures {
    missed: bool,
}

impl Figures {
    fn tell(&mut self, what: &str, took: Duration, bar: Option<Duration>) {
        let took = took.as_secs_f64() * 1e3;
        let bar = bar.map(|bar| bar.as_secs_f64() * 1e3);
        self.line(what, format!("{took:9.3} ms"), bar.map(|bar| (took < bar, format!("{bar} ms"))));
    }

    fn tell_ratio(&mut self, what: &str, ratio: f64, bar: f64) {
        self.line(what, format!("{ratio:9.2} ×"), Some((ratio < bar, format!("{bar} ×"))));
    }

    fn line(&mut self, what: &str, figure: String, bar: Option<(bool, String)>) {
        match bar {
            None => println!("{what:<72} {figure}"),
            Some((true, bar)) => println!("{what:<72} {figure}   bar {bar}: met"),
            Some((false, bar)) => {
                self.missed = true;
                println!("{what:<72} {figure}   bar {bar}: MISSED");
            }
        }
    }
}

/// The median of many times; what is prepared for each does not count.
fn median<P>(prepare: impl Fn() -> P, work: impl Fn(P)) -> Duration {
    let once = |_| {
        let prepared = prepare();
        let begun = Instant::now();
        work(prepared);
        begun.elapsed()
    };
    let mut took: Vec<_> = (0..TIMES).map(once).collect();
    took.sort_unstable();
    took[TIMES / 2]
}

/// Issues SD-JWT VCs of ten claims for the wallet's own keys.
struct Issuer {
    signer: SoftwareSigner,
    chain: Vec<Vec<u8>>,
}

impl Issuer {
    fn new() -> Self {
        let ca = TestCa::new("Bench authority");
        let Leaf { chain, key } = ca.leaf(&LeafOptions::named("Bench issuer"));
        let signer = SoftwareSigner::new(&RustCrypto, &key).expect("a whole key");
        Self { signer, chain }
    }

    async fn copy(&self, keys: &SoftwareKeys, vct: &str) -> Copy {
        let key = keys.generate(1).await.expect("a key").remove(0);
        let holder = keys.signer(&key).await.expect("a signer");
        let claims = (0..8).fold(Claims::new().selective("given_name", "Ada"), |claims, number| {
            claims.selective(format!("claim_{number}"), "what an employer knows of somebody")
        });
        let claims = claims.selective("family_name", "Moreau");
        let vct = Vct::parse(vct).expect("a URN is a type");
        let binding = KeyBinding::To(Jwk::new(*holder.public_key()));
        let draft = SdJwtVcDraft::new(&vct, None, claims, &binding, &Validity::default());
        let draft = draft.expect("a good draft").with_x5c(&self.chain);
        let issued = draft.sign(&self.signer, &RustCrypto).await.expect("a signature");
        Copy { credential: issued.into_string(), key: Some(key) }
    }
}

fn card(number: usize) -> NewCard {
    let claims = json!({ "given_name": "Ada", "family_name": "Moreau", "number": number });
    NewCard {
        issuer: "https://issuer.example".to_owned(),
        issuer_name: Some("Issuer".to_owned()),
        issuer_identity: "CN=Issuer".to_owned(),
        configuration: "badge".to_owned(),
        format: Format::SdJwtVc,
        types: vec![vct(number)],
        face: Face { name: format!("Badge {number}"), ..Face::default() },
        holder_bound: true,
        has_status: false,
        key_identifiers: Vec::new(),
        claims: claims.as_object().cloned().expect("an object"),
        received_at: Timestamp::UNIX_EPOCH,
        expires_at: None,
    }
}

fn vct(number: usize) -> String {
    format!("urn:example:{}", number % TYPES)
}

async fn open(form: Form, folder: &Path) -> Storage {
    let file = folder.join("wallet.db");
    Storage::open_as(form, &file, &Key, Arc::new(RustCrypto)).await.expect("the database opens")
}

fn keys(storage: &Storage) -> SoftwareKeys {
    SoftwareKeys::new(storage.clone(), Arc::new(RustCrypto))
}

fn wallet(storage: Storage) -> Wallet {
    let keys = Arc::new(keys(&storage));
    wallet_with(storage, keys)
}

fn wallet_with(storage: Storage, keys: Arc<dyn KeyStore>) -> Wallet {
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
        http: Arc::new(NoNetwork),
        clock: Arc::new(SystemClock),
        keys,
        attestation: None,
        key_attestation: None,
        user: None,
        crypto,
    };
    Wallet::new(settings, ports, storage)
}

/// A request for one card of each of these types.
fn asking_for(types: impl Iterator<Item = usize>) -> Value {
    let credentials = types.map(|number| {
        json!({
            "id": format!("badge-{number}"), "format": "dc+sd-jwt",
            "meta": { "vct_values": [vct(number)] },
            "claims": [{ "path": ["given_name"] }, { "path": ["family_name"] }],
        })
    });
    json!({
        "response_type": "vp_token", "response_mode": "dc_api", "nonce": "n-0S6_WzA2Mj_bench_n-0S6",
        "dcql_query": { "credentials": credentials.collect::<Vec<_>>() },
    })
}

fn read(runtime: &Runtime, wallet: &Wallet, asked: &Value) -> PlatformRequest {
    let read = wallet.read_platform_request("openid4vp-v1-unsigned", asked, "https://shop.example");
    runtime.block_on(read).expect("a request")
}

fn answer(runtime: &Runtime, request: PlatformRequest) {
    let choices = request.choices().expect("a card fits");
    let smallest = choices.smallest();
    let consent = choices.approve(&smallest).expect("it is enough");
    black_box(runtime.block_on(request.answer(consent)).expect("an answer"));
}

/// A wallet with a card of each of ten types.
fn ten(figures: &mut Figures, runtime: &Runtime, place: &Path) {
    let folder = tempfile::tempdir_in(place).expect("a folder");
    let storage = runtime.block_on(open(Form::Sqlite, folder.path()));
    let (issuer, keys) = (Issuer::new(), keys(&storage));
    for number in 0..10 {
        let copies: Vec<_> =
            (0..4).map(|_| runtime.block_on(issuer.copy(&keys, &vct(number)))).collect();
        storage.insert_card(&card(number), &copies).expect("stored");
    }
    let wallet = wallet(storage.clone());
    let asked = asking_for(0..10);
    let first = median(
        || Wallet::clone(&self::wallet(runtime.block_on(open(Form::Sqlite, folder.path())))),
        |wallet| drop(black_box(read(runtime, &wallet, &asked).choices())),
    );
    figures.tell("a request for 10 credentials, the first after the start: choices", first, None);
    let took = median(|| (), |()| drop(black_box(read(runtime, &wallet, &asked).choices())));
    let bar = Some(Duration::from_millis(1));
    figures.tell("a request for 10 credentials: read, choices", took, bar);

    let key = RustCrypto.generate_key(Curve::P256).expect("a key");
    let signer = SoftwareSigner::new(&RustCrypto, &key).expect("a signer");
    let message = [7; 600];
    let signature = median(
        || (),
        |()| drop(black_box(runtime.block_on(signer.sign(&message)).expect("a signature"))),
    );
    figures.tell("a signature (the floor of the answer)", signature, None);
    answers(figures, runtime, &storage, signature);
}

/// An answer with one SD-JWT VC, and what it is made of.
fn answers(figures: &mut Figures, runtime: &Runtime, storage: &Storage, signature: Duration) {
    let one = asking_for(0..1);
    let answered = |wallet: &Wallet| {
        median(|| read(runtime, wallet, &one), |request| answer(runtime, request))
    };
    let card = storage.cards().expect("cards").last().expect("a card").id;
    let key = storage.take_copy(card).expect("it opens").expect("a copy").1.key.expect("a key");
    let software = keys(storage);
    let opened = median(|| (), |()| drop(black_box(runtime.block_on(software.signer(&key)))));
    let marked = median(|| (), |()| drop(black_box(storage.take_copy(card).expect("a copy"))));
    let note = |()| {
        black_box(storage.record(&entry()).expect("written"));
    };
    let noted = median(|| (), note);
    let whole = answered(&wallet(storage.clone()));
    figures.tell("answer with one SD-JWT VC, its key kept in software", whole, None);
    figures.tell("    of it: take that key out of the database", opened, None);
    let in_chip = Arc::new(InChip { software, ready: Mutex::default() });
    let whole = answered(&wallet_with(storage.clone(), in_chip));
    figures.tell("answer with one SD-JWT VC, its key at hand as in a phone's chip", whole, None);
    figures.tell("    of it: mark the copy as used, before anything leaves", marked, None);
    figures.tell("    of it: note it in the history, once it was taken", noted, None);
    let without = whole.saturating_sub(marked + noted);
    figures.tell("    the rest, with its signature", without, None);
    let ratio = without.as_secs_f64() / signature.as_secs_f64();
    figures.tell_ratio(
        "answer with one SD-JWT VC but its two commits, in its signatures",
        ratio,
        1.5,
    );
}

/// What durability costs where the wallet is really kept.
fn on_disk(figures: &mut Figures, runtime: &Runtime) {
    for form in [Form::Sqlite, Form::Journal] {
        let folder = tempfile::tempdir().expect("a folder");
        let storage = runtime.block_on(open(form, folder.path()));
        let copies = [Copy { credential: "not.looked.at~".to_owned(), key: None }];
        let card = storage.insert_card(&card(0), &copies).expect("stored");
        let took = median(|| (), |()| drop(black_box(storage.take_copy(card).expect("a copy"))));
        figures.tell(&format!("mark a copy as used, durably, on the disk ({form:?})"), took, None);
    }
}

/// A wallet with many cards, ten of each type.
fn many(figures: &mut Figures, runtime: &Runtime, place: &Path, form: Form) {
    let folder = tempfile::tempdir_in(place).expect("a folder");
    let storage = runtime.block_on(open(form, folder.path()));
    let (issuer, keys) = (Issuer::new(), keys(&storage));
    let filler: Vec<_> =
        (0..4).map(|_| Copy { credential: "not.looked.at~".repeat(150), key: None }).collect();
    for number in 0..CARDS {
        let copies = match number % TYPES {
            7 => (0..4).map(|_| runtime.block_on(issuer.copy(&keys, &vct(7)))).collect(),
            _ => filler.clone(),
        };
        storage.insert_card(&card(number), &copies).expect("stored");
    }
    let told = |what: &str| format!("10,000 cards ({form:?}): {what}");
    let opened = || runtime.block_on(open(form, folder.path()));
    let took = median(|| (), |()| drop(black_box(opened())));
    figures.tell(&told("cold open"), took, Some(Duration::from_millis(20)));
    let took = median(opened, |storage| drop(black_box(storage.cards().expect("cards"))));
    figures.tell(&told("list, the first time after it was opened"), took, None);
    let wallet = wallet(storage.clone());
    let took = median(|| (), |()| drop(black_box(storage.cards().expect("cards"))));
    figures.tell(&told("list"), took, Some(Duration::from_millis(5)));
    let asked = asking_for(7..8);
    let choose = |()| drop(black_box(read(runtime, &wallet, &asked).choices()));
    let took = median(|| (), choose);
    figures.tell(&told("read a request, choices"), took, Some(Duration::from_millis(10)));
    let took = median(|| answer(runtime, read(runtime, &wallet, &asked)), choose);
    let what = told("read a request, choices, right after a presentation");
    figures.tell(&what, took, Some(Duration::from_millis(10)));
}

fn main() -> ExitCode {
    let runtime = Runtime::new().expect("a runtime");
    let memory = PathBuf::from("/dev/shm");
    let place = if memory.is_dir() { memory } else { std::env::temp_dir() };
    let mut figures = Figures::default();
    ten(&mut figures, &runtime, &place);
    many(&mut figures, &runtime, &place, Form::Sqlite);
    many(&mut figures, &runtime, &place, Form::Journal);
    on_disk(&mut figures, &runtime);
    if figures.missed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

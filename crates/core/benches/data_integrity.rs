//! Data Integrity beside its floor: the signature, which nobody can avoid.
//!
//! The workload is `vc-eddsa-rdfc-2022.json` in `LANYARD_BENCH` (else `../shared/bench` beside the
//! repository); its credential is also secured by the other cryptosuites. First the two are measured in
//! turns, so that a busy machine slows both alike, and the ratio is printed; then criterion measures each
//! alone.

use std::{
    env, fs,
    future::Future,
    hint::black_box,
    path::Path,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use criterion::Criterion;
use lanyard_core::{
    Timestamp,
    crypto::{
        AwsLc, CryptoProvider, Curve, PrivateKey, RustCrypto, SignatureAlgorithm, Signer as _,
        SigningKey, SoftwareSigner,
    },
    data_integrity::{Cryptosuite, ExpectedProof, ProofDraft, ProofVerifier, UnverifiedDocument},
    did::{Did, DidUrl},
    jose::PrivateJwk,
    json::{self, Object},
};
use mimalloc::MiMalloc;
use serde_json::Value;

/// The allocator of the binary.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// How often each side of a comparison gets its turn, and for how many operations.
const TURNS: usize = 200;
const OPERATIONS: usize = 20;

fn main() {
    let workload = Workload::load();
    let providers: [Arc<dyn CryptoProvider>; 2] = [Arc::new(AwsLc), Arc::new(RustCrypto)];
    let setups: Vec<_> = providers.iter().flat_map(|provider| workload.setups(provider)).collect();
    // a profiler wants to see one operation, not all of them
    let is_profiled = env::args().any(|argument| argument == "--profile-time");
    for setup in setups.iter().filter(|_| !is_profiled) {
        for (name, operation, floor) in setup.operations() {
            let (operation, floor) = in_turns(&operation, &floor);
            println!(
                "{:<11} {:<21} {name:<7} {:>7.1} µs   floor {:>7.1} µs   ratio {:.2}",
                setup.provider.name(),
                setup.name,
                operation.as_secs_f64() * 1e6,
                floor.as_secs_f64() * 1e6,
                operation.as_secs_f64() / floor.as_secs_f64(),
            );
        }
    }
    let mut criterion = Criterion::default().configure_from_args();
    for setup in &setups {
        let provider = setup.provider.name();
        let mut group = criterion.benchmark_group(format!("{}/{provider}", setup.name));
        for (name, operation, floor) in setup.operations() {
            group.bench_function(name, |bencher| bencher.iter(&operation));
            group.bench_function(format!("{name}/floor"), |bencher| bencher.iter(&floor));
        }
        group.finish();
    }
    criterion.final_summary();
}

/// Many turns, each side right after the other; the median of each.
fn in_turns(operation: &dyn Fn(), floor: &dyn Fn()) -> (Duration, Duration) {
    let turn = |what: &dyn Fn()| {
        let start = Instant::now();
        (0..OPERATIONS).for_each(|_| what());
        start.elapsed() / u32::try_from(OPERATIONS).expect("it is small")
    };
    let (mut operations, mut floors): (Vec<_>, Vec<_>) =
        (0..TURNS).map(|_| (turn(operation), turn(floor))).unzip();
    operations.sort_unstable();
    floors.sort_unstable();
    (operations[TURNS / 2], floors[TURNS / 2])
}

fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("a key in memory signs at once"),
    }
}

/// `vc-eddsa-rdfc-2022.json`.
struct Workload(Value);

impl Workload {
    fn load() -> Self {
        let folder = env::var("LANYARD_BENCH")
            .unwrap_or_else(|_| format!("{}/../../../shared/bench", env!("CARGO_MANIFEST_DIR")));
        let file = Path::new(&folder).join("vc-eddsa-rdfc-2022.json");
        let text = fs::read(&file).expect("the workload is in LANYARD_BENCH or ../shared/bench");
        Self(json::parse(&text).expect("the workload is JSON"))
    }

    fn object(&self, name: &str) -> Object {
        self.0[name].as_object().expect("the workload is complete").clone()
    }

    /// Each cryptosuite with each kind of key: the workload's own, and others made for this run.
    fn setups(&self, provider: &Arc<dyn CryptoProvider>) -> Vec<Setup> {
        let own = PrivateJwk::from_value(&self.0["issuer_jwk"]).expect("a key").key;
        let made = |curve| provider.generate_key(curve).expect("a key");
        let setup = |name, suite, key| Setup::new(name, suite, key, self, provider);
        vec![
            setup("eddsa-rdfc-2022", Cryptosuite::EddsaRdfc2022, own.clone()),
            setup("eddsa-jcs-2022", Cryptosuite::EddsaJcs2022, own),
            setup("ecdsa-rdfc-2019 P-256", Cryptosuite::EcdsaRdfc2019, made(Curve::P256)),
            setup("ecdsa-rdfc-2019 P-384", Cryptosuite::EcdsaRdfc2019, made(Curve::P384)),
        ]
    }
}

/// One cryptosuite with one key and one provider.
struct Setup {
    name: &'static str,
    provider: Arc<dyn CryptoProvider>,
    suite: Cryptosuite,
    method: DidUrl,
    raw: Box<dyn SigningKey>,
    signer: SoftwareSigner,
    verifier: ProofVerifier,
    created: Timestamp,
    credential: Object,
    signed: String,
    /// What a signature is made over, and one that fits.
    data: Vec<u8>,
    signature: Vec<u8>,
}

type Operation<'s> = Box<dyn Fn() + 's>;

impl Setup {
    fn new(
        name: &'static str,
        suite: Cryptosuite,
        key: PrivateKey,
        workload: &Workload,
        provider: &Arc<dyn CryptoProvider>,
    ) -> Self {
        let did = Did::from_key(key.public());
        let method = did.with_fragment(did.method_specific_id()).expect("it is a fragment");
        let signer = SoftwareSigner::new(&**provider, &key).expect("a good key");
        let raw = provider.signing_key(&key).expect("a good key");
        let created = "2024-01-01T00:00:00Z".parse().expect("it is a moment");
        let credential = workload.object("credential");
        let draft = ProofDraft::assertion(suite, &method).created(created);
        let signed = ready(draft.secure(credential.clone(), &signer, &**provider));
        let signed = signed.expect("it is signed");
        if suite == Cryptosuite::EddsaRdfc2022 {
            let theirs = workload.object("signed");
            assert_eq!(signed["proof"]["proofValue"], theirs["proof"]["proofValue"]);
        }
        let data = vec![7; if key.public().curve() == Curve::P384 { 96 } else { 64 }];
        Self {
            name,
            suite,
            method,
            created,
            credential,
            signed: Value::Object(signed).to_string(),
            signature: raw.sign(&data).expect("it is signed"),
            data,
            raw,
            signer,
            verifier: ProofVerifier::new(Arc::clone(provider)),
            provider: Arc::clone(provider),
        }
    }

    /// Each operation with its floor.
    fn operations(&self) -> Vec<(&'static str, Operation<'_>, Operation<'_>)> {
        vec![
            (
                "sign",
                Box::new(|| self.sign()),
                Box::new(|| {
                    // securing consumes the credential, so each side takes a copy
                    black_box(self.credential.clone());
                    black_box(self.raw.sign(&self.data).expect("it is signed"));
                }),
            ),
            ("verify", Box::new(|| self.verify()), Box::new(|| self.verify_floor())),
        ]
    }

    fn sign(&self) {
        let draft = ProofDraft::assertion(self.suite, &self.method).created(self.created);
        let secured = draft.secure(self.credential.clone(), &self.signer, &*self.provider);
        black_box(ready(secured).expect("it is signed"));
    }

    fn verify(&self) {
        let document = UnverifiedDocument::parse(self.signed.as_bytes()).expect("it has a proof");
        let expected = ExpectedProof::assertion(self.created);
        black_box(ready(self.verifier.verify(document, &expected)).expect("it is good"));
    }

    fn verify_floor(&self) {
        let algorithm: SignatureAlgorithm = self.signer.algorithm();
        self.provider
            .verify(algorithm, self.signer.public_key(), &self.data, &self.signature)
            .expect("the signature is good");
    }
}

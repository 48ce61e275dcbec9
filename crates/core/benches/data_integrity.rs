//! Data Integrity beside its floor: the signature, which nobody can avoid.
//!
//! The workload is `vc-eddsa-rdfc-2022.json` in `LANYARD_BENCH` (else `../shared/bench` beside the
//! repository); its credential is also secured by the other cryptosuites. First the two are measured in
//! turns, so that a busy machine slows both alike, and the ratio is printed; then criterion measures each
//! alone.

use std::{hint::black_box, sync::Arc};

use lanyard_core::{
    Timestamp,
    crypto::{
        AwsLc, CryptoProvider, Curve, PrivateKey, RustCrypto, SignatureAlgorithm, Signer as _,
        SigningKey, SoftwareSigner,
    },
    data_integrity::{Cryptosuite, ExpectedProof, ProofDraft, ProofVerifier, UnverifiedDocument},
    did::{Did, DidUrl},
    jose::PrivateJwk,
    json::Object,
};
use mimalloc::MiMalloc;
use serde_json::Value;

use beside::{Operations, ready};
use workload::workload;

mod beside;
mod workload;

/// The allocator of the binary.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() {
    let workload = Workload::load();
    let providers: [Arc<dyn CryptoProvider>; 2] = [Arc::new(AwsLc), Arc::new(RustCrypto)];
    let setups: Vec<_> = providers.iter().flat_map(|provider| workload.setups(provider)).collect();
    let group = |setup: &Setup| format!("{}/{}", setup.name, setup.provider.name());
    let groups: Vec<_> = setups.iter().map(|setup| (group(setup), setup.operations())).collect();
    beside::run("floor", &groups);
}

/// `vc-eddsa-rdfc-2022.json`.
struct Workload(Value);

impl Workload {
    fn load() -> Self {
        Self(workload("vc-eddsa-rdfc-2022.json"))
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
    fn operations(&self) -> Operations<'_> {
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

//! `bbs-2023` beside `ecdsa-sd-2023`, which also discloses selectively and whose proofs can be linked.
//!
//! The workload is the credential of `vc-bbs-2023.json` in `LANYARD_BENCH` (else `../shared/bench` beside the
//! repository), of which the holder shows what the workload says. A verifier's floor are two pairings and one
//! sum of products, about 1.5 ms.

use std::{hint::black_box, sync::Arc};

use lanyard_core::{
    Timestamp,
    crypto::{AwsLc, BbsSecretKey, CryptoProvider as _, Curve, PublicKey, SoftwareSigner},
    data_integrity::{
        Cryptosuite, ExpectedProof, HeldDocument, JsonPointer, ProofDraft, ProofVerifier,
        UnverifiedDocument, json_ld::Contexts,
    },
    did::{Did, DidUrl},
    json::Object,
};
use mimalloc::MiMalloc;

use beside::{Operation, ready};
use workload::workload;

mod beside;
mod workload;

/// The allocator of the binary.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() {
    let workload = workload("vc-bbs-2023.json");
    let document = workload["credential"].as_object().expect("a credential").clone();
    let shown = workload["selective_pointers"].as_array().expect("pointers").iter();
    let shown: Vec<_> = shown
        .map(|pointer| JsonPointer::parse(pointer.as_str().expect("text")).expect("a pointer"))
        .collect();
    let (bbs, ecdsa) = (Bbs::new(), Ecdsa::new());
    let bbs = operations(Box::new(|| bbs.secure(&document)), &shown);
    let ecdsa = operations(Box::new(|| ecdsa.secure(&document)), &shown);
    let beside = bbs.into_iter().zip(ecdsa).map(|((name, bbs), (_, ecdsa))| (name, bbs, ecdsa));
    beside::run("ecdsa-sd-2023", &[("bbs-2023/aws-lc".to_owned(), beside.collect())]);
}

/// What issuer, holder and verifier do with proofs of one kind.
fn operations<'s>(
    secure: Box<dyn Fn() -> Object + 's>,
    shown: &'s [JsonPointer],
) -> [(&'static str, Operation<'s>); 3] {
    let base = UnverifiedDocument::from_object(secure()).expect("it is good");
    let held = HeldDocument::danger_hold_unverified(base, Arc::clone(Contexts::bundled()));
    let derive = move || held.disclose(shown, &AwsLc).expect("it is good");
    let derived = derive();
    let verifier = ProofVerifier::new(Arc::new(AwsLc));
    let expected = ExpectedProof::assertion(Timestamp::now());
    let verify = move || {
        let document = UnverifiedDocument::from_object(derived.clone()).expect("it is good");
        ready(verifier.verify(document, &expected)).expect("it is good")
    };
    [
        ("secure", Box::new(move || drop(black_box(secure())))),
        ("derive", Box::new(move || drop(black_box(derive())))),
        ("verify", Box::new(move || drop(black_box(verify())))),
    ]
}

fn method(key: &PublicKey) -> DidUrl {
    let did = Did::from_key(key);
    did.with_fragment(did.method_specific_id()).expect("multibase is a fragment")
}

struct Bbs(BbsSecretKey);

impl Bbs {
    fn new() -> Self {
        Self(BbsSecretKey::generate(&AwsLc))
    }

    fn secure(&self, document: &Object) -> Object {
        let draft = ProofDraft::assertion(Cryptosuite::Bbs2023, &method(&self.0.public_key()));
        draft.secure_with_bbs(document.clone(), &self.0, &AwsLc).expect("it is good")
    }
}

struct Ecdsa(SoftwareSigner, DidUrl);

impl Ecdsa {
    fn new() -> Self {
        let key = AwsLc.generate_key(Curve::P256).expect("a key can be made");
        let signer = SoftwareSigner::new(&AwsLc, &key).expect("its halves belong together");
        Self(signer, method(key.public()))
    }

    fn secure(&self, document: &Object) -> Object {
        let draft = ProofDraft::assertion(Cryptosuite::EcdsaSd2023, &self.1);
        ready(draft.secure(document.clone(), &self.0, &AwsLc)).expect("it is good")
    }
}

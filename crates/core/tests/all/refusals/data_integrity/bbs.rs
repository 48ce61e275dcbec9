//! `bbs-2023`: a base proof where a derived one belongs, and derived ones that were tampered with
//! (VC-DI-BBS §3).

use std::sync::Arc;

use lanyard_core::{
    crypto::{AwsLc, BbsSecretKey, CryptoProvider, RustCrypto},
    data_integrity::{Cryptosuite, ProofDraft},
    did::{Did, DidUrl},
    json,
};
use lanyard_testkit::test_now;
use minicbor::{Decoder, Encoder};
use serde_json::{Value, json};

use super::{
    DOCUMENT, Verifier,
    selective::{self, CHANGES, Change, IN_PART},
    setting,
};
use crate::refusals::{
    Rule, Suite,
    keys::{Known, seeded},
};

const DERIVED: [u8; 3] = [0xd9, 0x5d, 0x03];

#[test]
fn documents_with_bbs_proofs_are_refused_for_the_published_reasons() {
    let suite = suite().published("bbs");
    for provider in [Arc::new(RustCrypto) as Arc<dyn CryptoProvider>, Arc::new(AwsLc)] {
        let verifier = Verifier::read(&suite.setting, provider);
        suite.run_each(|format, input| verifier.verify(format, input));
    }
}

fn suite() -> Suite {
    let mut suite = Suite {
        subject: "JSON documents with derived `bbs-2023` proofs of the baseline, which make a \
                  statement (`assertionMethod`), whoever made them"
            .into(),
        specifications: vec![
            "VC-DI-BBS 1.0 (candidate recommendation)".into(),
            "VC Data Integrity 1.0".into(),
            "draft-irtf-cfrg-bbs-signatures".into(),
        ],
        setting: setting(),
        accepted: Vec::new(),
        refused: Vec::new(),
    };
    suite.accept(DOCUMENT, "bbs-2023-in-part", good().to_string());
    suite.accept(DOCUMENT, "bbs-2023-what-is-mandatory", derived(&[]).to_string());
    suite.accept(DOCUMENT, "bbs-2023-whole", derived(&[""]).to_string());
    proofs(&mut suite);
    labels(&mut suite);
    indexes(&mut suite);
    forms(&mut suite);
    documents(&mut suite);
    suite
}

fn key(seed: u8) -> BbsSecretKey {
    BbsSecretKey::from_bytes(&[seed; 32]).expect("it is a scalar")
}

fn method(key: &BbsSecretKey) -> DidUrl {
    let did = Did::from_key(&key.public_key());
    did.with_fragment(did.method_specific_id()).expect("it is one")
}

/// What the holder keeps.
fn base() -> Value {
    let issuer = key(7);
    let method = method(&issuer);
    let draft = ProofDraft::assertion(Cryptosuite::Bbs2023, &method).created(test_now());
    let document = selective::document(method.did());
    let secured = draft.secure_with_bbs(document, &issuer, &seeded());
    Value::Object(secured.expect("it is good"))
}

fn derived(pointers: &[&str]) -> Value {
    selective::shown(&base(), pointers)
}

fn good() -> Value {
    derived(&IN_PART)
}

/// What is in a derived `proofValue`.
struct Shown {
    prefix: [u8; 3],
    proof: Vec<u8>,
    labels: Vec<(u64, u64)>,
    mandatory: Vec<u64>,
    selective: Vec<u64>,
    presentation_header: Vec<u8>,
}

impl Shown {
    fn read(secured: &Value) -> Self {
        let text = secured["proof"]["proofValue"].as_str().expect("it is text");
        let bytes = json::base64url_decode(&text[1..]).expect("it was written so");
        let mut decoder = Decoder::new(&bytes[3..]);
        decoder.array().expect("an array");
        let proof = decoder.bytes().expect("bytes").to_vec();
        let number = |decoder: &mut Decoder<'_>| decoder.u64().expect("a number");
        let count = decoder.map().expect("a map").expect("of a length");
        let labels = (0..count).map(|_| (number(&mut decoder), number(&mut decoder))).collect();
        let mut numbers = || -> Vec<u64> {
            let count = decoder.array().expect("an array").expect("of a length");
            (0..count).map(|_| number(&mut decoder)).collect()
        };
        let (mandatory, selective) = (numbers(), numbers());
        let presentation_header = decoder.bytes().expect("bytes").to_vec();
        Self { prefix: DERIVED, proof, labels, mandatory, selective, presentation_header }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut encoder = Encoder::new(self.prefix.to_vec());
        let mut write = || -> Result<(), minicbor::encode::Error<std::convert::Infallible>> {
            encoder.array(5)?.bytes(&self.proof)?.map(self.labels.len() as u64)?;
            for (number, label) in &self.labels {
                encoder.u64(*number)?.u64(*label)?;
            }
            for indexes in [&self.mandatory, &self.selective] {
                encoder.array(indexes.len() as u64)?;
                for index in indexes {
                    encoder.u64(*index)?;
                }
            }
            encoder.bytes(&self.presentation_header)?;
            Ok(())
        };
        write().expect("a vector takes everything");
        encoder.into_writer()
    }
}

fn with_value(bytes: &[u8]) -> String {
    let mut secured = good();
    secured["proof"]["proofValue"] = json!(format!("u{}", json::base64url(bytes)));
    secured.to_string()
}

/// A good one with a change in what is shown.
fn tampered(change: impl FnOnce(&mut Shown)) -> String {
    let mut shown = Shown::read(&good());
    change(&mut shown);
    with_value(&shown.bytes())
}

fn refuse(suite: &mut Suite, id: &str, rule: Rule, input: String) {
    suite.refuse_as(DOCUMENT, format!("bbs-2023-{id}"), rule, input);
}

fn refuse_each(suite: &mut Suite, rule: Rule, changes: &[(&str, Change<Shown>)]) {
    for (id, change) in changes {
        refuse(suite, id, rule, tampered(change));
    }
}

fn proofs(suite: &mut Suite) {
    refuse(suite, "a-base-proof", ("VC-DI-BBS §3.3.7", "proof_base"), base().to_string());
    let rule: Rule = ("VC-DI-BBS §3.4.8", "proof_signature");
    refuse_each(
        suite,
        rule,
        &[
            ("proof-flipped-in-a-point", |s| s.proof[9] ^= 1),
            ("proof-flipped-in-its-challenge", |s| *s.proof.last_mut().expect("a byte") ^= 1),
            ("proof-short-of-a-scalar", |s| s.proof.truncate(s.proof.len() - 32)),
            ("proof-short-of-a-byte", |s| s.proof.truncate(s.proof.len() - 1)),
            ("proof-with-a-scalar-more", |s| s.proof.extend([1; 32])),
            ("proof-of-nothing", |s| s.proof.clear()),
            ("proof-of-zeros", |s| s.proof.fill(0)),
            ("for-another-presentation", |s| s.presentation_header.push(1)),
        ],
    );
    let header: Change<Shown> = |s| s.presentation_header = vec![0; 5_000];
    let rule: Rule = ("a limit of Lanyard", "proof_value_malformed");
    refuse(suite, "with-a-far-too-long-header", rule, tampered(header));
}

fn labels(suite: &mut Suite) {
    let rule: Rule = ("VC-DI-BBS §3.3.8", "rdf_blank_node_unlabelled");
    refuse_each(
        suite,
        rule,
        &[
            ("a-label-missing", |s| s.labels.truncate(s.labels.len() - 1)),
            ("a-label-of-another-node", |s| s.labels[0].0 = 9),
            ("no-labels", |s| s.labels.clear()),
        ],
    );
    let rule: Rule = ("VC-DI-BBS §3.4.8", "proof_signature");
    refuse_each(
        suite,
        rule,
        &[
            ("another-label", |s| s.labels[0].1 = 9),
            ("two-labels-exchanged", |s| {
                let first = s.labels[0].1;
                s.labels[0].1 = std::mem::replace(&mut s.labels[1].1, first);
            }),
        ],
    );
    let rule: Rule = ("VC-DI-BBS §3.3.7", "proof_value_malformed");
    refuse_each(
        suite,
        rule,
        &[
            ("one-label-for-two-nodes", |s| s.labels[1].1 = s.labels[0].1),
            ("two-labels-for-one-node", |s| s.labels[1].0 = s.labels[0].0),
        ],
    );
}

fn indexes(suite: &mut Suite) {
    let rule: Rule = ("VC-DI-BBS §3.4.8", "proof_signature");
    refuse_each(
        suite,
        rule,
        &[
            ("a-mandatory-index-missing", |s| s.mandatory.truncate(s.mandatory.len() - 1)),
            ("no-mandatory-indexes", |s| s.mandatory.clear()),
            ("a-mandatory-index-beyond", |s| s.mandatory.push(1_000)),
            ("a-selective-index-missing", |s| s.selective.truncate(s.selective.len() - 1)),
            ("no-selective-indexes", |s| s.selective.clear()),
            ("a-selective-index-beyond", |s| s.selective.push(1_000)),
            ("a-selective-index-of-what-is-withheld", |s| {
                let last = s.selective.last_mut().expect("an index");
                *last += 1;
            }),
        ],
    );
    let rule: Rule = ("VC-DI-BBS §3.3.7", "proof_value_malformed");
    refuse_each(
        suite,
        rule,
        &[
            ("a-mandatory-index-twice", |s| s.mandatory[1] = s.mandatory[0]),
            ("mandatory-indexes-out-of-order", |s| s.mandatory.reverse()),
            ("a-selective-index-twice", |s| s.selective[1] = s.selective[0]),
            ("selective-indexes-out-of-order", |s| s.selective.reverse()),
        ],
    );
}

fn forms(suite: &mut Suite) {
    let rule: Rule = ("VC-DI-BBS §3.3.7", "proof_value_malformed");
    let bytes = Shown::read(&good()).bytes();
    for (id, prefix) in [
        ("of-ecdsa-sd", [0xd9, 0x5d, 0x01]),
        ("of-anonymous-holder-binding", [0xd9, 0x5d, 0x05]),
        ("of-a-pseudonym", [0xd9, 0x5d, 0x07]),
        ("of-nothing", [0, 0, 0]),
    ] {
        refuse(suite, &format!("prefix-{id}"), rule, tampered(|s| s.prefix = prefix));
    }
    refuse(suite, "with-a-byte-more", rule, with_value(&[&bytes[..], &[0]].concat()));
    refuse(suite, "cut-off", rule, with_value(&bytes[..bytes.len() - 1]));
    refuse(suite, "empty", rule, with_value(&[]));
    let tagged = [&DERIVED[..], &[0xc0], &bytes[3..]].concat();
    refuse(suite, "tagged", rule, with_value(&tagged));
    let endless = [&DERIVED[..], &[0x9f], &bytes[4..], &[0xff]].concat();
    refuse(suite, "of-no-announced-length", rule, with_value(&endless));
    let mut other = good();
    let text = format!("z{}", bs58::encode(&bytes).into_string());
    other["proof"]["proofValue"] = json!(text);
    refuse(suite, "in-base58", rule, other.to_string());
}

fn documents(suite: &mut Suite) {
    let rule: Rule = ("VC-DI-BBS §3.4.8", "proof_signature");
    for (id, change) in CHANGES {
        let mut secured = good();
        change(&mut secured);
        refuse(suite, &format!("changed-to-{id}"), rule, secured.to_string());
    }
    let mut stranger = good();
    stranger["proof"]["verificationMethod"] = json!(method(&key(8)).to_string());
    refuse(suite, "with-the-key-of-a-stranger", rule, stranger.to_string());
    let rule: Rule = ("VC-DI-BBS §3.4.5", "proof_key_mismatch");
    let mut other = good();
    other["proof"]["verificationMethod"] = json!(Known::issuer().key_id());
    refuse(suite, "with-a-key-on-p-256", rule, other.to_string());
}

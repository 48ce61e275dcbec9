//! `ecdsa-sd-2023`: a base proof where a derived one belongs, and derived ones that were tampered with
//! (VC-DI-ECDSA §3.4 to §3.6).

use std::sync::Arc;

use lanyard_core::{
    data_integrity::{
        Cryptosuite, HeldDocument, JsonPointer, ProofDraft, UnverifiedDocument, json_ld::Contexts,
    },
    did::{Did, DidUrl},
    json::{self, Object},
    w3c::BASE_CONTEXT,
};
use lanyard_testkit::test_now;
use minicbor::{Decoder, Encoder};
use serde_json::{Value, json};

use super::{
    DOCUMENT,
    parts::{EXAMPLES, credential, set},
};
use crate::{
    refusals::{
        Rule, Suite,
        keys::{Known, seeded},
    },
    sd_jwt_support::ready,
};

const DERIVED: [u8; 3] = [0xd9, 0x5d, 0x01];

/// What an issuer signs: with blank nodes, whose labels are part of what is shown.
pub(super) fn document(issuer: &Did) -> Object {
    let mut document = credential(&Known::issuer());
    document["@context"] = json!([BASE_CONTEXT, EXAMPLES]);
    document["issuer"] = json!(issuer.as_str());
    document["credentialSubject"]["points"] = json!(7);
    document["credentialSubject"]["degree"] = json!({"name": "MSc"});
    document["credentialSubject"]["employer"] = json!({"name": "Example"});
    document.as_object().expect("it is an object").clone()
}

/// What the holder keeps.
fn base() -> Value {
    let issuer = Known::issuer();
    let document = document(&issuer.did());
    let method = DidUrl::parse(&issuer.key_id()).expect("it is one");
    let draft = ProofDraft::assertion(Cryptosuite::EcdsaSd2023, &method).created(test_now());
    let secured = ready(draft.secure(document, &issuer.signer(), &seeded()));
    Value::Object(secured.expect("it is good"))
}

/// What the holder of a base proof shows.
pub(super) fn shown(base: &Value, pointers: &[&str]) -> Value {
    let base = base.as_object().expect("it is an object").clone();
    let base = UnverifiedDocument::from_object(base).expect("it is good");
    let held = HeldDocument::danger_hold_unverified(base, Arc::clone(Contexts::bundled()));
    let pointers: Vec<_> =
        pointers.iter().map(|text| JsonPointer::parse(text).expect("it is one")).collect();
    Value::Object(held.disclose(&pointers, &seeded()).expect("it is there"))
}

/// Everything but the points.
pub(super) const IN_PART: [&str; 3] =
    ["/credentialSubject/name", "/credentialSubject/degree", "/credentialSubject/employer"];

fn derived(pointers: &[&str]) -> Value {
    shown(&base(), pointers)
}

fn good() -> Value {
    derived(&IN_PART)
}

/// What makes one thing wrong.
pub(super) type Change<T> = fn(&mut T);

/// What is in a derived `proofValue`.
#[derive(Clone)]
struct Shown {
    prefix: [u8; 3],
    signature: Vec<u8>,
    key: Vec<u8>,
    signatures: Vec<Vec<u8>>,
    labels: Vec<(u64, Vec<u8>)>,
    mandatory: Vec<u64>,
}

impl Shown {
    fn read(secured: &Value) -> Self {
        let text = secured["proof"]["proofValue"].as_str().expect("it is text");
        let bytes = json::base64url_decode(&text[1..]).expect("it was written so");
        let mut decoder = Decoder::new(&bytes[3..]);
        decoder.array().expect("an array");
        let signature = decoder.bytes().expect("bytes").to_vec();
        let key = decoder.bytes().expect("bytes").to_vec();
        let count = decoder.array().expect("an array").expect("of a length");
        let signatures = (0..count).map(|_| decoder.bytes().expect("bytes").to_vec()).collect();
        let count = decoder.map().expect("a map").expect("of a length");
        let label = |decoder: &mut Decoder<'_>| {
            (decoder.u64().expect("a number"), decoder.bytes().expect("bytes").to_vec())
        };
        let labels = (0..count).map(|_| label(&mut decoder)).collect();
        let count = decoder.array().expect("an array").expect("of a length");
        let mandatory = (0..count).map(|_| decoder.u64().expect("a number")).collect();
        Self { prefix: DERIVED, signature, key, signatures, labels, mandatory }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut encoder = Encoder::new(self.prefix.to_vec());
        let mut write = || -> Result<(), minicbor::encode::Error<std::convert::Infallible>> {
            encoder.array(5)?.bytes(&self.signature)?.bytes(&self.key)?;
            encoder.array(self.signatures.len() as u64)?;
            for signature in &self.signatures {
                encoder.bytes(signature)?;
            }
            encoder.map(self.labels.len() as u64)?;
            for (number, label) in &self.labels {
                encoder.u64(*number)?.bytes(label)?;
            }
            encoder.array(self.mandatory.len() as u64)?;
            for index in &self.mandatory {
                encoder.u64(*index)?;
            }
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

pub(super) fn cases(suite: &mut Suite) {
    suite.accept(DOCUMENT, "ecdsa-sd-2023-in-part", good().to_string());
    suite.accept(DOCUMENT, "ecdsa-sd-2023-what-is-mandatory", derived(&[]).to_string());
    suite.accept(DOCUMENT, "ecdsa-sd-2023-whole", derived(&[""]).to_string());
    signatures(suite);
    labels(suite);
    forms(suite);
    documents(suite);
}

fn refuse(suite: &mut Suite, id: &str, rule: Rule, input: String) {
    suite.refuse_as(DOCUMENT, format!("ecdsa-sd-2023-{id}"), rule, input);
}

fn signatures(suite: &mut Suite) {
    let rule: Rule = ("VC-DI-ECDSA §3.5.3", "proof_base");
    refuse(suite, "a-base-proof", rule, base().to_string());
    let rule: Rule = ("VC-DI-ECDSA §3.6.8", "proof_signature");
    let changes: [(&str, Change<Shown>); 8] = [
        ("base-signature-flipped", |s| s.signature[0] ^= 1),
        ("base-signature-of-a-stranger", |s| s.signature = Known::stranger().sign(b"x")),
        ("a-signature-flipped", |s| s.signatures[0][0] ^= 1),
        ("a-signature-missing", |s| drop(s.signatures.pop())),
        ("no-signatures", |s| s.signatures.clear()),
        ("a-signature-more", |s| s.signatures.push(s.signatures[0].clone())),
        ("two-signatures-exchanged", |s| s.signatures.swap(0, 1)),
        ("a-signature-twice", |s| s.signatures[1] = s.signatures[0].clone()),
    ];
    for (id, change) in changes {
        refuse(suite, id, rule, tampered(change));
    }
    let rule: Rule = ("VC-DI-ECDSA §3.6.8", "proof_signature");
    let other = Known::holder().public;
    let lanyard_core::crypto::PublicKey::P256(point) = other else { unreachable!("it is") };
    let key = [&[0x80, 0x24, 2 + (point.y[31] & 1)][..], &point.x].concat();
    refuse(suite, "another-key-of-the-proof", rule, tampered(|s| s.key = key));
    let rule: Rule = ("VC-DI-ECDSA §3.5.7", "proof_value_malformed");
    let changes: [(&str, Change<Shown>); 3] = [
        ("key-of-another-kind", |s| s.key[0] = 0x81),
        ("key-short", |s| {
            s.key.pop();
        }),
        ("signature-short", |s| {
            s.signatures[0].pop();
        }),
    ];
    for (id, change) in changes {
        // a key of another kind has another signature over it, too
        let rule = if id == "key-of-another-kind" {
            ("VC-DI-ECDSA §3.6.8", "proof_signature")
        } else {
            rule
        };
        refuse(suite, id, rule, tampered(change));
    }
}

fn labels(suite: &mut Suite) {
    let rule: Rule = ("VC-DI-ECDSA §3.5.8", "rdf_blank_node_unlabelled");
    refuse(suite, "a-label-missing", rule, tampered(|s| drop(s.labels.pop())));
    refuse(suite, "a-label-of-another-node", rule, tampered(|s| s.labels[0].0 = 9));
    let rule: Rule = ("VC-DI-ECDSA §3.6.8", "proof_signature");
    refuse(suite, "a-label-flipped", rule, tampered(|s| s.labels[0].1[0] ^= 1));
    let exchanged = tampered(|s| {
        let first = s.labels[0].1.clone();
        s.labels[0].1 = std::mem::replace(&mut s.labels[1].1, first);
    });
    refuse(suite, "two-labels-exchanged", rule, exchanged);
    let rule: Rule = ("VC-DI-ECDSA §3.5.7", "proof_value_malformed");
    refuse(
        suite,
        "one-label-for-two-nodes",
        rule,
        tampered(|s| {
            s.labels[1].1 = s.labels[0].1.clone();
        }),
    );
    refuse(suite, "two-labels-for-one-node", rule, tampered(|s| s.labels[1].0 = s.labels[0].0));
    refuse(
        suite,
        "a-short-label",
        rule,
        tampered(|s| {
            s.labels[0].1.pop();
        }),
    );
    let rule: Rule = ("VC-DI-ECDSA §3.6.8", "proof_signature");
    refuse(
        suite,
        "an-index-missing",
        rule,
        tampered(|s| {
            s.mandatory.pop();
        }),
    );
    refuse(suite, "no-indexes", rule, tampered(|s| s.mandatory.clear()));
    refuse(suite, "an-index-beyond", rule, tampered(|s| s.mandatory.push(1_000)));
    let rule: Rule = ("VC-DI-ECDSA §3.5.7", "proof_value_malformed");
    refuse(suite, "an-index-twice", rule, tampered(|s| s.mandatory[1] = s.mandatory[0]));
    refuse(suite, "indexes-out-of-order", rule, tampered(|s| s.mandatory.reverse()));
}

fn forms(suite: &mut Suite) {
    let rule: Rule = ("VC-DI-ECDSA §3.5.7", "proof_value_malformed");
    let bytes = Shown::read(&good()).bytes();
    for (id, prefix) in [("of-bbs", [0xd9, 0x5d, 0x03]), ("of-nothing", [0, 0, 0])] {
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

/// What nobody signed, or what was signed and is not there.
pub(super) const CHANGES: [(&str, Change<Value>); 8] = [
    ("another-name", |d| d["credentialSubject"]["name"] = json!("Eve")),
    ("what-was-withheld", |d| d["credentialSubject"]["points"] = json!(7)),
    ("more-than-was-signed", |d| d["credentialSubject"]["rank"] = json!("first")),
    ("without-what-is-mandatory", |d| set(d, "validUntil", Value::Null)),
    ("a-later-end", |d| d["validUntil"] = json!("2099-01-01T00:00:00Z")),
    ("without-a-claim", |d| set(&mut d["credentialSubject"], "name", Value::Null)),
    ("another-subject", |d| {
        d["credentialSubject"]["id"] = json!(Known::stranger().did().as_str());
    }),
    ("made-at-another-time", |d| d["proof"]["created"] = json!("2026-01-01T00:00:00Z")),
];

fn documents(suite: &mut Suite) {
    let rule: Rule = ("VC-DI-ECDSA §3.6.8", "proof_signature");
    for (id, change) in CHANGES {
        let mut secured = good();
        change(&mut secured);
        refuse(suite, &format!("changed-to-{id}"), rule, secured.to_string());
    }
    let mut stranger = good();
    stranger["proof"]["verificationMethod"] = json!(Known::stranger().key_id());
    refuse(suite, "with-the-key-of-a-stranger", rule, stranger.to_string());
    let rule: Rule = ("VC-DI-ECDSA §3.6.5", "proof_key_mismatch");
    let mut other = good();
    other["proof"]["verificationMethod"] = json!(Known::p384().key_id());
    refuse(suite, "with-a-key-on-p-384", rule, other.to_string());
}

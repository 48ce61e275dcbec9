//! What every cryptosuite must refuse: a signature that is not that of its key over its document.

use lanyard_core::data_integrity::Cryptosuite;
use serde_json::{Value, json};

use super::{
    DOCUMENT,
    parts::{Parts, flipped, is_jcs, is_p384},
};
use crate::refusals::{Rule, Suite, keys::Known};

type MadeBy = fn() -> Known;

/// What makes one thing wrong.
type Change<T> = fn(&mut T);

const KINDS: [(Cryptosuite, MadeBy); 6] = [
    (Cryptosuite::EddsaJcs2022, Known::ed25519),
    (Cryptosuite::EcdsaJcs2019, Known::issuer),
    (Cryptosuite::EcdsaJcs2019, Known::p384),
    (Cryptosuite::EddsaRdfc2022, Known::ed25519),
    (Cryptosuite::EcdsaRdfc2019, Known::issuer),
    (Cryptosuite::EcdsaRdfc2019, Known::p384),
];

pub(super) fn cases(suite: &mut Suite) {
    for (cryptosuite, by) in KINDS {
        let curve = if is_p384(&by()) { "-p384" } else { "" };
        let name = format!("{cryptosuite}{curve}");
        let good = Parts::good(cryptosuite, by());
        suite.accept(DOCUMENT, format!("good-{name}"), good.text());
        signatures(suite, &name, &good);
        values(suite, &name, &good);
        changes(suite, &name, &good);
        keys(suite, &name, &good);
    }
}

fn refuse(suite: &mut Suite, name: &str, id: &str, rule: Rule, input: String) {
    suite.refuse_as(DOCUMENT, format!("{name}-{id}"), rule, input);
}

fn signatures(suite: &mut Suite, name: &str, good: &Parts) {
    let rule: Rule = ("VC Data Integrity §4.4", "proof_signature");
    let proof = good.proof();
    let value = proof["proofValue"].as_str().expect("it is text");
    let bytes = bs58::decode(&value[1..]).into_vec().expect("it was written so");
    let (one, other) = bytes.split_at(bytes.len() / 2);
    for (id, bytes) in [
        ("of-zeros", vec![0; bytes.len()]),
        ("without-a-byte", bytes[..bytes.len() - 1].to_vec()),
        ("with-a-byte-more", [&bytes[..], &[0]].concat()),
        ("with-halves-exchanged", [other, one].concat()),
        ("empty", Vec::new()),
        ("of-another-document", good.by.sign(b"another document")),
    ] {
        let value = format!("z{}", bs58::encode(bytes).into_string());
        let bad = good.changed(|d| d["proof"]["proofValue"] = json!(value));
        refuse(suite, name, &format!("signature-{id}"), rule, bad);
    }
    let bad = good.changed(|d| d["proof"]["proofValue"] = json!(flipped(value)));
    refuse(suite, name, "signature-flipped", rule, bad);
}

fn values(suite: &mut Suite, name: &str, good: &Parts) {
    let rule: Rule = ("VC-DI-EDDSA §3, VC-DI-ECDSA §3", "proof_value_malformed");
    let proof = good.proof();
    let value = proof["proofValue"].as_str().expect("it is text");
    let bytes = bs58::decode(&value[1..]).into_vec().expect("it was written so");
    for (id, text) in [
        ("in-base64url", format!("u{}", lanyard_core::json::base64url(&bytes))),
        ("without-multibase", value[1..].to_owned()),
        ("of-no-base58", format!("{value}0")),
        ("with-a-space", format!("{value} ")),
        ("empty", String::new()),
        ("far-too-long", format!("z{}", "2".repeat(1_000))),
    ] {
        let bad = good.changed(|d| d["proof"]["proofValue"] = json!(text));
        refuse(suite, name, &format!("value-{id}"), rule, bad);
    }
}

fn changes(suite: &mut Suite, name: &str, good: &Parts) {
    let rule: Rule = ("VC Data Integrity §4.4", "proof_signature");
    let changes: [(&str, Change<Value>); 7] = [
        ("another-name", |d| d["credentialSubject"]["name"] = json!("Eve")),
        ("another-subject", |d| {
            d["credentialSubject"]["id"] = json!(Known::stranger().did().as_str());
        }),
        ("a-later-end", |d| d["validUntil"] = json!("2099-01-01T00:00:00Z")),
        ("without-its-end", |d| {
            d.as_object_mut().expect("an object").shift_remove("validUntil");
        }),
        ("with-a-description", |d| d["description"] = json!("a badge")),
        ("made-at-another-time", |d| d["proof"]["created"] = json!("2026-01-01T00:00:00Z")),
        ("with-a-domain-of-its-own", |d| d["proof"]["domain"] = json!("verifier.example")),
    ];
    for (id, change) in changes {
        refuse(suite, name, &format!("changed-to-{id}"), rule, good.changed(change));
    }
    let later = good.changed(|d| d["proof"]["expires"] = json!("2099-01-01T00:00:00Z"));
    refuse(suite, name, "changed-to-with-an-end-of-its-own", rule, later);
}

fn keys(suite: &mut Suite, name: &str, good: &Parts) {
    let rule: Rule = ("VC Data Integrity §4.4", "proof_signature");
    // another key of the same curve is there for P-256 alone
    if matches!(good.by.public, lanyard_core::crypto::PublicKey::P256(_)) {
        let mut forged = Parts::good(good.suite, Known::stranger());
        forged.document = good.document.clone();
        forged.options = good.options.clone();
        refuse(suite, name, "signature-of-a-stranger", rule, forged.text());
    }
    let other = match good.suite {
        Cryptosuite::EddsaJcs2022 => Cryptosuite::EddsaRdfc2022,
        Cryptosuite::EddsaRdfc2022 => Cryptosuite::EddsaJcs2022,
        Cryptosuite::EcdsaJcs2019 => Cryptosuite::EcdsaRdfc2019,
        _ => Cryptosuite::EcdsaJcs2019,
    };
    let other = good.changed(|d| {
        d["proof"]["cryptosuite"] = json!(other.name());
        let proof = d["proof"].as_object_mut().expect("an object");
        if is_jcs(good.suite) {
            proof.shift_remove("@context");
        }
    });
    refuse(suite, name, "under-another-canonicalization", rule, other);
    let rule: Rule = ("VC-DI-EDDSA §2.2.1, VC-DI-ECDSA §2.2.1", "proof_key_mismatch");
    let key = if is_ecdsa(good.suite) { Known::ed25519() } else { Known::issuer() };
    let bad = good.changed(|d| d["proof"]["verificationMethod"] = json!(key.key_id()));
    refuse(suite, name, "with-a-key-of-another-curve", rule, bad);
}

fn is_ecdsa(suite: Cryptosuite) -> bool {
    suite.name().starts_with("ecdsa")
}

//! Several proofs of one document: all are good, or it is refused (VC Data Integrity §4.5).

use serde_json::{Value, json};

use super::{DOCUMENT, parts::Parts};
use crate::refusals::{Rule, Suite, keys::Known};

/// A good proof with a name.
fn named(parts: Parts, id: &str) -> Value {
    parts.option("id", json!(id)).proof()
}

/// A proof by another key over the same document.
fn second() -> Parts {
    let mut parts =
        Parts::good(lanyard_core::data_integrity::Cryptosuite::EcdsaJcs2019, Known::issuer());
    parts.document = Parts::jcs().document;
    parts
}

/// A second proof that covers the first.
fn chained(first: &Value) -> Value {
    let mut second = second().option("previousProof", json!("urn:proof:1"));
    second.document["proof"] = json!([first]);
    second.proof()
}

pub(super) fn cases(suite: &mut Suite) {
    let document = Parts::jcs();
    let first = named(Parts::jcs(), "urn:proof:1");
    let with = |proofs: Value| document.with_proof(proofs).to_string();
    suite.accept(DOCUMENT, "a-set-of-two", with(json!([Parts::jcs().proof(), second().proof()])));
    suite.accept(DOCUMENT, "a-chain-of-two", with(json!([first, chained(&first)])));

    let mut refuse = |id: &str, rule: Rule, proofs: Value| {
        suite.refuse_as(DOCUMENT, id, rule, document.with_proof(proofs).to_string());
    };
    let rule: Rule = ("VC Data Integrity §4.5", "proof_signature");
    let mut bad = second().proof();
    let value = bad["proofValue"].as_str().expect("it is text");
    bad["proofValue"] = json!(super::parts::flipped(value));
    refuse("set-the-second-is-bad", rule, json!([Parts::jcs().proof(), bad]));
    refuse("set-the-first-is-bad", rule, json!([bad, Parts::jcs().proof()]));
    let rule: Rule = ("VC Data Integrity §4.5", "proof_cryptosuite");
    let mut unknown = second().proof();
    unknown["cryptosuite"] = json!("rsa-2048");
    refuse("set-the-second-is-of-an-unknown-suite", rule, json!([first, unknown]));
    let rule: Rule = ("VC Data Integrity §4.5", "proof_purpose");
    let other = second().option("proofPurpose", json!("authentication")).proof();
    refuse("set-the-second-is-for-another-purpose", rule, json!([first, other]));
    let rule: Rule = ("VC Data Integrity §4.5", "proof_expired");
    let expired = second().option("expires", json!(super::parts::moment(-60))).proof();
    refuse("set-the-second-has-expired", rule, json!([first, expired]));
    let rule: Rule = ("a limit of 8", "proof_too_many");
    refuse("set-of-nine", rule, json!(vec![first.clone(); 9]));
    let rule: Rule = ("VC Data Integrity §2.1", "proof_duplicate_id");
    let same = named(second(), "urn:proof:1");
    refuse("set-of-one-id", rule, json!([first, same]));

    let rule: Rule = ("VC Data Integrity §4.5", "proof_previous_missing");
    refuse("chain-without-its-first", rule, json!([chained(&first)]));
    let unnamed = Parts::jcs().proof();
    refuse("chain-whose-first-has-no-id", rule, json!([unnamed, chained(&first)]));
    let own =
        second().option("id", json!("urn:proof:2")).option("previousProof", json!("urn:proof:3"));
    refuse("chain-of-what-is-not-there", rule, json!([first, own.proof()]));
    let rule: Rule = ("VC Data Integrity §4.5", "proof_signature");
    let replaced =
        named(Parts::jcs().option("created", json!(super::parts::moment(-20))), "urn:proof:1");
    refuse("chain-whose-first-was-replaced", rule, json!([replaced, chained(&first)]));
    let mut broken = first.clone();
    let value = first["proofValue"].as_str().expect("it is text");
    broken["proofValue"] = json!(super::parts::flipped(value));
    refuse("chain-whose-first-is-bad", rule, json!([broken, chained(&broken)]));
    let uncovered = second().option("previousProof", json!("urn:proof:1")).proof();
    refuse("chain-that-does-not-cover-its-first", rule, json!([first, uncovered]));
    let mut parallel = second();
    parallel.document["proof"] = json!([first]);
    refuse("set-that-covers-its-first", rule, json!([first, parallel.proof()]));
    let mut itself =
        second().option("id", json!("urn:proof:2")).option("previousProof", json!("urn:proof:2"));
    let inner = itself.proof();
    itself.document["proof"] = json!([inner]);
    refuse("chain-to-itself", rule, json!([itself.proof()]));
}

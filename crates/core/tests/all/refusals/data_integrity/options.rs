//! The options of a proof (VC Data Integrity §2.1, §4.4): each is signed as it is, right or wrong.

use serde_json::{Value, json};

use super::{
    DOCUMENT,
    parts::{Parts, moment},
};
use crate::refusals::{Rule, Suite, keys::Known};

fn option(suite: &mut Suite, rule: Rule, name: &str, values: &[(&str, Value)]) {
    for (id, value) in values {
        let bad = Parts::jcs().option(name, value.clone()).text();
        suite.refuse_as(DOCUMENT, format!("proof-{name}-{id}"), rule, bad);
    }
}

pub(super) fn cases(suite: &mut Suite) {
    names(suite);
    methods(suite);
    times(suite);
    texts(suite);
    contexts(suite);
    forms(suite);
}

fn names(suite: &mut Suite) {
    let rule: Rule = ("VC Data Integrity §2.1", "proof_type");
    let types = [
        ("missing", Value::Null),
        ("of-2020", json!("Ed25519Signature2020")),
        ("in-lower-case", json!("dataIntegrityProof")),
        ("in-an-array", json!(["DataIntegrityProof"])),
    ];
    // an array is no text, which is another fault
    option(suite, rule, "type", &types[..3]);
    let malformed: Rule = ("VC Data Integrity §2.1", "proof_malformed");
    option(suite, malformed, "type", &types[3..]);
    let rule: Rule = ("VC Data Integrity §2.1", "proof_cryptosuite");
    let suites = [
        ("unknown", json!("rsa-2048")),
        ("of-a-draft", json!("eddsa-2022")),
        ("in-capitals", json!("EDDSA-JCS-2022")),
        ("empty", json!("")),
    ];
    option(suite, rule, "cryptosuite", &suites);
    let values = [("missing", Value::Null), ("number", json!(1))];
    option(suite, malformed, "cryptosuite", &values);
    let purposes = [
        ("missing", Value::Null),
        ("number", json!(1)),
        ("unknown", json!("verifying")),
        ("of-key-agreement", json!("keyAgreement")),
    ];
    option(suite, malformed, "proofPurpose", &purposes);
    let rule: Rule = ("VC Data Integrity §4.4", "proof_purpose");
    let purposes = [
        ("authentication", json!("authentication")),
        ("of-invocation", json!("capabilityInvocation")),
    ];
    option(suite, rule, "proofPurpose", &purposes);
}

fn methods(suite: &mut Suite) {
    let malformed: Rule = ("VC Data Integrity §2.1", "proof_malformed");
    let values =
        [("missing", Value::Null), ("an-object", json!({"id": Known::ed25519().key_id()}))];
    option(suite, malformed, "verificationMethod", &values);
    let rule: Rule = ("Controlled Identifiers §3.3", "proof_verification_method");
    let did = Known::ed25519().did();
    let values = [
        ("by-https", json!("https://issuer.example/keys/1")),
        ("a-did-alone", json!(did.as_str())),
        ("relative", json!("#0")),
        ("empty", json!("")),
    ];
    option(suite, rule, "verificationMethod", &values);
    let rule: Rule = ("Controlled Identifiers §3.3", "proof_key_not_found");
    let values = [
        ("of-no-key", json!(format!("{did}#1"))),
        ("of-no-document", json!("did:jwk:AAAA#0")),
        ("of-an-unknown-did-method", json!("did:example:a#0")),
    ];
    option(suite, rule, "verificationMethod", &values);
}

fn times(suite: &mut Suite) {
    let malformed: Rule = ("VC Data Integrity §2.1", "proof_malformed");
    for name in ["created", "expires"] {
        let values = [("number", json!(1)), ("date", json!("2026-01-01"))];
        option(suite, malformed, name, &values);
    }
    let rule: Rule = ("VC Data Integrity §2.1", "proof_expired");
    option(suite, rule, "expires", &[("passed", json!(moment(-60)))]);
    let rule: Rule = ("VC Data Integrity §2.1", "proof_created_in_the_future");
    option(suite, rule, "created", &[("to-come", json!(moment(61)))]);
}

fn texts(suite: &mut Suite) {
    let malformed: Rule = ("VC Data Integrity §2.1", "proof_malformed");
    for name in ["id", "challenge", "nonce"] {
        let values = [("number", json!(1)), ("array", json!(["a"]))];
        option(suite, malformed, name, &values);
    }
    for name in ["domain", "previousProof"] {
        let values = [("number", json!(1)), ("empty", json!([])), ("of-numbers", json!([1]))];
        option(suite, malformed, name, &values);
    }
    let good = Parts::jcs();
    for (id, value) in [("missing", Value::Null), ("number", json!(1))] {
        let bad = good.changed(|d| super::parts::set(&mut d["proof"], "proofValue", value));
        suite.refuse_as(DOCUMENT, format!("proof-proofValue-{id}"), malformed, bad);
    }
}

fn contexts(suite: &mut Suite) {
    let rule: Rule = ("VC-DI-EDDSA §3.3.2", "proof_context");
    let good = Parts::jcs();
    let more = good.document["@context"].as_array().expect("a list").clone();
    for (id, context) in [
        ("shorter", json!([])),
        ("another", json!(["https://a.example/"])),
        ("in-another-order", json!(["https://a.example/", more[0]])),
    ] {
        let bad = good.changed(|d| d["@context"] = context);
        suite.refuse_as(DOCUMENT, format!("document-context-{id}"), rule, bad);
    }
    let grown = good.changed(|d| d["@context"] = json!([more[0], "https://a.example/"]));
    suite.accept(DOCUMENT, "document-context-that-has-grown", grown);
}

fn forms(suite: &mut Suite) {
    let good = Parts::jcs();
    let mut refuse = |id: &str, rule: Rule, input: String| {
        suite.refuse_as(DOCUMENT, format!("document-{id}"), rule, input);
    };
    let rule: Rule = ("RFC 8259 §4, RFC 7493 §2.3", "document_not_json");
    let text = good.text();
    refuse("not-json", rule, "document".into());
    refuse("an-array", rule, format!("[{text}]"));
    refuse("with-a-member-twice", rule, text.replacen('{', r#"{"name":"a","name":"b","#, 1));
    refuse("with-text-after-it", rule, format!("{text} {text}"));
    let rule: Rule = ("VC Data Integrity §4.4", "proof_missing");
    refuse("without-a-proof", rule, good.document.to_string());
    refuse("with-an-empty-list-of-proofs", rule, good.changed(|d| d["proof"] = json!([])));
    let rule: Rule = ("VC Data Integrity §2.1", "proof_malformed");
    refuse("with-text-for-a-proof", rule, good.changed(|d| d["proof"] = json!("proof")));
    let rule: Rule = ("RFC 7493 §2.2", "document_not_canonical");
    let number = good.text().replacen('{', r#"{"points":9007199254740993,"#, 1);
    refuse("with-a-number-that-is-rounded", rule, number);
    let zero = good.text().replacen('{', r#"{"points":-0.0,"#, 1);
    refuse("with-minus-zero", rule, zero);
}

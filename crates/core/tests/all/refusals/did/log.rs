//! The log of a did:webvh, and the approvals of its witnesses (did:webvh 1.0).

use std::sync::Arc;

use lanyard_core::{crypto::RustCrypto, did::webvh::approve_version};
use lanyard_testkit::test_now;
use serde_json::{Value, json};

use super::LOG;
use crate::{
    did_support::now,
    did_webvh_support::{Draft, PLACE, Sealed, multibase, multihash, sign},
    refusals::{Rule, Suite, keys::Known, w3c_jwt::moment},
};

const OTHER_SCID: &str = "QmfGEUAcMpzo25kF2Rhn8L6FAXysfGnkzjwdKoNPi615XQ";

fn good() -> Draft {
    Draft::by(Known::ed25519().signer())
}

fn input(sealed: &Sealed) -> String {
    with_witnesses(sealed, None)
}

fn with_witnesses(sealed: &Sealed, witnesses: Option<&str>) -> String {
    input_of(&format!("did:webvh:{}:{PLACE}", sealed.scid), &sealed.text(), witnesses)
}

fn input_of(did: &str, log: &str, witnesses: Option<&str>) -> String {
    json!({"did": did, "log": log, "witnesses": witnesses}).to_string()
}

/// A log with a fault, hashed and signed as it is.
fn with(change: impl FnOnce(&mut Draft)) -> String {
    let mut draft = good();
    change(&mut draft);
    input(&draft.sealed())
}

/// A good log that was changed when it was signed.
fn tampered(change: impl FnOnce(&mut Vec<Value>)) -> String {
    let mut sealed = good().sealed();
    change(&mut sealed.entries);
    input(&sealed)
}

/// A good log with its second entry changed and signed again, but not hashed again.
fn signed_again(change: impl FnOnce(&mut Value)) -> String {
    let draft = good();
    let key = Arc::clone(&draft.key);
    let mut sealed = draft.sealed();
    change(&mut sealed.entries[1]);
    let entry = sealed.entries[1].as_object().expect("an entry is an object").clone();
    sealed.entries[1] = sign(entry, &key);
    input(&sealed)
}

fn refuse(suite: &mut Suite, rule: Rule, cases: Vec<(&str, String)>) {
    for (id, input) in cases {
        suite.refuse_as(LOG, format!("log-{id}"), rule, input);
    }
}

pub(super) fn cases(suite: &mut Suite) {
    suite.accept(LOG, "log-of-two-entries", input(&good().sealed()));
    places(suite);
    forms(suite);
    versions(suite);
    parameters(suite);
    documents(suite);
    proofs(suite);
    rotation(suite);
    witnesses(suite);
}

fn places(suite: &mut Suite) {
    let sealed = good().sealed();
    let at =
        |place: &str| input_of(&format!("did:webvh:{}:{place}", sealed.scid), &sealed.text(), None);
    let text = sealed.text();
    refuse(
        suite,
        ("did:webvh 1.0, Identifier", "webvh_scid_malformed"),
        vec![
            ("scid-of-nothing", input_of("did:webvh:scid:issuer.example", &text, None)),
            (
                "scid-short",
                input_of(&format!("did:webvh:{}:issuer.example", &sealed.scid[..40]), &text, None),
            ),
        ],
    );
    refuse(
        suite,
        ("did:webvh 1.0, DID to HTTPS", "webvh_host"),
        vec![
            ("host-missing", input_of(&format!("did:webvh:{}", sealed.scid), &text, None)),
            ("host-an-address", at("192.0.2.1")),
            ("host-an-address-in-one-number", at("3221225985")),
            ("host-of-one-label", at("localhost")),
            ("host-with-a-user", at("a%40issuer.example")),
            ("host-with-port-zero", at("issuer.example%3A0")),
            ("host-with-a-port-beyond", at("issuer.example%3A65536")),
        ],
    );
    refuse(
        suite,
        ("did:webvh 1.0, DID to HTTPS", "webvh_path"),
        vec![
            ("path-upwards", at("issuer.example:%2E%2E:dids")),
            ("path-with-a-slash", at("issuer.example:a%2Fb")),
            ("path-escaped-twice", at("issuer.example:%252E%252E")),
            ("path-with-a-query", at("issuer.example:a%3Fb")),
        ],
    );
    refuse(
        suite,
        ("did:webvh 1.0, Read", "webvh_log_of_another"),
        vec![("of-another-place", at("other.example"))],
    );
}

fn forms(suite: &mut Suite) {
    let sealed = good().sealed();
    let did = format!("did:webvh:{}:{PLACE}", sealed.scid);
    let of = |log: &str| input_of(&did, log, None);
    refuse(
        suite,
        ("did:webvh 1.0, Read", "webvh_log_empty"),
        vec![("empty", of("")), ("of-empty-lines", of("\n\n"))],
    );
    let entry = &sealed.entries[0];
    let without = |name: &str| {
        let mut entry = entry.clone();
        entry.as_object_mut().expect("an object").shift_remove(name);
        of(&entry.to_string())
    };
    let more = {
        let mut entry = entry.clone();
        entry["more"] = json!(1);
        of(&entry.to_string())
    };
    let twice = entry.to_string().replacen('{', r#"{"versionTime":"2025-01-01T00:00:00Z","#, 1);
    refuse(
        suite,
        ("did:webvh 1.0, The DID Log", "webvh_entry_malformed"),
        vec![
            ("of-html", of("<html>")),
            ("of-arrays", of("[]")),
            ("with-a-member-twice", of(&twice)),
            ("with-a-member-more", more),
            ("without-versionId", without("versionId")),
            ("without-versionTime", without("versionTime")),
            ("without-parameters", without("parameters")),
            ("without-state", without("state")),
        ],
    );
}

fn versions(suite: &mut Suite) {
    let left_out = {
        let mut sealed = good().and(json!({})).sealed();
        sealed.entries.remove(1);
        input(&sealed)
    };
    refuse(
        suite,
        ("did:webvh 1.0, Read", "webvh_version_id"),
        vec![
            ("with-an-entry-left-out", left_out),
            ("version-without-a-hash", signed_again(|e| e["versionId"] = json!("2"))),
            (
                "version-of-another-number",
                signed_again(|e| e["versionId"] = json!(format!("3-{OTHER_SCID}"))),
            ),
            ("version-with-a-short-hash", signed_again(|e| e["versionId"] = json!("2-Qm"))),
        ],
    );
    refuse(
        suite,
        ("did:webvh 1.0, Entry Hash", "webvh_entry_hash"),
        vec![
            (
                "with-a-document-changed-and-signed-again",
                signed_again(|e| e["state"]["service"] = json!([])),
            ),
            (
                "with-a-time-changed-and-signed-again",
                signed_again(|e| e["versionTime"] = json!("2025-01-03T00:00:00Z")),
            ),
        ],
    );
    let time = |time: &str| with(|d| d.entries[1]["versionTime"] = json!(time));
    refuse(
        suite,
        ("did:webvh 1.0, The DID Log", "webvh_version_time_malformed"),
        vec![
            ("time-a-date", time("2025-01-02")),
            ("time-without-a-zone", time("2025-01-02T00:00:00")),
            ("time-of-another-zone", time("2025-01-02T00:00:00+01:00")),
        ],
    );
    refuse(
        suite,
        ("did:webvh 1.0, Read", "webvh_version_time_order"),
        vec![
            ("time-of-the-one-before", time("2025-01-01T00:00:00Z")),
            ("time-before-the-one-before", time("2024-12-31T23:59:59Z")),
        ],
    );
    refuse(
        suite,
        ("did:webvh 1.0, Read", "webvh_version_time_future"),
        vec![("time-to-come", time(&moment(301)))],
    );
    refuse(
        suite,
        ("did:webvh 1.0, SCID", "webvh_scid_hash"),
        vec![("scid-of-another-entry", with(|d| d.scid = Some(OTHER_SCID.to_owned())))],
    );
}

fn parameters(suite: &mut Suite) {
    let set = |entry: usize, name: &str, value: Value| {
        with(|d| d.entries[entry]["parameters"][name] = value)
    };
    let remove = |name: &str| {
        with(|d| {
            let parameters = d.entries[0]["parameters"].as_object_mut().expect("an object");
            parameters.shift_remove(name);
        })
    };
    refuse(
        suite,
        ("did:webvh 1.0, DID Method Parameters", "webvh_method_version"),
        vec![
            ("method-missing", remove("method")),
            ("method-of-another-version", set(0, "method", json!("did:webvh:99.0"))),
            ("method-of-a-draft", set(0, "method", json!("did:tdw:0.4"))),
            ("method-of-another-version-later", set(1, "method", json!("did:webvh:99.0"))),
        ],
    );
    refuse(
        suite,
        ("did:webvh 1.0, DID Method Parameters", "webvh_parameter_unknown"),
        vec![("parameter-unknown", set(1, "prerotation", json!(true)))],
    );
    refuse(
        suite,
        ("did:webvh 1.0, DID Method Parameters", "webvh_parameter_malformed"),
        vec![
            ("updateKeys-missing", remove("updateKeys")),
            ("updateKeys-text", set(1, "updateKeys", json!("z6Mk"))),
            ("updateKeys-numbers", set(1, "updateKeys", json!([1]))),
            ("nextKeyHashes-an-object", set(1, "nextKeyHashes", json!({}))),
            ("portable-text", set(1, "portable", json!("false"))),
            ("deactivated-a-number", set(1, "deactivated", json!(1))),
            ("ttl-text", set(1, "ttl", json!("3600"))),
            ("ttl-negative", set(1, "ttl", json!(-1))),
        ],
    );
    refuse(
        suite,
        ("did:webvh 1.0, DID Method Parameters", "webvh_scid_place"),
        vec![("scid-missing", remove("scid")), ("scid-again", set(1, "scid", json!("{SCID}")))],
    );
    refuse(
        suite,
        ("did:webvh 1.0, DID Portability", "webvh_portable_later"),
        vec![("portable-later", set(1, "portable", json!(true)))],
    );
}

fn documents(suite: &mut Suite) {
    let id = |id: Value| with(|d| d.entries[1]["state"]["id"] = id);
    refuse(
        suite,
        ("did:webvh 1.0, Read", "webvh_scid_of_another"),
        vec![
            ("document-of-another-scid", id(json!(format!("did:webvh:{OTHER_SCID}:{PLACE}")))),
            ("document-of-a-did-url", id(json!(format!("did:webvh:{{SCID}}:{PLACE}#key")))),
            ("document-of-an-array", id(json!([format!("did:webvh:{{SCID}}:{PLACE}")]))),
        ],
    );
    let moved = |portable: bool, known: Value| {
        with(|d| {
            d.entries[0]["parameters"]["portable"] = json!(portable);
            d.entries[1]["state"]["id"] = json!("did:webvh:{SCID}:elsewhere.example");
            d.entries[1]["state"]["alsoKnownAs"] = known;
        })
    };
    let former = json!([format!("did:webvh:{{SCID}}:{PLACE}")]);
    refuse(
        suite,
        ("did:webvh 1.0, DID Portability", "webvh_moved_without_leave"),
        vec![
            ("moved-though-not-portable", moved(false, former)),
            ("moved-without-a-trace", moved(true, json!([]))),
        ],
    );
    refuse(
        suite,
        ("DID 1.1 §5", "webvh_document_malformed"),
        vec![
            (
                "document-with-an-object-of-methods",
                with(|d| d.entries[1]["state"]["verificationMethod"] = json!({})),
            ),
            (
                "document-with-an-object-of-services",
                with(|d| d.entries[1]["state"]["service"] = json!({})),
            ),
        ],
    );
    let after = good().and(json!({"deactivated": true})).and(json!({}));
    refuse(
        suite,
        ("did:webvh 1.0, Deactivate", "webvh_after_deactivation"),
        vec![("with-an-entry-after-the-end", input(&after.sealed()))],
    );
}

fn proofs(suite: &mut Suite) {
    let proof =
        |name: &'static str, value: Value| tampered(|entries| entries[1]["proof"][name] = value);
    refuse(
        suite,
        ("did:webvh 1.0, Authorized Keys", "webvh_proof_malformed"),
        vec![
            ("proof-of-another-suite", proof("cryptosuite", json!("ecdsa-jcs-2019"))),
            ("proof-for-another-purpose", proof("proofPurpose", json!("authentication"))),
            ("proof-of-2020", proof("type", json!("Ed25519Signature2020"))),
            ("proof-by-did-web", proof("verificationMethod", json!("did:web:issuer.example#key"))),
            ("proof-value-in-base64url", proof("proofValue", json!("u0"))),
            ("without-a-proof", tampered(|entries| entries[1]["proof"] = json!([]))),
        ],
    );
    refuse(
        suite,
        ("did:webvh 1.0, Read", "webvh_proof_signature"),
        vec![
            (
                "proof-of-another-entry",
                tampered(|entries| {
                    entries[1]["proof"]["proofValue"] = entries[0]["proof"]["proofValue"].clone();
                }),
            ),
            (
                "one-of-two-proofs-bad",
                tampered(|entries| {
                    let (good, bad) = (entries[1]["proof"].clone(), entries[0]["proof"].clone());
                    entries[1]["proof"] = json!([good, bad]);
                }),
            ),
            ("document-changed", tampered(|entries| entries[1]["state"]["service"] = json!([]))),
        ],
    );
    let stranger = Arc::new(stranger());
    refuse(
        suite,
        ("did:webvh 1.0, Authorized Keys", "webvh_not_an_update_key"),
        vec![
            ("by-a-stranger", with(|d| d.signers[1] = Arc::clone(&stranger))),
            (
                "by-a-key-that-it-brings-itself",
                with(|d| {
                    d.entries[1]["parameters"] = json!({"updateKeys": [multibase(&stranger)]});
                    d.signers[1] = Arc::clone(&stranger);
                }),
            ),
        ],
    );
}

/// Another key for Ed25519, known as all of them.
fn stranger() -> lanyard_core::crypto::SoftwareSigner {
    Known::second_ed25519().signer()
}

fn rotation(suite: &mut Suite) {
    let next = Arc::new(stranger());
    let committed = |parameters: Value| {
        with(|d| {
            d.entries[0]["parameters"]["nextKeyHashes"] =
                json!([multihash(multibase(&next).as_bytes())]);
            d.entries[1]["parameters"] = parameters;
            d.signers[1] = Arc::clone(&next);
        })
    };
    let good = committed(json!({"updateKeys": [multibase(&next)], "nextKeyHashes": []}));
    suite.accept(LOG, "log-whose-next-key-was-committed-to", good);
    refuse(
        suite,
        ("did:webvh 1.0, Pre-Rotation", "webvh_committed_keys_left_out"),
        vec![
            ("without-the-committed-keys", committed(json!({"nextKeyHashes": []}))),
            ("without-the-next-commitment", committed(json!({"updateKeys": [multibase(&next)]}))),
        ],
    );
    let key = multibase(&Known::ed25519().signer());
    refuse(
        suite,
        ("did:webvh 1.0, Pre-Rotation", "webvh_key_not_committed"),
        vec![(
            "with-a-key-more-than-committed",
            committed(json!({"updateKeys": [multibase(&next), key], "nextKeyHashes": []})),
        )],
    );
}

fn witnesses(suite: &mut Suite) {
    let one = stranger();
    let id = format!("did:key:{}", multibase(&one));
    let witnessed = |witness: Value| {
        let mut draft = good();
        draft.entries[0]["parameters"]["witness"] = witness;
        draft.sealed()
    };
    let needs = |threshold: Value| json!({"threshold": threshold, "witnesses": [{"id": id}]});
    let sealed = witnessed(needs(json!(1)));
    let approval = |version: &str| {
        now(approve_version(version, &one, test_now(), &RustCrypto)).expect("a good witness")
    };
    let id_of = |at: usize| sealed.entries[at]["versionId"].as_str().expect("it is text");
    let file = |approvals: &[Value]| Value::from(approvals.to_vec()).to_string();
    let approved = file(&[approval(id_of(1))]);
    suite.accept(LOG, "log-with-its-witness", with_witnesses(&sealed, Some(&approved)));
    let malformed = |witness: Value| input(&witnessed(witness));
    refuse(
        suite,
        ("did:webvh 1.0, DID Witnesses", "webvh_witnesses_malformed"),
        vec![
            ("threshold-zero", malformed(needs(json!(0)))),
            ("threshold-beyond", malformed(needs(json!(2)))),
            ("threshold-text", malformed(needs(json!("1")))),
            (
                "witness-twice",
                malformed(json!({"threshold": 1, "witnesses": [{"id": id}, {"id": id}]})),
            ),
            (
                "witness-of-another-method",
                malformed(json!({"threshold": 1, "witnesses": [{"id": "did:web:a.example"}]})),
            ),
        ],
    );
    refuse(
        suite,
        ("did:webvh 1.0, DID Witnesses", "webvh_witness_file"),
        vec![
            ("without-its-witnesses", input(&sealed)),
            ("witnesses-an-object", with_witnesses(&sealed, Some("{}"))),
            ("witnesses-not-json", with_witnesses(&sealed, Some("<html>"))),
        ],
    );
    let mut replayed = approval(id_of(0));
    replayed["versionId"] = json!(id_of(1));
    refuse(
        suite,
        ("did:webvh 1.0, Verifying Witness Proofs", "webvh_too_few_witnesses"),
        vec![
            ("with-no-approval", with_witnesses(&sealed, Some("[]"))),
            (
                "with-an-approval-of-an-earlier-entry",
                with_witnesses(&sealed, Some(&file(&[approval(id_of(0))]))),
            ),
            (
                "with-an-approval-of-another-entry",
                with_witnesses(&sealed, Some(&file(&[replayed]))),
            ),
            (
                "with-an-approval-of-what-is-not-there",
                with_witnesses(&sealed, Some(&file(&[approval(&format!("3-{OTHER_SCID}"))]))),
            ),
        ],
    );
}

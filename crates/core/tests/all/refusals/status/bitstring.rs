//! Bitstring Status Lists: entries, and lists in JWTs and with proofs.

use lanyard_core::{
    crypto::RustCrypto,
    data_integrity::{Cryptosuite, ProofDraft},
    json,
};
use lanyard_testkit::test_now;
use serde_json::{Value, json};

use super::{ISS, Suite, TYPE, URI, accept, changed, did, input, jwt, ready, signer};
use crate::refusals::{Rule, keys::Known};

const VC_JWT: &str = "application/vc+jwt";
const VC: &str = "application/vc";

/// The list of the specification's example: 131,072 statuses, none of them set (§2.2).
const ENCODED: &str = "uH4sIAAAAAAAAA-3BMQEAAADCoPVPbQwfoAAAAAAAAAAAAAAAAAAAAIC3AYbSVKsAQAAA";

fn entry(changes: &Value) -> Value {
    let good = json!({
        "id": format!("{URI}#94567"),
        "type": "BitstringStatusListEntry",
        "statusPurpose": "revocation",
        "statusListIndex": "94567",
        "statusListCredential": URI,
    });
    changed(&good, changes)
}

fn credential(changes: &Value, subject: &Value) -> Value {
    let good = json!({
        "type": "BitstringStatusList",
        "statusPurpose": "revocation",
        "encodedList": ENCODED,
    });
    let good = json!({
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "id": URI,
        "type": ["VerifiableCredential", "BitstringStatusListCredential"],
        "issuer": ISS,
        "validFrom": "2026-01-01T00:00:00Z",
        "validUntil": "2026-02-01T00:00:00Z",
        "credentialSubject": changed(&good, subject),
    });
    changed(&good, changes)
}

fn header() -> Value {
    json!({"alg": "ES256", "typ": "vc+jwt", "cty": "vc"})
}

fn in_jwt(changes: &Value, subject: &Value) -> String {
    jwt(&Known::issuer(), &header(), &credential(changes, subject))
}

fn with_proof(changes: &Value, subject: &Value) -> Value {
    let issuer = json!({"issuer": did().as_str()});
    let document = changed(&credential(changes, subject), &issuer);
    let document = document.as_object().expect("an object").clone();
    let method = did().with_fragment("0").expect("a digit is a fragment");
    let proof = ProofDraft::assertion(Cryptosuite::EcdsaRdfc2019, &method).created(test_now());
    let signer = signer(&Known::issuer());
    let secured = proof.secure(document, &signer, &RustCrypto);
    ready(secured).expect("a key in memory signs").into()
}

pub(super) fn cases(suite: &mut Suite) {
    let none = json!({});
    let good = entry(&none);
    accept(suite, "bitstring-jwt", input(&good, VC_JWT, &in_jwt(&none, &none)));
    let proof = with_proof(&none, &none).to_string();
    accept(suite, "bitstring-proof", input(&good, VC, &proof));
    accept(suite, "bitstring-proof-as-json", input(&good, "application/json", &proof));
    let without = json!({"id": null, "validFrom": null, "validUntil": null});
    accept(suite, "bitstring-without-times", input(&good, VC_JWT, &in_jwt(&without, &none)));
    let both = json!({"statusPurpose": ["suspension", "revocation"]});
    accept(suite, "bitstring-of-two-purposes", input(&good, VC_JWT, &in_jwt(&none, &both)));
    entries(suite);
    secured(suite);
    credentials(suite);
    subjects(suite);
    encoded(suite);
}

fn entries(suite: &mut Suite) {
    let none = json!({});
    let list = in_jwt(&none, &none);
    let mut refuse = |id: &str, rule: Rule, changes: &Value| {
        suite.refuse(format!("entry-{id}"), rule, input(&entry(changes), VC_JWT, &list));
    };
    let section = "Bitstring Status List §2.1";
    refuse("of-another-type", (section, "status_unknown"), &json!({"type": "StatusList2021Entry"}));
    refuse("id-of-the-list", (section, "status_entry_id"), &json!({"id": URI}));
    let purpose: Rule = (section, "status_unknown");
    refuse("purpose-missing", purpose, &json!({"statusPurpose": null}));
    refuse("purpose-unknown", purpose, &json!({"statusPurpose": "of-our-own"}));
    let index: Rule = (section, "status_index_malformed");
    for (id, value) in [
        ("missing", Value::Null),
        ("number", json!(94567)),
        ("negative", json!("-1")),
        ("signed", json!("+1")),
        ("fraction", json!("1.5")),
        ("hexadecimal", json!("0x10")),
        ("empty", json!("")),
        ("2-to-the-64", json!("18446744073709551616")),
    ] {
        refuse(&format!("index-{id}"), index, &json!({"statusListIndex": value}));
    }
    let url: Rule = (section, "status_list_url_malformed");
    refuse("list-missing", url, &json!({"statusListCredential": null}));
    refuse("list-relative", url, &json!({"statusListCredential": "status/3"}));
    let size: Rule = (section, "status_size");
    for (id, value) in [("0", json!(0)), ("9", json!(9)), ("text", json!("2"))] {
        refuse(&format!("size-{id}"), size, &json!({"statusSize": value}));
    }
    let messages: Rule = (section, "status_messages");
    refuse("size-without-messages", messages, &json!({"statusSize": 2}));
    let one = json!([{"status": "0x0", "message": "good"}]);
    refuse("messages-too-few", messages, &json!({"statusMessage": one}));
    let decimal = json!([{"status": "0", "message": "good"}, {"status": "1", "message": "bad"}]);
    refuse("messages-decimal", messages, &json!({"statusMessage": decimal}));

    let range: Rule = ("Bitstring Status List §3.2(12)", "status_index_out_of_range");
    refuse("index-of-the-length", range, &json!({"statusListIndex": "131072"}));
    refuse("index-huge", range, &json!({"statusListIndex": "18446744073709551615"}));
    let mismatch: Rule = ("Bitstring Status List §3.2(8)", "status_purpose_mismatch");
    refuse("for-another-purpose", mismatch, &json!({"statusPurpose": "suspension"}));
}

fn secured(suite: &mut Suite) {
    let none = json!({});
    let (good, list) = (entry(&none), in_jwt(&none, &none));
    let mut refuse = |id: &str, rule: Rule, media_type: &str, body: &str| {
        suite.refuse(format!("bitstring-{id}"), rule, input(&good, media_type, body));
    };
    let kind: Rule = ("Bitstring Status List §4", "status_list_media_type");
    refuse("jwt-as-html", kind, "text/html", &list);
    refuse("jwt-as-jwt", kind, "application/jwt", &list);
    let refused = "status_list_credential_refused";
    refuse("jwt-as-document", ("VC Data Integrity §4.4", refused), VC, &list);
    let typ: Rule = ("VC-JOSE-COSE §3.1.1", refused);
    for (id, name) in [("typ-jwt", "JWT"), ("typ-of-a-presentation", "vp+jwt")] {
        let body = jwt(
            &Known::issuer(),
            &changed(&header(), &json!({"typ": name})),
            &credential(&none, &none),
        );
        refuse(&format!("jwt-{id}"), typ, VC_JWT, &body);
    }
    let unsigned =
        jwt(&Known::issuer(), &json!({"alg": "none", "typ": "vc+jwt"}), &credential(&none, &none));
    refuse("jwt-alg-none", ("RFC 7515 §4.1.1", refused), VC_JWT, &unsigned);
    let signature: Rule = ("Bitstring Status List §3.2(4)", "status_list_signature");
    let forged = jwt(&Known::stranger(), &header(), &credential(&none, &none));
    refuse("jwt-signed-by-a-stranger", signature, VC_JWT, &forged);
    let trust: Rule = ("Bitstring Status List §3.2", "status_list_issuer_refused");
    let other = json!({"issuer": "https://other.example"});
    refuse("by-nobody-who-is-trusted", trust, VC_JWT, &in_jwt(&other, &none));

    let proof = with_proof(&none, &none);
    let changed_after = changed(&proof, &json!({"validUntil": "2027-01-01T00:00:00Z"}));
    refuse("proof-over-another-document", signature, VC, &changed_after.to_string());
    let bare: Rule = ("VC Data Integrity §4.4", refused);
    refuse("proof-missing", bare, VC, &changed(&proof, &json!({"proof": null})).to_string());
}

fn credentials(suite: &mut Suite) {
    let none = json!({});
    let good = entry(&none);
    let mut refuse = |id: &str, rule: Rule, changes: &Value| {
        let list = in_jwt(changes, &none);
        suite.refuse(format!("bitstring-{id}"), rule, input(&good, VC_JWT, &list));
    };
    let kind: Rule = ("Bitstring Status List §2.2", "status_list_type");
    refuse("of-another-type", kind, &json!({"type": ["VerifiableCredential", TYPE]}));
    let another: Rule = ("Bitstring Status List §2.2", "status_list_another");
    refuse("id-of-another-list", another, &json!({"id": format!("{URI}0")}));
    let own = json!({"credentialStatus": {"id": "urn:example:1", "type": "Whatever"}});
    refuse("with-a-status-itself", ("Lanyard's limit", "status_list_has_status"), &own);
    let times: Rule = ("Bitstring Status List §2.2", "status_list_not_valid");
    refuse("expired", times, &json!({"validUntil": "2026-01-10T00:00:00Z"}));
    refuse("not-yet-valid", times, &json!({"validFrom": "2026-01-20T00:00:00Z"}));
    refuse("signature-expired", times, &json!({"exp": test_now().as_second() - 3600}));
    let model: Rule = ("VCDM 2.0 §4.3", "status_list_credential_refused");
    refuse("without-a-context", model, &json!({"@context": null}));
    let vc: Rule = ("VC-JOSE-COSE §1.1", "status_list_credential_refused");
    refuse("with-a-vc-claim", vc, &json!({"vc": {}}));
}

fn subjects(suite: &mut Suite) {
    let none = json!({});
    let good = entry(&none);
    let mut refuse = |id: &str, rule: Rule, subject: &Value| {
        let list = in_jwt(&none, subject);
        suite.refuse(format!("bitstring-{id}"), rule, input(&good, VC_JWT, &list));
    };
    let shape: Rule = ("Bitstring Status List §2.2", "status_list_subject");
    refuse("subject-of-another-type", shape, &json!({"type": "StatusList2021"}));
    refuse("subject-without-a-list", shape, &json!({"encodedList": null}));
    let purpose: Rule = ("Bitstring Status List §2.2", "status_purpose_unknown");
    refuse("purpose-missing", purpose, &json!({"statusPurpose": null}));
    refuse("purpose-number", purpose, &json!({"statusPurpose": 1}));
    refuse("purpose-empty", purpose, &json!({"statusPurpose": []}));
    let ttl: Rule = ("Bitstring Status List §2.2", "status_list_ttl_malformed");
    refuse("ttl-zero", ttl, &json!({"ttl": 0}));
    refuse("ttl-negative", ttl, &json!({"ttl": -1}));
    refuse("ttl-text", ttl, &json!({"ttl": "600000"}));

    let two = json!([
        {"type": "BitstringStatusList", "statusPurpose": "revocation", "encodedList": ENCODED},
        {"type": "BitstringStatusList", "statusPurpose": "suspension", "encodedList": ENCODED},
    ]);
    let list = in_jwt(&json!({"credentialSubject": two}), &none);
    suite.refuse("bitstring-two-subjects", shape, input(&good, VC_JWT, &list));
}

fn encoded(suite: &mut Suite) {
    let none = json!({});
    let good = entry(&none);
    let mut refuse = |id: &str, rule: Rule, encoded: String| {
        let list = in_jwt(&none, &json!({ "encodedList": encoded }));
        suite.refuse(format!("bitstring-{id}"), rule, input(&good, VC_JWT, &list));
    };
    let bare = &ENCODED[1..];
    let whole = json::base64url_decode(bare).expect("base64url");
    let again = |bytes: &[u8]| format!("u{}", json::base64url(bytes));
    let section = "Bitstring Status List §2.2";
    let prefix: Rule = (section, "status_list_not_multibase");
    refuse("list-without-a-prefix", prefix, bare.to_owned());
    refuse("list-in-base58", prefix, format!("z{bare}"));
    let alphabet: Rule = (section, "status_list_not_base64url");
    refuse("list-padded", alphabet, format!("{ENCODED}="));
    let gzip: Rule = (section, "status_list_not_gzip");
    refuse("list-raw-deflate", gzip, again(&whole[10..whole.len() - 8]));
    let mut bad = whole.clone();
    bad[0] = 0x78;
    refuse("list-zlib-magic", gzip, again(&bad));
    let mut bad = whole.clone();
    let checksum = bad.len() - 8;
    bad[checksum] ^= 1;
    refuse("list-wrong-checksum", gzip, again(&bad));
    let cut: Rule = ("RFC 1952 §2.2", "status_list_truncated");
    refuse("list-empty", cut, again(&[]));
    refuse("list-without-checksum", cut, again(&whole[..whole.len() - 8]));
    let more: Rule = ("RFC 1952 §2.2", "status_list_trailing_bytes");
    refuse("list-followed-by-a-byte", more, again(&[&whole[..], &[0]].concat()));
    // one stored block with a single byte in it (RFC 1951 §3.2.4), and its checksums
    let byte = [
        0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1, 1, 0, 0xfe, 0xff, 0, 0x8d, 0xef, 0x02, 0xd2, 1, 0,
        0, 0,
    ];
    refuse(
        "list-of-eight",
        ("Bitstring Status List §3.2(9)", "status_list_too_short"),
        again(&byte),
    );
}

//! What a reader would drop, or take for something else, is not signed (JSON-LD 1.1, VC Data Integrity §4.6).
//!
//! Each document was signed as a processor signs it that drops what it does not know.

use lanyard_core::w3c::BASE_CONTEXT;
use serde_json::{Value, json};

use super::{
    DOCUMENT,
    parts::{EXAMPLES, Parts, set},
};
use crate::refusals::{Rule, Suite};

type Change = fn(&mut Value);

fn examples() -> Parts {
    Parts::rdfc().document(|d| d["@context"] = json!([BASE_CONTEXT, EXAMPLES]))
}

fn dropped(suite: &mut Suite, parts: &Parts, rule: Rule, changes: &[(&str, Change)]) {
    for (id, change) in changes {
        suite.refuse_as(DOCUMENT, format!("json-ld-{id}"), rule, parts.changed(change));
    }
}

/// What a change of the names leaves signed: every quad is there.
fn signed(suite: &mut Suite, parts: Parts, rule: Rule, id: &str, rewritten: Change) {
    let mut secured = parts.secured();
    rewritten(&mut secured);
    suite.refuse_as(DOCUMENT, format!("json-ld-{id}"), rule, secured.to_string());
}

pub(super) fn cases(suite: &mut Suite) {
    terms(suite);
    values(suite);
    contexts(suite);
    rewritten(suite);
    limits(suite);
}

fn terms(suite: &mut Suite) {
    let rule: Rule = ("VC Data Integrity §4.6", "term_undefined");
    dropped(
        suite,
        &Parts::rdfc(),
        rule,
        &[
            ("term-undefined", |d| d["degree"] = json!("MSc")),
            ("term-undefined-of-the-subject", |d| d["credentialSubject"]["degree"] = json!("MSc")),
            ("term-undefined-of-the-proof", |d| d["proof"]["level"] = json!("high")),
            ("term-undefined-in-capitals", |d| d["credentialSubject"]["Name"] = json!("Eve")),
        ],
    );
    let rule: Rule = ("JSON-LD 1.1 §4.2", "term_keyword_like");
    dropped(
        suite,
        &Parts::rdfc(),
        rule,
        &[("term-like-a-keyword", |d| d["@unknown"] = json!("MSc"))],
    );
    let rule: Rule = ("VC Data Integrity §4.6", "json_ld_relative_iri");
    dropped(
        suite,
        &Parts::rdfc(),
        rule,
        &[
            ("type-undefined", |d| d["type"] = json!(["VerifiableCredential", "Badge"])),
            ("type-of-the-subject-undefined", |d| d["credentialSubject"]["type"] = json!("Person")),
            ("reference-relative", |d| d["evidence"] = json!({"id": "evidence"})),
        ],
    );
}

fn values(suite: &mut Suite) {
    let rule: Rule = ("VC Data Integrity §4.6", "json_ld_dropped_value");
    dropped(
        suite,
        &Parts::rdfc(),
        rule,
        &[
            ("null", |d| d["description"] = Value::Null),
            ("empty-array", |d| d["evidence"] = json!([])),
            ("null-in-an-array", |d| d["credentialSubject"]["name"] = json!(["Ada", null])),
        ],
    );
    let rule: Rule = ("JSON-LD 1.1 §9.2", "json_ld_keyword_value");
    dropped(
        suite,
        &Parts::rdfc(),
        rule,
        &[
            ("id-a-number", |d| d["evidence"] = json!({"id": 1})),
            ("type-a-number", |d| d["credentialSubject"]["type"] = json!(1)),
        ],
    );
    let rule: Rule = ("RDF 1.1 §3.3", "rdf_language_malformed");
    dropped(
        suite,
        &Parts::rdfc(),
        rule,
        &[("language-malformed", |d| {
            d["description"] = json!({"@value": "Badge", "@language": "e n"});
        })],
    );
    let rule: Rule = ("RDF 1.1 §3.2", "rdf_iri_malformed");
    dropped(
        suite,
        &Parts::rdfc(),
        rule,
        &[
            ("iri-with-a-quad-in-it", |d| {
                d["evidence"] = json!({"id": "urn:a> <urn:b> <urn:c> .\n<urn:d"});
            }),
            ("iri-with-a-space", |d| d["evidence"] = json!({"id": "urn:a b"})),
        ],
    );
    let rule: Rule = ("RFC 7493 §2.2", "json_ld_literal");
    dropped(
        suite,
        &examples(),
        rule,
        &[("number-that-is-rounded", |d| {
            d["credentialSubject"]["points"] = json!(9_007_199_254_740_993_u64);
        })],
    );
}

fn contexts(suite: &mut Suite) {
    let rule: Rule = ("VC Data Integrity §4.6", "context_unknown");
    dropped(
        suite,
        &Parts::rdfc(),
        rule,
        &[
            ("context-unknown", |d| d["@context"] = json!([BASE_CONTEXT, "https://a.example/v1"])),
            ("context-by-http", |d| {
                d["@context"] = json!([BASE_CONTEXT, "http://www.w3.org/ns/credentials/v2"]);
            }),
        ],
    );
    let rule: Rule = ("JSON-LD 1.1 §9.15", "context_malformed");
    dropped(
        suite,
        &Parts::rdfc(),
        rule,
        &[("context-a-number", |d| d["@context"] = json!([BASE_CONTEXT, 1]))],
    );
    let rule: Rule = ("VC Data Integrity §4.6", "context_inline");
    dropped(
        suite,
        &Parts::rdfc(),
        rule,
        &[("context-inline", |d| {
            d["@context"] = json!([BASE_CONTEXT, {"points": "https://a.example/points"}]);
        })],
    );
    let rule: Rule = ("VC Data Integrity §4.6", "context_nested");
    signed(suite, Parts::rdfc(), rule, "context-nested", |d| {
        d["credentialSubject"]["@context"] = json!(BASE_CONTEXT);
    });
    let rule: Rule = ("VC Data Integrity §4.6", "context_nested");
    signed(suite, Parts::rdfc(), rule, "context-nested-with-another-name", |d| {
        let name = d["credentialSubject"]["name"].take();
        let id = d["credentialSubject"]["id"].take();
        d["credentialSubject"] = json!({
            "@context": {"called": "https://schema.org/name"}, "id": id, "called": name,
        });
    });
}

fn rewritten(suite: &mut Suite) {
    let rule: Rule = ("VC Data Integrity §4.6", "json_ld_not_a_term");
    signed(suite, Parts::rdfc(), rule, "end-by-its-iri", |d| {
        let until = d["validUntil"].take();
        set(d, "validUntil", Value::Null);
        d["https://www.w3.org/2018/credentials#validUntil"] = json!({
            "@value": until, "@type": "http://www.w3.org/2001/XMLSchema#dateTime",
        });
    });
    signed(suite, Parts::rdfc(), rule, "id-by-its-keyword", |d| {
        let id = d["id"].take();
        set(d, "id", Value::Null);
        d["@id"] = id;
    });
    let expiring = Parts::rdfc().option("expires", json!(super::parts::moment(3600)));
    signed(suite, expiring, rule, "end-of-the-proof-by-its-iri", |d| {
        let until = d["proof"]["expires"].take();
        set(&mut d["proof"], "expires", Value::Null);
        d["proof"]["https://w3id.org/security#expiration"] = json!({
            "@value": until, "@type": "http://www.w3.org/2001/XMLSchema#dateTime",
        });
    });
    let rule: Rule = ("VC Data Integrity §4.6", "json_ld_described_twice");
    signed(
        suite,
        Parts::rdfc().document(|d| {
            d["evidence"] = json!({"id": d["id"]});
        }),
        rule,
        "end-in-a-second-place",
        |d| {
            let until = d["validUntil"].take();
            set(d, "validUntil", Value::Null);
            d["evidence"]["type"] = json!("VerifiableCredential");
            d["evidence"]["validUntil"] = until;
        },
    );
}

fn limits(suite: &mut Suite) {
    let rule: Rule = ("a limit of 64 blank nodes", "rdf_too_large");
    dropped(
        suite,
        &examples(),
        rule,
        &[("too-many-blank-nodes", |d| {
            d["credentialSubject"]["part"] = (0..65).map(|n| json!({"number": n})).collect();
        })],
    );
    let rule: Rule = ("RDF Dataset Canonicalization §7.1", "rdf_poisoned");
    // a prism of 32 blank nodes: nothing tells them apart
    dropped(
        suite,
        &examples(),
        rule,
        &[("poisoned", |d| {
            let at =
                |floor: usize, at: usize| json!({"id": format!("_:n{}", floor * 16 + at % 16)});
            let node = |n: usize| {
                let (floor, place) = (n / 16, n % 16);
                let related = [at(floor, place + 1), at(floor, place + 15), at(1 - floor, place)];
                json!({"id": format!("_:n{n}"), "near": related})
            };
            d["credentialSubject"] = (0..32).map(node).collect();
        })],
    );
}

//! JSON-LD in safe mode: what becomes quads, and what is refused instead of being dropped.

use lanyard_core::{
    crypto::{HashAlgorithm, RustCrypto},
    data_integrity::{
        json_ld::{Contexts, JsonLdError, to_rdf},
        rdf::RdfError,
    },
    json::{CanonicalizeError, Object},
};
use proptest::prelude::*;
use serde_json::{Value, json};

const V2: &str = "https://www.w3.org/ns/credentials/v2";
const EXAMPLES: &str = "https://www.w3.org/ns/credentials/examples/v2";

fn quads_of(document: &Value) -> Result<String, JsonLdError> {
    let document: Object = serde_json::from_value(document.clone()).expect("the tests use objects");
    let dataset = to_rdf(&document, Contexts::bundled())?;
    let canonical = dataset.canonicalize(HashAlgorithm::Sha256, &RustCrypto)?;
    Ok(canonical.to_n_quads())
}

fn refusal(document: Value) -> JsonLdError {
    quads_of(&document).expect_err("the tests break a rule")
}

/// One subject, `urn:s`, with one property under this definition.
fn one(definition: Value, value: Value) -> Result<String, JsonLdError> {
    let document = json!({
        "@context": {"p": definition, "q": "urn:q", "id": "@id", "type": "@type"},
        "@id": "urn:s",
        "p": value,
    });
    quads_of(&document)
}

fn same(definition: Value, value: Value, lines: &[&str]) {
    let expected: String = lines.iter().map(|line| format!("{line} .\n")).collect();
    assert_eq!(one(definition, value), Ok(expected));
}

#[test]
fn strings_numbers_and_booleans_become_literals() {
    let plain = || json!("urn:p");
    same(plain(), json!("a \"b\"\n"), &[r#"<urn:s> <urn:p> "a \"b\"\n""#]);
    same(
        plain(),
        json!(true),
        &[r#"<urn:s> <urn:p> "true"^^<http://www.w3.org/2001/XMLSchema#boolean>"#],
    );
    let integer = r#"<urn:s> <urn:p> "5"^^<http://www.w3.org/2001/XMLSchema#integer>"#;
    same(plain(), json!(5), &[integer]);
    same(plain(), json!(5.0), &[integer]);
    same(
        plain(),
        json!(-5.25),
        &[r#"<urn:s> <urn:p> "-5.25E0"^^<http://www.w3.org/2001/XMLSchema#double>"#],
    );
    let typed = json!({"@id": "urn:p", "@type": "urn:t"});
    same(typed.clone(), json!("a"), &[r#"<urn:s> <urn:p> "a"^^<urn:t>"#]);
    same(typed, json!(1), &[r#"<urn:s> <urn:p> "1"^^<urn:t>"#]);
    let too_large = JsonLdError::Literal(CanonicalizeError::IntegerTooLarge);
    assert_eq!(one(plain(), json!(9_007_199_254_740_993_u64)), Err(too_large));
}

#[test]
fn value_objects_carry_datatype_language_and_direction() {
    let plain = || json!("urn:p");
    same(plain(), json!({"@value": "a", "@type": "urn:t"}), &[r#"<urn:s> <urn:p> "a"^^<urn:t>"#]);
    same(plain(), json!({"@value": "a", "@language": "de-CH"}), &[r#"<urn:s> <urn:p> "a"@de-ch"#]);
    same(
        plain(),
        json!({"@value": "a", "@language": "ar", "@direction": "rtl"}),
        &[r#"<urn:s> <urn:p> "a"^^<https://www.w3.org/ns/i18n#ar_rtl>"#],
    );
    same(
        plain(),
        json!({"@value": {"b": [1, null], "a": "x"}, "@type": "@json"}),
        &[
            r#"<urn:s> <urn:p> "{\"a\":\"x\",\"b\":[1,null]}"^^<http://www.w3.org/1999/02/22-rdf-syntax-ns#JSON>"#,
        ],
    );
    for (value, keyword) in [
        (json!({"@value": "a", "q": "b"}), "@value"),
        (json!({"@value": "a", "@id": "urn:a"}), "@value"),
        (json!({"@value": {"a": 1}}), "@value"),
        (json!({"@language": "en"}), "@value"),
        (json!({"@value": 1, "@language": "en"}), "@language"),
        (json!({"@value": "a", "@language": 1}), "@language"),
        (json!({"@value": "a", "@direction": "up"}), "@direction"),
        (json!({"@value": "a", "@type": "urn:t", "@language": "en"}), "@type"),
    ] {
        assert_eq!(one(plain(), value), Err(JsonLdError::KeywordValue(keyword)));
    }
    let tag = one(plain(), json!({"@value": "a", "@language": "e n"}));
    assert_eq!(tag, Err(JsonLdError::Rdf(RdfError::Language)));
    let tag = one(plain(), json!({"@value": "a", "@language": "en>", "@direction": "ltr"}));
    assert_eq!(tag, Err(JsonLdError::Rdf(RdfError::Language)));
}

#[test]
fn references_terms_lists_languages_and_json_follow_their_term() {
    same(
        json!({"@id": "urn:p", "@type": "@id"}),
        json!(["urn:a", "urn:b"]),
        &["<urn:s> <urn:p> <urn:a>", "<urn:s> <urn:p> <urn:b>"],
    );
    same(json!({"@id": "urn:p", "@type": "@vocab"}), json!("q"), &["<urn:s> <urn:p> <urn:q>"]);
    same(
        json!({"@id": "urn:p", "@container": "@list"}),
        json!(["a", "b"]),
        &[
            r#"<urn:s> <urn:p> _:c14n0"#,
            r#"_:c14n0 <http://www.w3.org/1999/02/22-rdf-syntax-ns#first> "a""#,
            "_:c14n0 <http://www.w3.org/1999/02/22-rdf-syntax-ns#rest> _:c14n1",
            r#"_:c14n1 <http://www.w3.org/1999/02/22-rdf-syntax-ns#first> "b""#,
            "_:c14n1 <http://www.w3.org/1999/02/22-rdf-syntax-ns#rest> <http://www.w3.org/1999/02/22-rdf-syntax-ns#nil>",
        ],
    );
    let nil = "<urn:s> <urn:p> <http://www.w3.org/1999/02/22-rdf-syntax-ns#nil>";
    same(json!({"@id": "urn:p", "@container": "@list"}), json!([]), &[nil]);
    same(json!("urn:p"), json!({"@list": []}), &[nil]);
    same(
        json!({"@id": "urn:p", "@container": "@language"}),
        json!({"en": "a", "de": ["b", "c"], "@none": "d"}),
        &[
            r#"<urn:s> <urn:p> "a"@en"#,
            r#"<urn:s> <urn:p> "b"@de"#,
            r#"<urn:s> <urn:p> "c"@de"#,
            r#"<urn:s> <urn:p> "d""#,
        ],
    );
    same(
        json!({"@id": "urn:p", "@type": "@json"}),
        json!([null, {}]),
        &[r#"<urn:s> <urn:p> "[null,{}]"^^<http://www.w3.org/1999/02/22-rdf-syntax-ns#JSON>"#],
    );
    same(json!({"@id": "urn:p", "@language": "en"}), json!("a"), &[r#"<urn:s> <urn:p> "a"@en"#]);
}

#[test]
fn nodes_arrays_and_graphs_become_blank_nodes_and_sets() {
    same(
        json!("urn:p"),
        json!([[{"q": "a"}, "b"], "b"]),
        &[r#"<urn:s> <urn:p> "b""#, "<urn:s> <urn:p> _:c14n0", r#"_:c14n0 <urn:q> "a""#],
    );
    same(
        json!({"@id": "urn:p", "@container": "@graph"}),
        json!([{"id": "urn:a", "q": "b"}]),
        &[r#"<urn:a> <urn:q> "b" _:c14n0"#, "<urn:s> <urn:p> _:c14n0"],
    );
    same(
        json!("urn:p"),
        json!({"id": "_:x", "q": {"id": "_:x"}}),
        &["<urn:s> <urn:p> _:c14n0", "_:c14n0 <urn:q> _:c14n0"],
    );
    same(json!("urn:p"), json!({}), &["<urn:s> <urn:p> _:c14n0"]);
}

#[test]
fn refuses_what_would_be_dropped() {
    let with = |name: &str, value: Value| {
        let mut document = json!({"@context": [V2], "id": "urn:s", "type": "VerifiableCredential"});
        document[name] = value;
        refusal(document)
    };
    assert_eq!(with("unknown", json!("a")), JsonLdError::UndefinedTerm("unknown".to_owned()));
    let nested = with("credentialSubject", json!({"degree": "a"}));
    assert_eq!(nested, JsonLdError::UndefinedTerm("degree".to_owned()));
    assert_eq!(with("type", json!(["Unknown"])), JsonLdError::Relative("a type"));
    assert_eq!(with("id", json!("relative")), JsonLdError::Relative("an identifier"));
    assert_eq!(with("issuer", json!("issuer")), JsonLdError::Relative("a reference"));
    assert_eq!(with("issuer", json!({"id": "#issuer"})), JsonLdError::Relative("an identifier"));
    assert_eq!(with("evidence", json!(null)), JsonLdError::Dropped("a null"));
    assert_eq!(with("evidence", json!([])), JsonLdError::Dropped("an empty array"));
    assert_eq!(with("evidence", json!([[]])), JsonLdError::Dropped("an empty array"));
    assert_eq!(with("type", json!([])), JsonLdError::Dropped("an empty array"));
    assert_eq!(with("name", json!({"@value": null})), JsonLdError::Dropped("a null"));
    assert_eq!(with("@unknown", json!("a")), JsonLdError::KeywordLike);
    let only_an_identifier = json!({"@context": V2, "id": "urn:s"});
    assert_eq!(refusal(only_an_identifier), JsonLdError::Dropped("the document"));
    assert_eq!(refusal(json!({"@value": "a"})), JsonLdError::Dropped("the document"));
    let graph = json!({
        "@context": V2, "type": "VerifiablePresentation", "verifiableCredential": "urn:a",
    });
    assert_eq!(refusal(graph), JsonLdError::Dropped("a graph"));
    let nothing = json!({"@context": {"p": null}, "@id": "urn:s", "p": "a"});
    assert_eq!(refusal(nothing), JsonLdError::UndefinedTerm("p".to_owned()));
}

#[test]
fn a_vocabulary_defines_every_term() {
    let document = json!({
        "@context": [V2, EXAMPLES], "id": "urn:s", "type": ["VerifiableCredential", "Any"], "any": 1,
    });
    let quads = quads_of(&document).unwrap();
    assert!(quads.contains("<https://www.w3.org/ns/credentials/examples#Any>"));
    assert!(quads.contains("<https://www.w3.org/ns/credentials/examples#any>"));
}

#[test]
fn a_context_that_came_by_a_type_ends_with_its_node() {
    let below = json!({
        "@context": V2, "id": "urn:s", "type": "VerifiableCredential",
        "credentialSubject": {"validFrom": "2026-01-01T00:00:00Z"},
    });
    assert_eq!(refusal(below), JsonLdError::UndefinedTerm("validFrom".to_owned()));
    // a mere reference is no node of its own
    let context = json!({
        "id": "@id", "type": "@type", "q": "urn:q",
        "T": {"@id": "urn:T", "@context": {"p": {"@id": "urn:p", "@type": "@id"}}},
    });
    let document = json!({"@context": context, "id": "urn:s", "type": "T", "p": {"id": "urn:o"}});
    assert!(quads_of(&document).unwrap().contains("<urn:s> <urn:p> <urn:o> .\n"));
    let document = json!({
        "@context": context, "id": "urn:s", "type": "T", "p": {"id": "urn:o", "p": "urn:x"},
    });
    assert_eq!(refusal(document), JsonLdError::UndefinedTerm("p".to_owned()));
}

#[test]
fn contexts_of_several_types_apply_in_the_order_of_their_names() {
    let context = json!({
        "type": "@type",
        "B": {"@id": "urn:B", "@context": {"p": "urn:by-b"}},
        "A": {"@id": "urn:A", "@context": {"p": "urn:by-a"}},
    });
    for types in [json!(["A", "B"]), json!(["B", "A"])] {
        let document = json!({"@context": context, "@id": "urn:s", "type": types, "p": "x"});
        assert!(quads_of(&document).unwrap().contains("<urn:by-b>"));
    }
}

#[test]
fn a_context_that_came_by_a_property_holds_below_it() {
    let document = json!({
        "@context": V2, "id": "urn:s", "type": "DataIntegrityProof", "proofPurpose": "assertionMethod",
    });
    assert!(quads_of(&document).unwrap().contains(
        "<urn:s> <https://w3id.org/security#proofPurpose> <https://w3id.org/security#assertionMethod> .\n"
    ));
    // credentials in a presentation start without any context, protected terms or not
    let bare = json!({
        "@context": V2, "type": "VerifiablePresentation",
        "verifiableCredential": {"type": "VerifiableCredential"},
    });
    assert_eq!(refusal(bare), JsonLdError::UndefinedTerm("type".to_owned()));
    let credential = json!({"@context": V2, "id": "urn:c", "type": "VerifiableCredential"});
    let presentation = json!({
        "@context": V2, "type": "VerifiablePresentation", "verifiableCredential": [credential],
    });
    assert!(quads_of(&presentation).unwrap().contains(
        "<urn:c> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> \
         <https://www.w3.org/2018/credentials#VerifiableCredential> _:c14n"
    ));
}

#[test]
fn a_protected_term_is_not_defined_anew() {
    let under = |context: Value| {
        quads_of(&json!({"@context": [V2, context], "id": "urn:s", "name": "a"})).map(drop)
    };
    assert_eq!(under(json!({"name": "urn:name"})), Err(JsonLdError::ProtectedTerm));
    assert_eq!(under(json!({"name": null})), Err(JsonLdError::ProtectedTerm));
    assert_eq!(under(json!({"id": "urn:id"})), Err(JsonLdError::ProtectedTerm));
    assert_eq!(under(json!(null)), Err(JsonLdError::ProtectedTerm));
    assert_eq!(under(json!({"name": "https://schema.org/name"})), Ok(()), "it says the same");
    assert_eq!(under(json!({"nickname": "urn:nickname"})), Ok(()));
    let nested = json!({
        "@context": V2, "id": "urn:s", "type": "VerifiableCredential",
        "credentialSubject": {"@context": {"name": "urn:name"}, "name": "a"},
    });
    assert_eq!(refusal(nested), JsonLdError::ProtectedTerm);
    let again = json!({"@context": [V2, V2], "id": "urn:s", "name": "a"});
    assert!(quads_of(&again).is_ok(), "the same context again changes nothing");
}

#[test]
fn a_context_that_is_not_known_is_never_fetched() {
    let url = "https://context.example/v1";
    let document = json!({"@context": [V2, url], "id": "urn:s", "name": "a"});
    assert_eq!(refusal(document.clone()), JsonLdError::UnknownContext(url.to_owned()));
    let document: Object = serde_json::from_value(document).unwrap();
    let contexts = Contexts::new().with(url, br#"{"@context": {"p": "urn:p"}}"#).unwrap();
    assert!(to_rdf(&document, &contexts).is_ok());
    let not_a_context = Contexts::new().with(url, b"{}").unwrap_err();
    assert_eq!(not_a_context, JsonLdError::Context("@context"));
    // contexts that name each other come to an end
    let itself = format!(r#"{{"@context": "{url}"}}"#);
    let contexts = Contexts::new().with(url, itself.as_bytes()).unwrap();
    assert_eq!(to_rdf(&document, &contexts).unwrap_err(), JsonLdError::ContextTooLarge);
}

#[test]
fn refuses_contexts_and_definitions_that_break_a_rule() {
    let context =
        |context: Value| refusal(json!({"@context": context, "@id": "urn:s", "urn:p": "a"}));
    for (value, at) in [
        (json!(1), "@context"),
        (json!([[]]), "@context"),
        (json!({"@version": 1.0}), "@version"),
        (json!({"@vocab": 1}), "@vocab"),
        (json!({"@vocab": "relative"}), "@vocab"),
        (json!({"@language": 1}), "@language"),
        (json!({"@protected": "yes"}), "@protected"),
        (json!({"@propagate": 1}), "@propagate"),
    ] {
        assert_eq!(context(value), JsonLdError::Context(at));
    }
    for (definition, at) in [
        (json!(1), "term"),
        (json!({"@id": 1}), "@id"),
        (json!({"@id": "relative"}), "@id"),
        (json!("_:blank"), "@id"),
        (json!({}), "@id"),
        (json!({"@id": "urn:p", "@type": 1}), "@type"),
        (json!({"@id": "urn:p", "@type": "relative"}), "@type"),
        (json!({"@id": "urn:p", "@container": "@value"}), "@container"),
        (json!({"@id": "urn:p", "@container": ["@list", "@set"]}), "@container"),
        (json!({"@id": "urn:p", "@prefix": 1}), "@prefix"),
        (json!({"@id": "urn:p", "@protected": 1}), "@protected"),
        (json!({"@id": "urn:p", "@language": 1}), "@language"),
        (json!({"@id": "urn:p", "other": 1}), "term"),
    ] {
        assert_eq!(
            context(json!({"p": definition})),
            JsonLdError::TermDefinition(at),
            "{definition}"
        );
    }
    assert_eq!(context(json!({"@id": "urn:p"})), JsonLdError::TermDefinition("keyword"));
    assert_eq!(context(json!({"@any": "urn:p"})), JsonLdError::KeywordLike);
    assert_eq!(context(json!({"a": "b:x", "b": "a:x"})), JsonLdError::CyclicTerms);
    assert_eq!(context(json!({"urn:p": "urn:q"})), JsonLdError::TermDefinition("@id"));
}

#[test]
fn refuses_what_secured_documents_never_need() {
    let document = |name: &str, value: Value| {
        let mut document = json!({"@id": "urn:s", "urn:p": "a"});
        document[name] = value;
        refusal(document)
    };
    for keyword in ["@reverse", "@included", "@graph", "@index", "@nest", "@set"] {
        assert_eq!(document(keyword, json!([])), JsonLdError::Unsupported(keyword));
    }
    for keyword in ["@import", "@base", "@direction"] {
        let context = json!({keyword: "https://www.w3.org/ns/credentials/v2"});
        assert_eq!(document("@context", context), JsonLdError::Unsupported(keyword));
    }
    for keyword in ["@reverse", "@nest", "@index", "@direction"] {
        let context = json!({"p": {"@id": "urn:p", keyword: "ltr"}});
        assert_eq!(document("@context", context), JsonLdError::Unsupported(keyword));
    }
    let lists = one(json!({"@id": "urn:p", "@container": "@list"}), json!([["a"]]));
    assert_eq!(lists, Err(JsonLdError::Unsupported("@list")));
}

#[test]
fn refuses_two_members_for_one_keyword() {
    let document = json!({"@context": V2, "id": "urn:a", "@id": "urn:b", "name": "a"});
    assert_eq!(refusal(document), JsonLdError::CollidingKeywords("@id"));
    let document = json!({"@context": V2, "type": "urn:a", "@type": "urn:b", "name": "a"});
    assert_eq!(refusal(document), JsonLdError::CollidingKeywords("@type"));
}

#[test]
fn no_iri_can_make_one_quad_look_like_two() {
    for iri in ["urn:a> <urn:b", "urn:a b", "urn:a\nb", "urn:a\"", "urn:a\\u003e", "urn:{a}"] {
        let iri_refused = JsonLdError::Rdf(RdfError::Iri);
        let id = json!({"@context": V2, "id": iri, "name": "a"});
        assert_eq!(refusal(id), iri_refused);
        let kind = json!({"@context": V2, "id": "urn:s", "type": iri});
        assert_eq!(refusal(kind), iri_refused);
        let property = json!({"@id": "urn:s", iri: "a"});
        assert_eq!(refusal(property), iri_refused);
        let datatype = json!({"@id": "urn:s", "urn:p": {"@value": "a", "@type": iri}});
        assert_eq!(refusal(datatype), iri_refused);
        let reference = json!({
            "@context": V2, "id": "urn:s", "type": "VerifiableCredential", "issuer": iri,
        });
        assert_eq!(refusal(reference), iri_refused);
    }
}

#[test]
fn refuses_documents_and_contexts_beyond_the_limits() {
    let mut deep = json!("a");
    for _ in 0..100 {
        deep = json!({"urn:p": deep});
    }
    assert_eq!(refusal(deep), JsonLdError::TooDeep);
    let values: Vec<_> = (0..2001).map(|number| json!(number)).collect();
    let wide = json!({"@id": "urn:s", "urn:p": values});
    assert_eq!(refusal(wide), JsonLdError::Rdf(RdfError::TooLarge));
    let nodes: Vec<_> = (0..65).map(|_| json!({})).collect();
    let blank = json!({"@id": "urn:s", "urn:p": nodes});
    assert_eq!(refusal(blank), JsonLdError::Rdf(RdfError::TooManyBlankNodes));
    // a short document whose context makes every term long
    let values: Vec<_> = (0..1000).map(|number| json!(format!("p:{number}"))).collect();
    let prefix = format!("urn:{}/", "a".repeat(100_000));
    let context = json!({"p": prefix, "q": {"@id": "urn:q", "@type": "@id"}});
    let long = json!({"@context": context, "@id": "urn:s", "q": values});
    assert_eq!(refusal(long), JsonLdError::Rdf(RdfError::TooLarge));
    // a small document that works a large context in again and again
    let terms: Object = (0..900).map(|n| (format!("t{n}"), json!("urn:t"))).collect();
    let node = |n: usize| json!({"@context": {"n": "urn:n"}, "@id": format!("urn:{n}")});
    let nodes: Vec<_> = (0..200).map(node).collect();
    let heavy = json!({"@context": terms, "@id": "urn:s", "urn:p": nodes});
    assert_eq!(refusal(heavy), JsonLdError::ContextTooLarge);
}

fn any_json() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        Just("@id"),
        Just("@type"),
        Just("@value"),
        Just("@list"),
        Just("@context"),
        Just("@vocab"),
        Just("@container"),
        Just("@language"),
        Just("@graph"),
        Just("@json"),
        Just("@protected"),
        Just("id"),
        Just("type"),
        Just("proof"),
        Just("VerifiableCredential"),
        Just("urn:a"),
        Just("_:b"),
        Just("a:b"),
        Just(":"),
        Just(""),
        Just("@"),
        Just(V2),
        Just("credentialSubject"),
    ]
    .prop_map(str::to_owned);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((text.clone(), inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn rubbish_never_panics(context in any_json(), document in any_json()) {
        if let Value::Object(mut document) = document {
            let _ = to_rdf(&document, Contexts::bundled());
            document.insert("@context".to_owned(), json!([V2, context]));
            let _ = to_rdf(&document, Contexts::bundled());
        }
    }
}

#[test]
fn refuses_a_long_chain_of_terms_before_the_stack_ends() {
    let chain = |length: usize| -> Object {
        let term = |n| (format!("t{n}"), json!(format!("t{}", n + 1)));
        let end = (format!("t{length}"), json!("urn:t"));
        (0..length).map(term).chain([end]).collect()
    };
    let read = |length| {
        let document = json!({"@context": chain(length), "@id": "urn:s", "urn:p": "a"});
        // the stack of a thread of a server
        let thread = std::thread::Builder::new().stack_size(2 << 20);
        thread.spawn(move || quads_of(&document).map(drop)).unwrap().join().unwrap()
    };
    assert_eq!(read(31), Ok(()));
    assert_eq!(read(32), Err(JsonLdError::ContextTooLarge));
    assert_eq!(read(9_900), Err(JsonLdError::ContextTooLarge));
    // nor does it matter how one term leads to the next
    let terms = |n| (format!("t{n}"), json!({"@id": "urn:t", "@type": format!("t{}:", n + 1)}));
    let context: Object = (0..9_900).map(terms).collect();
    let document = json!({"@context": context, "@id": "urn:s", "urn:p": "a"});
    assert_eq!(refusal(document), JsonLdError::ContextTooLarge);
}

#[test]
fn refuses_contexts_that_are_named_again_and_again() {
    let again = |times| json!({"@context": vec![V2; times], "id": "urn:s", "name": "a"});
    assert!(quads_of(&again(16)).is_ok());
    assert_eq!(refusal(again(17)), JsonLdError::ContextTooLarge);
    assert_eq!(refusal(again(1_000)), JsonLdError::ContextTooLarge);
    // nor may a few in each of many nodes take as much work
    let node = |n: usize| {
        let odd = [V2, EXAMPLES, V2, EXAMPLES, V2, EXAMPLES, V2, EXAMPLES];
        let here = json!({"n": format!("urn:n{n}")});
        let context: Vec<_> = [here].into_iter().chain(odd.map(Value::from)).collect();
        json!({"@context": context, "@id": format!("urn:{n}")})
    };
    let nodes: Vec<_> = (0..100).map(node).collect();
    assert_eq!(refusal(json!({"@id": "urn:s", "urn:p": nodes})), JsonLdError::ContextTooLarge);
    // nor a context that brings a large one along in a list
    let terms: Object = (0..900).map(|n| (format!("t{n}"), json!("urn:t"))).collect();
    let scoped = json!({"q": {"@id": "urn:q", "@context": [terms]}});
    let context = json!({"p": {"@id": "urn:p", "@context": scoped}});
    let node = |n: usize| {
        let here = json!({"n": format!("urn:n{n}")});
        json!({"@context": here, "@id": format!("urn:{n}"), "p": {"@id": "urn:o"}})
    };
    let nodes: Vec<_> = (0..30).map(node).collect();
    let heavy = json!({"@context": context, "@id": "urn:s", "urn:p": nodes});
    assert_eq!(refusal(heavy), JsonLdError::ContextTooLarge);
}

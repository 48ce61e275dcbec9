//! Which queries are queries at all.

use lanyard_oid4vp::{
    ErrorCode,
    dcql::{ClaimsSelection, DcqlError, DcqlQuery, RequestedFormat},
};
use lanyard_testkit::vectors;
use serde_json::{Value, json};

fn query(credential: Value) -> Value {
    json!({ "credentials": [credential] })
}

fn badge() -> Value {
    json!({ "id": "badge", "format": "dc+sd-jwt", "meta": { "vct_values": ["urn:example:badge"] } })
}

fn with(mut credential: Value, name: &str, value: Value) -> Value {
    credential[name] = value;
    query(credential)
}

fn refusal(value: &Value) -> DcqlError {
    DcqlQuery::from_value(value).expect_err("the query breaks a rule")
}

#[test]
fn reads_the_examples_of_the_specification_and_writes_them_back() {
    if !vectors::available("oid4vp") {
        return;
    }
    let files = vectors::files("oid4vp/examples-1.0/query_lang", "json");
    assert_eq!(files.len(), 7);
    for file in files {
        let value = vectors::json(&file);
        let query = DcqlQuery::from_value(&value).unwrap();
        assert_eq!(query.to_value(), value, "{}", file.display());
        assert_eq!(DcqlQuery::from_value(&query.to_value()).unwrap(), query);
    }
}

#[test]
fn what_it_writes_keeps_the_foundations_schema() {
    if !vectors::available("oidf-schemas") {
        return;
    }
    let schema = vectors::json("oidf-schemas/oid4vp-dcql_request.json");
    let written = DcqlQuery::from_value(&json!({
        "credentials": [{
            "id": "a", "format": "dc+sd-jwt", "multiple": true,
            "meta": { "vct_values": ["urn:a"] },
            "require_cryptographic_holder_binding": false,
            "trusted_authorities": [{ "type": "aki", "values": ["s9tIpPmhxdiuNkHMEWNpYim8S8Y"] }],
            "claims": [
                { "id": "x", "path": ["x", null, 1], "values": ["v", 1, true] },
                { "id": "y", "path": ["y"] },
            ],
            "claim_sets": [["x"], ["y"]],
        }],
        "credential_sets": [{ "options": [["a"]], "required": false }],
    }))
    .unwrap()
    .to_value();
    // every member that is written is one the schema knows, at every level
    let known = |definition: &str, value: &Value| {
        let properties = &schema["definitions"][definition]["properties"];
        for name in value.as_object().unwrap().keys() {
            assert!(properties.get(name).is_some(), "{definition} has no {name}");
        }
        for name in schema["definitions"][definition]["required"].as_array().unwrap() {
            assert!(value.get(name.as_str().unwrap()).is_some(), "{definition} needs {name}");
        }
    };
    known("DCQLQuery", &written);
    known("VcSdJwtCredentialQuery", &written["credentials"][0]);
    known("VcSdJwtCredentialQueryMeta", &written["credentials"][0]["meta"]);
    known("VcSdJwtCredentialQueryClaim", &written["credentials"][0]["claims"][0]);
    known("TrustedAuthorities", &written["credentials"][0]["trusted_authorities"][0]);
    known("CredentialSet", &written["credential_sets"][0]);
}

#[test]
fn ignores_members_it_does_not_know() {
    let mut value = with(badge(), "shiny", json!(true));
    value["future"] = json!({});
    assert!(DcqlQuery::from_value(&value).is_ok());
}

#[test]
fn no_claims_is_not_all_claims() {
    let query = DcqlQuery::from_value(&query(badge())).unwrap();
    assert_eq!(query.credentials()[0].claims, ClaimsSelection::NoneDisclosable);
    assert!(query.credentials()[0].holder_binding);
    assert!(!query.credentials()[0].multiple);
}

#[test]
fn a_format_that_is_not_supported_is_kept_as_it_is() {
    let draft = json!({ "id": "m", "format": "vc+sd-jwt", "meta": { "vct_values": ["x"] } });
    let query = DcqlQuery::from_value(&query(draft)).unwrap();
    assert_eq!(query.credentials()[0].format.identifier(), "vc+sd-jwt");
    assert_eq!(query.credentials()[0].format.format(), None);
    assert!(matches!(query.credentials()[0].format, RequestedFormat::Unsupported { .. }));
}

#[test]
fn refuses_what_is_not_there() {
    assert_eq!(refusal(&json!({})), DcqlError::Missing("credentials"));
    for name in ["id", "format", "meta"] {
        let mut credential = badge();
        credential.as_object_mut().unwrap().remove(name);
        assert_eq!(refusal(&query(credential)), DcqlError::Missing(name));
    }
    assert_eq!(refusal(&with(badge(), "meta", json!({}))), DcqlError::Missing("vct_values"));
    assert_eq!(refusal(&with(badge(), "claims", json!([{}]))), DcqlError::Missing("path"));
    let set = json!({ "credentials": [badge()], "credential_sets": [{}] });
    assert_eq!(refusal(&set), DcqlError::Missing("options"));
}

#[test]
fn refuses_what_is_empty() {
    assert_eq!(refusal(&json!({ "credentials": [] })), DcqlError::Empty("credentials"));
    for name in ["claims", "trusted_authorities"] {
        assert_eq!(refusal(&with(badge(), name, json!([]))), DcqlError::Empty(name));
    }
    let meta = json!({ "vct_values": [] });
    assert_eq!(refusal(&with(badge(), "meta", meta)), DcqlError::Empty("vct_values"));
    let values = json!([{ "path": ["a"], "values": [] }]);
    assert_eq!(refusal(&with(badge(), "claims", values)), DcqlError::Empty("values"));
    let sets = json!({ "credentials": [badge()], "credential_sets": [] });
    assert_eq!(refusal(&sets), DcqlError::Empty("credential_sets"));
    let options = json!({ "credentials": [badge()], "credential_sets": [{ "options": [[]] }] });
    assert_eq!(refusal(&options), DcqlError::Empty("options"));
}

#[test]
fn refuses_members_of_the_wrong_type() {
    for (name, value) in [
        ("multiple", json!("true")),
        ("require_cryptographic_holder_binding", json!(1)),
        ("id", json!(1)),
        ("format", json!(null)),
        ("claims", json!({})),
    ] {
        assert_eq!(refusal(&with(badge(), name, value)), DcqlError::WrongType(name));
    }
    assert_eq!(refusal(&with(badge(), "meta", json!([]))), DcqlError::NotAnObject("meta"));
    assert_eq!(refusal(&json!([])), DcqlError::NotAnObject("query"));
    assert_eq!(DcqlQuery::parse(br#"{"a":1,"a":1}"#), Err(DcqlError::NotJson));
}

#[test]
fn refuses_ids_with_other_characters() {
    for id in ["", "a b", "é", "a.b", &"a".repeat(129)] {
        assert_eq!(refusal(&with(badge(), "id", json!(id))), DcqlError::BadId, "{id}");
    }
}

#[test]
fn refuses_ids_that_are_not_unique() {
    let twice = json!({ "credentials": [badge(), badge()] });
    assert_eq!(refusal(&twice), DcqlError::DuplicateCredentialId);
    let claims = json!([{ "id": "a", "path": ["a"] }, { "id": "a", "path": ["b"] }]);
    assert_eq!(refusal(&with(badge(), "claims", claims)), DcqlError::DuplicateClaimId);
}

#[test]
fn refuses_claim_sets_without_claims() {
    let value = with(badge(), "claim_sets", json!([["a"]]));
    assert_eq!(refusal(&value), DcqlError::ClaimSetsWithoutClaims);
    assert_eq!(refusal(&value).code(), ErrorCode::InvalidRequest);
}

#[test]
fn refuses_claim_sets_that_name_nothing() {
    let mut credential = badge();
    credential["claims"] = json!([{ "id": "a", "path": ["a"] }]);
    let sets = with(credential.clone(), "claim_sets", json!([["b"]]));
    assert_eq!(refusal(&sets), DcqlError::UnknownClaimId);
    credential["claims"] = json!([{ "path": ["a"] }]);
    let sets = with(credential, "claim_sets", json!([["a"]]));
    assert_eq!(refusal(&sets), DcqlError::ClaimWithoutId);
}

#[test]
fn refuses_credential_sets_that_name_nothing() {
    let value = json!({ "credentials": [badge()], "credential_sets": [{ "options": [["x"]] }] });
    assert_eq!(refusal(&value), DcqlError::UnknownCredentialId);
}

#[test]
fn refuses_paths_that_are_no_pointers() {
    for path in [json!([]), json!("a"), json!([-1]), json!([1.5]), json!([true]), json!([{}])] {
        let claims = json!([{ "path": path }]);
        assert_eq!(refusal(&with(badge(), "claims", claims)), DcqlError::BadPath, "{path}");
    }
}

#[test]
fn refuses_values_that_cannot_be_compared() {
    for value in [json!(1.5), json!(null), json!({}), json!([])] {
        let claims = json!([{ "path": ["a"], "values": [value] }]);
        assert_eq!(refusal(&with(badge(), "claims", claims)), DcqlError::BadValue, "{value}");
    }
}

#[test]
fn refuses_a_key_identifier_that_is_not_base64url() {
    let value = json!([{ "type": "aki", "values": ["s9t+pPmh"] }]);
    let value = with(badge(), "trusted_authorities", value);
    assert_eq!(refusal(&value), DcqlError::KeyIdentifierEncoding);
}

#[test]
fn refuses_more_than_any_honest_query_has() {
    let many = |count: usize, of: &dyn Fn(usize) -> Value| (0..count).map(of).collect::<Value>();
    let credential = |index: usize| {
        let mut credential = badge();
        credential["id"] = json!(format!("c{index}"));
        credential
    };
    let queries = json!({ "credentials": many(33, &credential) });
    assert_eq!(refusal(&queries), DcqlError::TooMany("credentials"));
    let claim = |index: usize| json!({ "id": format!("a{index}"), "path": ["a"] });
    assert_eq!(refusal(&with(badge(), "claims", many(257, &claim))), DcqlError::TooMany("claims"));
    let spread = |index: usize| {
        let mut credential = credential(index);
        credential["claims"] = many(130, &claim);
        credential
    };
    let spread = json!({ "credentials": many(2, &spread) });
    assert_eq!(refusal(&spread), DcqlError::TooMany("claims"));
    let mut credential = badge();
    credential["claims"] = json!([claim(0)]);
    let sets = with(credential, "claim_sets", many(33, &|_| json!(["a0"])));
    assert_eq!(refusal(&sets), DcqlError::TooMany("claim_sets"));
    let options = many(33, &|_| json!(["badge"]));
    let sets = json!({ "credentials": [badge()], "credential_sets": [{ "options": options }] });
    assert_eq!(refusal(&sets), DcqlError::TooMany("options"));
    let path = many(33, &|_| json!("a"));
    let deep = with(badge(), "claims", json!([{ "path": path }]));
    assert_eq!(refusal(&deep), DcqlError::TooMany("path"));
}

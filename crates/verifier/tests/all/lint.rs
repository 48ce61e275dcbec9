//! What a query asks for without need.

use lanyard_oid4vp::dcql::DcqlQuery;
use lanyard_verifier::lint;
use serde_json::{Value, json};

use crate::world::{World, badge_query};

fn codes(credential: Value) -> Vec<&'static str> {
    let query = DcqlQuery::from_value(&json!({ "credentials": [credential] })).expect("a query");
    lint(&query).into_iter().map(|advice| advice.code).collect()
}

fn of_paths(paths: &[&[&str]]) -> Vec<&'static str> {
    let claims: Vec<_> = paths.iter().map(|path| json!({ "path": path })).collect();
    codes(json!({
        "id": "pid", "format": "dc+sd-jwt", "meta": { "vct_values": ["urn:eudi:pid:1"] },
        "claims": claims,
    }))
}

#[test]
fn warns_of_each_claim_that_says_more_than_most_purposes_need() {
    assert_eq!(of_paths(&[&["age_equal_or_over", "18"]]), [""; 0]);
    assert_eq!(of_paths(&[&["address", "country"]]), [""; 0]);
    assert_eq!(of_paths(&[&["birthdate"]]), ["birth_date"]);
    assert_eq!(of_paths(&[&["age_in_years"]]), ["age"]);
    assert_eq!(of_paths(&[&["address"]]), ["whole_address"]);
    assert_eq!(of_paths(&[&["address", "street_address"]]), ["street"]);
    assert_eq!(of_paths(&[&["picture"], &["sex"]]), ["portrait", "sex"]);
    assert_eq!(of_paths(&[&["personal_administrative_number"]]), ["unique_number"]);
    assert_eq!(of_paths(&[&["place_of_birth"]]), ["birth_place"]);
    let many: Vec<String> = (0..9).map(|number| format!("claim_{number}")).collect();
    let many: Vec<[&str; 1]> = many.iter().map(|name| [name.as_str()]).collect();
    let many: Vec<&[&str]> = many.iter().map(<[&str; 1]>::as_slice).collect();
    assert_eq!(of_paths(&many), ["many_claims"]);
}

#[test]
fn knows_the_elements_of_mdocs() {
    let element = |name: &str| {
        codes(json!({
            "id": "mdl", "format": "mso_mdoc", "meta": { "doctype_value": "org.iso.18013.5.1.mDL" },
            "claims": [{ "path": ["org.iso.18013.5.1", name] }],
        }))
    };
    assert_eq!(element("birth_date"), ["birth_date"]);
    assert_eq!(element("portrait"), ["portrait"]);
    assert_eq!(element("age_over_21"), [""; 0]);
}

#[test]
fn warns_of_a_query_without_claims_and_of_one_without_holder_binding() {
    let meta = json!({ "vct_values": ["urn:example:badge"] });
    assert_eq!(codes(json!({ "id": "a", "format": "dc+sd-jwt", "meta": meta })), ["no_claims"]);
    let unbound = json!({
        "id": "a", "format": "dc+sd-jwt", "meta": meta, "claims": [{ "path": ["name"] }],
        "require_cryptographic_holder_binding": false,
    });
    assert_eq!(codes(unbound), ["no_holder_binding"]);
}

#[test]
fn does_not_warn_of_a_claim_that_may_be_replaced_by_another() {
    let claims = json!([
        { "id": "over", "path": ["age_over_18"] },
        { "id": "born", "path": ["birthdate"] },
    ]);
    let with = |sets: Value| {
        codes(json!({
            "id": "pid", "format": "dc+sd-jwt", "meta": { "vct_values": ["urn:eudi:pid:1"] },
            "claims": claims, "claim_sets": sets,
        }))
    };
    assert_eq!(with(json!([["over"], ["born"]])), [""; 0]);
    assert_eq!(with(json!([["over", "born"], ["born"]])), ["birth_date"]);
}

#[tokio::test]
async fn the_warnings_come_with_the_request_that_was_created() {
    let world = World::new();
    let ask = |query: Value| {
        world.api(http::Method::POST, "requests", Some(json!({ "dcql_query": query })))
    };
    let answer = ask(badge_query(&["birthdate"])).await.json();
    assert_eq!(answer["warnings"][0]["code"], "birth_date");
    assert_eq!(answer["warnings"][0]["credential"], "badge");
    assert_eq!(answer["warnings"][0]["path"], json!(["birthdate"]));
    let answer = ask(badge_query(&["name"])).await.json();
    assert!(answer.get("warnings").is_none());
}

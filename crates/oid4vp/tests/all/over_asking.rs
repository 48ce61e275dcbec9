//! What asks too much, for verifiers and for holders.

use lanyard_core::{claims::ClaimsPath, credential::Format};
use lanyard_oid4vp::dcql::{CredentialView, DcqlQuery, OverAsking, select};
use serde_json::{Value, json};

fn query(members: Value) -> DcqlQuery {
    let mut credential =
        json!({ "id": "pid", "format": "dc+sd-jwt", "meta": { "vct_values": ["urn:pid"] } });
    for (name, value) in members.as_object().expect("an object") {
        credential[name] = value.clone();
    }
    DcqlQuery::from_value(&json!({ "credentials": [credential] })).expect("a query")
}

fn asked_of_everybody(members: Value) -> Vec<OverAsking> {
    let query = query(members);
    query.credentials()[0].over_asked().into_iter().map(|one| one.what).collect()
}

fn of_path(path: Value) -> Option<OverAsking> {
    OverAsking::of_claim(&ClaimsPath::from_value(&path).expect("a path"))
}

#[test]
fn each_telling_claim_is_known_by_its_last_name() {
    assert_eq!(of_path(json!(["birthdate"])), Some(OverAsking::BirthDate));
    assert_eq!(of_path(json!(["org.iso.18013.5.1", "birth_date"])), Some(OverAsking::BirthDate));
    assert_eq!(of_path(json!(["age_in_years"])), Some(OverAsking::Age));
    assert_eq!(of_path(json!(["portrait"])), Some(OverAsking::Portrait));
    assert_eq!(of_path(json!(["document_number"])), Some(OverAsking::UniqueNumber));
    assert_eq!(of_path(json!(["address", "street_address"])), Some(OverAsking::Street));
    assert_eq!(of_path(json!(["address"])), Some(OverAsking::WholeAddress));
    assert_eq!(of_path(json!(["sex"])), Some(OverAsking::Sex));
    assert_eq!(of_path(json!(["birth_family_name"])), Some(OverAsking::BirthName));
    assert_eq!(of_path(json!(["place_of_birth", null])), Some(OverAsking::BirthPlace));
    for path in
        [json!(["age_over_18"]), json!(["age_equal_or_over", "18"]), json!(["address", "country"])]
    {
        assert_eq!(of_path(path.clone()), None, "{path}");
    }
}

#[test]
fn more_claims_than_eight_are_a_profile() {
    let claims = |count: usize| {
        let claim = |number| json!({ "path": [format!("claim_{number}")] });
        json!({ "claims": (0..count).map(claim).collect::<Vec<_>>() })
    };
    assert_eq!(asked_of_everybody(claims(8)), []);
    assert_eq!(asked_of_everybody(claims(9)), [OverAsking::ManyClaims]);
}

#[test]
fn the_way_that_tells_too_much_is_flagged_and_the_other_is_not() {
    let query = query(json!({
        "claims": [{ "id": "over", "path": ["age_over_18"] }, { "id": "born", "path": ["birthdate"] }],
        "claim_sets": [["over"], ["born"]],
    }));
    assert_eq!(query.credentials()[0].over_asked(), [], "nobody is made to tell it");
    let claims = json!({ "age_over_18": true, "birthdate": "1815-12-10" });
    let claims = claims.as_object().expect("an object").clone();
    let held = CredentialView {
        holder_bound: true,
        ..CredentialView::new(Format::SdJwtVc, vec!["urn:pid".into()], &claims)
    };
    let matches = select(&query, &[held]);
    let found = &matches.queries()[0];
    let flags = found.candidates[0].choices.iter().map(|choice| {
        found.over_asked(choice).into_iter().map(|flag| flag.what).collect::<Vec<_>>()
    });
    assert_eq!(flags.collect::<Vec<_>>(), [vec![], vec![OverAsking::BirthDate]]);
}

#[test]
fn holders_and_verifiers_are_told_different_things_under_one_name() {
    let what = OverAsking::BirthDate;
    assert_eq!(serde_json::to_value(what).expect("JSON"), what.code());
    assert!(what.to_holder().contains("identifies you"));
    assert!(what.to_verifier().contains("age_over_18"));
}

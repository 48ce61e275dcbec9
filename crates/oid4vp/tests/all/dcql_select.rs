//! What a wallet would answer, and what a verifier makes of it.

use std::collections::BTreeMap;

use lanyard_core::{claims::ClaimsPath, credential::Format, json::Object};
use lanyard_oid4vp::dcql::{
    CredentialView, DcqlQuery, Mismatch, PresentedView, Reason, Unsatisfied, evaluate, select,
};
use serde_json::{Value, json};

#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) vct: String,
    pub(crate) aka: Vec<String>,
    pub(crate) claims: Object,
    pub(crate) akis: Vec<Vec<u8>>,
    pub(crate) bound: bool,
    /// What can be withheld; each claim by itself where nothing is said.
    pub(crate) disclosable: Option<Vec<ClaimsPath>>,
}

impl Held {
    pub(crate) fn view(&self) -> CredentialView<'_> {
        let types = [&self.vct].into_iter().chain(&self.aka).map(|vct| vct.as_str().into());
        CredentialView {
            key_identifiers: self.akis.as_slice().into(),
            holder_bound: self.bound,
            disclosable: self.disclosable.as_ref().map(|paths| paths.iter().collect()),
            ..CredentialView::new(Format::SdJwtVc, types.collect(), &self.claims)
        }
    }
}

fn held(vct: &str, claims: Value) -> Held {
    let Value::Object(claims) = claims else { unreachable!("test claims are an object") };
    Held {
        vct: vct.to_owned(),
        aka: Vec::new(),
        claims,
        akis: vec![vec![1, 2, 3]],
        bound: true,
        disclosable: None,
    }
}

fn person() -> Held {
    held(
        "urn:pid",
        json!({
            "given_name": "Ada", "family_name": "Lovelace", "age": 36, "adult": true,
            "address": { "street": "St James's Square", "city": "London" },
            "nationalities": ["GB", "FR", "DE"],
            "degrees": [{ "type": "BSc", "year": 1 }, { "type": "MSc" }],
        }),
    )
}

fn query(claims: Value) -> DcqlQuery {
    let mut credential =
        json!({ "id": "pid", "format": "dc+sd-jwt", "meta": { "vct_values": ["urn:pid"] } });
    for (name, value) in claims.as_object().expect("an object") {
        credential[name] = value.clone();
    }
    DcqlQuery::from_value(&json!({ "credentials": [credential] })).expect("a query")
}

fn path(value: Value) -> ClaimsPath {
    ClaimsPath::from_value(&value).expect("a path")
}

/// What the first choice for the one credential would disclose.
fn disclosed(query: &DcqlQuery, held: &Held) -> Option<Vec<ClaimsPath>> {
    let matches = select(query, &[held.view()]);
    let candidate = matches.queries()[0].candidates.first()?;
    Some(candidate.choices[0].disclose.clone())
}

fn judge(query: &DcqlQuery, held: &Held, disclosed: &[ClaimsPath]) -> Vec<Reason> {
    let view = PresentedView { credential: held.view(), disclosed };
    let presented = BTreeMap::from([("pid".to_owned(), vec![view])]);
    match evaluate(query, &presented) {
        Ok(_) => Vec::new(),
        Err(Unsatisfied { reasons }) => reasons.into_iter().map(|(_, reason)| reason).collect(),
    }
}

#[test]
fn no_claims_discloses_nothing() {
    assert_eq!(disclosed(&query(json!({})), &person()), Some(vec![]));
}

#[test]
fn what_every_verifier_sees_is_disclosed_whatever_is_asked_for() {
    let mut person = person();
    person.claims.insert("vct".to_owned(), json!("urn:pid"));
    let all = ["given_name", "age", "adult", "address", "nationalities", "degrees"];
    person.disclosable = Some(all.map(ClaimsPath::key).to_vec());
    let family_name = path(json!(["family_name"]));
    assert_eq!(disclosed(&query(json!({})), &person), Some(vec![family_name.clone()]));
    let asked = query(json!({ "claims": [{ "path": ["adult"] }] }));
    assert_eq!(disclosed(&asked, &person), Some(vec![path(json!(["adult"])), family_name]));
}

#[test]
fn a_claim_brings_what_is_in_the_same_disclosure() {
    let mut person = person();
    let all = ["given_name", "family_name", "age", "adult", "address", "nationalities", "degrees"];
    person.disclosable = Some(all.map(ClaimsPath::key).to_vec());
    let asked = query(json!({ "claims": [{ "path": ["address", "city"] }] }));
    let whole = vec![path(json!(["address", "city"])), path(json!(["address", "street"]))];
    assert_eq!(disclosed(&asked, &person), Some(whole));
    // what has a disclosure of its own inside stays behind
    let street = path(json!(["address", "street"]));
    person.disclosable.iter_mut().for_each(|all| all.push(street.clone()));
    assert_eq!(disclosed(&asked, &person), Some(vec![path(json!(["address", "city"]))]));
}

#[test]
fn claims_without_sets_are_wanted_all() {
    let asked = json!({ "claims": [{ "path": ["given_name"] }, { "path": ["address", "city"] }] });
    let expected = vec![path(json!(["given_name"])), path(json!(["address", "city"]))];
    assert_eq!(disclosed(&query(asked), &person()), Some(expected));
    let too_much = json!({ "claims": [{ "path": ["given_name"] }, { "path": ["shoe_size"] }] });
    assert_eq!(disclosed(&query(too_much), &person()), None);
}

#[test]
fn the_first_claim_set_that_can_be_satisfied_comes_first_and_others_follow() {
    let query = query(json!({
        "claims": [
            { "id": "a", "path": ["shoe_size"] },
            { "id": "b", "path": ["age"] },
            { "id": "c", "path": ["adult"] },
        ],
        "claim_sets": [["a"], ["c"], ["b", "c"]],
    }));
    let person = person();
    let matches = select(&query, &[person.view()]);
    let choices = &matches.queries()[0].candidates[0].choices;
    assert_eq!(
        choices.iter().map(|choice| choice.claim_set).collect::<Vec<_>>(),
        [Some(1), Some(2)]
    );
    assert_eq!(choices[0].disclose, [path(json!(["adult"]))]);
}

#[test]
fn a_wildcard_discloses_each_element_by_its_index() {
    let asked = query(json!({ "claims": [{ "path": ["degrees", null, "type"] }] }));
    let expected = vec![path(json!(["degrees", 0, "type"])), path(json!(["degrees", 1, "type"]))];
    assert_eq!(disclosed(&asked, &person()), Some(expected));
    // the second degree has no year and drops out
    let asked = query(json!({ "claims": [{ "path": ["degrees", null, "year"] }] }));
    assert_eq!(disclosed(&asked, &person()), Some(vec![path(json!(["degrees", 0, "year"]))]));
}

#[test]
fn a_path_through_something_else_than_an_object_or_array_matches_nothing() {
    for wrong in [
        json!(["given_name", "x"]),
        json!(["address", 0]),
        json!(["address", null]),
        json!(["nationalities", "x"]),
        json!(["nationalities", 3]),
        json!([0]),
    ] {
        let asked = query(json!({ "claims": [{ "path": wrong }] }));
        assert_eq!(disclosed(&asked, &person()), None, "{wrong}");
    }
}

#[test]
fn values_match_by_type_and_value() {
    for (claim, values, fits) in [
        ("age", json!([36]), true),
        ("age", json!(["36"]), false),
        ("age", json!([35, 37]), false),
        ("adult", json!([true]), true),
        ("adult", json!(["true", 1]), false),
        ("given_name", json!(["Bob", "Ada"]), true),
        ("given_name", json!(["ada"]), false),
    ] {
        let asked = query(json!({ "claims": [{ "path": [claim], "values": values }] }));
        assert_eq!(disclosed(&asked, &person()).is_some(), fits, "{claim} {values}");
    }
}

#[test]
fn only_the_elements_with_the_value_are_disclosed() {
    let claims = json!([{ "path": ["nationalities", null], "values": ["FR", "IT"] }]);
    let expected = vec![path(json!(["nationalities", 1]))];
    assert_eq!(disclosed(&query(json!({ "claims": claims })), &person()), Some(expected));
}

#[test]
fn a_query_that_selects_without_measure_is_answered_with_nothing() {
    let many: Vec<_> = (0..6_000).collect();
    let crowd = held("urn:pid", json!({ "numbers": many }));
    let claim = |id: &str| json!({ "id": id, "path": ["numbers", null] });
    let once = query(json!({ "claims": [claim("a")] }));
    assert_eq!(disclosed(&once, &crowd).map(|paths| paths.len()), Some(6_000));
    let twice = query(json!({ "claims": [claim("a"), claim("b")], "claim_sets": [["a"], ["b"]] }));
    assert_eq!(disclosed(&twice, &crowd), None);
}

#[test]
fn a_claim_asked_for_twice_is_disclosed_once() {
    let asked = query(json!({ "claims": [{ "path": ["age"] }, { "path": ["age"] }] }));
    assert_eq!(disclosed(&asked, &person()), Some(vec![path(json!(["age"]))]));
}

#[test]
fn a_type_that_the_credential_is_also_known_as_counts() {
    let mut employee = held("urn:employee", json!({}));
    assert_eq!(disclosed(&query(json!({})), &employee), None);
    employee.aka.push("urn:pid".to_owned());
    assert_eq!(disclosed(&query(json!({})), &employee), Some(vec![]));
}

#[test]
fn trusted_authorities_match_any_key_identifier_of_the_chain() {
    let by = |kind: &str, value: &str| {
        query(json!({ "trusted_authorities": [{ "type": kind, "values": [value] }] }))
    };
    assert_eq!(disclosed(&by("aki", "AQID"), &person()), Some(vec![]));
    assert_eq!(disclosed(&by("aki", "AQIE"), &person()), None);
    assert_eq!(disclosed(&by("etsi_tl", "AQID"), &person()), None);
    let reasons = judge(&by("aki", "AQIE"), &person(), &[]);
    assert_eq!(reasons, [Reason::Mismatch(Mismatch::Authority)]);
}

#[test]
fn a_credential_without_a_key_answers_only_when_no_binding_is_required() {
    let mut ticket = person();
    ticket.bound = false;
    assert_eq!(disclosed(&query(json!({})), &ticket), None);
    let lax = query(json!({ "require_cryptographic_holder_binding": false }));
    assert_eq!(disclosed(&lax, &ticket), Some(vec![]));
    assert_eq!(judge(&lax, &ticket, &[]), []);
    let reasons = judge(&query(json!({})), &ticket, &[]);
    assert_eq!(reasons, [Reason::Mismatch(Mismatch::HolderBinding)]);
}

#[test]
fn the_verifier_refuses_a_missing_claim_and_another_value() {
    let asked = query(json!({ "claims": [{ "path": ["shoe_size"] }] }));
    let missing = Mismatch::ClaimMissing(path(json!(["shoe_size"])));
    assert_eq!(judge(&asked, &person(), &[]), [Reason::Mismatch(missing)]);
    let asked = query(json!({ "claims": [{ "path": ["age"], "values": [18] }] }));
    let value = Mismatch::Value(path(json!(["age"])));
    assert_eq!(judge(&asked, &person(), &[]), [Reason::Mismatch(value)]);
}

#[test]
fn the_verifier_refuses_a_claim_nobody_asked_for() {
    let asked = query(json!({ "claims": [{ "path": ["address", "city"] }] }));
    // the object around the claim comes with it
    let enough = [path(json!(["address"])), path(json!(["address", "city"]))];
    assert_eq!(judge(&asked, &person(), &enough), []);
    for extra in [path(json!(["age"])), path(json!(["address", "street"]))] {
        let reasons = judge(&asked, &person(), std::slice::from_ref(&extra));
        assert_eq!(reasons, [Reason::NotAskedFor(extra)]);
    }
}

#[test]
fn the_verifier_refuses_a_second_claim_set_on_top_of_the_first() {
    let asked = query(json!({
        "claims": [{ "id": "a", "path": ["age"] }, { "id": "b", "path": ["adult"] }],
        "claim_sets": [["b"], ["a"]],
    }));
    assert_eq!(judge(&asked, &person(), &[path(json!(["age"]))]), []);
    let both = [path(json!(["age"])), path(json!(["adult"]))];
    assert_eq!(judge(&asked, &person(), &both), [Reason::NotAskedFor(path(json!(["age"])))]);
}

#[test]
fn an_element_moved_by_what_was_left_out_still_answers_and_no_second_one_may_come() {
    let asked = query(json!({ "claims": [{ "path": ["nationalities", 2], "values": ["DE"] }] }));
    let moved = held("urn:pid", json!({ "nationalities": ["DE"] }));
    assert_eq!(judge(&asked, &moved, &[path(json!(["nationalities", 0]))]), []);
    let two = held("urn:pid", json!({ "nationalities": ["GB", "DE"] }));
    let disclosed = [path(json!(["nationalities", 0])), path(json!(["nationalities", 1]))];
    let reasons = judge(&asked, &two, &disclosed);
    assert_eq!(reasons, [Reason::NotAskedFor(path(json!(["nationalities", 0])))]);
    // an element that was never hidden is where the index says, or nowhere
    let value = Mismatch::ClaimMissing(path(json!(["nationalities", 2])));
    assert_eq!(judge(&asked, &moved, &[]), [Reason::Mismatch(value)]);
}

#[test]
fn in_an_array_that_every_verifier_sees_an_index_is_that_element() {
    let asked = query(json!({ "claims": [{ "path": ["degrees", 0, "type"] }] }));
    let first = path(json!(["degrees", 0, "type"]));
    assert_eq!(judge(&asked, &person(), std::slice::from_ref(&first)), []);
    let second = path(json!(["degrees", 1, "type"]));
    let reasons = judge(&asked, &person(), &[first, second.clone()]);
    assert_eq!(reasons, [Reason::NotAskedFor(second)]);
}

#[test]
fn a_claim_that_another_query_asks_the_same_credential_for_is_no_extra() {
    let credential = |id: &str, claim: &str| {
        json!({ "id": id, "format": "dc+sd-jwt", "meta": { "vct_values": ["urn:pid"] },
            "claims": [{ "path": [claim] }] })
    };
    let credentials = json!([credential("pid", "age"), credential("other", "adult")]);
    let query = DcqlQuery::from_value(&json!({ "credentials": credentials })).unwrap();
    let person = person();
    let disclosed = [path(json!(["age"])), path(json!(["adult"]))];
    let view = PresentedView { credential: person.view(), disclosed: &disclosed };
    let presented =
        BTreeMap::from([("pid".to_owned(), vec![view.clone()]), ("other".to_owned(), vec![view])]);
    assert!(evaluate(&query, &presented).is_ok());
}

#[test]
fn multiple_is_respected_on_both_counts() {
    let person = person();
    let view = PresentedView { credential: person.view(), disclosed: &[] };
    let two = BTreeMap::from([("pid".to_owned(), vec![view.clone(), view])]);
    let none = BTreeMap::from([("pid".to_owned(), vec![])]);
    let one_only = query(json!({}));
    let reason = |query, presented| evaluate(query, presented).unwrap_err().reasons[0].1.clone();
    assert_eq!(reason(&one_only, &two), Reason::MoreThanOne);
    assert_eq!(reason(&one_only, &none), Reason::NoPresentation);
    assert!(evaluate(&query(json!({ "multiple": true })), &two).is_ok());
}

#[test]
fn an_entry_that_no_query_asks_for_is_refused() {
    let person = person();
    let view = PresentedView { credential: person.view(), disclosed: &[] };
    let presented =
        BTreeMap::from([("pid".to_owned(), vec![view.clone()]), ("x".to_owned(), vec![view])]);
    let reasons = evaluate(&query(json!({})), &presented).unwrap_err().reasons;
    assert_eq!(reasons, [(None, Reason::UnknownQuery)]);
}

fn alternatives(required: bool) -> DcqlQuery {
    let credential = |id: &str| json!({ "id": id, "format": "dc+sd-jwt", "meta": { "vct_values": [format!("urn:{id}")] } });
    DcqlQuery::from_value(&json!({
        "credentials": [credential("a"), credential("b"), credential("c"), credential("d")],
        "credential_sets": [
            { "options": [["a"], ["b", "c"]] },
            { "options": [["d"]], "required": required },
        ],
    }))
    .expect("a query")
}

fn arrived(query: &DcqlQuery, ids: &[&str]) -> Vec<Reason> {
    let held: Vec<_> = ids.iter().map(|id| held(&format!("urn:{id}"), json!({}))).collect();
    let view = |held| vec![PresentedView { credential: Held::view(held), disclosed: &[] }];
    let presented =
        ids.iter().zip(&held).map(|(id, held)| ((*id).to_owned(), view(held))).collect();
    match evaluate(query, &presented) {
        Ok(_) => Vec::new(),
        Err(unsatisfied) => unsatisfied.reasons.into_iter().map(|(_, reason)| reason).collect(),
    }
}

#[test]
fn one_whole_option_of_every_required_set_is_needed_and_no_stray_credential() {
    let query = alternatives(false);
    assert_eq!(arrived(&query, &["a"]), []);
    assert_eq!(arrived(&query, &["b", "c"]), []);
    assert_eq!(arrived(&query, &["a", "d"]), []);
    assert_eq!(arrived(&query, &["d"]), [Reason::SetUnsatisfied(0)]);
    assert_eq!(arrived(&query, &["b"]), [Reason::SetUnsatisfied(0), Reason::OutsideEveryOption]);
    assert_eq!(arrived(&query, &["a", "b"]), [Reason::OutsideEveryOption]);
    assert_eq!(arrived(&alternatives(true), &["a"]), [Reason::SetUnsatisfied(1)]);
}

#[test]
fn without_sets_every_credential_is_needed() {
    let credential = |id: &str| json!({ "id": id, "format": "dc+sd-jwt", "meta": { "vct_values": [format!("urn:{id}")] } });
    let credentials = json!([credential("a"), credential("b")]);
    let query = DcqlQuery::from_value(&json!({ "credentials": credentials })).unwrap();
    assert_eq!(arrived(&query, &["a", "b"]), []);
    assert_eq!(arrived(&query, &["a"]), [Reason::CredentialMissing]);
    assert_eq!(arrived(&query, &[]), [Reason::CredentialMissing, Reason::CredentialMissing]);
}

#[test]
fn what_cannot_be_satisfied_says_so_before_anybody_is_asked() {
    let query = alternatives(false);
    let satisfied = |ids: &[&str]| {
        let held: Vec<_> = ids.iter().map(|id| held(&format!("urn:{id}"), json!({}))).collect();
        let views: Vec<_> = held.iter().map(Held::view).collect();
        select(&query, &views).can_be_satisfied()
    };
    assert!(satisfied(&["a"]));
    assert!(satisfied(&["c", "b"]));
    assert!(!satisfied(&["b", "d"]));
    assert!(!satisfied(&[]));
}

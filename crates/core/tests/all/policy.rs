//! Verification policies as data: reading and writing them, and each one broken alone.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::SignedDuration;
use lanyard_core::{
    claims::ClaimsPath,
    sd_jwt_vc::{
        Vct,
        type_metadata::{
            Integrity, LocalTypeMetadata, TypeMetadataSource, TypeMetadataUnavailable,
        },
    },
    verify::{
        CheckName, Expected, KeyBindingRule, Outcome, PolicyFaultKind, PolicyRule, PolicySet,
        PresentationVerifier, VerifiedPresentation, VerifyError,
    },
};
use lanyard_testkit::test_now;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{
    sd_jwt_support::{AUDIENCE, NONCE, ready},
    sd_jwt_vc::{World, providers},
};

const VCT: &str = "urn:example:badge:1";
const ISS: &str = "https://issuer.example";

fn set(value: Value) -> PolicySet {
    PolicySet::from_value(&value).expect("the policies are good")
}

fn faults(value: Value) -> Vec<(String, String)> {
    let faults = PolicySet::from_value(&value).expect_err("the policies are refused").0;
    faults.into_iter().map(|fault| (fault.at, fault.kind.to_string())).collect()
}

fn source() -> Arc<dyn TypeMetadataSource> {
    Arc::new(LocalTypeMetadata::new())
}

fn verify_with(
    world: &World,
    policies: &PolicySet,
    source: &Arc<dyn TypeMetadataSource>,
    changes: &Value,
    rule: KeyBindingRule,
) -> Result<VerifiedPresentation, VerifyError> {
    let presentation = world.present(changes);
    let expected = Expected::new(AUDIENCE, NONCE, rule).at(test_now());
    let [one, other] = providers().map(|provider| {
        let verifier = PresentationVerifier::new(world.trust(), provider)
            .with_policies(policies.clone())
            .with_type_metadata(Arc::clone(source));
        ready(verifier.verify(&presentation, &expected))
    });
    assert_eq!(one.as_ref().map_err(VerifyError::code).err(), other.err().map(|e| e.code()));
    one
}

fn verify(policies: Value, changes: Value) -> Result<VerifiedPresentation, VerifyError> {
    let required = KeyBindingRule::Required;
    verify_with(&World::new(), &set(policies), &source(), &changes, required)
}

/// The reason code, and the only check that did not come out well.
fn refusal(policies: Value, changes: Value) -> (&'static str, &'static str) {
    let error = verify(policies, changes).expect_err("it is refused");
    let bad = |outcome| matches!(outcome, Outcome::Failed | Outcome::Undetermined);
    let bad: Vec<_> = error.checks().iter().filter(|check| bad(check.outcome)).collect();
    assert_eq!(bad.len(), 1);
    assert!(bad[0].detail.is_some());
    (error.code(), bad[0].id)
}

// Reading and writing

#[test]
fn every_policy_goes_to_json_and_back() {
    let all = json!([
        "signature",
        "issuer_trusted",
        {"policy": "allowed_issuer", "issuers": [ISS, "did:web:a.example", "aki:AQID"]},
        {"policy": "allowed_type", "types": [VCT]},
        {"policy": "validity", "leeway_seconds": 5, "expiry": "required"},
        {"policy": "max_age", "seconds": 86400},
        {"policy": "holder_binding", "max_age_seconds": 30, "clock_skew_seconds": 10},
        {"policy": "status", "unknown": "accepted"},
        {"policy": "status_freshness", "max_age_seconds": 3600},
        {"policy": "required_claims", "paths": [["name"], ["degrees", null, 0]]},
        {"policy": "claim_value", "path": ["country"], "one_of": ["AT", 3, true]},
        {"policy": "claim_value", "path": ["level"], "one_of": [3]},
        {"policy": "type_metadata", "when": "required"},
    ]);
    assert_eq!(set(all.clone()).to_value(), all);
    let names: Vec<_> = set(all).rules().iter().map(PolicyRule::name).collect();
    assert!(PolicyRule::NAMES.iter().all(|name| names.contains(name)), "one is not in the test");
}

#[test]
fn of_two_sets_what_either_demands_is_demanded() {
    let house = set(json!([
        {"policy": "validity", "leeway_seconds": 30, "expiry": "optional"},
        {"policy": "holder_binding", "max_age_seconds": 60, "clock_skew_seconds": 10},
        {"policy": "max_age", "seconds": 86400},
        {"policy": "status", "unknown": "undetermined"},
        {"policy": "status_freshness", "max_age_seconds": 600},
        {"policy": "type_metadata", "when": "published"},
        {"policy": "allowed_issuer", "issuers": [ISS]},
    ]));
    let request = set(json!([
        {"policy": "validity", "leeway_seconds": 60, "expiry": "required"},
        {"policy": "holder_binding", "max_age_seconds": 30, "clock_skew_seconds": 60},
        {"policy": "max_age", "seconds": 9999999},
        {"policy": "status", "unknown": "accepted"},
        {"policy": "status_freshness", "max_age_seconds": 3600},
        {"policy": "type_metadata", "when": "required"},
        {"policy": "allowed_issuer", "issuers": ["did:web:a.example"]},
    ]));
    let both = json!([
        {"policy": "validity", "leeway_seconds": 30, "expiry": "required"},
        {"policy": "holder_binding", "max_age_seconds": 30, "clock_skew_seconds": 10},
        {"policy": "max_age", "seconds": 86400},
        {"policy": "status", "unknown": "undetermined"},
        {"policy": "status_freshness", "max_age_seconds": 600},
        {"policy": "type_metadata", "when": "required"},
        {"policy": "allowed_issuer", "issuers": [ISS]},
        {"policy": "allowed_issuer", "issuers": ["did:web:a.example"]},
    ]);
    assert_eq!(house.and(&request).to_value(), both);
}

#[test]
fn what_is_left_out_has_a_default_which_is_written() {
    let short = json!(["validity", "holder_binding", "status", "type_metadata"]);
    let long = json!([
        {"policy": "validity", "leeway_seconds": 60, "expiry": "optional"},
        {"policy": "holder_binding", "max_age_seconds": 60, "clock_skew_seconds": 60},
        {"policy": "status", "unknown": "undetermined"},
        {"policy": "type_metadata", "when": "published"},
    ]);
    assert_eq!(set(short).to_value(), long);
}

#[test]
fn the_presets_go_to_json_and_back_and_have_names() {
    for name in PolicySet::PRESETS {
        let preset = PolicySet::preset(name).expect("a preset");
        assert_eq!(set(preset.to_value()), preset);
    }
    assert_eq!(PolicySet::preset("other"), None);
}

#[test]
fn an_unknown_policy_is_named_with_what_was_meant() {
    let error = PolicySet::from_value(&json!(["signature", "expiration", "holder-binding"]));
    let faults = error.expect_err("two are unknown").0;
    let unknown = |name: &str, suggestion| PolicyFaultKind::UnknownPolicy {
        name: name.to_owned(),
        suggestion,
    };
    assert_eq!(faults.len(), 2);
    assert_eq!((faults[0].at.as_str(), &faults[0].kind), ("[1]", &unknown("expiration", None)));
    let meant = unknown("holder-binding", Some("holder_binding"));
    assert_eq!((faults[1].at.as_str(), &faults[1].kind), ("[2]", &meant));
    assert_eq!(
        faults[1].to_string(),
        "[2]: there is no policy holder-binding; did you mean holder_binding?"
    );
}

#[test]
fn every_fault_is_told_with_its_place() {
    let found = faults(json!([
        7,
        {"seconds": 3},
        {"policy": "max_age"},
        {"policy": "max_age", "seconds": -1},
        {"policy": "validity", "leeway_seconds": 3601, "expiry": "never"},
        {"policy": "status", "unknwon": "accepted"},
        {"policy": "allowed_issuer", "issuers": []},
        {"policy": "required_claims", "paths": [["a"], [], [-1]]},
        {"policy": "claim_value", "one_of": [{}]},
        {"policy": "type_metadata", "when": "always"},
        {"policy": "signature", "algorithm": "none"},
        {"policy": "allowed_type", "types": [1]},
        {"policy": "holder_binding", "max_age_seconds": "60"},
    ]));
    let places: Vec<_> = found.iter().map(|(at, _)| at.as_str()).collect();
    assert_eq!(
        places,
        [
            "[0]",
            "[1].policy",
            "[2].seconds",
            "[3].seconds",
            "[4].leeway_seconds",
            "[4].expiry",
            "[5]",
            "[6].issuers",
            "[7].paths[1]",
            "[7].paths[2]",
            "[8].path",
            "[8].one_of[0]",
            "[9].when",
            "[10]",
            "[11].types[0]",
            "[12].max_age_seconds",
        ]
    );
    assert_eq!(found[6].1, "the policy has no member unknwon; did you mean unknown?");
}

#[test]
fn a_policy_is_there_once_and_sets_are_bounded() {
    let twice = faults(json!(["status", {"policy": "status", "unknown": "accepted"}]));
    assert_eq!(twice, [("[1]".to_owned(), "the policy status is there twice".to_owned())]);
    let many = vec![json!({"policy": "claim_value", "path": ["a"], "one_of": [1]}); 33];
    assert_eq!(faults(json!(many))[0].1, "more than 32 entries");
    let types = vec![VCT; 257];
    let many = faults(json!([{"policy": "allowed_type", "types": types}]));
    assert_eq!(many, [("[0].types".to_owned(), "more than 256 entries".to_owned())]);
    assert_eq!(faults(json!({}))[0].0, "policies");
}

#[test]
fn a_later_policy_takes_the_place_of_an_earlier_one() {
    let hour = PolicyRule::MaxAge(SignedDuration::from_hours(1));
    let day = PolicyRule::MaxAge(SignedDuration::from_hours(24));
    let both = PolicySet::new().with(hour).with(day.clone());
    assert_eq!(both.rules(), [day]);
}

proptest! {
    /// Whatever is read can be written and read again, and nothing panics.
    #[test]
    fn whatever_is_read_is_written_alike(names in prop::collection::vec(
        prop::sample::select([&PolicyRule::NAMES[..], &["", "nonsense"]].concat()), 0..6),
        seconds in any::<i64>(), text in ".{0,8}")
    {
        let entries: Vec<_> = names.iter().map(|name| json!({
            "policy": name, "seconds": seconds, "issuers": [text], "types": [text], "path": [text],
            "paths": [[text]], "one_of": [text, seconds], "expiry": "required",
        })).collect();
        let bare: Vec<_> = entries.iter().map(|entry| {
            let mut entry = entry.clone();
            // keep the members that the policy has
            for _ in 0..10 {
                let Err(faults) = PolicySet::from_value(&json!([entry])) else { break };
                for fault in faults.0 {
                    if let PolicyFaultKind::UnknownMember { name, .. } = fault.kind {
                        entry.as_object_mut().expect("an object").shift_remove(&name);
                    }
                }
            }
            entry
        }).collect();
        if let Ok(set) = PolicySet::from_value(&json!(bare)) {
            prop_assert_eq!(PolicySet::from_value(&set.to_value()), Ok(set));
        }
    }
}

// Judging

#[test]
fn without_policies_the_list_of_checks_is_as_it_was() {
    let verified = verify(json!([]), json!({})).unwrap();
    let ids: Vec<_> = verified.checks().iter().map(|check| check.id).collect();
    assert_eq!(ids.len(), 15);
    assert!(!ids.contains(&"allowed_issuer") && !ids.contains(&"type_metadata"));
}

#[test]
fn each_policy_that_is_kept_is_listed_as_passed() {
    let verified = verify(
        json!([
            "signature",
            "holder_binding",
            {"policy": "allowed_issuer", "issuers": ["https://other.example", ISS]},
            {"policy": "allowed_type", "types": [VCT]},
            {"policy": "max_age", "seconds": 60},
            {"policy": "required_claims", "paths": [["name"]]},
            {"policy": "claim_value", "path": ["name"], "one_of": ["Bob", "Ada"]},
        ]),
        json!({}),
    )
    .unwrap();
    for name in [
        CheckName::AllowedIssuer,
        CheckName::AllowedType,
        CheckName::MaxAge,
        CheckName::RequiredClaims,
        CheckName::ClaimValues,
    ] {
        let listed = verified.checks().iter().find(|check| check.id == name.id());
        let listed = listed.map(|check| (check.outcome, check.rule));
        assert_eq!(listed, Some((Outcome::Passed, "Policy")), "{}", name.id());
    }
}

#[test]
fn an_issuer_that_is_trusted_but_not_allowed_here_is_refused() {
    for issuers in
        [json!(["https://other.example"]), json!([format!("{ISS}/")]), json!(["aki:AQID"])]
    {
        let policies = json!([{"policy": "allowed_issuer", "issuers": issuers}]);
        let refused = refusal(policies, json!({}));
        assert_eq!(refused, ("policy_issuer_not_allowed", "allowed_issuer"));
    }
}

#[test]
fn a_type_is_allowed_by_itself_and_not_by_what_it_is_also_known_as() {
    let policies = json!([{"policy": "allowed_type", "types": ["urn:example:other"]}]);
    let refused = refusal(policies, json!({"aka_vcts": ["urn:example:other"]}));
    assert_eq!(refused, ("policy_type_not_allowed", "allowed_type"));
}

#[test]
fn a_credential_may_be_too_old_or_of_unknown_age() {
    let policies = || json!([{"policy": "max_age", "seconds": 100}]);
    let issued = |ago: i64| json!({"iat": test_now().as_second() - ago});
    assert!(verify(policies(), issued(100)).is_ok());
    assert_eq!(refusal(policies(), issued(101)), ("policy_credential_too_old", "max_age"));
    let unknown = refusal(policies(), json!({"iat": null}));
    assert_eq!(unknown, ("policy_credential_age_unknown", "max_age"));
}

#[test]
fn a_required_claim_that_is_not_there_is_missed() {
    let policies = json!([{"policy": "required_claims", "paths": [["name"], ["birthdate"]]}]);
    let refused = refusal(policies.clone(), json!({}));
    assert_eq!(refused, ("policy_claim_missing", "required_claims"));
    assert!(verify(policies, json!({"birthdate": "2000-01-01"})).is_ok());
}

#[test]
fn everything_that_a_path_selects_has_one_of_the_values() {
    let policies =
        || json!([{"policy": "claim_value", "path": ["a", null], "one_of": ["x", 1, true]}]);
    assert!(verify(policies(), json!({"a": ["x", 1, true, 1]})).is_ok());
    for a in [
        json!(["x", "y"]),
        json!(["X"]),
        json!([1.5]),
        json!(["true"]),
        json!([]),
        json!("x"),
        Value::Null,
    ] {
        let refused = refusal(policies(), json!({"a": a}));
        assert_eq!(refused, ("policy_claim_value", "claim_value"), "{a}");
    }
}

#[test]
fn what_a_policy_says_about_times_goes_before_the_rest() {
    let now = test_now().as_second();
    let strict = json!([{"policy": "validity", "leeway_seconds": 0, "expiry": "required"}]);
    assert!(verify(json!([]), json!({"exp": now - 30})).is_ok());
    let expired = refusal(strict.clone(), json!({"exp": now - 30}));
    assert_eq!(expired.1, "validity");
    assert_eq!(refusal(strict, json!({"exp": null})).1, "validity");
}

#[test]
fn a_policy_can_demand_a_binding_that_the_request_did_not() {
    let world = World::new();
    let changes = json!({"cnf": null});
    let verify = |policies| {
        verify_with(&world, &set(policies), &source(), &changes, KeyBindingRule::NotRequired)
    };
    assert!(verify(json!([])).is_ok());
    let error = verify(json!(["holder_binding"])).unwrap_err();
    assert_eq!(error.checks().outcome(CheckName::HolderKey), Outcome::Failed);
}

#[test]
fn an_unknown_status_is_what_the_policy_says() {
    let status = json!({"status": {"status_list": {"idx": 1, "uri": "https://a.example"}}});
    let accepted = verify(json!([{"policy": "status", "unknown": "accepted"}]), status.clone());
    assert_eq!(accepted.unwrap().checks().outcome(CheckName::Status), Outcome::Undetermined);
    assert_eq!(refusal(json!(["status"]), status), ("status_unknown", "status"));
}

#[test]
fn no_policy_makes_up_for_a_broken_signature() {
    let (world, other) = (World::new(), World::new());
    let presentation = other.present(&json!({}));
    let expected = Expected::new(AUDIENCE, NONCE, KeyBindingRule::NotRequired).at(test_now());
    for name in PolicySet::PRESETS {
        let policies = PolicySet::preset(name).unwrap();
        let [_, provider] = providers();
        let verifier = PresentationVerifier::new(world.trust(), provider).with_policies(policies);
        let error = ready(verifier.verify(&presentation, &expected)).unwrap_err();
        assert_eq!(error.checks().outcome(CheckName::IssuerSignature), Outcome::Failed);
    }
}

#[test]
fn the_first_broken_policy_in_the_order_of_the_checks_is_told() {
    let policies = json!([
        {"policy": "claim_value", "path": ["name"], "one_of": ["Bob"]},
        {"policy": "required_claims", "paths": [["birthdate"]]},
        {"policy": "allowed_type", "types": ["urn:example:other"]},
    ]);
    assert_eq!(refusal(policies, json!({})).1, "allowed_type");
}

#[test]
fn the_reason_never_tells_a_value() {
    let policies = json!([{"policy": "claim_value", "path": ["name"], "one_of": ["Canary-Bob"]}]);
    let error = verify(policies, json!({"name": "Canary-Ada"})).unwrap_err();
    assert!(!error.to_string().contains("Canary"));
    let checks = serde_json::to_string(error.checks()).unwrap();
    assert!(!checks.contains("Canary") && checks.contains("name"));
}

// Type metadata on the paved road

/// A source that counts, and may be down.
struct Types {
    documents: LocalTypeMetadata,
    down: bool,
    asked: Mutex<usize>,
}

impl Types {
    fn of(document: Option<Value>) -> Arc<Self> {
        let mut documents = LocalTypeMetadata::new();
        if let Some(document) = document {
            documents = documents.with(document.to_string()).expect("it can be read");
        }
        Arc::new(Self { documents, down: false, asked: Mutex::new(0) })
    }

    fn asked(&self) -> usize {
        *self.asked.lock().expect("not poisoned")
    }
}

#[async_trait]
impl TypeMetadataSource for Types {
    async fn document(
        &self,
        vct: &Vct,
        integrity: Option<&Integrity>,
    ) -> Result<Vec<u8>, TypeMetadataUnavailable> {
        *self.asked.lock().expect("not poisoned") += 1;
        if self.down {
            return Err(TypeMetadataUnavailable::Unreachable);
        }
        self.documents.document(vct, integrity).await
    }
}

fn typed(
    types: &Arc<Types>,
    when: &str,
    changes: Value,
) -> Result<(Outcome, bool), (&'static str, Outcome)> {
    let policies = set(json!([{"policy": "type_metadata", "when": when}]));
    let source: Arc<dyn TypeMetadataSource> = types.clone();
    let required = KeyBindingRule::Required;
    let verdict = verify_with(&World::new(), &policies, &source, &changes, required);
    let outcome = |checks: &lanyard_core::verify::Checks| checks.outcome(CheckName::TypeMetadata);
    match verdict {
        Ok(verified) => Ok((outcome(verified.checks()), verified.type_metadata().is_some())),
        Err(error) => Err((error.code(), outcome(error.checks()))),
    }
}

#[test]
fn a_credential_that_breaks_the_rules_of_its_type_is_refused() {
    let rules = json!({"vct": VCT, "claims": [{"path": ["name"], "sd": "always"}]});
    let types = Types::of(Some(rules));
    for when in ["published", "required"] {
        let refused = typed(&types, when, json!({}));
        assert_eq!(refused, Err(("type_claim_must_be_selective", Outcome::Failed)));
    }
    assert_eq!(typed(&types, "ignored", json!({})), Ok((Outcome::NotApplicable, false)));
}

#[test]
fn a_credential_that_keeps_them_comes_with_its_type_metadata() {
    let rules =
        json!({"vct": VCT, "claims": [{"path": ["name"], "mandatory": true, "sd": "never"}]});
    let types = Types::of(Some(rules));
    for when in ["published", "required"] {
        assert_eq!(typed(&types, when, json!({})), Ok((Outcome::Passed, true)));
    }
}

#[test]
fn metadata_that_cannot_be_had_counts_as_much_as_the_policy_says() {
    let nowhere = Types::of(None);
    assert_eq!(typed(&nowhere, "published", json!({})), Ok((Outcome::NotApplicable, false)));
    let refused = Err(("type_metadata_not_published", Outcome::Failed));
    assert_eq!(typed(&nowhere, "required", json!({})), refused);
    let down = Types { down: true, documents: LocalTypeMetadata::new(), asked: Mutex::new(0) };
    let down = Arc::new(down);
    assert_eq!(typed(&down, "published", json!({})), Ok((Outcome::NotApplicable, false)));
    let undetermined = Err(("type_metadata_unreachable", Outcome::Undetermined));
    assert_eq!(typed(&down, "required", json!({})), undetermined);
}

#[test]
fn a_document_of_another_digest_is_as_good_as_none() {
    let rules = json!({"vct": VCT, "claims": [{"path": ["name"], "sd": "always"}]});
    let types = Types::of(Some(rules));
    let other = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    let changes = || json!({"vct#integrity": other});
    assert_eq!(typed(&types, "published", changes()), Ok((Outcome::NotApplicable, false)));
    let refused = Err(("type_metadata_integrity", Outcome::Failed));
    assert_eq!(typed(&types, "required", changes()), refused);
}

#[test]
fn metadata_that_goes_round_in_circles_is_refused_even_where_nobody_demands_it() {
    let types = Types::of(Some(json!({"vct": VCT, "extends": VCT})));
    let refused = Err(("type_metadata_circular", Outcome::Failed));
    assert_eq!(typed(&types, "published", json!({})), refused);
}

#[test]
fn metadata_is_asked_for_only_once_the_signature_and_everything_else_is_good() {
    let types = Types::of(Some(json!({"vct": VCT})));
    let source: Arc<dyn TypeMetadataSource> = types.clone();
    let policies = set(json!(["type_metadata"]));
    let (world, impostor) = (World::new(), World::new());
    let expected = Expected::new(AUDIENCE, NONCE, KeyBindingRule::Required).at(test_now());
    let [_, provider] = providers();
    let verifier = PresentationVerifier::new(world.trust(), provider)
        .with_policies(policies)
        .with_type_metadata(source);
    let expired = json!({"exp": test_now().as_second() - 1000});
    for bad in [
        impostor.present(&json!({"vct": "https://canary.example/type"})),
        world.present(&expired),
        world.present(&json!({"iss": "https://evil.example"})),
        "nonsense".to_owned(),
    ] {
        assert!(ready(verifier.verify(&bad, &expected)).is_err());
    }
    assert_eq!(types.asked(), 0);
    assert!(ready(verifier.verify(&world.present(&json!({})), &expected)).is_ok());
    assert_eq!(types.asked(), 1);
}

#[test]
fn the_metadata_that_comes_along_labels_claims() {
    let display = json!([{"locale": "en", "label": "Full name"}]);
    let types = Types::of(Some(json!({
        "vct": VCT,
        "claims": [{"path": ["name"], "display": display}],
    })));
    let source: Arc<dyn TypeMetadataSource> = types;
    let policies = set(json!(["type_metadata"]));
    let required = KeyBindingRule::Required;
    let verified = verify_with(&World::new(), &policies, &source, &json!({}), required).unwrap();
    let metadata = verified.type_metadata().unwrap();
    let claim = metadata.claim_at(&ClaimsPath::key("name")).unwrap();
    assert_eq!(claim.display_in(&["en-GB"]).unwrap().label, "Full name");
}

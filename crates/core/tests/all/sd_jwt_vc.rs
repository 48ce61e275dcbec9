//! SD-JWT VC and the paved road: each rule broken alone, and every check in the list.

use std::sync::Arc;

use jiff::SignedDuration;
use lanyard_core::{
    Timestamp,
    claims::{Claims, ClaimsPath, Elements},
    credential::{ExpiryRule, Format, Validity, ValidityError, ValidityPolicy},
    crypto::{AwsLc, CryptoProvider, HashAlgorithm, RustCrypto},
    json::base64url_decode,
    sd_jwt::KeyBindingWindow,
    sd_jwt_vc::{DraftError, KeyBinding, SdJwtVcDraft, SdJwtVcError, UnverifiedSdJwtVc, Vct},
    status::{StatusListUri, StatusReference},
    trust::{IssuerIdentifier, IssuerKeySource, IssuerKeys, IssuerTrust},
    verify::{
        CheckName, Expected, KeyBindingRule, Outcome, Policy, PresentationVerifier, StatusPolicy,
        VerifiedPresentation, VerifyError,
    },
};
use lanyard_testkit::test_now;
use serde_json::{Value, json};

use crate::sd_jwt_support::{AUDIENCE, Demand, NONCE, Party, digest, disclosure, ready};

pub(crate) const VCT: &str = "urn:example:badge:1";
pub(crate) const ISS: &str = "https://issuer.example";

pub(crate) fn vct() -> Vct {
    Vct::parse(VCT).expect("a URN is a type")
}

pub(crate) fn iss() -> IssuerIdentifier {
    IssuerIdentifier::parse(ISS).expect("a URL is an issuer")
}

pub(crate) fn providers() -> [Arc<dyn CryptoProvider>; 2] {
    [Arc::new(RustCrypto), Arc::new(AwsLc)]
}

pub(crate) struct World {
    pub(crate) issuer: Party,
    pub(crate) holder: Party,
    pub(crate) payload: Value,
}

impl World {
    pub(crate) fn new() -> Self {
        let (issuer, holder) = (Party::new(), Party::new());
        let payload = json!({
            "iss": ISS,
            "vct": VCT,
            "iat": test_now().as_second(),
            "exp": test_now().as_second() + 86_400,
            "cnf": {"jwk": holder.jwk.to_value()},
            "name": "Ada",
        });
        Self { issuer, holder, payload }
    }

    pub(crate) fn trust(&self) -> IssuerTrust {
        IssuerTrust::new()
            .with(IssuerKeySource::Keys { issuer: iss(), keys: vec![self.issuer.jwk.clone()] })
    }

    pub(crate) fn issuer_jwk(&self) -> Value {
        self.issuer.jwk.to_value()
    }

    /// The presentation of the payload, with some members replaced (by null: removed).
    pub(crate) fn present(&self, changes: &Value) -> String {
        self.holder.bind(&self.credential("dc+sd-jwt", changes, &[]), &json!({}))
    }

    pub(crate) fn credential(&self, typ: &str, changes: &Value, disclosures: &[String]) -> String {
        let mut payload = self.payload.clone();
        let members = payload.as_object_mut().expect("a payload is an object");
        for (name, value) in changes.as_object().expect("changes are an object") {
            if value.is_null() {
                members.shift_remove(name);
            } else {
                members.insert(name.clone(), value.clone());
            }
        }
        self.issuer.forge_as(typ, &payload, disclosures)
    }

    pub(crate) fn verify(&self, presentation: &str) -> Result<VerifiedPresentation, VerifyError> {
        self.verify_with(Policy::default(), self.trust(), presentation)
    }

    pub(crate) fn verify_with(
        &self,
        policy: Policy,
        trust: IssuerTrust,
        presentation: &str,
    ) -> Result<VerifiedPresentation, VerifyError> {
        let expected =
            Expected::new(AUDIENCE, NONCE, KeyBindingRule::Required).of_type(vct()).at(test_now());
        let [one, other] = providers().map(|provider| {
            let verifier = PresentationVerifier::new(trust.clone(), provider).with_policy(policy);
            ready(verifier.verify(presentation, &expected))
        });
        assert_eq!(one.as_ref().map_err(VerifyError::code).err(), other.err().map(|e| e.code()));
        one
    }

    /// The reason code of a refusal, and the name of the only check that failed.
    pub(crate) fn refusal(&self, presentation: &str) -> (&'static str, &'static str) {
        refused(self.verify(presentation))
    }
}

pub(crate) fn refused(
    verdict: Result<VerifiedPresentation, VerifyError>,
) -> (&'static str, &'static str) {
    match verdict {
        Err(VerifyError::Refused(refusal)) => {
            let failed: Vec<_> =
                refusal.checks().iter().filter(|check| check.outcome == Outcome::Failed).collect();
            assert_eq!(failed.len(), 1);
            assert_eq!(failed[0].detail, Some(refusal.to_string().as_str()));
            (refusal.code(), failed[0].id)
        }
        other => unreachable!("it should be refused, and not {other:?}"),
    }
}

// The paved road

#[test]
fn a_good_presentation_passes_every_check() {
    let world = World::new();
    let verified = world.verify(&world.present(&json!({}))).unwrap();
    assert_eq!(verified.claims().text("name"), Ok("Ada"));
    assert_eq!(verified.vct(), &vct());
    assert_eq!(verified.issuer().name(), ISS);
    assert_eq!(verified.key_binding().unwrap().key().key, world.holder.jwk.key);
    for check in verified.checks().iter() {
        let expected = if check.id == "status" { Outcome::NotApplicable } else { Outcome::Passed };
        assert_eq!((check.outcome, check.detail), (expected, None), "{}", check.id);
        assert!(!check.title.is_empty() && !check.rule.is_empty());
    }
    let listed = serde_json::to_value(verified.checks()).unwrap();
    let always = CheckName::ALL.into_iter().filter(|name| !name.is_by_policy());
    assert_eq!(listed.as_array().unwrap().len(), always.count());
    assert_eq!(listed[0]["outcome"], "passed");
}

#[test]
fn each_refusal_names_its_rule_and_its_check() {
    let world = World::new();
    let now = test_now().as_second();
    let bound = |changes: Value| {
        world.holder.bind(&world.credential("dc+sd-jwt", &json!({}), &[]), &changes)
    };
    let unbound = world.credential("dc+sd-jwt", &json!({}), &[]);
    let stray = [disclosure(&json!(["salt", "name", 1]))];
    for (presentation, code, check) in [
        ("no tilde".to_owned(), "sd_jwt_no_tilde", "form"),
        (world.present(&json!({"vct": null})), "credential_type_malformed", "declaration"),
        (world.present(&json!({"vct": 1})), "credential_type_malformed", "declaration"),
        (world.present(&json!({"iss": "not a URI"})), "credential_issuer_malformed", "declaration"),
        (
            world.present(&json!({"iss": "https://other.example"})),
            "issuer_not_trusted",
            "issuer_trusted",
        ),
        (world.present(&json!({"iss": null})), "issuer_not_trusted", "issuer_trusted"),
        (
            world.holder.bind(&world.credential("dc+sd-jwt", &json!({}), &stray), &json!({})),
            "disclosure_not_referenced",
            "disclosures",
        ),
        (unbound.clone(), "key_binding_missing", "holder_key"),
        (world.present(&json!({"cnf": null})), "credential_not_bound", "holder_key"),
        (
            world.present(&json!({"cnf": {"kid": "1"}})),
            "credential_binding_unsupported",
            "holder_key",
        ),
        (
            Party::new().bind(&unbound, &json!({})),
            "key_binding_signature_invalid",
            "holder_signature",
        ),
        (bound(json!({"nonce": "other"})), "nonce_mismatch", "nonce"),
        (bound(json!({"aud": "other"})), "audience_mismatch", "audience"),
        (bound(json!({"sd_hash": "other"})), "sd_hash_mismatch", "sd_hash"),
        (bound(json!({"iat": null})), "key_binding_iat", "freshness"),
        (bound(json!({"iat": now - 61})), "key_binding_too_old", "freshness"),
        (bound(json!({"iat": now + 61})), "key_binding_from_the_future", "freshness"),
        (world.present(&json!({"status": 1})), "credential_status_malformed", "openness"),
        (world.present(&json!({"aka_vcts": []})), "credential_further_types_malformed", "openness"),
        (
            world.present(&json!({"aka_vcts": [VCT]})),
            "credential_further_types_malformed",
            "openness",
        ),
        (world.present(&json!({"exp": now - 60})), "credential_expired", "validity"),
        (world.present(&json!({"exp": "123"})), "credential_exp_malformed", "validity"),
        (world.present(&json!({"exp": 1e308})), "credential_exp_malformed", "validity"),
        (world.present(&json!({"nbf": now + 61})), "credential_not_yet_valid", "validity"),
        (world.present(&json!({"nbf": []})), "credential_nbf_malformed", "validity"),
        (world.present(&json!({"iat": now + 61})), "credential_issued_in_the_future", "validity"),
        (world.present(&json!({"iat": true})), "credential_iat_malformed", "validity"),
        (world.present(&json!({"vct": "urn:other"})), "credential_wrong_type", "type"),
    ] {
        assert_eq!(world.refusal(&presentation), (code, check), "{presentation}");
    }
}

#[test]
fn checks_before_a_failed_one_passed_and_those_after_it_were_not_reached() {
    let world = World::new();
    let foreign = World { issuer: Party::new(), ..World::new() };
    let Err(error) = world.verify(&foreign.present(&json!({}))) else { unreachable!() };
    assert_eq!(error.code(), "issuer_signature_invalid");
    for name in CheckName::ALL.into_iter().filter(|name| !name.is_by_policy()) {
        let expected = match name.cmp(&CheckName::IssuerSignature) {
            std::cmp::Ordering::Less => Outcome::Passed,
            std::cmp::Ordering::Equal => Outcome::Failed,
            std::cmp::Ordering::Greater => Outcome::NotReached,
        };
        assert_eq!(error.checks().outcome(name), expected, "{name:?}");
    }
}

#[test]
fn only_the_listed_typ_passes() {
    let world = World::new();
    for typ in ["vc+sd-jwt", "JWT", "vc+jwt", "application/dc+sd-jwt", "kb+jwt"] {
        let presentation = world.holder.bind(&world.credential(typ, &json!({}), &[]), &json!({}));
        assert_eq!(world.refusal(&presentation), ("issuer_jwt_wrong_typ", "declaration"), "{typ}");
    }
    let untyped = format!("{}~", world.issuer.sign(&json!({}), &world.payload));
    let untyped = world.holder.bind(&untyped, &json!({}));
    assert_eq!(world.refusal(&untyped), ("issuer_jwt_wrong_typ", "declaration"));
}

#[test]
fn what_decides_about_a_credential_must_not_come_by_disclosure() {
    let world = World::new();
    let now = test_now().as_second();
    for (name, value) in [
        ("exp", json!(now + 86_400)),
        ("nbf", json!(now)),
        ("cnf", json!({"jwk": world.holder.jwk.to_value()})),
        ("status", json!({"status_list": {"idx": 1, "uri": "https://status.example"}})),
        ("aka_vcts", json!(["urn:other"])),
        ("vct#integrity", json!("sha256-AA")),
    ] {
        let encoded = disclosure(&json!(["salt", name, value]));
        let changes = json!({name: null, "_sd": [digest(&encoded)]});
        let credential = world.credential("dc+sd-jwt", &changes, &[encoded]);
        let presentation = world.holder.bind(&credential, &json!({}));
        let refusal = world.refusal(&presentation);
        assert_eq!(refusal, ("claim_must_not_be_selective", "openness"), "{name}");
    }
    // a part of one is no better
    let encoded = disclosure(&json!(["salt", "jwk", world.holder.jwk.to_value()]));
    let changes = json!({"cnf": {"_sd": [digest(&encoded)]}});
    let credential = world.credential("dc+sd-jwt", &changes, &[encoded]);
    let presentation = world.holder.bind(&credential, &json!({}));
    assert_eq!(world.refusal(&presentation), ("claim_must_not_be_selective", "openness"));
    // sub and iat may
    let encoded = disclosure(&json!(["salt", "iat", now]));
    let changes = json!({"iat": null, "_sd": [digest(&encoded)]});
    let credential = world.credential("dc+sd-jwt", &changes, &[encoded]);
    assert!(world.verify(&world.holder.bind(&credential, &json!({}))).is_ok());
}

#[test]
fn a_hidden_vct_or_iss_is_a_missing_one() {
    let world = World::new();
    for (name, code) in [("vct", "credential_type_malformed"), ("iss", "issuer_not_trusted")] {
        let encoded = disclosure(&json!(["salt", name, world.payload[name]]));
        let changes = json!({name: null, "_sd": [digest(&encoded)]});
        let credential = world.credential("dc+sd-jwt", &changes, &[encoded]);
        assert_eq!(world.refusal(&world.holder.bind(&credential, &json!({}))).0, code);
    }
}

#[test]
fn takes_what_is_awkward_but_legal() {
    let world = World::new();
    let now = test_now().as_second();
    let mut named = world.holder.jwk.to_value();
    named["kid"] = "holder-1".into();
    named["unknown"] = "member".into();
    for changes in [
        json!({"cnf": {"jwk": named}}),
        json!({"unknown": {"claim": [1, null]}}),
        json!({"exp": null, "iat": null}),
        json!({"exp": now as f64 + 0.5}),
        json!({"exp": now - 59}),
        json!({"nbf": now + 60, "iat": now + 60}),
        json!({"nbf": -1}),
        json!({"vct": "urn:example:badge:german:1", "aka_vcts": ["urn:other", VCT]}),
    ] {
        assert!(world.verify(&world.present(&changes)).is_ok(), "{changes}");
    }
}

#[test]
fn a_verifier_may_demand_that_credentials_expire() {
    let world = World::new();
    let validity = ValidityPolicy { expiry: ExpiryRule::Required, ..ValidityPolicy::default() };
    let policy = Policy { validity, ..Policy::default() };
    let verdict = world.verify_with(policy, world.trust(), &world.present(&json!({"exp": null})));
    assert_eq!(refused(verdict), ("credential_exp_missing", "validity"));
}

#[test]
fn a_verifier_may_widen_the_window_of_key_bindings() {
    let world = World::new();
    let old = json!({"iat": test_now().as_second() - 300});
    let presentation = world.holder.bind(&world.credential("dc+sd-jwt", &json!({}), &[]), &old);
    let past = SignedDuration::from_secs(300);
    let key_binding = KeyBindingWindow { past, ..KeyBindingWindow::default() };
    let policy = Policy { key_binding, ..Policy::default() };
    assert!(world.verify_with(policy, world.trust(), &presentation).is_ok());
}

#[test]
fn a_status_that_nobody_looked_at_is_neither_valid_nor_revoked() {
    let world = World::new();
    let status = json!({"status_list": {"idx": 412, "uri": "https://status.example/1"}});
    for status in [status.clone(), json!({"other": {}})] {
        let presentation = world.present(&json!({"status": status}));
        match world.verify(&presentation) {
            Err(VerifyError::Undetermined(cause)) => {
                assert_eq!(cause.code(), "status_unknown");
                assert_eq!(cause.checks().outcome(CheckName::Status), Outcome::Undetermined);
                assert_eq!(cause.checks().outcome(CheckName::Type), Outcome::Passed);
            }
            other => unreachable!("it should be undetermined, and not {other:?}"),
        }
    }
    let accept = Policy { status: StatusPolicy::Accept, ..Policy::default() };
    let presentation = world.present(&json!({"status": status}));
    let verified = world.verify_with(accept, world.trust(), &presentation).unwrap();
    assert_eq!(verified.checks().outcome(CheckName::Status), Outcome::Undetermined);
    let uri = StatusListUri::parse("https://status.example/1").unwrap();
    assert_eq!(verified.status(), Some(&StatusReference::TokenStatusList { index: 412, uri }));
    for malformed in [json!(-1), json!(1.5), json!("5"), json!(null)] {
        let status = json!({"status_list": {"idx": malformed, "uri": "https://status.example/1"}});
        let refusal = world.refusal(&world.present(&json!({"status": status})));
        assert_eq!(refusal, ("credential_status_malformed", "openness"));
    }
}

#[test]
fn a_credential_that_is_bound_to_nobody_passes_where_no_binding_is_required() {
    let world = World::new();
    let credential = world.credential("dc+sd-jwt", &json!({"cnf": null}), &[]);
    let expected = Expected::new(AUDIENCE, NONCE, KeyBindingRule::NotRequired).at(test_now());
    let verifier = PresentationVerifier::new(world.trust(), Arc::new(AwsLc));
    let verified = ready(verifier.verify(&credential, &expected)).unwrap();
    assert!(verified.key_binding().is_none());
    for name in [CheckName::HolderKey, CheckName::Nonce, CheckName::Freshness] {
        assert_eq!(verified.checks().outcome(name), Outcome::NotApplicable);
    }
    assert_eq!(verified.checks().outcome(CheckName::Openness), Outcome::Passed);
}

// Issuing and holding

fn draft(claims: Claims, validity: &Validity) -> Result<SdJwtVcDraft, DraftError> {
    SdJwtVcDraft::new(&vct(), Some(&iss()), claims, &KeyBinding::None, validity)
}

#[test]
fn a_draft_refuses_what_a_verifier_would_refuse() {
    for name in ["iss", "iat", "nbf", "exp", "cnf", "vct", "aka_vcts", "status"] {
        let drafted = draft(Claims::new().visible(name, 1), &Validity::UNLIMITED);
        assert_eq!(drafted.unwrap_err(), DraftError::OwnedClaim(name));
    }
    for claims in [
        Claims::new().selective("vct#integrity", "sha256-AA"),
        Claims::new().visible_array("vct#integrity", Elements::new().selective(1)),
    ] {
        assert_eq!(
            draft(claims, &Validity::UNLIMITED).unwrap_err(),
            DraftError::NeverSelective("vct#integrity")
        );
    }
    let never = Validity {
        not_before: Some(test_now()),
        expires_at: Some(test_now()),
        ..Validity::UNLIMITED
    };
    assert_eq!(draft(Claims::new(), &never).unwrap_err(), DraftError::NeverValid);
    let good = || draft(Claims::new().selective("sub", "ada"), &Validity::UNLIMITED).unwrap();
    assert_eq!(good().with_aka_vcts(&[]).unwrap_err(), DraftError::FurtherTypes);
    assert_eq!(good().with_aka_vcts(&[vct()]).unwrap_err(), DraftError::FurtherTypes);
    assert_eq!(good().with_status(&StatusReference::Unknown).unwrap_err(), DraftError::Status);
}

#[test]
fn an_issuer_may_take_another_hash_for_its_digests() {
    let world = World::new();
    let (claims, times) = (Claims::new().selective("name", "Ada"), Validity::UNLIMITED);
    let draft = SdJwtVcDraft::new(&vct(), Some(&iss()), claims, &KeyBinding::None, &times);
    let draft = draft.unwrap().with_hash(HashAlgorithm::Sha384);
    let issued = ready(draft.sign(&world.issuer.signer, &AwsLc)).unwrap().into_string();
    let payload = issued.split('.').nth(1).unwrap();
    let payload: Value = serde_json::from_slice(&base64url_decode(payload).unwrap()).unwrap();
    assert_eq!(payload["_sd_alg"], "sha-384");
    let expected = Expected::new(AUDIENCE, NONCE, KeyBindingRule::NotRequired).at(test_now());
    let verifier = PresentationVerifier::new(world.trust(), Arc::new(AwsLc));
    let verified = ready(verifier.verify(&issued, &expected)).unwrap();
    assert_eq!(verified.claims().text("name"), Ok("Ada"));
}

#[test]
fn times_are_rounded_to_days_so_that_they_tell_nobody_apart() {
    let at = |second: i64| Timestamp::from_second(1_768_435_200 + second).unwrap();
    for second in [0, 1, 43_200, 86_399] {
        let validity = Validity::rounded_to_days(at(second), SignedDuration::from_hours(48));
        assert_eq!(validity.issued_at, Some(at(0)));
        assert_eq!(validity.not_before, Some(at(0)));
        let days = if second == 0 { 2 } else { 3 };
        assert_eq!(validity.expires_at, Some(at(days * 86_400)));
        assert_eq!(ValidityPolicy::default().judge(&validity, at(second)), Ok(()));
    }
}

#[test]
fn a_credential_goes_from_issuer_to_holder_to_verifier() {
    for (signing, provider) in [(0, 0), (0, 1), (1, 0), (1, 1)]
        .map(|(one, other)| (providers()[one].clone(), providers()[other].clone()))
    {
        let world = World::new();
        let validity = Validity::rounded_to_days(test_now(), SignedDuration::from_hours(24 * 30));
        let claims = Claims::new()
            .visible("department", "Engines")
            .selective("given_name", "Ada")
            .selective("family_name", "Lovelace");
        let further = Vct::parse("urn:example:badge").unwrap();
        let uri = StatusListUri::parse("https://status.example/1").unwrap();
        let status = StatusReference::TokenStatusList { index: 7, uri };
        let draft = SdJwtVcDraft::new(
            &vct(),
            Some(&iss()),
            claims,
            &KeyBinding::To(world.holder.jwk.clone()),
            &validity,
        )
        .unwrap()
        .with_key_id("key-1")
        .with_status(&status)
        .unwrap()
        .with_aka_vcts(std::slice::from_ref(&further))
        .unwrap();
        let issued = ready(draft.sign(&world.issuer.signer, &*signing)).unwrap();

        // the holder verifies before keeping, and takes the same back from storage
        let keys = IssuerKeys::new(world.trust(), Arc::clone(&provider));
        let credential = UnverifiedSdJwtVc::parse(issued.as_str()).unwrap();
        let key = ready(keys.find(&credential.claimed_issuer(), test_now())).unwrap();
        let held = credential.verify_for_holding(key, test_now(), &*provider).unwrap();
        assert_eq!(held.issuer().unwrap().name(), ISS);
        let stored = UnverifiedSdJwtVc::parse(held.as_str()).unwrap();
        let held = stored.danger_hold_unverified(&*provider).unwrap();
        assert!(held.issuer().is_none());
        assert_eq!(held.holder_key(), Some(world.holder.jwk.key));
        assert_eq!((held.vct(), held.aka_vcts()), (&vct(), &[further.clone()][..]));
        assert!(held.is_of_type(&further));
        assert_eq!((held.validity(), held.status()), (&validity, Some(&status)));
        assert_eq!(held.disclosable().count(), 2);

        let demand = Demand::new();
        let name = [ClaimsPath::key("given_name")];
        let request = demand.request(&world.holder);
        let presentation = ready(held.present(&name, Some(&request), &*signing)).unwrap();
        let expected = Expected::new(AUDIENCE, NONCE, KeyBindingRule::Required)
            .of_type(&further)
            .at(test_now());
        let policy = Policy { status: StatusPolicy::Accept, ..Policy::default() };
        let verifier = PresentationVerifier::new(world.trust(), provider).with_policy(policy);
        let verified = ready(verifier.verify(&presentation, &expected)).unwrap();
        assert_eq!(verified.claims().text("given_name"), Ok("Ada"));
        assert_eq!(verified.claims().text("department"), Ok("Engines"));
        assert!(verified.claims().text("family_name").is_err());
        assert_eq!(verified.disclosed(), name);
        assert!(verified.is_of_type(&vct()) && verified.is_of_type(&further));
        assert_eq!(verified.validity(), &validity);
    }
}

#[test]
fn a_holder_does_not_keep_an_expired_credential() {
    let world = World::new();
    let expired = json!({"exp": test_now().as_second() - 60});
    let credential = world.credential("dc+sd-jwt", &expired, &[]);
    let keys = IssuerKeys::new(world.trust(), Arc::new(AwsLc));
    let credential = UnverifiedSdJwtVc::parse(&credential).unwrap();
    let key = ready(keys.find(&credential.claimed_issuer(), test_now())).unwrap();
    assert_eq!(
        credential.verify_for_holding(key, test_now(), &AwsLc).unwrap_err(),
        SdJwtVcError::Validity(ValidityError::Expired)
    );
}

#[test]
fn names_have_no_white_space_and_issuers_are_uris() {
    assert_eq!(Format::from_identifier("dc+sd-jwt"), Some(Format::SdJwtVc));
    assert_eq!(Format::from_identifier("vc+sd-jwt"), None);
    for text in ["", "two words", "line\nbreak", "nul\0"] {
        assert!(Vct::parse(text).is_err() && IssuerIdentifier::parse(text).is_err());
    }
    assert!(Vct::parse("ExampleType").is_ok());
    assert!(IssuerIdentifier::parse("nobody").is_err());
}

#[test]
fn no_verdict_says_a_claim_a_nonce_or_a_token() {
    let mut world = World::new();
    world.payload["name"] = "canary-claim".into();
    let presentations = [
        world.present(&json!({"exp": 0})),
        world
            .holder
            .bind(&world.credential("dc+sd-jwt", &json!({}), &[]), &json!({"nonce": "canary"})),
        world.present(&json!({"name": "canary-claim", "vct": "urn:canary"})),
        "canary.canary.canary~canary~".to_owned(),
    ];
    for presentation in presentations {
        let error = world.verify(&presentation).unwrap_err();
        let checks = serde_json::to_string(error.checks()).unwrap();
        let said = format!("{error} {error:?} {checks}");
        assert!(!said.contains("canary") && !said.contains("eyJ"), "{said}");
    }
    let verified = world.verify(&world.present(&json!({}))).unwrap();
    assert!(!format!("{verified:?} {:?}", verified.claims()).contains("canary"));
}

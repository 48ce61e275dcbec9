//! The status of a presented credential: what is asked, what is kept, and what the verdict says.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use jiff::SignedDuration;
use lanyard_core::{
    Timestamp,
    credential::CredentialType,
    crypto::AwsLc,
    status::{
        Freshness, PublishedStatusList, Status, StatusCheck as _, StatusChecker, StatusError,
        StatusListSource, StatusListUnavailable, StatusListUri, StatusMechanism, StatusQuestion,
        StatusReference,
        token_status_list::{
            MEDIA_TYPE_CWT, MEDIA_TYPE_JWT, StatusBits, StatusList, StatusListAggregation,
            StatusListDraft,
        },
    },
    trust::{IssuerIdentifier, IssuerIdentity, IssuerKeySource, IssuerKeys, IssuerTrust},
    verify::{
        CheckName, Expected, KeyBindingRule, Outcome, Policy, PolicySet, PresentationVerifier,
        StatusPolicy, VerifiedPresentation, VerifyError,
    },
};
use lanyard_testkit::test_now;
use serde_json::json;

use crate::{
    sd_jwt_support::{AUDIENCE, NONCE, Party, ready},
    sd_jwt_vc::{ISS, World},
};

const URI: &str = "https://issuer.example/status-lists/1";
const OTHER: &str = "https://issuer.example/status-lists/2";
const AGGREGATION: &str = "https://issuer.example/status-lists";

fn uri() -> StatusListUri {
    StatusListUri::parse(URI).expect("it is a URI")
}

fn after(seconds: i64) -> Timestamp {
    test_now() + SignedDuration::from_secs(seconds)
}

/// A host of lists: what it answers can be changed, and it counts who asks.
#[derive(Default)]
struct Host {
    answers: Mutex<HashMap<String, PublishedStatusList>>,
    asked: Mutex<usize>,
    /// What happens while the next list is fetched.
    meanwhile: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl Host {
    fn publish(&self, media_type: &str, bytes: impl Into<Vec<u8>>) {
        self.publish_at(URI, media_type, bytes);
    }

    fn publish_at(&self, uri: &str, media_type: &str, bytes: impl Into<Vec<u8>>) {
        let (media_type, bytes) = (media_type.to_owned(), bytes.into());
        let list = PublishedStatusList { media_type, bytes };
        self.answers.lock().expect("nobody panicked").insert(uri.to_owned(), list);
    }

    fn fail(&self) {
        self.answers.lock().expect("nobody panicked").clear();
    }

    fn asked(&self) -> usize {
        *self.asked.lock().expect("nobody panicked")
    }
}

#[async_trait]
impl StatusListSource for Host {
    async fn list(
        &self,
        uri: &StatusListUri,
        mechanism: StatusMechanism,
    ) -> Result<PublishedStatusList, StatusListUnavailable> {
        assert_eq!(mechanism, StatusMechanism::TokenStatusList);
        *self.asked.lock().expect("nobody panicked") += 1;
        let meanwhile = self.meanwhile.lock().expect("nobody panicked").take();
        meanwhile.into_iter().for_each(|meanwhile| meanwhile());
        let answers = self.answers.lock().expect("nobody panicked");
        answers.get(uri.as_str()).cloned().ok_or(StatusListUnavailable)
    }

    async fn aggregation(
        &self,
        uri: &StatusListUri,
    ) -> Result<StatusListAggregation, StatusListUnavailable> {
        assert_eq!(uri.as_str(), AGGREGATION);
        let lists = [URI, OTHER].map(|uri| StatusListUri::parse(uri).expect("it is a URI"));
        Ok(StatusListAggregation { lists: lists.into() })
    }
}

/// Eight statuses, number 7 as given.
fn list(status: Status) -> StatusList {
    let mut list = StatusList::new(StatusBits::Eight, 8).expect("it is not empty");
    list.set(7, status).expect("it is in the list");
    list
}

/// A list of them that is good for an hour, and kept for ten minutes.
fn draft(status: Status) -> StatusListDraft {
    draft_at(URI, status)
}

fn draft_at(uri: &str, status: Status) -> StatusListDraft {
    let uri = StatusListUri::parse(uri).expect("it is a URI");
    StatusListDraft::new(&uri, &list(status), test_now())
        .with_expiry(after(3600))
        .with_ttl(SignedDuration::from_secs(600))
}

fn signed(status: Status, by: &Party) -> String {
    ready(draft(status).sign_jwt(&by.signer)).expect("a key in memory signs")
}

/// A verifier that looks at statuses, and the host it gets lists from.
struct Desk {
    world: World,
    host: Arc<Host>,
    checker: Arc<StatusChecker>,
    verifier: PresentationVerifier,
}

impl Desk {
    fn new() -> Self {
        let world = World::new();
        let trust = world.trust();
        Self::believing(world, trust)
    }

    fn believing(world: World, trust: IssuerTrust) -> Self {
        let host = Arc::new(Host::default());
        let keys = IssuerKeys::new(trust.clone(), Arc::new(AwsLc));
        let checker = Arc::new(StatusChecker::new(keys, host.clone()));
        let verifier = PresentationVerifier::new(trust, Arc::new(AwsLc));
        let verifier = verifier.with_status(checker.clone());
        Self { world, host, checker, verifier }
    }

    fn publish(&self, status: Status) {
        self.host.publish(MEDIA_TYPE_JWT, signed(status, &self.world.issuer));
    }

    /// Verifies a credential whose status is number `index`, so many seconds later.
    fn judge(&self, index: u64, later: i64) -> Result<VerifiedPresentation, VerifyError> {
        self.judge_at(URI, index, later)
    }

    fn judge_at(
        &self,
        uri: &str,
        index: u64,
        later: i64,
    ) -> Result<VerifiedPresentation, VerifyError> {
        let status = json!({"status_list": {"idx": index, "uri": uri}});
        let presentation = self.world.present(&json!({"status": status}));
        let window = lanyard_core::sd_jwt::KeyBindingWindow {
            past: SignedDuration::from_hours(24 * 7),
            ..Default::default()
        };
        let policy = Policy { key_binding: window, ..Policy::default() };
        let expected = Expected::new(AUDIENCE, NONCE, KeyBindingRule::Required).at(after(later));
        ready(self.verifier.clone().with_policy(policy).verify(&presentation, &expected))
    }

    /// Fetches ahead what goes stale within two minutes; gives how many lists could be had.
    fn refresh(&self, later: i64) -> usize {
        ready(self.checker.refresh(after(later), SignedDuration::from_mins(2)))
    }

    /// Asks for number 7 on behalf of a credential of this type, so many seconds later.
    fn ask(&self, kind: &CredentialType, later: i64) -> Result<Status, StatusError> {
        let reference = StatusReference::TokenStatusList { index: 7, uri: uri() };
        let issuer = IssuerIdentifier::parse(ISS).expect("it is an identifier");
        let question = StatusQuestion {
            reference: &reference,
            issuer: &IssuerIdentity::Identifier(issuer),
            types: std::slice::from_ref(kind),
            now: after(later),
            not_before: None,
        };
        ready(self.checker.status(&question)).map(|reading| reading.status)
    }

    fn refusal(&self, index: u64) -> &'static str {
        match self.judge(index, 0) {
            Err(VerifyError::Refused(refusal)) => {
                assert_eq!(refusal.checks().outcome(CheckName::Status), Outcome::Failed);
                refusal.code()
            }
            other => unreachable!("it should be refused, and not {other:?}"),
        }
    }

    fn doubt(&self, index: u64, later: i64) -> &'static str {
        match self.judge(index, later) {
            Err(VerifyError::Undetermined(cause)) => {
                assert_eq!(cause.checks().outcome(CheckName::Status), Outcome::Undetermined);
                cause.code()
            }
            other => unreachable!("it should be undetermined, and not {other:?}"),
        }
    }
}

#[test]
fn a_valid_credential_passes_the_check() {
    let desk = Desk::new();
    desk.publish(Status::Valid);
    let verified = desk.judge(7, 0).unwrap();
    assert_eq!(verified.checks().outcome(CheckName::Status), Outcome::Passed);
}

#[test]
fn a_revoked_and_a_suspended_credential_are_refused_by_name() {
    for (status, code) in [
        (Status::Invalid, "credential_revoked"),
        (Status::Suspended, "credential_suspended"),
        (Status::ApplicationSpecific(3), "credential_status_not_valid"),
        (Status::Unassigned(0x0b), "credential_status_not_valid"),
        (Status::Unassigned(0xff), "credential_status_not_valid"),
    ] {
        let desk = Desk::new();
        desk.publish(status);
        assert_eq!(desk.refusal(7), code);
        assert!(desk.judge(6, 0).is_ok(), "its neighbour is valid");
    }
}

#[test]
fn an_index_beyond_the_list_refuses_the_credential() {
    let desk = Desk::new();
    desk.publish(Status::Valid);
    assert_eq!(desk.refusal(8), "status_index_out_of_range");
}

#[test]
fn a_list_in_cwt_form_is_as_good_for_an_mdoc_and_none_for_an_sd_jwt_vc() {
    let desk = Desk::new();
    let issuer = &desk.world.issuer;
    desk.host
        .publish(MEDIA_TYPE_CWT, ready(draft(Status::Invalid).sign_cwt(&issuer.signer)).unwrap());
    assert_eq!(desk.doubt(7, 0), "status_list_media_type");
    let mdl = CredentialType::doc_type("org.iso.18013.5.1.mDL");
    assert_eq!(desk.ask(&mdl, 0), Ok(Status::Invalid));
    // nor is what was kept for the one a list for the other
    assert_eq!(desk.doubt(7, 0), "status_list_media_type");
}

#[test]
fn however_short_lists_are_only_so_many_are_kept() {
    let desk = Desk::new();
    desk.publish(Status::Valid);
    let types: Vec<_> =
        (0..4_200).map(|n| CredentialType::doc_type(format!("org.example.{n}"))).collect();
    for kind in &types {
        assert_eq!(desk.ask(kind, 0), Ok(Status::Valid));
    }
    assert_eq!(desk.host.asked(), 4_200, "each is another question of trust");
    for kind in &types {
        assert_eq!(desk.ask(kind, 0), Ok(Status::Valid));
    }
    assert!(desk.host.asked() >= 4_200 + 104, "no more than 4,096 of them were kept");
}

#[test]
fn a_list_that_has_ended_is_not_kept_any_more() {
    let desk = Desk::new();
    desk.publish(Status::Valid);
    assert!(desk.judge(7, 0).is_ok());
    // another list is fetched once the first has ended
    let late = StatusListDraft::new(
        &StatusListUri::parse(OTHER).unwrap(),
        &list(Status::Valid),
        after(3_600),
    );
    let late = ready(late.sign_jwt(&desk.world.issuer.signer)).unwrap();
    desk.host.publish_at(OTHER, MEDIA_TYPE_JWT, late);
    assert!(desk.judge_at(OTHER, 7, 3_600).is_ok());
    let before = desk.host.asked();
    assert_eq!(desk.refresh(3_600 + 300), 1, "the other list alone");
    assert_eq!(desk.host.asked(), before + 1);
}

#[test]
fn what_cannot_be_had_or_verified_is_neither_valid_nor_revoked() {
    let desk = Desk::new();
    assert_eq!(desk.doubt(7, 0), "status_list_unreachable");
    desk.host.publish("text/html", "<h1>not here</h1>");
    assert_eq!(desk.doubt(7, 0), "status_list_media_type");
    desk.host.publish(MEDIA_TYPE_JWT, signed(Status::Valid, &Party::new()));
    assert_eq!(desk.doubt(7, 0), "status_list_signature");
    desk.publish(Status::Valid);
    assert_eq!(desk.doubt(7, 3600), "status_list_expired");
    assert!(desk.judge(7, 0).is_ok(), "and asking again helps");
}

#[test]
fn whoever_accepts_an_unknown_status_sees_that_it_is_unknown() {
    let desk = Desk::new();
    let policy = Policy { status: StatusPolicy::Accept, ..Policy::default() };
    let status = json!({"status_list": {"idx": 7, "uri": URI}});
    let presentation = desk.world.present(&json!({"status": status}));
    let expected = Expected::new(AUDIENCE, NONCE, KeyBindingRule::Required).at(test_now());
    let verifier = desk.verifier.clone().with_policy(policy);
    let verified = ready(verifier.verify(&presentation, &expected)).unwrap();
    assert_eq!(verified.checks().outcome(CheckName::Status), Outcome::Undetermined);
    desk.publish(Status::Invalid);
    let revoked = ready(verifier.verify(&presentation, &expected)).unwrap_err();
    assert_eq!(revoked.code(), "credential_revoked");
}

#[test]
fn a_list_by_an_issuer_of_other_types_says_nothing() {
    let world = World::new();
    let other = IssuerIdentifier::parse("https://other.example").unwrap();
    let stranger = Party::new();
    let keys = vec![stranger.jwk.clone()];
    let source = IssuerKeySource::Keys { issuer: other.clone(), keys };
    let types = [lanyard_core::sd_jwt_vc::Vct::parse("urn:example:library-card").unwrap()];
    let trust = world.trust().with_types(source, types);
    let desk = Desk::believing(world, trust);
    let draft = draft(Status::Valid).with_issuer(&other);
    desk.host.publish(MEDIA_TYPE_JWT, ready(draft.sign_jwt(&stranger.signer)).unwrap());
    assert_eq!(desk.doubt(7, 0), "status_list_issuer_refused");
}

#[test]
fn nothing_is_fetched_for_a_credential_that_is_refused_anyway() {
    let desk = Desk::new();
    desk.publish(Status::Valid);
    assert_eq!(desk.judge(7, 200_000).unwrap_err().code(), "credential_expired");
    assert_eq!(desk.host.asked(), 0);
}

#[test]
fn a_fresh_list_answers_without_being_fetched_again() {
    let desk = Desk::new();
    desk.publish(Status::Valid);
    assert!(desk.judge(7, 0).is_ok());
    desk.publish(Status::Invalid);
    assert!(desk.judge(7, 599).is_ok());
    assert!(desk.judge(6, 599).is_ok(), "for every credential in it");
    assert_eq!(desk.host.asked(), 1);
    assert_eq!(desk.judge(7, 600).unwrap_err().code(), "credential_revoked");
    assert_eq!(desk.host.asked(), 2);
}

#[test]
fn a_list_that_another_question_verified_while_it_was_fetched_is_not_verified_again() {
    let desk = Arc::new(Desk::new());
    desk.publish(Status::Valid);
    let other = Arc::clone(&desk);
    let meanwhile = move || {
        assert!(other.judge(7, 0).is_ok());
        other.host.publish("text/html", "<h1>not here</h1>");
    };
    *desk.host.meanwhile.lock().unwrap() = Some(Box::new(meanwhile));
    assert!(desk.judge(7, 0).is_ok());
    assert_eq!(desk.host.asked(), 2);
}

#[test]
fn a_stale_list_speaks_until_it_expires_and_never_beyond() {
    let desk = Desk::new();
    desk.publish(Status::Valid);
    assert!(desk.judge(7, 0).is_ok());
    desk.host.fail();
    assert!(desk.judge(7, 3599).is_ok());
    assert_eq!(desk.host.asked(), 2, "a new copy was asked for");
    assert_eq!(desk.doubt(7, 3600), "status_list_unreachable");
}

#[test]
fn whoever_looks_bounds_for_how_long_a_copy_is_kept() {
    let desk = Desk::new();
    desk.publish(Status::Valid);
    let keys = IssuerKeys::new(desk.world.trust(), Arc::new(AwsLc));
    let bounds = Freshness { longest: SignedDuration::from_secs(60), ..Freshness::default() };
    let checker = StatusChecker::new(keys, desk.host.clone()).with_freshness(bounds);
    let desk = Desk { checker: Arc::new(checker), ..desk };
    let kind = CredentialType::from(&crate::sd_jwt_vc::vct());
    for (later, asked) in [(0, 1), (59, 1), (60, 2)] {
        assert_eq!(desk.ask(&kind, later), Ok(Status::Valid));
        assert_eq!(desk.host.asked(), asked, "after {later} of its 600 seconds");
    }
}

#[test]
fn a_stale_list_that_never_expires_is_not_used() {
    let desk = Desk::new();
    let list = StatusList::new(StatusBits::One, 8).unwrap();
    let draft = StatusListDraft::new(&uri(), &list, test_now());
    let token = ready(draft.sign_jwt(&desk.world.issuer.signer)).unwrap();
    desk.host.publish(MEDIA_TYPE_JWT, token);
    assert!(desk.judge(7, 299).is_ok());
    desk.host.fail();
    assert!(desk.judge(7, 300).is_ok());
    assert_eq!(desk.doubt(7, 600), "status_list_unreachable");
}

#[test]
fn a_list_that_was_fetched_ahead_is_not_asked_for_when_a_credential_is_shown() {
    let desk = Desk::new();
    desk.publish(Status::Valid);
    assert!(desk.judge(7, 0).is_ok());
    assert_eq!(desk.refresh(479), 0, "it is fresh for more than two minutes");
    assert_eq!(desk.refresh(480), 1);
    let asked = desk.host.asked();
    assert!(desk.judge(7, 601).is_ok());
    assert_eq!(desk.host.asked(), asked, "nobody was asked when it was shown");
    desk.host.fail();
    assert_eq!(desk.refresh(1000), 0, "there is no list to be had");
}

#[test]
fn a_list_that_no_credential_asked_for_in_a_day_is_not_fetched_ahead() {
    let desk = Desk::new();
    desk.publish(Status::Valid);
    assert!(desk.judge(7, 0).is_ok());
    let asked = desk.host.asked();
    desk.refresh(86_400);
    assert_eq!(desk.host.asked(), asked);
    desk.refresh(86_399);
    assert_eq!(desk.host.asked(), asked + 1);
}

#[test]
fn the_other_lists_of_the_issuer_are_fetched_ahead_and_believed_only_when_they_verify() {
    let desk = Desk::new();
    let aggregation = StatusListUri::parse(AGGREGATION).expect("it is a URI");
    let publish = |uri, status, by: &Party| {
        let list = draft_at(uri, status).with_aggregation(&aggregation);
        let token = ready(list.sign_jwt(&by.signer)).expect("a key in memory signs");
        desk.host.publish_at(uri, MEDIA_TYPE_JWT, token);
    };
    publish(URI, Status::Valid, &desk.world.issuer);
    publish(OTHER, Status::Invalid, &Party::new());
    assert!(desk.judge(7, 0).is_ok());
    assert_eq!(desk.refresh(500), 1, "the other list is by somebody else");
    publish(OTHER, Status::Invalid, &desk.world.issuer);
    assert_eq!(desk.refresh(1000), 2);
    let asked = desk.host.asked();
    assert_eq!(desk.judge_at(OTHER, 7, 1001).unwrap_err().code(), "credential_revoked");
    assert_eq!(desk.host.asked(), asked, "nobody was asked when it was shown");
}

/// The desk with a policy on how old a list may be.
fn demanding(seconds: u64) -> Desk {
    let mut desk = Desk::new();
    let policies = json!([{"policy": "status_freshness", "max_age_seconds": seconds}]);
    let policies = PolicySet::from_value(&policies).expect("the policy is good");
    desk.verifier = desk.verifier.with_policies(policies);
    desk
}

#[test]
fn what_was_read_about_a_status_comes_with_the_age_of_the_list() {
    let desk = Desk::new();
    desk.publish(Status::Valid);
    let verified = desk.judge(7, 60).expect("it is valid");
    let [reading] = verified.status_readings() else { unreachable!("one list was read") };
    assert_eq!((reading.status, reading.lists.len()), (Status::Valid, 1));
    assert_eq!(reading.lists[0].uri, uri());
    assert_eq!(reading.lists[0].issued_at, Some(test_now()));
    assert_eq!(reading.lists[0].expires_at, Some(after(3600)));
}

#[test]
fn a_list_that_is_older_than_a_policy_allows_decides_nothing() {
    let desk = demanding(120);
    desk.publish(Status::Valid);
    let verified = desk.judge(7, 120).expect("it is young enough");
    assert_eq!(verified.checks().outcome(CheckName::StatusFreshness), Outcome::Passed);
    let error = desk.judge(7, 121).expect_err("it is too old");
    assert_eq!(error.code(), "policy_status_list_too_old");
    assert_eq!(error.checks().outcome(CheckName::Status), Outcome::Passed);
    assert_eq!(error.checks().outcome(CheckName::StatusFreshness), Outcome::Undetermined);
    // without the policy the same list speaks
    let desk = Desk::new();
    desk.publish(Status::Valid);
    assert!(desk.judge(7, 121).is_ok());
}

#[test]
fn a_kept_list_that_is_too_old_for_a_policy_is_fetched_again() {
    let desk = demanding(120);
    desk.publish(Status::Valid);
    assert!(desk.judge(7, 0).is_ok());
    let newer = StatusListDraft::new(&uri(), &list(Status::Invalid), after(100));
    let newer = newer.with_expiry(after(3600)).with_ttl(SignedDuration::from_secs(600));
    let token = ready(newer.sign_jwt(&desk.world.issuer.signer)).expect("a key in memory signs");
    desk.host.publish(MEDIA_TYPE_JWT, token);
    assert!(desk.judge(7, 120).is_ok(), "the kept one is young enough");
    assert_eq!(desk.host.asked(), 1);
    assert_eq!(desk.judge(7, 121).unwrap_err().code(), "credential_revoked");
    assert_eq!(desk.host.asked(), 2);
}

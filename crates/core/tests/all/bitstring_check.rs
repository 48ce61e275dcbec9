//! The status of a presented W3C credential, through every mechanism that secures it and its lists.

use std::{collections::HashMap, slice::from_ref, sync::Arc, sync::Mutex};

use async_trait::async_trait;
use jiff::SignedDuration;
use lanyard_core::{
    Timestamp,
    crypto::AwsLc,
    data_integrity::{Cryptosuite, ProofDraft},
    status::{
        PublishedStatusList, StatusChecker, StatusListSource, StatusListUnavailable, StatusListUri,
        StatusMechanism, StatusReference,
        bitstring_status_list::{
            Bitstring, BitstringListDraft, MEDIA_TYPE_VC, MEDIA_TYPE_VC_JWT, MIN_ENTRIES,
            StatusEntry,
            StatusPurpose::{self, Revocation, Suspension},
            StatusSize,
        },
        token_status_list::StatusListAggregation,
    },
    trust::{IssuerKeySource, IssuerKeys, IssuerTrust},
    verify::{
        CheckName, Expected, KeyBindingRule, Outcome, PresentationVerifier, Presented,
        VerifiedCredentials, VerifyError,
    },
    w3c::{
        Credential, CredentialDraft, CredentialV1Draft, jwt_vc_json,
        ldp_vc::{self, Shown},
        vc_jose_cose::{self, SigningOptions},
    },
};
use lanyard_testkit::test_now;
use serde_json::{Value, json};

use crate::{
    sd_jwt_support::{AUDIENCE, NONCE, ready},
    w3c_support::{Asked, Person},
};

const EXAMPLES: &str = "https://www.w3.org/ns/credentials/examples/v2";
const PLACE: u64 = 94_567;

fn uri(purpose: StatusPurpose) -> StatusListUri {
    StatusListUri::parse(format!("https://issuer.example/status-lists/0/{}", purpose.name()))
        .expect("it is a URL")
}

/// A host of lists that counts who asks.
#[derive(Default)]
struct Host {
    lists: Mutex<HashMap<String, PublishedStatusList>>,
    asked: Mutex<usize>,
}

#[async_trait]
impl StatusListSource for Host {
    async fn list(
        &self,
        uri: &StatusListUri,
        mechanism: StatusMechanism,
    ) -> Result<PublishedStatusList, StatusListUnavailable> {
        assert_eq!(mechanism, StatusMechanism::BitstringStatusList);
        *self.asked.lock().expect("nobody panicked") += 1;
        let lists = self.lists.lock().expect("nobody panicked");
        lists.get(uri.as_str()).cloned().ok_or(StatusListUnavailable)
    }

    async fn aggregation(
        &self,
        _: &StatusListUri,
    ) -> Result<StatusListAggregation, StatusListUnavailable> {
        Err(StatusListUnavailable)
    }
}

/// How a credential, and the lists it refers to, are secured.
#[derive(Clone, Copy, Debug, PartialEq)]
enum How {
    JwtVcJson,
    VcJwt,
    LdpVc,
}

/// An issuer with its lists, a holder, and a verifier that looks at statuses.
struct World {
    issuer: Person,
    holder: Person,
    host: Arc<Host>,
    verifier: PresentationVerifier,
}

impl World {
    fn new() -> Self {
        let (issuer, holder, host) = (Person::new(), Person::new(), Arc::new(Host::default()));
        let trust = || {
            let badge = lanyard_core::credential::CredentialType::w3c("Badge");
            IssuerTrust::new().with_types(IssuerKeySource::Did(issuer.did.clone()), [badge])
        };
        let keys = IssuerKeys::new(trust(), Arc::new(AwsLc));
        let checker = Arc::new(StatusChecker::new(keys, host.clone()));
        let verifier = PresentationVerifier::new(trust(), Arc::new(AwsLc)).with_status(checker);
        Self { issuer, holder, host, verifier }
    }

    /// A list in which one place is set or not, as a credential that nobody has secured yet.
    fn list(&self, purpose: StatusPurpose, is_set: bool) -> Credential {
        let mut bits = Bitstring::new(MIN_ENTRIES, StatusSize::ONE).expect("it is small");
        bits.set(PLACE, StatusSize::ONE, is_set.into()).expect("it is in the list");
        BitstringListDraft::new(
            &uri(purpose),
            &self.issuer.identifier(),
            purpose,
            &bits,
            test_now(),
        )
        .with_expiry(test_now() + SignedDuration::from_hours(1))
        .with_ttl(SignedDuration::from_secs(600))
        .credential()
        .expect("it keeps the rules")
    }

    fn secured(&self, how: How, list: &Credential, by: &Person) -> PublishedStatusList {
        let signer = &by.party.signer;
        let (media_type, bytes) = match how {
            How::LdpVc => {
                let proof = ProofDraft::assertion(Cryptosuite::EcdsaRdfc2019, &by.key_id);
                let mut list = list.document().clone();
                list.insert("issuer".to_owned(), by.did.as_str().into());
                let secured = ready(proof.secure(list, signer, &AwsLc)).expect("a proof");
                (MEDIA_TYPE_VC, Value::Object(secured).to_string().into_bytes())
            }
            How::JwtVcJson | How::VcJwt => {
                let options = SigningOptions::new().with_key_id(&by.key_id.to_string());
                let jwt = ready(vc_jose_cose::issue_jwt(list, &options, signer)).expect("a JWT");
                (MEDIA_TYPE_VC_JWT, jwt.into_string().into_bytes())
            }
        };
        PublishedStatusList { media_type: media_type.to_owned(), bytes }
    }

    fn publish(&self, how: How, purpose: StatusPurpose, is_set: bool) {
        let published = self.secured(how, &self.list(purpose, is_set), &self.issuer);
        self.put(purpose, published);
    }

    fn put(&self, purpose: StatusPurpose, published: PublishedStatusList) {
        let mut lists = self.host.lists.lock().expect("nobody panicked");
        lists.insert(uri(purpose).as_str().to_owned(), published);
    }

    /// The entries of a credential's copy, in the two lists.
    fn entries(index: u64) -> Value {
        let entry = |purpose| StatusEntry::new(purpose, index, uri(purpose));
        let both = [Revocation, Suspension].map(entry);
        StatusReference::Bitstring(both.to_vec()).to_credential_status().expect("entries")
    }

    /// A presentation of a credential with this `credentialStatus`.
    fn presented(&self, how: How, status: &Value) -> String {
        let signer = &self.issuer.party.signer;
        let options = SigningOptions::new().with_key_id(&self.issuer.key_id.to_string());
        let subject = json!({"id": self.holder.did.as_str(), "name": "Ada"});
        let credential = || {
            let draft = CredentialDraft::new(&self.issuer.identifier()).in_context(EXAMPLES);
            let draft = draft.of_type("Badge").about(subject.clone());
            draft.with("credentialStatus", status.clone()).finish().expect("a credential")
        };
        let asked = Asked::new();
        let request = asked.request(&self.holder);
        match how {
            How::JwtVcJson => {
                let draft = CredentialV1Draft::new(&self.issuer.identifier(), test_now());
                let draft = draft.of_type("Badge").about(subject.clone());
                let credential = draft.with("credentialStatus", status.clone()).finish();
                let credential = credential.expect("a credential");
                let jwt = ready(jwt_vc_json::issue(&credential, &options, signer)).expect("a JWT");
                let held = jwt_vc_json::UnverifiedJwtVc::parse(jwt.as_str()).expect("a JWT");
                let held = held.danger_hold_unverified();
                ready(jwt_vc_json::present(&[&held], &request)).expect("a presentation")
            }
            How::VcJwt => {
                let credential = credential();
                let jwt = vc_jose_cose::issue_jwt(&credential, &options, signer);
                let jwt = ready(jwt).expect("a JWT");
                let held = vc_jose_cose::UnverifiedVcJwt::parse(jwt.as_str()).expect("a JWT");
                let held = held.danger_hold_unverified();
                let held = vc_jose_cose::HeldCredential::Jwt(&held);
                ready(vc_jose_cose::present_jwt(from_ref(&held), &request)).expect("one")
            }
            How::LdpVc => {
                let proof = ProofDraft::assertion(Cryptosuite::EcdsaRdfc2019, &self.issuer.key_id);
                let credential = credential();
                let secured = ldp_vc::issue(&credential, proof, signer, &AwsLc);
                let held = ldp_vc::UnverifiedLdpVc::from_object(ready(secured).expect("a proof"));
                let contexts = lanyard_core::data_integrity::json_ld::Contexts::bundled();
                let held = held.expect("a credential").danger_hold_unverified(contexts);
                let shown = [Shown::Whole(&held)];
                let presented = ready(ldp_vc::present(&shown, &request, &AwsLc)).expect("one");
                Value::Object(presented).to_string()
            }
        }
    }

    fn judge_at(
        &self,
        how: How,
        presented: &str,
        now: Timestamp,
    ) -> Result<VerifiedCredentials, VerifyError> {
        let presented = match how {
            How::JwtVcJson => Presented::JwtVcJson(presented),
            How::VcJwt => Presented::VpJwt(presented),
            How::LdpVc => Presented::LdpVc(presented),
        };
        let window = lanyard_core::sd_jwt::KeyBindingWindow {
            past: SignedDuration::from_hours(24),
            ..Default::default()
        };
        let policy = lanyard_core::verify::Policy { key_binding: window, ..Default::default() };
        let expected = Expected::new(AUDIENCE, NONCE, KeyBindingRule::Required).at(now);
        ready(self.verifier.clone().with_policy(policy).verify_presented(presented, &expected))
    }

    fn judge(&self, how: How, status: &Value) -> Result<VerifiedCredentials, VerifyError> {
        self.judge_at(how, &self.presented(how, status), test_now())
    }

    fn refusal(&self, how: How, status: &Value) -> &'static str {
        match self.judge(how, status) {
            Err(VerifyError::Refused(refusal)) => {
                assert_eq!(refusal.checks().outcome(CheckName::Status), Outcome::Failed);
                refusal.code()
            }
            other => unreachable!("{how:?} should be refused, and not {other:?}"),
        }
    }

    fn doubt(&self, how: How, status: &Value) -> &'static str {
        match self.judge(how, status) {
            Err(VerifyError::Undetermined(cause)) => {
                assert_eq!(cause.checks().outcome(CheckName::Status), Outcome::Undetermined);
                cause.code()
            }
            other => unreachable!("{how:?} should be undetermined, and not {other:?}"),
        }
    }
}

const EVERY: [How; 3] = [How::JwtVcJson, How::VcJwt, How::LdpVc];

#[test]
fn a_credential_that_both_lists_speak_for_passes_the_check() {
    for how in EVERY {
        let world = World::new();
        world.publish(how, Revocation, false);
        world.publish(how, Suspension, false);
        let verified = world.judge(how, &World::entries(PLACE)).unwrap();
        assert_eq!(verified.checks().outcome(CheckName::Status), Outcome::Passed, "{how:?}");
    }
}

#[test]
fn a_revoked_and_a_suspended_credential_are_refused_by_name() {
    for how in EVERY {
        for (revoked, suspended, code) in [
            (true, false, "credential_revoked"),
            (false, true, "credential_suspended"),
            (true, true, "credential_revoked"),
        ] {
            let world = World::new();
            world.publish(how, Revocation, revoked);
            world.publish(how, Suspension, suspended);
            assert_eq!(world.refusal(how, &World::entries(PLACE)), code, "{how:?}");
            assert!(world.judge(how, &World::entries(PLACE + 1)).is_ok(), "its neighbour is valid");
        }
    }
}

#[test]
fn a_list_that_says_suspended_is_enough_where_the_other_cannot_be_had() {
    let world = World::new();
    world.publish(How::VcJwt, Suspension, true);
    assert_eq!(world.refusal(How::VcJwt, &World::entries(PLACE)), "credential_suspended");
    let world = World::new();
    world.publish(How::VcJwt, Suspension, false);
    assert_eq!(world.doubt(How::VcJwt, &World::entries(PLACE)), "status_list_unreachable");
}

#[test]
fn a_list_may_be_secured_in_another_way_than_the_credential() {
    let world = World::new();
    world.publish(How::LdpVc, Revocation, false);
    world.publish(How::VcJwt, Suspension, true);
    for how in EVERY {
        assert_eq!(world.refusal(how, &World::entries(PLACE)), "credential_suspended");
    }
    assert_eq!(*world.host.asked.lock().unwrap(), 2, "and answers for all of them");
}

#[test]
fn a_list_that_cannot_be_believed_is_neither_valid_nor_revoked() {
    for how in [How::VcJwt, How::LdpVc] {
        let world = World::new();
        world.publish(how, Suspension, false);
        let list = world.list(Revocation, false);
        let good = world.secured(how, &list, &world.issuer);
        // by somebody else, who says that the list is theirs
        world.put(Revocation, world.secured(how, &list, &Person::new()));
        assert_eq!(world.doubt(how, &World::entries(PLACE)), "status_list_issuer_refused");
        // changed after it was secured
        let text = String::from_utf8(good.bytes.clone()).unwrap();
        let mut forged = good.clone();
        forged.bytes = match how {
            How::LdpVc => text.replace("\"ttl\":600000", "\"ttl\":600001").into_bytes(),
            _ => {
                let (signed, signature) = text.rsplit_once('.').unwrap();
                let flipped = if signature.starts_with('A') { 'B' } else { 'A' };
                format!("{signed}.{flipped}{}", &signature[1..]).into_bytes()
            }
        };
        world.put(Revocation, forged);
        assert_eq!(world.doubt(how, &World::entries(PLACE)), "status_list_signature");
        let mut other = good.clone();
        "text/html".clone_into(&mut other.media_type);
        world.put(Revocation, other);
        assert_eq!(world.doubt(how, &World::entries(PLACE)), "status_list_media_type");
        world.put(Revocation, good);
        assert!(world.judge(how, &World::entries(PLACE)).is_ok(), "and asking again helps");
    }
}

#[test]
fn an_entry_that_its_list_does_not_answer_refuses_the_credential() {
    let world = World::new();
    world.publish(How::VcJwt, Revocation, false);
    world.publish(How::VcJwt, Suspension, false);
    let beyond = World::entries(MIN_ENTRIES);
    assert_eq!(world.refusal(How::VcJwt, &beyond), "status_index_out_of_range");
    let mut elsewhere = World::entries(PLACE)[0].clone();
    elsewhere["statusListCredential"] = uri(Suspension).as_str().into();
    assert_eq!(world.refusal(How::VcJwt, &elsewhere), "status_purpose_mismatch");
    let mut malformed = World::entries(PLACE)[0].clone();
    malformed["statusListIndex"] = "-1".into();
    assert_eq!(world.refusal(How::VcJwt, &malformed), "status_index_malformed");
}

#[test]
fn a_credential_with_more_than_eight_entries_is_refused_and_no_list_asked_for() {
    for how in EVERY {
        let world = World::new();
        world.publish(how, Revocation, false);
        let entry = World::entries(PLACE)[0].clone();
        let nine = Value::Array(vec![entry.clone(); 9]);
        assert_eq!(world.refusal(how, &nine), "status_entries_too_many", "{how:?}");
        assert_eq!(*world.host.asked.lock().unwrap(), 0, "{how:?}");
        assert!(world.judge(how, &Value::Array(vec![entry; 8])).is_ok(), "{how:?}");
    }
}

#[test]
fn no_further_list_is_asked_for_once_one_says_revoked() {
    let world = World::new();
    world.publish(How::VcJwt, Revocation, true);
    world.publish(How::VcJwt, Suspension, false);
    assert_eq!(world.refusal(How::VcJwt, &World::entries(PLACE)), "credential_revoked");
    assert_eq!(*world.host.asked.lock().unwrap(), 1);
}

#[test]
fn an_entry_that_nobody_here_understands_leaves_the_status_unknown() {
    for how in EVERY {
        let world = World::new();
        world.publish(how, Revocation, false);
        world.publish(how, Suspension, false);
        let unknown = json!({"id": "urn:example:1", "type": "StatusList2021Entry"});
        assert_eq!(world.doubt(how, &unknown), "status_unknown", "{how:?}");
        let mut both = World::entries(PLACE);
        both.as_array_mut().unwrap().push(unknown);
        assert_eq!(world.doubt(how, &both), "status_unknown", "{how:?}");
    }
}

#[test]
fn a_list_is_asked_for_again_when_its_ttl_is_over_and_speaks_until_it_ends() {
    let world = World::new();
    world.publish(How::VcJwt, Revocation, false);
    world.publish(How::VcJwt, Suspension, false);
    let presented = world.presented(How::VcJwt, &World::entries(PLACE));
    let at = |seconds| {
        let now = test_now() + SignedDuration::from_secs(seconds);
        let judged = world.judge_at(How::VcJwt, &presented, now);
        judged.map(|_| ()).map_err(|error| error.code())
    };
    let asked = || *world.host.asked.lock().unwrap();
    assert_eq!((at(0), asked()), (Ok(()), 2));
    assert_eq!((at(599), asked()), (Ok(()), 2));
    assert_eq!((at(600), asked()), (Ok(()), 4));
    world.host.lists.lock().unwrap().clear();
    assert_eq!((at(3599), asked()), (Ok(()), 6), "what is kept speaks until validUntil");
    assert_eq!(at(3600 + 61), Err("status_list_unreachable"));
}

//! An issuer who is trusted for some types gains no others by what it says about its credentials.

use std::sync::Arc;

use lanyard_core::{
    credential::CredentialType,
    crypto::AwsLc,
    trust::{IssuerIdentifier, IssuerKeySource, IssuerTrust},
    verify::{Expected, KeyBindingRule, Outcome, PresentationVerifier, Presented, VerifyError},
    w3c::BASE_CONTEXT,
};
use lanyard_testkit::test_now;
use serde_json::json;

use crate::{
    sd_jwt_support::{AUDIENCE, NONCE, Party, ready},
    w3c_support::Person,
};

const BADGE: &str = "urn:badge";
const PID: &str = "urn:eudi:pid:1";
const CLUB: &str = "ClubMembership";
const PID_IRI: &str = "https://pid.example/PID";

fn refused(verdict: Result<(), VerifyError>) -> &'static str {
    let refusal = verdict.expect_err("it is refused");
    assert!(matches!(refusal, VerifyError::Refused(_)));
    let failed = refusal.checks().iter().filter(|check| check.outcome == Outcome::Failed);
    assert_eq!(
        failed.map(|check| check.id).collect::<Vec<_>>(),
        [if refusal.code() == "credential_wrong_type" { "type" } else { "issuer_trusted" }]
    );
    refusal.code()
}

#[test]
fn to_be_also_known_as_a_type_is_no_evidence_that_the_issuer_may_issue_it() {
    let issuer = Party::new();
    let name = IssuerIdentifier::parse("https://issuer.example").unwrap();
    let verify = |trusted: &[&str], asked: &str| {
        let payload = json!({"iss": name.as_str(), "vct": BADGE, "aka_vcts": [PID]});
        let text = issuer.forge_as("dc+sd-jwt", &payload, &[]);
        let source = IssuerKeySource::Keys { issuer: name.clone(), keys: vec![issuer.jwk.clone()] };
        let types = trusted.iter().map(|name| vct_of(name));
        let trust = IssuerTrust::new().with_types(source, types);
        let verifier = PresentationVerifier::new(trust, Arc::new(AwsLc));
        let expected = Expected::new(AUDIENCE, NONCE, KeyBindingRule::NotRequired);
        let expected = expected.of_type(vct_of(asked)).at(test_now());
        ready(verifier.verify(&text, &expected)).map(drop)
    };
    assert_eq!(refused(verify(&[BADGE], PID)), "issuer_not_trusted_for_type");
    assert!(verify(&[BADGE], BADGE).is_ok());
    assert!(verify(&[BADGE, PID], PID).is_ok());
    assert_eq!(refused(verify(&[BADGE], "urn:other")), "credential_wrong_type");
}

fn vct_of(name: &str) -> CredentialType {
    CredentialType::vct(&lanyard_core::sd_jwt_vc::Vct::parse(name).expect("a URN is a type"))
}

#[test]
fn what_a_credentials_own_context_makes_of_its_types_gives_its_issuer_no_authority() {
    let issuer = Person::new();
    let verify = |trusted: &[&str], asked: &[&[&str]]| {
        let document = json!({
            "@context": [BASE_CONTEXT, {CLUB: PID_IRI}],
            "type": ["VerifiableCredential", CLUB],
            "issuer": issuer.did.as_str(),
            "credentialSubject": {"name": "Ada"},
        });
        let text = issuer.sign("vc+jwt", &json!({}), &document);
        let types = trusted.iter().map(|name| CredentialType::w3c(*name));
        let source = IssuerKeySource::Did(issuer.did.clone());
        let trust = IssuerTrust::new().with_types(source, types);
        let verifier = PresentationVerifier::new(trust, Arc::new(AwsLc));
        let mut expected = Expected::new(AUDIENCE, NONCE, KeyBindingRule::NotRequired);
        for all in asked {
            expected = expected.of_types(all.iter().map(|name| CredentialType::w3c(*name)));
        }
        let presented = Presented::VcJwtAlone(&text);
        ready(verifier.verify_presented(presented, &expected.at(test_now()))).map(drop)
    };
    let general = "https://www.w3.org/2018/credentials#VerifiableCredential";
    assert_eq!(refused(verify(&[CLUB], &[&[PID_IRI]])), "issuer_not_trusted_for_type");
    assert_eq!(refused(verify(&[CLUB], &[&[CLUB, PID_IRI]])), "issuer_not_trusted_for_type");
    assert!(verify(&[CLUB], &[&[PID_IRI], &[CLUB]]).is_ok(), "another alternative will do");
    assert!(verify(&[CLUB], &[&[CLUB, general]]).is_ok(), "every credential is of that type");
    assert!(verify(&[CLUB, PID_IRI], &[&[PID_IRI]]).is_ok());
    assert_eq!(refused(verify(&[CLUB], &[&["Other"]])), "credential_wrong_type");
}

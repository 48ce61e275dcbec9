//! The same verbs for every format: issue, receive, hold, present, verify.

use std::{slice::from_ref, sync::Arc};

use async_trait::async_trait;
use lanyard_core::{
    claims::{Claims, ClaimsPath},
    credential::{CredentialRefused, CredentialType, Format, HeldCredential, Validity},
    crypto::{AwsLc, CryptoProvider, RustCrypto, Signer as _},
    data_integrity::{Cryptosuite, ProofDraft},
    did::Did,
    json,
    mdoc::DocType,
    sd_jwt::KeyBindingRequest,
    sd_jwt_vc::{KeyBinding, SdJwtVcDraft, Vct},
    status::{
        Status, StatusCheck, StatusError, StatusListUri, StatusQuestion, StatusReading,
        StatusReference,
    },
    trust::{IssuerError, IssuerIdentifier, IssuerKeySource, IssuerKeys, IssuerTrust},
    verify::{
        Check, Expected, KeyBindingRule, Outcome, PolicySet, PresentationVerifier, Presented,
        VerifiedCredentials, VerifyError,
    },
    w3c::{
        CredentialDraft, CredentialV1Draft, HolderBinding, jwt_vc_json,
        ldp_vc::{self, Shown},
        vc_jose_cose::{self, SigningOptions},
    },
};
use lanyard_testkit::test_now;
use serde_json::json;

use crate::{
    mdoc_support::{self, name, transcript},
    sd_jwt_support::{AUDIENCE, NONCE, ready},
    w3c_support::{Asked, Person, providers},
};

/// The examples' own context, which defines whatever it is asked for.
const EXAMPLES: &str = "https://www.w3.org/ns/credentials/examples/v2";
const VCT: &str = "urn:example:badge:1";

/// An issuer, a holder and, for the mdoc, an authority with its device.
struct World {
    issuer: Person,
    holder: Person,
    mdoc: mdoc_support::World,
}

impl World {
    fn new() -> Self {
        Self { issuer: Person::new(), holder: Person::new(), mdoc: mdoc_support::World::new() }
    }

    fn trust(&self) -> IssuerTrust {
        self.mdoc.trust().with(IssuerKeySource::Did(self.issuer.did.clone()))
    }

    /// A good credential of this format, as its issuer hands it out.
    fn issue(&self, format: Format) -> String {
        let signer = &self.issuer.party.signer;
        let options = SigningOptions::new().with_key_id(&self.issuer.key_id.to_string());
        match format {
            Format::SdJwtVc => {
                let claims = Claims::new().selective("name", "Ada");
                let issuer = self.issuer.identifier();
                let holder = KeyBinding::To(self.holder.jwk().clone());
                let (vct, validity) =
                    (Vct::parse(VCT).expect("a URN is a type"), Validity::UNLIMITED);
                let draft = SdJwtVcDraft::new(&vct, Some(&issuer), claims, &holder, &validity);
                let draft = draft
                    .expect("nothing is wrong with it")
                    .with_key_id(&self.issuer.key_id.to_string());
                ready(draft.sign(signer, &AwsLc)).expect("nothing is wrong with it").into_string()
            }
            Format::MsoMdoc => json::base64url(self.mdoc.issue()),
            Format::JwtVcJson => {
                let draft = CredentialV1Draft::new(&self.issuer.identifier(), test_now());
                let draft = draft.of_type("Badge").about(self.subject());
                ready(jwt_vc_json::issue(
                    &draft.finish().expect("nothing is wrong with it"),
                    &options,
                    signer,
                ))
                .expect("nothing is wrong with it")
                .into_string()
            }
            Format::LdpVc => {
                let suite = Cryptosuite::EcdsaRdfc2019;
                let draft = ProofDraft::assertion(suite, &self.issuer.key_id);
                let credential = self.credential();
                let issued = ldp_vc::issue(&credential, draft, signer, &AwsLc);
                serde_json::to_string(&ready(issued).expect("nothing is wrong with it"))
                    .expect("nothing is wrong with it")
            }
            Format::VcJwt => ready(vc_jose_cose::issue_jwt(&self.credential(), &options, signer))
                .expect("nothing is wrong with it")
                .into_string(),
            Format::VcSdJwt => {
                let selective = [ClaimsPath::key("credentialSubject").then_key("name")];
                let credential = self.credential();
                let issued =
                    vc_jose_cose::issue_sd_jwt(&credential, &selective, &options, signer, &AwsLc);
                ready(issued).expect("nothing is wrong with it").into_string()
            }
        }
    }

    fn subject(&self) -> serde_json::Value {
        json!({"id": self.holder.did.as_str(), "name": "Ada"})
    }

    fn credential(&self) -> lanyard_core::w3c::Credential {
        CredentialDraft::new(&self.issuer.identifier())
            .in_context(EXAMPLES)
            .of_type("Badge")
            .about(self.subject())
            .finish()
            .expect("nothing is wrong with it")
    }

    fn receive(&self, format: Format, text: &str) -> Result<HeldCredential, CredentialRefused> {
        let [one, other] = providers().map(|provider| {
            let issuers = IssuerKeys::new(self.trust(), provider);
            ready(HeldCredential::receive(format, text, &issuers, test_now()))
        });
        assert_eq!(one.as_ref().err(), other.as_ref().err());
        one
    }

    /// Presents a credential in answer to the tests' request.
    fn present(&self, held: &HeldCredential) -> String {
        let asked = Asked::new();
        let request = asked.request(&self.holder);
        let binding = KeyBindingRequest {
            audience: request.audience,
            nonce: request.nonce,
            now: request.now,
            signer: request.signer,
        };
        match held {
            HeldCredential::SdJwtVc(held) => {
                let name = ClaimsPath::key("name");
                ready(held.present(&[name], Some(&binding), &AwsLc))
                    .expect("nothing is wrong with it")
            }
            HeldCredential::MsoMdoc(held) => self.mdoc.present(held, &[name("given_name")]),
            HeldCredential::JwtVcJson(held) => {
                ready(jwt_vc_json::present(&[held], &request)).expect("nothing is wrong with it")
            }
            HeldCredential::LdpVc(held) => {
                let shown = [Shown::Whole(held)];
                let presented = ready(ldp_vc::present(&shown, &request, &AwsLc))
                    .expect("nothing is wrong with it");
                serde_json::to_string(&presented).expect("nothing is wrong with it")
            }
            HeldCredential::VcJwt(held) => {
                let held = vc_jose_cose::HeldCredential::Jwt(held);
                ready(vc_jose_cose::present_jwt(from_ref(&held), &request))
                    .expect("nothing is wrong with it")
            }
            HeldCredential::VcSdJwt(held) => {
                let disclosed = held.disclosable().cloned().collect::<Vec<_>>();
                let presented = ready(held.present(&disclosed, None, &AwsLc))
                    .expect("nothing is wrong with it");
                let held = vc_jose_cose::HeldCredential::SdJwt { held, presented: &presented };
                ready(vc_jose_cose::present_jwt(from_ref(&held), &request))
                    .expect("nothing is wrong with it")
            }
        }
    }

    /// A good credential, received, held and presented.
    fn presented(&self, format: Format) -> String {
        let held = self.receive(format, &self.issue(format)).expect("it is good");
        self.present(&held)
    }

    fn verifier(&self, provider: Arc<dyn CryptoProvider>) -> PresentationVerifier {
        PresentationVerifier::new(self.trust(), provider)
    }

    /// Verifies by a verifier that asked with another nonce where one is given.
    fn verify(
        &self,
        verifier: &PresentationVerifier,
        format: Format,
        text: &str,
        nonce: &str,
    ) -> Result<VerifiedCredentials, VerifyError> {
        // the world of the mdoc has an exchange of its own
        let transcript = match nonce {
            NONCE => self.mdoc.transcript.clone(),
            other => transcript(AUDIENCE, other),
        };
        let presented = match format {
            Format::SdJwtVc => Presented::SdJwtVc(text),
            Format::MsoMdoc => {
                Presented::MsoMdoc { device_response: text, transcript: &transcript }
            }
            Format::JwtVcJson => Presented::JwtVcJson(text),
            Format::LdpVc => Presented::LdpVc(text),
            Format::VcJwt | Format::VcSdJwt => Presented::VpJwt(text),
        };
        let expected =
            Expected::new(AUDIENCE, nonce, KeyBindingRule::Required).of_type(kind(format));
        ready(verifier.verify_presented(presented, &expected.at(test_now())))
    }
}

fn kind(format: Format) -> CredentialType {
    match format {
        Format::SdJwtVc => CredentialType::vct(&Vct::parse(VCT).expect("a URN is a type")),
        Format::MsoMdoc => (&mdoc_support::mdl()).into(),
        Format::JwtVcJson | Format::LdpVc | Format::VcJwt | Format::VcSdJwt => {
            CredentialType::w3c("Badge")
        }
    }
}

fn outcomes(checks: &lanyard_core::verify::Checks, outcome: Outcome) -> Vec<&'static str> {
    let with = |check: &Check<'_>| check.outcome == outcome;
    checks.iter().filter(with).map(|check| check.id).collect()
}

#[test]
fn every_format_goes_from_issuer_to_holder_to_verifier() {
    let world = World::new();
    for format in Format::ALL {
        let held = world.receive(*format, &world.issue(*format)).expect("it is good");
        assert_eq!(held.format(), *format);
        assert!(held.types().contains(&kind(*format)), "{format}");
        assert!(held.issuer().is_some(), "{format}");

        let text = held.to_text().into_owned();
        let stored = HeldCredential::danger_hold_unverified(*format, &text, &RustCrypto).unwrap();
        assert_eq!(stored.claims(), held.claims(), "{format}");
        let presented = world.present(&stored);
        for provider in providers() {
            let verifier = world.verifier(provider);
            let verified = world.verify(&verifier, *format, &presented, NONCE);
            let verified = verified.unwrap_or_else(|error| unreachable!("{format}: {error}"));
            let [credential] = verified.credentials() else { unreachable!("there is one") };
            assert!(credential.claims().as_value().to_string().contains("Ada"), "{format}");
            assert!(outcomes(verified.checks(), Outcome::Failed).is_empty());
            assert!(outcomes(verified.checks(), Outcome::NotReached).is_empty(), "{format}");
        }
    }
}

#[test]
fn every_format_says_to_whose_key_it_is_bound() {
    let world = World::new();
    let stranger = Person::new();
    for format in Format::ALL {
        let binding = world.receive(*format, &world.issue(*format)).expect("it is good").binding();
        let key = match format {
            Format::MsoMdoc => *world.mdoc.device.public_key(),
            _ => world.holder.jwk().key,
        };
        assert!(binding.is_to(&key, &RustCrypto), "{format}");
        assert!(!binding.is_to(&stranger.jwk().key, &RustCrypto), "{format}");
    }
}

#[test]
fn a_key_is_found_in_a_did_only_under_the_name_and_for_the_purpose_it_has_there() {
    let holder = Person::new();
    let key = holder.jwk().key;
    let key_id = |binding: HolderBinding| binding.key_id_of(&key, &RustCrypto);
    assert_eq!(key_id(HolderBinding::Subject(holder.did.clone())), Some(holder.key_id.clone()));
    assert_eq!(key_id(HolderBinding::KeyId(holder.key_id.clone())), Some(holder.key_id.clone()));
    let other_name = holder.did.with_fragment("1").expect("a digit is a fragment");
    assert_eq!(key_id(HolderBinding::KeyId(other_name)), None);
    assert_eq!(key_id(HolderBinding::Key(Box::new(holder.jwk().clone()))), None);
    assert_eq!(key_id(HolderBinding::None), None);
    let fetched = Did::parse("did:web:holder.example").expect("it is a DID");
    assert_eq!(key_id(HolderBinding::Subject(fetched)), None);
    // a JWK that is for encryption authenticates nobody
    let mut jwk = holder.jwk().clone();
    jwk.key_use = Some("enc".to_owned());
    assert_eq!(key_id(HolderBinding::Subject(Did::from_jwk(&jwk))), None);
}

#[test]
fn every_format_is_refused_in_answer_to_another_request() {
    let world = World::new();
    let verifier = world.verifier(Arc::new(AwsLc));
    for format in Format::ALL {
        let presented = world.presented(*format);
        let refusal = world.verify(&verifier, *format, &presented, "another-nonce").unwrap_err();
        let (code, check) = match format {
            // the nonce is in what the device signed, and nowhere else
            Format::MsoMdoc => ("device_signature_invalid", "holder_signature"),
            Format::LdpVc => ("proof_challenge", "nonce"),
            _ => ("nonce_mismatch", "nonce"),
        };
        assert_eq!(refusal.code(), code, "{format}");
        assert_eq!(outcomes(refusal.checks(), Outcome::Failed), [check], "{format}");
    }
}

#[test]
fn every_format_is_refused_from_an_issuer_whom_nobody_trusts() {
    let (world, stranger) = (World::new(), World::new());
    let verifier = stranger.verifier(Arc::new(AwsLc));
    for format in Format::ALL {
        let text = world.issue(*format);
        let refused = stranger.receive(*format, &text).unwrap_err();
        assert!(!refused.is_undetermined());
        // the two authorities have one name, so it is the signature that tells them apart
        let code = match format {
            Format::MsoMdoc => "issuer_certificate_refused",
            _ => "issuer_not_trusted",
        };
        assert_eq!(refused.code(), code, "{format}");
        let presented = world.presented(*format);
        let refusal = world.verify(&verifier, *format, &presented, NONCE).unwrap_err();
        assert_eq!(refusal.code(), code, "{format}");
        let failed = outcomes(refusal.checks(), Outcome::Failed);
        assert_eq!(failed, ["issuer_trusted"], "{format}");
        // what was not looked at is not said to be right
        assert!(outcomes(refusal.checks(), Outcome::NotReached).contains(&"issuer_signature"));
    }
}

#[test]
fn every_format_is_refused_where_another_type_was_asked_for() {
    let world = World::new();
    let verifier = world.verifier(Arc::new(AwsLc));
    for format in Format::ALL {
        let presented = world.presented(*format);
        let expected = Expected::new(AUDIENCE, NONCE, KeyBindingRule::Required)
            .of_type(CredentialType::w3c("Diploma"))
            .at(test_now());
        let transcript = &world.mdoc.transcript;
        let presented = match format {
            Format::SdJwtVc => Presented::SdJwtVc(&presented),
            Format::MsoMdoc => Presented::MsoMdoc { device_response: &presented, transcript },
            Format::JwtVcJson => Presented::JwtVcJson(&presented),
            Format::LdpVc => Presented::LdpVc(&presented),
            Format::VcJwt | Format::VcSdJwt => Presented::VpJwt(&presented),
        };
        let refusal = ready(verifier.verify_presented(presented, &expected)).unwrap_err();
        assert_eq!(refusal.code(), "credential_wrong_type", "{format}");
        assert_eq!(outcomes(refusal.checks(), Outcome::Failed), ["type"], "{format}");
    }
}

#[test]
fn policies_are_applied_to_every_format() {
    let world = World::new();
    let policies = json!([{"policy": "allowed_issuer", "issuers": ["https://other.example"]}]);
    let policies: PolicySet = serde_json::from_value(policies).unwrap();
    let verifier = world.verifier(Arc::new(AwsLc)).with_policies(policies);
    for format in Format::ALL {
        let presented = world.presented(*format);
        let refusal = world.verify(&verifier, *format, &presented, NONCE).unwrap_err();
        assert_eq!(refusal.code(), "policy_issuer_not_allowed", "{format}");
        assert_eq!(outcomes(refusal.checks(), Outcome::Failed), ["allowed_issuer"], "{format}");
    }
}

/// The world's verifier of every format, under a policy.
fn under(world: &World, policies: serde_json::Value) -> PresentationVerifier {
    let policies: PolicySet = serde_json::from_value(policies).expect("it is a policy set");
    world.verifier(Arc::new(AwsLc)).with_policies(policies)
}

#[test]
fn every_type_of_a_credential_must_be_allowed_and_not_one_of_them() {
    let world = World::new();
    let types = |names: &[&str]| json!([{"policy": "allowed_type", "types": names}]);
    let names = [VCT, DocType::MDL, "Badge"];
    for format in Format::ALL {
        let presented = world.presented(*format);
        let verify = |names: &[&str]| {
            let verifier = under(&world, types(names));
            let verified = world.verify(&verifier, *format, &presented, NONCE);
            verified.map(|_| ()).map_err(|refusal| refusal.code())
        };
        assert_eq!(verify(&names), Ok(()), "{format}");
        // the type that every W3C credential has says nothing about one
        let refused = verify(&["VerifiableCredential", "Diploma"]);
        assert_eq!(refused, Err("policy_type_not_allowed"), "{format}");
    }
    let draft = CredentialDraft::new(&world.issuer.identifier()).in_context(EXAMPLES);
    let draft = draft.of_type("Badge").of_type("Identity").about(world.subject());
    let credential = draft.finish().expect("nothing is wrong with it");
    let options = SigningOptions::new().with_key_id(&world.issuer.key_id.to_string());
    let issued =
        ready(vc_jose_cose::issue_jwt(&credential, &options, &world.issuer.party.signer)).unwrap();
    let held = world.receive(Format::VcJwt, issued.as_str()).unwrap();
    let presented = world.present(&held);
    let verify = |names: &[&str]| {
        let verifier = under(&world, types(names));
        let verified = world.verify(&verifier, Format::VcJwt, &presented, NONCE);
        verified.map(|_| ()).map_err(|refusal| refusal.code())
    };
    assert_eq!(verify(&["Badge", "Identity"]), Ok(()));
    assert_eq!(verify(&["Badge"]), Err("policy_type_not_allowed"));
}

#[test]
fn required_type_metadata_refuses_every_format_that_has_none() {
    let world = World::new();
    let verifier = under(&world, json!([{"policy": "type_metadata", "when": "required"}]));
    let published = under(&world, json!([{"policy": "type_metadata", "when": "published"}]));
    for format in Format::ALL {
        let presented = world.presented(*format);
        let refusal = world.verify(&verifier, *format, &presented, NONCE).unwrap_err();
        let code = match format {
            // it has some, which nobody published
            Format::SdJwtVc => "type_metadata_not_published",
            _ => "policy_type_metadata_none",
        };
        assert_eq!(refusal.code(), code, "{format}");
        assert_eq!(outcomes(refusal.checks(), Outcome::Failed), ["type_metadata"], "{format}");
        let verified = world.verify(&published, *format, &presented, NONCE).unwrap();
        let not_applicable = outcomes(verified.checks(), Outcome::NotApplicable);
        assert!(not_applicable.contains(&"type_metadata"), "{format}");
    }
}

fn status_reference() -> StatusReference {
    let uri = StatusListUri::parse("https://issuer.example/status/1").expect("it is a URI");
    StatusReference::TokenStatusList { index: 7, uri }
}

/// Tells one status of the mdoc that refers to it.
struct Desk(Status);

#[async_trait]
impl StatusCheck for Desk {
    async fn status(&self, question: &StatusQuestion<'_>) -> Result<StatusReading, StatusError> {
        assert_eq!(*question.reference, status_reference());
        assert_eq!(question.types, [kind(Format::MsoMdoc)]);
        Ok(self.0.into())
    }
}

#[test]
fn the_status_of_an_mdoc_decides_about_it() {
    let world = World::new();
    let draft = world.mdoc.draft().with_status(&status_reference()).unwrap();
    let issued = world.mdoc.issue_draft(draft);
    let held = HeldCredential::MsoMdoc(world.mdoc.hold(&issued).unwrap());
    let presented = world.present(&held);
    let unlooked = world.verifier(Arc::new(AwsLc));
    let doubt = world.verify(&unlooked, Format::MsoMdoc, &presented, NONCE).unwrap_err();
    assert!(matches!(doubt, VerifyError::Undetermined(_)));
    assert_eq!(doubt.code(), "status_unknown");
    for (status, code) in [
        (Status::Valid, None),
        (Status::Invalid, Some("credential_revoked")),
        (Status::Suspended, Some("credential_suspended")),
        (Status::ApplicationSpecific(3), Some("credential_status_not_valid")),
    ] {
        let verifier = world.verifier(Arc::new(AwsLc)).with_status(Arc::new(Desk(status)));
        let verified = world.verify(&verifier, Format::MsoMdoc, &presented, NONCE);
        assert_eq!(verified.as_ref().err().map(VerifyError::code), code);
        let (checks, outcome) = match &verified {
            Ok(verified) => (verified.checks(), Outcome::Passed),
            Err(refusal) => (refusal.checks(), Outcome::Failed),
        };
        assert!(outcomes(checks, outcome).contains(&"status"));
    }
}

#[test]
fn each_check_names_the_section_of_its_own_format() {
    let world = World::new();
    let verifier = world.verifier(Arc::new(AwsLc));
    for format in Format::ALL {
        let presented = world.presented(*format);
        let verified = world.verify(&verifier, *format, &presented, NONCE).unwrap();
        let rule_of = |id| verified.checks().iter().find(|check| check.id == id).unwrap().rule;
        let signature = match format {
            Format::SdJwtVc => "RFC 9901 §7.1(1)",
            Format::MsoMdoc => "ISO/IEC 18013-5 §9.3.1",
            Format::JwtVcJson => "VCDM 1.1 §6.3.1",
            Format::LdpVc => "Data Integrity §4.4",
            Format::VcJwt | Format::VcSdJwt => "VC-JOSE-COSE §5",
        };
        assert_eq!(rule_of("issuer_signature"), signature, "{format}");
    }
}

#[test]
fn a_credential_is_not_taken_for_one_of_another_format() {
    let world = World::new();
    for format in Format::ALL {
        let text = world.issue(*format);
        for other in Format::ALL.iter().filter(|other| *other != format) {
            let refused = world.receive(*other, &text).expect_err("it is of another format");
            // by its form, and not because nobody knows its issuer
            assert!(
                !matches!(refused, CredentialRefused::Issuer(_)),
                "{format} as {other}: {refused}"
            );
        }
    }
}

#[test]
fn only_openid4vcs_own_identifiers_stand_for_formats() {
    for format in Format::OPENID4VC {
        assert_eq!(Format::from_identifier(format.name()), Some(*format));
    }
    // a draft's name of SD-JWT VC, and a W3C media type since
    assert_eq!(Format::from_identifier("vc+sd-jwt"), None);
    assert_eq!(Format::from_identifier("vc+jwt"), None);
}

#[test]
fn an_issuer_whose_key_is_out_of_reach_makes_a_credential_undetermined() {
    let world = World::new();
    let text = world.issue(Format::SdJwtVc);
    let issuer = IssuerIdentifier::parse(world.issuer.did.as_str()).unwrap();
    let trust = IssuerTrust::new().with(IssuerKeySource::Metadata(issuer));
    let issuers = IssuerKeys::new(trust, Arc::new(AwsLc));
    let received = HeldCredential::receive(Format::SdJwtVc, &text, &issuers, test_now());
    let refused = ready(received).unwrap_err();
    assert!(matches!(refused, CredentialRefused::Issuer(IssuerError::Metadata(_))), "{refused}");
    assert_eq!((refused.code(), refused.is_undetermined()), ("issuer_key_unreachable", true));
}

/// Verifies a W3C credential that comes without a presentation around it.
fn verify_alone(
    world: &World,
    format: Format,
    rule: KeyBindingRule,
    kinds: &[&[&str]],
) -> Result<VerifiedCredentials, VerifyError> {
    let text = world.issue(format);
    let presented = match format {
        Format::JwtVcJson => Presented::JwtVcAlone(&text),
        _ => Presented::LdpVcAlone(&text),
    };
    let mut expected = Expected::new(AUDIENCE, NONCE, rule);
    for all in kinds {
        expected = expected.of_types(all.iter().map(|kind| CredentialType::w3c(*kind)));
    }
    let verifier = world.verifier(Arc::new(AwsLc));
    ready(verifier.verify_presented(presented, &expected.at(test_now())))
}

#[test]
fn a_w3c_credential_comes_alone_only_where_no_holder_has_to_prove_it_theirs() {
    let world = World::new();
    for format in [Format::JwtVcJson, Format::LdpVc] {
        let verified = verify_alone(&world, format, KeyBindingRule::NotRequired, &[]).unwrap();
        let skipped = outcomes(verified.checks(), Outcome::NotApplicable);
        for check in ["holder_key", "holder_signature", "nonce", "audience", "freshness"] {
            assert!(skipped.contains(&check), "{format}: {check}");
        }
        assert!(outcomes(verified.checks(), Outcome::Passed).contains(&"issuer_signature"));
        let refusal = verify_alone(&world, format, KeyBindingRule::Required, &[]).unwrap_err();
        assert_eq!(refusal.code(), "holder_binding_missing", "{format}");
        assert_eq!(outcomes(refusal.checks(), Outcome::Failed), ["holder_key"], "{format}");
        // nothing of what was not looked at is said to be right
        assert!(outcomes(refusal.checks(), Outcome::Passed).is_empty(), "{format}");
    }
}

#[test]
fn a_w3c_credential_that_comes_alone_is_the_issuers_or_refused() {
    let (world, stranger) = (World::new(), World::new());
    for format in [Format::JwtVcJson, Format::LdpVc] {
        let text = world.issue(format);
        let presented = match format {
            Format::JwtVcJson => Presented::JwtVcAlone(&text),
            _ => Presented::LdpVcAlone(&text),
        };
        let expected = Expected::new(AUDIENCE, NONCE, KeyBindingRule::NotRequired).at(test_now());
        let verifier = stranger.verifier(Arc::new(AwsLc));
        let refusal = ready(verifier.verify_presented(presented, &expected)).unwrap_err();
        assert_eq!(refusal.code(), "issuer_not_trusted", "{format}");
    }
}

#[test]
fn of_one_alternative_a_credential_is_of_every_type_by_its_name_or_by_its_iri() {
    let world = World::new();
    let rule = KeyBindingRule::NotRequired;
    let iri = "https://www.w3.org/ns/credentials/examples#Badge";
    let base = "https://www.w3.org/2018/credentials#VerifiableCredential";
    let verify = |format, kinds: &[&[&str]]| verify_alone(&world, format, rule, kinds);
    assert!(verify(Format::LdpVc, &[&[iri, base]]).is_ok());
    assert!(verify(Format::LdpVc, &[&["Badge", "VerifiableCredential"]]).is_ok());
    assert!(verify(Format::LdpVc, &[&["Diploma"], &[iri]]).is_ok());
    // a type that no context defines stays as it is written
    assert!(verify(Format::JwtVcJson, &[&["Badge", base]]).is_ok());
    assert!(verify(Format::JwtVcJson, &[&[iri]]).is_err());
    let refusal = verify(Format::LdpVc, &[&[iri, "Gold"], &["Diploma"]]).unwrap_err();
    assert_eq!(refusal.code(), "credential_wrong_type");
}

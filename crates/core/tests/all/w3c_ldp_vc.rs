//! ldp_vc: credentials and presentations with Data Integrity proofs, each rule broken alone.

use std::{slice::from_ref, sync::Arc};

use jiff::SignedDuration;
use lanyard_core::{
    credential::ValidityError,
    crypto::{AwsLc, CryptoProvider},
    data_integrity::{
        Challenge, Cryptosuite, DataIntegrityError, Domain, JsonPointer, ProofDraft,
        json_ld::Contexts,
    },
    json::Object,
    trust::IssuerError,
    w3c::{
        BASE_CONTEXT, Credential, CredentialFault, HolderError, PresentationError, TypeFault,
        ldp_vc::{
            HeldLdpVc, LdpVcError, LdpVpError, PresentLdpError, Shown, UnverifiedLdpVc,
            VerifiedLdpVp, issue, present, verify_presentation,
        },
    },
};
use lanyard_testkit::test_now;
use serde_json::{Value, json};

use crate::{
    sd_jwt_support::{AUDIENCE, NONCE, ready},
    w3c_support::{Asked, Person, changed, issuers_by_did, providers},
};

const EXAMPLES: &str = "https://www.w3.org/ns/credentials/examples/v2";

struct World {
    issuer: Person,
    holder: Person,
}

impl World {
    fn new() -> Self {
        Self { issuer: Person::new(), holder: Person::new() }
    }

    /// A good credential without a proof, with some members replaced.
    fn document(&self, changes: &Value) -> Value {
        let document = json!({
            "@context": [BASE_CONTEXT, EXAMPLES],
            "id": "urn:uuid:1",
            "type": ["VerifiableCredential", "Badge"],
            "issuer": self.issuer.did.as_str(),
            "validFrom": test_now().to_string(),
            "credentialSubject": {
                "id": self.holder.did.as_str(), "name": "Ada", "address": {"city": "London", "zip": "W1"},
            },
        });
        changed(&document, changes)
    }

    fn draft(&self, suite: Cryptosuite) -> ProofDraft {
        ProofDraft::assertion(suite, &self.issuer.key_id).created(test_now())
    }

    /// Whatever it is, secured by the issuer.
    fn secured(&self, changes: &Value) -> Object {
        self.secured_by(self.draft(Cryptosuite::EcdsaRdfc2019), changes)
    }

    fn secured_by(&self, draft: ProofDraft, changes: &Value) -> Object {
        let Value::Object(document) = self.document(changes) else { unreachable!("an object") };
        ready(draft.secure(document, &self.issuer.party.signer, &AwsLc)).expect("it is signed")
    }

    fn verify(&self, secured: &Object) -> Result<Credential, LdpVcError> {
        self.verify_by(&[&self.issuer], secured)
    }

    fn verify_by(&self, trusted: &[&Person], secured: &Object) -> Result<Credential, LdpVcError> {
        let [one, other] = providers().map(|provider| {
            let issuers = issuers_by_did(trusted, provider);
            let unverified = UnverifiedLdpVc::from_object(secured.clone())?;
            let verified = ready(unverified.verify(&issuers, Contexts::bundled(), test_now()))?;
            Ok(verified.credential().clone())
        });
        assert_eq!(one, other, "the providers agree");
        one
    }

    fn hold(&self, secured: &Object) -> Result<HeldLdpVc, LdpVcError> {
        let issuers = issuers_by_did(&[&self.issuer], Arc::new(AwsLc));
        let unverified = UnverifiedLdpVc::from_object(secured.clone())?;
        ready(unverified.verify_for_holding(&issuers, Contexts::bundled(), test_now()))
    }

    fn held(&self) -> HeldLdpVc {
        self.hold(&self.secured(&json!({}))).expect("it is good")
    }

    /// A good presentation of a credential.
    fn presented(&self, secured: &Object) -> Object {
        self.presented_by(&self.holder, secured, &json!({}), &json!({}))
    }

    /// A presentation with some members of the document and of the proof replaced before it is signed.
    fn presented_by(
        &self,
        holder: &Person,
        secured: &Object,
        changes: &Value,
        options: &Value,
    ) -> Object {
        let presentation = json!({
            "@context": [BASE_CONTEXT],
            "type": ["VerifiablePresentation"],
            "holder": holder.did.as_str(),
            "verifiableCredential": [secured],
        });
        let Value::Object(document) = changed(&presentation, changes) else {
            unreachable!("it is an object")
        };
        let text = |name: &str, default: &str| options[name].as_str().unwrap_or(default).to_owned();
        let challenge = Challenge::from(text("challenge", NONCE));
        let domain = Domain::from(text("domain", AUDIENCE));
        let suite = Cryptosuite::EcdsaRdfc2019;
        let draft = if options["assertion"] == true {
            ProofDraft::assertion(suite, &holder.key_id)
        } else {
            ProofDraft::authentication(suite, &holder.key_id, &challenge, &domain)
        };
        let age = SignedDuration::from_secs(options["age"].as_i64().unwrap_or(0));
        let draft = draft.created(test_now() - age);
        ready(draft.secure(document, &holder.party.signer, &AwsLc)).expect("it is signed")
    }

    fn verify_presentation(&self, presentation: &Object) -> Result<VerifiedLdpVp, LdpVpError> {
        let asked = Asked::new();
        let text = Value::Object(presentation.clone()).to_string();
        let [one, other] = providers().map(|provider| {
            let issuers = issuers_by_did(&[&self.issuer], provider);
            let (expected, contexts) = (asked.expected(), Contexts::bundled());
            ready(verify_presentation(text.as_bytes(), &expected, &issuers, contexts))
        });
        assert_eq!(one.as_ref().err(), other.as_ref().err(), "the providers agree");
        one
    }

    fn refusal(&self, presentation: &Object) -> LdpVpError {
        self.verify_presentation(presentation).expect_err("the test breaks a rule")
    }
}

#[test]
fn a_credential_goes_from_its_issuer_over_its_holder_to_a_verifier() {
    let world = World::new();
    for provider in providers() {
        let provider: &dyn CryptoProvider = &*provider;
        for suite in [Cryptosuite::EcdsaRdfc2019, Cryptosuite::EcdsaJcs2019] {
            let Value::Object(document) = world.document(&json!({})) else {
                unreachable!("object")
            };
            let credential = Credential::parse(document).unwrap();
            let signer = &world.issuer.party.signer;
            let secured = ready(issue(&credential, world.draft(suite), signer, provider)).unwrap();
            let held = world.hold(&secured).unwrap();
            assert_eq!(held.danger_to_secured(), secured);
            assert!(!held.is_selective());
            let asked = Asked::new();
            let request = asked.request(&world.holder);
            let presented = ready(present(&[Shown::Whole(&held)], &request, provider)).unwrap();
            let verified = world.verify_presentation(&presented).unwrap();
            assert_eq!(verified.holder().did(), Some(&world.holder.did));
            assert_eq!(verified.presentation().credentials().len(), 1);
            let [verified] = verified.credentials() else { unreachable!("one was presented") };
            assert_eq!(verified.credential().document(), credential.document());
            assert_eq!(verified.issuer().name(), world.issuer.did.as_str());
        }
    }
}

#[test]
fn a_holder_presents_parts_of_a_selective_credential() {
    let world = World::new();
    let secured = world.secured_by(world.draft(Cryptosuite::EcdsaSd2023), &json!({}));
    assert_eq!(world.verify(&secured), Err(LdpVcError::Proof(DataIntegrityError::BaseProof)));
    let held = world.hold(&secured).unwrap();
    assert!(held.is_selective());
    let asked = Asked::new();
    let city = [JsonPointer::parse("/credentialSubject/address/city").unwrap()];
    let subject = |shown: Shown<'_>| {
        let presented = ready(present(&[shown], &asked.request(&world.holder), &AwsLc)).unwrap();
        let verified = world.verify_presentation(&presented).unwrap();
        verified.credentials()[0].credential().document()["credentialSubject"].clone()
    };
    let expected = json!({"id": world.holder.did.as_str(), "address": {"city": "London"}});
    assert_eq!(subject(Shown::Parts(&held, &city)), expected);
    assert_eq!(subject(Shown::Whole(&held)), world.document(&json!({}))["credentialSubject"]);
    let not_selective = world.held();
    let refusal = ready(present(
        &[Shown::Parts(&not_selective, &city)],
        &asked.request(&world.holder),
        &AwsLc,
    ));
    assert_eq!(refusal, Err(PresentLdpError::Proof(DataIntegrityError::NotSelective)));
    // what a holder may not hand out is refused inside a presentation too
    let leaked = world.presented(&secured);
    let refusal = LdpVpError::Credential(LdpVcError::Proof(DataIntegrityError::BaseProof));
    assert_eq!(world.refusal(&leaked), refusal);
}

#[test]
fn refuses_a_credential_that_was_changed() {
    let world = World::new();
    let mut secured = world.secured(&json!({}));
    secured["credentialSubject"]["name"] = json!("Eve");
    assert_eq!(world.verify(&secured), Err(LdpVcError::Proof(DataIntegrityError::Signature)));
    secured.shift_remove("proof");
    assert_eq!(world.verify(&secured), Err(LdpVcError::Proof(DataIntegrityError::NoProof)));
}

#[test]
fn refuses_a_document_that_is_no_credential_of_the_data_model() {
    let world = World::new();
    let until_before =
        json!({"validUntil": (test_now() - SignedDuration::from_hours(1)).to_string()});
    let refusal = world.verify(&world.secured(&until_before));
    assert!(matches!(refusal, Err(LdpVcError::Credential(_))), "{refusal:?}");
    let mut other = world.secured(&json!({}));
    other["type"] = json!(["Badge"]);
    let refused = world.verify(&other);
    let fault = CredentialFault::from(TypeFault::Kind);
    assert_eq!(refused.map(drop), Err(LdpVcError::Credential(fault.into())));
}

#[test]
fn refuses_an_issuer_who_is_not_trusted_or_not_the_one_that_is_named() {
    let world = World::new();
    let (secured, other) = (world.secured(&json!({})), Person::new());
    let not_trusted = Err(LdpVcError::Issuer(IssuerError::NotTrusted));
    assert_eq!(world.verify_by(&[&other], &secured), not_trusted);
    // a trusted issuer signs for another, trusted or not
    let in_another_name = world.secured(&json!({"issuer": other.did.as_str()}));
    assert_eq!(world.verify_by(&[&world.issuer], &in_another_name), not_trusted);
    let key_id = Err(LdpVcError::Issuer(IssuerError::KeyIdNotOfIssuer));
    assert_eq!(world.verify_by(&[&world.issuer, &other], &in_another_name), key_id);
    // the issuer's name over somebody else's signature
    let mut forged = secured;
    forged["proof"]["verificationMethod"] = json!(other.key_id.to_string());
    assert_eq!(world.verify(&forged), key_id);
    // an issuer is told before it signs
    let Value::Object(document) = world.document(&json!({"issuer": other.did.as_str()})) else {
        unreachable!("it is an object")
    };
    let credential = Credential::parse(document).unwrap();
    let draft = world.draft(Cryptosuite::EcdsaRdfc2019);
    let refusal = ready(issue(&credential, draft, &world.issuer.party.signer, &AwsLc));
    assert_eq!(refusal, Err(LdpVcError::IssuerKey));
}

#[test]
fn a_second_proof_is_by_the_issuer_too_or_refuses_the_credential() {
    let world = World::new();
    let other = Person::new();
    let twice = |person: &Person| {
        let draft = ProofDraft::assertion(Cryptosuite::EcdsaJcs2019, &person.key_id);
        let secured = world.secured(&json!({}));
        ready(draft.created(test_now()).secure(secured, &person.party.signer, &AwsLc)).unwrap()
    };
    assert!(world.verify(&twice(&world.issuer)).is_ok());
    let foreign = Err(LdpVcError::Issuer(IssuerError::KeyIdNotOfIssuer));
    assert_eq!(world.verify(&twice(&other)), foreign);
}

#[test]
fn refuses_a_proof_of_a_credential_for_another_purpose() {
    let world = World::new();
    let (challenge, domain) = (Challenge::from(NONCE), Domain::from(AUDIENCE));
    let suite = Cryptosuite::EcdsaRdfc2019;
    let draft = ProofDraft::authentication(suite, &world.issuer.key_id, &challenge, &domain);
    let secured = world.secured_by(draft, &json!({}));
    let purpose = DataIntegrityError::Purpose("assertionMethod");
    assert_eq!(world.verify(&secured), Err(LdpVcError::Proof(purpose)));
}

#[test]
fn a_credential_that_is_not_valid_now_is_neither_kept_nor_believed() {
    let world = World::new();
    let past = |hours| (test_now() - SignedDuration::from_hours(hours)).to_string();
    let expired = world.secured(&json!({"validFrom": past(48), "validUntil": past(24)}));
    let refusal = LdpVcError::Validity(ValidityError::Expired);
    assert_eq!(world.hold(&expired).unwrap_err(), refusal);
    let presented = world.presented(&expired);
    assert_eq!(world.refusal(&presented), LdpVpError::Credential(refusal));
}

#[test]
fn refuses_a_presentation_for_another_request() {
    let world = World::new();
    let secured = world.secured(&json!({}));
    let refusal = |options: Value| {
        world.refusal(&world.presented_by(&world.holder, &secured, &json!({}), &options))
    };
    let proof = LdpVpError::Proof;
    assert_eq!(refusal(json!({"challenge": "another"})), proof(DataIntegrityError::Challenge));
    assert_eq!(refusal(json!({"domain": "other.example"})), proof(DataIntegrityError::Domain));
    let purpose = DataIntegrityError::Purpose("authentication");
    assert_eq!(refusal(json!({"assertion": true})), proof(purpose));
    assert_eq!(refusal(json!({"age": 61})), LdpVpError::Holder(HolderError::TooOld));
    let mut bare = world.presented(&secured);
    bare.shift_remove("proof");
    assert_eq!(world.refusal(&bare), proof(DataIntegrityError::NoProof));
    let credential = world.refusal(&secured);
    assert!(matches!(credential, LdpVpError::Presentation(PresentationError::Type(_))));
}

#[test]
fn refuses_a_presentation_that_was_changed_or_is_by_another_holder() {
    let world = World::new();
    let secured = world.secured(&json!({}));
    let mut changed = world.presented(&secured);
    changed["verifiableCredential"] = json!([world.secured(&json!({"id": "urn:uuid:2"}))]);
    assert_eq!(world.refusal(&changed), LdpVpError::Proof(DataIntegrityError::Signature));
    let thief = Person::new();
    let stolen = world.presented_by(&thief, &secured, &json!({}), &json!({}));
    assert_eq!(world.refusal(&stolen), LdpVpError::Holder(HolderError::ForeignCredential));
    let in_another_name = json!({"holder": world.holder.did.as_str()});
    let stolen = world.presented_by(&thief, &secured, &in_another_name, &json!({}));
    assert_eq!(world.refusal(&stolen), LdpVpError::HolderMismatch);
    let unbound = world.secured(&json!({"credentialSubject": {"name": "Ada"}}));
    let unbound = world.presented(&unbound);
    assert_eq!(world.refusal(&unbound), LdpVpError::Holder(HolderError::NotBound));
    // without a holder in the document it is the proof that tells
    let unnamed = world.presented_by(&world.holder, &secured, &json!({"holder": null}), &json!({}));
    assert!(world.verify_presentation(&unnamed).is_ok());
}

#[test]
fn refuses_a_presentation_without_credentials_with_proofs() {
    let world = World::new();
    let secured = world.secured(&json!({}));
    let empty = world.presented_by(
        &world.holder,
        &secured,
        &json!({"verifiableCredential": null}),
        &json!({}),
    );
    assert_eq!(world.refusal(&empty), LdpVpError::Empty);
    let enveloped = json!({"verifiableCredential": [{
        "@context": BASE_CONTEXT, "type": "EnvelopedVerifiableCredential",
        "id": "data:application/vc+jwt,e30.e30.e30",
    }]});
    let enveloped = world.presented_by(&world.holder, &secured, &enveloped, &json!({}));
    assert_eq!(world.refusal(&enveloped), LdpVpError::OtherMechanism);
    let mut bad = secured.clone();
    bad["credentialSubject"]["name"] = json!("Eve");
    let bad = world.presented(&bad);
    let refusal = LdpVpError::Credential(LdpVcError::Proof(DataIntegrityError::Signature));
    assert_eq!(world.refusal(&bad), refusal);
}

#[test]
fn a_holder_presents_nothing_that_is_not_theirs() {
    let world = World::new();
    let held = world.held();
    let (asked, thief) = (Asked::new(), Person::new());
    let shown = Shown::Whole(&held);
    let refusal = ready(present(from_ref(&shown), &asked.request(&thief), &AwsLc));
    assert_eq!(refusal, Err(PresentLdpError::WrongHolder));
    let mut request = asked.request(&world.holder);
    request.key_id = None;
    let refusal = ready(present(from_ref(&shown), &request, &AwsLc));
    assert_eq!(refusal, Err(PresentLdpError::NoKeyId));
    let unbound = world.secured(&json!({"credentialSubject": {"name": "Ada"}}));
    let unbound = world.hold(&unbound).unwrap();
    let request = asked.request(&world.holder);
    let refusal = ready(present(&[Shown::Whole(&unbound)], &request, &AwsLc));
    assert_eq!(refusal, Err(PresentLdpError::NotBound));
}

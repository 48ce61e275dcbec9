//! SD-JWT VC: whom a verifier believes, and by which mechanism it finds the key.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::SignedDuration;
use lanyard_core::{
    claims::Claims,
    credential::Validity,
    crypto::{AwsLc, SoftwareSigner},
    did::{Did, DidDocument, DidResolver, ResolutionError},
    jose::Jwk,
    sd_jwt_vc::{KeyBinding, SdJwtVcDraft, Vct},
    trust::{
        CertificateIss, IssuerError, IssuerIdentifier, IssuerIdentity, IssuerKeySource,
        IssuerTrust,
        x509::{ChainError, TrustAnchors},
    },
    verify::{
        CheckName, Expected, KeyBindingRule, Outcome, Policy, PresentationVerifier, RefusalReason,
        VerifyError,
    },
};
use lanyard_testkit::{LeafOptions, TestCa, test_now};
use serde_json::{Value, json};

use crate::{
    sd_jwt_support::{AUDIENCE, NONCE, Party, ready},
    sd_jwt_vc::{World, iss, refused, vct},
};

// Trust

#[test]
fn an_issuer_is_trusted_for_its_types_only() {
    let world = World::new();
    let source = IssuerKeySource::Keys { issuer: iss(), keys: vec![world.issuer.jwk.clone()] };
    let other = Vct::parse("urn:other").unwrap();
    let trust = IssuerTrust::new().with_types(source.clone(), [other]);
    let verdict = world.verify_with(Policy::default(), trust, &world.present(&json!({})));
    assert_eq!(refused(verdict), ("issuer_not_trusted_for_type", "issuer_trusted"));
    let trust = IssuerTrust::new().with_types(source, [vct()]);
    assert!(world.verify_with(Policy::default(), trust, &world.present(&json!({}))).is_ok());
}

#[test]
fn the_key_of_one_trusted_issuer_does_not_sign_for_another() {
    let (world, other) = (World::new(), World::new());
    let trust = world.trust().with(IssuerKeySource::Keys {
        issuer: IssuerIdentifier::parse("https://other.example").unwrap(),
        keys: vec![other.issuer.jwk.clone()],
    });
    // signed by the other, in the name of the one
    let verdict = world.verify_with(Policy::default(), trust, &other.present(&json!({})));
    assert_eq!(refused(verdict), ("issuer_signature_invalid", "issuer_signature"));
}

#[test]
fn a_kid_chooses_among_an_issuers_keys_and_must_lead_to_one() {
    let world = World::new();
    let named = |jwk: &Jwk, kid: &str| Jwk { kid: Some(kid.to_owned()), ..jwk.clone() };
    let keys = vec![named(&Party::new().jwk, "old"), named(&world.issuer.jwk, "new")];
    let trust = IssuerTrust::new().with(IssuerKeySource::Keys { issuer: iss(), keys });
    let present = |header: Value| {
        let jwt = world.issuer.sign(&header, &world.payload);
        world.holder.bind(&format!("{jwt}~"), &json!({}))
    };
    let verify =
        |header: Value| world.verify_with(Policy::default(), trust.clone(), &present(header));
    assert!(verify(json!({"typ": "dc+sd-jwt", "kid": "new"})).is_ok());
    for header in [json!({"typ": "dc+sd-jwt", "kid": "../new"}), json!({"typ": "dc+sd-jwt"})] {
        assert_eq!(refused(verify(header)), ("issuer_key_not_found", "issuer_trusted"));
    }
}

struct Certified {
    ca: TestCa,
    signer: SoftwareSigner,
    chain: Vec<Vec<u8>>,
}

fn certified(options: &LeafOptions) -> Certified {
    let ca = TestCa::new("Test CA");
    let leaf = ca.leaf(options);
    let signer = SoftwareSigner::new(&AwsLc, &leaf.key).expect("the test CA made a good key");
    Certified { ca, signer, chain: leaf.chain }
}

impl Certified {
    fn anchors(&self) -> TrustAnchors {
        TrustAnchors::from_der([self.ca.anchor_der()]).expect("the test CA is an authority")
    }

    fn issue(&self, issuer: Option<&IssuerIdentifier>, holder: &Party) -> String {
        let validity = Validity::rounded_to_days(test_now(), SignedDuration::from_hours(24));
        let binding = KeyBinding::To(holder.jwk.clone());
        let claims = Claims::new().selective("name", "Ada");
        let draft = SdJwtVcDraft::new(&vct(), issuer, claims, &binding, &validity)
            .expect("the draft is good")
            .with_x5c(&self.chain);
        ready(draft.sign(&self.signer, &AwsLc)).expect("a key in memory signs").into_string()
    }
}

#[test]
fn a_certificate_vouches_for_the_issuer_that_it_names() {
    let world = World::new();
    let certified = certified(&LeafOptions::named("Example Issuer").dns("issuer.example"));
    let trust = IssuerTrust::certificates(certified.anchors());
    let verify = |issuer: Option<&IssuerIdentifier>, trust: &IssuerTrust| {
        let credential = certified.issue(issuer, &world.holder);
        let presentation = world.holder.bind(&credential, &json!({}));
        world.verify_with(Policy::default(), trust.clone(), &presentation)
    };
    // named by its subject, and by an iss that is in the certificate
    for issuer in [None, Some(&iss())] {
        let verified = verify(issuer, &trust).unwrap();
        assert_eq!(verified.issuer().name(), "Example Issuer");
        assert!(matches!(
            verified.issuer(),
            IssuerIdentity::Certificate { issuer: named, .. } if named.as_ref() == issuer
        ));
        assert_eq!(verified.issuer().authority_key_identifiers().count(), 1);
    }
    // named by an iss of somebody else
    let other = IssuerIdentifier::parse("https://bank.example").unwrap();
    assert_eq!(
        refused(verify(Some(&other), &trust)),
        ("issuer_not_in_certificate", "issuer_trusted")
    );
    // a verifier that goes by the subject does not report that iss
    let by_subject = IssuerTrust::new().with(IssuerKeySource::Certificates {
        anchors: certified.anchors(),
        iss: CertificateIss::NotReported,
    });
    let verified = verify(Some(&other), &by_subject).unwrap();
    assert!(matches!(verified.issuer(), IssuerIdentity::Certificate { issuer: None, .. }));
    // somebody else's authority
    let foreign = TestCa::new("Other CA");
    let foreign =
        IssuerTrust::certificates(TrustAnchors::from_der([foreign.anchor_der()]).unwrap());
    assert_eq!(refused(verify(None, &foreign)), ("issuer_not_trusted", "issuer_trusted"));
    // for another type
    let source = IssuerKeySource::Certificates {
        anchors: certified.anchors(),
        iss: CertificateIss::MatchesCertificate,
    };
    let typed = IssuerTrust::new().with_types(source, [Vct::parse("urn:other").unwrap()]);
    assert_eq!(refused(verify(None, &typed)), ("issuer_not_trusted_for_type", "issuer_trusted"));
}

#[test]
fn refuses_a_self_signed_leaf_and_a_chain_with_its_anchor() {
    let world = World::new();
    let mut certified = certified(&LeafOptions::named("Example Issuer"));
    let trust = IssuerTrust::certificates(certified.anchors());
    let find = |certified: &Certified| {
        let credential = certified.issue(None, &world.holder);
        let presentation = world.holder.bind(&credential, &json!({}));
        match world.verify_with(Policy::default(), trust.clone(), &presentation) {
            Err(VerifyError::Refused(refusal)) => refusal.reason().clone(),
            other => unreachable!("it should be refused, and not {other:?}"),
        }
    };
    certified.chain.push(certified.ca.anchor_der().to_vec());
    assert_eq!(
        find(&certified),
        RefusalReason::Issuer(IssuerError::Chain(ChainError::AnchorInChain))
    );
    let alone = TestCa::self_signed_leaf(&LeafOptions::named("Example Issuer"));
    certified.signer = SoftwareSigner::new(&AwsLc, &alone.key).unwrap();
    certified.chain = alone.chain;
    assert_eq!(
        find(&certified),
        RefusalReason::Issuer(IssuerError::Chain(ChainError::LeafSelfSigned))
    );
}

#[test]
fn a_credential_cannot_pick_the_mechanism_by_which_its_key_is_found() {
    let world = World::new();
    // an attacker with a good certificate speaks for an issuer that is trusted by its keys
    let certified = certified(&LeafOptions::named("Attacker").dns("issuer.example"));
    let trust = world.trust().with(IssuerKeySource::Certificates {
        anchors: certified.anchors(),
        iss: CertificateIss::MatchesCertificate,
    });
    let credential = certified.issue(Some(&iss()), &world.holder);
    let presentation = world.holder.bind(&credential, &json!({}));
    let verdict = world.verify_with(Policy::default(), trust, &presentation);
    assert_eq!(refused(verdict), ("issuer_signature_invalid", "issuer_signature"));
}

/// Counts whom it was asked about, and never gets through.
#[derive(Default)]
struct Offline(Mutex<Vec<String>>);

#[async_trait]
impl DidResolver for Offline {
    async fn resolve(&self, did: &Did) -> Result<DidDocument, ResolutionError> {
        self.0.lock().expect("no test panics with this lock").push(did.as_str().to_owned());
        Err(ResolutionError::Unreachable)
    }
}

#[test]
fn an_issuer_is_found_by_its_did_and_only_by_its_own() {
    let mut world = World::new();
    let did = Did::from_jwk(&world.issuer.jwk);
    world.payload["iss"] = did.as_str().into();
    let trust = IssuerTrust::new().with(IssuerKeySource::Did(did.clone()));
    let present = |kid: Option<String>| {
        let mut header = json!({"typ": "dc+sd-jwt"});
        if let Some(kid) = kid {
            header["kid"] = kid.into();
        }
        let jwt = world.issuer.sign(&header, &world.payload);
        world.holder.bind(&format!("{jwt}~"), &json!({}))
    };
    let verify = |kid| world.verify_with(Policy::default(), trust.clone(), &present(kid));
    let good = format!("{}#0", did.as_str());
    assert_eq!(verify(Some(good.clone())).unwrap().issuer().name(), did.as_str());
    let foreign = format!("{}#0", Did::from_jwk(&Party::new().jwk).as_str());
    for kid in [None, Some(foreign), Some("not a DID URL".to_owned())] {
        assert_eq!(refused(verify(kid)), ("issuer_key_id", "issuer_trusted"));
    }
    let unknown = format!("{}#1", did.as_str());
    assert_eq!(refused(verify(Some(unknown))), ("issuer_did_refused", "issuer_trusted"));

    let offline = Arc::new(Offline::default());
    let resolver: Arc<dyn DidResolver> = offline.clone();
    let verifier =
        PresentationVerifier::new(trust.clone(), Arc::new(AwsLc)).with_resolver(resolver);
    let expected = Expected::new(AUDIENCE, NONCE, KeyBindingRule::Required).at(test_now());
    match ready(verifier.verify(&present(Some(good)), &expected)) {
        Err(VerifyError::Undetermined(cause)) => {
            assert_eq!(cause.code(), "issuer_key_unreachable");
            assert_eq!(cause.checks().outcome(CheckName::IssuerTrusted), Outcome::Undetermined);
        }
        other => unreachable!("it should be undetermined, and not {other:?}"),
    }
    // a DID that nobody trusts is not looked up
    let stranger = World::new().present(&json!({"iss": "did:web:canary.example"}));
    assert!(ready(verifier.verify(&stranger, &expected)).is_err());
    assert_eq!(*offline.0.lock().unwrap(), [did.as_str()]);
}

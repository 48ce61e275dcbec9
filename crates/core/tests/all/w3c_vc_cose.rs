//! VC-JOSE-COSE: `vc+cose` and `vp+cose`, each rule broken alone.

use std::{slice::from_ref, sync::Arc};

use jiff::SignedDuration;
use lanyard_core::{
    cbor::Value as Cbor,
    cose::{self, CoseError, Header, Payload, label, public_key_value},
    crypto::{AwsLc, PublicKey},
    jose::Jwk,
    trust::{IssuerKeySource, IssuerKeys, IssuerTrust},
    w3c::{
        BASE_CONTEXT, Credential, CredentialDraft, EnvelopedCredential, EnvelopedPresentation,
        HolderBinding, SecuredPresentation,
        vc_jose_cose::{
            HeldCredential, HeldVcCose, PresentVpError, SigningOptions, UnverifiedVcCose,
            VcJoseCoseError, VerifiedVp, issue_cose, present_cose, present_jwt,
            verify_cose_presentation, verify_presentation,
        },
    },
};
use lanyard_testkit::{LeafOptions, TestCa, test_now, vectors};
use serde_json::{Value, json};

use crate::{
    sd_jwt_support::{AUDIENCE, NONCE, PROVIDERS, ready},
    w3c_support::{Asked, Person, changed, issuers_by_did, providers},
};

/// Where CWT claims are in a header.
const CWT_CLAIMS: i64 = 15;

struct World {
    issuer: Person,
    holder: Person,
}

impl World {
    fn new() -> Self {
        Self { issuer: Person::new(), holder: Person::new() }
    }

    fn document(&self, changes: &Value) -> Value {
        let document = json!({
            "@context": [BASE_CONTEXT],
            "type": ["VerifiableCredential", "Badge"],
            "issuer": self.issuer.did.as_str(),
            "credentialSubject": {"id": self.holder.did.as_str(), "name": "Ada"},
        });
        changed(&document, changes)
    }

    fn presentation(&self, credentials: &[Vec<u8>], changes: &Value) -> Value {
        let envelopes = credentials.iter().map(|bytes| EnvelopedCredential::around_cose(bytes));
        let envelopes: Vec<_> = envelopes.map(|envelope| envelope.to_object()).collect();
        let document = json!({
            "@context": [BASE_CONTEXT],
            "type": ["VerifiablePresentation"],
            "holder": self.holder.did.as_str(),
            "verifiableCredential": envelopes,
        });
        changed(&document, changes)
    }

    fn credential(&self, changes: &Value) -> Vec<u8> {
        let header = good_header("vc", &self.issuer);
        sign(&self.issuer, header, Header::new(), &self.document(changes))
    }

    fn present(&self, header: Header, document: &Value) -> Vec<u8> {
        sign(&self.holder, header, Header::new(), document)
    }

    /// The header of a good presentation, with these claims beside the usual ones.
    fn header(&self, claims: &[(i64, Cbor)]) -> Header {
        let mut all = vec![
            (Cbor::from(3_i64), Cbor::from(AUDIENCE)),
            (Cbor::from(10_i64), Cbor::from(NONCE)),
        ];
        for (label, value) in claims {
            let label = Cbor::from(*label);
            all.retain(|(other, _)| *other != label);
            if *value != Cbor::Null {
                all.push((label, value.clone()));
            }
        }
        good_header("vp", &self.holder).with(CWT_CLAIMS, Cbor::Map(all))
    }

    fn verify(&self, presentation: &[u8]) -> Result<VerifiedVp, &'static str> {
        let asked = Asked::new();
        let [one, other] = providers().map(|provider| {
            let issuers = issuers_by_did(&[&self.issuer], provider);
            ready(verify_cose_presentation(presentation, &asked.expected(), &issuers))
        });
        assert_eq!(one.as_ref().err(), other.as_ref().err());
        one.map_err(|error| error.code())
    }

    fn refusal_of(&self, credential: &[u8]) -> Option<&'static str> {
        let document = self.presentation(&[credential.to_vec()], &json!({}));
        self.verify(&self.present(self.header(&[]), &document)).err()
    }

    fn hold(&self, credential: &[u8]) -> HeldVcCose {
        let issuers = issuers_by_did(&[&self.issuer], Arc::new(AwsLc));
        let parsed = UnverifiedVcCose::parse(credential, &AwsLc).expect("it is well-formed");
        let key =
            ready(issuers.find(&parsed.claimed_issuer(), test_now())).expect("it is believed");
        parsed.verify_for_holding(key, test_now(), &AwsLc).expect("it is good")
    }
}

fn good_header(kind: &str, by: &Person) -> Header {
    Header::new()
        .with(label::TYPE, format!("application/{kind}+cose"))
        .with(label::CONTENT_TYPE, format!("application/{kind}"))
        .with(label::KEY_ID, by.key_id.to_string().as_bytes())
}

fn sign(by: &Person, protected: Header, unprotected: Header, document: &Value) -> Vec<u8> {
    let payload = document.to_string();
    let payload = Payload::Attached(payload.as_bytes());
    ready(cose::sign1(protected, unprotected, payload, b"", &by.party.signer))
        .expect("a key in memory signs")
}

// The four verbs

#[test]
fn a_credential_is_issued_held_presented_and_verified() {
    let world = World::new();
    let credential = CredentialDraft::new(&world.issuer.identifier())
        .of_type("Badge")
        .about(json!({"id": world.holder.did.as_str(), "name": "Ada"}))
        .finish()
        .unwrap();
    let options = SigningOptions::new()
        .with_key_id(&world.issuer.key_id.to_string())
        .signed_at(test_now())
        .expires_at(test_now() + SignedDuration::from_hours(1));
    let issued = ready(issue_cose(&credential, &options, &world.issuer.party.signer)).unwrap();
    let held = world.hold(&issued);
    assert_eq!(held.as_bytes(), issued);
    // what the signature says is beside the document, and not in it
    assert_eq!(held.credential(), &credential);
    assert_eq!(held.validity().issued_at, Some(test_now()));
    assert_eq!(held.validity().expires_at, Some(test_now() + SignedDuration::from_hours(1)));
    assert_eq!(held.binding(), &HolderBinding::Subject(world.holder.did.clone()));
    assert!(held.issuer().is_some());

    let asked = Asked::new();
    let request = asked.request(&world.holder);
    let presented = ready(present_cose(&[HeldCredential::Cose(&held)], &request)).unwrap();
    let verified = world.verify(&presented).unwrap();
    assert_eq!(verified.holder().did(), Some(&world.holder.did));
    assert_eq!(verified.claims()["nonce"], NONCE);
    let [one] = verified.credentials() else { unreachable!() };
    assert_eq!(one.claims().as_object()["credentialSubject"]["name"], "Ada");

    // in a JWT as well
    let presented = ready(present_jwt(&[HeldCredential::Cose(&held)], &request)).unwrap();
    for provider in providers() {
        let issuers = issuers_by_did(&[&world.issuer], provider);
        assert!(ready(verify_presentation(&presented, &asked.expected(), &issuers)).is_ok());
    }
    let back = UnverifiedVcCose::parse(held.as_bytes(), &AwsLc).unwrap().danger_hold_unverified();
    assert_eq!(back.credential(), held.credential());
    assert!(back.issuer().is_none());
}

#[test]
fn a_credential_may_be_bound_to_a_key_instead_of_a_did() {
    let world = World::new();
    let credential = CredentialDraft::new(&world.issuer.identifier())
        .about(json!({"name": "Ada"}))
        .finish()
        .unwrap();
    let options = SigningOptions::new()
        .with_key_id(&world.issuer.key_id.to_string())
        .bound_to(world.holder.jwk());
    let issued = ready(issue_cose(&credential, &options, &world.issuer.party.signer)).unwrap();
    let held = world.hold(&issued);
    assert!(matches!(held.binding(), HolderBinding::Key(key) if **key == *world.holder.jwk()));
    let asked = Asked::new();
    let mut request = asked.request(&world.holder);
    request.key_id = None;
    let presented = ready(present_cose(&[HeldCredential::Cose(&held)], &request)).unwrap();
    assert_eq!(world.verify(&presented).unwrap().holder().did(), None);
    let other = Person::new();
    let mut request = asked.request(&other);
    request.key_id = None;
    let refused = ready(present_cose(&[HeldCredential::Cose(&held)], &request));
    assert_eq!(refused, Err(PresentVpError::WrongHolder));
}

#[test]
fn a_certificate_chain_goes_along_as_x5chain() {
    let world = World::new();
    let ca = TestCa::new("Root");
    let leaf = ca.leaf(&LeafOptions::named("Issuer").dns("issuer.example"));
    let anchors = lanyard_core::trust::x509::TrustAnchors::from_der([ca.anchor_der()]).unwrap();
    let issuers = IssuerKeys::new(IssuerTrust::certificates(anchors), Arc::new(AwsLc));
    let signer = lanyard_core::crypto::SoftwareSigner::new(&AwsLc, &leaf.key).unwrap();
    let issuer = lanyard_core::trust::IssuerIdentifier::parse("https://issuer.example").unwrap();
    let about = json!({"id": world.holder.did.as_str()});
    let credential = CredentialDraft::new(&issuer).about(about).finish().unwrap();
    let options = SigningOptions::new().with_x5c(&leaf.chain);
    let issued = ready(issue_cose(&credential, &options, &signer)).unwrap();
    let parsed = UnverifiedVcCose::parse(&issued, &AwsLc).unwrap();
    let key = ready(issuers.find(&parsed.claimed_issuer(), test_now())).unwrap();
    assert!(parsed.verify(key, &AwsLc).is_ok());
}

// Each rule alone

#[test]
fn each_rule_about_a_credential_refuses_it_alone() {
    let world = World::new();
    let now = test_now().as_second();
    assert_eq!(world.refusal_of(&world.credential(&json!({}))), None);
    for (changes, code) in [
        (json!({"@context": null}), "vc_context_missing"),
        (json!({"credentialSubject": {"name": "Ada"}}), "credential_not_bound"),
        (json!({"credentialSubject": {"id": "did:example:eve"}}), "credential_of_another_holder"),
        (json!({"issuer": "https://other.example"}), "issuer_not_trusted"),
        (json!({"validUntil": "2020-01-01T00:00:00Z"}), "credential_expired"),
    ] {
        assert_eq!(world.refusal_of(&world.credential(&changes)), Some(code), "{changes}");
    }
    let with = |header: Header| {
        let document = world.document(&json!({}));
        world.refusal_of(&sign(&world.issuer, header, Header::new(), &document))
    };
    let good = || good_header("vc", &world.issuer);
    let claim = |label: i64, value: Cbor| {
        with(good().with(CWT_CLAIMS, Cbor::Map(vec![(label.into(), value)])))
    };
    assert_eq!(claim(1, world.issuer.did.as_str().into()), None);
    assert_eq!(claim(2, world.holder.did.as_str().into()), None);
    assert_eq!(claim(4, (now + 60).into()), None);
    assert_eq!(claim(4, Cbor::Float(1e12)), Some("credential_exp_malformed"));
    assert_eq!(claim(99, Cbor::Null), None);
    for (label, value, code) in [
        (1, "https://other.example".into(), "issuer_mismatch"),
        (2, "did:example:eve".into(), "subject_mismatch"),
        (4, (now - 60).into(), "credential_expired"),
        (5, (now + 61).into(), "credential_not_yet_valid"),
        (6, (now + 61).into(), "credential_issued_in_the_future"),
        (1, Cbor::from(1_i64), "issuer_cose_claims"),
        (4, Cbor::from("never"), "issuer_cose_claims"),
        (8, Cbor::Map(vec![]), "issuer_cose_claims"),
        (8, Cbor::Map(vec![(2_i64.into(), Cbor::Null)]), "issuer_cose_claims"),
        (
            8,
            Cbor::Map(vec![(1_i64.into(), public_key_value(&world.issuer.jwk().key))]),
            "credential_of_another_holder",
        ),
    ] {
        assert_eq!(claim(label, value), Some(code), "{label}");
    }
    for (header, code) in [
        (good().with(label::TYPE, "application/vp+cose"), "issuer_cose_wrong_typ"),
        (good().with(label::TYPE, "vc+cose"), "issuer_cose_wrong_typ"),
        (good().with(label::TYPE, 16_i64), "issuer_cose_wrong_typ"),
        (good().with(label::CONTENT_TYPE, "application/vp"), "issuer_jwt_content_type"),
        (good().with(CWT_CLAIMS, 1_i64), "issuer_cose_claims"),
        (good().with(label::CRITICAL, vec![Cbor::from(CWT_CLAIMS)]), "cose_critical_malformed"),
        (good().with(label::KEY_ID, &b"\xff\xfe"[..]), "issuer_key_id"),
        (good().with(label::KEY_ID, &b"key-1"[..]), "issuer_key_id"),
        (good().with(label::KEY_ID, world.holder.key_id.to_string().as_bytes()), "issuer_key_id"),
    ] {
        assert_eq!(with(header), Some(code));
    }
    // VC-JOSE-COSE §3.3.1: both SHOULD be there
    let bare = Header::new().with(label::KEY_ID, world.issuer.key_id.to_string().as_bytes());
    assert_eq!(with(bare), None);
}

#[test]
fn what_is_not_protected_decides_nothing() {
    let world = World::new();
    let document = world.document(&json!({}));
    for (unprotected, code) in [
        (Header::new().with(label::TYPE, "application/vc+cose"), "issuer_cose_wrong_typ"),
        (Header::new().with(label::CONTENT_TYPE, "application/vc"), "issuer_jwt_content_type"),
        (
            Header::new().with(CWT_CLAIMS, Cbor::Map(vec![(4_i64.into(), 1_i64.into())])),
            "issuer_cose_claims",
        ),
    ] {
        let key_id = world.issuer.key_id.to_string();
        let header = Header::new().with(label::KEY_ID, key_id.as_bytes());
        let refused = world.refusal_of(&sign(&world.issuer, header, unprotected, &document));
        assert_eq!(refused, Some(code));
    }
    // a kid is only a hint, wherever it is
    let header = Header::new().with(label::TYPE, "application/vc+cose");
    let hint = Header::new().with(label::KEY_ID, world.issuer.key_id.to_string().as_bytes());
    assert_eq!(world.refusal_of(&sign(&world.issuer, header, hint, &document)), None);
}

#[test]
fn the_payload_is_the_credential_itself() {
    let world = World::new();
    let parse = |payload: Payload<'_>| {
        let header = good_header("vc", &world.issuer);
        let signer = &world.issuer.party.signer;
        let signed = ready(cose::sign1(header, Header::new(), payload, b"", signer)).unwrap();
        UnverifiedVcCose::parse(&signed, &AwsLc).err().map(|error| error.code())
    };
    let document = world.document(&json!({})).to_string();
    assert_eq!(parse(Payload::Attached(document.as_bytes())), None);
    assert_eq!(parse(Payload::Detached(document.as_bytes())), Some("cose_payload_missing"));
    assert_eq!(parse(Payload::Attached(b"[]")), Some("vc_unreadable"));
    assert_eq!(parse(Payload::Attached(b"\xa0")), Some("vc_unreadable"));
    // a JWT's rules about vc and vp are about JWT claims
    let extra = world.document(&json!({"vc": {}})).to_string();
    assert_eq!(parse(Payload::Attached(extra.as_bytes())), None);
    let rubbish = UnverifiedVcCose::parse(b"\x84\x40\xa0", &AwsLc).unwrap_err();
    assert!(matches!(rubbish, VcJoseCoseError::Cose(CoseError::Cbor(_))));
}

#[test]
fn each_rule_about_a_presentation_refuses_it_alone() {
    let world = World::new();
    let now = test_now().as_second();
    let credential = world.credential(&json!({}));
    let document = |changes: &Value| world.presentation(from_ref(&credential), changes);
    let good = document(&json!({}));
    let with = |header: Header| world.verify(&world.present(header, &good)).err();
    assert_eq!(with(world.header(&[])), None);
    for (claims, code) in [
        ((10, Cbor::from("other")), "nonce_mismatch"),
        ((10, Cbor::Null), "nonce_mismatch"),
        ((10, Cbor::from(NONCE.as_bytes())), "presentation_cose_claims"),
        ((3, Cbor::from("other")), "audience_mismatch"),
        ((3, Cbor::from(vec![Cbor::from(AUDIENCE)])), "presentation_cose_claims"),
        ((4, Cbor::from(now - 60)), "presentation_expired"),
        ((6, Cbor::from(now - 61)), "presentation_too_old"),
        ((6, Cbor::from(now + 61)), "presentation_from_the_future"),
        ((1, Cbor::from("https://other.example")), "holder_mismatch"),
    ] {
        assert_eq!(with(world.header(&[claims])), Some(code));
    }
    for (header, code) in [
        (good_header("vp", &world.holder), "nonce_mismatch"),
        (world.header(&[]).with(label::TYPE, "application/vc+cose"), "presentation_cose_wrong_typ"),
        (
            world.header(&[]).with(label::CONTENT_TYPE, "application/vc"),
            "presentation_jwt_content_type",
        ),
        (
            world.header(&[]).with(label::KEY_ID, world.issuer.key_id.to_string().as_bytes()),
            "holder_key_id",
        ),
    ] {
        assert_eq!(with(header), Some(code));
    }
    for (changes, code) in [
        (json!({"type": "VerifiableCredential"}), "vp_type_kind"),
        (json!({"verifiableCredential": []}), "presentation_empty"),
        (json!({"holder": "did:example:eve"}), "holder_key_id"),
    ] {
        let presentation = world.present(world.header(&[]), &document(&changes));
        assert_eq!(world.verify(&presentation).err(), Some(code), "{changes}");
    }
    assert_eq!(world.verify(&credential).err(), Some("presentation_cose_wrong_typ"));
    let stranger = sign(&Person::new(), world.header(&[]), Header::new(), &good);
    assert_eq!(world.verify(&stranger).err(), Some("presentation_signature_invalid"));
}

#[test]
fn no_changed_byte_verifies() {
    let world = World::new();
    let document = world.presentation(&[world.credential(&json!({}))], &json!({}));
    let presentation = world.present(world.header(&[]), &document);
    let asked = Asked::new();
    let issuers = issuers_by_did(&[&world.issuer], Arc::new(AwsLc));
    let verifies =
        |bytes: &[u8]| ready(verify_cose_presentation(bytes, &asked.expected(), &issuers)).is_ok();
    assert!(verifies(&presentation));
    for at in 0..presentation.len() {
        for bit in [1, 2, 4, 0x10, 0x40, 0x80] {
            let mut changed = presentation.clone();
            changed[at] ^= bit;
            assert!(!verifies(&changed), "bit {bit} of byte {at}");
        }
    }
}

#[test]
fn an_enveloped_presentation_carries_the_bytes() {
    let envelope = EnvelopedPresentation::around_cose(&[0xd2, 0x84]);
    let read = EnvelopedPresentation::parse(&envelope.to_object()).unwrap();
    assert_eq!(read.open(), Ok(SecuredPresentation::Cose(vec![0xd2, 0x84])));
}

// Official examples

/// The published examples say ES384 and are signed with P-256: nobody may accept them.
#[test]
fn the_examples_of_the_specification_are_refused_for_their_algorithm() {
    if !vectors::available("vc-jose-cose") {
        return;
    }
    let jwk = Jwk::from_value(&vectors::json("vc-jose-cose/es256_public.jwk.json")).unwrap();
    let PublicKey::P256(_) = jwk.key else { unreachable!("the key is of P-256") };
    let examples = vectors::json("vc-jose-cose/examples.json");
    let (mut credentials, mut presentations) = (0, 0);
    for example in examples.as_array().unwrap() {
        for hex in example["cose_sign1_hex"].as_array().into_iter().flatten() {
            let bytes = decode_hex(hex.as_str().unwrap());
            let sign1 = cose::UnverifiedSign1::parse(&bytes).unwrap();
            assert!(sign1.is_tagged());
            for provider in PROVIDERS {
                let verified = sign1.clone().verify(&jwk.key, b"", provider);
                assert!(matches!(verified, Err(CoseError::Signature(_))));
            }
            match UnverifiedVcCose::parse(&bytes, &AwsLc) {
                Ok(parsed) => {
                    let issuer = parsed.claimed_issuer().issuer.unwrap().clone();
                    let source = IssuerKeySource::Keys { issuer, keys: vec![jwk.clone()] };
                    let trust = IssuerTrust::new().with(source);
                    let issuers = IssuerKeys::new(trust, Arc::new(AwsLc));
                    let found = ready(issuers.find(&parsed.claimed_issuer(), test_now()));
                    assert_eq!(found.unwrap_err().code(), "issuer_key_not_found");
                    credentials += 1;
                }
                Err(error) => {
                    assert_eq!(error.code(), "vc_type_kind");
                    presentations += 1;
                }
            }
        }
    }
    assert_eq!((credentials, presentations), (3, 3));
}

/// What the examples' payloads say is what the same examples say as JWTs.
#[test]
fn the_payloads_of_the_examples_are_the_documents_of_the_specification() {
    if !vectors::available("vc-jose-cose") {
        return;
    }
    let examples = vectors::json("vc-jose-cose/examples.json");
    let mut counted = 0;
    for example in examples.as_array().unwrap() {
        let (Some(jwt), Some(hex)) = (
            example["jwt"].get(0).and_then(Value::as_str),
            example["cose_sign1_hex"].get(0).and_then(Value::as_str),
        ) else {
            continue;
        };
        let bytes = decode_hex(hex);
        let Ok(parsed) = UnverifiedVcCose::parse(&bytes, &AwsLc) else { continue };
        let jws = lanyard_core::jose::UnverifiedJws::parse(jwt).unwrap();
        let credential = Credential::parse(jws.danger_unverified_claims().unwrap()).unwrap();
        assert_eq!(parsed.danger_hold_unverified().credential(), &credential);
        counted += 1;
    }
    assert_eq!(counted, 2);
}

fn decode_hex(text: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("it is hexadecimal");
    (0..text.len()).step_by(2).map(digit).collect()
}

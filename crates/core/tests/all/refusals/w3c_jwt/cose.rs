//! `vc+cose` and `vp+cose`: their headers, their CWT claims, their payloads (VC-JOSE-COSE §3.3).

use lanyard_core::{
    cbor::Value as Cbor,
    cose::{self, Header, Payload, label, public_key_value},
    json,
    w3c::EnvelopedCredential,
};
use lanyard_testkit::test_now;
use serde_json::{Value, json};

use super::{
    AUDIENCE, NONCE, VP_COSE,
    parts::{credential, presentation},
};
use crate::{
    refusals::{Rule, Suite, keys::Known},
    sd_jwt_support::ready,
};

/// CWT claims in a header (RFC 9597 §2).
const CWT_CLAIMS: i64 = 15;

/// A COSE_Sign1 before it is signed.
struct Object {
    protected: Vec<(i64, Cbor)>,
    unprotected: Vec<(i64, Cbor)>,
    claims: Vec<(i64, Cbor)>,
    payload: Vec<u8>,
    by: Known,
}

impl Object {
    fn vc() -> Self {
        Self::new("vc", &credential(), Known::issuer())
    }

    /// Around a credential, in answer to the request.
    fn vp(credential: &[u8]) -> Self {
        let mut document = presentation();
        let envelope = EnvelopedCredential::around_cose(credential).to_object();
        document["verifiableCredential"] = json!([Value::Object(envelope)]);
        let mut object = Self::new("vp", &document, Known::holder());
        object.claims =
            vec![(3, AUDIENCE.into()), (6, test_now().as_second().into()), (10, NONCE.into())];
        object
    }

    fn new(kind: &str, document: &Value, by: Known) -> Self {
        Self {
            protected: vec![
                (label::TYPE, format!("application/{kind}+cose").into()),
                (label::CONTENT_TYPE, format!("application/{kind}").into()),
                (label::KEY_ID, by.key_id().as_bytes().into()),
            ],
            unprotected: Vec::new(),
            claims: Vec::new(),
            payload: document.to_string().into_bytes(),
            by,
        }
    }

    fn set(mut self, label: i64, value: impl Into<Cbor>) -> Self {
        self.protected.retain(|(other, _)| *other != label);
        self.protected.push((label, value.into()));
        self
    }

    fn without(mut self, label: i64) -> Self {
        self.protected.retain(|(other, _)| *other != label);
        self
    }

    fn unprotected(mut self, label: i64, value: impl Into<Cbor>) -> Self {
        self.unprotected.push((label, value.into()));
        self
    }

    fn claim(mut self, label: i64, value: impl Into<Cbor>) -> Self {
        self.claims.retain(|(other, _)| *other != label);
        self.claims.push((label, value.into()));
        self
    }

    fn without_claim(mut self, label: i64) -> Self {
        self.claims.retain(|(other, _)| *other != label);
        self
    }

    fn document(mut self, change: impl FnOnce(&mut Value)) -> Self {
        let mut document = serde_json::from_slice(&self.payload).expect("it is a document");
        change(&mut document);
        self.payload = document.to_string().into_bytes();
        self
    }

    fn sign(&self) -> Vec<u8> {
        let header = |members: &[(i64, Cbor)]| {
            let with =
                |header: Header, (label, value): &(i64, Cbor)| header.with(*label, value.clone());
            members.iter().fold(Header::new(), with)
        };
        let mut protected = header(&self.protected);
        if !self.claims.is_empty() {
            let claims = self.claims.iter().map(|(label, value)| ((*label).into(), value.clone()));
            protected = protected.with(CWT_CLAIMS, Cbor::Map(claims.collect()));
        }
        let payload = Payload::Attached(&self.payload);
        let signer = self.by.signer();
        let signed = cose::sign1(protected, header(&self.unprotected), payload, b"", &signer);
        ready(signed).expect("a key in memory signs")
    }

    /// Signed by hand, with this protected header and payload.
    fn by_hand(&self, protected: &Cbor, payload: Cbor, signed: &[u8]) -> Vec<u8> {
        let protected = protected.encode();
        let covered = Cbor::Array(vec![
            "Signature1".into(),
            Cbor::Bytes(protected.clone()),
            Cbor::Bytes(Vec::new()),
            Cbor::Bytes(signed.to_vec()),
        ]);
        let signature = self.by.sign(&covered.encode());
        let empty = Cbor::Map(Vec::new());
        let parts = [Cbor::Bytes(protected), empty, payload, Cbor::Bytes(signature)];
        Cbor::Array(parts.into()).encode()
    }
}

/// The presentation of a credential.
fn of(credential: &[u8]) -> String {
    json::base64url(Object::vp(credential).sign())
}

fn good_vp() -> Object {
    Object::vp(&Object::vc().sign())
}

pub(super) fn cases(suite: &mut Suite) {
    suite.accept(VP_COSE, "good-vp-cose", of(&Object::vc().sign()));
    let tagged = cose::tagged_sign1(&good_vp().sign());
    suite.accept(VP_COSE, "vp-cose-with-its-tag", json::base64url(tagged));
    let bound = Object::vc()
        .claim(8, Cbor::Map(vec![(1_i64.into(), public_key_value(&Known::holder().public))]));
    suite.accept(VP_COSE, "vc-cose-bound-to-a-key", of(&bound.sign()));
    headers(suite);
    forms(suite);
    claims(suite);
    documents(suite);
    request(suite);
}

/// One fault in either of the two objects.
fn both(suite: &mut Suite, id: &str, rules: [Rule; 2], change: impl Fn(Object) -> Object) {
    let [credential, presentation] = rules;
    let bad = of(&change(Object::vc()).sign());
    suite.refuse_as(VP_COSE, format!("vc-cose-{id}"), credential, bad);
    let bad = json::base64url(change(good_vp()).sign());
    suite.refuse_as(VP_COSE, format!("vp-cose-{id}"), presentation, bad);
}

fn headers(suite: &mut Suite) {
    let rules: [Rule; 2] = [
        ("VC-JOSE-COSE §3.3.1", "issuer_cose_wrong_typ"),
        ("VC-JOSE-COSE §3.3.2", "presentation_cose_wrong_typ"),
    ];
    both(suite, "typ-of-something-else", rules, |o| o.set(label::TYPE, "application/cwt"));
    both(suite, "typ-a-number", rules, |o| o.set(label::TYPE, 16_u64));
    both(suite, "typ-not-protected", rules, |o| {
        o.without(label::TYPE).unprotected(label::TYPE, "application/vc+cose")
    });
    let rules: [Rule; 2] = [
        ("VC-JOSE-COSE §3.3.1", "issuer_jwt_content_type"),
        ("VC-JOSE-COSE §3.3.2", "presentation_jwt_content_type"),
    ];
    both(suite, "content-type-of-something-else", rules, |o| {
        o.set(label::CONTENT_TYPE, "application/json")
    });
    let rules: [Rule; 2] = [("RFC 9052 §3.1", "cose_critical_unknown"); 2];
    both(suite, "crit-unknown", rules, |o| {
        o.set(label::CRITICAL, Cbor::Array(vec![99_i64.into()])).set(99, "x")
    });
    let rules: [Rule; 2] = [("RFC 9052 §3.1", "cose_critical_malformed"); 2];
    both(suite, "crit-empty", rules, |o| o.set(label::CRITICAL, Cbor::Array(Vec::new())));
    both(suite, "crit-of-what-is-not-there", rules, |o| {
        o.set(label::CRITICAL, Cbor::Array(vec![99_i64.into()]))
    });
    both(suite, "crit-not-protected", rules, |o| {
        o.unprotected(label::CRITICAL, Cbor::Array(vec![label::TYPE.into()]))
    });
    let rules: [Rule; 2] = [("RFC 9052 §3", "cose_duplicate_label"); 2];
    both(suite, "label-in-both-headers", rules, |o| o.unprotected(label::KEY_ID, "x"));
    let rules: [Rule; 2] = [("RFC 9360 §2", "cose_parameter_type"); 2];
    both(suite, "x5chain-text", rules, |o| o.set(label::X5CHAIN, "x"));
}

fn forms(suite: &mut Suite) {
    let good = good_vp();
    let protected = |algorithm: Option<i64>| {
        let mut members = vec![];
        members.extend(algorithm.map(|algorithm| (label::ALGORITHM.into(), algorithm.into())));
        members
            .extend(good.protected.iter().map(|(label, value)| ((*label).into(), value.clone())));
        let claims = good.claims.iter().map(|(label, value)| ((*label).into(), value.clone()));
        members.push((CWT_CLAIMS.into(), Cbor::Map(claims.collect())));
        Cbor::Map(members)
    };
    let attached = || Cbor::Bytes(good.payload.clone());
    let mut refuse = |id: &str, rule: Rule, bytes: &[u8]| {
        suite.refuse_as(VP_COSE, format!("vp-cose-{id}"), rule, json::base64url(bytes));
    };
    let rule: Rule = ("RFC 9052 §3.1", "cose_algorithm_not_protected");
    refuse("alg-missing", rule, &good.by_hand(&protected(None), attached(), &good.payload));
    let rule: Rule = ("RFC 9053 §2", "cose_algorithm_not_allowed");
    for (id, algorithm) in [("alg-rsa", -257), ("alg-hmac", 5), ("alg-unknown", -9999)] {
        let bytes = good.by_hand(&protected(Some(algorithm)), attached(), &good.payload);
        refuse(id, rule, &bytes);
    }
    let rule: Rule = ("VC-JOSE-COSE §3.3.2", "cose_payload_missing");
    refuse(
        "payload-detached",
        rule,
        &good.by_hand(&protected(Some(-7)), Cbor::Null, &good.payload),
    );
    let rule: Rule = ("RFC 9052 §4.4", "presentation_signature_invalid");
    let other = good.by_hand(&protected(Some(-7)), attached(), b"another document");
    refuse("signature-of-another-document", rule, &other);
    let stranger = Object { by: Known::stranger(), ..good_vp() };
    refuse("signature-of-a-stranger", rule, &stranger.sign());
    let rule: Rule = ("RFC 9052 §4.2", "cose_malformed");
    refuse("an-array-of-three", rule, &Cbor::Array(vec![Cbor::Null; 3]).encode());
    refuse("a-map", rule, &Cbor::Map(Vec::new()).encode());
    let rule: Rule = ("RFC 8949 §3", "cbor_malformed");
    refuse("cut-off", rule, &good.sign()[..100]);
    refuse("of-no-bytes", rule, b"");
    let stranger = Object { by: Known::stranger(), ..Object::vc() };
    let rule: Rule = ("RFC 9052 §4.4", "issuer_signature_invalid");
    suite.refuse_as(VP_COSE, "vc-cose-signature-of-a-stranger", rule, of(&stranger.sign()));
}

fn claims(suite: &mut Suite) {
    let rules: [Rule; 2] =
        [("RFC 9597 §2", "issuer_cose_claims"), ("RFC 9597 §2", "presentation_cose_claims")];
    both(suite, "iss-a-number", rules, |o| o.claim(1, 1_u64));
    both(suite, "exp-text", rules, |o| o.claim(4, "tomorrow"));
    both(suite, "cnf-of-no-key", rules, |o| {
        o.claim(8, Cbor::Map(vec![(1_i64.into(), "x".into())]))
    });
    both(suite, "claims-text", rules, |mut o| {
        o.claims.clear();
        o.set(CWT_CLAIMS, "x")
    });
    both(suite, "claims-not-protected", rules, |mut o| {
        let claims = std::mem::take(&mut o.claims).into_iter();
        let claims = claims.map(|(label, value)| (label.into(), value)).collect();
        o.unprotected(CWT_CLAIMS, Cbor::Map(claims))
    });
    let stranger = Known::stranger();
    let did = stranger.did().to_string();
    let rules: [Rule; 2] =
        [("VC-JOSE-COSE §4.1.2", "issuer_mismatch"), ("VC-JOSE-COSE §4.1.2", "holder_mismatch")];
    both(suite, "iss-another", rules, |o| o.claim(1, did.as_str()));
    for (id, object, rule) in [
        (
            "sub-another",
            Object::vc().claim(2, did.as_str()),
            ("VC-JOSE-COSE §3.3", "subject_mismatch"),
        ),
        (
            "exp-passed",
            Object::vc().claim(4, test_now().as_second() - 60),
            ("RFC 8392 §3.1.4", "credential_expired"),
        ),
        (
            "nbf-to-come",
            Object::vc().claim(5, test_now().as_second() + 61),
            ("RFC 8392 §3.1.5", "credential_not_yet_valid"),
        ),
        (
            "cnf-of-a-stranger",
            Object::vc()
                .claim(8, Cbor::Map(vec![(1_i64.into(), public_key_value(&stranger.public))])),
            ("RFC 8747 §3.1", "credential_of_another_holder"),
        ),
        (
            "kid-of-a-stranger",
            Object::vc().set(label::KEY_ID, stranger.key_id().as_bytes()),
            ("VC-JOSE-COSE §4.1.1", "issuer_key_id"),
        ),
    ] {
        suite.refuse_as(VP_COSE, format!("vc-cose-{id}"), rule, of(&object.sign()));
    }
}

fn documents(suite: &mut Suite) {
    let mut refuse = |id: &str, rule: Rule, object: Object| {
        let bad =
            if id.starts_with("vc") { of(&object.sign()) } else { json::base64url(object.sign()) };
        suite.refuse_as(VP_COSE, id, rule, bad);
    };
    let payload = |object: Object, text: &str| Object { payload: text.into(), ..object };
    let rule: Rule = ("VC-JOSE-COSE §3.3.1", "vc_unreadable");
    refuse("vc-cose-payload-not-json", rule, payload(Object::vc(), "credential"));
    refuse("vc-cose-payload-an-array", rule, payload(Object::vc(), "[]"));
    let rule: Rule = ("VC-JOSE-COSE §3.3.2", "vp_unreadable");
    refuse("vp-cose-payload-not-json", rule, payload(good_vp(), "presentation"));
    refuse("vp-cose-payload-an-array", rule, payload(good_vp(), "[]"));
    let rule: Rule = ("VCDM 2.0 §4.3", "vc_context_base");
    let other = Object::vc().document(|d| d["@context"] = json!(["https://a.example/"]));
    refuse("vc-cose-of-another-context", rule, other);
    let rule: Rule = ("OID4VP 1.0 §8.1", "presentation_empty");
    refuse("vp-cose-empty", rule, good_vp().document(|d| d["verifiableCredential"] = json!([])));
    let rule: Rule = ("VCDM 2.0 §4.13", "vp_type_kind");
    let other = good_vp().document(|d| d["type"] = json!(["VerifiableCredential"]));
    refuse("vp-cose-of-another-type", rule, other);
    let rule: Rule = ("VCDM 2.0 §4.13.4", "vp_credential_unsecured");
    let other = good_vp().document(|d| d["verifiableCredential"] = json!([credential()]));
    refuse("vp-cose-with-an-unsecured-credential", rule, other);
}

fn request(suite: &mut Suite) {
    let mut refuse = |id: &str, rule: Rule, object: Object| {
        let bad = json::base64url(object.sign());
        suite.refuse_as(VP_COSE, format!("vp-cose-{id}"), rule, bad);
    };
    let rule: Rule = ("RFC 9711 §4.1", "nonce_mismatch");
    refuse("nonce-missing", rule, good_vp().without_claim(10));
    refuse("nonce-another", rule, good_vp().claim(10, "n-1"));
    let rule: Rule = ("RFC 8392 §3.1.3", "audience_mismatch");
    refuse("aud-missing", rule, good_vp().without_claim(3));
    refuse("aud-another", rule, good_vp().claim(3, "x509_san_dns:other.example"));
    let now = test_now().as_second();
    let rule: Rule = ("OID4VP 1.0 §14.1", "presentation_too_old");
    refuse("iat-too-long-ago", rule, good_vp().claim(6, now - 3600));
    let rule: Rule = ("RFC 8392 §3.1.4", "presentation_expired");
    refuse("exp-passed", rule, good_vp().claim(4, now - 600));
    let stranger = Object { by: Known::stranger(), ..good_vp() };
    let stranger = stranger
        .set(label::KEY_ID, Known::stranger().key_id().as_bytes())
        .document(|d| d["holder"] = json!(Known::stranger().did().as_str()));
    let rule: Rule = ("OID4VP 1.0 §14.1.1", "credential_of_another_holder");
    refuse("by-a-stranger", rule, stranger);
}

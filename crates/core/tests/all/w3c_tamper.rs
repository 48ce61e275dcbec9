//! One change anywhere in a W3C presentation, and nothing verifies; rubbish anywhere, and nothing panics.

use std::sync::Arc;

use lanyard_core::{
    crypto::AwsLc,
    json::base64url,
    w3c::{
        BASE_CONTEXT, BASE_CONTEXT_V1, Credential, CredentialV1, EnvelopedCredential, Presentation,
        date_time_stamp,
        jwt_vc_json::{self, UnverifiedJwtVc},
        vc_jose_cose::{self, UnverifiedVcJwt, UnverifiedVcSdJwt},
        write_date_time_stamp,
    },
};
use lanyard_testkit::test_now;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{
    sd_jwt_support::{AUDIENCE, NONCE, digest, disclosure, ready},
    tamper::changed,
    w3c_support::{Asked, Person, issuers_by_did},
};

struct World {
    issuer: Person,
    holder: Person,
}

impl World {
    fn new() -> Self {
        Self { issuer: Person::new(), holder: Person::new() }
    }

    fn jwt_vc_json(&self) -> String {
        let claims = json!({
            "iss": self.issuer.did.as_str(),
            "sub": self.holder.did.as_str(),
            "nbf": test_now().as_second(),
            "vc": {
                "@context": [BASE_CONTEXT_V1],
                "type": ["VerifiableCredential"],
                "credentialSubject": {"name": "Ada"},
            },
        });
        let credential = self.issuer.sign("JWT", &json!({}), &claims);
        self.present(
            "JWT",
            json!({"vp": {
                "@context": [BASE_CONTEXT_V1],
                "type": ["VerifiablePresentation"],
                "verifiableCredential": [credential],
            }}),
        )
    }

    fn vc_jwt(&self) -> String {
        self.issuer.sign("vc+jwt", &json!({}), &self.document())
    }

    fn vc_sd_jwt(&self) -> String {
        let encoded = disclosure(&json!(["salt", "name", "Ada"]));
        let mut document = self.document();
        document["credentialSubject"]["_sd"] = json!([digest(&encoded)]);
        let jwt = self.issuer.sign("vc+sd-jwt", &json!({}), &document);
        format!("{jwt}~{encoded}~")
    }

    fn document(&self) -> Value {
        json!({
            "@context": [BASE_CONTEXT],
            "type": ["VerifiableCredential"],
            "issuer": self.issuer.did.as_str(),
            "credentialSubject": {"id": self.holder.did.as_str()},
        })
    }

    fn vp_jwt(&self, envelope: &EnvelopedCredential) -> String {
        self.present(
            "vp+jwt",
            json!({
                "@context": [BASE_CONTEXT],
                "type": ["VerifiablePresentation"],
                "verifiableCredential": [envelope.to_object()],
            }),
        )
    }

    fn present(&self, typ: &str, mut claims: Value) -> String {
        claims["aud"] = AUDIENCE.into();
        claims["nonce"] = NONCE.into();
        self.holder.sign(typ, &json!({}), &claims)
    }
}

#[test]
fn no_changed_jwt_vc_json_presentation_verifies() {
    let world = World::new();
    let presentation = world.jwt_vc_json();
    let (asked, issuers) = (Asked::new(), issuers_by_did(&[&world.issuer], Arc::new(AwsLc)));
    let verifies = |token: &str| {
        ready(jwt_vc_json::verify_presentation(token, &asked.expected(), &issuers)).is_ok()
    };
    assert!(verifies(&presentation));
    for changed in changed(&presentation) {
        assert!(!verifies(&changed), "{changed}");
    }
}

#[test]
fn no_changed_vp_jwt_verifies() {
    let world = World::new();
    let presentation = world.vp_jwt(&EnvelopedCredential::around_jwt(&world.vc_jwt()));
    let (asked, issuers) = (Asked::new(), issuers_by_did(&[&world.issuer], Arc::new(AwsLc)));
    let verifies = |token: &str| {
        ready(vc_jose_cose::verify_presentation(token, &asked.expected(), &issuers)).is_ok()
    };
    assert!(verifies(&presentation));
    for changed in changed(&presentation) {
        assert!(!verifies(&changed), "{changed}");
    }
}

/// The holder signs whatever it likes around a credential; the credential still must be the issuer's.
#[test]
fn no_changed_credential_verifies_in_a_presentation_that_is_signed_around_it() {
    let world = World::new();
    let (asked, issuers) = (Asked::new(), issuers_by_did(&[&world.issuer], Arc::new(AwsLc)));
    let verifies = |envelope: &EnvelopedCredential| {
        let presentation = world.vp_jwt(envelope);
        ready(vc_jose_cose::verify_presentation(&presentation, &asked.expected(), &issuers)).is_ok()
    };
    let credential = world.vc_jwt();
    assert!(verifies(&EnvelopedCredential::around_jwt(&credential)));
    for changed in changed(&credential) {
        assert!(!verifies(&EnvelopedCredential::around_jwt(&changed)), "{changed}");
    }
    let credential = world.vc_sd_jwt();
    assert!(verifies(&EnvelopedCredential::around_sd_jwt(&credential)));
    for changed in changed(&credential) {
        assert!(!verifies(&EnvelopedCredential::around_sd_jwt(&changed)), "{changed}");
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[ -~]{0,12}".prop_map(Value::from),
        Just(Value::from(BASE_CONTEXT)),
        Just(Value::from("VerifiableCredential")),
        Just(Value::from("did:example:a")),
        Just(Value::from("data:application/vc+jwt,a.b.c")),
    ];
    let names = prop_oneof![
        Just("@context"),
        Just("type"),
        Just("id"),
        Just("issuer"),
        Just("credentialSubject"),
        Just("validFrom"),
        Just("relatedResource"),
        Just("digestSRI"),
        Just("digestMultibase"),
        Just("verifiableCredential"),
        Just("holder"),
        Just("vc"),
        Just("vp"),
        Just("iss"),
        Just("sub"),
        Just("nbf"),
        Just("exp"),
        Just("cnf"),
        Just("name"),
        Just("@value"),
    ];
    leaf.prop_recursive(4, 48, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((names.clone(), inner), 0..6).prop_map(|members| {
                members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
            }),
        ]
    })
}

proptest! {
    #[test]
    fn rubbish_is_read_without_a_panic(document in any_json(), text in "\\PC{0,40}") {
        // what is taken is taken again when it is written and read back
        if let Value::Object(object) = document.clone() {
            if let Ok(credential) = Credential::parse(object.clone()) {
                prop_assert_eq!(Credential::parse(credential.into_document()), Credential::parse(object.clone()));
            }
            if let Ok(presentation) = Presentation::parse(object.clone()) {
                prop_assert_eq!(presentation.into_document(), object.clone());
            }
            if let Ok(credential) = CredentialV1::parse(object.clone()) {
                prop_assert_eq!(credential.into_document(), object);
            }
        }
        for typ in ["JWT", "vc+jwt", "vc+sd-jwt"] {
            let header = base64url(json!({"alg": "ES256", "typ": typ}).to_string());
            let token = format!("{header}.{}.AA", base64url(document.to_string()));
            let _ = UnverifiedJwtVc::parse(&token).map(|parsed| parsed.danger_hold_unverified());
            let _ = UnverifiedVcJwt::parse(&token).map(|parsed| parsed.danger_hold_unverified());
            let _ = UnverifiedVcSdJwt::parse(&format!("{token}~"), &AwsLc);
        }
        if let Some(moment) = date_time_stamp(&text) {
            prop_assert_eq!(date_time_stamp(&write_date_time_stamp(moment)), Some(moment));
        }
    }
}

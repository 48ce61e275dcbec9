//! `jwt_vc_json`: VCDM 1.1 in JWTs, each rule broken alone.

use std::sync::Arc;

use lanyard_core::{
    Timestamp,
    credential::CredentialType,
    crypto::AwsLc,
    w3c::{
        BASE_CONTEXT, BASE_CONTEXT_V1, CredentialV1Draft, HolderBinding, Uri,
        jwt_vc_json::{self, HeldJwtVc, UnverifiedJwtVc, VerifiedJwtVp, verify_presentation},
        vc_jose_cose::{PresentVpError, SigningOptions},
    },
};
use lanyard_testkit::{test_now, vectors};
use serde_json::{Value, json};

use crate::{
    sd_jwt_support::{AUDIENCE, NONCE, ready},
    w3c_support::{Asked, Person, changed, issuers_by_did, providers},
};

pub(crate) struct World {
    pub(crate) issuer: Person,
    pub(crate) holder: Person,
}

impl World {
    pub(crate) fn new() -> Self {
        Self { issuer: Person::new(), holder: Person::new() }
    }

    /// The claims of a good credential, with some replaced.
    pub(crate) fn claims(&self, changes: &Value) -> Value {
        let now = test_now().as_second();
        let claims = json!({
            "iss": self.issuer.did.as_str(),
            "sub": self.holder.did.as_str(),
            "jti": "urn:uuid:1",
            "nbf": now - 60,
            "exp": now + 86_400,
            "vc": {
                "@context": [BASE_CONTEXT_V1],
                "type": ["VerifiableCredential", "IDCredential"],
                "credentialSubject": {"given_name": "Ada"},
            },
        });
        changed(&claims, changes)
    }

    pub(crate) fn credential(&self, changes: &Value) -> String {
        self.issuer.sign("JWT", &json!({}), &self.claims(changes))
    }

    /// A good presentation of these, with some claims replaced.
    pub(crate) fn present(&self, credentials: &[String], changes: &Value) -> String {
        self.present_with(&json!({}), credentials, changes)
    }

    pub(crate) fn present_with(
        &self,
        header: &Value,
        credentials: &[String],
        changes: &Value,
    ) -> String {
        let claims = json!({
            "iss": self.holder.did.as_str(),
            "aud": AUDIENCE,
            "nonce": NONCE,
            "iat": test_now().as_second(),
            "vp": {
                "@context": [BASE_CONTEXT_V1],
                "type": ["VerifiablePresentation"],
                "verifiableCredential": credentials,
            },
        });
        self.holder.sign("JWT", header, &changed(&claims, changes))
    }

    pub(crate) fn verify(&self, presentation: &str) -> Result<VerifiedJwtVp, &'static str> {
        let asked = Asked::new();
        let [one, other] = providers().map(|provider| {
            let issuers = issuers_by_did(&[&self.issuer], provider);
            ready(verify_presentation(presentation, &asked.expected(), &issuers))
        });
        assert_eq!(one.as_ref().err(), other.as_ref().err());
        one.map_err(|error| error.code())
    }

    /// The reason why a presentation of a credential with these changes is refused.
    pub(crate) fn refusal_of_credential(&self, changes: &Value) -> Option<&'static str> {
        self.verify(&self.present(&[self.credential(changes)], &json!({}))).err()
    }

    pub(crate) fn refusal(&self, changes: &Value) -> Option<&'static str> {
        self.verify(&self.present(&[self.credential(&json!({}))], changes)).err()
    }

    pub(crate) fn hold(&self, credential: &str) -> HeldJwtVc {
        let issuers = issuers_by_did(&[&self.issuer], Arc::new(AwsLc));
        let parsed = UnverifiedJwtVc::parse(credential).expect("it is well-formed");
        let key =
            ready(issuers.find(&parsed.claimed_issuer(), test_now())).expect("it is believed");
        parsed.verify_for_holding(key, test_now(), &AwsLc).expect("it is good")
    }
}

pub(crate) fn draft(world: &World) -> CredentialV1Draft {
    let now = test_now();
    CredentialV1Draft::new(&world.issuer.identifier(), now)
        .of_type("IDCredential")
        .with_id(&Uri::parse("urn:uuid:1").expect("a URN is a URL"))
        .about(json!({"id": world.holder.did.as_str(), "given_name": "Ada"}))
        .expires(now + jiff::SignedDuration::from_hours(24))
}

pub(crate) fn options(world: &World) -> SigningOptions {
    SigningOptions::new().with_key_id(&world.issuer.key_id.to_string())
}

// The four verbs

#[test]
fn a_credential_is_issued_held_presented_and_verified() {
    let world = World::new();
    let credential = draft(&world).finish().unwrap();
    let issued =
        ready(jwt_vc_json::issue(&credential, &options(&world), &world.issuer.party.signer))
            .unwrap();
    let held = world.hold(issued.as_str());
    assert_eq!(held.as_str(), issued.as_str());
    assert_eq!(held.credential(), &credential);
    assert_eq!(held.binding(), &HolderBinding::Subject(world.holder.did.clone()));
    assert_eq!(held.issuer().unwrap().name(), world.issuer.did.as_str());
    let asked = Asked::new();
    let presented = ready(jwt_vc_json::present(&[&held], &asked.request(&world.holder))).unwrap();
    let verified = world.verify(&presented).unwrap();
    assert_eq!(verified.holder().did(), Some(&world.holder.did));
    assert_eq!(*verified.holder().key(), world.holder.jwk().key);
    assert_eq!(verified.claims()["nonce"], NONCE);
    let [one] = verified.credentials() else { unreachable!() };
    assert_eq!(one.credential(), &credential);
    assert_eq!(one.claims().as_object()["credentialSubject"]["given_name"], "Ada");
    assert_eq!(one.issuer().name(), world.issuer.did.as_str());
    assert_eq!(one.validity().expires_at, credential.validity().expires_at);
    assert_eq!(verified.into_credentials().len(), 1);
    let back = UnverifiedJwtVc::parse(held.as_str()).unwrap().danger_hold_unverified();
    assert_eq!(back.credential(), held.credential());
    assert!(back.issuer().is_none());
}

#[test]
fn an_issued_jwt_says_everything_in_both_places() {
    let world = World::new();
    let credential = draft(&world).finish().unwrap();
    let issued =
        ready(jwt_vc_json::issue(&credential, &options(&world), &world.issuer.party.signer))
            .unwrap();
    let jws = lanyard_core::jose::UnverifiedJws::parse(issued.as_str()).unwrap();
    assert_eq!(jws.header().typ.as_deref(), Some("JWT"));
    let claims = Value::Object(jws.danger_unverified_claims().unwrap());
    assert_eq!(claims["vc"], Value::Object(credential.document().clone()));
    assert_eq!(claims["iss"], world.issuer.did.as_str());
    assert_eq!(claims["sub"], world.holder.did.as_str());
    assert_eq!(claims["jti"], "urn:uuid:1");
    assert_eq!(claims["nbf"], test_now().as_second());
    assert_eq!(claims["exp"], test_now().as_second() + 86_400);
}

#[test]
fn a_credential_may_be_bound_to_a_key_instead_of_a_did() {
    let world = World::new();
    let credential = CredentialV1Draft::new(&world.issuer.identifier(), test_now())
        .about(json!({"given_name": "Ada"}))
        .finish()
        .unwrap();
    let options = options(&world).bound_to(world.holder.jwk());
    let issued = ready(jwt_vc_json::issue(&credential, &options, &world.issuer.party.signer));
    let held = world.hold(issued.unwrap().as_str());
    assert!(matches!(held.binding(), HolderBinding::Key(key) if **key == *world.holder.jwk()));
    let asked = Asked::new();
    let mut request = asked.request(&world.holder);
    request.key_id = None;
    let presented = ready(jwt_vc_json::present(&[&held], &request)).unwrap();
    let verified = world.verify(&presented).unwrap();
    assert_eq!(verified.holder().did(), None);
    assert_eq!(*verified.holder().key(), world.holder.jwk().key);
    // the same key under its DID is as good, and another key is not
    assert!(world.verify(&world.present(&[held.as_str().to_owned()], &json!({}))).is_ok());
    let other = Person::new();
    let mut request = asked.request(&other);
    request.key_id = None;
    let refused = ready(jwt_vc_json::present(&[&held], &request));
    assert_eq!(refused, Err(PresentVpError::WrongHolder));
    let claims = json!({
        "aud": AUDIENCE,
        "nonce": NONCE,
        "vp": {
            "@context": [BASE_CONTEXT_V1],
            "type": "VerifiablePresentation",
            "verifiableCredential": held.as_str(),
        },
    });
    let forged = other.sign("JWT", &json!({"kid": null}), &claims);
    assert_eq!(world.verify(&forged).err(), Some("presentation_signature_invalid"));
}

#[test]
fn nothing_is_presented_that_is_not_the_signers() {
    let world = World::new();
    let asked = Asked::new();
    let of_nobody = world.hold(&world.credential(&json!({"sub": null})));
    assert_eq!(of_nobody.binding(), &HolderBinding::None);
    let refused = ready(jwt_vc_json::present(&[&of_nobody], &asked.request(&world.holder)));
    assert_eq!(refused, Err(PresentVpError::NotBound));
    let theirs = world.hold(&world.credential(&json!({})));
    let refused = ready(jwt_vc_json::present(&[&theirs], &asked.request(&world.issuer)));
    assert_eq!(refused, Err(PresentVpError::WrongHolder));
}

// Each rule alone

#[test]
fn each_rule_about_the_mapping_refuses_a_credential_alone() {
    let world = World::new();
    let now = test_now().as_second();
    let issued = Timestamp::from_second(now - 60).unwrap().to_string();
    assert_eq!(world.refusal_of_credential(&json!({})), None);
    for (changes, code) in [
        (json!({"vc": null}), "issuer_jwt_vc_missing"),
        (json!({"vc": "text"}), "issuer_jwt_vc_missing"),
        (json!({"vp": {}}), "issuer_jwt_forbidden_claim"),
        (json!({"iss": null}), "issuer_missing"),
        (json!({"iss": 1}), "issuer_missing"),
        (json!({"vc": {"issuer": "https://other.example"}}), "issuer_mismatch"),
        (json!({"vc": {"issuer": {"id": "https://other.example"}}}), "issuer_mismatch"),
        (json!({"vc": {"issuer": 1}}), "issuer_mismatch"),
        (json!({"vc": {"credentialSubject": {"id": "did:example:eve"}}}), "subject_mismatch"),
        (json!({"vc": {"credentialSubject": [{"a": 1}, {"b": 1}]}}), "subject_mismatch"),
        (json!({"vc": {"credentialSubject": "did:example:eve"}}), "subject_mismatch"),
        (json!({"vc": {"id": "urn:uuid:2"}}), "credential_id_mismatch"),
        (json!({"vc": {"issuanceDate": "2020-01-01T00:00:00Z"}}), "issuance_date_mismatch"),
        (json!({"vc": {"issuanceDate": 1}}), "issuance_date_mismatch"),
        (json!({"vc": {"expirationDate": "2030-01-01T00:00:00Z"}}), "expiration_date_mismatch"),
        (json!({"nbf": null}), "vc_issuance_date_missing"),
        (json!({"nbf": "1"}), "credential_nbf_malformed"),
        (json!({"nbf": 1e308}), "credential_nbf_malformed"),
        (json!({"exp": true}), "credential_exp_malformed"),
        (json!({"exp": 9_007_199_254_740_993_u64}), "credential_exp_malformed"),
        (json!({"iat": []}), "credential_iat_malformed"),
        (json!({"jti": 1}), "vc_id"),
        (json!({"sub": "eve"}), "vc_subject_id"),
        (json!({"vc": {"@context": null}}), "vc_context_missing"),
        (json!({"vc": {"@context": [BASE_CONTEXT]}}), "vc_context_base"),
        (json!({"vc": {"type": ["IDCredential"]}}), "vc_type_kind"),
        (json!({"vc": {"credentialSubject": null}}), "vc_subject_missing"),
        (json!({"vc": {"credentialSubject": []}, "sub": null}), "vc_subject_malformed"),
        (json!({"vc": {"credentialStatus": {"type": "A"}}}), "vc_status_malformed"),
        (json!({"vc": {"credentialSchema": {"id": "urn:a"}}}), "vc_schema_malformed"),
        (json!({"vc": {"refreshService": 1}}), "vc_refresh_service_malformed"),
        (json!({"vc": {"termsOfUse": {}}}), "vc_terms_of_use_malformed"),
        (json!({"vc": {"evidence": []}}), "vc_evidence_malformed"),
        (json!({"vc": {"proof": {}}}), "vc_proof_malformed"),
        (json!({"exp": now - 61}), "vc_validity_order"),
        (json!({"nbf": now - 200, "exp": now - 60}), "credential_expired"),
        (json!({"nbf": now + 61}), "credential_not_yet_valid"),
        (json!({"iat": now + 61}), "credential_issued_in_the_future"),
        (json!({"cnf": {}}), "credential_binding_unsupported"),
        (json!({"cnf": {"jwk": {"kty": "oct", "k": "AA"}}}), "credential_binding_key"),
        (json!({"sub": null}), "credential_not_bound"),
        (json!({"iss": Person::new().did.as_str()}), "issuer_not_trusted"),
    ] {
        assert_eq!(world.refusal_of_credential(&changes), Some(code), "{changes}");
    }
    // what is said twice in the same words, or only in the credential, is fine
    for changes in [
        json!({"vc": {"issuer": {"id": world.issuer.did.as_str(), "name": "Issuer"}}}),
        json!({"vc": {"issuer": {"name": "Issuer"}}}),
        json!({"vc": {"issuanceDate": issued}}),
        json!({"vc": {"issuanceDate": issued}, "nbf": null}),
        json!({"vc": {"issuanceDate": issued.replace('Z', ".5Z")}}),
        json!({"vc": {"credentialSubject": {"id": world.holder.did.as_str()}}, "sub": null}),
        json!({"vc": {"credentialSubject": [{"a": 1}]}}),
        json!({"jti": null, "exp": null, "iat": now}),
    ] {
        assert_eq!(world.refusal_of_credential(&changes), None, "{changes}");
    }
}

#[test]
fn each_rule_about_a_presentation_refuses_it_alone() {
    let world = World::new();
    let now = test_now().as_second();
    assert_eq!(world.refusal(&json!({})), None);
    let credential = world.credential(&json!({}));
    for (changes, code) in [
        (json!({"vp": null}), "presentation_jwt_vp_missing"),
        (json!({"vp": []}), "presentation_jwt_vp_missing"),
        (json!({"vc": {}}), "presentation_jwt_forbidden_claim"),
        (json!({"vp": {"@context": [BASE_CONTEXT]}}), "vp_context_base"),
        (json!({"vp": {"type": ["VerifiableCredential"]}}), "vp_type_kind"),
        (json!({"vp": {"holder": 1}}), "vp_holder_malformed"),
        (json!({"vp": {"holder": "did:example:eve"}}), "holder_mismatch"),
        (json!({"iss": 1}), "holder_mismatch"),
        (json!({"jti": "urn:a", "vp": {"id": "urn:b"}}), "presentation_id_mismatch"),
        (json!({"vp": {"verifiableCredential": null}}), "presentation_empty"),
        (json!({"vp": {"verifiableCredential": []}}), "presentation_empty"),
        (json!({"vp": {"verifiableCredential": vec!["a"; 33]}}), "vp_too_many_credentials"),
        (
            json!({"vp": {"verifiableCredential": [{"proof": {}}]}}),
            "presentation_credential_other_mechanism",
        ),
        (json!({"vp": {"verifiableCredential": ["a.b"]}}), "issuer_jwt_malformed"),
        (json!({"nonce": "other"}), "nonce_mismatch"),
        (json!({"nonce": null}), "nonce_mismatch"),
        (json!({"nonce": [NONCE]}), "nonce_mismatch"),
        (json!({"aud": "other"}), "audience_mismatch"),
        (json!({"aud": null}), "audience_mismatch"),
        (json!({"aud": [AUDIENCE, "other"]}), "audience_mismatch"),
        (json!({"aud": AUDIENCE.to_uppercase()}), "audience_mismatch"),
        (json!({"aud": format!("{AUDIENCE}/")}), "audience_mismatch"),
        (json!({"exp": now - 60}), "presentation_expired"),
        (json!({"nbf": now + 61}), "presentation_not_yet_valid"),
        (json!({"iat": now + 61}), "presentation_from_the_future"),
        (json!({"iat": now - 61}), "presentation_too_old"),
        (json!({"iat": "now"}), "presentation_time_malformed"),
        (json!({"iss": "https://holder.example"}), "holder_not_named"),
        (json!({"iss": "did:example:eve"}), "holder_key_id"),
    ] {
        assert_eq!(world.refusal(&changes), Some(code), "{changes}");
    }
    for changes in [
        json!({"iss": null}),
        json!({"iat": null}),
        json!({"exp": now + 60, "nbf": now, "jti": "urn:a"}),
        json!({"vp": {"holder": world.holder.did.as_str()}}),
        json!({"vp": {"holder": {"id": world.holder.did.as_str()}}, "iss": null}),
        json!({"vp": {"verifiableCredential": credential}}),
    ] {
        assert_eq!(world.refusal(&changes), None, "{changes}");
    }
}

// Official examples

#[test]
fn the_examples_of_openid4vp_are_of_this_format() {
    if !vectors::available("oid4vp") {
        return;
    }
    let world = World::new();
    let example = vectors::json("oid4vp/examples-1.0/credentials/jwt_vc.json");
    let signed = world.issuer.sign("JWT", &json!({}), &example);
    let parsed = UnverifiedJwtVc::parse(&signed).unwrap();
    let claimed = parsed.claimed_issuer();
    assert_eq!(claimed.issuer.unwrap().as_str(), "https://example.gov/issuers/565049");
    assert_eq!(claimed.types, [CredentialType::w3c("IDCredential")]);
    let held = parsed.danger_hold_unverified();
    let subject = &held.claims().as_object()["credentialSubject"];
    assert_eq!(subject["id"], example["sub"]);
    assert_eq!(subject["family_name"], "Mustermann");
    assert_eq!(held.claims().as_object()["issuanceDate"], "2010-01-01T00:00:00Z");

    // the example's presentation, with a credential in it instead of "eyJhb...ssw5c", by its own times
    let mut response = vectors::json("oid4vp/examples-1.0/response/jwt_vc.json");
    let audience = response["aud"].as_str().unwrap().into();
    let nonce = response["nonce"].as_str().unwrap().into();
    response["iss"] = world.holder.did.as_str().into();
    let now = Timestamp::from_second(response["iat"].as_i64().unwrap()).unwrap();
    let credential = world.credential(&json!({"nbf": now.as_second(), "exp": null}));
    response["vp"]["verifiableCredential"] = json!([credential]);
    let presentation = world.holder.sign("JWT", &json!({}), &response);
    let asked = Asked::new();
    let expected = lanyard_core::w3c::ExpectedPresentation {
        audience: &audience,
        nonce: &nonce,
        now,
        ..asked.expected()
    };
    let issuers = issuers_by_did(&[&world.issuer], Arc::new(AwsLc));
    let verified = ready(verify_presentation(&presentation, &expected, &issuers)).unwrap();
    assert_eq!(verified.claims()["jti"], response["jti"]);
}

#[test]
fn the_credential_response_of_openid4vci_is_of_this_format() {
    if !vectors::available("oid4vci") {
        return;
    }
    let message = vectors::text("oid4vci/examples-1.0/credential_response_jwt_vc_json.txt");
    let body = &message[message.find('{').unwrap()..];
    // the credential is broken into lines for print
    let body: String = body.split_whitespace().collect();
    let body: Value = serde_json::from_str(&body).unwrap();
    let credential = body["credentials"][0]["credential"].as_str().unwrap();
    let parsed = UnverifiedJwtVc::parse(credential).unwrap();
    assert_eq!(parsed.header().typ.as_deref(), Some("JWT"));
    let claimed = parsed.claimed_issuer();
    assert_eq!(claimed.issuer.unwrap().as_str(), "https://credential-issuer.example.com");
    assert_eq!(claimed.types, [CredentialType::w3c("UniversityDegreeCredential")]);
    let held = parsed.danger_hold_unverified();
    let HolderBinding::Subject(did) = held.binding() else { unreachable!() };
    assert_eq!(did.method(), "jwk");
    assert_eq!(held.claims().as_object()["issuanceDate"], "2025-01-01T00:00:00Z");
}

//! W3C credentials that refer to their status by a claim (Token Status List §6.2, §6.3).

use std::sync::Arc;

use async_trait::async_trait;
use lanyard_core::{
    cbor::Value as Cbor,
    cose::{self, Header, Payload, label},
    credential::CredentialType,
    crypto::AwsLc,
    status::{
        Status, StatusCheck, StatusError, StatusListUri, StatusQuestion, StatusReading,
        StatusReference,
    },
    trust::{IssuerKeySource, IssuerTrust},
    verify::{Expected, KeyBindingRule, PresentationVerifier, Presented, VerifyError},
    w3c::{BASE_CONTEXT, BASE_CONTEXT_V1, EnvelopedCredential},
};
use lanyard_testkit::test_now;
use serde_json::{Value, json};

use crate::{
    sd_jwt_support::{AUDIENCE, NONCE, digest, disclosure, ready},
    w3c_support::{Person, changed},
};

const LIST: &str = "https://issuer.example/statuses/1";

struct World {
    issuer: Person,
    holder: Person,
}

/// How a credential comes to the verifier.
#[derive(Clone, Copy, Debug)]
enum Form {
    JwtVcJson,
    VcJwt,
    VcSdJwt,
    VcCose,
}

const FORMS: [Form; 4] = [Form::JwtVcJson, Form::VcJwt, Form::VcSdJwt, Form::VcCose];

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

    /// A credential of VCDM 1.1 with this status beside it.
    fn jwt_vc_json(&self, status: &Value) -> String {
        let vc = self.document(&json!({"@context": [BASE_CONTEXT_V1]}));
        let claims = json!({
            "iss": self.issuer.did.as_str(), "nbf": test_now().as_second(),
            "vc": vc, "status": status,
        });
        self.issuer.sign("JWT", &json!({}), &claims)
    }

    fn vc_jwt(&self, status: &Value) -> String {
        self.issuer.sign("vc+jwt", &json!({}), &self.document(&json!({"status": status})))
    }

    fn vc_cose(&self, status: Cbor) -> Vec<u8> {
        let claims = Cbor::Map(vec![(65_535_i64.into(), status)]);
        let header = Header::new()
            .with(label::TYPE, "application/vc+cose")
            .with(label::KEY_ID, self.issuer.key_id.to_string().as_bytes())
            .with(15, claims);
        let payload = self.document(&json!({})).to_string();
        let payload = Payload::Attached(payload.as_bytes());
        ready(cose::sign1(header, Header::new(), payload, b"", &self.issuer.party.signer))
            .expect("a key in memory signs")
    }

    /// A presentation of one credential, by its holder.
    fn presentation(&self, credential: &EnvelopedCredential) -> String {
        let claims = json!({
            "@context": [BASE_CONTEXT],
            "type": ["VerifiablePresentation"],
            "holder": self.holder.did.as_str(),
            "verifiableCredential": [credential.to_object()],
            "aud": AUDIENCE, "nonce": NONCE,
        });
        self.holder.sign("vp+jwt", &json!({}), &claims)
    }

    fn verify(&self, form: Form, check: Option<Status>) -> Result<(), VerifyError> {
        self.verify_with(form, &json!({"status_list": {"idx": 7, "uri": LIST}}), check)
    }

    fn verify_with(
        &self,
        form: Form,
        status: &Value,
        check: Option<Status>,
    ) -> Result<(), VerifyError> {
        let trust = IssuerTrust::new().with_types(
            IssuerKeySource::Did(self.issuer.did.clone()),
            [CredentialType::w3c("Badge")],
        );
        let mut verifier = PresentationVerifier::new(trust, Arc::new(AwsLc));
        if let Some(status) = check {
            verifier = verifier.with_status(Arc::new(Desk(status)));
        }
        let text = match form {
            Form::JwtVcJson => self.jwt_vc_json(status),
            Form::VcJwt => self.vc_jwt(status),
            Form::VcSdJwt => {
                let document = self.document(&json!({"status": status}));
                let sd_jwt = self.issuer.sign("vc+sd-jwt", &json!({}), &document);
                self.presentation(&EnvelopedCredential::around_sd_jwt(&format!("{sd_jwt}~")))
            }
            Form::VcCose => {
                self.presentation(&EnvelopedCredential::around_cose(&self.vc_cose(cbor(status))))
            }
        };
        let presented = match form {
            Form::JwtVcJson => Presented::JwtVcAlone(&text),
            Form::VcJwt => Presented::VcJwtAlone(&text),
            Form::VcSdJwt | Form::VcCose => Presented::VpJwt(&text),
        };
        let expected = Expected::new(AUDIENCE, NONCE, KeyBindingRule::NotRequired).at(test_now());
        ready(verifier.verify_presented(presented, &expected)).map(drop)
    }
}

fn cbor(value: &Value) -> Cbor {
    match value {
        Value::Object(members) => Cbor::Map(
            members.iter().map(|(name, value)| (name.as_str().into(), cbor(value))).collect(),
        ),
        Value::String(text) => text.as_str().into(),
        other => other.as_i64().expect("the tests use small numbers").into(),
    }
}

/// Says the same of every credential, once it is asked about the right one.
struct Desk(Status);

#[async_trait]
impl StatusCheck for Desk {
    async fn status(&self, question: &StatusQuestion<'_>) -> Result<StatusReading, StatusError> {
        let uri = StatusListUri::parse(LIST).expect("it is a URI");
        assert_eq!(*question.reference, StatusReference::TokenStatusList { index: 7, uri });
        assert_eq!(question.types, [CredentialType::w3c("Badge")]);
        Ok(self.0.into())
    }
}

#[test]
fn the_status_that_a_claim_refers_to_decides_about_a_w3c_credential() {
    let world = World::new();
    for form in FORMS {
        let refusal = world.verify(form, Some(Status::Invalid)).unwrap_err();
        assert!(matches!(refusal, VerifyError::Refused(_)), "{form:?}");
        assert_eq!(refusal.code(), "credential_revoked", "{form:?}");
        assert!(world.verify(form, Some(Status::Valid)).is_ok(), "{form:?}");
        let doubt = world.verify(form, None).unwrap_err();
        assert!(matches!(doubt, VerifyError::Undetermined(_)), "{form:?}");
        assert_eq!(doubt.code(), "status_unknown", "{form:?}");
    }
}

#[test]
fn refuses_a_status_claim_that_cannot_be_read() {
    let world = World::new();
    for form in FORMS {
        let status = json!({"status_list": {"idx": 7}});
        let refusal = world.verify_with(form, &status, Some(Status::Valid)).unwrap_err();
        assert_eq!(refusal.code(), "credential_status_malformed", "{form:?}");
    }
}

#[test]
fn a_status_claim_is_not_selectively_disclosable() {
    let world = World::new();
    let hidden = disclosure(&json!(["salt", "status_list", {"idx": 7, "uri": LIST}]));
    let status = json!({"_sd": [digest(&hidden)]});
    let document = world.document(&json!({"status": status, "_sd_alg": "sha-256"}));
    let sd_jwt = world.issuer.sign("vc+sd-jwt", &json!({}), &document);
    let presented = EnvelopedCredential::around_sd_jwt(&format!("{sd_jwt}~{hidden}~"));
    let trust = IssuerTrust::new().with(IssuerKeySource::Did(world.issuer.did.clone()));
    let verifier = PresentationVerifier::new(trust, Arc::new(AwsLc));
    let text = world.presentation(&presented);
    let expected = Expected::new(AUDIENCE, NONCE, KeyBindingRule::Required).at(test_now());
    let refusal = ready(verifier.verify_presented(Presented::VpJwt(&text), &expected)).unwrap_err();
    assert_eq!(refusal.code(), "claim_must_not_be_selective");
}

//! `lanyard verify`: a credential or a presentation of any format, from a file.

use std::sync::Arc;

use jiff::Timestamp;
use lanyard_core::{
    credential::{CredentialType, Format, HeldCredential},
    crypto::AwsLc,
    did::{Did, DidResolver, ResolutionError},
    jose::Jwk,
    json,
    mdoc::{OpenId4VpHandover, SessionTranscript},
    sd_jwt::{Audience, RequestNonce},
    sd_jwt_vc::Vct,
    trust::{
        IssuerIdentifier, IssuerKeySource, IssuerKeys, IssuerTrust, NameError,
        x509::{ChainError, TrustAnchors},
    },
    verify::{
        Expected, KeyBindingRule, PolicySet, PresentationVerifier, Presented, VerifiedCredential,
        VerifyError,
    },
};
use serde_json::{Value, json};
use thiserror::Error;

use super::Recognised;

/// Whom to believe.
#[derive(Clone, Debug, Default)]
pub struct Trusted(IssuerTrust);

/// Why somebody cannot be believed.
#[derive(Debug, Error)]
pub enum TrustedError {
    /// Not certificates.
    #[error("not certificates of authorities in PEM: {0}")]
    Certificates(#[from] ChainError),
    /// Not a DID.
    #[error("not a DID: {0}")]
    Did(#[from] ResolutionError),
    /// Not an issuer.
    #[error("not an issuer: {0}")]
    Issuer(#[from] NameError),
    /// Not keys.
    #[error("neither a public JWK nor a set of them")]
    Keys,
}

impl Trusted {
    /// Believes whoever has a certificate of these authorities.
    ///
    /// # Errors
    /// [`TrustedError::Certificates`].
    pub fn authorities(self, pem: &str) -> Result<Self, TrustedError> {
        let iss = lanyard_core::trust::CertificateIss::default();
        let anchors = TrustAnchors::from_pem(pem)?;
        Ok(Self(self.0.with(IssuerKeySource::Certificates { anchors, iss })))
    }

    /// Believes a DID.
    ///
    /// # Errors
    /// [`TrustedError::Did`].
    pub fn did(self, did: &str) -> Result<Self, TrustedError> {
        Ok(Self(self.0.with(IssuerKeySource::Did(Did::parse(did)?))))
    }

    /// Believes an issuer by its keys, a JWK or a JWK set.
    ///
    /// # Errors
    /// [`TrustedError::Issuer`] and [`TrustedError::Keys`].
    pub fn keys(self, issuer: &str, text: &str) -> Result<Self, TrustedError> {
        let issuer = IssuerIdentifier::parse(issuer)?;
        let value = json::parse(text.as_bytes()).map_err(|_| TrustedError::Keys)?;
        let keys = match value.get("keys").and_then(Value::as_array) {
            Some(keys) => keys.iter().map(Jwk::from_value).collect::<Result<Vec<_>, _>>(),
            None => Jwk::from_value(&value).map(|key| vec![key]),
        };
        let keys = keys.map_err(|_| TrustedError::Keys)?;
        Ok(Self(self.0.with(IssuerKeySource::Keys { issuer, keys })))
    }
}

/// What to hold it to.
pub struct Question {
    /// Whom to believe.
    pub trusted: Trusted,
    /// How DIDs are resolved.
    pub resolver: Arc<dyn DidResolver>,
    /// The type that it must be of.
    pub kind: Option<String>,
    /// The request that a presentation answers: audience and nonce.
    pub request: Option<(String, String)>,
    /// Where an mdoc was to be sent; it is part of what the device signs.
    pub response_uri: String,
    /// What is demanded beyond that.
    pub policies: PolicySet,
    /// The moment everything is judged at.
    pub now: Timestamp,
}

/// What came of it.
#[derive(Debug)]
pub enum Verdict {
    /// It holds; what it says.
    Verified(Value),
    /// It does not.
    Refused(Value),
    /// Nobody can tell now.
    Undetermined(Value),
}

/// Verifies a text that was recognised.
pub async fn verify(text: &str, recognised: Recognised, question: Question) -> Verdict {
    let text = text.trim();
    if recognised.presented || question.request.is_some() {
        presentation(text, recognised.format, question).await
    } else {
        credential(text, recognised.format, question).await
    }
}

async fn credential(text: &str, format: Format, question: Question) -> Verdict {
    let issuers = IssuerKeys::new(question.trusted.0, Arc::new(AwsLc))
        .with_resolver(Arc::clone(&question.resolver));
    let held = match HeldCredential::receive(format, text, &issuers, question.now).await {
        Ok(held) => held,
        Err(error) => {
            let said = json!({
                "format": format, "reason": error.code(), "message": error.to_string(),
            });
            return match error.is_undetermined() {
                true => Verdict::Undetermined(said),
                false => Verdict::Refused(said),
            };
        }
    };
    if let Some(kind) = question.kind
        && !held.types().contains(&kind_of(format, &kind))
    {
        let message = "the credential is of another type than was asked for";
        return Verdict::Refused(
            json!({"format": format, "reason": "credential_wrong_type", "message": message}),
        );
    }
    let types: Vec<_> = held.types().iter().map(ToString::to_string).collect();
    Verdict::Verified(json!({
        "format": format,
        "types": types,
        "issuer": held.issuer().map(lanyard_core::trust::IssuerIdentity::name),
        "claims": held.claims().as_value(),
    }))
}

async fn presentation(text: &str, format: Format, question: Question) -> Verdict {
    let (audience, nonce) = question.request.clone().unwrap_or_default();
    let binding = match question.request {
        Some(_) => KeyBindingRule::Required,
        None => KeyBindingRule::NotRequired,
    };
    let mut asked = Expected::new(audience.as_str(), nonce.as_str(), binding);
    if let Some(kind) = &question.kind {
        asked = asked.of_type(kind_of(format, kind));
    }
    let verifier = PresentationVerifier::new(question.trusted.0, Arc::new(AwsLc))
        .with_resolver(question.resolver)
        .with_policies(question.policies);
    let transcript = SessionTranscript::openid4vp(
        &OpenId4VpHandover {
            client_id: &Audience::from(audience.as_str()),
            nonce: &RequestNonce::from(nonce.as_str()),
            encryption_key: None,
            response_uri: &question.response_uri,
        },
        &AwsLc,
    );
    let presented = match format {
        Format::SdJwtVc => Presented::SdJwtVc(text),
        Format::MsoMdoc => Presented::MsoMdoc { device_response: text, transcript: &transcript },
        Format::JwtVcJson => Presented::JwtVcJson(text),
        Format::LdpVc => Presented::LdpVc(text),
        Format::VcJwt | Format::VcSdJwt => Presented::VpJwt(text),
    };
    match verifier.verify_presented(presented, &asked.at(question.now)).await {
        Ok(verified) => Verdict::Verified(json!({
            "format": format,
            "credentials": verified.credentials().iter().map(said).collect::<Vec<_>>(),
            "checks": verified.checks(),
        })),
        Err(error) => {
            let said = json!({
                "format": format,
                "reason": error.code(),
                "message": error.to_string(),
                "checks": error.checks(),
            });
            match error {
                VerifyError::Refused(_) => Verdict::Refused(said),
                VerifyError::Undetermined(_) => Verdict::Undetermined(said),
            }
        }
    }
}

fn said(credential: &VerifiedCredential) -> Value {
    let types: Vec<_> = credential.types().iter().map(ToString::to_string).collect();
    json!({
        "types": types,
        "issuer": credential.issuer().name(),
        "claims": credential.claims().as_value(),
    })
}

fn kind_of(format: Format, name: &str) -> CredentialType {
    match format {
        Format::SdJwtVc => Vct::parse(name)
            .map_or_else(|_| CredentialType::w3c(name), |vct| CredentialType::vct(&vct)),
        Format::MsoMdoc => CredentialType::doc_type(name),
        Format::JwtVcJson | Format::LdpVc | Format::VcJwt | Format::VcSdJwt => {
            CredentialType::w3c(name)
        }
    }
}

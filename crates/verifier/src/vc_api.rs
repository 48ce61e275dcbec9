//! An integrator hands a credential or a presentation in and hears what it is worth (VC API §3.3).

use lanyard_core::{
    data_integrity::{
        Challenge, DataIntegrityError, Domain, ExpectedProof, JsonPointer, UnverifiedDocument,
    },
    did::Did,
    json::{self, JsonError, Object},
    verify::{Expected, KeyBindingRule, PresentationVerifier, Presented, VerifyError},
    w3c::{
        EnvelopeError, EnvelopedCredential, EnvelopedPresentation, Presentation, PresentationError,
        PresentedCredential, SecuredCredential, SecuredPresentation,
    },
};
use serde_json::Value;
use thiserror::Error;

use crate::{VerifierService, tenant::Tenant};

/// Whom the routes of the VC API believe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VcApiTrust {
    /// Whom the tenant believes for every other question.
    TrustedIssuers,
    /// Whatever DID a credential names as its issuer, as far as that DID's key made the proof: it is as
    /// genuine as the DID, whoever that is. For test suites, and for callers who judge issuers themselves.
    AnyDid,
}

/// Why the answer is not that it was verified.
#[derive(Clone, Debug, Error)]
pub enum VcApiFault {
    /// The body is not a strict JSON object.
    #[error("the body cannot be read: {0}")]
    Unreadable(JsonError),
    /// The member that is asked about is missing, or not an object.
    #[error("{0} is missing, or not an object")]
    Missing(&'static str),
    /// An option has a value that it cannot have.
    #[error("the option {0} has a value that it cannot have")]
    Option(&'static str),
    /// The envelope cannot be opened.
    #[error("the envelope is refused: {0}")]
    Envelope(EnvelopeError),
    /// What is in the envelope is secured in a way that is not verified here.
    #[error("the envelope is of a kind that is not verified here")]
    EnvelopeKind,
    /// A presentation in an envelope answers a request, so it needs a challenge and a domain.
    #[error("a presentation in an envelope needs the options challenge and domain")]
    Unasked,
    /// The document is no presentation.
    #[error(transparent)]
    Presentation(PresentationError),
    /// The proof of the presentation is refused.
    #[error("the presentation's proof is refused: {0}")]
    Proof(DataIntegrityError),
    /// The proof is by another than the presentation's holder.
    #[error("the presentation's proof is not by its holder")]
    Holder,
    /// A credential in the presentation has nothing of its own that secures it.
    #[error("a credential in the presentation has no proof")]
    Unsecured,
    /// The credential, or one in the presentation, is refused, or nobody can tell.
    #[error(transparent)]
    Verdict(VerifyError),
    /// Nothing can be left out of the credential.
    #[error("the credential cannot be derived from: {0}")]
    Derive(DataIntegrityError),
}

impl VcApiFault {
    /// The stable reason code, for operators and integrators.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "vc_api_unreadable",
            Self::Missing(_) => "vc_api_missing",
            Self::Option(_) => "vc_api_option",
            Self::Envelope(_) => "vc_api_envelope",
            Self::EnvelopeKind => "vc_api_envelope_kind",
            Self::Unasked => "vc_api_unasked",
            Self::Presentation(error) => error.code(),
            Self::Proof(error) | Self::Derive(error) => error.code(),
            Self::Holder => "vc_api_holder",
            Self::Unsecured => "vc_api_unsecured",
            Self::Verdict(error) => error.code(),
        }
    }

    /// Whether the question itself is wrong, and not what was asked about.
    pub(crate) const fn is_about_the_request(&self) -> bool {
        matches!(self, Self::Unreadable(_) | Self::Missing(_) | Self::Option(_) | Self::Unasked)
    }
}

impl From<VerifyError> for VcApiFault {
    fn from(error: VerifyError) -> Self {
        Self::Verdict(error)
    }
}

/// What a caller should know although everything that was there was verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Warning {
    /// Nobody signed the presentation: it says nothing about who presents.
    PresentationUnsigned,
    /// There was no challenge to compare with, so the presentation may have been made for another.
    ChallengeUnchecked,
}

impl Warning {
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::PresentationUnsigned => "presentation_unsigned",
            Self::ChallengeUnchecked => "presentation_challenge_unchecked",
        }
    }
}

/// A question that was read: what is asked about, and the options.
struct Asked {
    document: Object,
    options: Object,
}

impl Asked {
    fn read(body: &[u8], member: &'static str) -> Result<Self, VcApiFault> {
        let mut body = json::parse_object(body).map_err(VcApiFault::Unreadable)?;
        let Some(Value::Object(document)) = body.shift_remove(member) else {
            return Err(VcApiFault::Missing(member));
        };
        match body.shift_remove("options") {
            None => Ok(Self { document, options: Object::new() }),
            Some(Value::Object(options)) => Ok(Self { document, options }),
            Some(_) => Err(VcApiFault::Option("options")),
        }
    }

    fn text(&self, name: &'static str) -> Result<Option<&str>, VcApiFault> {
        match self.options.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(VcApiFault::Option(name)),
        }
    }
}

impl VerifierService {
    /// Verifies a credential: its proofs or its envelope, its issuer, its times and its status.
    pub(crate) async fn verify_credential(
        &self,
        tenant: &Tenant,
        trust: VcApiTrust,
        body: &[u8],
    ) -> Result<(), VcApiFault> {
        let Asked { document, .. } = Asked::read(body, "verifiableCredential")?;
        let credential = if is_of(&document, "EnvelopedVerifiableCredential") {
            let envelope = EnvelopedCredential::parse(&document);
            PresentedCredential::Enveloped(envelope.map_err(VcApiFault::Envelope)?)
        } else {
            return self.with_proof(tenant, trust, document).await;
        };
        self.presented(tenant, trust, &credential, false).await
    }

    /// Verifies a presentation: who presents it, as far as somebody signed it, and each credential in it.
    pub(crate) async fn verify_presentation(
        &self,
        tenant: &Tenant,
        trust: VcApiTrust,
        body: &[u8],
    ) -> Result<Vec<Warning>, VcApiFault> {
        let asked = Asked::read(body, "verifiablePresentation")?;
        let (challenge, domain) = (asked.text("challenge")?, asked.text("domain")?);
        if is_of(&asked.document, "EnvelopedVerifiablePresentation") {
            let envelope = EnvelopedPresentation::parse(&asked.document);
            let envelope = envelope.map_err(VcApiFault::Envelope)?;
            let Ok(SecuredPresentation::Jwt(jwt)) = envelope.open() else {
                return Err(VcApiFault::EnvelopeKind);
            };
            // OID4VP 1.0 §8.6: a JWT that is not for this request may be anybody's
            let (Some(challenge), Some(domain)) = (challenge, domain) else {
                return Err(VcApiFault::Unasked);
            };
            let expected = Expected::new(domain, challenge, KeyBindingRule::Required);
            let verifier = tenant.verifier_for_vc_api(trust, &[]);
            verifier.verify_presented(Presented::VpJwt(jwt), &expected.at(self.now())).await?;
            return Ok(Vec::new());
        }
        // 1. the rules of the data model
        let parse = Presentation::parse(asked.document.clone());
        let presentation = parse.map_err(VcApiFault::Presentation)?;
        // 2. who presents it
        let mut warnings = Vec::new();
        if asked.document.contains_key("proof") {
            let now = self.now();
            let expected = match (challenge, domain) {
                (Some(challenge), Some(domain)) => {
                    let challenge = Challenge::from(challenge);
                    ExpectedProof::authentication(challenge, Domain::from(domain), now)
                }
                _ => {
                    warnings.push(Warning::ChallengeUnchecked);
                    let expected = ExpectedProof::danger_unasked_authentication(now);
                    let expected = match challenge {
                        Some(challenge) => expected.with_challenge(challenge),
                        None => expected,
                    };
                    match domain {
                        Some(domain) => expected.with_domain(domain),
                        None => expected,
                    }
                }
            };
            let document = UnverifiedDocument::from_object(asked.document.clone());
            let document = document.map_err(VcApiFault::Proof)?;
            let proofs = tenant.proof_verifier().verify(document, &expected).await;
            let verified = proofs.map_err(VcApiFault::Proof)?;
            // VCDM 2.0 §4.13: where a holder is named, it is they who present it
            let holder = match asked.document.get("holder") {
                Some(Value::Object(holder)) => holder.get("id").and_then(Value::as_str),
                holder => holder.and_then(Value::as_str),
            };
            let by_holder = |holder| Did::parse(holder).is_ok_and(|did| verified.is_by(&did));
            if !holder.is_none_or(by_holder) {
                return Err(VcApiFault::Holder);
            }
        } else {
            warnings.push(Warning::PresentationUnsigned);
        }
        // 3. each credential
        let is_signed = !warnings.contains(&Warning::PresentationUnsigned);
        for credential in presentation.credentials() {
            self.presented(tenant, trust, credential, is_signed).await?;
        }
        Ok(warnings)
    }

    /// Leaves out of a credential what is not pointed to (VC API §3.4.1).
    pub(crate) async fn derive(&self, tenant: &Tenant, body: &[u8]) -> Result<Object, VcApiFault> {
        let asked = Asked::read(body, "verifiableCredential")?;
        let pointers = asked.options.get("selectivePointers").and_then(Value::as_array);
        let pointer = |value: &Value| JsonPointer::parse(value.as_str()?).ok();
        let pointers = pointers.and_then(|pointers| pointers.iter().map(pointer).collect());
        let pointers: Vec<_> = pointers.ok_or(VcApiFault::Option("selectivePointers"))?;
        let document = UnverifiedDocument::from_object(asked.document);
        let document = document.map_err(VcApiFault::Derive)?;
        let expected = ExpectedProof::assertion(self.now());
        let held = tenant.proof_verifier().verify_for_holding(document, &expected).await;
        let held = held.map_err(VcApiFault::Derive)?;
        held.disclose(&pointers, self.provider()).map_err(VcApiFault::Derive)
    }

    async fn presented(
        &self,
        tenant: &Tenant,
        trust: VcApiTrust,
        credential: &PresentedCredential,
        is_signed: bool,
    ) -> Result<(), VcApiFault> {
        match credential {
            PresentedCredential::WithProof(credential) => {
                self.with_proof(tenant, trust, credential.document().clone()).await
            }
            // what the holder says is secured by what secures the presentation, if something does
            PresentedCredential::SelfAsserted(_) if is_signed => Ok(()),
            PresentedCredential::SelfAsserted(_) => Err(VcApiFault::Unsecured),
            PresentedCredential::Enveloped(envelope) => {
                let open = envelope.open().map_err(VcApiFault::Envelope)?;
                let SecuredCredential::Jwt(jwt) = open else {
                    return Err(VcApiFault::EnvelopeKind);
                };
                let issuer = json_of(jwt).as_ref().and_then(issuer_of);
                let verifier = tenant.verifier_for_vc_api(trust, issuer.as_slice());
                self.alone(&verifier, Presented::VcJwtAlone(jwt)).await
            }
        }
    }

    async fn with_proof(
        &self,
        tenant: &Tenant,
        trust: VcApiTrust,
        document: Object,
    ) -> Result<(), VcApiFault> {
        let issuer = issuer_of(&document);
        let verifier = tenant.verifier_for_vc_api(trust, issuer.as_slice());
        let text = Value::Object(document).to_string();
        self.alone(&verifier, Presented::LdpVcAlone(&text)).await
    }

    async fn alone(
        &self,
        verifier: &PresentationVerifier,
        presented: Presented<'_>,
    ) -> Result<(), VcApiFault> {
        // nobody presents it, so there is nothing that it could answer
        let expected = Expected::new("", "", KeyBindingRule::NotRequired).at(self.now());
        verifier.verify_presented(presented, &expected).await?;
        Ok(())
    }
}

/// The DID that a document names as its issuer, before anything about it was verified.
fn issuer_of(document: &Object) -> Option<Did> {
    let issuer = match document.get("issuer") {
        Some(Value::Object(issuer)) => issuer.get("id"),
        issuer => issuer,
    };
    Did::parse(issuer?.as_str()?).ok()
}

/// The payload of a JWT, before anything about it was verified.
fn json_of(jwt: &str) -> Option<Object> {
    let payload = jwt.split('.').nth(1)?;
    json::parse_object(&json::base64url_decode(payload).ok()?).ok()
}

fn is_of(document: &Object, wanted: &str) -> bool {
    match document.get("type") {
        Some(Value::String(found)) => found == wanted,
        Some(Value::Array(found)) => found.iter().any(|one| one == wanted),
        _ => false,
    }
}

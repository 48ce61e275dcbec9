//! The paved road for verifiers: one call that forgets nothing.
//!
//! ```
//! # use lanyard_core::{crypto::CryptoProvider, sd_jwt_vc::Vct, trust::IssuerTrust, verify::*, Timestamp};
//! # use std::sync::Arc;
//! # async fn verify(received: &str, request_nonce: &str, vct: Vct, trust: IssuerTrust,
//! #                 provider: Arc<dyn CryptoProvider>, now: Timestamp) {
//! let verifier = PresentationVerifier::new(trust, provider);
//! let expected = Expected::new("x509_san_dns:shop.example", request_nonce, KeyBindingRule::Required)
//!     .of_type(&vct)
//!     .at(now);
//! match verifier.verify(received, &expected).await {
//!     Ok(presentation) => println!("{:?}", presentation.claims().text("given_name")),
//!     Err(VerifyError::Refused(refusal)) => println!("no: {}", refusal.code()),
//!     Err(VerifyError::Undetermined(cause)) => println!("cannot say: {}", cause.code()),
//! }
//! # }
//! ```

mod blame;
mod checks;
mod every_format;
mod policy;
mod presented;
mod status;
mod verdict;

use std::{fmt, sync::Arc};

pub use checks::{Check, CheckName, Checks, Outcome};
pub use policy::{
    IssuerName, PolicyError, PolicyFault, PolicyFaultKind, PolicyFaults, PolicyRule, PolicySet,
    TypeMetadataRule,
};
pub use presented::{Presented, VerifiedCredential, VerifiedCredentials};
use status::StatusOf;
pub use verdict::{Cause, CauseKind, Refusal, RefusalReason, VerifiedPresentation, VerifyError};

use crate::{
    Timestamp,
    credential::{CredentialType, Format, ValidityPolicy},
    crypto::CryptoProvider,
    did::DidResolver,
    sd_jwt::{Audience, ExpectedKeyBinding, KeyBindingWindow, RequestNonce, UnverifiedSdJwt},
    sd_jwt_vc::{
        SdJwtVcError, UnverifiedSdJwtVc, VerifiedSdJwtVc,
        type_metadata::{
            EffectiveTypeMetadata, LocalTypeMetadata, TypeMetadataError, TypeMetadataSource,
        },
    },
    status::StatusCheck,
    trust::{
        IssuerError, IssuerKeys, IssuerMetadataSource, LiveTrust, TypeScope,
        x509::RevocationListSource,
    },
};

/// Verifies presentations for one verifier.
#[derive(Clone)]
pub struct PresentationVerifier {
    keys: IssuerKeys,
    provider: Arc<dyn CryptoProvider>,
    policy: Policy,
    policies: PolicySet,
    type_metadata: Arc<dyn TypeMetadataSource>,
    status: Option<Arc<dyn StatusCheck>>,
}

/// What a verifier may decide for itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// How the times of a credential are judged.
    pub validity: ValidityPolicy,
    /// How far the `iat` of a key binding may be from now.
    pub key_binding: KeyBindingWindow,
    /// What becomes of a credential whose status nobody can tell.
    pub status: StatusPolicy,
}

/// What becomes of a credential whose status nobody can tell: it was not looked at, or its list not had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StatusPolicy {
    /// It is neither good nor bad: the verdict is [`VerifyError::Undetermined`].
    #[default]
    Undetermined,
    /// It is good enough; the check is listed as [`Outcome::Undetermined`], and whoever relies on the
    /// presentation looks at [`VerifiedPresentation::status`].
    Accept,
}

/// Whether a presentation must be bound to its holder's key; decided before looking (RFC 9901 §7.3(1)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyBindingRule {
    /// It must be; a presentation without is refused.
    Required,
    /// It need not be; a key binding that came along is not even read.
    NotRequired,
}

/// What was asked for, to be completed by [`Expecting::at`].
#[derive(Clone, Debug)]
pub struct Expecting {
    audience: Audience,
    nonce: RequestNonce,
    key_binding: KeyBindingRule,
    /// Alternatives; of one alternative it must be of every type.
    types: Vec<Vec<CredentialType>>,
}

/// What a presentation must answer.
#[derive(Clone, Debug)]
pub struct Expected {
    asked: Expecting,
    now: Timestamp,
}

impl Expected {
    /// Starts from the verifier's full client identifier and the nonce of its request.
    #[expect(clippy::new_ret_no_self, reason = "without a moment to judge at it is not complete")]
    pub fn new(
        audience: impl Into<Audience>,
        nonce: impl Into<RequestNonce>,
        key_binding: KeyBindingRule,
    ) -> Expecting {
        let (audience, nonce) = (audience.into(), nonce.into());
        Expecting { audience, nonce, key_binding, types: Vec::new() }
    }
}

impl Expecting {
    /// Demands this type; called more than once, any of them will do. Without, every type will.
    #[must_use]
    pub fn of_type(mut self, kind: impl Into<CredentialType>) -> Self {
        self.types.push(vec![kind.into()]);
        self
    }

    /// Demands all of these types at once, as `type_values` may; beside [`Expecting::of_type`] it is one more
    /// alternative (OID4VP 1.0 App. B.1.1).
    #[must_use]
    pub fn of_types(mut self, kinds: impl IntoIterator<Item = CredentialType>) -> Self {
        self.types.push(kinds.into_iter().collect());
        self
    }

    /// Judges everything at this moment.
    pub const fn at(self, now: Timestamp) -> Expected {
        Expected { asked: self, now }
    }
}

impl PresentationVerifier {
    /// Believes these issuers; resolves the DID methods that need no network.
    pub fn new(trust: impl Into<LiveTrust>, provider: Arc<dyn CryptoProvider>) -> Self {
        let keys = IssuerKeys::new(trust, Arc::clone(&provider));
        Self {
            keys,
            provider,
            policy: Policy::default(),
            policies: PolicySet::new(),
            type_metadata: Arc::new(LocalTypeMetadata::new()),
            status: None,
        }
    }

    /// With another resolver for issuers' DIDs.
    #[must_use]
    pub fn with_resolver(mut self, resolver: Arc<dyn DidResolver>) -> Self {
        self.keys = self.keys.with_resolver(resolver);
        self
    }

    /// With a source for the metadata that issuers publish.
    #[must_use]
    pub fn with_issuer_metadata(mut self, source: Arc<dyn IssuerMetadataSource>) -> Self {
        self.keys = self.keys.with_issuer_metadata(source);
        self
    }

    /// With a source for lists of revoked certificates.
    #[must_use]
    pub fn with_revocation_lists(mut self, source: Arc<dyn RevocationListSource>) -> Self {
        self.keys = self.keys.with_revocation_lists(source);
        self
    }

    /// With decisions of its own.
    #[must_use]
    pub const fn with_policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// With these policies; what they say goes before [`PresentationVerifier::with_policy`].
    #[must_use]
    pub fn with_policies(mut self, policies: PolicySet) -> Self {
        self.policies = policies;
        self
    }

    /// With someone who looks at the status of credentials; without, a status is unknown.
    #[must_use]
    pub fn with_status(mut self, status: Arc<dyn StatusCheck>) -> Self {
        self.status = Some(status);
        self
    }

    /// With a source for the metadata of types; without one no type has any.
    ///
    /// It is asked only where a policy says so, for credentials that their issuer signed.
    #[must_use]
    pub fn with_type_metadata(mut self, source: Arc<dyn TypeMetadataSource>) -> Self {
        self.type_metadata = source;
        self
    }

    /// Verifies one presentation, completely.
    ///
    /// # Errors
    /// [`VerifyError::Refused`] is final and names the rule; [`VerifyError::Undetermined`] may become
    /// either. Both list every check.
    pub async fn verify(
        &self,
        received: &str,
        expected: &Expected,
    ) -> Result<VerifiedPresentation, VerifyError> {
        let Expected { asked, now } = expected;
        let policy = self.policies.over(self.policy);
        let mut checks = Checks::of(Format::SdJwtVc);
        self.policies.announce(&mut checks);

        // 1. it can be read, and says it is an SD-JWT VC
        let credential = match UnverifiedSdJwt::parse(received) {
            Ok(sd_jwt) => match UnverifiedSdJwtVc::from_sd_jwt(sd_jwt) {
                Ok(credential) => credential,
                Err(error) => return Err(refuse(checks, CheckName::Declaration, error)),
            },
            Err(error) => return Err(refuse(checks, CheckName::Form, SdJwtVcError::from(error))),
        };
        let required = self.policies.key_binding(asked.key_binding) == KeyBindingRule::Required;
        if !required {
            let binding = CheckName::ALL.into_iter().filter(|name| name.is_key_binding());
            binding.for_each(|name| checks.set(name, Outcome::NotApplicable));
        }

        // 2. its issuer is trusted for its type
        let key = match self.keys.find(&credential.claimed_issuer(), *now).await {
            Ok(key) => key,
            Err(error) if error.is_undetermined() => {
                return Err(undetermined(checks, CheckName::IssuerTrusted, error.into()));
            }
            Err(error) => return Err(refuse(checks, CheckName::IssuerTrusted, error)),
        };

        let trusted_for = key.types.clone();

        // 3. signature, disclosures, key binding, and what may not be withheld
        let binding = ExpectedKeyBinding {
            audience: &asked.audience,
            nonce: &asked.nonce,
            now: *now,
            window: policy.key_binding,
        };
        let verified = match credential.verify(key, required.then_some(&binding), &*self.provider) {
            Ok(verified) => verified,
            Err(error) => return Err(refuse(checks, CheckName::of(&error), error)),
        };

        // 4. valid now, and what was asked for
        if let Err(error) = verified.judge_validity(&policy.validity, *now) {
            return Err(refuse(checks, CheckName::Validity, SdJwtVcError::from(error)));
        }
        let types = [CredentialType::vct(verified.vct())];
        // OID4VP 1.0 App. B.3.5: one of the vct_values, by vct or by what the type is also known as
        let is_also = |kind: &CredentialType| {
            verified.aka_vcts().iter().any(|vct| CredentialType::vct(vct) == *kind)
        };
        if let Err((check, reason)) = judge_types(&asked.types, &types, is_also, &trusted_for) {
            return Err(refuse(checks, check, reason));
        }

        // 5. what this verifier demands beyond that, and the rules of the credential's type
        let subject = policy::Subject {
            issuer: verified.issuer(),
            types: &types,
            validity: verified.validity(),
            claims: verified.claims().as_value(),
        };
        if let Err(error) = self.policies.judge(&subject, *now) {
            return Err(refuse(checks, error.check(), error));
        }
        let type_metadata = match self.type_metadata(&verified, &mut checks).await {
            Ok(type_metadata) => type_metadata,
            Err(TypeFault::Refused(reason)) => {
                return Err(refuse(checks, CheckName::TypeMetadata, reason));
            }
            Err(TypeFault::Undetermined) => {
                let cause = CauseKind::TypeMetadataUnreachable;
                return Err(undetermined(checks, CheckName::TypeMetadata, cause));
            }
        };
        checks.passed_before(CheckName::Status);

        // 6. not revoked; last, as no list is fetched for what is refused without it
        let question = StatusOf {
            references: verified.status().map_or(&[], std::slice::from_ref),
            issuer: verified.issuer(),
            types: &types,
        };
        let (checks, status_readings) = self.look_at_status(&question, checks, *now).await?;
        Ok(VerifiedPresentation { credential: verified, type_metadata, status_readings, checks })
    }

    /// The metadata of the credential's type, once its rules were found to be kept.
    async fn type_metadata(
        &self,
        credential: &VerifiedSdJwtVc,
        checks: &mut Checks,
    ) -> Result<Option<EffectiveTypeMetadata>, TypeFault> {
        let rule = self.policies.type_metadata();
        if rule == TypeMetadataRule::Ignored {
            checks.set(CheckName::TypeMetadata, Outcome::NotApplicable);
            return Ok(None);
        }
        let (source, provider) = (&*self.type_metadata, &*self.provider);
        let read = EffectiveTypeMetadata::of_credential(credential, source, provider).await;
        let metadata = match (read, rule) {
            (Ok(metadata), _) => metadata,
            // SD-JWT VC §5.7: metadata that nobody demands and that cannot be had is not held against it;
            // §6: neither is a document that is not the one that was meant, which counts as not had
            (
                Err(TypeMetadataError::Unavailable(_) | TypeMetadataError::Integrity(_)),
                TypeMetadataRule::WherePublished,
            ) => {
                checks.set(CheckName::TypeMetadata, Outcome::NotApplicable);
                return Ok(None);
            }
            (Err(error), _) if error.is_undetermined() => return Err(TypeFault::Undetermined),
            (Err(error), _) => return Err(TypeFault::Refused(error.into())),
        };
        // SD-JWT VC §5.7: a credential that breaks the rules of its type is rejected
        metadata.judge(credential).map_err(|error| TypeFault::Refused(error.into()))?;
        Ok(Some(metadata))
    }
}

/// Holds a credential to the types that were asked for: it is of all that one alternative names.
///
/// For its own types its issuer was found to be trusted. What it is also known as, or what its contexts make
/// of its types, it says itself: that is no evidence that its issuer may issue it (SD-JWT VC §2.2.2.2).
fn judge_types(
    asked: &[Vec<CredentialType>],
    own: &[CredentialType],
    is_also: impl Fn(&CredentialType) -> bool,
    trusted_for: &TypeScope,
) -> Result<(), (CheckName, RefusalReason)> {
    let is_of = |kind: &CredentialType| own.contains(kind) || is_also(kind);
    let may_be = |kind: &CredentialType| own.contains(kind) || trusted_for.cover(kind);
    let mut refusal = (CheckName::Type, RefusalReason::WrongType);
    for all in asked.iter().filter(|all| all.iter().all(is_of)) {
        if all.iter().all(may_be) {
            return Ok(());
        }
        refusal = (CheckName::IssuerTrusted, IssuerError::NotTrustedForType.into());
    }
    if asked.is_empty() { Ok(()) } else { Err(refusal) }
}

/// Why the metadata of a type ends a verification.
enum TypeFault {
    Refused(RefusalReason),
    Undetermined,
}

fn refuse(checks: Checks, name: CheckName, reason: impl Into<RefusalReason>) -> VerifyError {
    let reason = reason.into();
    let checks = checks.end(name, Outcome::Failed, reason.to_string());
    VerifyError::Refused(Refusal { reason, checks: Box::new(checks) })
}

fn undetermined(checks: Checks, name: CheckName, kind: CauseKind) -> VerifyError {
    let checks = checks.end(name, Outcome::Undetermined, kind.to_string());
    VerifyError::Undetermined(Cause { kind, checks: Box::new(checks) })
}

impl fmt::Debug for PresentationVerifier {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "PresentationVerifier({:?}, {})", self.keys, self.provider.name())
    }
}

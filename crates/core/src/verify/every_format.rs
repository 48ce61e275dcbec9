//! The paved road for every format.

use super::{
    Cause, CauseKind, CheckName, Checks, Expected, KeyBindingRule, Outcome, PolicyError,
    PresentationVerifier, Presented, Refusal, RefusalReason, TypeMetadataRule, VerifiedCredential,
    VerifiedCredentials, VerifyError, blame, judge_types, policy::Subject, refuse,
    status::StatusOf,
};
use crate::{
    credential::{CredentialType, Format},
    data_integrity::json_ld::Contexts,
    mdoc::{self, ExpectedDeviceAuth, ExpectedMdoc, MdocPresentationError},
    trust::IssuerError,
    w3c::{
        ExpectedPresentation,
        jwt_vc_json::{
            self, JwtVcError, JwtVpError, UnverifiedJwtVc, VerifiedJwtVc, VerifiedJwtVp,
        },
        ldp_vc::{self, LdpVcError, LdpVpError, UnverifiedLdpVc, VerifiedLdpVc, VerifiedLdpVp},
        vc_jose_cose::{self, UnverifiedVcJwt, VcJoseCoseError, VerifiedVp, VpError},
    },
};

/// What `VerifiableCredential` expands to.
const VERIFIABLE_CREDENTIAL: &str = "https://www.w3.org/2018/credentials#VerifiableCredential";

/// What ends a verification before a verdict: the check, the rule, and whether time may mend it.
struct Ending {
    check: CheckName,
    reason: RefusalReason,
    undetermined: bool,
}

impl PresentationVerifier {
    /// Verifies a presentation of any format, completely.
    ///
    /// What was asked for is the same for all: for an mdoc, nonce and audience are in the session
    /// transcript. An mdoc is always bound to its holder, whatever [`KeyBindingRule`] says; a W3C credential
    /// that came alone is refused unless the rule lets it.
    ///
    /// # Errors
    /// As [`PresentationVerifier::verify`].
    pub async fn verify_presented(
        &self,
        presented: Presented<'_>,
        expected: &Expected,
    ) -> Result<VerifiedCredentials, VerifyError> {
        // 1. everything that the format demands: form, issuer, signatures, holder, times
        let policy = self.policies.over(self.policy);
        let request = ExpectedPresentation {
            audience: &expected.asked.audience,
            nonce: &expected.asked.nonce,
            now: expected.now,
            window: policy.key_binding,
            validity: policy.validity,
        };
        let rule = self.policies.key_binding(expected.asked.key_binding);
        // OID4VP 1.0 §8.6: a cryptographic proof of holder binding, unless requested otherwise
        if presented.is_alone() && rule == KeyBindingRule::Required {
            let reason = RefusalReason::HolderBindingMissing;
            let checks = Checks::of(presented.format());
            let checks = checks.stop(CheckName::HolderKey, Outcome::Failed, reason.to_string());
            return Err(VerifyError::Refused(Refusal { reason, checks: Box::new(checks) }));
        }
        let opened = match presented {
            Presented::SdJwtVc(received) => {
                let verified = self.verify(received, expected).await?;
                let credentials = vec![VerifiedCredential::SdJwtVc(Box::new(verified.credential))];
                let (status_readings, checks) = (verified.status_readings, verified.checks);
                return Ok(VerifiedCredentials { credentials, status_readings, checks });
            }
            Presented::MsoMdoc { device_response, transcript } => {
                let expected = ExpectedMdoc {
                    doc_type: None,
                    device_auth: ExpectedDeviceAuth { transcript, reader_key: None },
                    validity: policy.validity,
                    now: expected.now,
                };
                let verified = mdoc::verify_presentation(device_response, &expected, &self.keys);
                one(verified.await, VerifiedCredential::MsoMdoc)
            }
            Presented::JwtVcJson(compact) => {
                let verified = jwt_vc_json::verify_presentation(compact, &request, &self.keys);
                let opened = verified.await.map(VerifiedJwtVp::into_credentials);
                all(opened, VerifiedCredential::JwtVcJson)
            }
            Presented::LdpVc(text) => {
                let (text, contexts) = (text.as_bytes(), Contexts::bundled());
                let verified = ldp_vc::verify_presentation(text, &request, &self.keys, contexts);
                let opened = verified.await.map(VerifiedLdpVp::into_credentials);
                all(opened, VerifiedCredential::LdpVc)
            }
            Presented::VpJwt(compact) => {
                let verified = vc_jose_cose::verify_presentation(compact, &request, &self.keys);
                let opened = verified.await.map(VerifiedVp::into_credentials);
                all(opened, VerifiedCredential::VcJoseCose)
            }
            Presented::JwtVcAlone(compact) => {
                one(self.jwt_vc_alone(compact, &request).await, VerifiedCredential::JwtVcJson)
            }
            Presented::LdpVcAlone(text) => {
                one(self.ldp_vc_alone(text, &request).await, VerifiedCredential::LdpVc)
            }
            Presented::VcJwtAlone(compact) => {
                one(self.vc_jwt_alone(compact, &request).await, VerifiedCredential::VcJoseCose)
            }
        };
        let (format, mut checks) = (presented.format(), self.checks_of(&presented));
        let credentials = match opened {
            Ok(credentials) => credentials,
            Err(ending) => return Err(end(checks, format, ending)),
        };
        // 2. what was asked for, and what this verifier demands beyond that
        for credential in &credentials {
            if let Err(ending) = self.judge(credential, expected) {
                return Err(end(checks, format, ending));
            }
        }
        checks.passed_before(CheckName::Status);
        // 3. not revoked; last, as no list is fetched for what is refused without it
        let mut status_readings = Vec::new();
        for credential in &credentials {
            let types = credential.specific_types();
            let references = match credential.statuses() {
                Ok(references) => references,
                Err(error) => {
                    let reason = RefusalReason::Status(error.into());
                    return Err(refuse(checks, CheckName::Status, reason));
                }
            };
            let question =
                StatusOf { references: &references, issuer: credential.issuer(), types: &types };
            let looked = self.look_at_status(&question, checks, expected.now).await?;
            checks = looked.0;
            status_readings.extend(looked.1);
        }
        Ok(VerifiedCredentials { credentials, status_readings, checks })
    }

    /// The checks of a format that is no SD-JWT VC, with those that it does not have.
    fn checks_of(&self, presented: &Presented<'_>) -> Checks {
        let format = presented.format();
        let mut checks = Checks::of(format);
        self.policies.announce(&mut checks);
        // a hash of disclosures and the metadata of a vct are SD-JWT VC's alone
        checks.set(CheckName::Integrity, Outcome::NotApplicable);
        checks.set(CheckName::TypeMetadata, Outcome::NotApplicable);
        let inner: &[CheckName] = match format {
            // ISO/IEC 18013-5 §9.1.3: all three are what the device's signature is over
            Format::MsoMdoc => &[CheckName::Nonce, CheckName::Audience, CheckName::Freshness],
            _ => &[CheckName::Disclosures],
        };
        inner.iter().for_each(|name| checks.set(*name, Outcome::NotApplicable));
        if presented.is_alone() {
            let binding = CheckName::ALL.into_iter().filter(|name| name.is_key_binding());
            binding.for_each(|name| checks.set(name, Outcome::NotApplicable));
        }
        checks
    }

    /// A credential of VCDM 1.1 without a presentation around it: everything but who presents it.
    async fn jwt_vc_alone(
        &self,
        compact: &str,
        expected: &ExpectedPresentation<'_>,
    ) -> Result<VerifiedJwtVc, JwtVpError> {
        let credential = UnverifiedJwtVc::parse(compact)?;
        let key = self.keys.find(&credential.claimed_issuer(), expected.now).await?;
        let credential = credential.verify(key, &*self.provider)?;
        let valid = credential.judge_validity(&expected.validity, expected.now);
        valid.map_err(JwtVcError::from)?;
        Ok(credential)
    }

    /// A credential of VCDM 2.0 in a JWT without a presentation around it: everything but who presents it.
    async fn vc_jwt_alone(
        &self,
        compact: &str,
        expected: &ExpectedPresentation<'_>,
    ) -> Result<vc_jose_cose::VerifiedVc, VpError> {
        let credential = UnverifiedVcJwt::parse(compact)?;
        let key = self.keys.find(&credential.claimed_issuer(), expected.now).await?;
        let credential = credential.verify(key, &*self.provider)?;
        let valid = credential.judge_validity(&expected.validity, expected.now);
        valid.map_err(VcJoseCoseError::from)?;
        Ok(credential)
    }

    /// A credential with proofs without a presentation around it: everything but who presents it.
    async fn ldp_vc_alone(
        &self,
        text: &str,
        expected: &ExpectedPresentation<'_>,
    ) -> Result<VerifiedLdpVc, LdpVpError> {
        let credential = UnverifiedLdpVc::parse(text.as_bytes())?;
        let contexts = Contexts::bundled();
        let credential = credential.verify(&self.keys, contexts, expected.now).await?;
        let valid = credential.judge_validity(&expected.validity, expected.now);
        valid.map_err(LdpVcError::from)?;
        Ok(credential)
    }

    fn judge(&self, credential: &VerifiedCredential, expected: &Expected) -> Result<(), Ending> {
        // OID4VP 1.0 App. B.1, B.2: one of the types that were asked for
        let mut own = credential.types();
        let expanded: Vec<_> =
            credential.expanded_types().into_iter().map(CredentialType::w3c).collect();
        // the type that every credential has needs nobody's trust
        own.extend(expanded.iter().filter(|kind| kind.name() == VERIFIABLE_CREDENTIAL).cloned());
        let is_also = |kind: &CredentialType| expanded.contains(kind);
        judge_types(&expected.asked.types, &own, is_also, &credential.trusted_for())
            .map_err(|(check, reason)| Ending { check, reason, undetermined: false })?;
        let subject = Subject {
            issuer: credential.issuer(),
            types: &credential.specific_types(),
            validity: &credential.validity(),
            claims: credential.claims().as_value(),
        };
        self.policies
            .judge(&subject, expected.now)
            .map_err(|error| Ending::refused(error.check(), error))?;
        // what a policy demands and the format does not have is not there
        if self.policies.type_metadata() == TypeMetadataRule::Required {
            let error = PolicyError::NoTypeMetadata;
            return Err(Ending::refused(error.check(), error));
        }
        Ok(())
    }
}

/// The credentials of a presentation that its format takes, whatever the format.
fn all<C, E>(
    opened: Result<Vec<C>, E>,
    of_format: impl Fn(C) -> VerifiedCredential,
) -> Result<Vec<VerifiedCredential>, Ending>
where
    Ending: From<E>,
{
    Ok(opened?.into_iter().map(of_format).collect())
}

/// The one credential of a presentation that has one, or that comes alone.
fn one<C, E>(
    opened: Result<C, E>,
    of_format: impl Fn(C) -> VerifiedCredential,
) -> Result<Vec<VerifiedCredential>, Ending>
where
    Ending: From<E>,
{
    Ok(vec![of_format(opened?)])
}

fn end(mut checks: Checks, format: Format, ending: Ending) -> VerifyError {
    let Ending { check, reason, undetermined } = ending;
    // policies come after everything that a format demands, in whatever order that was
    let outside_in = !matches!(format, Format::SdJwtVc | Format::MsoMdoc) && !check.is_by_policy();
    let outcome = if undetermined { Outcome::Undetermined } else { Outcome::Failed };
    let detail = reason.to_string();
    let checks = Box::new(if outside_in {
        checks.passed_outside_in(check);
        checks.stop(check, outcome, detail)
    } else {
        checks.end(check, outcome, detail)
    });
    if undetermined {
        VerifyError::Undetermined(Cause { kind: cause(reason), checks })
    } else {
        VerifyError::Refused(Refusal { reason, checks })
    }
}

/// What stands in the way, for a reason that time may mend.
fn cause(reason: RefusalReason) -> CauseKind {
    match reason {
        RefusalReason::Issuer(error) => error.into(),
        _ => CauseKind::HolderKeyUnreachable,
    }
}

impl Ending {
    fn refused(check: CheckName, reason: impl Into<RefusalReason>) -> Self {
        Self { check, reason: reason.into(), undetermined: false }
    }

    fn by_issuer(error: IssuerError) -> Self {
        let undetermined = error.is_undetermined();
        Self { check: CheckName::IssuerTrusted, reason: error.into(), undetermined }
    }
}

impl From<MdocPresentationError> for Ending {
    fn from(error: MdocPresentationError) -> Self {
        let check = error.check();
        match error {
            MdocPresentationError::Issuer(error) => Self::by_issuer(error),
            MdocPresentationError::Mdoc(error) => Self::refused(check, error),
            MdocPresentationError::WrongType => Self::refused(check, RefusalReason::WrongType),
        }
    }
}

impl From<JwtVpError> for Ending {
    fn from(error: JwtVpError) -> Self {
        match error {
            JwtVpError::Issuer(error) => Self::by_issuer(error),
            error => Self {
                check: blame::jwt_vp(&error),
                undetermined: error.is_undetermined(),
                reason: error.into(),
            },
        }
    }
}

impl From<LdpVpError> for Ending {
    fn from(error: LdpVpError) -> Self {
        match error {
            LdpVpError::Credential(LdpVcError::Issuer(error)) => Self::by_issuer(error),
            error => Self {
                check: blame::ldp_vp(&error),
                undetermined: error.is_undetermined(),
                reason: error.into(),
            },
        }
    }
}

impl From<vc_jose_cose::VpError> for Ending {
    fn from(error: vc_jose_cose::VpError) -> Self {
        match error {
            vc_jose_cose::VpError::Issuer(error) => Self::by_issuer(error),
            error => Self {
                check: blame::vp(&error),
                undetermined: error.is_undetermined(),
                reason: error.into(),
            },
        }
    }
}

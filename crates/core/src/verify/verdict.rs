//! What a verification ends with: three states, and every check.

use std::fmt;

use thiserror::Error;

use super::{CheckName, Checks, PolicyError};
use crate::{
    claims::{ClaimsPath, DisclosedClaims},
    credential::Validity,
    mdoc::MdocError,
    sd_jwt::{KeyBindingError, SdJwtError, VerifiedKeyBinding},
    sd_jwt_vc::{
        SdJwtVcError, Vct, VerifiedSdJwtVc,
        type_metadata::{EffectiveTypeMetadata, TypeMetadataError, TypeRuleError},
    },
    status::{StatusError, StatusReading, StatusReference},
    trust::{IssuerError, IssuerIdentity, x509::ChainError},
    w3c::{jwt_vc_json::JwtVpError, ldp_vc::LdpVpError, vc_jose_cose::VpError},
};

/// A presentation that answers its request in every respect.
pub struct VerifiedPresentation {
    pub(super) credential: VerifiedSdJwtVc,
    pub(super) type_metadata: Option<EffectiveTypeMetadata>,
    pub(super) status_readings: Vec<StatusReading>,
    pub(super) checks: Checks,
}

impl VerifiedPresentation {
    /// What the credential says, as far as the holder disclosed it.
    pub const fn claims(&self) -> &DisclosedClaims {
        self.credential.claims()
    }

    /// Which claims the holder chose to disclose; all others were visible to everybody.
    pub fn disclosed(&self) -> &[ClaimsPath] {
        self.credential.disclosed()
    }

    /// The type of the credential.
    pub const fn vct(&self) -> &Vct {
        self.credential.vct()
    }

    /// Whether it is of this type, by `vct` or by `aka_vcts`.
    pub fn is_of_type(&self, vct: &Vct) -> bool {
        self.credential.is_of_type(vct)
    }

    /// Who issued the credential.
    pub const fn issuer(&self) -> &IssuerIdentity {
        self.credential.issuer()
    }

    /// The key binding, when it was required.
    pub const fn key_binding(&self) -> Option<&VerifiedKeyBinding> {
        self.credential.key_binding()
    }

    /// The metadata of its type, when a policy asked for it and it could be had.
    pub const fn type_metadata(&self) -> Option<&EffectiveTypeMetadata> {
        self.type_metadata.as_ref()
    }

    /// The times in the credential.
    pub const fn validity(&self) -> &Validity {
        self.credential.validity()
    }

    /// Where the credential's status is kept, if it has one.
    pub const fn status(&self) -> Option<&StatusReference> {
        self.credential.status()
    }

    /// What was read about its status; nothing where it has none or nobody looked.
    pub fn status_readings(&self) -> &[StatusReading] {
        &self.status_readings
    }

    /// Every check and how it came out.
    pub const fn checks(&self) -> &Checks {
        &self.checks
    }
}

impl fmt::Debug for VerifiedPresentation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "VerifiedPresentation({:?})", self.credential)
    }
}

/// Why there is no verified presentation.
#[derive(Clone, Debug, Error)]
pub enum VerifyError {
    /// The presentation breaks a rule; that is final.
    #[error("refused: {0}")]
    Refused(Refusal),
    /// Nobody can tell now; asking again later may help.
    #[error("undetermined: {0}")]
    Undetermined(Cause),
}

impl VerifyError {
    /// The stable reason code, for operators.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.code(),
            Self::Undetermined(cause) => cause.code(),
        }
    }

    /// The error that the Bitstring Status List specification names (§3.5), where it is about a status.
    pub const fn status_problem(&self) -> Option<&'static str> {
        match self {
            Self::Refused(refusal) => match &refusal.reason {
                RefusalReason::Status(error) => Some(error.problem()),
                RefusalReason::Revoked
                | RefusalReason::Suspended
                | RefusalReason::StatusNotValid => Some("STATUS_VERIFICATION_ERROR"),
                _ => None,
            },
            Self::Undetermined(cause) => match &cause.kind {
                CauseKind::StatusUndetermined(error) => Some(error.problem()),
                CauseKind::StatusUnknown => Some("STATUS_RETRIEVAL_ERROR"),
                _ => None,
            },
        }
    }

    /// Every check and how it came out.
    pub const fn checks(&self) -> &Checks {
        match self {
            Self::Refused(refusal) => refusal.checks(),
            Self::Undetermined(cause) => cause.checks(),
        }
    }
}

/// A refusal: the rule that was broken, and every check.
#[derive(Clone, Debug)]
pub struct Refusal {
    pub(super) reason: RefusalReason,
    pub(super) checks: Box<Checks>,
}

/// The rule that was broken.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum RefusalReason {
    /// One about the issuer.
    #[error(transparent)]
    Issuer(#[from] IssuerError),
    /// One about the credential or its presentation.
    #[error(transparent)]
    Credential(#[from] SdJwtVcError),
    /// One about an mdoc or its presentation.
    #[error(transparent)]
    Mdoc(#[from] MdocError),
    /// One about a presentation of VCDM 1.1, or a credential in it.
    #[error(transparent)]
    JwtVp(#[from] JwtVpError),
    /// One about a presentation with Data Integrity proofs, or a credential in it.
    #[error(transparent)]
    LdpVp(#[from] LdpVpError),
    /// One about a presentation of VCDM 2.0 in an envelope, or a credential in it.
    #[error(transparent)]
    Vp(#[from] VpError),
    /// One that a policy of the verifier sets.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// One about the metadata of its type.
    #[error(transparent)]
    TypeMetadata(#[from] TypeMetadataError),
    /// One that its type sets.
    #[error(transparent)]
    TypeRule(#[from] TypeRuleError),
    /// It is not of a type that was asked for.
    #[error("the credential is of another type than was asked for")]
    WrongType,
    /// A W3C credential came alone although its holder has to prove that it is theirs.
    #[error("a proof of the holder is required")]
    HolderBindingMissing,
    /// It was revoked by its issuer, for good.
    #[error("the credential was revoked")]
    Revoked,
    /// It was suspended by its issuer, for the time being.
    #[error("the credential is suspended")]
    Suspended,
    /// Its status has a value that stands for something else than valid.
    #[error("the credential's status is not valid")]
    StatusNotValid,
    /// It refers to a status that its list does not have.
    #[error(transparent)]
    Status(StatusError),
}

impl Refusal {
    /// The stable reason code, in snake case: for operators, logs and metrics.
    pub const fn code(&self) -> &'static str {
        match &self.reason {
            RefusalReason::Issuer(error) => error.code(),
            RefusalReason::Credential(error) => error.code(),
            RefusalReason::Mdoc(error) => error.code(),
            RefusalReason::JwtVp(error) => error.code(),
            RefusalReason::LdpVp(error) => error.code(),
            RefusalReason::Vp(error) => error.code(),
            RefusalReason::Policy(error) => error.code(),
            RefusalReason::TypeMetadata(error) => error.code(),
            RefusalReason::TypeRule(error) => error.code(),
            RefusalReason::WrongType => "credential_wrong_type",
            RefusalReason::HolderBindingMissing => "holder_binding_missing",
            RefusalReason::Revoked => "credential_revoked",
            RefusalReason::Suspended => "credential_suspended",
            RefusalReason::StatusNotValid => "credential_status_not_valid",
            RefusalReason::Status(error) => error.code(),
        }
    }

    /// The rule that was broken.
    pub const fn reason(&self) -> &RefusalReason {
        &self.reason
    }

    /// Every check and how it came out.
    pub const fn checks(&self) -> &Checks {
        &self.checks
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.fmt(out)
    }
}

/// What stands in the way of a verdict, and every check.
#[derive(Clone, Debug)]
pub struct Cause {
    pub(super) kind: CauseKind,
    pub(super) checks: Box<Checks>,
}

/// What stands in the way of a verdict.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum CauseKind {
    /// The issuer's key cannot be reached.
    #[error("the issuer's key cannot be reached: {0}")]
    IssuerKeyUnreachable(IssuerError),
    /// The issuer's certificate may have been revoked.
    #[error("{0}")]
    IssuerCertificateUnknown(ChainError),
    /// The key of whoever presented it cannot be reached.
    #[error("the holder's key cannot be reached")]
    HolderKeyUnreachable,
    /// The metadata of the credential's type is demanded and cannot be reached.
    #[error("the metadata of the credential's type cannot be reached")]
    TypeMetadataUnreachable,
    /// The credential has a status, and nobody looked at it.
    #[error("the credential's status is unknown")]
    StatusUnknown,
    /// The credential has a status, and nobody can tell which.
    #[error("the credential's status cannot be told: {0}")]
    StatusUndetermined(StatusError),
    /// The list that says how the credential is is older than a policy allows.
    #[error("the list with the credential's status is older than is allowed here")]
    StatusListTooOld,
}

impl From<IssuerError> for CauseKind {
    fn from(error: IssuerError) -> Self {
        match error {
            IssuerError::Chain(error) => Self::IssuerCertificateUnknown(error),
            error => Self::IssuerKeyUnreachable(error),
        }
    }
}

impl Cause {
    /// The stable reason code, in snake case: for operators, logs and metrics.
    pub const fn code(&self) -> &'static str {
        match &self.kind {
            CauseKind::IssuerKeyUnreachable(_) => "issuer_key_unreachable",
            CauseKind::IssuerCertificateUnknown(_) => "issuer_certificate_status_unknown",
            CauseKind::HolderKeyUnreachable => "holder_key_unreachable",
            CauseKind::TypeMetadataUnreachable => "type_metadata_unreachable",
            CauseKind::StatusUnknown => "status_unknown",
            CauseKind::StatusUndetermined(error) => error.code(),
            CauseKind::StatusListTooOld => "policy_status_list_too_old",
        }
    }

    /// What stands in the way.
    pub const fn kind(&self) -> &CauseKind {
        &self.kind
    }

    /// Every check and how it came out.
    pub const fn checks(&self) -> &Checks {
        &self.checks
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(out)
    }
}

impl CheckName {
    /// The check that an error of [`UnverifiedSdJwtVc::verify`](crate::sd_jwt_vc::UnverifiedSdJwtVc)
    /// belongs to.
    pub(super) const fn of(error: &SdJwtVcError) -> Self {
        match error {
            SdJwtVcError::SdJwt(SdJwtError::IssuerJwt(_)) => Self::IssuerSignature,
            SdJwtVcError::SdJwt(SdJwtError::KeyBinding(error)) => Self::of_key_binding(error),
            SdJwtVcError::SdJwt(_) => Self::Disclosures,
            SdJwtVcError::Vct
            | SdJwtVcError::FurtherTypes
            | SdJwtVcError::Iss
            | SdJwtVcError::NeverSelective(_)
            | SdJwtVcError::Status => Self::Openness,
            SdJwtVcError::Validity(_) => Self::Validity,
        }
    }

    const fn of_key_binding(error: &KeyBindingError) -> Self {
        match error {
            KeyBindingError::Missing
            | KeyBindingError::NoConfirmation
            | KeyBindingError::ConfirmationMethod
            | KeyBindingError::ConfirmationKey(_) => Self::HolderKey,
            KeyBindingError::Jwt(_) => Self::HolderSignature,
            KeyBindingError::Nonce => Self::Nonce,
            KeyBindingError::Audience => Self::Audience,
            KeyBindingError::SdHash => Self::Integrity,
            KeyBindingError::IssuedAt
            | KeyBindingError::TooOld
            | KeyBindingError::FromTheFuture => Self::Freshness,
        }
    }

    pub(super) const fn is_key_binding(self) -> bool {
        matches!(
            self,
            Self::HolderKey
                | Self::HolderSignature
                | Self::Nonce
                | Self::Audience
                | Self::Integrity
                | Self::Freshness
        )
    }
}

//! Why what VC-JOSE-COSE secures is refused: one variant per rule.

use thiserror::Error;

use super::super::{CredentialError, EnvelopeError, HolderError, PresentationError};
use crate::{
    cose::CoseError, credential::ValidityError, jose::JwsError, sd_jwt::SdJwtError,
    trust::IssuerError,
};

/// Why a credential in a JWT, an SD-JWT or a COSE_Sign1 is refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum VcJoseCoseError {
    /// The JWT breaks a rule of its slot, or its signature does not verify.
    #[error("the credential's JWT is refused: {0}")]
    Jwt(#[from] JwsError),
    /// The SD-JWT breaks a rule.
    #[error(transparent)]
    SdJwt(#[from] SdJwtError),
    /// The COSE_Sign1 breaks a rule, or its signature does not verify.
    #[error("the credential's COSE_Sign1 is refused: {0}")]
    Cose(#[from] CoseError),
    /// The `typ` of the COSE_Sign1 is not that of a credential.
    #[error("typ is not that of a credential")]
    CoseType,
    /// The CWT claims of the COSE_Sign1 are malformed.
    #[error("the CWT claims in the header are malformed")]
    CwtClaims,
    /// `cty`, or COSE's `content type`, says that the payload is something else.
    #[error("cty is not that of a credential")]
    ContentType,
    /// There is a `vc` or `vp` claim, as in the mapping of VCDM 1.1.
    #[error("the claim {0} must not be there")]
    ForbiddenClaim(&'static str),
    /// The payload is no credential of VCDM 2.0.
    #[error(transparent)]
    Credential(#[from] CredentialError),
    /// `iss` is another than the credential's issuer.
    #[error("iss is not the credential's issuer")]
    Iss,
    /// `sub` is another than the credential's subject.
    #[error("sub is not the credential's subject")]
    Sub,
    /// `jti` is another than the credential's id.
    #[error("jti is not the credential's id")]
    Jti,
    /// A claim that a holder would gain by withholding came by a disclosure.
    #[error("the claim {0} must not be selectively disclosable")]
    NeverSelective(&'static str),
    /// The claim `status` is malformed.
    #[error("the claim status is malformed")]
    Status,
    /// To whom it is bound cannot be read.
    #[error(transparent)]
    Holder(HolderError),
    /// The key that was found belongs to another issuer than the credential names.
    #[error("the key is not that of the credential's issuer")]
    IssuerKey,
    /// The credential or its signature is not valid now, or a time is malformed.
    #[error(transparent)]
    Validity(#[from] ValidityError),
}

impl VcJoseCoseError {
    /// The stable reason code, for operators.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Jwt(error) => jwt_code(error),
            Self::SdJwt(error) => error.code(),
            Self::Cose(CoseError::Signature(_)) => "issuer_signature_invalid",
            Self::Cose(error) => error.code(),
            Self::CoseType => "issuer_cose_wrong_typ",
            Self::CwtClaims => "issuer_cose_claims",
            Self::ContentType => "issuer_jwt_content_type",
            Self::ForbiddenClaim(_) => "issuer_jwt_forbidden_claim",
            Self::Credential(error) => error.code(),
            Self::Iss => "issuer_mismatch",
            Self::Sub => "subject_mismatch",
            Self::Jti => "credential_id_mismatch",
            Self::NeverSelective(_) => "claim_must_not_be_selective",
            Self::Status => "credential_status_malformed",
            Self::Holder(error) => error.code(),
            Self::IssuerKey => "issuer_key_of_another",
            Self::Validity(error) => error.code(),
        }
    }
}

/// The reason codes of the JWT that an issuer signed.
pub(in super::super) const fn jwt_code(error: &JwsError) -> &'static str {
    match error {
        JwsError::Malformed => "issuer_jwt_malformed",
        JwsError::TooLong => "issuer_jwt_too_long",
        JwsError::Header(_) => "issuer_jwt_header",
        JwsError::WrongType(_) => "issuer_jwt_wrong_typ",
        JwsError::AlgorithmNotAllowed(_) => "issuer_jwt_algorithm",
        JwsError::HeaderKeyNotAllowed(_) => "issuer_jwt_header_key",
        JwsError::Signature(_) => "issuer_signature_invalid",
        JwsError::Payload(_) => "issuer_jwt_payload",
    }
}

/// The reason codes of the JWT that a holder signed.
pub(in super::super) const fn presentation_jwt_code(error: &JwsError) -> &'static str {
    match error {
        JwsError::Malformed => "presentation_jwt_malformed",
        JwsError::TooLong => "presentation_jwt_too_long",
        JwsError::Header(_) => "presentation_jwt_header",
        JwsError::WrongType(_) => "presentation_jwt_wrong_typ",
        JwsError::AlgorithmNotAllowed(_) => "presentation_jwt_algorithm",
        JwsError::HeaderKeyNotAllowed(_) => "presentation_jwt_header_key",
        JwsError::Signature(_) => "presentation_signature_invalid",
        JwsError::Payload(_) => "presentation_jwt_payload",
    }
}

/// Why a presentation in a JWT or a COSE_Sign1 is refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum VpError {
    /// The JWT breaks a rule of its slot, or its signature is not the holder's.
    #[error("the presentation's JWT is refused: {0}")]
    Jwt(#[from] JwsError),
    /// The COSE_Sign1 breaks a rule, or its signature is not the holder's.
    #[error("the presentation's COSE_Sign1 is refused: {0}")]
    Cose(#[from] CoseError),
    /// The `typ` of the COSE_Sign1 is not that of a presentation.
    #[error("typ is not that of a presentation")]
    CoseType,
    /// The CWT claims of the COSE_Sign1 are malformed.
    #[error("the CWT claims in the header are malformed")]
    CwtClaims,
    /// `cty`, or COSE's `content type`, says that the payload is something else.
    #[error("cty is not that of a presentation")]
    ContentType,
    /// There is a `vc` or `vp` claim, as in the mapping of VCDM 1.1.
    #[error("the claim {0} must not be there")]
    ForbiddenClaim(&'static str),
    /// The payload is no presentation of VCDM 2.0.
    #[error(transparent)]
    Presentation(#[from] PresentationError),
    /// There is no credential in it.
    #[error("the presentation has no credential in it")]
    Empty,
    /// A credential in it is in no envelope.
    #[error("a credential in the presentation is in no envelope")]
    NotEnveloped,
    /// An envelope cannot be opened.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// A credential in it breaks a rule.
    #[error(transparent)]
    Credential(#[from] VcJoseCoseError),
    /// The issuer of a credential is not believed.
    #[error(transparent)]
    Issuer(#[from] IssuerError),
    /// It is not by the holder of the credentials, or not for this request.
    #[error(transparent)]
    Holder(#[from] HolderError),
}

impl VpError {
    /// The stable reason code, for operators.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Jwt(error) => presentation_jwt_code(error),
            Self::Cose(CoseError::Signature(_)) => "presentation_signature_invalid",
            Self::Cose(error) => error.code(),
            Self::CoseType => "presentation_cose_wrong_typ",
            Self::CwtClaims => "presentation_cose_claims",
            Self::ContentType => "presentation_jwt_content_type",
            Self::ForbiddenClaim(_) => "presentation_jwt_forbidden_claim",
            Self::Presentation(error) => error.code(),
            Self::Empty => "presentation_empty",
            Self::NotEnveloped => "presentation_credential_not_enveloped",
            Self::Envelope(error) => error.code(),
            Self::Credential(error) => error.code(),
            Self::Issuer(error) => error.code(),
            Self::Holder(error) => error.code(),
        }
    }

    /// Whether it may turn out to be good once a key can be reached.
    pub const fn is_undetermined(&self) -> bool {
        match self {
            Self::Issuer(error) => error.is_undetermined(),
            Self::Holder(error) => error.is_undetermined(),
            _ => false,
        }
    }
}

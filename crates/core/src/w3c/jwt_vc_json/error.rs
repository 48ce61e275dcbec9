//! Why a credential or a presentation in a JWT is refused: one variant per rule.

use thiserror::Error;

use super::super::{
    CredentialV1Error, HolderError,
    vc_jose_cose::{jwt_code, presentation_jwt_code},
};
use crate::{credential::ValidityError, jose::JwsError, trust::IssuerError};

/// Why a credential is refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum JwtVcError {
    /// The JWT breaks a rule of its slot, or its signature does not verify.
    #[error("the credential's JWT is refused: {0}")]
    Jwt(#[from] JwsError),
    /// There is no `vc` claim, or it is not an object.
    #[error("the claim vc is missing or not an object")]
    VcMissing,
    /// There is a `vp` claim as well.
    #[error("a credential has no claim vp")]
    VpPresent,
    /// `iss` is missing or not text.
    #[error("iss is missing or not text")]
    IssMissing,
    /// `iss` is another than the credential's issuer.
    #[error("iss is not the credential's issuer")]
    Iss,
    /// `sub` is another than the credential's only subject.
    #[error("sub is not the credential's subject")]
    Sub,
    /// `jti` is another than the credential's id.
    #[error("jti is not the credential's id")]
    Jti,
    /// `nbf` is another moment than `issuanceDate`.
    #[error("nbf is not the issuanceDate")]
    Nbf,
    /// `exp` is another moment than `expirationDate`.
    #[error("exp is not the expirationDate")]
    Exp,
    /// What is in `vc`, with the claims in their places, is no credential of VCDM 1.1.
    #[error(transparent)]
    Credential(#[from] CredentialV1Error),
    /// The claim `status` is malformed.
    #[error("the claim status is malformed")]
    Status,
    /// To whom it is bound cannot be read.
    #[error(transparent)]
    Holder(HolderError),
    /// The key that was found belongs to another issuer than the credential names.
    #[error("the key is not that of the credential's issuer")]
    IssuerKey,
    /// The credential is not valid now, or a time is malformed.
    #[error(transparent)]
    Validity(#[from] ValidityError),
}

impl JwtVcError {
    /// The stable reason code, for operators.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Jwt(error) => jwt_code(error),
            Self::VcMissing => "issuer_jwt_vc_missing",
            Self::VpPresent => "issuer_jwt_forbidden_claim",
            Self::IssMissing => "issuer_missing",
            Self::Iss => "issuer_mismatch",
            Self::Sub => "subject_mismatch",
            Self::Jti => "credential_id_mismatch",
            Self::Nbf => "issuance_date_mismatch",
            Self::Exp => "expiration_date_mismatch",
            Self::Status => "credential_status_malformed",
            Self::Credential(error) => error.code(),
            Self::Holder(error) => error.code(),
            Self::IssuerKey => "issuer_key_of_another",
            Self::Validity(error) => error.code(),
        }
    }
}

/// Why a presentation is refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum JwtVpError {
    /// The JWT breaks a rule of its slot, or its signature is not the holder's.
    #[error("the presentation's JWT is refused: {0}")]
    Jwt(#[from] JwsError),
    /// There is no `vp` claim, or it is not an object: a credential is no presentation.
    #[error("the claim vp is missing or not an object")]
    VpMissing,
    /// There is a `vc` claim as well.
    #[error("a presentation has no claim vc")]
    VcPresent,
    /// The `@context` of `vp` is not that of VCDM 1.1.
    #[error("the presentation's @context is not that of the data model")]
    Context,
    /// The `type` of `vp` is not that of a presentation.
    #[error("the presentation's type does not say that it is one")]
    Type,
    /// `holder` is neither a URL nor an object with a URL for its `id`.
    #[error("the presentation's holder is not a URL")]
    HolderMalformed,
    /// `jti` is another than the presentation's id.
    #[error("jti is not the presentation's id")]
    Jti,
    /// There is no credential in it.
    #[error("the presentation has no credential in it")]
    Empty,
    /// There are more credentials than anybody asks for.
    #[error("there are too many credentials in the presentation")]
    TooManyCredentials,
    /// A credential in it is no JWT.
    #[error("a credential in the presentation is no JWT")]
    CredentialNotAJwt,
    /// A credential in it breaks a rule.
    #[error(transparent)]
    Credential(#[from] JwtVcError),
    /// The issuer of a credential is not believed.
    #[error(transparent)]
    Issuer(#[from] IssuerError),
    /// It is not by the holder of the credentials, or not for this request.
    #[error(transparent)]
    Holder(#[from] HolderError),
}

impl JwtVpError {
    /// The stable reason code, for operators.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Jwt(error) => presentation_jwt_code(error),
            Self::VpMissing => "presentation_jwt_vp_missing",
            Self::VcPresent => "presentation_jwt_forbidden_claim",
            Self::Context => "vp_context_base",
            Self::Type => "vp_type_kind",
            Self::HolderMalformed => "vp_holder_malformed",
            Self::Jti => "presentation_id_mismatch",
            Self::Empty => "presentation_empty",
            Self::TooManyCredentials => "vp_too_many_credentials",
            Self::CredentialNotAJwt => "presentation_credential_other_mechanism",
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

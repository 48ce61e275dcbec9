//! Why what a Data Integrity proof secures is refused: one variant per rule.

use thiserror::Error;

use super::super::{CredentialError, HolderError, PresentationError};
use crate::{
    credential::ValidityError, data_integrity::DataIntegrityError, json::JsonError,
    trust::IssuerError,
};

/// Why a credential with a proof is refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum LdpVcError {
    /// It is not strict JSON, or not an object.
    #[error("the credential cannot be read: {0}")]
    Unreadable(#[from] JsonError),
    /// The document is no credential of VCDM 2.0.
    #[error(transparent)]
    Credential(#[from] CredentialError),
    /// A proof is missing, malformed, for something else, or does not verify.
    #[error("the credential's proof is refused: {0}")]
    Proof(#[from] DataIntegrityError),
    /// To whom it is bound cannot be read.
    #[error(transparent)]
    Holder(HolderError),
    /// No trusted issuer's key was found.
    #[error(transparent)]
    Issuer(#[from] IssuerError),
    /// The key that was found belongs to another issuer than the credential names.
    #[error("the key is not that of the credential's issuer")]
    IssuerKey,
    /// The credential is not valid now.
    #[error(transparent)]
    Validity(#[from] ValidityError),
}

impl LdpVcError {
    /// The stable reason code, for operators.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "vc_unreadable",
            Self::Credential(error) => error.code(),
            Self::Proof(error) => error.code(),
            Self::Holder(error) => error.code(),
            Self::Issuer(error) => error.code(),
            Self::IssuerKey => "issuer_key_of_another",
            Self::Validity(error) => error.code(),
        }
    }

    /// Whether the credential may turn out to be good once its issuer's key can be reached.
    pub const fn is_undetermined(&self) -> bool {
        match self {
            Self::Issuer(error) => error.is_undetermined(),
            Self::Proof(error) => error.is_undetermined(),
            _ => false,
        }
    }
}

/// Why a presentation with a proof is refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum LdpVpError {
    /// It is not strict JSON, or not an object.
    #[error("the presentation cannot be read: {0}")]
    Unreadable(#[from] JsonError),
    /// The document is no presentation of VCDM 2.0.
    #[error(transparent)]
    Presentation(#[from] PresentationError),
    /// The proof is missing, malformed, for something else, or not the holder's.
    #[error("the presentation's proof is refused: {0}")]
    Proof(#[from] DataIntegrityError),
    /// There is no credential in it.
    #[error("there is no credential in the presentation")]
    Empty,
    /// A credential in it is in an envelope, or not secured at all.
    #[error("a credential in the presentation has no proof of its own")]
    OtherMechanism,
    /// Who presents it cannot be told, or it is not theirs.
    #[error(transparent)]
    Holder(#[from] HolderError),
    /// The proof is by another than the presentation's holder.
    #[error("the proof is not by the holder of the presentation")]
    HolderMismatch,
    /// A credential in it is refused.
    #[error("a credential in the presentation is refused: {0}")]
    Credential(#[from] LdpVcError),
}

impl LdpVpError {
    /// The stable reason code, for operators.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "vp_unreadable",
            Self::Presentation(error) => error.code(),
            Self::Proof(error) => error.code(),
            Self::Empty => "vp_empty",
            Self::OtherMechanism => "vp_credential_not_with_proof",
            Self::Holder(error) => error.code(),
            Self::HolderMismatch => "holder_mismatch",
            Self::Credential(error) => error.code(),
        }
    }

    /// Whether the presentation may turn out to be good once a key can be reached.
    pub const fn is_undetermined(&self) -> bool {
        match self {
            Self::Holder(error) => error.is_undetermined(),
            Self::Credential(error) => error.is_undetermined(),
            Self::Proof(error) => error.is_undetermined(),
            _ => false,
        }
    }
}

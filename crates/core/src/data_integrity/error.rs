//! Why a proof proves nothing, or was not made.

use thiserror::Error;

use super::json_ld::JsonLdError;
use crate::{
    crypto::SignerError,
    did::ResolutionError,
    json::{CanonicalizeError, JsonError},
};

/// Why a secured document is refused, or a proof was not made.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum DataIntegrityError {
    /// Not a strict JSON object.
    #[error("the document cannot be read: {0}")]
    Json(#[from] JsonError),
    /// There is no proof, or an empty list of them.
    #[error("the document has no proof")]
    NoProof,
    /// More proofs than anybody needs.
    #[error("the document has too many proofs")]
    TooManyProofs,
    /// `type` is not `DataIntegrityProof`.
    #[error("the proof is not a DataIntegrityProof")]
    ProofType,
    /// The cryptosuite is none that is supported.
    #[error("the cryptosuite is not supported")]
    Cryptosuite,
    /// A member of the proof is missing or malformed.
    #[error("the proof's member {0} is missing or malformed")]
    ProofMember(&'static str),
    /// `proofValue` is not in base58btc, or far too long.
    #[error("proofValue is malformed")]
    ProofValue,
    /// The key is of another kind than the cryptosuite works with.
    #[error("the key does not fit the cryptosuite")]
    KeyMismatch,
    /// The document's context does not start with that of the proof.
    #[error("the document's context does not start with that of the proof")]
    Context,
    /// The document or the proof has no canonical JSON.
    #[error("there is no canonical form: {0}")]
    Canonicalize(#[from] CanonicalizeError),
    /// The document or the proof is refused as JSON-LD.
    #[error("refused as JSON-LD: {0}")]
    JsonLd(#[from] JsonLdError),
    /// The signature does not verify.
    #[error("the signature of the proof does not verify")]
    Signature,
    /// A base proof, which is for the holder alone, where a proof for verifiers is needed.
    #[error("a base proof is not for verifiers")]
    BaseProof,
    /// Nothing can be left out: the document has no base proof, or other proofs beside it.
    #[error("the document cannot be disclosed selectively")]
    NotSelective,
    /// A JSON pointer is malformed, or leads to nothing in the document.
    #[error("a JSON pointer leads to nothing in the document")]
    Pointer,
    /// The proof was made for another purpose than this one.
    #[error("the proof is not made for {0}")]
    Purpose(&'static str),
    /// `challenge` is not what the verifier gave.
    #[error("the challenge is not the one that was given")]
    Challenge,
    /// `domain` is not the verifier's.
    #[error("the domain is not the one that was asked for")]
    Domain,
    /// `expires` has passed.
    #[error("the proof has expired")]
    Expired,
    /// `created` has not come.
    #[error("the proof was created in the future")]
    CreatedInTheFuture,
    /// `previousProof` names a proof that is not there.
    #[error("a previous proof is missing")]
    PreviousProof,
    /// Two proofs have one `id`.
    #[error("two proofs have one id")]
    DuplicateProofId,
    /// `verificationMethod` is no DID URL that names a key.
    #[error("the verification method is not a DID URL that names a key")]
    VerificationMethod,
    /// The verification method led to no key.
    #[error("the verification method leads to no key: {0}")]
    Resolution(#[from] ResolutionError),
    /// The signer gave no signature.
    #[error("the proof was not signed: {0}")]
    Signer(#[from] SignerError),
}

impl DataIntegrityError {
    /// The stable reason code, for operators.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Json(_) => "document_not_json",
            Self::NoProof => "proof_missing",
            Self::TooManyProofs => "proof_too_many",
            Self::ProofType => "proof_type",
            Self::Cryptosuite => "proof_cryptosuite",
            Self::ProofMember(_) => "proof_malformed",
            Self::ProofValue => "proof_value_malformed",
            Self::KeyMismatch => "proof_key_mismatch",
            Self::Context => "proof_context",
            Self::Canonicalize(_) => "document_not_canonical",
            Self::JsonLd(error) => error.code(),
            Self::Signature => "proof_signature",
            Self::BaseProof => "proof_base",
            Self::NotSelective => "proof_not_selective",
            Self::Pointer => "proof_pointer",
            Self::Purpose(_) => "proof_purpose",
            Self::Challenge => "proof_challenge",
            Self::Domain => "proof_domain",
            Self::Expired => "proof_expired",
            Self::CreatedInTheFuture => "proof_created_in_the_future",
            Self::PreviousProof => "proof_previous_missing",
            Self::DuplicateProofId => "proof_duplicate_id",
            Self::VerificationMethod => "proof_verification_method",
            Self::Resolution(ResolutionError::Unreachable) => "proof_key_unreachable",
            Self::Resolution(_) => "proof_key_not_found",
            Self::Signer(_) => "proof_not_signed",
        }
    }

    /// Whether the proof may turn out to be good once its key can be reached.
    pub const fn is_undetermined(&self) -> bool {
        matches!(self, Self::Resolution(ResolutionError::Unreachable))
    }
}

//! Why an SD-JWT is refused: one variant per rule.

use thiserror::Error;

use super::KeyBindingError;
use crate::{jose::JwsError, json::JsonError};

/// Why an SD-JWT is refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum SdJwtError {
    /// Longer than [`MAX_LENGTH`](super::MAX_LENGTH).
    #[error("the SD-JWT is too long")]
    TooLong,
    /// There is no tilde: a plain JWT is not an SD-JWT.
    #[error("not an SD-JWT: there is no tilde")]
    NotAnSdJwt,
    /// What follows the last tilde is no JWT, so the tilde after the last disclosure is missing.
    #[error("the tilde after the last disclosure is missing")]
    FinalTildeMissing,
    /// Two tildes follow each other.
    #[error("a disclosure is empty")]
    EmptyDisclosure,
    /// More than [`MAX_DISCLOSURES`](super::MAX_DISCLOSURES).
    #[error("there are too many disclosures")]
    TooManyDisclosures,
    /// The issuer-signed JWT breaks a rule, or its signature does not verify.
    #[error("the issuer-signed JWT is refused: {0}")]
    IssuerJwt(#[from] JwsError),
    /// `_sd_alg` is not text, or names a hash that is unknown or too weak.
    #[error("_sd_alg names no hash algorithm that is supported")]
    HashAlgorithm,
    /// `_sd_alg` appears anywhere but at the top level.
    #[error("_sd_alg is not at the top level")]
    MisplacedHashAlgorithm,
    /// `_sd` is not an array.
    #[error("_sd is not an array")]
    DigestsNotAnArray,
    /// A digest is not text.
    #[error("a digest is not text")]
    DigestNotText,
    /// `...` has siblings, or is not in an array element.
    #[error("... is not the only member of an array element")]
    MisplacedEllipsis,
    /// A disclosure is not base64url without padding.
    #[error("a disclosure is not base64url")]
    DisclosureNotBase64Url,
    /// A disclosure is not strict JSON.
    #[error("a disclosure cannot be read: {0}")]
    DisclosureNotJson(JsonError),
    /// A disclosure is not an array of two or three elements.
    #[error("a disclosure is not an array of two or three elements")]
    DisclosureShape,
    /// The salt of a disclosure is not text.
    #[error("the salt of a disclosure is not text")]
    SaltNotText,
    /// The claim name of a disclosure is not text.
    #[error("the claim name of a disclosure is not text")]
    NameNotText,
    /// A digest in `_sd` leads to a disclosure without a claim name.
    #[error("a disclosure for an array element stands for an object member")]
    MemberWithoutName,
    /// A digest in an array leads to a disclosure with a claim name.
    #[error("a disclosure for an object member stands for an array element")]
    ElementWithName,
    /// A disclosure names its claim `_sd` or `...`.
    #[error("a disclosed claim has a reserved name")]
    ReservedClaimName,
    /// A disclosed claim is already there at its level.
    #[error("a disclosed claim is there already")]
    ClaimCollision,
    /// A digest appears more than once.
    #[error("a digest appears more than once")]
    RepeatedDigest,
    /// The same disclosure is attached twice.
    #[error("a disclosure is attached twice")]
    RepeatedDisclosure,
    /// No digest leads to a disclosure.
    #[error("a disclosure is not referenced by any digest")]
    DisclosureNotReferenced,
    /// Disclosures lie deeper inside one another than [`MAX_RECURSION`](super::MAX_RECURSION).
    #[error("disclosures are nested too deep")]
    RecursionTooDeep,
    /// The claims are nested deeper than a JSON document may be.
    #[error("claims are nested too deep")]
    NestedTooDeep,
    /// An issuer handed out an SD-JWT that has a key binding already.
    #[error("an SD-JWT from an issuer must not have a key binding")]
    KeyBindingFromIssuer,
    /// The key binding breaks a rule.
    #[error("the key binding is refused: {0}")]
    KeyBinding(#[from] KeyBindingError),
}

impl SdJwtError {
    /// The stable reason code, for operators.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLong => "sd_jwt_too_long",
            Self::NotAnSdJwt => "sd_jwt_no_tilde",
            Self::FinalTildeMissing => "sd_jwt_final_tilde_missing",
            Self::EmptyDisclosure => "sd_jwt_empty_disclosure",
            Self::TooManyDisclosures => "sd_jwt_too_many_disclosures",
            Self::IssuerJwt(error) => jws_code(error),
            Self::HashAlgorithm => "sd_jwt_hash_algorithm",
            Self::MisplacedHashAlgorithm => "sd_jwt_misplaced_hash_algorithm",
            Self::DigestsNotAnArray => "sd_jwt_digests_not_an_array",
            Self::DigestNotText => "sd_jwt_digest_not_text",
            Self::MisplacedEllipsis => "sd_jwt_misplaced_ellipsis",
            Self::DisclosureNotBase64Url => "disclosure_not_base64url",
            Self::DisclosureNotJson(_) => "disclosure_not_json",
            Self::DisclosureShape => "disclosure_shape",
            Self::SaltNotText => "disclosure_salt_not_text",
            Self::NameNotText => "disclosure_name_not_text",
            Self::MemberWithoutName => "disclosure_member_without_name",
            Self::ElementWithName => "disclosure_element_with_name",
            Self::ReservedClaimName => "disclosure_reserved_name",
            Self::ClaimCollision => "disclosure_claim_collision",
            Self::RepeatedDigest => "digest_repeated",
            Self::RepeatedDisclosure => "disclosure_repeated",
            Self::DisclosureNotReferenced => "disclosure_not_referenced",
            Self::RecursionTooDeep => "disclosure_recursion_too_deep",
            Self::NestedTooDeep => "claims_nested_too_deep",
            Self::KeyBindingFromIssuer => "key_binding_from_issuer",
            Self::KeyBinding(error) => error.code(),
        }
    }
}

/// The reason codes of the issuer-signed JWT.
const fn jws_code(error: &JwsError) -> &'static str {
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

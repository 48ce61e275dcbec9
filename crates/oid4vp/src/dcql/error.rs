//! Why a query is refused.

use thiserror::Error;

use crate::ErrorCode;

/// Why a query is no DCQL query.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum DcqlError {
    /// Not strict JSON.
    #[error("the query is not acceptable JSON")]
    NotJson,
    /// Something else where an object belongs.
    #[error("{0} has something else where an object belongs")]
    NotAnObject(&'static str),
    /// A required member is not there.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A member has the wrong JSON type.
    #[error("{0} has the wrong type")]
    WrongType(&'static str),
    /// An array that must hold something is empty.
    #[error("{0} is empty")]
    Empty(&'static str),
    /// More entries than any honest query has.
    #[error("{0} has too many entries")]
    TooMany(&'static str),
    /// An id with other characters than letters, digits, `_` and `-`, or too long.
    #[error("an id is not made of letters, digits, _ and -")]
    BadId,
    /// Two credential queries have one id.
    #[error("two credential queries have the same id")]
    DuplicateCredentialId,
    /// Two claims queries of one credential query have one id.
    #[error("two claims queries have the same id")]
    DuplicateClaimId,
    /// `claim_sets` without `claims`.
    #[error("claim_sets without claims")]
    ClaimSetsWithoutClaims,
    /// `claim_sets` with a claims query that cannot be named.
    #[error("a claims query has no id although there are claim_sets")]
    ClaimWithoutId,
    /// `claim_sets` names a claims query that is not there.
    #[error("claim_sets names a claim that is not in claims")]
    UnknownClaimId,
    /// `credential_sets` names a credential query that is not there.
    #[error("credential_sets names a credential that is not in credentials")]
    UnknownCredentialId,
    /// A path that is not made of strings, nulls and non-negative integers.
    #[error("a path is not a claims path pointer")]
    BadPath,
    /// A path into an mdoc that is not a namespace and an element identifier.
    #[error("a path into an mdoc is not a namespace and an element identifier")]
    MdocPath,
    /// A value that is no string, integer or boolean.
    #[error("values has something else than strings, integers and booleans")]
    BadValue,
    /// An `aki` value that is not base64url.
    #[error("an aki value is not base64url")]
    KeyIdentifierEncoding,
}

impl DcqlError {
    /// What the verifier is told.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        ErrorCode::InvalidRequest
    }
}

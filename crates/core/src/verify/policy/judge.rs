//! Holding a verified credential to the policies that are about what it says.

use jiff::Timestamp;
use serde_json::Value;
use thiserror::Error;

use super::{IssuerName, PolicyRule, PolicySet};
use crate::{
    claims::ClaimsPath,
    credential::{CredentialType, Validity},
    trust::IssuerIdentity,
    verify::{CheckName, Checks, Outcome},
};

/// What a policy looks at, whatever the format.
pub(in crate::verify) struct Subject<'s> {
    pub(in crate::verify) issuer: &'s IssuerIdentity,
    /// Those that say what it is; not the one that every W3C credential has.
    pub(in crate::verify) types: &'s [CredentialType],
    pub(in crate::verify) validity: &'s Validity,
    pub(in crate::verify) claims: &'s Value,
}

/// The policy that a presentation does not satisfy. It names paths of the policy, never a value.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum PolicyError {
    /// The issuer is trusted, but not one of those allowed here.
    #[error("the issuer is not one of those allowed here")]
    IssuerNotAllowed,
    /// The type was asked for, but it, or another type of the credential, is not one of those allowed here.
    #[error("the type is not one of those allowed here")]
    TypeNotAllowed,
    /// It was issued too long ago.
    #[error("the credential was issued too long ago")]
    TooOld,
    /// It does not say when it was issued.
    #[error("the credential does not say when it was issued")]
    AgeUnknown,
    /// A required claim was not disclosed.
    #[error("the claim {0} is required and was not disclosed")]
    ClaimMissing(ClaimsPath),
    /// A claim was not disclosed, or has another value than those demanded.
    #[error("the claim {0} was not disclosed, or has another value than those demanded")]
    ClaimValue(ClaimsPath),
    /// Type metadata is required, and credentials of this format have none.
    #[error("type metadata is required, and a credential of this format has none")]
    NoTypeMetadata,
}

impl PolicyError {
    /// The stable reason code, for operators.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::IssuerNotAllowed => "policy_issuer_not_allowed",
            Self::TypeNotAllowed => "policy_type_not_allowed",
            Self::TooOld => "policy_credential_too_old",
            Self::AgeUnknown => "policy_credential_age_unknown",
            Self::ClaimMissing(_) => "policy_claim_missing",
            Self::ClaimValue(_) => "policy_claim_value",
            Self::NoTypeMetadata => "policy_type_metadata_none",
        }
    }

    /// The check it belongs to.
    pub(in crate::verify) const fn check(&self) -> CheckName {
        match self {
            Self::IssuerNotAllowed => CheckName::AllowedIssuer,
            Self::TypeNotAllowed => CheckName::AllowedType,
            Self::TooOld | Self::AgeUnknown => CheckName::MaxAge,
            Self::ClaimMissing(_) => CheckName::RequiredClaims,
            Self::ClaimValue(_) => CheckName::ClaimValues,
            Self::NoTypeMetadata => CheckName::TypeMetadata,
        }
    }
}

impl PolicySet {
    /// Lists the checks that these policies ask for, and no others of their kind.
    pub(in crate::verify) fn announce(&self, checks: &mut Checks) {
        let by_policy = CheckName::ALL.into_iter().filter(|name| name.is_by_policy());
        by_policy.for_each(|name| checks.set(name, Outcome::NotApplicable));
        for name in self.rules().iter().filter_map(check) {
            checks.ask(name);
            checks.set(name, Outcome::NotReached);
        }
    }

    /// Holds a credential, of which everything else was verified, to the policies.
    pub(in crate::verify) fn judge(
        &self,
        subject: &Subject<'_>,
        now: Timestamp,
    ) -> Result<(), PolicyError> {
        // in the order of the checks, so that all before the first that fails have passed
        let mut errors: Vec<_> =
            self.rules().iter().filter_map(|rule| judge(rule, subject, now).err()).collect();
        errors.sort_by_key(PolicyError::check);
        errors.into_iter().next().map_or(Ok(()), Err)
    }
}

/// The check that a policy adds to those that are always made.
const fn check(rule: &PolicyRule) -> Option<CheckName> {
    match rule {
        PolicyRule::AllowedIssuer(_) => Some(CheckName::AllowedIssuer),
        PolicyRule::AllowedType(_) => Some(CheckName::AllowedType),
        PolicyRule::MaxAge(_) => Some(CheckName::MaxAge),
        PolicyRule::RequiredClaims(_) => Some(CheckName::RequiredClaims),
        PolicyRule::ClaimValue { .. } => Some(CheckName::ClaimValues),
        PolicyRule::TypeMetadata(_) => Some(CheckName::TypeMetadata),
        PolicyRule::StatusFreshness(_) => Some(CheckName::StatusFreshness),
        PolicyRule::Signature
        | PolicyRule::IssuerTrusted
        | PolicyRule::Validity(_)
        | PolicyRule::HolderBinding(_)
        | PolicyRule::Status(_) => None,
    }
}

fn judge(rule: &PolicyRule, subject: &Subject<'_>, now: Timestamp) -> Result<(), PolicyError> {
    match rule {
        PolicyRule::AllowedIssuer(allowed) => {
            let is_allowed = allowed.iter().any(|name| name.names(subject.issuer));
            is_allowed.then_some(()).ok_or(PolicyError::IssuerNotAllowed)
        }
        PolicyRule::AllowedType(allowed) => {
            // every type, as trust has it: an allowed badge must not be an identity, too
            let is_allowed = |kind: &CredentialType| allowed.iter().any(|name| name == kind.name());
            let types = subject.types;
            let all_are = !types.is_empty() && types.iter().all(is_allowed);
            all_are.then_some(()).ok_or(PolicyError::TypeNotAllowed)
        }
        PolicyRule::MaxAge(most) => {
            let issued_at = subject.validity.issued_at.ok_or(PolicyError::AgeUnknown)?;
            if now.duration_since(issued_at) > *most {
                return Err(PolicyError::TooOld);
            }
            Ok(())
        }
        PolicyRule::RequiredClaims(paths) => {
            let missing = paths.iter().find(|path| path.select(subject.claims).is_err());
            missing.map_or(Ok(()), |path| Err(PolicyError::ClaimMissing(path.clone())))
        }
        PolicyRule::ClaimValue { path, one_of } => {
            // a pointer that selects nothing is an error, so something was selected
            let fits = |selected: Vec<&Value>| selected.iter().all(|value| one_of.contains(value));
            let fits = path.select(subject.claims).is_ok_and(fits);
            fits.then_some(()).ok_or_else(|| PolicyError::ClaimValue(path.clone()))
        }
        // these are what the verification itself is made of
        PolicyRule::Signature
        | PolicyRule::IssuerTrusted
        | PolicyRule::Validity(_)
        | PolicyRule::HolderBinding(_)
        | PolicyRule::Status(_)
        | PolicyRule::StatusFreshness(_)
        | PolicyRule::TypeMetadata(_) => Ok(()),
    }
}

impl IssuerName {
    fn names(&self, issuer: &IssuerIdentity) -> bool {
        match (self, issuer) {
            (Self::Identifier(name), IssuerIdentity::Did(did)) => name == did.as_str(),
            (Self::Identifier(name), IssuerIdentity::Identifier(iss)) => name == iss.as_str(),
            (Self::Identifier(name), IssuerIdentity::Certificate { issuer, .. }) => {
                issuer.as_ref().is_some_and(|iss| name == iss.as_str())
            }
            (Self::AuthorityKey(id), issuer) => {
                issuer.authority_key_identifiers().any(|own| own == id.as_slice())
            }
        }
    }
}

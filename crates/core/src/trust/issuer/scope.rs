//! The types that an issuer is trusted for.

use std::sync::Arc;

use crate::credential::CredentialType;

/// The only types that somebody is believed for; by default all of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct TypeScope(Option<Arc<[CredentialType]>>);

impl TypeScope {
    pub(super) fn only(types: impl Iterator<Item = CredentialType>) -> Self {
        Self(Some(types.collect()))
    }

    /// Whether a credential of all these types is believed.
    pub(super) fn cover_all(&self, claimed: &[CredentialType]) -> bool {
        // of every type: one that may issue badges must not issue a badge that is an identity, too
        self.0.is_none() || !claimed.is_empty() && claimed.iter().all(|kind| self.cover(kind))
    }

    /// Whether this type is one of them.
    pub(crate) fn cover(&self, kind: &CredentialType) -> bool {
        self.0.as_ref().is_none_or(|types| types.contains(kind))
    }
}

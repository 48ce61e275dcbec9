//! By whom each presentation of a response is verified.

use std::sync::Arc;

use lanyard_core::verify::PresentationVerifier;

use crate::dcql::CredentialQueryId;

/// One verifier for all presentations, or others for those that answer certain credential queries.
#[derive(Clone, Copy, Debug)]
pub struct Verifiers<'v> {
    all: &'v PresentationVerifier,
    own: &'v [(CredentialQueryId, Arc<PresentationVerifier>)],
}

impl<'v> Verifiers<'v> {
    /// Gives a credential query a verifier of its own, for policies about that credential alone.
    #[must_use]
    pub const fn with_own(self, own: &'v [(CredentialQueryId, Arc<PresentationVerifier>)]) -> Self {
        Self { own, ..self }
    }

    pub(super) fn of(self, query: &CredentialQueryId) -> &'v PresentationVerifier {
        self.own.iter().find(|(id, _)| id == query).map_or(self.all, |(_, verifier)| verifier)
    }
}

impl<'v> From<&'v PresentationVerifier> for Verifiers<'v> {
    fn from(all: &'v PresentationVerifier) -> Self {
        Self { all, own: &[] }
    }
}

impl<'v> From<&'v Arc<PresentationVerifier>> for Verifiers<'v> {
    fn from(all: &'v Arc<PresentationVerifier>) -> Self {
        Self::from(all.as_ref())
    }
}

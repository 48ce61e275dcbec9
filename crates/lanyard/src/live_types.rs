//! Credential types that change while the server runs.

use std::sync::{Arc, PoisonError, RwLock};

use crate::credential_type::CredentialType;

/// The credential types of a tenant as they are now; clones change together.
#[derive(Clone, Debug)]
pub struct LiveTypes(Arc<RwLock<Arc<[CredentialType]>>>);

impl LiveTypes {
    /// Begins with these.
    #[must_use]
    pub fn new(types: Vec<CredentialType>) -> Self {
        Self(Arc::new(RwLock::new(types.into())))
    }

    /// The types as they are now.
    #[must_use]
    pub fn now(&self) -> Arc<[CredentialType]> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts others in force.
    pub fn replace(&self, types: Vec<CredentialType>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = types.into();
    }
}

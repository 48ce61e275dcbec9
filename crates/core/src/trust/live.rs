//! A trust policy that can be replaced while it is in use.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use super::IssuerTrust;

/// Whom to believe at the moment; clones share it, so a replacement reaches all who verify by it.
#[derive(Clone)]
pub struct LiveTrust(Arc<RwLock<Arc<IssuerTrust>>>);

impl LiveTrust {
    /// Starts with a policy.
    pub fn new(trust: IssuerTrust) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(trust))))
    }

    /// The policy that counts now.
    pub fn current(&self) -> Arc<IssuerTrust> {
        // a policy is replaced whole, so there is no half-written one behind a panic
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces the policy; verifications that already looked at the old one finish with it.
    pub fn replace(&self, trust: IssuerTrust) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(trust);
    }
}

impl From<IssuerTrust> for LiveTrust {
    fn from(trust: IssuerTrust) -> Self {
        Self::new(trust)
    }
}

impl fmt::Debug for LiveTrust {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.current().fmt(out)
    }
}

//! DPoP: a token request and an access token are bound to a key that the sender proves (RFC 9449).

mod check;
mod error;
mod proof;

use std::fmt;

use lanyard_core::crypto::CryptoProvider;
use lanyard_core::jose::Jwk;
use serde::{Deserialize, Serialize};

pub use check::{DpopRules, UnverifiedDpopProof, VerifiedDpopProof};
pub use error::DpopError;
pub use proof::{Proven, sign_dpop_proof};

/// The scheme of a bound access token; compared without case (RFC 9110 §11.1).
pub const SCHEME: &str = "DPoP";

/// The thumbprint of the key that something is bound to: `jkt` (RFC 9449 §6.1).
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyThumbprint(String);

impl KeyThumbprint {
    /// The thumbprint of a key.
    pub fn of(key: &Jwk, provider: &dyn CryptoProvider) -> Self {
        Self(key.thumbprint(provider).to_base64url())
    }

    /// Takes a thumbprint as a peer wrote it (`dpop_jkt`, RFC 9449 §10); none but the right one fits.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The base64url text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for KeyThumbprint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("KeyThumbprint")
    }
}

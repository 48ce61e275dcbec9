//! API keys of integrators: known by their digests alone.

use std::fmt;

use lanyard_core::crypto::{CryptoProvider, HashAlgorithm};
use subtle::{Choice, ConstantTimeEq as _};

/// The SHA-256 of an API key.
#[derive(Clone, Copy)]
pub struct ApiKeyDigest([u8; 32]);

impl ApiKeyDigest {
    /// Takes a digest that was made when the key was.
    pub const fn new(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// Hashes a key.
    pub fn of(key: &str, provider: &dyn CryptoProvider) -> Self {
        let mut digest = [0; 32];
        let hash = provider.hash(HashAlgorithm::Sha256, key.as_bytes());
        digest.copy_from_slice(hash.as_bytes());
        Self(digest)
    }

    /// Whether this is one of the keys; takes the same time whichever it is.
    pub fn is_among(&self, keys: &[Self]) -> bool {
        let found = keys.iter().fold(Choice::from(0), |found, key| found | self.0.ct_eq(&key.0));
        found.into()
    }
}

impl fmt::Debug for ApiKeyDigest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("ApiKeyDigest")
    }
}

//! The browser in which a request began (OID4VP 1.0 §13.3).

use std::fmt;

use lanyard_core::{
    crypto::{CryptoProvider, HashAlgorithm, Random},
    json,
};
use serde::Deserialize;
use subtle::ConstantTimeEq as _;
use zeroize::ZeroizeOnDrop;

/// The shortest value that 128 random bits have in base64url.
const SHORTEST: usize = 22;

/// The value of the cookie that tells one browser from all others; kept as a digest only.
#[derive(Clone, Deserialize, ZeroizeOnDrop)]
#[serde(transparent)]
pub struct BrowserSession(String);

impl BrowserSession {
    /// Takes the value of a cookie.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// A fresh value of 256 bits.
    pub fn generate(random: &dyn Random) -> Self {
        let mut bytes = [0; 32];
        random.fill(&mut bytes);
        Self(json::base64url(bytes))
    }

    /// The value, for the one cookie it belongs into.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether it is long enough to be one browser's alone.
    pub(crate) fn is_long_enough(&self) -> bool {
        (SHORTEST..=512).contains(&self.0.len())
    }

    pub(crate) fn digest(&self, provider: &dyn CryptoProvider) -> [u8; 32] {
        let mut digest = [0; 32];
        digest.copy_from_slice(provider.hash(HashAlgorithm::Sha256, self.0.as_bytes()).as_bytes());
        digest
    }

    /// Whether this is the browser that was bound; takes the same time either way.
    pub(crate) fn is(&self, bound: Option<&[u8; 32]>, provider: &dyn CryptoProvider) -> bool {
        bound.is_some_and(|bound| self.digest(provider).ct_eq(bound).into())
    }
}

impl fmt::Debug for BrowserSession {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("BrowserSession")
    }
}

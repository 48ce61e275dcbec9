//! A secret that a server authenticates its own values with.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use zeroize::ZeroizeOnDrop;

use super::{CryptoProvider, PreparedMac};

/// 256 secret bits for HMAC with SHA-256 (RFC 2104).
///
/// What depends on the key alone is half of a code's work; it is done for the first code, by the provider that is
/// asked for that, and kept.
#[derive(Clone, ZeroizeOnDrop)]
pub struct MacKey {
    key: [u8; 32],
    #[zeroize(skip)]
    prepared: OnceLock<Arc<dyn PreparedMac>>,
}

impl MacKey {
    /// Takes 256 random bits.
    pub const fn new(key: [u8; 32]) -> Self {
        Self { key, prepared: OnceLock::new() }
    }

    /// The code of a message; every purpose begins its messages with a text of its own.
    pub fn code(&self, message: &[u8], provider: &dyn CryptoProvider) -> [u8; 32] {
        self.prepared.get_or_init(|| provider.prepare_mac(&self.key)).code(message)
    }
}

impl fmt::Debug for MacKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("MacKey")
    }
}

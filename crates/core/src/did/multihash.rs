//! SHA-256 as a multihash in base58btc: what did:peer and did:webvh call a hash.

use crate::crypto::{CryptoProvider, HashAlgorithm};

/// The multihash header of SHA-256: its code, and the length of 32 bytes.
const SHA256: [u8; 2] = [0x12, 0x20];

/// `base58btc(multihash(message, SHA-256))`, without a multibase prefix: 46 characters from `Qm`.
pub(super) fn sha256(message: &[u8], provider: &dyn CryptoProvider) -> String {
    let digest = provider.hash(HashAlgorithm::Sha256, message);
    bs58::encode([&SHA256[..], digest.as_bytes()].concat()).into_string()
}

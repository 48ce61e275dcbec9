//! SHA-256 as a multihash in base58btc: what did:peer and did:webvh call a hash.

use crate::crypto::{CryptoProvider, HashAlgorithm};

/// The multihash header of SHA-256: its code, and the length of 32 bytes.
const SHA256: [u8; 2] = [0x12, 0x20];

/// `base58btc(multihash(message, SHA-256))`, without a multibase prefix: 46 characters from `Qm`.
pub(super) fn sha256(message: &[u8], provider: &dyn CryptoProvider) -> String {
    let digest = provider.hash(HashAlgorithm::Sha256, message);
    bs58::encode([&SHA256[..], digest.as_bytes()].concat()).into_string()
}

/// Whether a text is a SHA-256 multihash in base58btc.
pub(super) fn is_sha256(text: &str) -> bool {
    let mut bytes = [0; 34];
    // 34 bytes of which the first is 0x12 are 46 digits of base 58
    text.len() == 46
        && bs58::decode(text).onto(&mut bytes).is_ok_and(|length| length == 34)
        && bytes.starts_with(&SHA256)
}

//! HKDF with SHA-256 (RFC 5869), as far as one block of output goes.

use zeroize::Zeroizing;

use super::CryptoProvider;

/// Derives a key of 32 bytes.
pub(crate) fn hkdf_sha256(
    secret: &[u8],
    salt: &[u8],
    info: &[u8],
    provider: &dyn CryptoProvider,
) -> Zeroizing<[u8; 32]> {
    // RFC 5869 §2.2, §2.3: extract, then the first block of expand, whose number is 1
    let pseudorandom = Zeroizing::new(provider.hmac_sha256(salt, secret));
    Zeroizing::new(provider.hmac_sha256(&*pseudorandom, &[info, &[1]].concat()))
}

#[cfg(all(test, feature = "rustcrypto"))]
mod tests {
    use super::*;
    use crate::crypto::RustCrypto;

    #[test]
    fn derives_the_first_block_of_the_first_test_case_of_rfc_5869() {
        let salt: Vec<u8> = (0x00..=0x0c).collect();
        let info: Vec<u8> = (0xf0..=0xf9).collect();
        let key = hkdf_sha256(&[0x0b; 22], &salt, &info, &RustCrypto);
        let expected = [
            0x3c, 0xb2, 0x5f, 0x25, 0xfa, 0xac, 0xd5, 0x7a, 0x90, 0x43, 0x4f, 0x64, 0xd0, 0x36,
            0x2f, 0x2a, 0x2d, 0x2d, 0x0a, 0x90, 0xcf, 0x1a, 0x5a, 0x4c, 0x5d, 0xb0, 0x2d, 0x56,
            0xec, 0xc4, 0xc5, 0xbf,
        ];
        assert_eq!(*key, expected);
    }
}

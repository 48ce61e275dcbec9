//! What is sealed to be kept: AES-256-GCM, with the nonce in front of the ciphertext.

use zeroize::Zeroizing;

use super::{ContentEncryption, CryptoError, CryptoProvider};

const NONCE: usize = 12;

/// Seals under a key and a fresh random nonce; what it is bound to is needed to open it, and not in it.
///
/// A key seals fewer than 2^32 times: nonces would begin to collide (NIST SP 800-38D §8.3).
///
/// # Errors
/// [`CryptoError`], if the provider refuses.
pub fn seal_at_rest(
    key: &[u8; 32],
    bound: &[u8],
    plain: &[u8],
    provider: &dyn CryptoProvider,
) -> Result<Vec<u8>, CryptoError> {
    let mut nonce = [0; NONCE];
    provider.fill(&mut nonce);
    let sealed = provider.seal(ContentEncryption::A256Gcm, key, &nonce, bound, plain)?;
    Ok([nonce.as_slice(), &sealed].concat())
}

/// Opens what [`seal_at_rest`] made under the same key, bound to the same.
///
/// # Errors
/// [`CryptoError::InvalidCiphertext`], for whatever else.
pub fn open_at_rest(
    key: &[u8; 32],
    bound: &[u8],
    sealed: &[u8],
    provider: &dyn CryptoProvider,
) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let (nonce, ciphertext) =
        sealed.split_first_chunk::<NONCE>().ok_or(CryptoError::InvalidCiphertext)?;
    let plain = provider.open(ContentEncryption::A256Gcm, key, nonce, bound, ciphertext)?;
    Ok(Zeroizing::new(plain))
}

#[cfg(all(test, feature = "rustcrypto"))]
mod tests {
    use super::*;
    use crate::crypto::RustCrypto;

    const KEY: [u8; 32] = [7; 32];

    #[test]
    fn what_is_at_rest_opens_under_its_key_and_bound_to_the_same_alone() {
        let sealed = seal_at_rest(&KEY, b"here", b"claims", &RustCrypto).unwrap();
        assert_eq!(**open_at_rest(&KEY, b"here", &sealed, &RustCrypto).unwrap(), *b"claims");
        let refused = Err(CryptoError::InvalidCiphertext);
        assert_eq!(open_at_rest(&[8; 32], b"here", &sealed, &RustCrypto), refused);
        assert_eq!(open_at_rest(&KEY, b"there", &sealed, &RustCrypto), refused);
        for length in 0..sealed.len() {
            let cut = open_at_rest(&KEY, b"here", &sealed[..length], &RustCrypto);
            assert_eq!(cut, refused, "{length}");
        }
    }

    #[test]
    fn two_seals_of_the_same_have_two_nonces() {
        let sealed = [0, 1].map(|_| seal_at_rest(&KEY, b"", b"claims", &RustCrypto).unwrap());
        assert_ne!(sealed[0][..NONCE], sealed[1][..NONCE]);
    }
}

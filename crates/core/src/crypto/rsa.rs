//! RSA, to verify with and nothing else: company login providers sign their tokens so (OpenID Connect Core §15.1).
//!
//! There is no RSA key of ours, and no credential, key proof or request is taken with one.

use super::CryptoError;

/// The shortest modulus in bytes (RFC 7518 §3.3), and the longest that is worth the arithmetic.
const MODULUS: std::ops::RangeInclusive<usize> = 256..=512;

/// The longest public exponent in bytes: 65537 has three.
const LONGEST_EXPONENT: usize = 4;

/// An RSA public key of 2048 to 4096 bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RsaPublicKey {
    modulus: Vec<u8>,
    exponent: Vec<u8>,
}

impl RsaPublicKey {
    /// Takes modulus and public exponent, big-endian, without leading zeros.
    ///
    /// # Errors
    /// [`CryptoError::InvalidKey`] for a modulus of another length, or an even one, and for an exponent that
    /// is even, one, or longer than 32 bits.
    pub fn from_parts(modulus: Vec<u8>, exponent: Vec<u8>) -> Result<Self, CryptoError> {
        let odd = |number: &[u8]| number.last().is_some_and(|byte| byte % 2 == 1);
        let short = |number: &[u8]| number.first().is_some_and(|byte| *byte != 0);
        let usable = MODULUS.contains(&modulus.len())
            && exponent.len() <= LONGEST_EXPONENT
            && [&modulus, &exponent].into_iter().all(|number| odd(number) && short(number))
            && exponent != [1];
        if usable { Ok(Self { modulus, exponent }) } else { Err(CryptoError::InvalidKey) }
    }

    /// The modulus, big-endian.
    pub fn modulus(&self) -> &[u8] {
        &self.modulus
    }

    /// The public exponent, big-endian.
    pub fn exponent(&self) -> &[u8] {
        &self.exponent
    }
}

/// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017 §8.2.2): everything is public, so nothing has to be constant in time.
#[cfg(feature = "rustcrypto")]
pub(super) fn verify_rs256(
    key: &RsaPublicKey,
    digest: &[u8],
    signature: &[u8],
) -> Result<(), CryptoError> {
    use crypto_bigint::{
        BoxedUint, Odd,
        modular::{BoxedMontyForm, BoxedMontyParams},
    };
    let length = key.modulus.len();
    // 1. a signature is as long as the modulus, and a number below it
    if signature.len() != length || signature >= key.modulus() {
        return Err(CryptoError::InvalidSignature);
    }
    // 2. RSAVP1
    let number = |bytes: &[u8]| {
        let bits = u32::try_from(length * 8).map_err(|_| CryptoError::InvalidKey)?;
        BoxedUint::from_be_slice(bytes, bits).map_err(|_| CryptoError::InvalidKey)
    };
    let modulus = Odd::new(number(&key.modulus)?).into_option().ok_or(CryptoError::InvalidKey)?;
    let params = BoxedMontyParams::new_vartime(modulus);
    let exponent = BoxedUint::from_be_slice(&key.exponent, 32);
    let exponent = exponent.map_err(|_| CryptoError::InvalidKey)?;
    let message = BoxedMontyForm::new(number(signature)?, &params).pow(&exponent).retrieve();
    // 3. compared as a whole with the one encoding there is: nothing in it is parsed (RFC 8017 §8.2.2, note)
    let message = message.to_be_bytes();
    let found = message.len().checked_sub(length).and_then(|from| message.get(from..));
    if found == Some(encoded(digest, length).as_slice()) {
        Ok(())
    } else {
        Err(CryptoError::InvalidSignature)
    }
}

/// EMSA-PKCS1-v1_5 (RFC 8017 §9.2).
#[cfg(feature = "rustcrypto")]
fn encoded(digest: &[u8], length: usize) -> Vec<u8> {
    const SHA_256: [u8; 19] = [
        0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01,
        0x05, 0x00, 0x04, 0x20,
    ];
    let padding = length.saturating_sub(3 + SHA_256.len() + digest.len());
    [&[0, 1][..], &vec![0xff; padding], &[0], &SHA_256, digest].concat()
}

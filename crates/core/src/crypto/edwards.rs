//! Which encodings of an Edwards point count, the same for both providers.

use super::{CryptoError, PublicKey};

/// Reads the 32 bytes of a public key.
pub(super) fn read(encoding: &[u8]) -> Result<PublicKey, CryptoError> {
    let bytes = encoding.try_into().map_err(|_| CryptoError::InvalidKey)?;
    // RFC 8032 §5.1.3: half of all encodings are no point of the curve
    if is_strict(&bytes) && ed25519_dalek::VerifyingKey::from_bytes(&bytes).is_ok() {
        Ok(PublicKey::Ed25519(bytes))
    } else {
        Err(CryptoError::InvalidKey)
    }
}

/// What [`CryptoProvider::derive_key_agreement`](super::CryptoProvider::derive_key_agreement) promises.
pub(super) fn derive_key_agreement(key: &PublicKey) -> Result<PublicKey, CryptoError> {
    let PublicKey::Ed25519(encoding) = key else { return Err(CryptoError::KeyMismatch) };
    if !is_strict(encoding) {
        return Err(CryptoError::InvalidKey);
    }
    let point =
        ed25519_dalek::VerifyingKey::from_bytes(encoding).map_err(|_| CryptoError::InvalidKey)?;
    Ok(PublicKey::X25519(point.to_montgomery().to_bytes()))
}

/// Holds a key and the `R` of a signature to [`is_strict`], before a provider looks at either.
pub(super) fn check(key: &[u8; 32], signature: &[u8]) -> Result<(), CryptoError> {
    if !is_strict(key) {
        return Err(CryptoError::InvalidKey);
    }
    match signature.first_chunk() {
        Some(point) if signature.len() == 64 && is_strict(point) => Ok(()),
        _ => Err(CryptoError::InvalidSignature),
    }
}

/// Whether an encoded point (RFC 8032 §5.1.2) is canonical and of large order.
///
/// A point of small order verifies signatures over any message, and a second encoding of one point
/// gives a second form of one signature. Whether the point is on its curve is another question.
fn is_strict(encoding: &[u8; 32]) -> bool {
    let mut y = *encoding;
    y[31] &= 0x7f;
    // RFC 8032 §5.1.3(1): y is less than p
    let canonical = y[31] != 0x7f || y[1..31].iter().any(|byte| *byte != 0xff) || y[0] < 0xed;
    canonical && !SMALL_ORDER.contains(&y)
}

/// The y coordinates of the eight points of small order, little-endian.
const SMALL_ORDER: [[u8; 32]; 5] = [
    [0; 32],
    [
        1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0,
    ],
    [
        0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0x7f,
    ],
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98,
        0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53,
        0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
        0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
        0x03, 0x7a,
    ],
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_points_of_small_order_whatever_their_sign() {
        for mut point in SMALL_ORDER {
            assert!(!is_strict(&point));
            point[31] |= 0x80;
            assert!(!is_strict(&point));
        }
    }

    #[test]
    fn refuses_a_y_coordinate_that_is_not_below_p() {
        let mut point = [0xff; 32];
        point[31] = 0x7f;
        for lowest in 0xed..=0xff {
            point[0] = lowest;
            assert!(!is_strict(&point));
        }
        point[0] = 0xeb;
        assert!(is_strict(&point));
    }
}

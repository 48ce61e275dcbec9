//! Compressed points, the same way for both providers: AWS-LC reads them, but does not give `y` back.

use p256::elliptic_curve::sec1::ToSec1Point as _;

use super::{CryptoError, Curve, PublicKey, edwards};

/// What [`CryptoProvider::decompress`](super::CryptoProvider::decompress) promises.
pub(super) fn decompress(curve: Curve, point: &[u8]) -> Result<PublicKey, CryptoError> {
    let invalid = |_| CryptoError::InvalidKey;
    match (curve, point) {
        (Curve::P256, [2 | 3, ..]) => {
            let key = p256::PublicKey::from_sec1_bytes(point).map_err(invalid)?;
            read(curve, key.to_sec1_point(false).as_bytes())
        }
        (Curve::P384, [2 | 3, ..]) => {
            let key = p384::PublicKey::from_sec1_bytes(point).map_err(invalid)?;
            read(curve, key.to_sec1_point(false).as_bytes())
        }
        (Curve::Secp256k1, [2 | 3, ..]) => {
            let key = k256::PublicKey::from_sec1_bytes(point).map_err(invalid)?;
            read(curve, key.to_sec1_point(false).as_bytes())
        }
        (Curve::Ed25519, _) => edwards::read(point),
        (Curve::X25519, _) => {
            PublicKey::from_uncompressed(curve, point).ok_or(CryptoError::InvalidKey)
        }
        _ => Err(CryptoError::InvalidKey),
    }
}

/// Reads an uncompressed point that a library wrote.
pub(super) fn read(curve: Curve, point: &[u8]) -> Result<PublicKey, CryptoError> {
    PublicKey::from_uncompressed(curve, point).ok_or(CryptoError::Failed)
}

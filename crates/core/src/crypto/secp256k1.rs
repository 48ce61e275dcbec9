//! secp256k1, with the same code behind both providers but for AWS-LC's own verification.

use k256::{
    ecdsa::{Signature, SigningKey as K256SigningKey, signature::Signer as _},
    elliptic_curve::sec1::ToSec1Point as _,
};
use zeroize::Zeroizing;

use super::{CryptoError, Curve, PrivateKey, PublicKey, Random, SigningKey, points};

/// Checks an ES256K signature.
#[cfg(feature = "rustcrypto")]
pub(super) fn verify(
    point: &super::EcPoint<32>,
    message: &[u8],
    signature: &[u8],
) -> Result<(), CryptoError> {
    use k256::ecdsa::{VerifyingKey, signature::Verifier as _};

    let invalid = |_| CryptoError::InvalidSignature;
    let point = k256::Sec1Point::from_affine_coordinates(&point.x.into(), &point.y.into(), false);
    let key = VerifyingKey::from_sec1_point(&point).map_err(|_| CryptoError::InvalidKey)?;
    // RFC 8812 §3.2 demands no lower `s`, as Bitcoin does and this crate with it
    let signature = Signature::from_slice(signature).map_err(invalid)?.normalize_s();
    key.verify(message, &signature).map_err(invalid)
}

pub(super) fn generate_key(random: &dyn Random) -> Result<PrivateKey, CryptoError> {
    // a scalar of zero, or not below the order, is drawn again: one in 2^127
    const DRAWS: usize = 4;
    let mut scalar = Zeroizing::new([0; 32]);
    for _ in 0..DRAWS {
        random.fill(&mut scalar[..]);
        if let Ok(public) = derive_public(&scalar[..]) {
            return PrivateKey::from_parts(scalar.to_vec(), public).ok_or(CryptoError::Failed);
        }
    }
    Err(CryptoError::Failed)
}

pub(super) fn derive_public(scalar: &[u8]) -> Result<PublicKey, CryptoError> {
    let secret = k256::SecretKey::from_slice(scalar).map_err(|_| CryptoError::InvalidKey)?;
    points::read(Curve::Secp256k1, secret.public_key().to_sec1_point(false).as_bytes())
}

pub(super) fn signing_key(key: &PrivateKey) -> Result<Box<dyn SigningKey>, CryptoError> {
    let prepared =
        K256SigningKey::from_slice(key.danger_scalar()).map_err(|_| CryptoError::InvalidKey)?;
    // the prepared key has derived its public half already
    let point = prepared.verifying_key().to_sec1_point(false);
    if points::read(Curve::Secp256k1, point.as_bytes())? != *key.public() {
        return Err(CryptoError::InvalidKey);
    }
    Ok(Box::new(Secp256k1Key(prepared)))
}

struct Secp256k1Key(K256SigningKey);

impl SigningKey for Secp256k1Key {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let signature: Signature = self.0.try_sign(message).map_err(|_| CryptoError::Failed)?;
        Ok(signature.to_bytes().to_vec())
    }
}

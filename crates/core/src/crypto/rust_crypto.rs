//! The pure Rust provider: RustCrypto's curves and ciphers, dalek's Edwards signatures.

use std::sync::Arc;

use aes_gcm::{Aes128Gcm, Aes256Gcm, KeyInit, Nonce, aead::AeadInOut};
use hmac::Mac as _;
use p256::{
    ecdsa::signature::{Signer as _, Verifier as _},
    elliptic_curve::sec1::ToSec1Point as _,
};
use sha2::Digest as _;
use zeroize::Zeroizing;

use super::{
    ContentEncryption, CryptoError, CryptoProvider, Curve, EcPoint, HashAlgorithm, HashValue,
    PreparedMac, PrivateKey, PublicKey, Random, RsaPublicKey, SharedSecret, SignatureAlgorithm,
    SigningKey, edwards, points, rsa, secp256k1,
};

/// Cryptography without a line of C: for phones, and wherever a C compiler is not at hand.
#[derive(Clone, Copy, Debug, Default)]
pub struct RustCrypto;

impl Random for RustCrypto {
    fn fill(&self, buffer: &mut [u8]) {
        getrandom::fill(buffer)
            .expect("without the system's randomness there is nothing safe to do");
    }
}

impl CryptoProvider for RustCrypto {
    fn name(&self) -> &'static str {
        "rustcrypto"
    }

    fn hash(&self, algorithm: HashAlgorithm, message: &[u8]) -> HashValue {
        match algorithm {
            HashAlgorithm::Sha256 => HashValue::new(&sha2::Sha256::digest(message)),
            HashAlgorithm::Sha384 => HashValue::new(&sha2::Sha384::digest(message)),
            HashAlgorithm::Sha512 => HashValue::new(&sha2::Sha512::digest(message)),
        }
    }

    fn hmac_sha256(&self, key: &[u8], message: &[u8]) -> [u8; 32] {
        let mut mac = <hmac::Hmac<sha2::Sha256> as hmac::KeyInit>::new_from_slice(key)
            .expect("HMAC takes a key of any length");
        mac.update(message);
        mac.finalize().into_bytes().into()
    }

    fn prepare_mac(&self, key: &[u8; 32]) -> Arc<dyn PreparedMac> {
        Arc::new(WholeKey(Zeroizing::new(*key)))
    }

    fn verify_hmac_sha256(
        &self,
        key: &[u8],
        message: &[u8],
        code: &[u8],
    ) -> Result<(), CryptoError> {
        let mut mac = <hmac::Hmac<sha2::Sha256> as hmac::KeyInit>::new_from_slice(key)
            .expect("HMAC takes a key of any length");
        mac.update(message);
        mac.verify_slice(code).map_err(|_| CryptoError::InvalidSignature)
    }

    fn verify(
        &self,
        algorithm: SignatureAlgorithm,
        key: &PublicKey,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        let invalid = |_| CryptoError::InvalidSignature;
        match (algorithm, key) {
            (SignatureAlgorithm::Es256, PublicKey::P256(point)) => {
                let key = p256::ecdsa::VerifyingKey::from(p256_key(point)?);
                let signature = p256::ecdsa::Signature::from_slice(signature).map_err(invalid)?;
                key.verify(message, &signature).map_err(invalid)
            }
            (SignatureAlgorithm::Es384, PublicKey::P384(point)) => {
                let key = p384::ecdsa::VerifyingKey::from_sec1_point(&p384_point(point))
                    .map_err(|_| CryptoError::InvalidKey)?;
                let signature = p384::ecdsa::Signature::from_slice(signature).map_err(invalid)?;
                key.verify(message, &signature).map_err(invalid)
            }
            (SignatureAlgorithm::Es256k, PublicKey::Secp256k1(point)) => {
                secp256k1::verify(point, message, signature)
            }
            (SignatureAlgorithm::EdDsa, PublicKey::Ed25519(key)) => {
                edwards::check(key, signature)?;
                let key = ed25519_dalek::VerifyingKey::from_bytes(key).map_err(invalid)?;
                let signature = ed25519_dalek::Signature::from_slice(signature).map_err(invalid)?;
                key.verify_strict(message, &signature).map_err(invalid)
            }
            _ => Err(CryptoError::KeyMismatch),
        }
    }

    fn verify_rs256(
        &self,
        key: &RsaPublicKey,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        rsa::verify_rs256(key, &sha2::Sha256::digest(message), signature)
    }

    fn generate_key(&self, curve: Curve) -> Result<PrivateKey, CryptoError> {
        // a scalar of zero, or not below the order, is drawn again: one in 2^32 on P-256
        const DRAWS: usize = 16;
        let mut scalar = Zeroizing::new([0; 48]);
        let scalar = match curve {
            Curve::P256 | Curve::Ed25519 => &mut scalar[..32],
            Curve::P384 => &mut scalar[..],
            Curve::Secp256k1 => return secp256k1::generate_key(self),
            Curve::X25519 | Curve::Bls12381G2 => return Err(CryptoError::KeyMismatch),
        };
        for _ in 0..DRAWS {
            self.fill(scalar);
            match derive_public(curve, scalar) {
                Ok(public) => {
                    return PrivateKey::from_parts(scalar.to_vec(), public)
                        .ok_or(CryptoError::Failed);
                }
                Err(CryptoError::InvalidKey) => {}
                Err(failed) => return Err(failed),
            }
        }
        Err(CryptoError::Failed)
    }

    fn signing_key(&self, key: &PrivateKey) -> Result<Box<dyn SigningKey>, CryptoError> {
        let (curve, scalar) = (key.public().curve(), key.danger_scalar());
        let invalid = |_| CryptoError::InvalidKey;
        // a prepared key has derived its public half already, and wipes itself when it is dropped
        let (prepared, derived): (Box<dyn SigningKey>, _) = match curve {
            Curve::P256 => {
                let key = p256::ecdsa::SigningKey::from_slice(scalar).map_err(invalid)?;
                let point = key.verifying_key().to_sec1_point(false);
                (Box::new(P256Key(key)), points::read(curve, point.as_bytes())?)
            }
            Curve::P384 => {
                let key = p384::ecdsa::SigningKey::from_slice(scalar).map_err(invalid)?;
                let point = key.verifying_key().to_sec1_point(false);
                (Box::new(P384Key(key)), points::read(curve, point.as_bytes())?)
            }
            Curve::Ed25519 => {
                let key = ed25519_key(scalar)?;
                let derived = PublicKey::Ed25519(key.verifying_key().to_bytes());
                (Box::new(Ed25519Key(key)), derived)
            }
            Curve::Secp256k1 => return secp256k1::signing_key(key),
            Curve::X25519 | Curve::Bls12381G2 => return Err(CryptoError::KeyMismatch),
        };
        // halves that do not belong together would sign for nobody, and Ed25519 would leak its seed
        if derived != *key.public() { Err(CryptoError::InvalidKey) } else { Ok(prepared) }
    }

    fn decompress(&self, curve: Curve, point: &[u8]) -> Result<PublicKey, CryptoError> {
        points::decompress(curve, point)
    }

    fn derive_key_agreement(&self, key: &PublicKey) -> Result<PublicKey, CryptoError> {
        edwards::derive_key_agreement(key)
    }

    fn agree(&self, own: &PrivateKey, peer: &PublicKey) -> Result<SharedSecret, CryptoError> {
        let (PublicKey::P256(_), PublicKey::P256(peer)) = (own.public(), peer) else {
            return Err(CryptoError::KeyMismatch);
        };
        let peer = p256_key(peer)?;
        let own = p256::SecretKey::from_slice(own.danger_scalar())
            .map_err(|_| CryptoError::InvalidKey)?;
        let secret = own.diffie_hellman(&peer);
        Ok(SharedSecret(Zeroizing::new(secret.raw_secret_bytes().to_vec())))
    }

    fn agree_ephemeral(&self, peer: &PublicKey) -> Result<(PublicKey, SharedSecret), CryptoError> {
        let own = self.generate_key(Curve::P256)?;
        Ok((*own.public(), self.agree(&own, peer)?))
    }

    fn seal(
        &self,
        algorithm: ContentEncryption,
        key: &[u8],
        nonce: &[u8; 12],
        associated: &[u8],
        plaintext: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        let mut text = Vec::with_capacity(plaintext.len() + 16);
        text.extend_from_slice(plaintext);
        let nonce = Nonce::from(*nonce);
        match algorithm {
            ContentEncryption::A128Gcm => {
                cipher::<Aes128Gcm>(key)?.encrypt_in_place(&nonce, associated, &mut text)
            }
            ContentEncryption::A256Gcm => {
                cipher::<Aes256Gcm>(key)?.encrypt_in_place(&nonce, associated, &mut text)
            }
        }
        .map_err(|_| CryptoError::Failed)?;
        Ok(text)
    }

    fn open(
        &self,
        algorithm: ContentEncryption,
        key: &[u8],
        nonce: &[u8; 12],
        associated: &[u8],
        ciphertext: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        let mut text = ciphertext.to_vec();
        let nonce = Nonce::from(*nonce);
        match algorithm {
            ContentEncryption::A128Gcm => {
                cipher::<Aes128Gcm>(key)?.decrypt_in_place(&nonce, associated, &mut text)
            }
            ContentEncryption::A256Gcm => {
                cipher::<Aes256Gcm>(key)?.decrypt_in_place(&nonce, associated, &mut text)
            }
        }
        .map_err(|_| CryptoError::InvalidCiphertext)?;
        Ok(text)
    }
}

fn cipher<C: KeyInit>(key: &[u8]) -> Result<C, CryptoError> {
    C::new_from_slice(key).map_err(|_| CryptoError::InvalidKey)
}

fn derive_public(curve: Curve, scalar: &[u8]) -> Result<PublicKey, CryptoError> {
    let invalid = |_| CryptoError::InvalidKey;
    match curve {
        Curve::P256 => {
            let secret = p256::SecretKey::from_slice(scalar).map_err(invalid)?;
            points::read(curve, secret.public_key().to_sec1_point(false).as_bytes())
        }
        Curve::P384 => {
            let secret = p384::SecretKey::from_slice(scalar).map_err(invalid)?;
            points::read(curve, secret.public_key().to_sec1_point(false).as_bytes())
        }
        Curve::Ed25519 => Ok(PublicKey::Ed25519(ed25519_key(scalar)?.verifying_key().to_bytes())),
        Curve::Secp256k1 => secp256k1::derive_public(scalar),
        Curve::X25519 | Curve::Bls12381G2 => Err(CryptoError::KeyMismatch),
    }
}

fn ed25519_key(seed: &[u8]) -> Result<ed25519_dalek::SigningKey, CryptoError> {
    let seed = seed.try_into().map_err(|_| CryptoError::InvalidKey)?;
    Ok(ed25519_dalek::SigningKey::from_bytes(seed))
}

fn p256_key(point: &EcPoint<32>) -> Result<p256::PublicKey, CryptoError> {
    let point = p256::Sec1Point::from_affine_coordinates(&point.x.into(), &point.y.into(), false);
    p256::PublicKey::try_from(&point).map_err(|_| CryptoError::InvalidKey)
}

fn p384_point(point: &EcPoint<48>) -> p384::Sec1Point {
    p384::Sec1Point::from_affine_coordinates(&point.x.into(), &point.y.into(), false)
}

/// A prepared state of this crate's would not be wiped, so the key stays as it is.
struct WholeKey(Zeroizing<[u8; 32]>);

impl PreparedMac for WholeKey {
    fn code(&self, message: &[u8]) -> [u8; 32] {
        RustCrypto.hmac_sha256(self.0.as_slice(), message)
    }
}

struct P256Key(p256::ecdsa::SigningKey);

impl SigningKey for P256Key {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let signature: p256::ecdsa::Signature =
            self.0.try_sign(message).map_err(|_| CryptoError::Failed)?;
        Ok(signature.to_bytes().to_vec())
    }
}

struct P384Key(p384::ecdsa::SigningKey);

impl SigningKey for P384Key {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let signature: p384::ecdsa::Signature =
            self.0.try_sign(message).map_err(|_| CryptoError::Failed)?;
        Ok(signature.to_bytes().to_vec())
    }
}

struct Ed25519Key(ed25519_dalek::SigningKey);

impl SigningKey for Ed25519Key {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let signature = self.0.try_sign(message).map_err(|_| CryptoError::Failed)?;
        Ok(signature.to_bytes().to_vec())
    }
}

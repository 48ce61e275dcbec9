//! The assembly-backed provider, for servers.

use std::sync::Arc;

use aws_lc_rs::{
    aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    agreement, digest,
    encoding::AsBigEndian as _,
    hmac,
    rand::{SecureRandom as _, SystemRandom},
    signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P256K1_SHA256_FIXED,
        ECDSA_P384_SHA384_FIXED, ECDSA_P384_SHA384_FIXED_SIGNING, ED25519, EcdsaKeyPair,
        EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, ParsedPublicKey,
        RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
    },
};
use zeroize::Zeroizing;

use super::{
    ContentEncryption, CryptoError, CryptoProvider, Curve, HashAlgorithm, HashValue, PreparedMac,
    PrivateKey, PublicKey, Random, RsaPublicKey, SharedSecret, SignatureAlgorithm, SigningKey,
    edwards, points, secp256k1,
};

/// Cryptography from AWS-LC: four times as fast as [`RustCrypto`](super::RustCrypto), wants a C compiler.
#[derive(Clone, Copy, Debug, Default)]
pub struct AwsLc;

impl Random for AwsLc {
    fn fill(&self, buffer: &mut [u8]) {
        SystemRandom::new()
            .fill(buffer)
            .expect("without the system's randomness there is nothing safe to do");
    }
}

impl CryptoProvider for AwsLc {
    fn name(&self) -> &'static str {
        "aws-lc"
    }

    fn hash(&self, algorithm: HashAlgorithm, message: &[u8]) -> HashValue {
        let algorithm = match algorithm {
            HashAlgorithm::Sha256 => &digest::SHA256,
            HashAlgorithm::Sha384 => &digest::SHA384,
            HashAlgorithm::Sha512 => &digest::SHA512,
        };
        HashValue::new(digest::digest(algorithm, message).as_ref())
    }

    fn hmac_sha256(&self, key: &[u8], message: &[u8]) -> [u8; 32] {
        hmac::Key::new(hmac::HMAC_SHA256, key).code(message)
    }

    fn prepare_mac(&self, key: &[u8; 32]) -> Arc<dyn PreparedMac> {
        Arc::new(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    fn verify_hmac_sha256(
        &self,
        key: &[u8],
        message: &[u8],
        code: &[u8],
    ) -> Result<(), CryptoError> {
        hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, key), message, code)
            .map_err(|_| CryptoError::InvalidSignature)
    }

    fn verify(
        &self,
        algorithm: SignatureAlgorithm,
        key: &PublicKey,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        let key = match (algorithm, key) {
            (SignatureAlgorithm::Es256, PublicKey::P256(_)) => {
                ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key.to_uncompressed())
            }
            (SignatureAlgorithm::Es384, PublicKey::P384(_)) => {
                ParsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, key.to_uncompressed())
            }
            (SignatureAlgorithm::Es256k, PublicKey::Secp256k1(_)) => {
                ParsedPublicKey::new(&ECDSA_P256K1_SHA256_FIXED, key.to_uncompressed())
            }
            (SignatureAlgorithm::EdDsa, PublicKey::Ed25519(point)) => {
                edwards::check(point, signature)?;
                ParsedPublicKey::new(&ED25519, point)
            }
            _ => return Err(CryptoError::KeyMismatch),
        };
        key.map_err(|_| CryptoError::InvalidKey)?
            .verify_sig(message, signature)
            .map_err(|_| CryptoError::InvalidSignature)
    }

    fn verify_rs256(
        &self,
        key: &RsaPublicKey,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        RsaPublicKeyComponents { n: key.modulus(), e: key.exponent() }
            .verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
            .map_err(|_| CryptoError::InvalidSignature)
    }

    fn generate_key(&self, curve: Curve) -> Result<PrivateKey, CryptoError> {
        let failed = |_| CryptoError::Failed;
        let (scalar, public) = match curve {
            Curve::P256 => generate_ecdsa(&ECDSA_P256_SHA256_FIXED_SIGNING)?,
            Curve::P384 => generate_ecdsa(&ECDSA_P384_SHA384_FIXED_SIGNING)?,
            Curve::Ed25519 => {
                let pair = Ed25519KeyPair::generate().map_err(failed)?;
                let seed = pair.seed().and_then(|seed| seed.as_be_bytes()).map_err(failed)?;
                (seed.as_ref().to_vec(), pair.public_key().as_ref().to_vec())
            }
            Curve::Secp256k1 => return secp256k1::generate_key(self),
            Curve::X25519 | Curve::Bls12381G2 => return Err(CryptoError::KeyMismatch),
        };
        let public = PublicKey::from_uncompressed(curve, &public).ok_or(CryptoError::Failed)?;
        PrivateKey::from_parts(scalar, public).ok_or(CryptoError::Failed)
    }

    fn signing_key(&self, key: &PrivateKey) -> Result<Box<dyn SigningKey>, CryptoError> {
        let public = key.public().to_uncompressed();
        let ecdsa = |algorithm| {
            EcdsaKeyPair::from_private_key_and_public_key(algorithm, key.danger_scalar(), &public)
                .map_err(|_| CryptoError::InvalidKey)
        };
        Ok(match key.public().curve() {
            Curve::P256 => Box::new(ecdsa(&ECDSA_P256_SHA256_FIXED_SIGNING)?),
            Curve::P384 => Box::new(ecdsa(&ECDSA_P384_SHA384_FIXED_SIGNING)?),
            Curve::Ed25519 => Box::new(
                Ed25519KeyPair::from_seed_and_public_key(key.danger_scalar(), &public)
                    .map_err(|_| CryptoError::InvalidKey)?,
            ),
            Curve::Secp256k1 => secp256k1::signing_key(key)?,
            Curve::X25519 | Curve::Bls12381G2 => return Err(CryptoError::KeyMismatch),
        })
    }

    fn agree(&self, own: &PrivateKey, peer: &PublicKey) -> Result<SharedSecret, CryptoError> {
        let (PublicKey::P256(_), PublicKey::P256(_)) = (own.public(), peer) else {
            return Err(CryptoError::KeyMismatch);
        };
        let own =
            agreement::PrivateKey::from_private_key(&agreement::ECDH_P256, own.danger_scalar())
                .map_err(|_| CryptoError::InvalidKey)?;
        agree_with(&own, peer)
    }

    fn agree_ephemeral(&self, peer: &PublicKey) -> Result<(PublicKey, SharedSecret), CryptoError> {
        let PublicKey::P256(_) = peer else {
            return Err(CryptoError::KeyMismatch);
        };
        let own = agreement::PrivateKey::generate(&agreement::ECDH_P256)
            .map_err(|_| CryptoError::Failed)?;
        let public = own.compute_public_key().map_err(|_| CryptoError::Failed)?;
        let public = PublicKey::from_uncompressed(Curve::P256, public.as_ref())
            .ok_or(CryptoError::Failed)?;
        Ok((public, agree_with(&own, peer)?))
    }

    fn decompress(&self, curve: Curve, point: &[u8]) -> Result<PublicKey, CryptoError> {
        points::decompress(curve, point)
    }

    fn derive_key_agreement(&self, key: &PublicKey) -> Result<PublicKey, CryptoError> {
        edwards::derive_key_agreement(key)
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
        cipher(algorithm, key)?
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(*nonce),
                Aad::from(associated),
                &mut text,
            )
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
        let length = cipher(algorithm, key)?
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(associated), &mut text)
            .map_err(|_| CryptoError::InvalidCiphertext)?
            .len();
        text.truncate(length);
        Ok(text)
    }
}

fn generate_ecdsa(
    algorithm: &'static EcdsaSigningAlgorithm,
) -> Result<(Vec<u8>, Vec<u8>), CryptoError> {
    let pair = EcdsaKeyPair::generate(algorithm).map_err(|_| CryptoError::Failed)?;
    let scalar = pair.private_key().as_be_bytes().map_err(|_| CryptoError::Failed)?;
    Ok((scalar.as_ref().to_vec(), pair.public_key().as_ref().to_vec()))
}

fn agree_with(own: &agreement::PrivateKey, peer: &PublicKey) -> Result<SharedSecret, CryptoError> {
    let peer = agreement::UnparsedPublicKey::new(&agreement::ECDH_P256, peer.to_uncompressed());
    agreement::agree(own, peer, CryptoError::InvalidKey, |secret| {
        Ok(SharedSecret(Zeroizing::new(secret.to_vec())))
    })
}

fn cipher(algorithm: ContentEncryption, key: &[u8]) -> Result<LessSafeKey, CryptoError> {
    let algorithm = match algorithm {
        ContentEncryption::A128Gcm => &AES_128_GCM,
        ContentEncryption::A256Gcm => &AES_256_GCM,
    };
    UnboundKey::new(algorithm, key).map(LessSafeKey::new).map_err(|_| CryptoError::InvalidKey)
}

impl PreparedMac for hmac::Key {
    fn code(&self, message: &[u8]) -> [u8; 32] {
        let tag = hmac::sign(self, message);
        tag.as_ref().try_into().expect("a SHA-256 tag has 32 bytes")
    }
}

impl SigningKey for EcdsaKeyPair {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let signature =
            Self::sign(self, &SystemRandom::new(), message).map_err(|_| CryptoError::Failed)?;
        Ok(signature.as_ref().to_vec())
    }
}

impl SigningKey for Ed25519KeyPair {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let signature = self.try_sign(message).map_err(|_| CryptoError::Failed)?;
        Ok(signature.as_ref().to_vec())
    }
}

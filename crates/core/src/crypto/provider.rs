//! What a provider of cryptography can do.

use std::{fmt::Debug, sync::Arc};

use thiserror::Error;

use super::{
    ContentEncryption, Curve, HashAlgorithm, HashValue, PrivateKey, PublicKey, RsaPublicKey,
    SharedSecret, SignatureAlgorithm,
};

/// Where random bytes come from: the operating system in production, a seed in tests.
pub trait Random: Send + Sync {
    /// Fills the buffer with unpredictable bytes.
    fn fill(&self, buffer: &mut [u8]);
}

impl<R: Random + ?Sized> Random for &R {
    fn fill(&self, buffer: &mut [u8]) {
        (**self).fill(buffer);
    }
}

/// The door: every operation the core needs, and no more.
///
/// Implementations are `AwsLc` and `RustCrypto`; both must give the same answer to every official
/// vector. A provider is also a source of randomness, the one it uses for its own keys.
pub trait CryptoProvider: Random + Debug {
    /// The provider's name for logs and benches.
    fn name(&self) -> &'static str;

    /// The digest of a message.
    fn hash(&self, algorithm: HashAlgorithm, message: &[u8]) -> HashValue;

    /// HMAC with SHA-256 (RFC 2104).
    fn hmac_sha256(&self, key: &[u8], message: &[u8]) -> [u8; 32];

    /// Prepares a key for many codes; better keep a [`MacKey`](super::MacKey), which asks for this once.
    fn prepare_mac(&self, key: &[u8; 32]) -> Arc<dyn PreparedMac>;

    /// Checks an HMAC with SHA-256 in constant time.
    ///
    /// # Errors
    /// [`CryptoError::InvalidSignature`] when it is another one, or has not all of its 32 bytes.
    fn verify_hmac_sha256(
        &self,
        key: &[u8],
        message: &[u8],
        code: &[u8],
    ) -> Result<(), CryptoError>;

    /// Checks a signature in its JOSE form (`r || s`, or the 64 bytes of Ed25519).
    ///
    /// # Errors
    /// [`CryptoError::KeyMismatch`] when the key is of another curve than the algorithm's,
    /// [`CryptoError::InvalidKey`] when it is no point of its curve (Ed25519: when its encoding is not
    /// canonical or of small order; with a point off the curve nothing verifies),
    /// [`CryptoError::InvalidSignature`] for everything else.
    fn verify(
        &self,
        algorithm: SignatureAlgorithm,
        key: &PublicKey,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), CryptoError>;

    /// Checks an RSASSA-PKCS1-v1_5 signature with SHA-256 (RFC 7518 §3.3); none is ever made.
    ///
    /// # Errors
    /// [`CryptoError::InvalidSignature`] for whatever does not verify.
    fn verify_rs256(
        &self,
        key: &RsaPublicKey,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), CryptoError>;

    /// Makes a new private key for signatures.
    ///
    /// # Errors
    /// [`CryptoError::Failed`] when the provider's own generator fails, [`CryptoError::KeyMismatch`] for
    /// a curve that makes no signatures.
    fn generate_key(&self, curve: Curve) -> Result<PrivateKey, CryptoError>;

    /// Prepares a private key for many signatures.
    ///
    /// # Errors
    /// [`CryptoError::InvalidKey`] when the two halves do not belong together,
    /// [`CryptoError::KeyMismatch`] for a key that makes no signatures.
    fn signing_key(&self, key: &PrivateKey) -> Result<Box<dyn SigningKey>, CryptoError>;

    /// Agrees on a secret over P-256 (ECDH, RFC 7518 §4.6).
    ///
    /// # Errors
    /// [`CryptoError::InvalidKey`] for a point that is off its curve, [`CryptoError::KeyMismatch`] when
    /// either key is not of P-256.
    fn agree(&self, own: &PrivateKey, peer: &PublicKey) -> Result<SharedSecret, CryptoError>;

    /// Agrees on a secret over P-256 with a key made for this one agreement; gives its public half too.
    ///
    /// # Errors
    /// As [`CryptoProvider::agree`], and [`CryptoError::Failed`] when no key can be made.
    fn agree_ephemeral(&self, peer: &PublicKey) -> Result<(PublicKey, SharedSecret), CryptoError>;

    /// Reads a compressed point (SEC 1 §2.3.4 with tag 2 or 3), or the 32 bytes of Ed25519 and X25519.
    ///
    /// # Errors
    /// [`CryptoError::InvalidKey`] for every other encoding and for a point that is off its curve.
    fn decompress(&self, curve: Curve, point: &[u8]) -> Result<PublicKey, CryptoError>;

    /// The X25519 key of whoever holds this Ed25519 key (RFC 7748 §4.1, the birational map).
    ///
    /// # Errors
    /// [`CryptoError::KeyMismatch`] for a key of another curve, [`CryptoError::InvalidKey`] for a point
    /// that is off its curve or of small order.
    fn derive_key_agreement(&self, key: &PublicKey) -> Result<PublicKey, CryptoError>;

    /// Encrypts with AES-GCM; the answer is the ciphertext followed by the 16-byte tag.
    ///
    /// # Errors
    /// [`CryptoError::InvalidKey`] when the key has the wrong length.
    fn seal(
        &self,
        algorithm: ContentEncryption,
        key: &[u8],
        nonce: &[u8; 12],
        associated: &[u8],
        plaintext: &[u8],
    ) -> Result<Vec<u8>, CryptoError>;

    /// Decrypts what [`CryptoProvider::seal`] made.
    ///
    /// # Errors
    /// [`CryptoError::InvalidCiphertext`] when the tag does not fit, [`CryptoError::InvalidKey`] when
    /// the key has the wrong length.
    fn open(
        &self,
        algorithm: ContentEncryption,
        key: &[u8],
        nonce: &[u8; 12],
        associated: &[u8],
        ciphertext: &[u8],
    ) -> Result<Vec<u8>, CryptoError>;
}

/// A secret made ready to authenticate messages; it is wiped when dropped.
pub trait PreparedMac: Send + Sync {
    /// The HMAC with SHA-256 of a message (RFC 2104).
    fn code(&self, message: &[u8]) -> [u8; 32];
}

/// A private key made ready to sign.
pub trait SigningKey: Send + Sync {
    /// Signs a message; the signature is in its JOSE form.
    ///
    /// # Errors
    /// [`CryptoError::Failed`] when the provider fails.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CryptoError>;
}

/// Why a cryptographic operation did not give an answer.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum CryptoError {
    /// The key is on another curve than the algorithm needs.
    #[error("the key does not fit the algorithm")]
    KeyMismatch,
    /// The key is malformed: not a point of its curve, or halves that do not belong together.
    #[error("the key is not valid")]
    InvalidKey,
    /// The signature does not verify.
    #[error("the signature does not verify")]
    InvalidSignature,
    /// The ciphertext was changed, or belongs to another key.
    #[error("the ciphertext does not decrypt")]
    InvalidCiphertext,
    /// The provider itself failed.
    #[error("the cryptography provider failed")]
    Failed,
}

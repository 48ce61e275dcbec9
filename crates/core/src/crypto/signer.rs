//! The port through which everything gets signed: a key in memory, a secure element, an HSM.

use std::fmt;

use async_trait::async_trait;
use thiserror::Error;

use super::{CryptoError, CryptoProvider, PrivateKey, PublicKey, SignatureAlgorithm, SigningKey};

/// Signs with a key that it does not give out.
#[async_trait]
pub trait Signer: Send + Sync {
    /// The algorithm every signature of this signer is made with.
    fn algorithm(&self) -> SignatureAlgorithm;

    /// The public half of the key.
    fn public_key(&self) -> &PublicKey;

    /// Signs a message; the signature is in its JOSE form.
    ///
    /// # Errors
    /// [`SignerError`] when the key's home refuses or cannot be reached.
    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignerError>;
}

/// Why a signer gave no signature.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum SignerError {
    /// The holder of the device did not unlock the key.
    #[error("the use of the key was not authorised")]
    NotAuthorised,
    /// The key's home cannot be reached, or failed.
    #[error("the key cannot be used now")]
    Unavailable,
}

/// A signer over a private key in this process's memory.
pub struct SoftwareSigner {
    key: Box<dyn SigningKey>,
    algorithm: SignatureAlgorithm,
    public: PublicKey,
}

impl SoftwareSigner {
    /// Prepares a private key for signing.
    ///
    /// # Errors
    /// [`CryptoError::InvalidKey`] when the key's halves do not belong together,
    /// [`CryptoError::KeyMismatch`] when it is not for signatures.
    pub fn new(provider: &dyn CryptoProvider, key: &PrivateKey) -> Result<Self, CryptoError> {
        let public = *key.public();
        let algorithm = public.curve().signature_algorithm().ok_or(CryptoError::KeyMismatch)?;
        Ok(Self { key: provider.signing_key(key)?, algorithm, public })
    }
}

#[async_trait]
impl Signer for SoftwareSigner {
    fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignerError> {
        self.key.sign(message).map_err(|_| SignerError::Unavailable)
    }
}

impl fmt::Debug for SoftwareSigner {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "SoftwareSigner({})", self.algorithm())
    }
}

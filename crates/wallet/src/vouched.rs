//! Attestations of holder keys, by the app's backend.

use std::sync::Arc;

use async_trait::async_trait;
use lanyard_core::jose::Jwk;

use crate::ports::{KeyAttestation, KeyAttestationUnavailable, KeyHandle, KeyStore};

/// A holder key that is to be attested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyToAttest {
    /// Its name in its home.
    pub handle: KeyHandle,
    /// Its public half: a JWK in JSON.
    pub jwk: String,
}

/// The app's backend, as the wallet provider that vouches for holder keys.
#[async_trait]
pub trait KeyAttester: Send + Sync {
    /// A key attestation (`key-attestation+jwt`) about all these keys in this order, fresh by the issuer's nonce
    /// where there is one.
    ///
    /// # Errors
    /// [`KeyAttestationUnavailable`] when there is none to be had.
    async fn attest_keys(
        &self,
        keys: &[KeyToAttest],
        nonce: Option<&str>,
    ) -> Result<String, KeyAttestationUnavailable>;
}

/// The backend's word for keys, whose public halves it is shown.
pub struct VouchedKeys {
    attester: Arc<dyn KeyAttester>,
    keys: Arc<dyn KeyStore>,
}

impl VouchedKeys {
    /// The word of this backend for keys that live there.
    pub const fn new(attester: Arc<dyn KeyAttester>, keys: Arc<dyn KeyStore>) -> Self {
        Self { attester, keys }
    }
}

#[async_trait]
impl KeyAttestation for VouchedKeys {
    async fn attest(
        &self,
        keys: &[KeyHandle],
        nonce: Option<&str>,
    ) -> Result<String, KeyAttestationUnavailable> {
        let mut to_attest = Vec::with_capacity(keys.len());
        for handle in keys {
            let key = self.keys.signer(handle).await.map_err(|_| KeyAttestationUnavailable)?;
            let jwk = Jwk::new(*key.public_key()).to_value().to_string();
            to_attest.push(KeyToAttest { handle: handle.clone(), jwk });
        }
        self.attester.attest_keys(&to_attest, nonce).await
    }
}

//! Holder keys in software, kept sealed in the wallet's own database.

use std::sync::Arc;

use async_trait::async_trait;
use lanyard_core::{
    crypto::{CryptoProvider, Curve, Signer, SoftwareSigner},
    jose::PrivateJwk,
};

use crate::{
    ports::{KeyHandle, KeyStore, KeyStoreError},
    storage::Storage,
};

/// A key store for the terminal, the browser demo and tests; phones bring hardware instead.
#[derive(Clone)]
pub struct SoftwareKeys {
    storage: Storage,
    crypto: Arc<dyn CryptoProvider>,
}

impl SoftwareKeys {
    /// Keeps keys in an opened wallet database.
    pub const fn new(storage: Storage, crypto: Arc<dyn CryptoProvider>) -> Self {
        Self { storage, crypto }
    }
}

#[async_trait]
impl KeyStore for SoftwareKeys {
    async fn generate(&self, count: usize) -> Result<Vec<KeyHandle>, KeyStoreError> {
        let generated: Result<Vec<_>, _> =
            (0..count).map(|_| self.crypto.generate_key(Curve::P256)).collect();
        let keys: Vec<_> = generated
            .map_err(|_| KeyStoreError::Unavailable)?
            .into_iter()
            .map(|key| PrivateJwk { key, kid: None })
            .collect();
        self.storage.insert_keys(&keys).map_err(|_| KeyStoreError::Unavailable)
    }

    async fn signer(&self, handle: &KeyHandle) -> Result<Arc<dyn Signer>, KeyStoreError> {
        let key = self.storage.key(handle).map_err(|_| KeyStoreError::Unavailable)?;
        let key = key.ok_or(KeyStoreError::Unknown)?;
        let signer = SoftwareSigner::new(self.crypto.as_ref(), &key.key)
            .map_err(|_| KeyStoreError::Unavailable)?;
        Ok(Arc::new(signer))
    }

    async fn sign_each(
        &self,
        wanted: &[(KeyHandle, Vec<u8>)],
    ) -> Result<Vec<Vec<u8>>, KeyStoreError> {
        let mut signatures = Vec::with_capacity(wanted.len());
        for (handle, message) in wanted {
            signatures.push(self.signer(handle).await?.sign(message).await?);
        }
        Ok(signatures)
    }

    async fn delete(&self, handles: &[KeyHandle]) -> Result<(), KeyStoreError> {
        self.storage.delete_keys(handles).map_err(|_| KeyStoreError::Unavailable)
    }
}

impl std::fmt::Debug for SoftwareKeys {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("SoftwareKeys")
    }
}

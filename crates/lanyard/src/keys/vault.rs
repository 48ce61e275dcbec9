//! Keys at rest: sealed with their tenant's key, which is wrapped by a key that is never in the database.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use lanyard_core::crypto::{CryptoProvider, Curve, PrivateKey, PublicKey};
use lanyard_store::{Put, SecretName, SecretStore, TenantId};

use tokio::sync::Mutex;

use super::{KeyError, KeyRing, SEALING_KEY, SealingKeys, TenantKey};
use crate::files;

/// Seals and opens the keys of tenants.
pub struct Vault {
    ring: KeyRing,
    store: Arc<dyn SecretStore>,
    provider: Arc<dyn CryptoProvider>,
    /// The keys of tenants that were unwrapped: each is asked for once.
    opened: Mutex<HashMap<TenantId, TenantKey>>,
}

impl Vault {
    /// Opens the vault of a data folder, and makes its sealing key on first start.
    ///
    /// # Errors
    /// When the sealing key cannot be read or written, is damaged or open to others, or is gone.
    pub async fn of_folder(
        folder: &Path,
        store: Arc<dyn SecretStore>,
        provider: Arc<dyn CryptoProvider>,
    ) -> Result<Self, KeyError> {
        let path = folder.join(SEALING_KEY);
        if !path.exists() {
            // a fresh key opens nothing, and hides that the right one is missing
            if !store.all_secrets().await?.is_empty() {
                return Err(KeyError::SealingKeyMissing { file: path.display().to_string() });
            }
            files::write_private(&path, &SealingKeys::generate(&*provider).to_bytes())?;
        }
        let ring = KeyRing::of_keys(SealingKeys::read(&path)?, provider.clone());
        Ok(Self::new(ring, store, provider))
    }

    /// A vault that these keys open.
    pub fn new(
        ring: KeyRing,
        store: Arc<dyn SecretStore>,
        provider: Arc<dyn CryptoProvider>,
    ) -> Self {
        Self { ring, store, provider, opened: Mutex::default() }
    }

    /// The provider with which keys are made.
    pub(crate) fn provider(&self) -> &dyn CryptoProvider {
        self.provider.as_ref()
    }

    /// The bytes of this name, made by `make` if there are none yet.
    ///
    /// Of two processes that start at once, both end with the bytes of the one that wrote first.
    ///
    /// # Errors
    /// When the store does not answer, or the sealing key is another one.
    pub async fn bytes(
        &self,
        tenant: &TenantId,
        name: &SecretName,
        now: Timestamp,
        make: impl FnOnce() -> Result<Vec<u8>, KeyError> + Send,
    ) -> Result<Vec<u8>, KeyError> {
        if let Some(secret) = self.store.secret(tenant, name).await? {
            return self.unseal(tenant, name, &secret.sealed, now).await;
        }
        let key = self.tenant_key(tenant, now).await?;
        let fresh = make()?;
        let sealed = key.seal((tenant, name), &fresh, &*self.provider)?;
        match self.store.put_secret(tenant, name, None, sealed, now).await? {
            Put::Done(_) => Ok(fresh),
            Put::Conflict => {
                let theirs = self.store.secret(tenant, name).await?.ok_or(KeyError::Unusable)?;
                self.unseal(tenant, name, &theirs.sealed, now).await
            }
        }
    }

    /// The P-256 key of this name, made on first use.
    ///
    /// # Errors
    /// As [`Vault::bytes`].
    pub async fn key(
        &self,
        tenant: &TenantId,
        name: &SecretName,
        now: Timestamp,
    ) -> Result<PrivateKey, KeyError> {
        self.key_of(tenant, name, Curve::P256, now).await
    }

    /// The key of this name and curve, made on first use.
    ///
    /// # Errors
    /// As [`Vault::bytes`].
    pub async fn key_of(
        &self,
        tenant: &TenantId,
        name: &SecretName,
        curve: Curve,
        now: Timestamp,
    ) -> Result<PrivateKey, KeyError> {
        let make = || {
            let key = self.provider.generate_key(curve).map_err(|_| KeyError::Unusable)?;
            Ok([key.danger_scalar(), &key.public().to_uncompressed()].concat())
        };
        let bytes = self.bytes(tenant, name, now, make).await?;
        let (scalar, public) = bytes.split_at_checked(32).ok_or(KeyError::Unusable)?;
        let public = PublicKey::from_uncompressed(curve, public).ok_or(KeyError::Unusable)?;
        PrivateKey::from_parts(scalar.to_vec(), public).ok_or(KeyError::Unusable)
    }

    async fn unseal(
        &self,
        tenant: &TenantId,
        name: &SecretName,
        sealed: &[u8],
        now: Timestamp,
    ) -> Result<Vec<u8>, KeyError> {
        let key = self.tenant_key(tenant, now).await?;
        if let Some(bytes) = key.open((tenant, name), sealed, &*self.provider) {
            return Ok(bytes.to_vec());
        }
        // as it was before tenants had keys, until `lanyard keys rewrap`
        Ok(self.ring.open_direct((tenant, name), sealed, &*self.provider)?.to_vec())
    }

    async fn tenant_key(&self, tenant: &TenantId, now: Timestamp) -> Result<TenantKey, KeyError> {
        let mut opened = self.opened.lock().await;
        if let Some(key) = opened.get(tenant) {
            return Ok(key.clone());
        }
        let key = self.ring.tenant_key(&*self.store, tenant, &*self.provider, now).await?;
        opened.insert(tenant.clone(), key.clone());
        Ok(key)
    }
}

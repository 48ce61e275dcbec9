//! Keys at rest: sealed with one key that lies beside the database, never in it.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use lanyard_core::crypto::{ContentEncryption, CryptoProvider, Curve, PrivateKey, PublicKey};
use lanyard_store::{Put, SecretName, SecretStore, TenantId};

use super::KeyError;
use crate::files;

const SEALING_KEY: &str = "sealing-key";

/// Seals and opens the keys of tenants.
pub struct Vault {
    sealing_key: [u8; 32],
    store: Arc<dyn SecretStore>,
    provider: Arc<dyn CryptoProvider>,
}

impl Vault {
    /// Opens the vault of a data folder, and makes its sealing key on first start.
    ///
    /// # Errors
    /// When the sealing key cannot be read or written, is damaged or open to others.
    pub fn open(
        folder: &Path,
        store: Arc<dyn SecretStore>,
        provider: Arc<dyn CryptoProvider>,
    ) -> Result<Self, KeyError> {
        let path = folder.join(SEALING_KEY);
        if !path.exists() {
            let mut fresh = [0; 32];
            provider.fill(&mut fresh);
            files::write_private(&path, &fresh)?;
        }
        Self::with_key(&path, store, provider)
    }

    /// Opens a vault with the sealing key in a file, which is the same for all who share a store.
    ///
    /// # Errors
    /// When the sealing key cannot be read, is damaged or open to others.
    pub fn with_key(
        path: &Path,
        store: Arc<dyn SecretStore>,
        provider: Arc<dyn CryptoProvider>,
    ) -> Result<Self, KeyError> {
        if let Some(mode) = files::open_to_others(path) {
            return Err(KeyError::OpenToOthers { file: path.display().to_string(), mode });
        }
        let bytes = std::fs::read(path)?;
        let sealing_key =
            bytes.try_into().map_err(|_| KeyError::SealingKeyDamaged { file: SEALING_KEY })?;
        Ok(Self { sealing_key, store, provider })
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
            return self.unseal(tenant, name, &secret.sealed);
        }
        let fresh = make()?;
        let sealed = self.seal(tenant, name, &fresh)?;
        match self.store.put_secret(tenant, name, None, sealed, now).await? {
            Put::Done(_) => Ok(fresh),
            Put::Conflict => {
                let theirs = self.store.secret(tenant, name).await?.ok_or(KeyError::Unusable)?;
                self.unseal(tenant, name, &theirs.sealed)
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

    fn seal(
        &self,
        tenant: &TenantId,
        name: &SecretName,
        bytes: &[u8],
    ) -> Result<Vec<u8>, KeyError> {
        let mut nonce = [0; 12];
        self.provider.fill(&mut nonce);
        let sealed = self
            .provider
            .seal(
                ContentEncryption::A256Gcm,
                &self.sealing_key,
                &nonce,
                &bound_to(tenant, name),
                bytes,
            )
            .map_err(|_| KeyError::Unusable)?;
        Ok([&nonce[..], &sealed].concat())
    }

    fn unseal(
        &self,
        tenant: &TenantId,
        name: &SecretName,
        sealed: &[u8],
    ) -> Result<Vec<u8>, KeyError> {
        let wrong = || KeyError::WrongSealingKey { file: SEALING_KEY };
        let (nonce, sealed) = sealed.split_first_chunk::<12>().ok_or_else(wrong)?;
        self.provider
            .open(
                ContentEncryption::A256Gcm,
                &self.sealing_key,
                nonce,
                &bound_to(tenant, name),
                sealed,
            )
            .map_err(|_| wrong())
    }
}

/// A sealed key moved to another tenant or name does not open there.
fn bound_to(tenant: &TenantId, name: &SecretName) -> Vec<u8> {
    format!("lanyard vault 1\n{tenant}\n{name}").into_bytes()
}

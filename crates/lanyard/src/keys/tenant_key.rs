//! The key of one tenant: it seals what the tenant has, and is itself wrapped by the key-encryption key.

use lanyard_core::crypto::{CryptoProvider, open_at_rest, seal_at_rest};
use lanyard_store::{SecretName, TenantId};
use zeroize::{ZeroizeOnDrop, Zeroizing};

use super::KeyError;

const KEY: usize = 32;

/// Under which name a tenant's wrapped key is stored.
const NAME: &str = "tenant-key";

/// What is stored in its place once it was erased, so that no new one is made.
pub(super) const ERASED: &[u8] = b"erased";

/// Seals the secrets of one tenant with AES-256-GCM.
#[derive(Clone, ZeroizeOnDrop)]
pub struct TenantKey([u8; KEY]);

/// The name of tenants' wrapped keys.
pub(super) fn name() -> Result<SecretName, KeyError> {
    NAME.parse().map_err(|_| KeyError::Unusable)
}

/// Whether a secret is a tenant's wrapped key.
pub(super) fn is_name(name: &SecretName) -> bool {
    name.as_str() == NAME
}

impl TenantKey {
    /// A fresh key.
    pub fn generate(provider: &dyn CryptoProvider) -> Self {
        let mut fresh = [0; KEY];
        provider.fill(&mut fresh);
        Self(fresh)
    }

    /// The key with these bytes.
    ///
    /// # Errors
    /// [`KeyError::Unusable`], if they are not 32.
    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        bytes.try_into().map(Self).map_err(|_| KeyError::Unusable)
    }

    /// The bytes, for whoever wraps them.
    pub(super) const fn danger_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Seals for one name of the tenant.
    ///
    /// # Errors
    /// [`KeyError::Unusable`], if the provider refuses.
    pub(super) fn seal(
        &self,
        (tenant, name): (&TenantId, &SecretName),
        bytes: &[u8],
        provider: &dyn CryptoProvider,
    ) -> Result<Vec<u8>, KeyError> {
        let bound = bound_to(tenant, name);
        seal_at_rest(&self.0, &bound, bytes, provider).map_err(|_| KeyError::Unusable)
    }

    /// Opens what was sealed for this name of the tenant; nothing, where it was not.
    pub(super) fn open(
        &self,
        (tenant, name): (&TenantId, &SecretName),
        sealed: &[u8],
        provider: &dyn CryptoProvider,
    ) -> Option<Zeroizing<Vec<u8>>> {
        open_at_rest(&self.0, &bound_to(tenant, name), sealed, provider).ok()
    }
}

/// What a sealed secret is bound to; "vault 1" is what the sealing key sealed by itself.
fn bound_to(tenant: &TenantId, name: &SecretName) -> Vec<u8> {
    format!("lanyard vault 2\n{tenant}\n{name}").into_bytes()
}

impl std::fmt::Debug for TenantKey {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("TenantKey")
    }
}

#[cfg(test)]
mod tests {
    use lanyard_core::{crypto::AwsLc, json};

    use super::*;

    #[test]
    fn opens_what_an_earlier_version_sealed() {
        let (acme, key) = ("acme".parse().unwrap(), "a".parse().unwrap());
        let sealed = "AAECAwQFBgcICQoLa-SKAnh9TTx_RJJgv43Ifvkpm7R9xg";
        let sealed = json::base64url_decode(sealed).unwrap();
        let opened = TenantKey([7; KEY]).open((&acme, &key), &sealed, &AwsLc).unwrap();
        assert_eq!(**opened, *b"secret");
    }

    #[test]
    fn what_a_tenants_key_sealed_opens_under_it_for_its_tenant_and_name_alone() {
        let (acme, other): (TenantId, TenantId) =
            ("acme".parse().unwrap(), "other".parse().unwrap());
        let (key, second): (SecretName, SecretName) = ("a".parse().unwrap(), "b".parse().unwrap());
        let ours = TenantKey::generate(&AwsLc);
        let sealed = ours.seal((&acme, &key), b"secret", &AwsLc).unwrap();
        assert_eq!(**ours.open((&acme, &key), &sealed, &AwsLc).unwrap(), *b"secret");
        assert!(ours.open((&other, &key), &sealed, &AwsLc).is_none(), "another tenant");
        assert!(ours.open((&acme, &second), &sealed, &AwsLc).is_none(), "another name");
        let theirs = TenantKey::generate(&AwsLc);
        assert!(theirs.open((&acme, &key), &sealed, &AwsLc).is_none(), "another tenant's key");
        let mut changed = sealed.clone();
        changed[12] ^= 1;
        assert!(ours.open((&acme, &key), &changed, &AwsLc).is_none(), "changed");
        assert!(ours.open((&acme, &key), &sealed[..11], &AwsLc).is_none(), "cut");
    }
}

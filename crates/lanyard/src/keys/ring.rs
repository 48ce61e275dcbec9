//! Who wraps the keys of tenants, and what is sealed under them.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use lanyard_core::crypto::CryptoProvider;
use lanyard_store::{Put, Secret, SecretName, SecretStore, TenantId};
use zeroize::Zeroizing;

use super::service::Sealing;
use super::tenant_key::{self, TenantKey};
use super::{KeyError, KeyPlace, SealingKeys};

/// Wraps the keys of tenants under a key-encryption key, which need not be in this process.
#[async_trait]
pub trait KeyEncryption: Send + Sync {
    /// Wraps a tenant's key under the newest key-encryption key.
    ///
    /// # Errors
    /// When the key-encryption key cannot be reached or refuses.
    async fn wrap(&self, tenant: &TenantId, key: &TenantKey) -> Result<Vec<u8>, KeyError>;

    /// Opens what was wrapped for this tenant, by the newest key-encryption key or one before.
    ///
    /// # Errors
    /// [`KeyError::WrongSealingKey`] for what none of them wrapped, and when they cannot be reached.
    async fn unwrap(&self, tenant: &TenantId, wrapped: &[u8]) -> Result<TenantKey, KeyError>;

    /// Whether the newest key-encryption key wrapped this.
    ///
    /// # Errors
    /// When the key-encryption key cannot be reached.
    async fn is_newest(&self, tenant: &TenantId, wrapped: &[u8]) -> Result<bool, KeyError>;
}

/// The key-encryption key that wraps, and the sealing keys that still open.
#[derive(Clone)]
pub struct KeyRing {
    newest: Arc<dyn KeyEncryption>,
    /// Open what a service does not yet wrap, and what they sealed by themselves before tenants had keys.
    sealing: Option<SealingKeys>,
}

/// What stands in a store, as far as keys are concerned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Examined {
    /// Tenants that have a key.
    pub tenants: usize,
    /// Those whose key the newest key-encryption key wrapped.
    pub under_newest: usize,
    /// Tenants whose key was erased.
    pub erased: usize,
    /// Secrets, without tenants' keys.
    pub secrets: usize,
    /// Those that a sealing key sealed by itself, as it was before tenants had keys.
    pub direct: usize,
}

impl Examined {
    /// Whether everything depends on the newest key-encryption key alone.
    #[must_use]
    pub const fn is_under_newest(&self) -> bool {
        self.under_newest == self.tenants && self.direct == 0
    }
}

impl KeyRing {
    /// The ring of sealing keys alone.
    pub fn of_keys(keys: SealingKeys, provider: Arc<dyn CryptoProvider>) -> Self {
        let newest = Arc::new(Software { keys: keys.clone(), provider });
        Self { newest, sealing: Some(keys) }
    }

    /// What a configuration names; a service needs no sealing key, but one that is there still opens.
    ///
    /// # Errors
    /// When keys cannot be read or a service not be set up.
    pub fn of(
        sealing: &Sealing,
        data: Option<&Path>,
        provider: &Arc<dyn CryptoProvider>,
    ) -> Result<Self, KeyError> {
        let place = match data {
            Some(data) => Some(KeyPlace::of_folder(sealing.file.as_deref(), data)),
            None => KeyPlace::find(sealing.file.as_deref()),
        };
        Self::at(sealing, place, provider)
    }

    /// The same with the sealing key at a place that is known.
    ///
    /// # Errors
    /// As [`KeyRing::of`].
    pub fn at(
        sealing: &Sealing,
        place: Option<KeyPlace>,
        provider: &Arc<dyn CryptoProvider>,
    ) -> Result<Self, KeyError> {
        let Some(service) = &sealing.service else {
            let keys = place.ok_or(KeyError::SealingKeyNowhere)?.read()?;
            return Ok(Self::of_keys(keys, provider.clone()));
        };
        let place = place.filter(KeyPlace::is_there);
        let before = place.map(|place| place.read()).transpose()?;
        Ok(Self { newest: service.connect(provider.clone())?, sealing: before })
    }

    pub(super) async fn wrap(
        &self,
        tenant: &TenantId,
        key: &TenantKey,
    ) -> Result<Vec<u8>, KeyError> {
        self.newest.wrap(tenant, key).await
    }

    pub(super) async fn unwrap(
        &self,
        stored: &Secret,
        provider: &dyn CryptoProvider,
    ) -> Result<TenantKey, KeyError> {
        let Secret { tenant, sealed, written_at, .. } = stored;
        if sealed == tenant_key::ERASED {
            let (tenant, at) = (tenant.clone(), *written_at);
            return Err(KeyError::TenantErased { tenant, at });
        }
        match self.newest.unwrap(tenant, sealed).await {
            Err(KeyError::WrongSealingKey) => {
                let keys = self.sealing.as_ref().ok_or(KeyError::WrongSealingKey)?;
                TenantKey::from_bytes(&keys.open((tenant, &stored.name), sealed, provider)?)
            }
            done => done,
        }
    }

    /// Opens what a sealing key sealed by itself.
    pub(super) fn open_direct(
        &self,
        place: (&TenantId, &SecretName),
        sealed: &[u8],
        provider: &dyn CryptoProvider,
    ) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        self.sealing.as_ref().ok_or(KeyError::WrongSealingKey)?.open(place, sealed, provider)
    }

    /// Opens everything that is sealed, and says how.
    ///
    /// # Errors
    /// [`KeyError::WrongSealingKey`] if there is something that nothing opens.
    pub async fn examine(
        &self,
        all: &[Secret],
        provider: &dyn CryptoProvider,
    ) -> Result<Examined, KeyError> {
        let mut found = Examined::default();
        let mut keys: HashMap<&TenantId, TenantKey> = HashMap::new();
        let (wrapped, sealed): (Vec<_>, Vec<_>) =
            all.iter().partition(|one| tenant_key::is_name(&one.name));
        let erased = erased(all);
        for one in wrapped {
            match self.unwrap(one, provider).await {
                Ok(key) => drop(keys.insert(&one.tenant, key)),
                Err(KeyError::TenantErased { .. }) => {
                    found.erased += 1;
                    continue;
                }
                Err(error) => return Err(error),
            }
            found.tenants += 1;
            let is_newest = self.newest.is_newest(&one.tenant, &one.sealed).await?;
            found.under_newest += usize::from(is_newest);
        }
        for one in sealed.into_iter().filter(|one| !erased.contains(&one.tenant)) {
            found.secrets += 1;
            let place = (&one.tenant, &one.name);
            let key = keys.get(&one.tenant);
            if key.and_then(|key| key.open(place, &one.sealed, provider)).is_none() {
                self.open_direct(place, &one.sealed, provider)?;
                found.direct += 1;
            }
        }
        Ok(found)
    }

    /// Wraps every tenant's key anew under the newest key-encryption key, and seals under it what a sealing key sealed
    /// by itself; says how much was changed.
    ///
    /// What somebody else writes meanwhile is left to them.
    ///
    /// # Errors
    /// [`KeyError::WrongSealingKey`] if there is something that nothing opens, and those of the store.
    pub async fn rewrap(
        &self,
        store: &dyn SecretStore,
        provider: &dyn CryptoProvider,
        now: Timestamp,
    ) -> Result<usize, KeyError> {
        let all = store.all_secrets().await?;
        let mut changed = 0;
        let mut keys: HashMap<TenantId, TenantKey> = HashMap::new();
        for one in all.iter().filter(|one| tenant_key::is_name(&one.name)) {
            let key = match self.unwrap(one, provider).await {
                Err(KeyError::TenantErased { .. }) => continue,
                key => key?,
            };
            if !self.newest.is_newest(&one.tenant, &one.sealed).await? {
                let wrapped = self.wrap(&one.tenant, &key).await?;
                changed += put(store, one, wrapped, now).await?;
            }
            keys.insert(one.tenant.clone(), key);
        }
        let erased = erased(&all);
        let is_sealed =
            |one: &&Secret| !tenant_key::is_name(&one.name) && !erased.contains(&one.tenant);
        for one in all.iter().filter(is_sealed) {
            let place = (&one.tenant, &one.name);
            let key = match keys.get(&one.tenant) {
                Some(key) => key.clone(),
                None => {
                    let key = self.tenant_key(store, &one.tenant, provider, now).await?;
                    keys.insert(one.tenant.clone(), key.clone());
                    key
                }
            };
            if key.open(place, &one.sealed, provider).is_none() {
                let bytes = self.open_direct(place, &one.sealed, provider)?;
                let sealed = key.seal(place, &bytes, provider)?;
                changed += put(store, one, sealed, now).await?;
            }
        }
        Ok(changed)
    }

    /// The key of a tenant, made on first use; of two processes that make one, both end with the first.
    ///
    /// # Errors
    /// [`KeyError::TenantErased`], and when it cannot be unwrapped or kept.
    pub async fn tenant_key(
        &self,
        store: &dyn SecretStore,
        tenant: &TenantId,
        provider: &dyn CryptoProvider,
        now: Timestamp,
    ) -> Result<TenantKey, KeyError> {
        let name = tenant_key::name()?;
        if let Some(stored) = store.secret(tenant, &name).await? {
            return self.unwrap(&stored, provider).await;
        }
        let fresh = TenantKey::generate(provider);
        let wrapped = self.wrap(tenant, &fresh).await?;
        match store.put_secret(tenant, &name, None, wrapped, now).await? {
            Put::Done(_) => Ok(fresh),
            Put::Conflict => {
                let theirs = store.secret(tenant, &name).await?.ok_or(KeyError::Unusable)?;
                self.unwrap(&theirs, provider).await
            }
        }
    }
}

/// The tenants whose key was erased: what a crash left of them opens no more, and keeps nobody else waiting.
fn erased(all: &[Secret]) -> HashSet<&TenantId> {
    let is_mark =
        |one: &&Secret| tenant_key::is_name(&one.name) && one.sealed == tenant_key::ERASED;
    all.iter().filter(is_mark).map(|one| &one.tenant).collect()
}

async fn put(
    store: &dyn SecretStore,
    one: &Secret,
    sealed: Vec<u8>,
    now: Timestamp,
) -> Result<usize, KeyError> {
    let put = store.put_secret(&one.tenant, &one.name, Some(one.version), sealed, now).await?;
    Ok(usize::from(matches!(put, Put::Done(_))))
}

/// Erases a tenant's key for good, and everything that was sealed under it; says how many secrets that were.
///
/// The key is gone first: what a crash leaves opens no more. A mark stays in its place, so that no new one is made.
///
/// # Errors
/// Those of the store, and [`KeyError::Unusable`] if somebody wrote the key meanwhile.
pub async fn erase_tenant(
    store: &dyn SecretStore,
    tenant: &TenantId,
    now: Timestamp,
) -> Result<usize, KeyError> {
    let name = tenant_key::name()?;
    let before = store.secret(tenant, &name).await?;
    let is_erased = before.as_ref().is_some_and(|before| before.sealed == tenant_key::ERASED);
    if !is_erased {
        let version = before.map(|before| before.version);
        let mark = tenant_key::ERASED.to_vec();
        let put = store.put_secret(tenant, &name, version, mark, now).await?;
        if put == Put::Conflict {
            return Err(KeyError::Unusable);
        }
    }
    let mut erased = 0;
    for other in store.secret_names(tenant, "").await?.iter().filter(|other| **other != name) {
        erased += usize::from(store.remove_secret(tenant, other, now).await?);
    }
    Ok(erased)
}

/// Key-encryption keys in this process.
struct Software {
    keys: SealingKeys,
    provider: Arc<dyn CryptoProvider>,
}

#[async_trait]
impl KeyEncryption for Software {
    async fn wrap(&self, tenant: &TenantId, key: &TenantKey) -> Result<Vec<u8>, KeyError> {
        self.keys.seal((tenant, &tenant_key::name()?), key.danger_bytes(), &*self.provider)
    }

    async fn unwrap(&self, tenant: &TenantId, wrapped: &[u8]) -> Result<TenantKey, KeyError> {
        let place = (tenant, &tenant_key::name()?);
        TenantKey::from_bytes(&self.keys.open(place, wrapped, &*self.provider)?)
    }

    async fn is_newest(&self, tenant: &TenantId, wrapped: &[u8]) -> Result<bool, KeyError> {
        let place = (tenant, &tenant_key::name()?);
        Ok(self.keys.newest().open(place, wrapped, &*self.provider).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use lanyard_core::crypto::AwsLc;
    use lanyard_store::MemoryStore;

    use super::super::Vault;
    use super::*;

    const NOW: Timestamp = Timestamp::constant(1_800_000_000, 0);

    fn tenant(name: &str) -> TenantId {
        name.parse().unwrap()
    }

    fn secret() -> SecretName {
        "issuer/data-key".parse().unwrap()
    }

    fn ring(keys: &SealingKeys) -> KeyRing {
        KeyRing::of_keys(keys.clone(), Arc::new(AwsLc))
    }

    fn vault(keys: &SealingKeys, store: &Arc<MemoryStore>) -> Vault {
        Vault::new(ring(keys), store.clone(), Arc::new(AwsLc))
    }

    /// The secret of a tenant, made of `byte` if there is none.
    async fn bytes(vault: &Vault, name: &str, byte: u8) -> Result<Vec<u8>, KeyError> {
        vault.bytes(&tenant(name), &secret(), NOW, || Ok(vec![byte; 32])).await
    }

    async fn stored(store: &MemoryStore, name: &str, of: &SecretName) -> Secret {
        store.secret(&tenant(name), of).await.unwrap().unwrap()
    }

    #[tokio::test]
    async fn what_a_sealing_key_sealed_by_itself_opens_and_rewrap_brings_it_under_its_tenants_key()
    {
        let (store, keys) = (Arc::new(MemoryStore::new()), SealingKeys::generate(&AwsLc));
        let acme = tenant("acme");
        let direct = keys.seal((&acme, &secret()), &[7; 32], &AwsLc).unwrap();
        let _ = store.put_secret(&acme, &secret(), None, direct, NOW).await.unwrap();
        assert_eq!(bytes(&vault(&keys, &store), "acme", 1).await.unwrap(), [7; 32]);
        let all = store.all_secrets().await.unwrap();
        let found = ring(&keys).examine(&all, &AwsLc).await.unwrap();
        let expected = Examined { tenants: 1, under_newest: 1, secrets: 1, direct: 1, erased: 0 };
        assert_eq!(found, expected);
        assert!(!found.is_under_newest());

        assert_eq!(ring(&keys).rewrap(&*store, &AwsLc, NOW).await.unwrap(), 1);
        assert_eq!(ring(&keys).rewrap(&*store, &AwsLc, NOW).await.unwrap(), 0);
        let sealed = stored(&store, "acme", &secret()).await.sealed;
        assert!(keys.open((&acme, &secret()), &sealed, &AwsLc).is_err(), "not by itself any more");
        assert_eq!(bytes(&vault(&keys, &store), "acme", 1).await.unwrap(), [7; 32]);
    }

    #[tokio::test]
    async fn a_new_sealing_key_touches_the_keys_of_tenants_and_nothing_that_they_seal() {
        let (store, keys) = (Arc::new(MemoryStore::new()), SealingKeys::generate(&AwsLc));
        for (name, byte) in [("acme", 1), ("other", 2)] {
            bytes(&vault(&keys, &store), name, byte).await.unwrap();
        }
        let rotated = keys.rotated(&AwsLc);
        assert_eq!(ring(&rotated).rewrap(&*store, &AwsLc, NOW).await.unwrap(), 2);
        assert_eq!(stored(&store, "acme", &secret()).await.version, 1);
        let (newest, of_acme) = (rotated.newest(), bytes(&vault(&keys, &store), "acme", 9).await);
        assert!(matches!(of_acme, Err(KeyError::WrongSealingKey)), "{of_acme:?}");
        assert_eq!(bytes(&vault(&newest, &store), "acme", 9).await.unwrap(), [1; 32]);
        assert_eq!(bytes(&vault(&newest, &store), "other", 9).await.unwrap(), [2; 32]);
    }

    #[tokio::test]
    async fn a_wrapped_key_opens_for_its_own_tenant_alone() {
        let (store, keys) = (Arc::new(MemoryStore::new()), SealingKeys::generate(&AwsLc));
        for name in ["acme", "other"] {
            bytes(&vault(&keys, &store), name, 1).await.unwrap();
        }
        let name = tenant_key::name().unwrap();
        let theirs = stored(&store, "other", &name).await.sealed;
        let put = store.put_secret(&tenant("acme"), &name, Some(1), theirs, NOW).await.unwrap();
        assert_eq!(put, Put::Done(2));
        let moved = bytes(&vault(&keys, &store), "acme", 1).await;
        assert!(matches!(moved, Err(KeyError::WrongSealingKey)), "{moved:?}");
    }

    #[tokio::test]
    async fn what_an_erased_key_sealed_opens_no_more_also_when_it_is_put_back() {
        let (store, keys) = (Arc::new(MemoryStore::new()), SealingKeys::generate(&AwsLc));
        for name in ["acme", "other"] {
            bytes(&vault(&keys, &store), name, 1).await.unwrap();
        }
        let acme = tenant("acme");
        let sealed = stored(&store, "acme", &secret()).await.sealed;
        assert_eq!(erase_tenant(&*store, &acme, NOW).await.unwrap(), 1);
        assert_eq!(erase_tenant(&*store, &acme, NOW).await.unwrap(), 0, "once more does no harm");

        let gone = bytes(&vault(&keys, &store), "acme", 1).await;
        let is_erased = |error: &KeyError| matches!(error, KeyError::TenantErased { tenant, at } if *tenant == acme && *at == NOW);
        assert!(gone.as_ref().is_err_and(is_erased), "no new key is made: {gone:?}");
        let _ = store.put_secret(&acme, &secret(), None, sealed, NOW).await.unwrap();
        let gone = bytes(&vault(&keys, &store), "acme", 1).await;
        assert!(gone.as_ref().is_err_and(is_erased), "{gone:?}");
        assert_eq!(bytes(&vault(&keys, &store), "other", 9).await.unwrap(), [1; 32]);
    }

    #[tokio::test]
    async fn what_a_crash_left_of_an_erased_tenant_stands_in_nobodys_way() {
        let (store, keys) = (Arc::new(MemoryStore::new()), SealingKeys::generate(&AwsLc));
        for name in ["acme", "other"] {
            bytes(&vault(&keys, &store), name, 1).await.unwrap();
        }
        let acme = tenant("acme");
        let left = stored(&store, "acme", &secret()).await.sealed;
        erase_tenant(&*store, &acme, NOW).await.unwrap();
        let _ = store.put_secret(&acme, &secret(), None, left.clone(), NOW).await.unwrap();

        let all = store.all_secrets().await.unwrap();
        let found = ring(&keys).examine(&all, &AwsLc).await.unwrap();
        let expected = Examined { tenants: 1, under_newest: 1, secrets: 1, direct: 0, erased: 1 };
        assert_eq!(found, expected);
        let rotated = keys.rotated(&AwsLc);
        assert_eq!(ring(&rotated).rewrap(&*store, &AwsLc, NOW).await.unwrap(), 1);
        assert_eq!(stored(&store, "acme", &secret()).await.sealed, left, "not touched");
    }
}

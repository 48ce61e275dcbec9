//! Attestations of this instance of the wallet, by the app's backend.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use jiff::SignedDuration;
use lanyard_core::{
    Timestamp,
    jose::Jwk,
    json::{self, numeric_date},
};
use lanyard_oid4vci::IssuerUrl;

use crate::{
    ports::{AttestedInstance, Clock, KeyStore, KeyStoreError, WalletAttestation},
    storage::Storage,
};

/// What an attestation that is kept must still be good for.
const LEFT: SignedDuration = SignedDuration::from_secs(60);

/// The app's backend, as the wallet provider that attests instances.
#[async_trait]
pub trait InstanceAttester: Send + Sync {
    /// A wallet attestation (`oauth-client-attestation+jwt`) about this key, a JWK in JSON, to be shown to this
    /// authorization server and no other.
    ///
    /// # Errors
    /// [`KeyStoreError::Unavailable`] when there is none to be had.
    async fn attest_instance(&self, server: &str, jwk: &str) -> Result<String, KeyStoreError>;
}

/// A key for each authorization server, attested by the backend when it is needed: one that were shown to two would
/// link the holder (HAIP §4.4.1).
pub(crate) struct Instances {
    pub(crate) attester: Arc<dyn InstanceAttester>,
    pub(crate) keys: Arc<dyn KeyStore>,
    pub(crate) storage: Storage,
    pub(crate) clock: Arc<dyn Clock>,
    /// What is still good, by authorization server.
    pub(crate) kept: Mutex<HashMap<String, Kept>>,
}

/// An attestation and when it ends.
pub(crate) struct Kept {
    attestation: String,
    until: Timestamp,
}

#[async_trait]
impl WalletAttestation for Instances {
    async fn attest(&self, server: &IssuerUrl) -> Result<AttestedInstance, KeyStoreError> {
        let server = server.as_str();
        let known = self.storage.instance_key(server).map_err(|_| KeyStoreError::Unavailable)?;
        let known = match known {
            Some(handle) => self.keys.signer(&handle).await.ok(),
            None => None,
        };
        let is_new = known.is_none();
        let key = match known {
            Some(key) => key,
            None => self.new_key(server).await?,
        };
        let soon = self.clock.now().checked_add(LEFT).unwrap_or(Timestamp::MAX);
        let kept = || {
            let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.get(server).filter(|kept| soon < kept.until).map(|kept| kept.attestation.clone())
        };
        if let Some(attestation) = kept().filter(|_| !is_new) {
            return Ok(AttestedInstance { attestation, key });
        }
        let jwk = Jwk::new(*key.public_key()).to_value().to_string();
        let attestation = self.attester.attest_instance(server, &jwk).await?;
        if let Some(until) = end_of(&attestation) {
            let kept = Kept { attestation: attestation.clone(), until };
            let mut all = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            all.insert(server.to_owned(), kept);
        }
        Ok(AttestedInstance { attestation, key })
    }
}

impl Instances {
    async fn new_key(
        &self,
        server: &str,
    ) -> Result<Arc<dyn lanyard_core::crypto::Signer>, KeyStoreError> {
        let handle = self.keys.generate(1).await?.pop().ok_or(KeyStoreError::Unavailable)?;
        let kept = self.storage.keep_instance_key(server, &handle);
        kept.map_err(|_| KeyStoreError::Unavailable)?;
        self.keys.signer(&handle).await
    }
}

/// `exp` of a JWT of our own backend, which nobody here verifies.
fn end_of(jwt: &str) -> Option<Timestamp> {
    let payload = json::base64url_decode(jwt.split('.').nth(1)?).ok()?;
    numeric_date(json::parse(&payload).ok()?.get("exp")?)
}

#[cfg(test)]
mod tests {
    use lanyard_core::crypto::{CryptoProvider, RustCrypto};
    use lanyard_oid4vci::Transport;
    use zeroize::Zeroizing;

    use super::*;
    use crate::{
        KeyAttester, KeyToAttest, SoftwareKeys, VouchedKeys,
        ports::{
            KeyAttestation as _, KeyAttestationUnavailable, KeyHandle, SecureStorage,
            SecureStorageError,
        },
        storage::Form,
    };

    struct Key;

    #[async_trait]
    impl SecureStorage for Key {
        async fn database_key(&self) -> Result<Zeroizing<[u8; 32]>, SecureStorageError> {
            Ok(Zeroizing::new([1; 32]))
        }
    }

    /// A clock that a test moves.
    #[derive(Default)]
    struct Moved(Mutex<i64>);

    impl Clock for Moved {
        fn now(&self) -> Timestamp {
            Timestamp::from_second(*self.0.lock().unwrap()).unwrap()
        }
    }

    /// A backend that counts what it is asked and attests for 1,000 seconds from the epoch.
    #[derive(Default)]
    struct Backend(Mutex<Vec<(String, String)>>);

    #[async_trait]
    impl InstanceAttester for Backend {
        async fn attest_instance(&self, server: &str, jwk: &str) -> Result<String, KeyStoreError> {
            self.0.lock().unwrap().push((server.to_owned(), jwk.to_owned()));
            Ok(format!("e30.{}.c2ln", json::base64url(br#"{"exp":1000}"#)))
        }
    }

    #[async_trait]
    impl KeyAttester for Backend {
        async fn attest_keys(
            &self,
            keys: &[KeyToAttest],
            nonce: Option<&str>,
        ) -> Result<String, KeyAttestationUnavailable> {
            let asked = keys.iter().map(|key| (key.handle.0.clone(), key.jwk.clone()));
            self.0.lock().unwrap().extend(asked);
            Ok(nonce.unwrap_or_default().to_owned())
        }
    }

    async fn instances(
        folder: &std::path::Path,
        backend: &Arc<Backend>,
        clock: &Arc<Moved>,
    ) -> Instances {
        let crypto: Arc<dyn CryptoProvider> = Arc::new(RustCrypto);
        let file = folder.join("wallet.db");
        let storage = Storage::open_as(Form::Journal, &file, &Key, crypto.clone()).await.unwrap();
        Instances {
            attester: backend.clone(),
            keys: Arc::new(SoftwareKeys::new(storage.clone(), crypto)),
            storage,
            clock: clock.clone(),
            kept: Mutex::default(),
        }
    }

    fn server(text: &str) -> IssuerUrl {
        IssuerUrl::parse(text, Transport::Https).unwrap()
    }

    #[tokio::test]
    async fn each_server_is_shown_a_key_of_its_own_that_stays_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let (backend, clock) = (Arc::new(Backend::default()), Arc::new(Moved::default()));
        let one = instances(folder.path(), &backend, &clock).await;
        let key = *one.attest(&server("https://a.example")).await.unwrap().key.public_key();
        let other = *one.attest(&server("https://b.example")).await.unwrap().key.public_key();
        assert_ne!(key, other);
        let reopened = instances(folder.path(), &backend, &clock).await;
        let again = *reopened.attest(&server("https://a.example")).await.unwrap().key.public_key();
        assert_eq!(again, key);
        let asked = backend.0.lock().unwrap().clone();
        let servers: Vec<_> = asked.iter().map(|(server, _)| server.as_str()).collect();
        assert_eq!(servers, ["https://a.example", "https://b.example", "https://a.example"]);
        assert_eq!(asked[0].1, asked[2].1);
    }

    #[tokio::test]
    async fn an_attestation_is_shown_until_shortly_before_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let (backend, clock) = (Arc::new(Backend::default()), Arc::new(Moved::default()));
        let instances = instances(folder.path(), &backend, &clock).await;
        let mut asked = Vec::new();
        for moment in [0, 900, 939, 940] {
            *clock.0.lock().unwrap() = moment;
            instances.attest(&server("https://a.example")).await.unwrap();
            asked.push(backend.0.lock().unwrap().len());
        }
        assert_eq!(asked, [1, 1, 1, 2]);
    }

    #[tokio::test]
    async fn the_backend_sees_every_key_in_order_and_the_nonce() {
        let folder = tempfile::tempdir().unwrap();
        let (backend, clock) = (Arc::new(Backend::default()), Arc::new(Moved::default()));
        let keys = instances(folder.path(), &backend, &clock).await.keys;
        let handles = keys.generate(3).await.unwrap();
        let vouched = VouchedKeys::new(backend.clone(), keys.clone());
        assert_eq!(vouched.attest(&handles, Some("n-1")).await, Ok("n-1".to_owned()));
        let asked = backend.0.lock().unwrap().clone();
        let names: Vec<_> = asked.iter().map(|(handle, _)| KeyHandle(handle.clone())).collect();
        assert_eq!(names, handles);
        let first = *keys.signer(&handles[0]).await.unwrap().public_key();
        assert_eq!(asked[0].1, Jwk::new(first).to_value().to_string());
    }

    #[tokio::test]
    async fn nobody_vouches_for_a_key_that_is_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let (backend, clock) = (Arc::new(Backend::default()), Arc::new(Moved::default()));
        let keys = instances(folder.path(), &backend, &clock).await.keys;
        let vouched = VouchedKeys::new(backend.clone(), keys);
        let refused = vouched.attest(&[KeyHandle("7".to_owned())], None).await;
        assert_eq!(refused, Err(KeyAttestationUnavailable));
        assert!(backend.0.lock().unwrap().is_empty());
    }
}

//! What the phone, the terminal or the browser demo has to bring.

use std::sync::Arc;

use async_trait::async_trait;
use lanyard_core::{
    Timestamp,
    crypto::{CryptoProvider, Signer, SignerError},
};
use lanyard_fetch::HttpClient;
use lanyard_oid4vci::IssuerUrl;
use thiserror::Error;
use zeroize::Zeroizing;

/// The time, from the device.
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Timestamp;
}

/// The device's own time.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// Names a private key in its [`KeyStore`]; no key leaves the store, only its name does.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct KeyHandle(pub String);

/// Where holder keys live: Secure Enclave, Android Keystore, or software.
#[async_trait]
pub trait KeyStore: Send + Sync {
    /// Makes fresh P-256 keys, one for each credential copy.
    ///
    /// # Errors
    /// [`KeyStoreError`] when the key's home refuses.
    async fn generate(&self, count: usize) -> Result<Vec<KeyHandle>, KeyStoreError>;

    /// A signer over one key.
    ///
    /// # Errors
    /// [`KeyStoreError::Unknown`] when there is no such key.
    async fn signer(&self, handle: &KeyHandle) -> Result<Arc<dyn Signer>, KeyStoreError>;

    /// A signature for each message by its key, in the form of JOSE: one call, and on a phone one authentication of
    /// the holder, for a whole batch of key proofs.
    ///
    /// # Errors
    /// [`KeyStoreError`] when one of the keys is unknown or its home refuses; then there is no signature at all.
    async fn sign_each(
        &self,
        wanted: &[(KeyHandle, Vec<u8>)],
    ) -> Result<Vec<Vec<u8>>, KeyStoreError>;

    /// Deletes keys that no credential needs any more; unknown ones are no error.
    ///
    /// # Errors
    /// [`KeyStoreError`] when the key's home refuses.
    async fn delete(&self, handles: &[KeyHandle]) -> Result<(), KeyStoreError>;
}

/// Why a key store did not do as asked.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum KeyStoreError {
    /// There is no key of that name.
    #[error("the key is not in the key store")]
    Unknown,
    /// The key's home cannot be used now.
    #[error("the key store cannot be used")]
    Unavailable,
    /// The holder did not unlock the key.
    #[error(transparent)]
    Signer(#[from] SignerError),
}

impl From<KeyStoreError> for SignerError {
    fn from(error: KeyStoreError) -> Self {
        match error {
            KeyStoreError::Signer(error) => error,
            KeyStoreError::Unknown | KeyStoreError::Unavailable => Self::Unavailable,
        }
    }
}

/// Who vouches for the holder's keys: the wallet provider, for keys in hardware (OID4VCI 1.0 App. D).
#[async_trait]
pub trait KeyAttestation: Send + Sync {
    /// A key attestation JWT about all these keys, fresh by the issuer's nonce where there is one.
    ///
    /// # Errors
    /// [`KeyAttestationUnavailable`], whatever is in the way.
    async fn attest(
        &self,
        keys: &[KeyHandle],
        nonce: Option<&str>,
    ) -> Result<String, KeyAttestationUnavailable>;
}

/// The wallet provider gave no key attestation.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("no key attestation could be had")]
pub struct KeyAttestationUnavailable;

/// Where the key of the database comes from: Keychain, Keystore, a passphrase.
#[async_trait]
pub trait SecureStorage: Send + Sync {
    /// The 256-bit key under which every record is sealed; the same at every start.
    ///
    /// # Errors
    /// [`SecureStorageError`] when the device does not give it out.
    async fn database_key(&self) -> Result<Zeroizing<[u8; 32]>, SecureStorageError>;
}

/// The device did not give out the database key.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the key of the wallet's database is not available")]
pub struct SecureStorageError;

/// Vouches for this wallet: the wallet provider's service, which attests a key of this instance.
#[async_trait]
pub trait WalletAttestation: Send + Sync {
    /// An attestation that is good now, for this authorization server and no other: one that was shown
    /// elsewhere would link the holder (HAIP §4.4.1).
    ///
    /// # Errors
    /// [`KeyStoreError`] when there is none to be had.
    async fn attest(&self, server: &IssuerUrl) -> Result<AttestedInstance, KeyStoreError>;
}

/// An attestation and the key in it.
pub struct AttestedInstance {
    /// The attestation: `oauth-client-attestation+jwt`.
    pub attestation: String,
    /// The key that it names, to prove possession with.
    pub key: Arc<dyn Signer>,
}

/// Asks the holder in front of the device who they are: biometrics, a PIN.
#[async_trait]
pub trait UserAuthentication: Send + Sync {
    /// True when it is the holder.
    async fn authenticate(&self, occasion: Occasion) -> bool;
}

/// What the holder is asked to authenticate for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// Claims are to be shared.
    Share,
}

/// The holder was asked and did not authenticate.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the holder did not authenticate")]
pub struct NotAuthenticated;

/// All ports together.
#[derive(Clone)]
pub struct Ports {
    /// Cryptography and randomness.
    pub crypto: Arc<dyn CryptoProvider>,
    /// Outbound HTTP.
    pub http: Arc<dyn HttpClient>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Holder keys.
    pub keys: Arc<dyn KeyStore>,
    /// Who attests this wallet to authorization servers, if anybody does.
    pub attestation: Option<Arc<dyn WalletAttestation>>,
    /// Who vouches for them; without, issuers that demand that cannot be served.
    pub key_attestation: Option<Arc<dyn KeyAttestation>>,
    /// Who asks the holder before claims are shared; without, consent is enough.
    pub user: Option<Arc<dyn UserAuthentication>>,
}

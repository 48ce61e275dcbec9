//! What the app implements, and how the wallet sees it.

use std::sync::Arc;

use async_trait::async_trait;
use lanyard_wallet::{
    AppPorts, HardwareKey, InstanceAttester, KeyAttester, KeyHome, KeyToAttest,
    ports::{
        Clock, KeyAttestationUnavailable, KeyHandle, KeyStoreError, Occasion, SecureStorage,
        SecureStorageError, UserAuthentication,
    },
    protocol::{NoAnswer, PlainHttp, PlainRequest, PlainResponse, SignerError, Timestamp},
};
use thiserror::Error;
use uniffi::UnexpectedUniFFICallbackError;
use zeroize::Zeroizing;

/// What the app brings; `secure_storage` alone is a must.
#[derive(uniffi::Record)]
pub struct WalletPorts {
    /// Keychain or Keystore: where the key of the database is kept.
    pub secure_storage: Arc<dyn SecureStoragePort>,
    /// Secure Enclave or Keystore: where holder keys live; without, in the sealed database.
    pub key_store: Option<Arc<dyn KeyStorePort>>,
    /// The platform's HTTP; without, the wallet's own.
    pub http: Option<Arc<dyn HttpPort>>,
    /// The time; without, the device's.
    pub clock: Option<Arc<dyn ClockPort>>,
    /// Biometrics or PIN before claims are shared; without, consent is enough.
    pub user_authentication: Option<Arc<dyn UserAuthenticationPort>>,
    /// The app's backend that attests this wallet; without, servers that demand that cannot be served.
    #[uniffi(default = None)]
    pub wallet_attestation: Option<Arc<dyn WalletAttestationPort>>,
    /// The app's backend that vouches for holder keys; without, issuers that demand that cannot be served.
    #[uniffi(default = None)]
    pub key_attestation: Option<Arc<dyn KeyAttestationPort>>,
}

/// A key as its home shows it.
#[derive(uniffi::Record)]
pub struct KeyRecord {
    /// Its name there.
    pub handle: String,
    /// Its public half: 65 bytes, `04 || x || y`, on P-256.
    pub public_key: Vec<u8>,
}

/// A message and the key that signs it.
#[derive(uniffi::Record)]
pub struct ToSign {
    /// The key's name in its home.
    pub handle: String,
    /// What is signed.
    pub message: Vec<u8>,
}

/// Why a key store did not do as asked.
#[derive(Debug, Error, uniffi::Error)]
pub enum KeyStorePortError {
    /// There is no key of that name.
    #[error("the key is not in the key store")]
    Unknown,
    /// The holder did not unlock the key.
    #[error("the use of the key was not authorised")]
    NotAuthorised,
    /// The key's home cannot be used now.
    #[error("the key store cannot be used")]
    Unavailable,
}

/// Hardware that makes and uses keys on P-256. No private key ever leaves it.
#[uniffi::export(with_foreign)]
#[async_trait]
pub trait KeyStorePort: Send + Sync {
    /// Makes so many keys.
    async fn generate(&self, count: u32) -> Result<Vec<KeyRecord>, KeyStorePortError>;

    /// The public half of a key: 65 bytes.
    async fn public_key(&self, handle: String) -> Result<Vec<u8>, KeyStorePortError>;

    /// Signs by ECDSA with SHA-256: `r || s`, or DER.
    async fn sign(&self, handle: String, message: Vec<u8>) -> Result<Vec<u8>, KeyStorePortError>;

    /// Signs each message by its key, as `sign` does: a batch of key proofs, with one authentication for all.
    async fn sign_each(&self, wanted: Vec<ToSign>) -> Result<Vec<Vec<u8>>, KeyStorePortError>;

    /// Deletes keys; unknown ones are no error.
    async fn delete(&self, handles: Vec<String>) -> Result<(), KeyStorePortError>;
}

/// The device did not give out the database key.
#[derive(Debug, Error, uniffi::Error)]
pub enum SecureStoragePortError {
    /// Whatever is in the way.
    #[error("the key of the wallet's database is not available")]
    Unavailable,
}

/// Where the key of the database comes from.
#[uniffi::export(with_foreign)]
#[async_trait]
pub trait SecureStoragePort: Send + Sync {
    /// 32 bytes, made at random at the first call and the same ever after.
    async fn database_key(&self) -> Result<Vec<u8>, SecureStoragePortError>;
}

/// One header.
#[derive(uniffi::Record)]
pub struct HttpHeader {
    /// Its name, in any case.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// One request for the platform's HTTP client.
#[derive(uniffi::Record)]
pub struct HttpExchange {
    /// `GET` or `POST`.
    pub method: String,
    /// Where to, absolute.
    pub url: String,
    /// All headers.
    pub headers: Vec<HttpHeader>,
    /// The body; empty when there is none.
    pub body: Vec<u8>,
    /// Stop reading the answer after these many bytes.
    pub most_bytes: u64,
}

/// The answer of the peer.
#[derive(uniffi::Record)]
pub struct HttpReply {
    /// The status code; also of errors.
    pub status: u16,
    /// All headers.
    pub headers: Vec<HttpHeader>,
    /// The body.
    pub body: Vec<u8>,
}

/// There is no answer.
#[derive(Debug, Error, uniffi::Error)]
pub enum HttpPortError {
    /// Whatever is in the way.
    #[error("no answer")]
    NoAnswer,
}

/// The platform's HTTP client: no redirects, no cookies, no cache.
#[uniffi::export(with_foreign)]
#[async_trait]
pub trait HttpPort: Send + Sync {
    /// Sends one request and reads the whole answer.
    async fn send(&self, exchange: HttpExchange) -> Result<HttpReply, HttpPortError>;
}

/// The time.
#[uniffi::export(with_foreign)]
pub trait ClockPort: Send + Sync {
    /// Seconds since 1970 in UTC.
    fn now(&self) -> i64;
}

/// Asks the holder in front of the device who they are.
#[uniffi::export(with_foreign)]
#[async_trait]
pub trait UserAuthenticationPort: Send + Sync {
    /// True when it is the holder; claims are to be shared.
    async fn authenticate_to_share(&self) -> bool;
}

/// The app's backend gave no attestation.
#[derive(Debug, Error, uniffi::Error)]
pub enum AttestationPortError {
    /// Whatever is in the way.
    #[error("no attestation could be had")]
    Unavailable,
}

/// The app's backend as wallet provider: it attests instances of this wallet.
#[uniffi::export(with_foreign)]
#[async_trait]
pub trait WalletAttestationPort: Send + Sync {
    /// An `oauth-client-attestation+jwt` about this key, a JWK in JSON, to be shown to this authorization server and
    /// no other. It is kept and shown until it ends.
    async fn attest(&self, server: String, jwk: String) -> Result<String, AttestationPortError>;
}

/// A holder key that is to be attested.
#[derive(uniffi::Record)]
pub struct KeyToAttestRecord {
    /// Its name in its home, to ask the platform about it.
    pub handle: String,
    /// Its public half: a JWK in JSON.
    pub jwk: String,
}

/// The app's backend as wallet provider: it vouches for holder keys.
#[uniffi::export(with_foreign)]
#[async_trait]
pub trait KeyAttestationPort: Send + Sync {
    /// A `key-attestation+jwt` about all these keys in this order, with the issuer's nonce where there is one.
    async fn attest(
        &self,
        keys: Vec<KeyToAttestRecord>,
        nonce: Option<String>,
    ) -> Result<String, AttestationPortError>;
}

impl From<WalletPorts> for AppPorts {
    fn from(ports: WalletPorts) -> Self {
        Self {
            secure: Arc::new(Secure(ports.secure_storage)),
            keys: ports.key_store.map(|port| Arc::new(Keys(port)) as Arc<dyn KeyHome>),
            http: ports.http.map(|port| Arc::new(Http(port)) as Arc<dyn PlainHttp>),
            clock: ports.clock.map(|port| Arc::new(Time(port)) as Arc<dyn Clock>),
            user: ports
                .user_authentication
                .map(|port| Arc::new(User(port)) as Arc<dyn UserAuthentication>),
            instance_attester: ports
                .wallet_attestation
                .map(|port| Arc::new(WalletProvider(port)) as Arc<dyn InstanceAttester>),
            key_attester: ports
                .key_attestation
                .map(|port| Arc::new(KeyProvider(port)) as Arc<dyn KeyAttester>),
        }
    }
}

struct Secure(Arc<dyn SecureStoragePort>);

#[async_trait]
impl SecureStorage for Secure {
    async fn database_key(&self) -> Result<Zeroizing<[u8; 32]>, SecureStorageError> {
        let key = Zeroizing::new(self.0.database_key().await.map_err(|_| SecureStorageError)?);
        key.as_slice().try_into().map(Zeroizing::new).map_err(|_| SecureStorageError)
    }
}

struct Keys(Arc<dyn KeyStorePort>);

#[async_trait]
impl KeyHome for Keys {
    async fn generate(&self, count: u32) -> Result<Vec<HardwareKey>, KeyStoreError> {
        let keys = self.0.generate(count).await?;
        Ok(keys.into_iter().map(HardwareKey::from).collect())
    }

    async fn public_key(&self, handle: &KeyHandle) -> Result<Vec<u8>, KeyStoreError> {
        Ok(self.0.public_key(handle.0.clone()).await?)
    }

    async fn sign(&self, handle: &KeyHandle, message: &[u8]) -> Result<Vec<u8>, KeyStoreError> {
        Ok(self.0.sign(handle.0.clone(), message.to_vec()).await?)
    }

    async fn sign_each(
        &self,
        wanted: &[(KeyHandle, Vec<u8>)],
    ) -> Result<Vec<Vec<u8>>, KeyStoreError> {
        let wanted = wanted.iter().cloned();
        Ok(self.0.sign_each(wanted.map(ToSign::from).collect()).await?)
    }

    async fn delete(&self, handles: &[KeyHandle]) -> Result<(), KeyStoreError> {
        Ok(self.0.delete(handles.iter().map(|handle| handle.0.clone()).collect()).await?)
    }
}

struct Http(Arc<dyn HttpPort>);

#[async_trait]
impl PlainHttp for Http {
    async fn send(&self, request: PlainRequest) -> Result<PlainResponse, NoAnswer> {
        self.0.send(request.into()).await.map(PlainResponse::from).map_err(|_| NoAnswer)
    }
}

struct Time(Arc<dyn ClockPort>);

impl Clock for Time {
    fn now(&self) -> Timestamp {
        // a clock beyond the year 9999 finds everything expired
        Timestamp::from_second(self.0.now()).unwrap_or(Timestamp::MAX)
    }
}

struct User(Arc<dyn UserAuthenticationPort>);

#[async_trait]
impl UserAuthentication for User {
    async fn authenticate(&self, occasion: Occasion) -> bool {
        match occasion {
            Occasion::Share => self.0.authenticate_to_share().await,
        }
    }
}

struct WalletProvider(Arc<dyn WalletAttestationPort>);

#[async_trait]
impl InstanceAttester for WalletProvider {
    async fn attest_instance(&self, server: &str, jwk: &str) -> Result<String, KeyStoreError> {
        let attested = self.0.attest(server.to_owned(), jwk.to_owned()).await;
        attested.map_err(|_| KeyStoreError::Unavailable)
    }
}

struct KeyProvider(Arc<dyn KeyAttestationPort>);

#[async_trait]
impl KeyAttester for KeyProvider {
    async fn attest_keys(
        &self,
        keys: &[KeyToAttest],
        nonce: Option<&str>,
    ) -> Result<String, KeyAttestationUnavailable> {
        let keys = keys.iter().cloned().map(KeyToAttestRecord::from).collect();
        let attested = self.0.attest(keys, nonce.map(str::to_owned)).await;
        attested.map_err(|_| KeyAttestationUnavailable)
    }
}

impl From<KeyToAttest> for KeyToAttestRecord {
    fn from(key: KeyToAttest) -> Self {
        Self { handle: key.handle.0, jwk: key.jwk }
    }
}

impl From<(KeyHandle, Vec<u8>)> for ToSign {
    fn from((handle, message): (KeyHandle, Vec<u8>)) -> Self {
        Self { handle: handle.0, message }
    }
}

impl From<KeyRecord> for HardwareKey {
    fn from(key: KeyRecord) -> Self {
        Self { handle: KeyHandle(key.handle), public_key: key.public_key }
    }
}

impl From<KeyStorePortError> for KeyStoreError {
    fn from(error: KeyStorePortError) -> Self {
        match error {
            KeyStorePortError::Unknown => Self::Unknown,
            KeyStorePortError::NotAuthorised => Self::Signer(SignerError::NotAuthorised),
            KeyStorePortError::Unavailable => Self::Unavailable,
        }
    }
}

impl From<PlainRequest> for HttpExchange {
    fn from(request: PlainRequest) -> Self {
        let headers = request.headers.into_iter();
        Self {
            method: request.method.to_owned(),
            url: request.url,
            headers: headers.map(|(name, value)| HttpHeader { name, value }).collect(),
            body: request.body,
            most_bytes: request.most_bytes as u64,
        }
    }
}

impl From<HttpReply> for PlainResponse {
    fn from(reply: HttpReply) -> Self {
        let headers = reply.headers.into_iter().map(|header| (header.name, header.value));
        Self { status: reply.status, headers: headers.collect(), body: reply.body }
    }
}

// what the other side throws beyond its declared errors
impl From<UnexpectedUniFFICallbackError> for KeyStorePortError {
    fn from(_: UnexpectedUniFFICallbackError) -> Self {
        Self::Unavailable
    }
}

impl From<UnexpectedUniFFICallbackError> for AttestationPortError {
    fn from(_: UnexpectedUniFFICallbackError) -> Self {
        Self::Unavailable
    }
}

impl From<UnexpectedUniFFICallbackError> for SecureStoragePortError {
    fn from(_: UnexpectedUniFFICallbackError) -> Self {
        Self::Unavailable
    }
}

impl From<UnexpectedUniFFICallbackError> for HttpPortError {
    fn from(_: UnexpectedUniFFICallbackError) -> Self {
        Self::NoAnswer
    }
}

//! What the app implements, and how the wallet sees it.

use std::sync::Arc;

use async_trait::async_trait;
use lanyard_wallet::{
    AppPorts, HardwareKey, KeyHome,
    ports::{
        Clock, KeyHandle, KeyStoreError, Occasion, SecureStorage, SecureStorageError,
        UserAuthentication,
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
}

/// A key as its home shows it.
#[derive(uniffi::Record)]
pub struct KeyRecord {
    /// Its name there.
    pub handle: String,
    /// Its public half: 65 bytes, `04 || x || y`, on P-256.
    pub public_key: Vec<u8>,
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

//! Keys on a PKCS #11 token: they wrap and sign there, and never leave it.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::{Mechanism, aead::GcmParams};
use cryptoki::object::{Attribute, AttributeType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;
use lanyard_core::crypto::{
    CryptoProvider, Curve, HashAlgorithm, PublicKey, SignatureAlgorithm, Signer, SignerError,
};
use lanyard_store::TenantId;
use zeroize::Zeroizing;

use super::pkcs11_uri::Pkcs11Uri;
use super::{KeyEncryption, KeyError, KeyServiceFault, TenantKey};
use crate::files;

/// How everything begins that a token wrapped; the key's name follows, and a line feed.
const PREFIX: &[u8] = b"pkcs11\n";

const NONCE: usize = 12;
const TAG_BITS: u64 = 128;

/// The drivers that this process loaded: each is set up once (PKCS #11 §5.4, C_Initialize).
static DRIVERS: Mutex<Option<HashMap<PathBuf, Pkcs11>>> = Mutex::new(None);

/// A token that this program is logged in to.
struct Token {
    driver: Pkcs11,
    slot: Slot,
    pin: AuthPin,
    /// Sessions that nobody uses now; each carries one operation at a time.
    idle: Mutex<Vec<Session>>,
}

impl Token {
    fn open(uri: &Pkcs11Uri) -> Result<Self, KeyError> {
        let driver = driver(&uri.module)?;
        let slots = driver.get_slots_with_token().map_err(refused)?;
        let is_named = |slot: &Slot| {
            let told = driver.get_token_info(*slot);
            told.is_ok_and(|told| told.label().trim_end() == uri.token)
        };
        let slot = slots.into_iter().find(is_named);
        let slot = slot.ok_or_else(|| fault(KeyServiceFault::NoToken))?;
        if let Some(mode) = files::open_to_others(&uri.pin_file) {
            return Err(KeyError::OpenToOthers { file: uri.pin_file.display().to_string(), mode });
        }
        let pin = Zeroizing::new(std::fs::read_to_string(&uri.pin_file)?);
        let pin = AuthPin::new(pin.trim().to_owned().into());
        let token = Self { driver, slot, pin, idle: Mutex::default() };
        token.with(|_| Ok(()))?;
        Ok(token)
    }

    /// Does something in a session of its own.
    fn with<T>(&self, work: impl FnOnce(&Session) -> Result<T, KeyError>) -> Result<T, KeyError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let session = match idle {
            Some(session) => session,
            None => self.log_in()?,
        };
        let done = work(&session)?;
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(session);
        Ok(done)
    }

    /// PKCS #11 §5.6: one login is good for all sessions of the program with a token.
    fn log_in(&self) -> Result<Session, KeyError> {
        let session = self.driver.open_ro_session(self.slot).map_err(refused)?;
        match session.login(UserType::User, Some(&self.pin)) {
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(session),
            Err(error) => Err(refused(error)),
        }
    }

    /// The one object of a class with this label.
    fn object(
        &self,
        session: &Session,
        class: ObjectClass,
        label: &str,
    ) -> Result<ObjectHandle, KeyError> {
        let wanted = [Attribute::Class(class), Attribute::Label(label.as_bytes().to_vec())];
        match session.find_objects(&wanted).map_err(refused)?.as_slice() {
            [object] => Ok(*object),
            [] => Err(fault(KeyServiceFault::NoKey { name: label.to_owned() })),
            _ => Err(fault(KeyServiceFault::SeveralKeys { name: label.to_owned() })),
        }
    }
}

fn driver(module: &Path) -> Result<Pkcs11, KeyError> {
    let mut drivers = DRIVERS.lock().unwrap_or_else(PoisonError::into_inner);
    let drivers = drivers.get_or_insert_default();
    if let Some(driver) = drivers.get(module) {
        return Ok(driver.clone());
    }
    let driver = Pkcs11::new(module).map_err(|_| fault(KeyServiceFault::NoDriver))?;
    driver.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).map_err(refused)?;
    drivers.insert(module.to_owned(), driver.clone());
    Ok(driver)
}

/// AES keys of a token that wrap the keys of tenants, the newest first.
pub(super) struct TokenKeys {
    keys: Vec<(Arc<Token>, String)>,
    provider: Arc<dyn CryptoProvider>,
}

impl TokenKeys {
    /// Opens the token of each key.
    ///
    /// # Errors
    /// When the driver, the token or a key is not there, or the PIN is wrong.
    pub(super) fn open(
        uris: &[Pkcs11Uri],
        provider: Arc<dyn CryptoProvider>,
    ) -> Result<Self, KeyError> {
        let mut keys = Vec::new();
        for uri in uris {
            let token = Token::open(uri)?;
            if !uri.object.contains("{tenant}") {
                token.with(|session| {
                    token.object(session, ObjectClass::SECRET_KEY, &uri.object).map(drop)
                })?;
            }
            keys.push((Arc::new(token), uri.object.clone()));
        }
        Ok(Self { keys, provider })
    }

    fn named(&self, tenant: &TenantId, label: &str) -> Option<&Arc<Token>> {
        let found = self.keys.iter().find(|(_, object)| filled(object, tenant) == label);
        found.map(|(token, _)| token)
    }
}

/// The label of a tenant's key-encryption key.
fn filled(object: &str, tenant: &TenantId) -> String {
    object.replace("{tenant}", tenant.as_str())
}

/// A wrapped key that is moved to another tenant does not open there.
fn bound_to(tenant: &TenantId) -> Vec<u8> {
    format!("lanyard tenant key 1\n{tenant}").into_bytes()
}

/// The key's label, the nonce and what is encrypted.
fn parts(wrapped: &[u8]) -> Option<(&str, &[u8; NONCE], &[u8])> {
    let rest = wrapped.strip_prefix(PREFIX)?;
    let end = rest.iter().position(|byte| *byte == b'\n')?;
    let (label, rest) = rest.split_at_checked(end)?;
    let (nonce, encrypted) = rest.get(1..)?.split_first_chunk::<NONCE>()?;
    Some((std::str::from_utf8(label).ok()?, nonce, encrypted))
}

#[async_trait]
impl KeyEncryption for TokenKeys {
    async fn wrap(&self, tenant: &TenantId, key: &TenantKey) -> Result<Vec<u8>, KeyError> {
        let (token, object) = self.keys.first().ok_or(KeyError::Unusable)?;
        let (token, label, bound) = (token.clone(), filled(object, tenant), bound_to(tenant));
        let mut nonce = [0; NONCE];
        self.provider.fill(&mut nonce);
        let key = key.clone();
        let prefix = [PREFIX, label.as_bytes(), b"\n", &nonce].concat();
        let encrypted = blocking(move || {
            token.with(|session| {
                let object = token.object(session, ObjectClass::SECRET_KEY, &label)?;
                let params =
                    GcmParams::new(&mut nonce, &bound, TAG_BITS.into()).map_err(refused)?;
                let mechanism = Mechanism::AesGcm(params);
                session.encrypt(&mechanism, object, key.danger_bytes()).map_err(refused)
            })
        });
        Ok([prefix, encrypted.await?].concat())
    }

    async fn unwrap(&self, tenant: &TenantId, wrapped: &[u8]) -> Result<TenantKey, KeyError> {
        let (label, nonce, encrypted) = parts(wrapped).ok_or(KeyError::WrongSealingKey)?;
        let token = self.named(tenant, label).ok_or(KeyError::WrongSealingKey)?.clone();
        let (label, bound) = (label.to_owned(), bound_to(tenant));
        let (mut nonce, encrypted) = (*nonce, encrypted.to_vec());
        blocking(move || {
            let bytes = token.with(|session| {
                let object = token.object(session, ObjectClass::SECRET_KEY, &label)?;
                let params =
                    GcmParams::new(&mut nonce, &bound, TAG_BITS.into()).map_err(refused)?;
                let opened = session.decrypt(&Mechanism::AesGcm(params), object, &encrypted);
                opened.map(Zeroizing::new).map_err(|error| match error {
                    Error::Pkcs11(
                        RvError::EncryptedDataInvalid
                        | RvError::EncryptedDataLenRange
                        | RvError::GeneralError
                        | RvError::FunctionFailed,
                        _,
                    ) => KeyError::WrongSealingKey,
                    error => refused(error),
                })
            });
            TenantKey::from_bytes(&bytes?)
        })
        .await
    }

    async fn is_newest(&self, tenant: &TenantId, wrapped: &[u8]) -> Result<bool, KeyError> {
        let newest = self.keys.first().map(|(_, object)| filled(object, tenant));
        Ok(parts(wrapped).is_some_and(|(label, ..)| Some(label) == newest.as_deref()))
    }
}

/// A P-256 key of a token that signs with ES256.
pub struct TokenSigner {
    token: Arc<Token>,
    key: ObjectHandle,
    public: PublicKey,
    provider: Arc<dyn CryptoProvider>,
}

impl TokenSigner {
    /// Finds the key, and its public half beside it under the same label.
    ///
    /// # Errors
    /// When the driver, the token or a half of the key is not there, the PIN is wrong, or it is no P-256 key.
    pub fn open(uri: &Pkcs11Uri, provider: Arc<dyn CryptoProvider>) -> Result<Self, KeyError> {
        let token = Token::open(uri)?;
        let (key, point) = token.with(|session| {
            let key = token.object(session, ObjectClass::PRIVATE_KEY, &uri.object)?;
            let half = token.object(session, ObjectClass::PUBLIC_KEY, &uri.object)?;
            let told = session.get_attributes(half, &[AttributeType::EcPoint]).map_err(refused)?;
            Ok((key, told.into_iter().next()))
        })?;
        let public = match point {
            Some(Attribute::EcPoint(point)) => point_on_p256(&point),
            _ => None,
        };
        Ok(Self {
            token: Arc::new(token),
            key,
            public: public.ok_or(KeyError::Unusable)?,
            provider,
        })
    }
}

/// PKCS #11 §2.3.3: CKA_EC_POINT is a DER octet string around the point; some tokens leave the wrapping out.
fn point_on_p256(told: &[u8]) -> Option<PublicKey> {
    let point = told.strip_prefix(&[0x04, 0x41]).unwrap_or(told);
    PublicKey::from_uncompressed(Curve::P256, point)
}

#[async_trait]
impl Signer for TokenSigner {
    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::Es256
    }

    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignerError> {
        // PKCS #11 §2.3.6: CKM_ECDSA takes the hash and gives r and s side by side, as JOSE has them
        let hash = self.provider.hash(HashAlgorithm::Sha256, message);
        let (token, key) = (self.token.clone(), self.key);
        let signed = blocking(move || {
            token.with(|session| {
                session.sign(&Mechanism::Ecdsa, key, hash.as_bytes()).map_err(refused)
            })
        });
        signed.await.map_err(|_| SignerError::Unavailable)
    }
}

impl fmt::Debug for TokenSigner {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("TokenSigner")
    }
}

/// A token may take its time, and its driver knows nothing of tasks.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, KeyError> + Send + 'static,
) -> Result<T, KeyError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| fault(KeyServiceFault::Unreadable))?
}

#[expect(clippy::needless_pass_by_value, reason = "what map_err calls")]
fn refused(error: Error) -> KeyError {
    fault(match error {
        Error::Pkcs11(RvError::PinIncorrect | RvError::PinLenRange, _) => KeyServiceFault::WrongPin,
        Error::Pkcs11(RvError::PinLocked, _) => KeyServiceFault::PinLocked,
        Error::Pkcs11(code, _) => KeyServiceFault::Token { code: format!("{code:?}") },
        _ => KeyServiceFault::Unreadable,
    })
}

fn fault(why: KeyServiceFault) -> KeyError {
    KeyError::service("PKCS #11", why)
}

//! What this server signs with: kept sealed, made on first start where the configuration allows it.

mod authority;
mod files;
mod pkcs11;
mod pkcs11_uri;
mod place;
mod ring;
mod sealing;
mod service;
mod tenant_key;
mod transit;
mod vault;

use std::sync::Arc;

use jiff::Timestamp;
use lanyard_core::crypto::{CryptoProvider, Signer, SoftwareSigner};
use lanyard_fetch::FetchError;
use lanyard_store::TenantId;

pub use authority::{Subject, TestAuthority};
pub use files::{KeyFile, read_signer, read_signing_files};
pub use pkcs11::TokenSigner;
pub use pkcs11_uri::{Pkcs11Uri, Pkcs11UriInvalid};
pub use place::KeyPlace;
pub use ring::{Examined, KeyEncryption, KeyRing, erase_tenant};
pub use sealing::{SEALING_KEY, SealingKeys};
pub use service::{KeyService, Sealing, TransitOptions};
pub use tenant_key::TenantKey;
pub use vault::Vault;

/// A signer with the certificates that vouch for it.
#[derive(Clone)]
pub struct SigningIdentity {
    /// Signs.
    pub signer: Arc<dyn Signer>,
    /// The chain as `x5c` wants it: DER, leaf first, anchor left out.
    pub chain: Vec<Vec<u8>>,
}

impl SigningIdentity {
    pub(crate) fn new(
        provider: &dyn CryptoProvider,
        key: &lanyard_core::crypto::PrivateKey,
        chain: Vec<Vec<u8>>,
    ) -> Result<Self, KeyError> {
        let signer = SoftwareSigner::new(provider, key).map_err(|_| KeyError::Unusable)?;
        Ok(Self { signer: Arc::new(signer), chain })
    }
}

/// Why there is no key to sign with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The data folder does not do what it is told.
    #[error("the data folder cannot be used: {0}")]
    Folder(#[from] std::io::Error),
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] lanyard_store::StoreError),
    /// The sealing key does not open what the store holds.
    #[error("the sealing key does not open the keys in the database: it belongs to another one")]
    WrongSealingKey,
    /// The sealing key is not where it was.
    #[error(
        "{file} is gone; restore it from where you keep it, the keys in the database are lost without it"
    )]
    SealingKeyMissing {
        /// The file of the sealing key.
        file: String,
    },
    /// The sealing key is damaged.
    #[error(
        "{file} does not hold a sealing key; restore it from a backup, the sealed keys are lost without it"
    )]
    SealingKeyDamaged {
        /// The file of the sealing key.
        file: String,
    },
    /// The sealing key is in no file that can be changed here.
    #[error(
        "the sealing key comes from {place}: put a fresh one in front of it there, 32 random bytes in base64url and a space"
    )]
    SealingKeyElsewhere {
        /// Where it comes from.
        place: String,
    },
    /// There is no sealing key.
    #[error(
        "no sealing key: name sealing_key_file, or pass it as the credential sealing-key of systemd or in LANYARD_SEALING_KEY"
    )]
    SealingKeyNowhere,
    /// The key of this tenant was erased.
    #[error(
        "the key of the tenant {tenant} was erased at {at:.0}: what it had cannot be read any more; take it out of the configuration"
    )]
    TenantErased {
        /// The tenant.
        tenant: TenantId,
        /// When.
        at: Timestamp,
    },
    /// A service in which keys are does not do what it is asked.
    #[error("{service}: {why}")]
    Service {
        /// Which kind of service.
        service: &'static str,
        /// What it says.
        why: KeyServiceFault,
    },
    /// A file can be read by others.
    #[error("{file} can be read by others (mode {mode:03o}); run chmod 600 {file}")]
    OpenToOthers {
        /// The file.
        file: String,
        /// Its mode.
        mode: u32,
    },
    /// A certificate cannot be made or read.
    #[error("a certificate cannot be made or read")]
    Certificate,
    /// The key is not one this server can sign with.
    #[error("the key is not a P-256 private key in PKCS #8 that belongs to the first certificate")]
    Unusable,
}

impl KeyError {
    pub(super) const fn service(service: &'static str, why: KeyServiceFault) -> Self {
        Self::Service { service, why }
    }
}

/// What is wrong with a service in which keys are.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyServiceFault {
    /// It cannot be reached.
    #[error("it cannot be reached ({0})")]
    Unreachable(FetchError),
    /// It refuses.
    #[error(
        "it refuses with status {status}; is the token good, and may it encrypt and decrypt with this key?"
    )]
    Refused {
        /// The status of its answer.
        status: u16,
    },
    /// Its answer makes no sense.
    #[error("its answer cannot be understood")]
    Unreadable,
    /// The certificates that should vouch for it are none.
    #[error("the authorities that should vouch for it are no certificates")]
    Authorities,
    /// The driver cannot be loaded.
    #[error("the driver that module-path names cannot be loaded")]
    NoDriver,
    /// There is no such token.
    #[error("there is no token of this label")]
    NoToken,
    /// There is no such key.
    #[error("there is no key of the label {name} on the token")]
    NoKey {
        /// The label.
        name: String,
    },
    /// A label names more than one key.
    #[error("there are several keys of the label {name} on the token")]
    SeveralKeys {
        /// The label.
        name: String,
    },
    /// The PIN is wrong.
    #[error("the PIN is wrong; too many tries lock the token")]
    WrongPin,
    /// The PIN is locked.
    #[error("the PIN is locked after too many wrong tries")]
    PinLocked,
    /// The token says something else.
    #[error("the token says {code}")]
    Token {
        /// The return value, by its name in PKCS #11.
        code: String,
    },
}

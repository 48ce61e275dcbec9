//! What this server signs with: kept sealed, made on first start where the configuration allows it.

mod authority;
mod files;
mod place;
mod sealing;
mod vault;

use std::sync::Arc;

use lanyard_core::crypto::{CryptoProvider, Signer, SoftwareSigner};

pub use authority::{Subject, TestAuthority};
pub use files::{read_signer, read_signing_files};
pub use place::{KeyPlace, rewrap};
pub use sealing::{SEALING_KEY, SealingKeys};
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

//! Where key-encryption keys are, as the configuration says it.

use std::path::PathBuf;
use std::sync::Arc;

use lanyard_core::crypto::CryptoProvider;
use url::Url;

use super::pkcs11_uri::Pkcs11Uri;
use super::transit::Transit;
use super::{KeyEncryption, KeyError, KeyPlace};

/// What the configuration says about key-encryption keys.
#[derive(Debug, Clone, Default)]
pub struct Sealing {
    /// The file with the sealing key, if one is named.
    pub file: Option<PathBuf>,
    /// The service that wraps instead.
    pub service: Option<KeyService>,
}

/// A service in which key-encryption keys are, and which they never leave.
#[derive(Debug, Clone)]
pub enum KeyService {
    /// AES keys of a PKCS #11 token, the newest first.
    Pkcs11(Vec<Pkcs11Uri>),
    /// A key of the transit engine of HashiCorp Vault or OpenBao.
    Transit(TransitOptions),
}

/// Where a transit engine is, and what it is asked with.
#[derive(Debug, Clone)]
pub struct TransitOptions {
    /// The address of the engine: `https://bao.example.com:8200/v1/transit`.
    pub url: Url,
    /// The name of the key; `{tenant}` in it stands for the tenant's.
    pub key: String,
    /// The file with the token.
    pub token_file: PathBuf,
    /// Who vouches for the server besides those whom the system trusts, PEM.
    pub authorities: Option<Vec<u8>>,
}

impl Sealing {
    /// What people know the key-encryption keys by.
    #[must_use]
    pub fn shown(&self, place: &KeyPlace) -> String {
        match &self.service {
            None => place.shown(),
            Some(KeyService::Pkcs11(_)) => "the PKCS #11 token".to_owned(),
            Some(KeyService::Transit(options)) => options.url.to_string(),
        }
    }
}

impl KeyService {
    /// Gets ready to wrap.
    ///
    /// # Errors
    /// When the module, the token or its key is not there.
    pub(super) fn connect(
        &self,
        provider: Arc<dyn CryptoProvider>,
    ) -> Result<Arc<dyn KeyEncryption>, KeyError> {
        match self {
            Self::Transit(options) => Ok(Arc::new(Transit::new(options)?)),
            Self::Pkcs11(keys) => Ok(Arc::new(super::pkcs11::TokenKeys::open(keys, provider)?)),
        }
    }
}

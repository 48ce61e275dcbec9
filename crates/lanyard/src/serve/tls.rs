//! Inbound TLS.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{CipherSuite, ServerConfig};
use tokio_rustls::TlsAcceptor;

/// The server side of TLS, from a certificate chain and its key.
///
/// TLS 1.3, and of TLS 1.2 only the four suites HAIP allows.
#[derive(Clone)]
pub struct ServerTls(pub(super) TlsAcceptor);

/// Why the TLS files cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file cannot be read or is no PEM of its kind.
    #[error("{path}: {cause}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: rustls::pki_types::pem::Error,
    },
    /// The certificate file holds no certificate.
    #[error("{path}: holds no certificate")]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// Others than the owner and the group may read the key.
    #[error("{path}: everyone may read this private key; take that right away (chmod 600)")]
    KeyReadableByAll {
        /// The file.
        path: PathBuf,
    },
    /// Certificate and key do not go together, or the key is of an unknown kind.
    #[error("certificate and key do not go together: {0}")]
    Mismatch(rustls::Error),
}

/// HAIP 1.0 conformance: of TLS 1.2 only ECDHE with AES-GCM, which leaves ChaCha20 out.
const TLS12_SUITES: [CipherSuite; 4] = [
    CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
];

impl ServerTls {
    /// Reads a PEM certificate chain, leaf first, and its PEM private key.
    ///
    /// # Errors
    /// [`TlsError`] names the file and what is wrong with it.
    pub fn from_pem_files(certificates: &Path, key: &Path) -> Result<Self, TlsError> {
        let unreadable = |path: &Path| {
            let path = path.to_owned();
            move |cause| TlsError::Unreadable { path, cause }
        };
        let chain = CertificateDer::pem_file_iter(certificates)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(unreadable(certificates))?;
        if chain.is_empty() {
            return Err(TlsError::NoCertificate { path: certificates.to_owned() });
        }
        refuse_key_readable_by_all(key)?;
        let key = PrivateKeyDer::from_pem_file(key).map_err(unreadable(key))?;
        Self::new(chain, key)
    }

    /// From a chain, leaf first, and its key.
    ///
    /// # Errors
    /// [`TlsError::Mismatch`] when they do not go together.
    pub fn new(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Self, TlsError> {
        let mut provider = aws_lc_rs::default_provider();
        provider
            .cipher_suites
            .retain(|suite| suite.tls13().is_some() || TLS12_SUITES.contains(&suite.suite()));
        let mut config = ServerConfig::builder_with_provider(Arc::new(provider))
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
            .map_err(TlsError::Mismatch)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self(TlsAcceptor::from(Arc::new(config))))
    }
}

#[cfg(unix)]
fn refuse_key_readable_by_all(path: &Path) -> Result<(), TlsError> {
    use std::os::unix::fs::PermissionsExt;
    match std::fs::metadata(path) {
        Ok(file) if file.permissions().mode() & 0o007 != 0 => {
            Err(TlsError::KeyReadableByAll { path: path.to_owned() })
        }
        // An absent file is reported by whoever reads it next.
        _ => Ok(()),
    }
}

#[cfg(not(unix))]
fn refuse_key_readable_by_all(_path: &Path) -> Result<(), TlsError> {
    Ok(())
}

//! Why a server does not start.

use lanyard_store::{ConnectError, OpenError};

use crate::keys::KeyError;
use crate::wallet_home::WalletHomeError;

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The data folder cannot be used.
    #[error("the data folder cannot be used: {0}")]
    Folder(#[from] std::io::Error),
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// The file for the ends of audit chains cannot be written.
    #[error("[audit] heads_file {file} cannot be written: {cause}")]
    HeadsFile {
        /// Which.
        file: String,
        /// What the file system answers.
        cause: std::io::Error,
    },
    /// The database that replicas share cannot be used.
    #[error(transparent)]
    SharedStore(#[from] ConnectError),
    /// There is nothing to sign with.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// The wallet of the demo cannot be opened.
    #[error(transparent)]
    Wallet(#[from] WalletHomeError),
    /// The issuer identifier is none.
    #[error(transparent)]
    IssuerUrl(#[from] lanyard_oid4vci::identifier::IssuerUrlError),
    /// What is to be issued contradicts itself.
    #[error(transparent)]
    Issuance(#[from] lanyard_oid4vci::configuration::ConfigurationError),
    /// The issuer service cannot be put together.
    #[error(transparent)]
    Issuer(#[from] lanyard_issuer::SettingsError),
    /// The verifier service cannot be put together.
    #[error(transparent)]
    Verifier(#[from] lanyard_verifier::SettingsError),
    /// A trust list cannot be read.
    #[error(transparent)]
    TrustList(#[from] crate::trust_list::TrustListFileError),
    /// The base URL has no host to certify.
    #[error("the base URL names no host")]
    Host,
    /// A certificate that is to vouch for TLS servers cannot be read.
    #[error(transparent)]
    TlsRoot(#[from] lanyard_fetch::RootCertificateInvalid),
    /// The root certificate of the test authority cannot be used.
    #[error("the test authority's certificate cannot be used: {0}")]
    Authority(#[from] lanyard_core::trust::x509::ChainError),
}

//! A wallet in a folder: for the terminal and for the Pocket pages.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use lanyard_core::{
    crypto::{AwsLc, CryptoProvider, Random as _},
    trust::IssuerTrust,
    trust::x509::TrustAnchors,
};
use lanyard_fetch::HttpClient;
use lanyard_wallet::{
    KeyAttester, KnownVerifiers, SignedMetadata, SoftwareKeys, VouchedKeys, Wallet, WalletClient,
    WalletSettings,
    ports::{
        KeyAttestation, KeyStore, Ports, SecureStorage, SecureStorageError, SystemClock,
        WalletAttestation,
    },
    storage::{Storage, StorageError},
};

use crate::files;

const KEY: &str = "wallet-key";
const DATABASE: &str = "wallet.sqlite";

/// Why a wallet cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WalletHomeError {
    /// The folder does not do what it is told.
    #[error("the wallet's folder cannot be used: {0}")]
    Folder(#[from] std::io::Error),
    /// Its key can be read by others.
    #[error("{file} can be read by others (mode {mode:03o}); run chmod 600 {file}")]
    OpenToOthers {
        /// The file.
        file: String,
        /// Its mode.
        mode: u32,
    },
    /// Its database cannot be opened.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// What a wallet in a folder is opened with.
pub struct Opening {
    /// The folder.
    pub folder: PathBuf,
    /// Whose credentials it believes.
    pub issuers: IssuerTrust,
    /// The authorities that vouch for verifiers.
    pub anchors: TrustAnchors,
    /// Whether issuers' metadata are asked for with a signature, and whose is believed.
    pub signed_metadata: SignedMetadata,
    /// How it reaches others.
    pub http: Arc<dyn HttpClient>,
    /// Whether plain http on loopback is taken.
    pub development: bool,
    /// What it is called by authorization servers, and where browsers come back to.
    pub client: WalletClient,
    /// Who attests it to authorization servers, if anybody does.
    pub attestation: Option<Arc<dyn WalletAttestation>>,
    /// Who vouches for its keys, if anybody does.
    pub key_attester: Option<Arc<dyn KeyAttester>>,
}

/// Opens the wallet of a folder, or makes it.
///
/// # Errors
/// When the folder, its key or its database cannot be used.
pub async fn open(opening: Opening) -> Result<Wallet, WalletHomeError> {
    files::private_folder(&opening.folder)?;
    let crypto: Arc<dyn CryptoProvider> = Arc::new(AwsLc);
    let key = KeyFile::open(&opening.folder.join(KEY))?;
    let storage = Storage::open(&opening.folder.join(DATABASE), &key, crypto.clone()).await?;
    let keys: Arc<dyn KeyStore> = Arc::new(SoftwareKeys::new(storage.clone(), crypto.clone()));
    let key_attestation = opening.key_attester.map(|attester| {
        Arc::new(VouchedKeys::new(attester, keys.clone())) as Arc<dyn KeyAttestation>
    });
    let ports = Ports {
        key_attestation,
        user: None,
        http: opening.http,
        clock: Arc::new(SystemClock),
        keys,
        attestation: opening.attestation,
        crypto,
    };
    let settings = WalletSettings {
        issuers: opening.issuers,
        signed_metadata: opening.signed_metadata,
        verifier_anchors: opening.anchors,
        verifiers: KnownVerifiers::new(),
        languages: vec!["en".to_owned()],
        copies: 4,
        development: opening.development,
        client: opening.client,
    };
    Ok(Wallet::new(settings, ports, storage))
}

/// The database key in a file that its owner alone can read.
struct KeyFile(zeroize::Zeroizing<[u8; 32]>);

impl KeyFile {
    fn open(path: &Path) -> Result<Self, WalletHomeError> {
        if !path.exists() {
            let mut fresh = zeroize::Zeroizing::new([0; 32]);
            AwsLc.fill(fresh.as_mut_slice());
            files::write_private(path, fresh.as_slice())?;
        }
        if let Some(mode) = files::open_to_others(path) {
            return Err(WalletHomeError::OpenToOthers { file: path.display().to_string(), mode });
        }
        let bytes = zeroize::Zeroizing::new(std::fs::read(path)?);
        let key = <[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| {
            std::io::Error::new(std::io::ErrorKind::InvalidData, "the wallet's key is damaged")
        })?;
        Ok(Self(zeroize::Zeroizing::new(key)))
    }
}

#[async_trait]
impl SecureStorage for KeyFile {
    async fn database_key(&self) -> Result<zeroize::Zeroizing<[u8; 32]>, SecureStorageError> {
        Ok(self.0.clone())
    }
}

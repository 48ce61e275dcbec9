//! A wallet that trusts the demo's authority, for [`accept_offer`](../accept_offer.rs) and
//! [`answer_request`](../answer_request.rs).

use std::{error::Error, fs, path::Path, sync::Arc};

use async_trait::async_trait;
use lanyard_core::{
    crypto::{CryptoProvider, Random as _, RustCrypto},
    trust::IssuerTrust,
    trust::x509::TrustAnchors,
};
use lanyard_fetch::SafeFetcher;
use lanyard_wallet::{
    KnownVerifiers, SignedMetadata, SoftwareKeys, Wallet, WalletClient, WalletSettings,
    ports::{Ports, SecureStorage, SecureStorageError, SystemClock},
    storage::Storage,
};
use zeroize::Zeroizing;

/// The certificate of the authority that `lanyard demo` made on its first start.
const AUTHORITY: &str = "lanyard-demo/ca.pem";
/// Where it listens; plain http is for exactly this place.
const SERVER: &str = "localhost:7077";
/// Where this wallet lives.
const HOME: &str = "lanyard-example-wallet";

/// Opens the wallet, or makes it.
pub(crate) async fn open() -> Result<Wallet, Box<dyn Error>> {
    let anchors = TrustAnchors::from_pem(&fs::read_to_string(AUTHORITY)?)?;
    let crypto: Arc<dyn CryptoProvider> = Arc::new(RustCrypto);
    let key = KeyInFile::open(Path::new(HOME))?;
    let storage = Storage::open(&Path::new(HOME).join("wallet.db"), &key, crypto.clone()).await?;
    let settings = WalletSettings {
        issuers: IssuerTrust::certificates(anchors.clone()),
        verifier_anchors: anchors,
        verifiers: KnownVerifiers::new(),
        languages: vec!["en".to_owned()],
        signed_metadata: SignedMetadata::Unasked,
        copies: 1,
        development: true,
        client: WalletClient::new("lanyard-wallet", "http://127.0.0.1/callback"),
    };
    let http = SafeFetcher::builder().danger_allow_plain_http_to([SERVER.parse()?]).build();
    let ports = Ports {
        key_attestation: None,
        user: None,
        http: Arc::new(http),
        clock: Arc::new(SystemClock),
        keys: Arc::new(SoftwareKeys::new(storage.clone(), crypto.clone())),
        attestation: None,
        crypto,
    };
    Ok(Wallet::new(settings, ports, storage))
}

/// The key of the wallet's database; a phone asks its Keychain or Keystore instead.
struct KeyInFile(Zeroizing<[u8; 32]>);

impl KeyInFile {
    fn open(home: &Path) -> Result<Self, Box<dyn Error>> {
        fs::create_dir_all(home)?;
        let file = home.join("key");
        if !file.exists() {
            let mut key = Zeroizing::new([0; 32]);
            RustCrypto.fill(&mut *key);
            fs::write(&file, *key)?;
        }
        Ok(Self(Zeroizing::new(fs::read(file)?.as_slice().try_into()?)))
    }
}

#[async_trait]
impl SecureStorage for KeyInFile {
    async fn database_key(&self) -> Result<Zeroizing<[u8; 32]>, SecureStorageError> {
        Ok(self.0.clone())
    }
}

//! A wallet from plain settings, on the pure Rust provider: what an app needs and no more.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
};

use lanyard_core::{
    crypto::{CryptoProvider, RustCrypto},
    did::Did,
    trust::{IssuerKeySource, IssuerTrust, x509::TrustAnchors},
};
#[cfg(feature = "sockets")]
use lanyard_fetch::SafeFetcher;
use lanyard_fetch::{HostPort, HostedClient, HttpClient, PlainHttp};
use lanyard_oid4vci::{
    client_authentication::ClientId,
    wallet::{SignedMetadata, WalletClient},
};
use lanyard_oid4vp::wallet::KnownVerifiers;
use thiserror::Error;

use crate::{
    HardwareKeys, KeyAttester, KeyHome, SoftwareKeys, VouchedKeys, Wallet, WalletSettings,
    attested::{InstanceAttester, Instances},
    ports::{
        Clock, KeyAttestation, KeyStore, Ports, SecureStorage, SystemClock, UserAuthentication,
        WalletAttestation,
    },
    storage::{Storage, StorageError},
};

/// What an app sets its wallet to.
#[derive(Clone, Debug)]
pub struct Opening {
    /// The database file.
    pub database: PathBuf,
    /// PEM certificates of the authorities that vouch for issuers.
    pub issuer_anchors: String,
    /// DIDs of issuers that are believed.
    pub issuer_dids: Vec<String>,
    /// PEM certificates of the authorities that vouch for verifiers.
    pub verifier_anchors: String,
    /// The holder's languages, the most wanted first, as BCP 47 tags.
    pub languages: Vec<String>,
    /// The most copies to take of one credential.
    pub copies: u32,
    /// Whether issuers' metadata are asked for with a signature by one of the authorities that vouch for issuers.
    pub signed_metadata: Option<MetadataSigning>,
    /// The wallet's name at authorization servers.
    pub client_id: String,
    /// Where browsers come back to.
    pub redirect_uri: String,
    /// `host:port` pairs on loopback that plain http goes to: development and demonstrations.
    pub danger_allow_http: Vec<String>,
}

/// How much a wallet cares whether issuers sign what they say about themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetadataSigning {
    /// What is signed has to hold; what is not is taken too.
    Preferred,
    /// No issuer is dealt with that does not sign.
    Required,
}

/// What an app brings; everything but the database key has a default.
#[derive(Clone)]
pub struct AppPorts {
    /// Where the database key comes from.
    pub secure: Arc<dyn SecureStorage>,
    /// Where holder keys live; without, in the sealed database.
    pub keys: Option<Arc<dyn KeyHome>>,
    /// The platform's HTTP; without, the wallet's own where this build has one (feature `sockets`).
    pub http: Option<Arc<dyn PlainHttp>>,
    /// The time; without, the device's.
    pub clock: Option<Arc<dyn Clock>>,
    /// Who asks the holder before claims are shared; without, consent is enough.
    pub user: Option<Arc<dyn UserAuthentication>>,
    /// The backend that attests this wallet; without, servers that demand that cannot be served.
    pub instance_attester: Option<Arc<dyn InstanceAttester>>,
    /// The backend that vouches for holder keys; without, issuers that demand that cannot be served.
    pub key_attester: Option<Arc<dyn KeyAttester>>,
}

/// Why a wallet was not opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The authorities are not PEM certificates.
    #[error("the authorities are not PEM certificates")]
    Anchors,
    /// Not a DID.
    #[error("{0} is not a DID")]
    Did(String),
    /// Not a pair of host and port.
    #[error("{0} is not a host:port")]
    HostPort(String),
    /// The app brings no HTTP client, and this build has none of its own.
    #[error("the app brings no HTTP client")]
    NoHttp,
    /// The database refused.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl Wallet {
    /// Opens the wallet's database, or makes it, and puts the wallet together.
    ///
    /// # Errors
    /// [`OpenError`]; the database is left as it is.
    pub async fn open(opening: Opening, app: AppPorts) -> Result<Self, OpenError> {
        let crypto: Arc<dyn CryptoProvider> = Arc::new(RustCrypto);
        let settings = settings(&opening)?;
        let http = http(&opening.danger_allow_http, app.http)?;
        let storage = Storage::open(&opening.database, &*app.secure, crypto.clone()).await?;
        let keys: Arc<dyn KeyStore> = match app.keys {
            Some(home) => Arc::new(HardwareKeys::new(home)),
            None => Arc::new(SoftwareKeys::new(storage.clone(), crypto.clone())),
        };
        let clock = app.clock.unwrap_or_else(|| Arc::new(SystemClock));
        let attestation = app.instance_attester.map(|attester| {
            Arc::new(Instances {
                attester,
                keys: keys.clone(),
                storage: storage.clone(),
                clock: clock.clone(),
                kept: Mutex::default(),
            }) as Arc<dyn WalletAttestation>
        });
        let key_attestation = app.key_attester.map(|attester| {
            Arc::new(VouchedKeys::new(attester, keys.clone())) as Arc<dyn KeyAttestation>
        });
        let ports =
            Ports { crypto, http, clock, keys, attestation, key_attestation, user: app.user };
        Ok(Self::new(settings, ports, storage))
    }
}

fn settings(opening: &Opening) -> Result<WalletSettings, OpenError> {
    let issuer_anchors = anchors(&opening.issuer_anchors)?;
    let signed_metadata = match opening.signed_metadata {
        None => SignedMetadata::Unasked,
        Some(MetadataSigning::Preferred) => SignedMetadata::Preferred(issuer_anchors.clone()),
        Some(MetadataSigning::Required) => SignedMetadata::Required(issuer_anchors.clone()),
    };
    let mut issuers = IssuerTrust::certificates(issuer_anchors);
    for text in &opening.issuer_dids {
        let did = Did::parse(text).map_err(|_| OpenError::Did(text.clone()))?;
        issuers = issuers.with(IssuerKeySource::Did(did));
    }
    Ok(WalletSettings {
        issuers,
        verifier_anchors: anchors(&opening.verifier_anchors)?,
        verifiers: KnownVerifiers::new(),
        languages: opening.languages.clone(),
        copies: usize::try_from(opening.copies).unwrap_or(1),
        signed_metadata,
        development: !opening.danger_allow_http.is_empty(),
        client: WalletClient {
            id: ClientId::new(opening.client_id.clone()),
            redirect_uri: opening.redirect_uri.clone(),
        },
    })
}

fn anchors(pem: &str) -> Result<TrustAnchors, OpenError> {
    if pem.trim().is_empty() {
        return Ok(TrustAnchors::default());
    }
    TrustAnchors::from_pem(pem).map_err(|_| OpenError::Anchors)
}

fn http(
    allowed: &[String],
    platform: Option<Arc<dyn PlainHttp>>,
) -> Result<Arc<dyn HttpClient>, OpenError> {
    let pair = |text: &String| text.parse().map_err(|_| OpenError::HostPort(text.clone()));
    let pairs = allowed.iter().map(pair).collect::<Result<Vec<HostPort>, _>>()?;
    match platform {
        Some(platform) => {
            Ok(Arc::new(HostedClient::new(platform).danger_allow_plain_http_to(pairs)))
        }
        None => own_http(pairs),
    }
}

#[cfg(feature = "sockets")]
fn own_http(pairs: Vec<HostPort>) -> Result<Arc<dyn HttpClient>, OpenError> {
    Ok(Arc::new(SafeFetcher::builder().danger_allow_plain_http_to(pairs).build()))
}

#[cfg(not(feature = "sockets"))]
fn own_http(_: Vec<HostPort>) -> Result<Arc<dyn HttpClient>, OpenError> {
    Err(OpenError::NoHttp)
}

//! What is to be served, whether a configuration file says it or the demo does.

use std::path::PathBuf;

use jiff::SignedDuration;
use lanyard_core::{crypto::AwsLc, trust::x509::TrustAnchors, verify::PolicySet};
use lanyard_fetch::HostPort;
use lanyard_service::{ApiKey, ApiKeyDigest, webhook::Webhook};
use lanyard_store::TenantId;
use lanyard_verifier::{Preset, SignInClient, VcApiTrust};
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::metrics::Metrics;
use super::otlp::TelemetryOptions;
use super::rates::Rates;
use crate::config::{
    Asking, Auditing, Authorization, Config, DidKeyFile, EncryptionMode, Mode, SharedStore,
    SigningFiles, Tenant, Transport, UnreadableAttestations,
};
use crate::credential_type::CredentialType;
use crate::demo::{self, Demands};
use crate::files;
use crate::keys::Sealing;
use crate::network::Network;
use crate::web::AutoConsent;

/// What is to be served.
pub struct Plan {
    /// The configuration file that says it.
    pub source: Option<PathBuf>,
    /// The files beside it that are taken again when they change.
    pub living_files: Vec<PathBuf>,
    /// The public URL.
    pub base_url: Url,
    /// The data folder.
    pub data: PathBuf,
    /// The database that replicas share; without, everything is in the data folder.
    pub store: Option<SharedStore>,
    /// Where the key-encryption keys are.
    pub sealing: Sealing,
    /// Whether a test authority vouches, and plain http on loopback is taken.
    pub development: bool,
    /// Whether it issues.
    pub issuer: bool,
    /// Whether it is hard to deal with for wallets, on purpose.
    pub awkward: bool,
    /// Whether it verifies.
    pub verifier: bool,
    /// Whether it resolves DIDs for others.
    pub resolver: bool,
    /// Whom the VC API trusts; `None` switches it off.
    pub vc_api: Option<VcApiTrust>,
    /// How often clients may ask; none where nobody counts.
    pub rates: Option<Rates>,
    /// Proxies that say whom they speak for.
    pub proxies: Vec<Network>,
    /// What is counted for the operator, if anything.
    pub metrics: Option<Metrics>,
    /// The collector that is told, if there is one.
    pub telemetry: Option<TelemetryOptions>,
    /// What it does with its audit chains.
    pub audit: Auditing,
    /// Which pages there are.
    pub pages: Pages,
    /// Whether Pocket takes and answers whatever its URL is called with, without asking its holder: for suites that
    /// try wallets. The demo alone can be set so.
    pub danger_auto_consent: Option<AutoConsent>,
    /// Whom Pocket believes and reaches beside the demo itself. The demo alone can be set so.
    pub pocket: PocketWorld,
    /// The tenants.
    pub tenants: Vec<PlannedTenant>,
    /// The issuers of the demo that demand more of wallets; they have the keys of its tenant.
    pub sandbox: Vec<PlannedTenant>,
}

/// Whom Pocket believes and reaches beside the demo itself: issuers and verifiers of somebody else, and suites that
/// try wallets.
#[derive(Debug, Clone, Default)]
pub struct PocketWorld {
    /// Authorities that vouch for issuers, for verifiers and for signed metadata.
    pub anchors: TrustAnchors,
    /// Certificates, PEM, that vouch for TLS servers beside those of the system.
    pub tls_roots: Vec<Vec<u8>>,
    /// Servers that may be at any address, over https alone.
    pub hosts: Vec<HostPort>,
}

/// Which pages there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pages {
    /// None.
    None,
    /// To issue and verify by hand.
    Desk,
    /// These, and the wallet in the browser.
    Demo,
}

/// One tenant.
pub struct PlannedTenant {
    /// Its path segment.
    pub id: TenantId,
    /// Whose keys it has: its own but in the sandbox of the demo.
    pub keys_of: TenantId,
    /// What it demands of wallets, if it is an issuer of the demo.
    pub demands: Demands,
    /// Its name for people.
    pub name: String,
    /// The keys of its integrator API.
    pub api_keys: Vec<ApiKey>,
    /// Who is told of each step.
    pub webhooks: Vec<Webhook>,
    /// Whom it trusts when it verifies.
    pub anchors: TrustAnchors,
    /// The file with its trust list.
    pub trust_list: Option<PathBuf>,
    /// What it demands of presentations beyond what is always checked.
    pub policies: PolicySet,
    /// Questions ready to ask, beside those that its types answer.
    pub saved_requests: Vec<Preset>,
    /// Applications that people sign in to with their wallets.
    pub sign_in_clients: Vec<SignInClient>,
    /// What it issues.
    pub types: Vec<CredentialType>,
    /// How long verifiers keep its status lists; none when what it issues has no status.
    pub status_ttl: Option<SignedDuration>,
    /// What it signs with, unless the test authority makes that.
    pub signing: Option<SigningFiles>,
    /// What it signs mdocs with, unless the test authority makes that.
    pub document_signing: Option<SigningFiles>,
    /// What it signs W3C credentials with, unless it is a did:jwk made here.
    pub did_signing: Option<DidKeyFile>,
    /// What it demands of those who ask for tokens.
    pub authorization: Authorization,
    /// Who is believed about the keys of wallets.
    pub key_attesters: TrustAnchors,
    /// What is done with an attestation whose status cannot be read.
    pub unreadable_attestations: UnreadableAttestations,
    /// Whether credential requests and responses are encrypted.
    pub encryption: EncryptionMode,
    /// How it asks.
    pub asking: Asking,
}

/// Why there is nothing to serve.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// A file or folder cannot be used.
    #[error("{path}: {error}")]
    File {
        /// Which one.
        path: String,
        /// What the system says.
        error: std::io::Error,
    },
    /// A file holds no usable API key.
    #[error("{path}: an API key is 32 to 256 visible characters without spaces")]
    ApiKey {
        /// Which one.
        path: String,
    },
    /// A file holds no usable certificates.
    #[error("{path}: {why}")]
    Anchors {
        /// Which one.
        path: String,
        /// Why.
        why: String,
    },
    /// The embedded types of the demo cannot be read.
    #[error("the demo's credential types cannot be read: {0}")]
    Demo(#[from] crate::credential_type::CredentialTypeError),
    /// The holder of the demo cannot be made.
    #[error("the demo's holder cannot be made: {0}")]
    Directory(#[from] crate::directory::DirectoryError),
    /// The port makes no URL.
    #[error("the port makes no URL")]
    Url,
}

impl Plan {
    /// What a configuration says.
    ///
    /// # Errors
    /// When a file that it names cannot be used.
    pub fn of(config: &Config) -> Result<Self, PlanError> {
        let tenants = config.tenants.iter().map(|tenant| {
            Ok(PlannedTenant {
                id: tenant.id.clone(),
                keys_of: tenant.id.clone(),
                demands: Demands::default(),
                name: tenant.name.clone(),
                api_keys: all_keys(tenant)?,
                webhooks: tenant.webhooks.clone(),
                anchors: all_anchors(&tenant.trust_anchors)?,
                key_attesters: all_anchors(&tenant.key_attesters)?,
                unreadable_attestations: tenant.unreadable_attestations,
                encryption: tenant.encryption,
                trust_list: tenant.trust_list.clone(),
                policies: tenant.policies.clone(),
                saved_requests: tenant.saved_requests.clone(),
                sign_in_clients: tenant.sign_in_clients.clone(),
                types: tenant.credential_types.clone(),
                status_ttl: tenant.status_ttl,
                signing: tenant.signing.clone(),
                document_signing: tenant.document_signing.clone(),
                did_signing: tenant.did_signing.clone(),
                authorization: tenant.authorization.clone(),
                asking: tenant.asking.clone(),
            })
        });
        let living = config.tenants.iter().flat_map(|tenant| &tenant.living_files);
        Ok(Self {
            source: Some(config.path.clone()),
            living_files: living.cloned().collect(),
            base_url: config.base_url.clone(),
            data: config.data.clone(),
            store: config.store.clone(),
            sealing: config.sealing.clone(),
            development: config.mode == Mode::Development,
            issuer: config.issuer,
            awkward: config.awkward,
            verifier: config.verifier,
            resolver: config.resolver,
            vc_api: config.vc_api,
            rates: config.rates,
            proxies: match &config.transport {
                Transport::BehindProxy(proxies) => proxies.clone(),
                Transport::PlainLoopback | Transport::Tls { .. } => Vec::new(),
            },
            metrics: (config.metrics.is_some() || config.telemetry.is_some())
                .then(Metrics::default),
            telemetry: config.telemetry.clone(),
            audit: config.audit.clone(),
            pages: if config.pages { Pages::Desk } else { Pages::None },
            danger_auto_consent: None,
            pocket: PocketWorld::default(),
            tenants: tenants.collect::<Result<_, PlanError>>()?,
            sandbox: Vec::new(),
        })
    }

    /// The demo on this port, in this folder: its API key is made on first start.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub fn demo(port: u16, data: PathBuf) -> Result<Self, PlanError> {
        let refused = |error| PlanError::File { path: data.display().to_string(), error };
        files::private_folder(&data).map_err(refused)?;
        let key_file = data.join("api-key");
        if !key_file.exists() {
            let tenant = demo::TENANT.parse().map_err(|_| PlanError::Url)?;
            let key = ApiKey::generate(&tenant, &AwsLc);
            files::write_private(&key_file, key.as_bytes()).map_err(refused)?;
        }
        let key = of_every_scope(&api_key(&key_file)?);
        let mut tenants = Vec::new();
        for demands in Demands::all() {
            tenants.push(Self::demo_tenant(port, demands, key)?);
        }
        let sandbox = tenants.split_off(1);
        Ok(Self {
            source: None,
            living_files: Vec::new(),
            base_url: format!("http://localhost:{port}").parse().map_err(|_| PlanError::Url)?,
            data,
            store: None,
            sealing: Sealing::default(),
            development: true,
            issuer: true,
            awkward: false,
            verifier: true,
            resolver: false,
            vc_api: None,
            rates: None,
            proxies: Vec::new(),
            metrics: None,
            telemetry: None,
            audit: Auditing::default(),
            pages: Pages::Demo,
            danger_auto_consent: None,
            pocket: PocketWorld::default(),
            tenants,
            sandbox,
        })
    }

    fn demo_tenant(port: u16, demands: Demands, key: ApiKey) -> Result<PlannedTenant, PlanError> {
        let tenant = |name: &str| name.parse().map_err(|_| PlanError::Url);
        let authorization = demo::authorization(port)?;
        Ok(PlannedTenant {
            id: tenant(&demands.tenant())?,
            keys_of: tenant(demo::TENANT)?,
            demands,
            name: demo::ENTERPRISE.to_owned(),
            api_keys: vec![key],
            webhooks: Vec::new(),
            anchors: TrustAnchors::default(),
            trust_list: None,
            policies: PolicySet::new(),
            saved_requests: Vec::new(),
            sign_in_clients: Vec::new(),
            types: demo::credential_types()?,
            status_ttl: Some(demo::STATUS_TTL),
            signing: None,
            document_signing: None,
            did_signing: None,
            authorization: Authorization {
                rules: demands.over(authorization.rules),
                ..authorization
            },
            key_attesters: TrustAnchors::default(),
            unreadable_attestations: UnreadableAttestations::Refused,
            encryption: match demands.encryption {
                true => EncryptionMode::Required,
                false => EncryptionMode::Offered,
            },
            asking: Asking::default(),
        })
    }
}

/// The keys in files, which are good for everything, and those with scopes.
fn all_keys(tenant: &Tenant) -> Result<Vec<ApiKey>, PlanError> {
    let mut keys = tenant.api_keys.clone();
    for file in &tenant.api_key_files {
        keys.push(of_every_scope(&api_key(file)?));
    }
    Ok(keys)
}

fn of_every_scope(key: &SecretString) -> ApiKey {
    ApiKey::of_every_scope(ApiKeyDigest::of(key.expose_secret(), &AwsLc))
}

/// Reads an API key from a file that its owner alone can read.
///
/// # Errors
/// When the file cannot be used or holds no key.
pub fn api_key(path: &PathBuf) -> Result<SecretString, PlanError> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| PlanError::File { path: path.display().to_string(), error })?;
    let key = text.trim();
    let usable = (32..=256).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
    if !usable {
        return Err(PlanError::ApiKey { path: path.display().to_string() });
    }
    Ok(SecretString::from(key.to_owned()))
}

fn all_anchors(files: &[PathBuf]) -> Result<TrustAnchors, PlanError> {
    files
        .iter()
        .try_fold(TrustAnchors::default(), |all, path| anchors(path).map(|more| all.and(more)))
}

fn anchors(path: &PathBuf) -> Result<TrustAnchors, PlanError> {
    let shown = path.display().to_string();
    let pem = std::fs::read_to_string(path)
        .map_err(|error| PlanError::File { path: shown.clone(), error })?;
    TrustAnchors::from_pem(&pem)
        .map_err(|error| PlanError::Anchors { path: shown, why: error.to_string() })
}

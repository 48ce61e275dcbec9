//! What the composition gives to the service.

use std::{fmt, sync::Arc};

use jiff::SignedDuration;
use lanyard_core::{
    crypto::CryptoProvider,
    did::{DidResolver, DidUrl},
    sd_jwt_vc::type_metadata::TypeMetadataSource,
    status::{StatusListSource, token_status_list::SharedLists},
    trust::{IssuerMetadataSource, LiveTrust, x509::RevocationListSource},
    verify::{Policy, PolicySet},
};
use lanyard_oid4vp::{dc_api::Origin, dcql::DcqlQuery, request::object::RequestSigner};
use lanyard_store::{Store, TenantId};
use thiserror::Error;
use tokio::sync::watch;
use url::Url;

use crate::{ApiKey, Clock, DataKey, RequestPolicy, RequestPolicyFault, SignInClient, VcApiTrust};

/// Everything the service needs.
#[derive(Debug)]
pub struct VerifierSettings {
    /// The public URL of the server: scheme, host and port. What a request says about it is ignored.
    pub base_url: Url,
    /// The tenants.
    pub tenants: Vec<TenantSettings>,
    /// Where sessions are kept.
    pub store: Arc<dyn Store>,
    /// Cryptography, and the randomness of nonces, keys and paths.
    pub provider: Arc<dyn CryptoProvider>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Turns true when the server stops: event streams end then, everything else finishes.
    pub shutdown: watch::Receiver<bool>,
    /// For how long a result that nobody read is kept; 24 hours at most, whatever is set.
    pub retention: SignedDuration,
}

/// One tenant: a verifier with its keys and its trust.
pub struct TenantSettings {
    /// Its name, the path segment.
    pub tenant: TenantId,
    /// The key its request objects are signed with, and the certificates that vouch for it.
    pub signer: RequestSigner,
    /// The DNS name in its certificate, for `x509_san_dns`; it is the host of the base URL.
    pub dns_name: Option<String>,
    /// Whose credentials it believes, for which types; whoever keeps a clone can replace it.
    pub trust: LiveTrust,
    /// What it decides for itself when it verifies.
    pub policy: Policy,
    /// What it demands beyond that.
    pub policies: PolicySet,
    /// What it asks the network for.
    pub sources: Sources,
    /// What waiting sessions are sealed under.
    pub data_key: DataKey,
    /// Its API keys; none closes the API.
    pub api_keys: Vec<ApiKey>,
    /// Questions ready to ask.
    pub presets: Vec<Preset>,
    /// The origins, beside this server's own, to which a same-device browser may return.
    pub return_origins: Vec<Url>,
    /// The origins, beside this server's own, whose pages may ask: through the Digital Credentials API, and
    /// with the `<lanyard-verify>` element.
    pub web_origins: Vec<Origin>,
    /// By what else than its certificate it can name itself.
    pub other_names: OtherNames,
    /// Applications that let people sign in with their wallets, by OpenID Connect.
    pub sign_in_clients: Vec<SignInClient>,
    /// Whom the VC API trusts; `None` switches it off.
    pub vc_api: Option<VcApiTrust>,
}

/// By what else than its certificate a verifier can name itself; each with the same key (§5.9.3).
#[derive(Clone, Debug, Default)]
pub struct OtherNames {
    /// The DID URL of its key; without, the did:jwk of the key.
    pub did: Option<DidUrl>,
    /// An attestation with its key in it, by somebody whom wallets believe.
    pub attestation: Option<String>,
    /// What wallets registered it as.
    pub registered: Option<Registered>,
}

/// A registration with wallets.
#[derive(Clone, Debug)]
pub struct Registered {
    /// The client identifier, without a prefix.
    pub client_id: String,
    /// The name of its key, where one is registered.
    pub key_id: Option<String>,
}

/// What a verifier asks the network for; what is none is not asked for.
#[derive(Clone, Default)]
pub struct Sources {
    /// How issuers' DIDs are resolved; without, only the methods that need no network.
    pub resolver: Option<Arc<dyn DidResolver>>,
    /// The metadata that issuers publish.
    pub issuer_metadata: Option<Arc<dyn IssuerMetadataSource>>,
    /// Lists of revoked certificates.
    pub revocation_lists: Option<Arc<dyn RevocationListSource>>,
    /// The metadata of types.
    pub type_metadata: Option<Arc<dyn TypeMetadataSource>>,
    /// Status lists; without, the status of a credential is unknown.
    pub status_lists: Option<Arc<dyn StatusListSource>>,
    /// What those lists say, held once for all tenants that have this in common.
    pub shared_lists: SharedLists,
}

/// A question ready to ask.
#[derive(Clone, Debug)]
pub struct Preset {
    /// Its name in the API.
    pub id: String,
    /// Its version: without one in the request, the highest is asked.
    pub version: u32,
    /// Its title, for people.
    pub title: String,
    /// Why one asks, for people.
    pub purpose: String,
    /// What is asked for.
    pub query: DcqlQuery,
    /// What is demanded beyond the tenant's policies.
    pub policy: RequestPolicy,
}

/// Why the service cannot be put together.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum SettingsError {
    /// The base URL has a path, a query or no host.
    #[error("the base URL must be scheme, host and port, without a path")]
    BaseUrl,
    /// Plain http beyond this machine.
    #[error("the base URL must be https; http is for loopback only")]
    BaseUrlNotEncrypted,
    /// Two tenants have one name.
    #[error("the tenant {0} is configured twice")]
    TenantRepeated(TenantId),
    /// Without a certificate there is no name to ask in.
    #[error("the tenant {0} has no certificate to sign requests with")]
    CertificateMissing(TenantId),
    /// OID4VP 1.0 §5.9.3: the DNS name is also the host of the response URI.
    #[error("the DNS name of the tenant {0} is not the host of the base URL")]
    DnsName(TenantId),
    /// An attestation that cannot be read, or that has no `sub`.
    #[error("the verifier attestation of the tenant {0} cannot be used")]
    Attestation(TenantId),
    /// A client identifier with a prefix, which no registration has.
    #[error("the registered client_id of the tenant {0} cannot be used")]
    Registration(TenantId),
    /// The policy of a preset cannot be used for its query.
    #[error("the preset {preset} of the tenant {tenant}: {fault}")]
    PresetPolicy {
        /// The tenant.
        tenant: TenantId,
        /// The name.
        preset: String,
        /// What is wrong with it.
        fault: RequestPolicyFault,
    },
    /// A client that cannot sign anybody in: no redirect URI, no preset that there is, or named twice.
    #[error("the sign-in client {client} of the tenant {tenant} {fault}")]
    SignInClient {
        /// The tenant.
        tenant: TenantId,
        /// The client.
        client: String,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// Two presets of one tenant have one name and version.
    #[error("the tenant {tenant} has the preset {preset} twice")]
    PresetRepeated {
        /// The tenant.
        tenant: TenantId,
        /// The name.
        preset: String,
    },
}

impl fmt::Debug for TenantSettings {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "TenantSettings({}, {} presets)", self.tenant, self.presets.len())
    }
}

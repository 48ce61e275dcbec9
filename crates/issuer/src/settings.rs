//! What the composition gives to the service.

use std::sync::Arc;

use jiff::SignedDuration;
use lanyard_core::crypto::CryptoProvider;
use lanyard_oid4vci::{
    CredentialConfigurationId, configuration::IssuerConfiguration, issuer::Issuer,
};
use lanyard_store::{Store, TenantId};
use thiserror::Error;
use tokio::sync::watch;
use url::Url;

use crate::{ApiKey, Clock, DataKey, LoginSettings, StatusLists, VcApiKeys};

/// Everything the service needs.
#[derive(Debug)]
pub struct IssuerSettings {
    /// The public URL of the server: scheme, host and port. What a request says about it is ignored.
    pub base_url: Url,
    /// The tenants.
    pub tenants: Vec<TenantSettings>,
    /// Where sessions are kept.
    pub store: Arc<dyn Store>,
    /// Cryptography, and the randomness of codes, tokens and names.
    pub provider: Arc<dyn CryptoProvider>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Turns true when the server stops: event streams end then, everything else finishes.
    pub shutdown: watch::Receiver<bool>,
    /// For how long the status of a finished session can be asked for.
    pub retention: SignedDuration,
}

/// One tenant: a credential issuer with its keys.
#[derive(Debug)]
pub struct TenantSettings {
    /// Its name, the path segment.
    pub tenant: TenantId,
    /// The issuer; its identifier is `{base_url}/{tenant}`.
    pub issuer: Issuer,
    /// What waiting sessions are sealed under.
    pub data_key: DataKey,
    /// Its API keys; none closes the API.
    pub api_keys: Vec<ApiKey>,
    /// Its status lists, the ones its issuer allocates from; without, nothing can be revoked.
    pub status_lists: Option<Arc<StatusLists>>,
    /// How its holders log in; needed where the issuer offers the authorization code flow.
    pub login: Option<LoginSettings>,
    /// What it issues with by the VC API; without, there is none.
    pub vc_api: Option<VcApiKeys>,
}

/// What a tenant offers from now on.
#[derive(Debug)]
pub struct Offering {
    /// Its name.
    pub tenant: TenantId,
    /// Its credentials.
    pub configuration: IssuerConfiguration,
    /// How its holders log in, and where their claims come from.
    pub login: Option<LoginSettings>,
}

/// Why the service cannot be put together.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum SettingsError {
    /// The base URL has a path, a query or no host.
    #[error("the base URL must be scheme, host and port, without a path")]
    BaseUrl,
    /// Two tenants have one name.
    #[error("the tenant {0} is configured twice")]
    TenantRepeated(TenantId),
    /// There is no such tenant to offer something else.
    #[error("there is no tenant {0}; another one counts from the next start")]
    TenantUnknown(TenantId),
    /// A credential cannot be issued with the key that its format has.
    #[error(
        "the tenant {tenant} has no key for {configuration}: an mdoc needs a document signer's certificate, jwt_vc_json an issuer with a name, ldp_vc a DID whose key fits the cryptosuite"
    )]
    NoKey {
        /// The tenant.
        tenant: TenantId,
        /// The credential configuration.
        configuration: CredentialConfigurationId,
    },
    /// A credential would be signed with a key that the profile does not allow.
    #[error(
        "the tenant {tenant} keeps to HAIP, and {configuration} is signed by ES256 there, with the key's own certificate beside it"
    )]
    OutsideHaip {
        /// The tenant.
        tenant: TenantId,
        /// The credential configuration.
        configuration: CredentialConfigurationId,
    },
    /// An issuer offers the authorization code flow and nobody can log in, or the other way round.
    #[error(
        "the tenant {0} needs both the authorization code flow and a way to log in, or neither"
    )]
    Login(TenantId),
    /// An authorization server of somebody else is named, and its tokens are not taken, or the other way round.
    #[error(
        "the tenant {0} needs both the name of another authorization server and its keys, or neither"
    )]
    Elsewhere(TenantId),
    /// A credential demands attested keys, and nobody is believed about any.
    #[error(
        "the tenant {tenant} believes nobody about keys, and {configuration} demands that they are attested"
    )]
    NoAttesters {
        /// The tenant.
        tenant: TenantId,
        /// The credential configuration.
        configuration: CredentialConfigurationId,
    },
    /// A tenant's issuer identifier does not lead to this server.
    #[error("the issuer identifier of the tenant {tenant} is not {expected}")]
    IssuerElsewhere {
        /// The tenant.
        tenant: TenantId,
        /// What its identifier would have to be.
        expected: String,
    },
}

impl SettingsError {
    /// Whether a tenant can do what its metadata says, on the server with this base URL.
    pub(crate) fn accept(
        tenant: &TenantId,
        issuer: &Issuer,
        login: Option<&LoginSettings>,
        base_url: &Url,
    ) -> Result<(), Self> {
        let tenant = tenant.clone();
        // OID4VCI 1.0 §12.2.1: the identifier is what wallets compare, byte by byte
        let expected = format!("{base_url}{tenant}");
        if issuer.configuration().issuer().as_str() != expected {
            return Err(Self::IssuerElsewhere { tenant, expected });
        }
        if let Some(configuration) = issuer.without_key().first() {
            return Err(Self::NoKey { tenant, configuration: (*configuration).clone() });
        }
        if let Some(configuration) = issuer.outside_haip().first() {
            return Err(Self::OutsideHaip { tenant, configuration: (*configuration).clone() });
        }
        // what the metadata offers can be done, and nothing else
        let is_elsewhere = login.is_some_and(|login| login.ways.elsewhere().is_some());
        if issuer.rules().offers_code_flow() != (login.is_some() && !is_elsewhere) {
            return Err(Self::Login(tenant));
        }
        if issuer.configuration().authorization_server().is_some() != is_elsewhere {
            return Err(Self::Elsewhere(tenant));
        }
        if let Some(configuration) = issuer.without_attesters().first() {
            return Err(Self::NoAttesters { tenant, configuration: (*configuration).clone() });
        }
        Ok(())
    }
}

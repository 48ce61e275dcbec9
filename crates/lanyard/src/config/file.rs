//! The configuration file as written: every key, nothing checked yet.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::PathBuf;

use serde::Deserialize;
use serde_spanned::Spanned;

/// `lanyard.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    #[serde(default)]
    pub(super) mode: Mode,
    pub(super) base_url: Spanned<String>,
    pub(super) listen: Spanned<String>,
    pub(super) data: Spanned<PathBuf>,
    pub(super) sealing_key_file: Option<Spanned<PathBuf>>,
    pub(super) store: Option<Spanned<StoreTable>>,
    pub(super) tls: Option<Spanned<TlsTable>>,
    pub(super) behind_proxy: Option<Spanned<Vec<Spanned<String>>>>,
    pub(super) issuer: Option<IssuerTable>,
    pub(super) verifier: Option<VerifierTable>,
    pub(super) resolver: Option<ResolverTable>,
    pub(super) vc_api: Option<VcApi>,
    pub(super) metrics: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) rates: RatesTable,
    #[serde(default)]
    pub(super) pages: bool,
    #[serde(default)]
    pub(super) tenants: Vec<Spanned<TenantTable>>,
}

/// Whether plain http on loopback and made-up certificates are tolerated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// https only, certificates given.
    #[default]
    Production,
    /// Plain http on loopback, certificates from a test authority of its own.
    Development,
}

/// Whether there are the routes of the VC API, and whom they believe.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum VcApi {
    TrustedIssuers,
    AnyDid,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StoreTable {
    pub(super) postgres: Spanned<String>,
    pub(super) password_file: Option<Spanned<PathBuf>>,
    /// Who vouches for the server's certificate.
    pub(super) authorities: Option<Spanned<PathBuf>>,
    pub(super) connections: Option<Spanned<usize>>,
    pub(super) sealing_key_file: Option<Spanned<PathBuf>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TlsTable {
    pub(super) certificates: Spanned<PathBuf>,
    pub(super) key: Spanned<PathBuf>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IssuerTable {
    #[serde(default)]
    pub(super) awkward: Option<Spanned<bool>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VerifierTable {}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ResolverTable {}

/// Requests per second; what is left out has its default.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RatesTable {
    #[serde(default)]
    pub(super) off: bool,
    pub(super) token: Option<NonZeroU32>,
    pub(super) nonce: Option<NonZeroU32>,
    pub(super) credential: Option<NonZeroU32>,
    pub(super) fetch: Option<NonZeroU32>,
    pub(super) response: Option<NonZeroU32>,
    pub(super) login: Option<NonZeroU32>,
    pub(super) api: Option<NonZeroU32>,
    pub(super) resolution: Option<NonZeroU32>,
    pub(super) wrong_keys_per_minute: Option<NonZeroU32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TenantTable {
    pub(super) id: Spanned<String>,
    pub(super) name: Spanned<String>,
    #[serde(default)]
    pub(super) api_key_files: Vec<Spanned<PathBuf>>,
    #[serde(default)]
    pub(super) api_keys: Vec<Spanned<ApiKeyTable>>,
    #[serde(default)]
    pub(super) webhooks: Vec<Spanned<WebhookTable>>,
    #[serde(default)]
    pub(super) trust_anchors: Vec<Spanned<PathBuf>>,
    pub(super) trust_list: Option<Spanned<PathBuf>>,
    pub(super) policies: Option<Spanned<toml::Value>>,
    #[serde(default)]
    pub(super) saved_requests: Vec<Spanned<PathBuf>>,
    #[serde(default)]
    pub(super) sign_in_clients: Vec<Spanned<SignInClientTable>>,
    #[serde(default)]
    pub(super) credential_types: Vec<Spanned<PathBuf>>,
    pub(super) signing: Option<SigningTable>,
    pub(super) document_signing: Option<SigningTable>,
    pub(super) did_signing: Option<DidSigningTable>,
    pub(super) status_lists: Option<StatusListTable>,
    /// Authorities of wallet providers that are believed about keys.
    #[serde(default)]
    pub(super) key_attesters: Vec<Spanned<PathBuf>>,
    #[serde(default)]
    pub(super) encryption: EncryptionMode,
    pub(super) profile: Option<Spanned<String>>,
    pub(super) login: Option<Spanned<LoginTable>>,
    #[serde(default)]
    pub(super) claims: Vec<Spanned<ClaimsTable>>,
    #[serde(default)]
    pub(super) clients: Vec<Spanned<ClientTable>>,
    #[serde(default)]
    pub(super) wallet_attesters: Vec<Spanned<PathBuf>>,
    pub(super) verifier: Option<AskingTable>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AskingTable {
    #[serde(default)]
    pub(super) web_origins: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) return_origins: Vec<Spanned<String>>,
    pub(super) did: Option<Spanned<String>>,
    pub(super) attestation: Option<Spanned<PathBuf>>,
    pub(super) registered: Option<Spanned<RegisteredTable>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RegisteredTable {
    pub(super) client_id: String,
    pub(super) key_id: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ApiKeyTable {
    pub(super) name: String,
    pub(super) digest: Spanned<String>,
    pub(super) scopes: Vec<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WebhookTable {
    pub(super) name: Spanned<String>,
    pub(super) url: Spanned<String>,
    pub(super) secret_file: Spanned<PathBuf>,
    #[serde(default = "every_event")]
    pub(super) events: Vec<Spanned<String>>,
}

fn every_event() -> Vec<Spanned<String>> {
    vec![Spanned::new(0..0, "*".to_owned())]
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SignInClientTable {
    pub(super) id: String,
    pub(super) name: Option<String>,
    #[serde(default)]
    pub(super) redirect_uris: Vec<String>,
    #[serde(default)]
    pub(super) requests: Vec<String>,
    pub(super) secret_file: Option<Spanned<PathBuf>>,
    pub(super) subject: Option<Spanned<toml::Value>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LoginTable {
    /// The file of those who log in here.
    pub(super) holders: Option<Spanned<PathBuf>>,
    /// The login provider where they log in instead, or too.
    pub(super) provider: Option<Spanned<LoginProviderTable>>,
    pub(super) danger_consent: Option<Spanned<String>>,
    pub(super) server: Option<Spanned<OtherServerTable>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OtherServerTable {
    pub(super) issuer: Spanned<String>,
    pub(super) holder: Option<String>,
    /// What this tenant is called there, for asking what a token is good for.
    pub(super) client_id: Option<Spanned<String>>,
    pub(super) client_secret: Option<Spanned<PathBuf>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LoginProviderTable {
    pub(super) issuer: Spanned<String>,
    pub(super) name: Spanned<String>,
    pub(super) client_id: String,
    pub(super) client_secret: Option<Spanned<PathBuf>>,
    pub(super) scopes: Option<Vec<String>>,
    /// The claim that names holders.
    pub(super) holder: Option<String>,
}

/// A source of the claims of one credential type.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ClaimsTable {
    #[serde(rename = "type")]
    pub(super) kind: Spanned<String>,
    /// The same for everybody.
    pub(super) fixed: Option<Spanned<toml::Table>>,
    /// Where in the credential what the login provider tells goes.
    pub(super) login: Option<Spanned<BTreeMap<String, String>>>,
    /// Who is asked.
    pub(super) ask: Option<Spanned<AskTable>>,
    /// Whether the file of holders says the rest.
    #[serde(default)]
    pub(super) holders: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AskTable {
    pub(super) url: Spanned<String>,
    pub(super) timeout_seconds: Option<Spanned<u8>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ClientTable {
    pub(super) id: String,
    #[serde(default)]
    pub(super) redirect_uris: Vec<Spanned<String>>,
    pub(super) authentication: Option<Spanned<String>>,
    pub(super) keys: Option<Spanned<PathBuf>>,
}

/// Whether credential requests and responses are encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EncryptionMode {
    /// As the wallet likes.
    #[default]
    Offered,
    /// Always.
    Required,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StatusListTable {
    pub(super) ttl_seconds: Spanned<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SigningTable {
    pub(super) certificates: Spanned<PathBuf>,
    pub(super) key: Spanned<PathBuf>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DidSigningTable {
    pub(super) verification_method: Spanned<String>,
    pub(super) key: Spanned<PathBuf>,
}

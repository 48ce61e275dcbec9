//! Holders log in at their company's own login provider (OpenID Connect Core 1.0, as its client).

mod discovery;
mod error;
mod exchange;
mod id_token;
mod introspection;
mod kept;
mod key_home;

use std::{fmt, sync::Arc};

use jiff::Timestamp;
use lanyard_core::{crypto::CryptoProvider, json::Object};
use lanyard_fetch::HttpClient;
use lanyard_oid4vci::{
    authorization::CodeChallenge,
    issuer::{HolderId, UpstreamLogin},
};
use lanyard_store::{SessionId, TenantId};
use secrecy::SecretString;
use serde_json::Value;
use url::Url;

pub use error::{IdTokenFault, UpstreamError};
pub(crate) use introspection::Introspection;
pub use introspection::IntrospectionSettings;
pub(crate) use key_home::KeyHome;
pub use key_home::UpstreamServer;

use discovery::Known;
use kept::Kept;

/// How a tenant is known to its login provider, and what it wants from there.
#[derive(Clone)]
pub struct OidcSettings {
    /// The provider's issuer identifier, byte by byte as it writes it itself.
    pub issuer: String,
    /// What people call it.
    pub name: String,
    /// What the tenant is called there.
    pub client_id: String,
    /// What it proves that with; none is a public client, which has PKCE alone.
    pub client_secret: Option<SecretString>,
    /// What is asked for; `openid` is always.
    pub scopes: Vec<String>,
    /// The claim that names the holder here; `sub` unless another one is as lasting.
    pub holder: String,
    /// The claims that are kept until the credential is issued; every other one is forgotten at once.
    pub kept: Vec<String>,
    /// Where browsers come back to: [`login_callback`].
    pub redirect_uri: Url,
    /// The way to the network.
    pub http: Arc<dyn HttpClient>,
    /// Cryptography.
    pub provider: Arc<dyn CryptoProvider>,
}

/// A login provider, as its client sees it.
pub struct OidcProvider {
    settings: OidcSettings,
    known: Kept<Known>,
}

/// A holder whom the provider vouches for.
pub(crate) struct LoggedIn {
    pub(crate) holder: HolderId,
    /// The claims that are kept.
    pub(crate) profile: Object,
    /// What the holder is called on pages.
    pub(crate) shown: String,
}

/// Where browsers come back to from a tenant's login provider; to be registered there.
pub fn login_callback(base_url: &Url, tenant: &TenantId) -> Url {
    let mut url = base_url.clone();
    url.set_path(&format!("/{tenant}/login/callback"));
    url
}

impl OidcProvider {
    /// A client of this provider; nothing is asked before the first login.
    pub fn new(settings: OidcSettings) -> Self {
        Self { settings, known: Kept::default() }
    }

    /// What people call it.
    pub fn name(&self) -> &str {
        &self.settings.name
    }

    /// Where the browser goes (OpenID Connect Core §3.1.2.1, RFC 7636 §4.3).
    ///
    /// # Errors
    /// [`UpstreamError`] when the provider does not say where that is.
    pub(crate) async fn login_url(
        &self,
        session: SessionId,
        login: &UpstreamLogin,
        now: Timestamp,
    ) -> Result<Url, UpstreamError> {
        let metadata = self.metadata(now).await?;
        let settings = &self.settings;
        let mut url = metadata.authorization_endpoint.clone();
        let challenge = login.verifier().challenge(&*settings.provider);
        let state = format!("{session}.{}", login.state().reveal());
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &settings.client_id)
            .append_pair("redirect_uri", settings.redirect_uri.as_str())
            .append_pair("scope", &self.scope())
            .append_pair("state", &state)
            .append_pair("nonce", login.nonce().reveal())
            .append_pair("code_challenge", challenge.as_str())
            .append_pair("code_challenge_method", CodeChallenge::METHOD);
        Ok(url)
    }

    /// Redeems the code that the browser brought back, and finds out who the holder is.
    ///
    /// # Errors
    /// One [`UpstreamError`] per rule.
    pub(crate) async fn finish(
        &self,
        login: &UpstreamLogin,
        code: &str,
        iss: Option<&str>,
        now: Timestamp,
    ) -> Result<LoggedIn, UpstreamError> {
        let metadata = self.metadata(now).await?;
        // RFC 9207 §2.4: an answer of another provider is not taken to this one
        match iss {
            Some(iss) if iss != self.settings.issuer => return Err(UpstreamError::OtherIssuer),
            None if metadata.says_iss => return Err(UpstreamError::OtherIssuer),
            _ => {}
        }
        let tokens = self.redeem(&metadata, login, code).await?;
        let mut claims = self.verified(&tokens.id_token, login.nonce(), now).await?;
        let missing = |name: &String| !claims.contains_key(name);
        let wanted = self.settings.kept.iter().chain([&self.settings.holder]);
        if let (true, Some(endpoint)) = (wanted.clone().any(missing), &metadata.userinfo_endpoint) {
            let more = self.user_info(endpoint, &tokens.access_token, &claims).await?;
            for (name, value) in more {
                // what was signed is not changed by what was not
                claims.entry(name).or_insert(value);
            }
        }
        self.logged_in(&claims)
    }

    fn logged_in(&self, claims: &Object) -> Result<LoggedIn, UpstreamError> {
        let name = &self.settings.holder;
        let holder = claims.get(name).and_then(Value::as_str).unwrap_or_default();
        let usable = (1..=255).contains(&holder.len()) && !holder.contains(char::is_control);
        if !usable {
            return Err(UpstreamError::HolderMissing(name.clone()));
        }
        // OpenID Connect Core §5.7: an address is whoever's says so, unless the provider has verified it
        if name == "email" && claims.get("email_verified") != Some(&Value::Bool(true)) {
            return Err(UpstreamError::EmailNotVerified);
        }
        let shown = ["name", "email", "preferred_username"].into_iter();
        let shown = shown.filter_map(|name| claims.get(name).and_then(Value::as_str)).next();
        let kept = |(name, value): (&String, &Value)| {
            self.settings.kept.contains(name).then(|| (name.clone(), value.clone()))
        };
        Ok(LoggedIn {
            holder: HolderId::new(holder),
            profile: claims.iter().filter_map(kept).collect(),
            shown: shown.unwrap_or(holder).chars().take(80).collect(),
        })
    }

    /// OpenID Connect Core §3.1.2.1: `openid` makes it a login at all.
    fn scope(&self) -> String {
        let others = self.settings.scopes.iter().map(String::as_str).filter(|one| *one != "openid");
        std::iter::once("openid").chain(others).collect::<Vec<_>>().join(" ")
    }
}

impl fmt::Debug for OidcProvider {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "OidcProvider({})", self.settings.issuer)
    }
}

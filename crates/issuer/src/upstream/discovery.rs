//! What a login provider says about itself, and its keys (OpenID Connect Discovery §4).

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use lanyard_core::{
    jose::{Jwk, RsaJwk},
    json::{self, Object},
};
use lanyard_fetch::{HttpClient, Purpose, Request};
use serde_json::Value;
use url::Url;

use super::{OidcProvider, OidcSettings, UpstreamError};

/// How long a provider's description and keys serve.
pub(super) const LIFE: SignedDuration = SignedDuration::from_mins(10);

/// How soon keys are asked for again when a token names one that is not among them.
pub(super) const AGAIN: SignedDuration = SignedDuration::from_secs(30);

/// What a provider says about itself.
#[derive(Debug)]
pub(super) struct ProviderMetadata {
    pub(super) authorization_endpoint: Url,
    pub(super) token_endpoint: Url,
    pub(super) userinfo_endpoint: Option<Url>,
    jwks_uri: Url,
    /// Whether every answer says whose it is (RFC 9207 §3).
    pub(super) says_iss: bool,
    /// Whether the client's secret goes into the form rather than the header.
    pub(super) secret_in_form: bool,
}

/// A key that tokens are verified with.
pub(super) enum ProviderKey {
    Curve(Jwk),
    Rsa(RsaJwk),
}

/// What is known about a provider.
#[derive(Clone)]
pub(super) struct Known {
    metadata: Arc<ProviderMetadata>,
    keys: Arc<Vec<ProviderKey>>,
}

impl OidcProvider {
    /// What the provider says about itself.
    pub(super) async fn metadata(
        &self,
        now: Timestamp,
    ) -> Result<Arc<ProviderMetadata>, UpstreamError> {
        Ok(self.known(now, LIFE).await?.metadata)
    }

    /// Its keys, at most so old.
    pub(super) async fn keys(
        &self,
        now: Timestamp,
        is_key_missing: bool,
    ) -> Result<Arc<Vec<ProviderKey>>, UpstreamError> {
        let oldest = if is_key_missing { AGAIN } else { LIFE };
        Ok(self.known(now, oldest).await?.keys)
    }

    /// One at a time asks; the others wait for the answer.
    async fn known(&self, now: Timestamp, oldest: SignedDuration) -> Result<Known, UpstreamError> {
        let fetch = || async {
            let metadata = self.discover().await?;
            let OidcSettings { http, issuer, .. } = &self.settings;
            let keys = key_set(&**http, issuer, &metadata.jwks_uri).await?;
            Ok(Known { metadata: Arc::new(metadata), keys: Arc::new(keys) })
        };
        self.known.at_most(oldest, now, fetch).await
    }

    async fn discover(&self) -> Result<ProviderMetadata, UpstreamError> {
        let issuer = &self.settings.issuer;
        // OpenID Connect Discovery §4: appended, after a slash that ends the identifier is gone
        let place = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let place = Url::parse(&place).map_err(|_| UpstreamError::Metadata("its issuer"))?;
        let document = document(&*self.settings.http, issuer, place).await?;
        // OpenID Connect Discovery §4.3: exactly the same
        if document.get("issuer").and_then(Value::as_str) != Some(issuer) {
            return Err(UpstreamError::Metadata("its issuer is not the configured one"));
        }
        let required = |name: &'static str| endpoint(&document, name, issuer);
        let lists = |name: &str, wanted: &str| {
            let list = document.get(name).and_then(Value::as_array);
            list.map(|list| list.iter().any(|one| one == wanted))
        };
        if lists("response_types_supported", "code") == Some(false) {
            return Err(UpstreamError::Metadata("it offers no response_type code"));
        }
        if lists("code_challenge_methods_supported", "S256") == Some(false) {
            return Err(UpstreamError::Metadata("it offers no PKCE with S256"));
        }
        let methods = "token_endpoint_auth_methods_supported";
        // OpenID Connect Discovery §3: client_secret_basic where nothing is said
        let basic = lists(methods, "client_secret_basic").unwrap_or(true);
        Ok(ProviderMetadata {
            authorization_endpoint: required("authorization_endpoint")?,
            token_endpoint: required("token_endpoint")?,
            userinfo_endpoint: required("userinfo_endpoint").ok(),
            jwks_uri: required("jwks_uri")?,
            says_iss: document.get("authorization_response_iss_parameter_supported")
                == Some(&Value::Bool(true)),
            secret_in_form: !basic && lists(methods, "client_secret_post") == Some(true),
        })
    }
}

/// What an authorization server says about itself (RFC 8414 §3).
pub(super) async fn server_metadata(
    http: &dyn HttpClient,
    issuer: &str,
) -> Result<Object, UpstreamError> {
    let parsed = Url::parse(issuer).map_err(|_| UpstreamError::Metadata("its issuer"))?;
    // RFC 8414 §3.1: between host and path
    let mut place = parsed.clone();
    let path = parsed.path().trim_end_matches('/');
    place.set_path(&format!("/.well-known/oauth-authorization-server{path}"));
    let metadata = match document(http, issuer, place).await {
        Ok(metadata) => metadata,
        // RFC 8414 §5: servers of OpenID Connect have it where that specification says
        Err(_) => {
            let mut place = parsed.clone();
            place.set_path(&format!("{path}/.well-known/openid-configuration"));
            document(http, issuer, place).await?
        }
    };
    // RFC 8414 §3.3: exactly the same
    if metadata.get("issuer").and_then(Value::as_str) != Some(issuer) {
        return Err(UpstreamError::Metadata("its issuer is not the configured one"));
    }
    Ok(metadata)
}

/// An endpoint that a server names; over plain http only where the server is on it itself.
pub(super) fn endpoint(
    metadata: &Object,
    name: &'static str,
    issuer: &str,
) -> Result<Url, UpstreamError> {
    let url = metadata.get(name).and_then(Value::as_str).and_then(|url| Url::parse(url).ok());
    let is_plain = issuer.starts_with("http://");
    url.filter(|url| url.scheme() == "https" || is_plain && url.scheme() == "http")
        .ok_or(UpstreamError::Metadata(name))
}

/// The keys that a server publishes.
pub(super) async fn key_set(
    http: &dyn HttpClient,
    issuer: &str,
    place: &Url,
) -> Result<Vec<ProviderKey>, UpstreamError> {
    let document = document(http, issuer, place.clone()).await?;
    let keys = document.get("keys").and_then(Value::as_array);
    let keys = keys.ok_or(UpstreamError::Metadata("its key set"))?;
    // RFC 7517 §5: what is not understood is left out
    Ok(keys.iter().filter_map(ProviderKey::read).collect())
}

/// A document that a server publishes.
pub(super) async fn document(
    http: &dyn HttpClient,
    issuer: &str,
    place: Url,
) -> Result<Object, UpstreamError> {
    let request = Request::get(place, Purpose::LoginProvider).accept("application/json");
    let answer = http.send(request).await.map_err(|error| {
        tracing::warn!(issuer, %error, "login provider");
        UpstreamError::Unreachable
    })?;
    if answer.status != 200 {
        tracing::warn!(issuer, status = answer.status, "login provider");
        return Err(UpstreamError::Unreachable);
    }
    json::parse_object(&answer.body).map_err(|_| UpstreamError::Metadata("it is not JSON"))
}

impl ProviderKey {
    fn read(value: &Value) -> Option<Self> {
        match RsaJwk::from_value(value) {
            Ok(key) => Some(Self::Rsa(key)),
            Err(_) => Jwk::from_value(value).ok().map(Self::Curve),
        }
    }

    pub(super) fn kid(&self) -> Option<&str> {
        match self {
            Self::Curve(key) => key.kid.as_deref(),
            Self::Rsa(key) => key.kid.as_deref(),
        }
    }
}

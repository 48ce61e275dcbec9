//! Where the keys of an authorization server are had (RFC 8414 §3), and what they signed.

use std::{fmt, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use lanyard_core::{crypto::CryptoProvider, jose::Slot, json::Object};
use lanyard_fetch::HttpClient;
use serde_json::Value;
use tokio::sync::Mutex;
use url::Url;

use super::{
    IdTokenFault, UpstreamError,
    discovery::{AGAIN, LIFE, ProviderKey, document, key_set},
    id_token::signed,
};

/// Whose keys, and the way to them.
#[derive(Clone)]
pub struct KeyHomeSettings {
    /// The server's issuer identifier, byte by byte as it writes it itself.
    pub issuer: String,
    /// The way to the network.
    pub http: Arc<dyn HttpClient>,
    /// Cryptography.
    pub provider: Arc<dyn CryptoProvider>,
}

/// The keys of an authorization server, asked for when they are needed.
pub(crate) struct KeyHome {
    settings: KeyHomeSettings,
    known: Mutex<Option<(Arc<Vec<ProviderKey>>, Timestamp)>>,
}

impl KeyHome {
    /// Nothing is asked before the first token.
    pub(crate) fn of_authorization_server(settings: KeyHomeSettings) -> Self {
        Self { settings, known: Mutex::new(None) }
    }

    /// The claims of a token that one of the keys signed; nothing in them is judged.
    pub(crate) async fn verify(
        &self,
        token: &str,
        slot: &Slot,
        now: Timestamp,
    ) -> Result<Object, UpstreamError> {
        let provider = &*self.settings.provider;
        let claims = match signed(token, &self.keys(now, LIFE).await?, slot, provider) {
            // a key that is not known yet has been published since
            Err(IdTokenFault::KeyUnknown) => {
                signed(token, &self.keys(now, AGAIN).await?, slot, provider)
            }
            signed => signed,
        };
        Ok(claims?)
    }

    /// One at a time asks; the others wait for the answer.
    async fn keys(
        &self,
        now: Timestamp,
        oldest: SignedDuration,
    ) -> Result<Arc<Vec<ProviderKey>>, UpstreamError> {
        let mut known = self.known.lock().await;
        if let Some((keys, since)) = known.as_ref()
            && now.duration_since(*since).abs() < oldest
        {
            return Ok(keys.clone());
        }
        let keys = Arc::new(self.fetch().await?);
        *known = Some((keys.clone(), now));
        Ok(keys)
    }

    async fn fetch(&self) -> Result<Vec<ProviderKey>, UpstreamError> {
        let KeyHomeSettings { issuer, http, .. } = &self.settings;
        let metadata = match document(&**http, issuer, self.place()?).await {
            Ok(metadata) => metadata,
            // RFC 8414 §5: servers of OpenID Connect have it where that specification says
            Err(_) => {
                let place = issuer.trim_end_matches('/');
                let place = Url::parse(&format!("{place}/.well-known/openid-configuration"));
                let place = place.map_err(|_| UpstreamError::Metadata("its issuer"))?;
                document(&**http, issuer, place).await?
            }
        };
        // RFC 8414 §3.3: exactly the same
        if metadata.get("issuer").and_then(Value::as_str) != Some(issuer) {
            return Err(UpstreamError::Metadata("its issuer is not the configured one"));
        }
        let place = metadata.get("jwks_uri").and_then(Value::as_str);
        let place = place.and_then(|place| Url::parse(place).ok()).filter(|place| {
            place.scheme() == "https" || issuer.starts_with("http://") && place.scheme() == "http"
        });
        key_set(&**http, issuer, &place.ok_or(UpstreamError::Metadata("jwks_uri"))?).await
    }

    /// RFC 8414 §3.1: between host and path.
    fn place(&self) -> Result<Url, UpstreamError> {
        let issuer = Url::parse(&self.settings.issuer);
        let mut place = issuer.map_err(|_| UpstreamError::Metadata("its issuer"))?;
        let path = place.path().trim_end_matches('/');
        let path = format!("/.well-known/oauth-authorization-server{path}");
        place.set_path(&path);
        Ok(place)
    }
}

impl fmt::Debug for KeyHomeSettings {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "KeyHomeSettings({})", self.issuer)
    }
}

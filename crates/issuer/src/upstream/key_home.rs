//! Where the keys of an authorization server are had (RFC 8414 §3), and what they signed.

use std::{fmt, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use lanyard_core::{crypto::CryptoProvider, jose::Slot, json::Object};
use lanyard_fetch::HttpClient;

use super::{
    IdTokenFault, UpstreamError,
    discovery::{AGAIN, LIFE, ProviderKey, endpoint, key_set, server_metadata},
    id_token::signed,
    kept::Kept,
};

/// Whose keys, and the way to them.
#[derive(Clone)]
pub struct UpstreamServer {
    /// The server's issuer identifier, byte by byte as it writes it itself.
    pub issuer: String,
    /// The way to the network.
    pub http: Arc<dyn HttpClient>,
    /// Cryptography.
    pub provider: Arc<dyn CryptoProvider>,
}

/// The keys of an authorization server, asked for when they are needed.
pub(crate) struct KeyHome {
    settings: UpstreamServer,
    keys: Kept<Arc<Vec<ProviderKey>>>,
}

impl KeyHome {
    /// Nothing is asked before the first token.
    pub(crate) fn of_authorization_server(settings: UpstreamServer) -> Self {
        Self { settings, keys: Kept::default() }
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
        self.keys.at_most(oldest, now, || async { Ok(Arc::new(self.fetch().await?)) }).await
    }

    async fn fetch(&self) -> Result<Vec<ProviderKey>, UpstreamError> {
        let UpstreamServer { issuer, http, .. } = &self.settings;
        let metadata = server_metadata(&**http, issuer).await?;
        key_set(&**http, issuer, &endpoint(&metadata, "jwks_uri", issuer)?).await
    }
}

impl fmt::Debug for UpstreamServer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "UpstreamServer({})", self.issuer)
    }
}

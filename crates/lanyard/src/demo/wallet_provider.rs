//! The wallet provider of the demo: it vouches for Pocket, and for any wallet that is being tried out. Nobody but
//! the demo's own issuers believes it.

use std::{collections::HashMap, fmt, sync::Arc};

use async_trait::async_trait;
use axum::{
    Json, Router,
    extract::State,
    response::{IntoResponse as _, Response},
    routing::post,
};
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use lanyard_core::{
    crypto::{AwsLc, CryptoProvider as _, Curve, Signer, SignerError, SoftwareSigner},
    jose::{self, Jwk},
    json::{self, Object},
};
use lanyard_oid4vci::{IssuerUrl, client_authentication::ClientId};
use lanyard_wallet::ports::{AttestedInstance, KeyStoreError, WalletAttestation};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::{keys::SigningIdentity, pages::standard_base64};

/// For how long an attestation is good.
const LIFE: SignedDuration = SignedDuration::from_hours(24);

/// What the provider signs with, and Pocket's instances.
pub struct WalletProvider {
    identity: SigningIdentity,
    client: ClientId,
    /// A key for each authorization server: one that were shown to two would link the holder.
    instances: Mutex<HashMap<String, Arc<dyn Signer>>>,
}

impl WalletProvider {
    /// Signs with this identity, for Pocket under this name.
    #[must_use]
    pub fn new(identity: SigningIdentity, client: ClientId) -> Self {
        Self { identity, client, instances: Mutex::default() }
    }

    /// An attestation for an instance of a wallet (attestation-based client authentication §5.1).
    async fn sign(&self, client: &str, key: &Jwk) -> Result<String, SignerError> {
        let now = Timestamp::now();
        let until = now.checked_add(LIFE).unwrap_or(Timestamp::MAX);
        let chain = self.identity.chain.iter().map(|der| standard_base64(&json::base64url(der)));
        let header =
            json!({ "typ": "oauth-client-attestation+jwt", "x5c": chain.collect::<Vec<_>>() });
        let claims = json!({
            "sub": client,
            "iat": now.as_second(),
            "exp": until.as_second(),
            "cnf": { "jwk": key.to_value() },
        });
        jose::sign(object(header), &object(claims), &*self.identity.signer).await
    }

    /// Where wallets that are tried out have themselves attested.
    pub fn routes(self: Arc<Self>) -> Router {
        Router::new().route("/sandbox/attestation", post(attest)).with_state(self)
    }
}

#[async_trait]
impl WalletAttestation for WalletProvider {
    async fn attest(&self, server: &IssuerUrl) -> Result<AttestedInstance, KeyStoreError> {
        let mut instances = self.instances.lock().await;
        let key = match instances.get(server.as_str()) {
            Some(key) => key.clone(),
            None => {
                let key = AwsLc.generate_key(Curve::P256);
                let key = key.and_then(|key| SoftwareSigner::new(&AwsLc, &key));
                let key: Arc<dyn Signer> = Arc::new(key.map_err(|_| KeyStoreError::Unavailable)?);
                instances.insert(server.as_str().to_owned(), key.clone());
                key
            }
        };
        let attestation = self.sign(self.client.as_str(), &Jwk::new(*key.public_key())).await?;
        Ok(AttestedInstance { attestation, key })
    }
}

#[derive(Deserialize)]
struct Asked {
    client_id: String,
    jwk: Value,
}

async fn attest(
    State(provider): State<Arc<WalletProvider>>,
    asked: Result<Json<Asked>, axum::extract::rejection::JsonRejection>,
) -> Response {
    let refuse = |why: &str| {
        let body = json!({ "error": "invalid_request", "error_description": why });
        (StatusCode::BAD_REQUEST, Json(body)).into_response()
    };
    let Ok(Json(asked)) = asked else {
        return refuse("the body is a JSON object with client_id and jwk");
    };
    let Some(key) = Jwk::from_value(&asked.jwk).ok().filter(Jwk::is_for_signatures) else {
        return refuse("jwk is not a public key for signatures");
    };
    if asked.client_id.is_empty() {
        return refuse("client_id is empty");
    }
    match provider.sign(&asked.client_id, &Jwk::new(key.key)).await {
        Ok(attestation) => Json(json!({ "attestation": attestation })).into_response(),
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

fn object(value: Value) -> Object {
    match value {
        Value::Object(members) => members,
        _ => Object::new(),
    }
}

impl fmt::Debug for WalletProvider {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "WalletProvider({})", self.client)
    }
}

//! The wallet provider of the demo: it vouches for Pocket, and for any wallet that is being tried out. Nobody but
//! the demo's own issuers believes it.

use std::{collections::HashMap, fmt, sync::Arc};

use async_trait::async_trait;
use axum::{
    Json, Router,
    extract::{State, rejection::JsonRejection},
    response::{IntoResponse as _, Response},
    routing::post,
};
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use lanyard_core::{
    crypto::{AwsLc, CryptoProvider as _, Curve, PublicKey, Signer, SignerError, SoftwareSigner},
    jose::{self, Jwk},
    json::{self, Object},
};
use lanyard_oid4vci::{IssuerUrl, client_authentication::ClientId, key_proof::AttestationDraft};
use lanyard_wallet::{
    KeyAttester, KeyToAttest,
    ports::{AttestedInstance, KeyAttestationUnavailable, KeyStoreError, WalletAttestation},
};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::{keys::SigningIdentity, pages::standard_base64};

/// For how long an attestation is good.
const LIFE: SignedDuration = SignedDuration::from_hours(24);

/// The most keys of one attestation.
const MOST_KEYS: usize = 100;

/// What the provider signs with, and Pocket's instances.
pub struct WalletProvider {
    /// What it calls itself: the demo's URL.
    name: String,
    identity: SigningIdentity,
    client: ClientId,
    /// A key for each authorization server: one that were shown to two would link the holder.
    instances: Mutex<HashMap<String, Arc<dyn Signer>>>,
}

impl WalletProvider {
    /// Signs with this identity by its own name, for Pocket under the name of a client.
    #[must_use]
    pub fn new(name: String, identity: SigningIdentity, client: ClientId) -> Self {
        Self { name, identity, client, instances: Mutex::default() }
    }

    /// An attestation for an instance of a wallet (attestation-based client authentication §5.1).
    async fn sign(&self, client: &str, key: &Jwk) -> Result<String, SignerError> {
        let now = Timestamp::now();
        let until = now.checked_add(LIFE).unwrap_or(Timestamp::MAX);
        let chain = self.identity.chain.iter().map(|der| standard_base64(&json::base64url(der)));
        let header =
            json!({ "typ": "oauth-client-attestation+jwt", "x5c": chain.collect::<Vec<_>>() });
        // -07, which OID4VCI 1.0 refers to, demands `iss`; -08 has it no more
        let claims = json!({
            "iss": self.name,
            "sub": client,
            "iat": now.as_second(),
            "exp": until.as_second(),
            "cnf": { "jwk": key.to_value() },
        });
        jose::sign(object(header), &object(claims), &*self.identity.signer).await
    }

    /// An attestation of keys, as if they were in the best of homes (OID4VCI 1.0 App. D).
    async fn sign_keys(
        &self,
        keys: Vec<PublicKey>,
        nonce: Option<&str>,
    ) -> Result<String, SignerError> {
        let now = Timestamp::now();
        let best = || vec!["iso_18045_high".to_owned()];
        let draft = AttestationDraft {
            keys,
            key_storage: best(),
            user_authentication: best(),
            nonce: nonce.map(str::to_owned),
            issued_at: now,
            expires_at: now.checked_add(LIFE).unwrap_or(Timestamp::MAX),
        };
        draft.sign(&*self.identity.signer, &self.identity.chain).await
    }

    /// Where wallets that are tried out have themselves and their keys attested.
    pub fn routes(self: Arc<Self>) -> Router {
        Router::new()
            .route("/sandbox/attestation", post(attest))
            .route("/sandbox/key-attestation", post(attest_keys))
            .with_state(self)
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

#[async_trait]
impl KeyAttester for WalletProvider {
    async fn attest_keys(
        &self,
        keys: &[KeyToAttest],
        nonce: Option<&str>,
    ) -> Result<String, KeyAttestationUnavailable> {
        let read = |key: &KeyToAttest| {
            let jwk = json::parse(key.jwk.as_bytes()).ok()?;
            Some(Jwk::from_value(&jwk).ok()?.key)
        };
        let keys = keys.iter().map(read).collect::<Option<Vec<_>>>();
        let keys = keys.ok_or(KeyAttestationUnavailable)?;
        self.sign_keys(keys, nonce).await.map_err(|_| KeyAttestationUnavailable)
    }
}

#[derive(Deserialize)]
struct Asked {
    client_id: String,
    jwk: Value,
}

#[derive(Deserialize)]
struct AskedKeys {
    jwks: Vec<Value>,
    nonce: Option<String>,
}

fn refuse(why: &str) -> Response {
    let body = json!({ "error": "invalid_request", "error_description": why });
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}

fn attested(signed: Result<String, SignerError>) -> Response {
    match signed {
        Ok(attestation) => Json(json!({ "attestation": attestation })).into_response(),
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

async fn attest_keys(
    State(provider): State<Arc<WalletProvider>>,
    asked: Result<Json<AskedKeys>, JsonRejection>,
) -> Response {
    let Ok(Json(asked)) = asked else {
        return refuse("the body is a JSON object with jwks and maybe a nonce");
    };
    let read = |jwk: &Value| Jwk::from_value(jwk).ok().filter(Jwk::is_for_signatures);
    let keys: Option<Vec<_>> = asked.jwks.iter().map(|jwk| Some(read(jwk)?.key)).collect();
    match keys.filter(|keys| !keys.is_empty() && keys.len() <= MOST_KEYS) {
        Some(keys) => attested(provider.sign_keys(keys, asked.nonce.as_deref()).await),
        None => refuse("jwks is not one to a hundred public keys for signatures"),
    }
}

async fn attest(
    State(provider): State<Arc<WalletProvider>>,
    asked: Result<Json<Asked>, JsonRejection>,
) -> Response {
    let Ok(Json(asked)) = asked else {
        return refuse("the body is a JSON object with client_id and jwk");
    };
    let Some(key) = Jwk::from_value(&asked.jwk).ok().filter(Jwk::is_for_signatures) else {
        return refuse("jwk is not a public key for signatures");
    };
    if asked.client_id.is_empty() {
        return refuse("client_id is empty");
    }
    attested(provider.sign(&asked.client_id, &Jwk::new(key.key)).await)
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

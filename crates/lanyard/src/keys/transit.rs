//! Key-encryption keys in the transit engine of HashiCorp Vault or OpenBao.

use std::path::PathBuf;

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use lanyard_fetch::{
    Authorization, Body, HostPort, HttpClient as _, Purpose, Request, SafeFetcher,
};
use lanyard_store::TenantId;
use secrecy::SecretString;
use serde_json::{Value, json};
use url::Url;
use zeroize::Zeroizing;

use super::service::TransitOptions;
use super::{KeyEncryption, KeyError, KeyServiceFault, TenantKey};
use crate::files;

/// How every ciphertext of the engine begins; the version of its key follows.
const PREFIX: &str = "vault:v";

/// Wraps by asking the engine.
pub(super) struct Transit {
    url: Url,
    key: String,
    token_file: PathBuf,
    http: SafeFetcher,
}

impl Transit {
    pub(super) fn new(options: &TransitOptions) -> Result<Self, KeyError> {
        let own = HostPort::of(&options.url);
        let mut http = SafeFetcher::builder().own_services(own);
        if let Some(pem) = &options.authorities {
            let trusting = http.trust_roots(pem);
            http = trusting.map_err(|_| fault(KeyServiceFault::Authorities))?;
        }
        Ok(Self {
            url: options.url.clone(),
            key: options.key.clone(),
            token_file: options.token_file.clone(),
            http: http.build(),
        })
    }

    fn key(&self, tenant: &TenantId) -> String {
        self.key.replace("{tenant}", tenant.as_str())
    }

    /// The token, read each time: whoever renews it writes the file anew.
    fn token(&self) -> Result<SecretString, KeyError> {
        let file = &self.token_file;
        if let Some(mode) = files::open_to_others(file) {
            return Err(KeyError::OpenToOthers { file: file.display().to_string(), mode });
        }
        let text = Zeroizing::new(std::fs::read_to_string(file)?);
        Ok(SecretString::from(text.trim().to_owned()))
    }

    async fn ask(
        &self,
        operation: &str,
        tenant: &TenantId,
        body: Option<Value>,
    ) -> Result<Value, KeyError> {
        let mut url = self.url.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend([operation, &self.key(tenant)]);
        }
        let request = match body {
            None => Request::get(url, Purpose::OwnService),
            Some(body) => {
                let body = Body::Json(body.to_string().into());
                Request::post(url, Purpose::OwnService, body)
            }
        };
        let request = request.authorization(Authorization::Bearer(self.token()?));
        let sent = self.http.send(request).await;
        let answer = sent.map_err(|error| fault(KeyServiceFault::Unreachable(error)))?;
        if !answer.is_success() {
            return Err(fault(KeyServiceFault::Refused { status: answer.status }));
        }
        let mut read: Value =
            serde_json::from_slice(&answer.body).map_err(|_| fault(KeyServiceFault::Unreadable))?;
        Ok(read["data"].take())
    }
}

#[async_trait]
impl KeyEncryption for Transit {
    async fn wrap(&self, tenant: &TenantId, key: &TenantKey) -> Result<Vec<u8>, KeyError> {
        let plaintext = Zeroizing::new(STANDARD.encode(key.danger_bytes()));
        let body = json!({ "plaintext": *plaintext, "associated_data": bound_to(tenant) });
        let answer = self.ask("encrypt", tenant, Some(body)).await?;
        let wrapped = answer["ciphertext"].as_str().filter(|text| text.starts_with(PREFIX));
        let wrapped = wrapped.ok_or_else(|| fault(KeyServiceFault::Unreadable))?;
        Ok(wrapped.as_bytes().to_vec())
    }

    async fn unwrap(&self, tenant: &TenantId, wrapped: &[u8]) -> Result<TenantKey, KeyError> {
        let wrapped = std::str::from_utf8(wrapped).ok().filter(|text| text.starts_with(PREFIX));
        let wrapped = wrapped.ok_or(KeyError::WrongSealingKey)?;
        let body = json!({ "ciphertext": wrapped, "associated_data": bound_to(tenant) });
        let answer = self.ask("decrypt", tenant, Some(body)).await?;
        let unreadable = || fault(KeyServiceFault::Unreadable);
        let plaintext = answer["plaintext"].as_str().ok_or_else(unreadable)?;
        let bytes = Zeroizing::new(STANDARD.decode(plaintext).map_err(|_| unreadable())?);
        TenantKey::from_bytes(&bytes)
    }

    async fn is_newest(&self, tenant: &TenantId, wrapped: &[u8]) -> Result<bool, KeyError> {
        let text = std::str::from_utf8(wrapped).unwrap_or_default();
        let version = text.strip_prefix(PREFIX).and_then(|rest| rest.split(':').next());
        let Some(version) = version.and_then(|version| version.parse::<u64>().ok()) else {
            return Ok(false);
        };
        let answer = self.ask("keys", tenant, None).await?;
        let latest = answer["latest_version"].as_u64();
        Ok(latest.ok_or_else(|| fault(KeyServiceFault::Unreadable))? == version)
    }
}

/// A wrapped key that is moved to another tenant does not open there.
fn bound_to(tenant: &TenantId) -> String {
    STANDARD.encode(format!("lanyard tenant key 1\n{tenant}"))
}

fn fault(why: KeyServiceFault) -> KeyError {
    KeyError::service("the transit engine", why)
}

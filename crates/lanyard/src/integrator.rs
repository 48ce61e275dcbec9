//! The integrator API as its callers see it.

use std::sync::Arc;

use lanyard_fetch::{Authorization, Body, FetchError, HttpClient, Purpose, Request};
use secrecy::SecretString;
use serde_json::Value;
use url::Url;

/// One tenant's integrator API.
#[derive(Clone)]
pub struct Integrator {
    tenant: String,
    key: SecretString,
    base: Url,
    http: Arc<dyn HttpClient>,
}

/// Why a call did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IntegratorError {
    /// The server refused.
    #[error("the server refused ({status}, {code}){}", said(.description))]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The stable code.
        code: String,
        /// Why, for people.
        description: Option<String>,
    },
    /// The server cannot be reached.
    #[error(transparent)]
    Network(#[from] FetchError),
    /// The answer is not what it should be.
    #[error("the server's answer cannot be read; is this a Lanyard server?")]
    Answer,
}

fn said(description: &Option<String>) -> String {
    description.as_deref().map(|text| format!(": {text}")).unwrap_or_default()
}

impl Integrator {
    /// Calls the API of `tenant` at a server's public URL, with one of its keys.
    #[must_use]
    pub fn new(
        base: Url,
        tenant: impl Into<String>,
        key: SecretString,
        http: Arc<dyn HttpClient>,
    ) -> Self {
        Self { tenant: tenant.into(), key, base, http }
    }

    /// Creates an offer or a request: `offers` or `requests`.
    ///
    /// # Errors
    /// As the server refuses, or when it cannot be reached.
    pub async fn create(&self, collection: &str, body: &Value) -> Result<Value, IntegratorError> {
        let body = Body::Json(body.to_string().into());
        self.send(Request::post(self.url(collection)?, Purpose::IntegratorApi, body)).await
    }

    /// Reads the state of an offer or a request, `offers/{id}` or `requests/{id}`.
    ///
    /// # Errors
    /// As the server refuses, or when it cannot be reached.
    pub async fn read(&self, item: &str) -> Result<Value, IntegratorError> {
        self.send(Request::get(self.url(item)?, Purpose::IntegratorApi)).await
    }

    fn url(&self, path: &str) -> Result<Url, IntegratorError> {
        self.base.join(&format!("/api/{}/{path}", self.tenant)).map_err(|_| IntegratorError::Answer)
    }

    async fn send(&self, request: Request) -> Result<Value, IntegratorError> {
        let authorization = Authorization::Bearer(self.key.clone());
        let response =
            self.http.send(request.accept("application/json").authorization(authorization)).await?;
        let value = serde_json::from_slice::<Value>(&response.body);
        if response.status == 204 {
            return Ok(Value::Null);
        }
        if response.is_success() {
            return value.map_err(|_| IntegratorError::Answer);
        }
        let value = value.unwrap_or_default();
        let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let code = text("error").unwrap_or_else(|| "unknown".to_owned());
        Err(IntegratorError::Refused {
            status: response.status,
            code,
            description: text("error_description"),
        })
    }
}

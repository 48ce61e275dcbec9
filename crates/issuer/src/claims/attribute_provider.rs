//! Claims from a system of the enterprise that is asked over HTTP, in a signed request.
//!
//! `POST` of a JWT (`application/jwt`) that is good for a minute and for this address alone. The answer is
//! 200 with `{"claims": {…}}`, 202 when nobody can tell yet, or 404 when the holder is to have no such
//! credential; everything else is trouble that may pass.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use base64::Engine as _;
use bytes::Bytes;
use lanyard_core::{
    crypto::Random,
    jose,
    json::{self, Object},
};
use lanyard_fetch::{Body, HttpClient, Purpose, Request};
use lanyard_oid4vci::{
    CredentialConfigurationId,
    issuer::{FoundClaims, IssuerName, IssuingKey},
};
use serde_json::{Value, json};
use url::Url;

use crate::{AskedHolder, ClaimSource, Clock, LoginUnavailable};

/// `typ` of the request, so that it is taken for nothing else (RFC 8725 §3.11).
const TYP: &str = "lanyard-claims-request+jwt";

/// How long a request is good, in seconds.
const LIFE: i64 = 60;

/// Whom to ask, and as whom.
#[derive(Clone)]
pub struct AttributeProviderSettings {
    /// The address.
    pub url: Url,
    /// The credential issuer that asks.
    pub issuer: String,
    /// What it signs with.
    pub key: IssuingKey,
    /// How long an answer is waited for.
    pub timeout: Duration,
    /// The way to the network.
    pub http: Arc<dyn HttpClient>,
    /// Randomness, for what makes each request another one.
    pub random: Arc<dyn Random>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// A system of the enterprise that knows its people.
#[derive(Clone)]
pub struct AttributeProvider(AttributeProviderSettings);

impl AttributeProvider {
    /// Asks nobody yet.
    pub const fn new(settings: AttributeProviderSettings) -> Self {
        Self(settings)
    }

    async fn request(
        &self,
        holder: AskedHolder<'_>,
        configuration: &CredentialConfigurationId,
    ) -> Option<Request> {
        let own = &self.0;
        let mut header = Object::new();
        header.insert("typ".to_owned(), TYP.into());
        match &own.key.name {
            IssuerName::Certificate { chain, .. } => {
                let base64 = base64::engine::general_purpose::STANDARD;
                let chain = chain.iter().map(|one| base64.encode(one)).collect::<Vec<_>>();
                header.insert("x5c".to_owned(), chain.into());
            }
            IssuerName::Identifier { key_id, .. } => {
                header.extend(key_id.iter().map(|kid| ("kid".to_owned(), kid.clone().into())));
            }
        }
        let mut unique = [0; 16];
        own.random.fill(&mut unique);
        let now = own.clock.now().as_second();
        let mut payload = json!({
            "iss": own.issuer,
            "aud": own.url.as_str(),
            "iat": now,
            "exp": now + LIFE,
            "jti": json::base64url(unique),
            "sub": holder.id.as_str(),
            "credential_configuration_id": configuration.as_str(),
        });
        if let Some(profile) = holder.profile {
            payload["login"] = Value::Object(profile.clone());
        }
        let signed = jose::sign(header, &payload, &*own.key.signer).await.ok()?;
        let content_type = "application/jwt".into();
        let body = Body::Other { content_type, bytes: Bytes::from(signed) };
        let request = Request::post(own.url.clone(), Purpose::AttributeProvider, body);
        Some(request.accept("application/json"))
    }

    /// What went wrong is for the log; which holder it was about is not.
    fn trouble(&self, reason: &str) -> LoginUnavailable {
        tracing::warn!(host = self.0.url.host_str(), reason, "attribute provider");
        LoginUnavailable
    }
}

#[async_trait]
impl ClaimSource for AttributeProvider {
    async fn claims(
        &self,
        holder: AskedHolder<'_>,
        configuration: &CredentialConfigurationId,
    ) -> Result<Option<FoundClaims>, LoginUnavailable> {
        let request = self.request(holder, configuration).await;
        let request = request.ok_or_else(|| self.trouble("it cannot be asked: no signature"))?;
        let answer = tokio::time::timeout(self.0.timeout, self.0.http.send(request)).await;
        let answer = answer.map_err(|_| self.trouble("it took too long"))?;
        let answer = answer.map_err(|error| self.trouble(&error.to_string()))?;
        match answer.status {
            200 => {}
            202 => return Ok(Some(FoundClaims::Later)),
            404 => return Ok(None),
            _ => return Err(self.trouble("it answered with an error")),
        }
        let body = json::parse_object(&answer.body);
        match body.ok().and_then(|mut body| body.shift_remove("claims")) {
            // what depends on this login cannot be asked again without it
            Some(Value::Object(claims)) if holder.profile.is_some() => {
                Ok(Some(FoundClaims::Passing(claims)))
            }
            Some(Value::Object(claims)) => Ok(Some(FoundClaims::Lasting(claims))),
            _ => Err(self.trouble("its answer has no claims")),
        }
    }
}

impl fmt::Debug for AttributeProvider {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "AttributeProvider({})", self.0.url.host_str().unwrap_or_default())
    }
}

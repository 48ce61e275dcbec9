//! Who calls: an integrator, with an API key as RFC 6750 Bearer.

use std::{collections::HashMap, fmt, sync::Arc};

use axum::{
    extract::{FromRef, FromRequestParts},
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, request::Parts};
use lanyard_core::crypto::CryptoProvider;
use lanyard_store::{SessionId, TenantId};
use thiserror::Error;

use super::{
    api::needed_scope,
    authorization::{self, AuthorizationFault, bearer},
    paths::parameter,
    refusal::{NOTHING_HERE, Refusal},
};
use crate::{
    ApiKey, ApiKeyDigest, NotAdmitted, Scope, admit,
    once::{IdempotencyKey, OnceFault},
};

/// Where integrators come in: the API keys of every tenant; cloning is cheap.
#[derive(Clone)]
pub struct Door {
    keys: Arc<HashMap<TenantId, Vec<ApiKey>>>,
    provider: Arc<dyn CryptoProvider>,
}

impl Door {
    /// A door for these tenants; without keys it is closed to one.
    pub fn new(keys: HashMap<TenantId, Vec<ApiKey>>, provider: Arc<dyn CryptoProvider>) -> Self {
        Self { keys: Arc::new(keys), provider }
    }

    /// Lets the caller of a request in: with one key of the tenant that the path names, good for the scope of
    /// the route.
    async fn admit(&self, parts: &mut Parts) -> Result<TenantId, NotLetIn> {
        let key = ApiKeyDigest::of(bearer(&parts.uri, &parts.headers)?, &*self.provider);
        let named: Option<TenantId> =
            parameter(parts, "tenant").await.and_then(|name| name.parse().ok());
        let keys = named.as_ref().and_then(|tenant| self.keys.get(tenant)).map(Vec::as_slice);
        let all = self.keys.values().map(Vec::as_slice);
        match (admit(&key, needed_scope(parts), keys, all), named) {
            (Ok(()), Some(tenant)) => Ok(tenant),
            (Err(NotAdmitted::Scope(scope)), _) => Err(NotLetIn::Scope(scope)),
            (Err(NotAdmitted::Unknown), _) => Err(NotLetIn::UnknownKey),
            (Err(NotAdmitted::Elsewhere) | Ok(()), _) => Err(NotLetIn::NotFound),
        }
    }
}

impl fmt::Debug for Door {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Door({} tenants)", self.keys.len())
    }
}

/// Why an integrator is not let in.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum NotLetIn {
    /// No key can be read.
    #[error("{0}")]
    Header(#[from] AuthorizationFault),
    /// No tenant has this key.
    #[error("the API key is unknown or revoked")]
    UnknownKey,
    /// It is not good for what is asked.
    #[error("the API key is not good for {0}")]
    Scope(Scope),
    /// Another tenant's key, or a path that names nothing: no more is told than about what does not exist.
    #[error("{NOTHING_HERE}")]
    NotFound,
}

impl NotLetIn {
    // RFC 6750 §3.1
    const fn status(self) -> StatusCode {
        match self {
            Self::Header(fault) => fault.status(),
            Self::UnknownKey => StatusCode::UNAUTHORIZED,
            Self::Scope(_) => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
        }
    }

    const fn code(self) -> &'static str {
        match self {
            Self::Header(fault) => fault.code(),
            Self::UnknownKey => "invalid_token",
            Self::Scope(_) => "insufficient_scope",
            Self::NotFound => "not_found",
        }
    }

    fn challenge(self) -> Option<HeaderValue> {
        match self {
            Self::Header(fault) => Some(fault.challenge()),
            Self::UnknownKey => Some(authorization::CHALLENGE_INVALID),
            Self::Scope(scope) => Some(authorization::challenge_scope(scope)),
            Self::NotFound => None,
        }
    }
}

impl IntoResponse for NotLetIn {
    fn into_response(self) -> Response {
        let refusal = Refusal::new(self.status(), self.code(), &self);
        Refusal { challenge: self.challenge(), ..refusal }.into_response()
    }
}

/// The tenant whose API key was shown.
#[derive(Clone, Debug)]
pub struct Integrator(pub TenantId);

impl<S> FromRequestParts<S> for Integrator
where
    Door: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = NotLetIn;

    async fn from_request_parts(parts: &mut Parts, service: &S) -> Result<Self, NotLetIn> {
        Door::from_ref(service).admit(parts).await.map(Self)
    }
}

/// The same, and the offer or the request that the path names.
#[derive(Clone, Debug)]
pub struct IntegratorAtSession {
    /// The tenant whose API key was shown.
    pub tenant: TenantId,
    /// The session.
    pub id: SessionId,
}

impl<S> FromRequestParts<S> for IntegratorAtSession
where
    Door: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = NotLetIn;

    async fn from_request_parts(parts: &mut Parts, service: &S) -> Result<Self, NotLetIn> {
        let tenant = Door::from_ref(service).admit(parts).await?;
        let id = parameter(parts, "id").await.and_then(|id| id.parse().ok());
        Ok(Self { tenant, id: id.ok_or(NotLetIn::NotFound)? })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = OnceFault;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, OnceFault> {
        Self::of(&parts.headers)
    }
}

impl IntoResponse for OnceFault {
    fn into_response(self) -> Response {
        let refusal = Refusal::new(self.status(), self.code(), &self);
        Refusal { retry_after: self.retry_after(), ..refusal }.into_response()
    }
}

//! Who calls: an integrator, with an API key as RFC 6750 Bearer.

use std::sync::Arc;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, request::Parts},
};
use lanyard_service::{
    NotAdmitted, Scope, admit,
    http::{
        api::needed_scope,
        authorization::{AuthorizationFault, Scheme, token},
    },
    once::IdempotencyKey,
};
use lanyard_store::SessionId;
use thiserror::Error;

use super::{Failure, paths::parameter};
use crate::{ApiKeyDigest, VerifierService, tenant::Tenant};

/// The tenant whose API key was shown.
pub(crate) struct Integrator(pub(crate) Arc<Tenant>);

/// The same, and the request that the path names.
pub(crate) struct IntegratorAtRequest {
    pub(crate) tenant: Arc<Tenant>,
    pub(crate) id: SessionId,
}

/// The key under which a call is made once.
pub(crate) struct Once(pub(crate) IdempotencyKey);

impl FromRequestParts<VerifierService> for Once {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &VerifierService) -> Result<Self, Failure> {
        Ok(Self(IdempotencyKey::of(&parts.headers)?))
    }
}

/// Why a caller is not let in.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub(crate) enum BearerFault {
    #[error("{0}")]
    Header(#[from] AuthorizationFault),
    #[error("the API key is unknown or revoked")]
    Invalid,
    #[error("the API key is not good for {0}")]
    Scope(Scope),
}

impl FromRequestParts<VerifierService> for Integrator {
    type Rejection = Failure;

    async fn from_request_parts(
        parts: &mut Parts,
        service: &VerifierService,
    ) -> Result<Self, Failure> {
        let key = ApiKeyDigest::of(
            bearer(&parts.headers).map_err(BearerFault::from)?,
            service.provider(),
        );
        let name = parameter(parts, service, "tenant").await?;
        let needed = needed_scope(parts);
        let tenant = service.tenant(&name);
        let keys = tenant.map(|tenant| tenant.api_keys.as_slice());
        let all = service.tenants().map(|tenant| tenant.api_keys.as_slice());
        match (admit(&key, needed, keys, all), tenant) {
            (Ok(()), Some(tenant)) => Ok(Self(Arc::clone(tenant))),
            (Err(NotAdmitted::Scope(scope)), _) => Err(BearerFault::Scope(scope).into()),
            (Err(NotAdmitted::Unknown), _) => Err(BearerFault::Invalid.into()),
            (Err(NotAdmitted::Elsewhere) | Ok(()), _) => Err(Failure::NotFound),
        }
    }
}

impl FromRequestParts<VerifierService> for IntegratorAtRequest {
    type Rejection = Failure;

    async fn from_request_parts(
        parts: &mut Parts,
        service: &VerifierService,
    ) -> Result<Self, Failure> {
        let Integrator(tenant) = Integrator::from_request_parts(parts, service).await?;
        let id = parameter(parts, service, "id").await?.parse();
        Ok(Self { tenant, id: id.map_err(|_| Failure::NotFound)? })
    }
}

/// RFC 6750 §2.1, and nothing but it: a key in the query is not even looked for.
pub(crate) fn bearer(headers: &HeaderMap) -> Result<&str, AuthorizationFault> {
    match token(headers)? {
        (Scheme::Bearer, key) => Ok(key),
        (Scheme::Dpop, _) => Err(AuthorizationFault::Missing),
    }
}

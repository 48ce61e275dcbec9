//! Who calls: an integrator with an API key, as RFC 6750 Bearer; and how a wallet shows its access token.

use std::sync::Arc;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, Uri, request::Parts},
};
use lanyard_oid4vci::issuer::ShownToken;
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
use url::form_urlencoded;

use super::{Failure, paths::parameter};
use crate::{ApiKeyDigest, IssuerService, tenant::Tenant};

/// The tenant whose API key was shown.
pub(crate) struct Integrator(pub(crate) Arc<Tenant>);

/// The same, and the offer that the path names.
pub(crate) struct IntegratorAtOffer {
    pub(crate) tenant: Arc<Tenant>,
    pub(crate) id: SessionId,
}

/// The key under which a call is made once.
pub(crate) struct Once(pub(crate) IdempotencyKey);

impl FromRequestParts<IssuerService> for Once {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &IssuerService) -> Result<Self, Failure> {
        Ok(Self(IdempotencyKey::of(&parts.headers)?))
    }
}

/// Why a caller is not let in.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub(crate) enum BearerFault {
    #[error("{0}")]
    Header(#[from] AuthorizationFault),
    /// The same, where tokens are bound to keys.
    #[error("the Authorization header is missing; it has the scheme DPoP")]
    MissingForKey,
    #[error("a token in the query is not taken; send it in the Authorization header")]
    InQuery,
    #[error("the token is unknown, expired or revoked")]
    Invalid,
    #[error("the token is unknown, expired or revoked, or bound to another key")]
    InvalidForKey,
    #[error("the API key is not good for {0}")]
    Scope(Scope),
}

impl BearerFault {
    /// The fault of a token that leads to nothing, told under the scheme that it was shown by.
    pub(crate) const fn invalid(shown: &ShownToken) -> Self {
        match shown.proof {
            Some(_) => Self::InvalidForKey,
            None => Self::Invalid,
        }
    }
}

impl FromRequestParts<IssuerService> for Integrator {
    type Rejection = Failure;

    async fn from_request_parts(
        parts: &mut Parts,
        service: &IssuerService,
    ) -> Result<Self, Failure> {
        let key = ApiKeyDigest::of(bearer(&parts.uri, &parts.headers)?, service.provider());
        let name = parameter(parts, service, "tenant").await?;
        let needed = needed_scope(parts);
        let tenant = service.tenant(&name);
        let keys = tenant.as_ref().map(|tenant| tenant.api_keys.as_slice());
        let all: Vec<_> = service.tenants().collect();
        let all = all.iter().map(|tenant| tenant.api_keys.as_slice());
        match (admit(&key, needed, keys, all), tenant) {
            (Ok(()), Some(tenant)) => Ok(Self(tenant)),
            (Err(NotAdmitted::Scope(scope)), _) => Err(BearerFault::Scope(scope).into()),
            (Err(NotAdmitted::Unknown), _) => Err(BearerFault::Invalid.into()),
            (Err(NotAdmitted::Elsewhere) | Ok(()), _) => Err(Failure::NotFound),
        }
    }
}

impl FromRequestParts<IssuerService> for IntegratorAtOffer {
    type Rejection = Failure;

    async fn from_request_parts(
        parts: &mut Parts,
        service: &IssuerService,
    ) -> Result<Self, Failure> {
        let Integrator(tenant) = Integrator::from_request_parts(parts, service).await?;
        let id = parameter(parts, service, "id").await?.parse();
        Ok(Self { tenant, id: id.map_err(|_| Failure::NotFound)? })
    }
}

/// RFC 6750 §2.1, and nothing but it.
fn bearer<'h>(uri: &Uri, headers: &'h HeaderMap) -> Result<&'h str, BearerFault> {
    match access_token(uri, headers)? {
        (Scheme::Bearer, token) => Ok(token),
        (Scheme::Dpop, _) => Err(AuthorizationFault::Missing.into()),
    }
}

/// RFC 6750 §2.1 or RFC 9449 §7.1: in the Authorization header, once, and nowhere else.
pub(super) fn access_token<'h>(
    uri: &Uri,
    headers: &'h HeaderMap,
) -> Result<(Scheme, &'h str), BearerFault> {
    // RFC 6750 §2.3, RFC 9700 §4.3.2: tokens in URLs end up in logs
    let query = uri.query().unwrap_or_default().as_bytes();
    if form_urlencoded::parse(query).any(|(name, _)| name == "access_token") {
        return Err(BearerFault::InQuery);
    }
    Ok(token(headers)?)
}

//! Who and what a path names. Whatever is wrong with it, the answer is the same 404.

use std::sync::Arc;

use axum::{extract::FromRequestParts, http::request::Parts};

use lanyard_oid4vci::CredentialConfigurationId;
use lanyard_service::http::paths::parameter;

use super::Failure;
use crate::{IssuerService, tenant::Tenant};

/// The tenant that the path names.
pub(crate) struct AtTenant(pub(crate) Arc<Tenant>);

/// The tenant and the last segment of a `credential_offer_uri`.
pub(crate) struct AtOffer {
    pub(crate) tenant: Arc<Tenant>,
    pub(crate) path: String,
}

/// The credential configuration that the path names.
pub(crate) struct TypeName(pub(crate) CredentialConfigurationId);

impl FromRequestParts<IssuerService> for TypeName {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &IssuerService) -> Result<Self, Failure> {
        Ok(Self(CredentialConfigurationId::new(named(parts, "id").await?)))
    }
}

impl FromRequestParts<IssuerService> for AtTenant {
    type Rejection = Failure;

    async fn from_request_parts(
        parts: &mut Parts,
        service: &IssuerService,
    ) -> Result<Self, Failure> {
        let name = named(parts, "tenant").await?;
        service.tenant(&name).map(Self).ok_or(Failure::NotFound)
    }
}

impl FromRequestParts<IssuerService> for AtOffer {
    type Rejection = Failure;

    async fn from_request_parts(
        parts: &mut Parts,
        service: &IssuerService,
    ) -> Result<Self, Failure> {
        let AtTenant(tenant) = AtTenant::from_request_parts(parts, service).await?;
        Ok(Self { tenant, path: named(parts, "id").await? })
    }
}

/// A parameter of the path.
pub(crate) async fn named(parts: &mut Parts, name: &str) -> Result<String, Failure> {
    parameter(parts, name).await.ok_or(Failure::NotFound)
}

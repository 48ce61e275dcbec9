//! Who and what a path names. Whatever is wrong with it, the answer is the same 404.

use std::sync::Arc;

use axum::{
    extract::{FromRequestParts, RawPathParams},
    http::request::Parts,
};

use lanyard_oid4vci::CredentialConfigurationId;

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

    async fn from_request_parts(
        parts: &mut Parts,
        service: &IssuerService,
    ) -> Result<Self, Failure> {
        parameter(parts, service, "id").await.map(|id| Self(CredentialConfigurationId::new(id)))
    }
}

impl FromRequestParts<IssuerService> for AtTenant {
    type Rejection = Failure;

    async fn from_request_parts(
        parts: &mut Parts,
        service: &IssuerService,
    ) -> Result<Self, Failure> {
        let name = parameter(parts, service, "tenant").await?;
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
        Ok(Self { tenant, path: parameter(parts, service, "id").await? })
    }
}

/// A path parameter after decoding; bytes that are not UTF-8 name nothing.
pub(crate) async fn parameter(
    parts: &mut Parts,
    service: &IssuerService,
    name: &str,
) -> Result<String, Failure> {
    let parameters =
        RawPathParams::from_request_parts(parts, service).await.map_err(|_| Failure::NotFound)?;
    let mut named = parameters.iter().filter(|(found, _)| *found == name);
    named.next().map(|(_, value)| value.to_owned()).ok_or(Failure::NotFound)
}

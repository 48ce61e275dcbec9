//! Who and what a path names. Whatever is wrong with it, the answer is the same 404.

use std::sync::Arc;

use axum::{extract::FromRequestParts, http::request::Parts};
use lanyard_service::http::paths::parameter;

use super::Failure;
use crate::{VerifierService, tenant::Tenant};

/// The tenant and the last segment of a `request_uri` or `response_uri`.
pub(crate) struct AtRequest {
    pub(crate) tenant: Arc<Tenant>,
    pub(crate) path: String,
}

impl FromRequestParts<VerifierService> for AtRequest {
    type Rejection = Failure;

    async fn from_request_parts(
        parts: &mut Parts,
        service: &VerifierService,
    ) -> Result<Self, Failure> {
        let tenant = tenant_named(parts, service).await?;
        let path = parameter(parts, "id").await.ok_or(Failure::NotFound)?;
        Ok(Self { tenant, path })
    }
}

/// The tenant that the path names.
pub(crate) async fn tenant_named(
    parts: &mut Parts,
    service: &VerifierService,
) -> Result<Arc<Tenant>, Failure> {
    let name = parameter(parts, "tenant").await.ok_or(Failure::NotFound)?;
    service.tenant(&name).cloned().ok_or(Failure::NotFound)
}

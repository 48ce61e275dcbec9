//! Who and what a path names. Whatever is wrong with it, the answer is the same 404.

use std::sync::Arc;

use axum::{
    extract::{FromRequestParts, RawPathParams},
    http::request::Parts,
};

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
        let name = parameter(parts, service, "tenant").await?;
        let tenant = service.tenant(&name).cloned().ok_or(Failure::NotFound)?;
        Ok(Self { tenant, path: parameter(parts, service, "id").await? })
    }
}

/// A path parameter after decoding; bytes that are not UTF-8 name nothing.
pub(crate) async fn parameter(
    parts: &mut Parts,
    service: &VerifierService,
    name: &str,
) -> Result<String, Failure> {
    let parameters =
        RawPathParams::from_request_parts(parts, service).await.map_err(|_| Failure::NotFound)?;
    let mut named = parameters.iter().filter(|(found, _)| *found == name);
    named.next().map(|(_, value)| value.to_owned()).ok_or(Failure::NotFound)
}

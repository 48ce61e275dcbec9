//! `POST /api/{tenant}/credentials/{id}/status`: what integrators revoke with.

use axum::{
    extract::{FromRequestParts, State},
    http::request::Parts,
    response::Response,
};
use lanyard_store::CredentialId;

use super::{Failure, body::ApiBody, callers::Integrator, paths::parameter, replies};
use crate::{IssuerService, revoke};

/// The credential that the path names.
pub(crate) struct AtCredential(CredentialId);

impl FromRequestParts<IssuerService> for AtCredential {
    type Rejection = Failure;

    async fn from_request_parts(
        parts: &mut Parts,
        service: &IssuerService,
    ) -> Result<Self, Failure> {
        let id = parameter(parts, service, "id").await?.parse();
        id.map(Self).map_err(|_| Failure::NotFound)
    }
}

pub(crate) async fn set_status(
    State(service): State<IssuerService>,
    Integrator(tenant): Integrator,
    AtCredential(id): AtCredential,
    ApiBody(body): ApiBody,
) -> Result<Response, Failure> {
    let status = revoke::parse(&body)?;
    service.set_status(&tenant.id, id, status).await?;
    Ok(replies::credential_status(id, revoke::name(status)))
}

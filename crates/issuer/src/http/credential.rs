//! `POST /{tenant}/credential` (OID4VCI §8).

use axum::{extract::State, response::Response};

use super::{Failure, body::CredentialBody, callers::Bearer, paths::AtTenant, replies};
use crate::IssuerService;

pub(crate) async fn issue(
    State(service): State<IssuerService>,
    AtTenant(tenant): AtTenant,
    Bearer(token): Bearer,
    CredentialBody(body): CredentialBody,
) -> Result<Response, Failure> {
    let response = service.accept(&tenant, &token, &body).await?;
    Ok(replies::json(replies::to_json(&response)))
}

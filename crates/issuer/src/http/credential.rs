//! `POST /{tenant}/credential` (OID4VCI §8).

use axum::{extract::State, response::Response};

use super::{Failure, body::CredentialBody, dpop::Access, paths::AtTenant, replies};
use crate::IssuerService;

pub(crate) async fn issue(
    State(service): State<IssuerService>,
    AtTenant(tenant): AtTenant,
    Access(shown): Access,
    CredentialBody(body): CredentialBody,
) -> Result<Response, Failure> {
    let response = service.accept(&tenant, &shown, &body).await?;
    let response = replies::json(replies::to_json(&response));
    Ok(if shown.proof.is_some() { service.with_dpop_nonce(&tenant, response) } else { response })
}

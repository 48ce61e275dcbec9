//! `POST /{tenant}/deferred` (OID4VCI 1.0 §9).

use axum::{extract::State, response::Response};

use super::{Failure, body::CredentialBody, dpop::Access, paths::AtTenant, replies};
use crate::{IssuerService, accept::CredentialAsk};

pub(crate) async fn collect(
    State(service): State<IssuerService>,
    AtTenant(tenant): AtTenant,
    Access(shown): Access,
    body: CredentialBody,
) -> Result<Response, Failure> {
    let answer =
        service.accept(&tenant, &shown, CredentialAsk::Deferred(body.as_request())).await?;
    let response = replies::credential(answer);
    Ok(if shown.proof.is_some() { service.with_dpop_nonce(&tenant, response) } else { response })
}

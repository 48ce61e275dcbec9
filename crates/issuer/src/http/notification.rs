//! `POST /{tenant}/notification` (OID4VCI 1.0 §11).

use axum::{extract::State, response::Response};

use super::{Failure, body::NotificationBody, dpop::Access, paths::AtTenant, replies};
use crate::IssuerService;

pub(crate) async fn take(
    State(service): State<IssuerService>,
    AtTenant(tenant): AtTenant,
    Access(shown): Access,
    NotificationBody(body): NotificationBody,
) -> Result<Response, Failure> {
    service.notified(&tenant, &shown, &body).await?;
    let response = replies::no_content();
    Ok(if shown.proof.is_some() { service.with_dpop_nonce(&tenant, response) } else { response })
}

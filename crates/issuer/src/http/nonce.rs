//! `POST /{tenant}/nonce` (OID4VCI §7): nothing is asked for and nothing is remembered.

use axum::{extract::State, response::Response};

use super::{Failure, body::Nothing, paths::AtTenant, replies};
use crate::IssuerService;

pub(crate) async fn issue(
    State(service): State<IssuerService>,
    AtTenant(tenant): AtTenant,
    Nothing: Nothing,
) -> Result<Response, Failure> {
    let response = tenant.issuer.nonce(service.now());
    Ok(replies::json(replies::to_json(&response)))
}

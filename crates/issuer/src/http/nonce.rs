//! `POST /{tenant}/nonce` (OID4VCI 1.0 §7): nothing is asked for and nothing is remembered.

use axum::{extract::State, response::Response};

use super::{Failure, body::Nothing, paths::AtTenant, replies};
use crate::IssuerService;

pub(crate) async fn issue(
    State(service): State<IssuerService>,
    AtTenant(tenant): AtTenant,
    Nothing: Nothing,
) -> Result<Response, Failure> {
    let response = tenant.issuer.nonce(service.now());
    // RFC 9449 §8.2: the nonce for the key proof and the one for the DPoP proof in one answer
    Ok(service.with_dpop_nonce(&tenant, replies::json(replies::to_json(&response))))
}

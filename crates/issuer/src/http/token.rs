//! `POST /{tenant}/token` (OID4VCI §6, RFC 6749 §3.2).

use axum::{extract::State, response::Response};
use lanyard_oid4vci::token::TokenRequest;

use super::{Failure, body::TokenForm, paths::AtTenant, replies};
use crate::IssuerService;

pub(crate) async fn exchange(
    State(service): State<IssuerService>,
    AtTenant(tenant): AtTenant,
    TokenForm(body): TokenForm,
) -> Result<Response, Failure> {
    let request = TokenRequest::parse(&body)?;
    let response = service.redeem(&tenant, request).await?;
    Ok(replies::json(replies::to_json(&response)))
}

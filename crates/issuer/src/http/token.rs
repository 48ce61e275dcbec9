//! `POST /{tenant}/token` (OID4VCI §6, RFC 6749 §3.2).

use axum::{extract::State, response::Response};
use lanyard_oid4vci::{issuer::Sender, token::TokenRequest};

use super::{Failure, body::TokenForm, dpop::Proof, paths::AtTenant, replies};
use crate::IssuerService;

pub(crate) async fn exchange(
    State(service): State<IssuerService>,
    AtTenant(tenant): AtTenant,
    Proof(proof): Proof,
    TokenForm(body): TokenForm,
) -> Result<Response, Failure> {
    let request = TokenRequest::parse(&body)?;
    let sender = Sender { proof };
    let response = service.redeem(&tenant, request, &sender).await?;
    let response = replies::json(replies::to_json(&response));
    Ok(if sender.proof.is_some() { service.with_dpop_nonce(&tenant, response) } else { response })
}

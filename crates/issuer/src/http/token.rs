//! `POST /{tenant}/token` (OID4VCI 1.0 §6, RFC 6749 §3.2).

use axum::{extract::State, response::Response};
use lanyard_oid4vci::token::TokenForm;

use super::{Failure, body, client::ClientHeaders, dpop::Proof, paths::AtTenant, replies};
use crate::IssuerService;

pub(crate) async fn exchange(
    State(service): State<IssuerService>,
    AtTenant(tenant): AtTenant,
    proof: Proof,
    headers: ClientHeaders,
    body::TokenForm(body): body::TokenForm,
) -> Result<Response, Failure> {
    let form = TokenForm::parse(&body)?;
    let evidence = headers.attestation().map(|attestation| form.evidence(attestation));
    let sender = service.sender(&tenant, proof, evidence).await?;
    let response = service.redeem(&tenant, &form.request, &sender).await?;
    let response = replies::json(replies::to_json(&response));
    Ok(service.with_nonces(&tenant, &sender, response))
}

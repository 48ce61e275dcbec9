//! `POST /{tenant}/par` (RFC 9126) and `POST /{tenant}/challenge` (attestation-based client
//! authentication §8).

use axum::{extract::State, http::StatusCode, response::Response};
use lanyard_oid4vci::authorization::AuthorizationForm;

use super::{
    Failure,
    body::{Nothing, TokenForm},
    client::ClientHeaders,
    dpop::Proof,
    paths::AtTenant,
    replies,
};
use crate::IssuerService;

pub(crate) async fn push(
    State(service): State<IssuerService>,
    AtTenant(tenant): AtTenant,
    proof: Proof,
    headers: ClientHeaders,
    TokenForm(body): TokenForm,
) -> Result<Response, Failure> {
    let form = AuthorizationForm::parse(&body)?;
    let evidence = headers.attestation().map(|attestation| form.evidence(attestation));
    let sender = service.sender(&tenant, proof, evidence).await?;
    let response = service.push(&tenant, &body, &sender).await?;
    let mut response = replies::json(replies::to_json(&response));
    *response.status_mut() = StatusCode::CREATED;
    Ok(service.with_nonces(&tenant, &sender, response))
}

pub(crate) async fn challenge(
    State(service): State<IssuerService>,
    AtTenant(tenant): AtTenant,
    Nothing: Nothing,
) -> Result<Response, Failure> {
    // what the metadata does not name is not there
    if tenant.issuer.rules().attesters().is_none() {
        return Err(Failure::NotFound);
    }
    let response = tenant.issuer.challenge(service.now());
    Ok(replies::json(replies::to_json(&response)))
}

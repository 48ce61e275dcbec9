//! `POST /{tenant}/responses/{id}`: where wallets respond (OID4VP 1.0 §8.2).

use axum::{extract::State, response::Response};

use super::{Failure, body::ResponseForm, paths::AtRequest, replies};
use crate::VerifierService;

pub(crate) async fn respond(
    State(service): State<VerifierService>,
    AtRequest { tenant, path }: AtRequest,
    ResponseForm(body): ResponseForm,
) -> Result<Response, Failure> {
    replies::to_response(service.respond(&tenant, &path, &body).await?)
}

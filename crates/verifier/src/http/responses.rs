//! `POST /{tenant}/responses/{id}`: where wallets respond (OpenID4VP 1.0 §8.2).

use axum::{extract::State, response::Response};

use super::{Failure, body::ResponseForm, paths::AtRequest, replies};
use crate::{VerifierService, respond::Reply};

pub(crate) async fn respond(
    State(service): State<VerifierService>,
    AtRequest { tenant, path }: AtRequest,
    ResponseForm(body): ResponseForm,
) -> Result<Response, Failure> {
    match service.respond(&tenant, &path, &body).await? {
        Reply::Done => Ok(replies::json("{}")),
        Reply::ContinueAt(url) => Ok(replies::continue_at(&url)),
        Reply::Refused(code) => Err(Failure::Response(code)),
    }
}

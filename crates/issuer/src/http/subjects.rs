//! `POST /api/{tenant}/subjects/erase`: everything about somebody is forgotten.

use axum::{extract::State, response::Response};
use lanyard_service::http::Integrator;

use super::{Failure, body::ApiBody, replies};
use crate::{
    IssuerService,
    lifecycle::{self, Subject},
};

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Whom {
    subject: Subject,
}

pub(crate) async fn erase(
    State(service): State<IssuerService>,
    Integrator(tenant): Integrator,
    ApiBody(body): ApiBody,
) -> Result<Response, Failure> {
    let Whom { subject } = lifecycle::parse(&body)?;
    let erasure = service.erase_subject(&tenant, &subject).await?;
    Ok(replies::json(replies::to_json(&erasure)))
}

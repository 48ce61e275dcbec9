//! `GET /api/{tenant}/requests/{id}/qr.svg`: the link of a waiting request as a picture.

use axum::{extract::State, response::Response};
use lanyard_service::http::qr;

use super::{Failure, callers::IntegratorAtRequest, replies};
use crate::{VerifierError, VerifierService};

pub(crate) async fn svg(
    State(service): State<VerifierService>,
    IntegratorAtRequest { tenant, id }: IntegratorAtRequest,
) -> Result<Response, Failure> {
    let link = service.request_link(&tenant.id, id).await?;
    // the link alone: the request's name for the integrator is in no QR code (OpenID4VP 1.0 §14.2)
    let picture = qr::draw(link.as_str()).ok_or(VerifierError::LinkTooLong)?;
    Ok(replies::svg(picture))
}

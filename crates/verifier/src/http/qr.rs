//! `GET /api/{tenant}/requests/{id}/qr`, `qr.svg` and `qr.png`: the link of a waiting request as a picture.

use axum::{extract::State, response::Response};
use http::HeaderMap;
use lanyard_service::http::{IntegratorAtSession, qr::Picture};

use super::Failure;
use crate::{VerifierError, VerifierService};

pub(crate) async fn negotiated(
    State(service): State<VerifierService>,
    at: IntegratorAtSession,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    drawn(&service, at, Picture::accepted(&headers)).await
}

pub(crate) async fn svg(
    State(service): State<VerifierService>,
    at: IntegratorAtSession,
) -> Result<Response, Failure> {
    drawn(&service, at, Picture::Svg).await
}

pub(crate) async fn png(
    State(service): State<VerifierService>,
    at: IntegratorAtSession,
) -> Result<Response, Failure> {
    drawn(&service, at, Picture::Png).await
}

async fn drawn(
    service: &VerifierService,
    IntegratorAtSession { tenant, id }: IntegratorAtSession,
    picture: Picture,
) -> Result<Response, Failure> {
    let link = service.request_link(&tenant, id).await?;
    // the link alone: the request's name for the integrator is in no QR code (OID4VP 1.0 §14.2)
    Ok(picture.draw(link.as_str()).ok_or(VerifierError::LinkTooLong)?)
}

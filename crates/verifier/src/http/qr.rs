//! `GET /api/{tenant}/requests/{id}/qr.svg`: the link of a waiting request as a picture.

use axum::{extract::State, response::Response};
use qrcode::{EcLevel, QrCode, render::svg};

use super::{Failure, callers::IntegratorAtRequest, replies};
use crate::{VerifierError, VerifierService};

pub(crate) async fn svg(
    State(service): State<VerifierService>,
    IntegratorAtRequest { tenant, id }: IntegratorAtRequest,
) -> Result<Response, Failure> {
    let link = service.request_link(&tenant.id, id).await?;
    let picture = draw(link.as_str()).ok_or(VerifierError::LinkTooLong)?;
    Ok(replies::svg(picture))
}

/// The link alone: the request's name for the integrator is in no QR code (OpenID4VP 1.0 §14.2).
fn draw(link: &str) -> Option<String> {
    let code = QrCode::with_error_correction_level(link, EcLevel::M)
        .or_else(|_| QrCode::with_error_correction_level(link, EcLevel::L))
        .ok()?;
    Some(code.render::<svg::Color<'_>>().min_dimensions(240, 240).build())
}

//! `GET /api/{tenant}/offers/{id}/qr.svg`: the link of a waiting offer as a picture.

use axum::{extract::State, response::Response};
use qrcode::{EcLevel, QrCode, render::svg};

use super::{Failure, callers::IntegratorAtOffer, replies};
use crate::IssuerService;

pub(crate) async fn svg(
    State(service): State<IssuerService>,
    IntegratorAtOffer { tenant, id }: IntegratorAtOffer,
) -> Result<Response, Failure> {
    let shown = service.show_offer(&tenant.id, id).await?;
    let picture = draw(&shown.link).ok_or(Failure::LinkTooLong)?;
    Ok(replies::svg(picture))
}

/// A link by value may be too long for any QR code.
fn draw(link: &str) -> Option<String> {
    let code = QrCode::with_error_correction_level(link, EcLevel::M).ok()?;
    Some(code.render::<svg::Color>().min_dimensions(240, 240).build())
}

//! `GET /api/{tenant}/offers/{id}/qr.svg`: the link of a waiting offer as a picture.

use axum::{extract::State, response::Response};
use lanyard_service::http::qr;

use super::{Failure, callers::IntegratorAtOffer, replies};
use crate::IssuerService;

pub(crate) async fn svg(
    State(service): State<IssuerService>,
    IntegratorAtOffer { tenant, id }: IntegratorAtOffer,
) -> Result<Response, Failure> {
    let shown = service.show_offer(&tenant.id, id).await?;
    let picture = qr::draw(&shown.link).ok_or(Failure::LinkTooLong)?;
    Ok(replies::svg(picture))
}

//! `GET /api/{tenant}/offers/{id}/qr.svg`: the link of a waiting offer as a picture.

use axum::{extract::State, response::Response};
use lanyard_service::http::{IntegratorAtSession, qr};

use super::{Failure, replies};
use crate::IssuerService;

pub(crate) async fn svg(
    State(service): State<IssuerService>,
    IntegratorAtSession { tenant, id }: IntegratorAtSession,
) -> Result<Response, Failure> {
    let shown = service.show_offer(&tenant, id).await?;
    let picture = qr::draw(&shown.link).ok_or(Failure::LinkTooLong)?;
    Ok(replies::svg(picture))
}

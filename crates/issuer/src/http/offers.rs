//! `GET /{tenant}/offers/{id}`: the offer by reference (OID4VCI 1.0 §4.1.3).

use axum::{extract::State, response::Response};

use super::{Failure, paths::AtOffer, replies};
use crate::IssuerService;

pub(crate) async fn fetch(
    State(service): State<IssuerService>,
    AtOffer { tenant, path }: AtOffer,
) -> Result<Response, Failure> {
    let offer = service.fetch_offer(&tenant, &path).await?;
    Ok(replies::json(offer))
}

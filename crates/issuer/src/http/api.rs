//! `/api/{tenant}/offers`: what integrators call.

use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use lanyard_service::once::Call;

use super::{
    Failure,
    body::ApiBody,
    callers::{Integrator, IntegratorAtOffer, Once},
    replies,
};
use crate::{IssuerService, NewOfferRequest, OfferCreated, decide};

pub(crate) async fn create(
    State(service): State<IssuerService>,
    Integrator(tenant): Integrator,
    Once(key): Once,
    ApiBody(body): ApiBody,
) -> Result<Response, Failure> {
    let request = NewOfferRequest::parse(&body)?;
    let calls = service.calls(&tenant, "offers");
    let make = move |call: Call| async move {
        let told = |created: &OfferCreated| call.answered_by(&replies::created(created));
        let created = service.create_offer_once(&tenant.id, request, told).await?;
        Ok(replies::created(&created).into_response())
    };
    calls.once(key, &body, make).await
}

pub(crate) async fn status(
    State(service): State<IssuerService>,
    IntegratorAtOffer { tenant, id }: IntegratorAtOffer,
) -> Result<Response, Failure> {
    let status = service.offer_status(&tenant.id, id).await?;
    Ok(replies::status(id, &status))
}

pub(crate) async fn withdraw(
    State(service): State<IssuerService>,
    IntegratorAtOffer { tenant, id }: IntegratorAtOffer,
) -> Result<Response, Failure> {
    service.withdraw(&tenant.id, id).await?;
    Ok(replies::no_content())
}

pub(crate) async fn decide(
    State(service): State<IssuerService>,
    IntegratorAtOffer { tenant, id }: IntegratorAtOffer,
    ApiBody(body): ApiBody,
) -> Result<Response, Failure> {
    let decision = decide::parse(&body)?;
    service.decide_deferral(&tenant.id, id, decision).await?;
    Ok(replies::no_content())
}

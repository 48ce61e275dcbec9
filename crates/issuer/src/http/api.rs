//! `/api/{tenant}/offers`: what integrators call.

use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use lanyard_service::{
    http::{Integrator, IntegratorAtSession},
    once::{Call, IdempotencyKey},
};

use super::{Failure, body::ApiBody, replies};
use crate::{IssuerService, NewOfferRequest, OfferCreated, decide};

pub(crate) async fn create(
    State(service): State<IssuerService>,
    Integrator(tenant): Integrator,
    key: IdempotencyKey,
    ApiBody(body): ApiBody,
) -> Result<Response, Failure> {
    let request = NewOfferRequest::parse(&body)?;
    let data_key = &service.known_tenant(&tenant)?.data_key;
    let calls = service.environment().calls(&tenant, data_key, "offers");
    let make = move |call: Call| async move {
        let told = |created: &OfferCreated| call.answered_by(&replies::created(created));
        let created = service.create_offer_once(&tenant, request, told).await?;
        Ok(replies::created(&created).into_response())
    };
    calls.once(key, &body, make).await
}

pub(crate) async fn status(
    State(service): State<IssuerService>,
    IntegratorAtSession { tenant, id }: IntegratorAtSession,
) -> Result<Response, Failure> {
    let status = service.offer_status(&tenant, id).await?;
    Ok(replies::status(id, &status))
}

pub(crate) async fn withdraw(
    State(service): State<IssuerService>,
    IntegratorAtSession { tenant, id }: IntegratorAtSession,
) -> Result<Response, Failure> {
    service.withdraw(&tenant, id).await?;
    Ok(replies::no_content())
}

pub(crate) async fn decide(
    State(service): State<IssuerService>,
    IntegratorAtSession { tenant, id }: IntegratorAtSession,
    ApiBody(body): ApiBody,
) -> Result<Response, Failure> {
    let decision = decide::parse(&body)?;
    service.decide_deferral(&tenant, id, decision).await?;
    Ok(replies::no_content())
}

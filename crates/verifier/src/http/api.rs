//! `/api/{tenant}/requests`: what integrators call.

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use lanyard_core::json;
use lanyard_service::{
    http::{Integrator, IntegratorAtSession},
    once::{Call, IdempotencyKey},
};
use serde::{Deserialize, de::DeserializeOwned};

use super::{Failure, body::ApiBody, replies};
use crate::{DcApiAnswer, NewRequest, RequestCreated, VerifierService};

pub(crate) async fn create(
    State(service): State<VerifierService>,
    Integrator(tenant): Integrator,
    key: IdempotencyKey,
    ApiBody(body): ApiBody,
) -> Result<Response, Failure> {
    let wanted = parsed::<NewRequest>(&body)?;
    let tenant = Arc::clone(service.known_tenant(&tenant)?);
    let calls = service.environment().calls(&tenant.id, &tenant.data_key, "requests");
    let make = move |call: Call| async move {
        let told = |created: &RequestCreated| call.answered_by(&replies::created(created));
        let created = service.create(&tenant, wanted, None, told).await?;
        Ok(replies::created(&created).into_response())
    };
    calls.once(key, &body, make).await
}

pub(crate) async fn status(
    State(service): State<VerifierService>,
    IntegratorAtSession { tenant, id }: IntegratorAtSession,
) -> Result<Response, Failure> {
    let status = service.request_status(&tenant, id).await?;
    Ok(replies::json(replies::to_json(&status)))
}

pub(crate) async fn cancel(
    State(service): State<VerifierService>,
    IntegratorAtSession { tenant, id }: IntegratorAtSession,
) -> Result<Response, Failure> {
    service.cancel(&tenant, id).await?;
    Ok(replies::no_content())
}

/// What the browser brought back to the integrator's page.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Return {
    response_code: String,
}

pub(crate) async fn finish(
    State(service): State<VerifierService>,
    IntegratorAtSession { tenant, id }: IntegratorAtSession,
    ApiBody(body): ApiBody,
) -> Result<Response, Failure> {
    let Return { response_code } = parsed(&body)?;
    let status = service.finish_request(&tenant, id, &response_code).await?;
    Ok(replies::json(replies::to_json(&status)))
}

pub(crate) async fn answer_dc_api(
    State(service): State<VerifierService>,
    IntegratorAtSession { tenant, id }: IntegratorAtSession,
    ApiBody(body): ApiBody,
) -> Result<Response, Failure> {
    let answer = parsed::<DcApiAnswer>(&body)?;
    replies::to_response(service.answer_dc_api(&tenant, id, &answer).await?)
}

/// Strict JSON, and no member that would be ignored in silence.
pub(crate) fn parsed<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    let members = json::parse_object(body).map_err(|error| Failure::Json(error.to_string()))?;
    serde_json::from_value(members.into()).map_err(|error| Failure::Json(error.to_string()))
}

//! What stays of a request: its receipt, and the response itself for trying policies on.

use axum::{
    extract::{Path, Query, State},
    http::{HeaderValue, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse as _, Response},
};
use lanyard_service::http::{Integrator, IntegratorAtSession};
use serde::Deserialize;
use serde_json::json;

use super::{Failure, api::parsed, body::ApiBody, replies};
use crate::{NewSavedRequest, PolicyTrial, ReceiptClaims, VerifierService};

/// Whether the receipt has the claims in it.
#[derive(Deserialize)]
pub(crate) struct Wanted {
    #[serde(default)]
    claims: ReceiptClaims,
}

pub(crate) async fn receipt(
    State(service): State<VerifierService>,
    IntegratorAtSession { tenant, id }: IntegratorAtSession,
    wanted: Result<Query<Wanted>, axum::extract::rejection::QueryRejection>,
) -> Result<Response, Failure> {
    let Query(wanted) = wanted.map_err(|error| Failure::Json(error.to_string()))?;
    let receipt = service.receipt(&tenant, id, wanted.claims).await?;
    let kind = HeaderValue::from_static("application/verification-receipt+jwt");
    Ok(([(CONTENT_TYPE, kind), replies::NO_STORE], receipt).into_response())
}

pub(crate) async fn recording(
    State(service): State<VerifierService>,
    IntegratorAtSession { tenant, id }: IntegratorAtSession,
) -> Result<Response, Failure> {
    Ok(replies::json(replies::to_json(&service.recording(&tenant, id).await?)))
}

pub(crate) async fn try_policy(
    State(service): State<VerifierService>,
    Integrator(tenant): Integrator,
    ApiBody(body): ApiBody,
) -> Result<Response, Failure> {
    let verdict = service.try_policy(&tenant, parsed::<PolicyTrial>(&body)?).await?;
    Ok(replies::json(replies::to_json(&verdict)))
}

pub(crate) async fn presets(
    State(service): State<VerifierService>,
    Integrator(tenant): Integrator,
) -> Result<Response, Failure> {
    let all = service.presets(service.known_tenant(&tenant)?).await?;
    let presets = all.iter().map(|preset| {
        json!({
            "id": preset.id,
            "version": preset.version,
            "title": preset.title,
            "purpose": preset.purpose,
            "dcql_query": preset.query,
            "policy": preset.policy,
            "warnings": crate::lint(&preset.query),
        })
    });
    Ok(replies::json(json!({ "presets": presets.collect::<Vec<_>>() }).to_string()))
}

pub(crate) async fn save_preset(
    State(service): State<VerifierService>,
    Integrator(tenant): Integrator,
    ApiBody(body): ApiBody,
) -> Result<Response, Failure> {
    let saved = service.save_request(&tenant, parsed::<NewSavedRequest>(&body)?).await?;
    let headers = [replies::JSON, replies::NO_STORE];
    Ok((StatusCode::CREATED, headers, replies::to_json(&saved)).into_response())
}

pub(crate) async fn delete_preset(
    State(service): State<VerifierService>,
    Integrator(tenant): Integrator,
    Path((_, name)): Path<(String, String)>,
) -> Result<Response, Failure> {
    match service.delete_saved(&tenant, &name).await? {
        true => Ok(replies::no_content()),
        false => Err(Failure::NotFound),
    }
}

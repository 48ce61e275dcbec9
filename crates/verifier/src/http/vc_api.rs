//! `POST /api/{tenant}/credentials/verify`, `…/presentations/verify` and `…/credentials/derive` (VC API
//! §3.3, §3.4), where the tenant has them.

use axum::{
    extract::State,
    http::{
        HeaderName, HeaderValue, StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE},
    },
    response::{IntoResponse, Response},
};
use lanyard_core::verify::VerifyError;
use lanyard_service::http::Integrator;
use serde_json::{Value, json};

use super::{Failure, body::ApiBody, replies};
use crate::{VcApiFault, VerifierService, vc_api::Warning};

pub(crate) async fn verify_credential(
    State(service): State<VerifierService>,
    Integrator(tenant): Integrator,
    ApiBody(body): ApiBody,
) -> Result<Response, Failure> {
    let tenant = service.known_tenant(&tenant)?;
    let trust = tenant.vc_api.ok_or(Failure::NotFound)?;
    let verified = service.verify_credential(tenant, trust, &body).await;
    Ok(verified.map_or_else(|fault| problem(&fault), |()| verdict(&[])))
}

pub(crate) async fn verify_presentation(
    State(service): State<VerifierService>,
    Integrator(tenant): Integrator,
    ApiBody(body): ApiBody,
) -> Result<Response, Failure> {
    let tenant = service.known_tenant(&tenant)?;
    let trust = tenant.vc_api.ok_or(Failure::NotFound)?;
    let verified = service.verify_presentation(tenant, trust, &body).await;
    Ok(verified.map_or_else(|fault| problem(&fault), |warnings| verdict(&warnings)))
}

pub(crate) async fn derive(
    State(service): State<VerifierService>,
    Integrator(tenant): Integrator,
    ApiBody(body): ApiBody,
) -> Result<Response, Failure> {
    let tenant = service.known_tenant(&tenant)?;
    tenant.vc_api.ok_or(Failure::NotFound)?;
    match service.derive(tenant, &body).await {
        Ok(derived) => {
            let body = Value::Object(derived).to_string();
            Ok((StatusCode::CREATED, replies::json(body)).into_response())
        }
        Err(fault) => Ok(problem(&fault)),
    }
}

/// VC API §3.3.1: verified, and what should be known besides.
fn verdict(warnings: &[Warning]) -> Response {
    let warnings: Vec<_> = warnings.iter().map(|warning| warning.code()).collect();
    replies::json(json!({ "verified": true, "warnings": warnings }).to_string())
}

/// VC API §3.8: a problem, whose type is one of the data model's (VCDM 2.0 §7.4) or of the status list's
/// (Bitstring Status List §3.5); never 200.
fn problem(fault: &VcApiFault) -> Response {
    let status = if fault.is_about_the_request() {
        StatusCode::BAD_REQUEST
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let kind = match fault {
        VcApiFault::Verdict(error) => match error.status_problem() {
            Some(name) => format!("https://www.w3.org/ns/credentials/status-list#{name}"),
            None => data_model("CRYPTOGRAPHIC_SECURITY_ERROR"),
        },
        VcApiFault::Unreadable(_) => data_model("PARSING_ERROR"),
        VcApiFault::Missing(_)
        | VcApiFault::Option(_)
        | VcApiFault::Unasked
        | VcApiFault::Envelope(_)
        | VcApiFault::Presentation(_) => data_model("MALFORMED_VALUE_ERROR"),
        _ => data_model("CRYPTOGRAPHIC_SECURITY_ERROR"),
    };
    let title = match fault {
        VcApiFault::Verdict(VerifyError::Undetermined(_)) => "Nobody can tell now.",
        fault if fault.is_about_the_request() => "The request cannot be read.",
        _ => "It is refused.",
    };
    let problem = json!({
        "type": kind,
        "title": title,
        "status": status.as_u16(),
        "detail": fault.to_string(),
        "reason": fault.code(),
    });
    let body = json!({
        "verified": false,
        "problemDetails": [problem.clone()],
        "type": problem["type"],
        "title": problem["title"],
        "status": problem["status"],
        "detail": problem["detail"],
        "reason": problem["reason"],
    });
    let headers: [(HeaderName, HeaderValue); 2] = [
        (CONTENT_TYPE, HeaderValue::from_static("application/problem+json")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (status, headers, body.to_string()).into_response()
}

fn data_model(name: &str) -> String {
    format!("https://www.w3.org/TR/vc-data-model#{name}")
}

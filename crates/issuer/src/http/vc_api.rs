//! `POST /api/{tenant}/credentials/issue` and `/credentials/status` (VC API §3.2.1, §3.2.2), where the tenant
//! has them.

use axum::{
    extract::State,
    http::{
        HeaderName, HeaderValue, StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE},
    },
    response::{IntoResponse, Response},
};
use lanyard_service::{
    http::Integrator,
    once::{Answer, Call, IdempotencyKey},
};
use serde_json::json;

use super::{Failure, body::ApiBody, replies};
use crate::{
    IssueFault, IssuerService, revoke,
    tenant::Tenant,
    vc_api::{IssueError, SecuredCredential},
};

pub(crate) async fn issue(
    State(service): State<IssuerService>,
    Integrator(tenant): Integrator,
    key: IdempotencyKey,
    ApiBody(body): ApiBody,
) -> Result<Response, Failure> {
    let tenant = service.known_tenant(&tenant)?;
    let calls = service.environment().calls(&tenant.id, &tenant.data_key, "credentials/issue");
    let asked = body.clone();
    let make = move |call| async move { secure(&service, &tenant, &asked, call).await };
    calls.once(key, &body, make).await
}

async fn secure(
    service: &IssuerService,
    tenant: &Tenant,
    body: &[u8],
    call: Call,
) -> Result<Response, Failure> {
    let keys = tenant.vc_api.as_ref().ok_or(Failure::NotFound)?;
    // VC API §3.2.1: 201, and the secured credential is the body
    let answer = |secured: &SecuredCredential| {
        // where its status is changed
        let place = secured.id.map(|id| format!("{id}/status"));
        Answer::created(place, replies::to_json(&secured.document))
    };
    let told = |secured: &SecuredCredential| call.answered_by(&answer(secured));
    match service.issue_by_vc_api(tenant, keys, body, told).await {
        Ok(secured) => Ok(answer(&secured).into_response()),
        Err(IssueError::Fault(fault)) => Ok(problem(&fault)),
        Err(IssueError::Issuer(error)) => Err(error.into()),
    }
}

/// Sets or clears the status of a credential, by its name in the API.
pub(crate) async fn set_status(
    State(service): State<IssuerService>,
    Integrator(tenant): Integrator,
    ApiBody(body): ApiBody,
) -> Result<Response, Failure> {
    service.known_tenant(&tenant)?.vc_api.as_ref().ok_or(Failure::NotFound)?;
    let (credential, status) = revoke::parse_vc_api(&body)?;
    service.change_status(&tenant, credential, status, None).await?;
    Ok(replies::credential_status(credential, revoke::name(status)))
}

/// VC API §3.8: a problem, whose type is one of the data model's (VCDM 2.0 §7.4).
fn problem(fault: &IssueFault) -> Response {
    let (name, title) = match fault {
        IssueFault::Unreadable(_) => ("PARSING_ERROR", "The body cannot be read."),
        _ => ("MALFORMED_VALUE_ERROR", "The credential cannot be issued."),
    };
    let problem = json!({
        "type": format!("https://www.w3.org/TR/vc-data-model#{name}"),
        "title": title,
        "status": StatusCode::BAD_REQUEST.as_u16(),
        "detail": fault.to_string(),
        "reason": fault.code(),
    });
    let headers: [(HeaderName, HeaderValue); 2] = [
        (CONTENT_TYPE, HeaderValue::from_static("application/problem+json")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (StatusCode::BAD_REQUEST, headers, problem.to_string()).into_response()
}

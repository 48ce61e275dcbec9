//! The routes. Handlers parse, take the session, call one step, and reply; nothing else is decided here.

mod api;
mod body;
mod browser;
mod callers;
mod element;
mod events;
mod failure;
mod paths;
mod qr;
pub(crate) mod replies;
mod requests;
mod responses;
mod vc_api;

use axum::{
    Router,
    response::{IntoResponse as _, Response},
    routing::{get, post},
};

pub(crate) use callers::BearerFault;
pub(crate) use failure::Failure;

use crate::VerifierService;

/// Everything this service answers to, in the order of a presentation.
pub(crate) fn router(service: VerifierService) -> Router {
    Router::new()
        .route("/api/{tenant}/requests", post(api::create))
        .route("/api/{tenant}/requests/{id}", get(api::status).delete(api::cancel))
        .route("/api/{tenant}/requests/{id}/return", post(api::finish))
        .route("/api/{tenant}/requests/{id}/dc-api", post(api::answer_dc_api))
        .route("/api/{tenant}/requests/{id}/qr", get(qr::negotiated))
        .route("/api/{tenant}/requests/{id}/qr.svg", get(qr::svg))
        .route("/api/{tenant}/requests/{id}/qr.png", get(qr::png))
        .route("/api/{tenant}/requests/{id}/events", get(events::watch))
        .route("/api/{tenant}/credentials/verify", post(vc_api::verify_credential))
        .route("/api/{tenant}/credentials/derive", post(vc_api::derive))
        .route("/api/{tenant}/presentations/verify", post(vc_api::verify_presentation))
        .route("/{tenant}/requests/{id}", get(requests::fetch).post(requests::fetch_by_post))
        .route("/{tenant}/responses/{id}", post(responses::respond))
        .route("/{tenant}/browser", post(browser::begin).options(browser::preflight))
        .route("/{tenant}/browser/{id}", get(browser::view).options(browser::preflight))
        .route("/{tenant}/browser/{id}/qr", get(browser::qr).options(browser::preflight))
        .route("/{tenant}/browser/{id}/dc-api", post(browser::answer).options(browser::preflight))
        .route("/lanyard-verify.js", get(element::script))
        .with_state(service)
}

/// The answer to everything that is not here: the same for a tenant, a request and a path.
pub fn not_found() -> Response {
    Failure::NotFound.into_response()
}

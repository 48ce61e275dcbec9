//! The routes. Handlers parse, take the session, call one step, and reply; nothing else is decided here.

mod api;
mod body;
mod browser;
mod callers;
pub(crate) mod description;
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
        .merge(description::api().into_router())
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

#[cfg(test)]
mod tests {
    #[test]
    fn a_route_of_the_integrator_api_is_not_served_without_being_described() {
        let described_elsewhere = concat!("\"/", "api/");
        assert!(!include_str!("mod.rs").contains(described_elsewhere), "add it in description.rs");
    }
}

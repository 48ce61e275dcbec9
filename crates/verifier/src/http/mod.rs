//! The routes. Handlers parse, take the session, call one step, and reply; nothing else is decided here.

mod api;
mod body;
mod browser;
mod callers;
pub(crate) mod description;
mod element;
mod events;
mod evidence;
mod failure;
mod paths;
mod qr;
pub(crate) mod replies;
mod requests;
mod responses;
mod sign_in;
mod vc_api;

use axum::{
    Router,
    response::{IntoResponse as _, Response},
    routing::{get, post},
};

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
        .merge(sign_in_routes())
        .with_state(service)
}

/// The OpenID Connect provider of each tenant that has clients.
fn sign_in_routes() -> Router<VerifierService> {
    let authorize = get(sign_in::authorize).post(sign_in::authorize_by_post);
    Router::new()
        .route("/{tenant}/sign-in/.well-known/openid-configuration", get(sign_in::metadata))
        .route("/{tenant}/sign-in/jwks", get(sign_in::keys))
        .route("/{tenant}/sign-in/authorize", authorize)
        .route("/{tenant}/sign-in/at/{id}", get(sign_in::page))
        .route("/{tenant}/sign-in/at/{id}/state", get(sign_in::state))
        .route("/{tenant}/sign-in/at/{id}/same-device", post(sign_in::same_device))
        .route("/{tenant}/sign-in/at/{id}/cancel", post(sign_in::cancel))
        .route("/{tenant}/sign-in/return", get(sign_in::returned))
        .route("/{tenant}/sign-in/token", post(sign_in::trade))
        .route("/{tenant}/sign-in/userinfo", get(sign_in::userinfo).post(sign_in::userinfo))
        .route("/{tenant}/sign-in/sign_in.css", get(sign_in::stylesheet))
        .route("/{tenant}/sign-in/sign_in.js", get(sign_in::script))
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

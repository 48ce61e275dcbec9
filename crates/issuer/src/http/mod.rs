//! The routes. Handlers parse, take the session, call one step, and reply; nothing else is decided here.

mod api;
mod authorize;
pub(crate) mod awkward;
mod body;
mod callers;
mod client;
mod credential;
mod credentials;
mod deferred;
pub(crate) mod description;
mod dpop;
mod events;
mod failure;
mod metadata;
mod nonce;
mod notification;
mod offers;
mod par;
mod paths;
mod qr;
mod replies;
mod status_lists;
mod subjects;
mod token;
mod vc_api;

use axum::{
    Router,
    response::{IntoResponse as _, Response},
    routing::{get, post},
};

pub(crate) use callers::BearerFault;
pub(crate) use dpop::At;
pub(crate) use failure::Failure;

use crate::IssuerService;

/// Everything this service answers to, in the order of an issuance.
pub(crate) fn router(service: IssuerService) -> Router {
    Router::new()
        .merge(description::api().into_router())
        .route("/{tenant}/offers/{id}", get(offers::fetch))
        .route("/.well-known/openid-credential-issuer/{tenant}", get(metadata::issuer))
        .route("/.well-known/oauth-authorization-server/{tenant}", get(metadata::server))
        .route("/{tenant}/types/{id}", get(metadata::type_metadata))
        .route("/{tenant}/types/{id}/logo", get(metadata::logo))
        .route("/{tenant}/types/{id}/background_image", get(metadata::background_image))
        .route("/{tenant}/par", post(par::push))
        .route("/{tenant}/challenge", post(par::challenge))
        .route("/{tenant}/authorize", get(authorize::open).post(authorize::decide))
        .route("/{tenant}/login", get(authorize::leave))
        .route("/{tenant}/login/callback", get(authorize::come_back))
        .route("/{tenant}/authorize.css", get(authorize::stylesheet))
        .route("/{tenant}/token", post(token::exchange))
        .route("/{tenant}/nonce", post(nonce::issue))
        .route("/{tenant}/credential", post(credential::issue))
        .route("/{tenant}/status-lists", get(status_lists::aggregate))
        .route("/{tenant}/deferred", post(deferred::collect))
        .route("/{tenant}/notification", post(notification::take))
        .route("/{tenant}/status-lists/{list}", get(status_lists::fetch))
        .route("/{tenant}/status-lists/{list}/{purpose}", get(status_lists::fetch_bitstring))
        .with_state(service)
}

/// The answer to everything that is not here: the same for a tenant, an offer and a path.
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

//! `/healthz` and `/readyz`.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{StatusCode, header};
use lanyard_store::{SecretName, SecretStore, TenantId};

/// Whether the process lives, and whether it can do its work.
pub(super) fn routes(store: Arc<dyn SecretStore>) -> Router {
    Router::new()
        .route("/healthz", get(async || ([(header::CACHE_CONTROL, "no-store")], "ok")))
        .route("/readyz", get(ready))
        .with_state(store)
}

/// Ready is: the store answers.
async fn ready(State(store): State<Arc<dyn SecretStore>>) -> Response {
    let (Ok(tenant), Ok(name)) = ("ready".parse::<TenantId>(), "ready".parse::<SecretName>())
    else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let no_store = [(header::CACHE_CONTROL, "no-store")];
    match store.secret(&tenant, &name).await {
        Ok(_) => (no_store, "ready").into_response(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, no_store, error.reason()).into_response(),
    }
}

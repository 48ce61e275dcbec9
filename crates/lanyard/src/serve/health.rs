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

use super::trust::TrustHealth;

/// Whether the process lives, and whether it can do its work.
pub(super) fn routes(store: Arc<dyn SecretStore>, trust: TrustHealth) -> Router {
    Router::new()
        .route("/healthz", get(async || ([(header::CACHE_CONTROL, "no-store")], "ok")))
        .route("/readyz", get(ready))
        .with_state((store, trust))
}

/// Ready is: the store answers. A trust list that broke while serving is told beside that, as the last good
/// one still counts.
async fn ready(State((store, trust)): State<(Arc<dyn SecretStore>, TrustHealth)>) -> Response {
    let (Ok(tenant), Ok(name)) = ("ready".parse::<TenantId>(), "ready".parse::<SecretName>())
    else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let no_store = [(header::CACHE_CONTROL, "no-store")];
    match store.secret(&tenant, &name).await {
        Ok(_) => {
            let lines: Vec<_> =
                std::iter::once("ready".to_owned()).chain(trust.details()).collect();
            (no_store, lines.join("\n")).into_response()
        }
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, no_store, error.reason()).into_response(),
    }
}

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
use tokio::sync::watch;

use super::trust::TrustHealth;

/// What is asked before somebody says that the server is well.
#[derive(Clone)]
pub(super) struct Health {
    pub(super) store: Arc<dyn SecretStore>,
    pub(super) trust: TrustHealth,
    pub(super) stopping: watch::Receiver<bool>,
}

impl Health {
    /// Whether the process lives, and whether it can do its work.
    pub(super) fn routes(self) -> Router {
        Router::new()
            .route("/healthz", get(async || ([(header::CACHE_CONTROL, "no-store")], "ok")))
            .route("/readyz", get(ready))
            .with_state(self)
    }
}

/// Ready is: the store answers, and nobody asked the server to stop. A trust list that broke while serving is
/// told beside that, as the last good one still counts.
async fn ready(State(Health { store, trust, stopping }): State<Health>) -> Response {
    let (Ok(tenant), Ok(name)) = ("ready".parse::<TenantId>(), "ready".parse::<SecretName>())
    else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let no_store = [(header::CACHE_CONTROL, "no-store")];
    if *stopping.borrow() {
        return (StatusCode::SERVICE_UNAVAILABLE, no_store, "stopping").into_response();
    }
    match store.secret(&tenant, &name).await {
        Ok(_) => {
            let lines: Vec<_> =
                std::iter::once("ready".to_owned()).chain(trust.details()).collect();
            (no_store, lines.join("\n")).into_response()
        }
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, no_store, error.reason()).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::Request;
    use http_body_util::BodyExt as _;
    use lanyard_core::trust::IssuerTrust;
    use lanyard_store::MemoryStore;
    use tower::ServiceExt as _;

    use super::*;
    use crate::serve::trust::WatchedList;

    async fn readiness(trust: &TrustHealth) -> (StatusCode, String) {
        let (_stop, stopping) = watch::channel(false);
        asked(trust, stopping).await
    }

    async fn asked(trust: &TrustHealth, stopping: watch::Receiver<bool>) -> (StatusCode, String) {
        let store = Arc::new(MemoryStore::new());
        let router = Health { store, trust: trust.clone(), stopping }.routes();
        let request = Request::get("/readyz").body(Body::empty()).expect("a request");
        let Ok(response) = router.oneshot(request).await;
        let status = response.status();
        let body = response.into_body().collect().await.expect("a body").to_bytes();
        (status, String::from_utf8_lossy(&body).into_owned())
    }

    #[tokio::test]
    async fn a_server_that_was_asked_to_stop_is_not_ready() {
        let (stop, stopping) = watch::channel(false);
        let trust = TrustHealth::default();
        assert_eq!(asked(&trust, stopping.clone()).await.0, StatusCode::OK);
        stop.send(true).expect("somebody listens");
        let (status, body) = asked(&trust, stopping).await;
        assert_eq!((status, body.as_str()), (StatusCode::SERVICE_UNAVAILABLE, "stopping"));
    }

    #[tokio::test]
    async fn a_broken_trust_list_is_told_and_the_server_stays_ready() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("issuers.json");
        std::fs::write(&path, r#"{"version": 1, "issuers": []}"#).expect("writable");
        let tenant = "acme".parse().expect("an id");
        let trust = TrustHealth::default();
        let list = WatchedList::open(tenant, path.clone(), IssuerTrust::new());
        let mut list = list.expect("the list is good");
        assert_eq!(readiness(&trust).await, (StatusCode::OK, "ready".to_owned()));
        std::fs::write(&path, "{").expect("writable");
        list.look(&trust);
        let (status, body) = readiness(&trust).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(body, "ready\ntrust list of acme cannot be read; the last good one is in use");
        assert!(!body.contains(&path.display().to_string()));
    }
}

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

use super::{trust::TrustHealth, vitals::Writing};

/// What is said of a store that has no room left.
const FULL: &str = "the store is full: nothing is written, and what is there is read";

/// What is asked before somebody says that the server is well.
#[derive(Clone)]
pub(super) struct Health {
    pub(super) store: Arc<dyn SecretStore>,
    pub(super) trust: TrustHealth,
    pub(super) writing: watch::Receiver<Writing>,
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

/// Ready is: the store answers and can be written, and nobody asked the server to stop.
///
/// A trust list that broke while serving is told beside that, as the last good one still counts. So is a store that is
/// full: status lists, verdicts and metadata are read from it, and where all replicas were taken away for it nobody
/// could verify anything that was ever issued.
async fn ready(State(Health { store, trust, writing, stopping }): State<Health>) -> Response {
    let (Ok(tenant), Ok(name)) = ("ready".parse::<TenantId>(), "ready".parse::<SecretName>())
    else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let no_store = [(header::CACHE_CONTROL, "no-store")];
    if *stopping.borrow() {
        return (StatusCode::SERVICE_UNAVAILABLE, no_store, "stopping").into_response();
    }
    if let Err(error) = store.secret(&tenant, &name).await {
        return (StatusCode::SERVICE_UNAVAILABLE, no_store, error.reason()).into_response();
    }
    let mut lines = vec!["ready".to_owned()];
    match *writing.borrow() {
        Writing::Works => {}
        Writing::Full => lines.push(FULL.to_owned()),
        Writing::Fails(reason) => {
            let what = format!("the store cannot be written: {reason}");
            return (StatusCode::SERVICE_UNAVAILABLE, no_store, what).into_response();
        }
    }
    lines.extend(trust.details());
    (no_store, lines.join("\n")).into_response()
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
        asked(trust, Writing::Works, stopping).await
    }

    async fn asked(
        trust: &TrustHealth,
        writing: Writing,
        stopping: watch::Receiver<bool>,
    ) -> (StatusCode, String) {
        let (store, (_tell, writing)) = (Arc::new(MemoryStore::new()), watch::channel(writing));
        let router = Health { store, trust: trust.clone(), writing, stopping }.routes();
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
        assert_eq!(asked(&trust, Writing::Works, stopping.clone()).await.0, StatusCode::OK);
        stop.send(true).expect("somebody listens");
        let (status, body) = asked(&trust, Writing::Works, stopping).await;
        assert_eq!((status, body.as_str()), (StatusCode::SERVICE_UNAVAILABLE, "stopping"));
    }

    #[tokio::test]
    async fn a_store_that_refuses_what_is_written_is_not_ready_and_a_full_one_is() {
        let ((_stop, stopping), trust) = (watch::channel(false), TrustHealth::default());
        let (status, body) =
            asked(&trust, Writing::Fails("store_unreachable"), stopping.clone()).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(body, "the store cannot be written: store_unreachable");
        let full = asked(&trust, Writing::Full, stopping).await;
        assert_eq!(full, (StatusCode::OK, format!("ready\n{FULL}")));
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

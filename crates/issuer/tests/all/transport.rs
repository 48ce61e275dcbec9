//! What the routes say to a server that is composed of several services.

use axum::{Router, routing::get};

use crate::fixture::Server;

#[tokio::test]
async fn the_routes_merge_with_another_services_routes() {
    let server = Server::new();
    let other: Router = Router::new()
        .route("/", get(|| async { "start" }))
        .route("/issue/{id}", get(|| async { "page" }))
        .route("/{tenant}/requests/{id}", get(|| async { "request" }))
        .route("/api/{tenant}/requests/{id}", get(|| async { "api" }));
    let merged: Router = server.service.router().merge(other);
    let request = crate::fixture::request(axum::http::Method::GET, "/demo/requests/x");
    let reply =
        tower::ServiceExt::oneshot(merged, request.body(axum::body::Body::empty()).unwrap());
    assert_eq!(reply.await.unwrap().status(), 200);
}

//! What is turned away first when a server has too much to do is there to be turned away.

use axum::body::Body;
use http::{Request, StatusCode};
use lanyard_cli::serve::{admission::beginnings, compose::compose, plan::Plan};
use tokio::sync::watch;
use tower::ServiceExt as _;

#[tokio::test]
async fn every_beginning_is_a_route_of_the_server_with_that_method() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut plan = Plan::demo(7077, folder.path().join("data")).expect("a plan");
    plan.resolver = true;
    let (_stop, stopping) = watch::channel(false);
    let server = compose(plan, stopping).await.expect("it starts").router;
    for (method, route) in beginnings() {
        let path = route.replace("{tenant}", "demo").replace("{*identifier}", "did:key:z");
        let status = async |method: &str| {
            let request = Request::builder().method(method).uri(&path);
            let request = request.header("host", "localhost:7077").body(Body::empty());
            let request = request.expect("a request");
            server.clone().oneshot(request).await.expect("infallible").status()
        };
        assert_eq!(status("BREW").await, StatusCode::METHOD_NOT_ALLOWED, "{route} is no route");
        let answer = status(method.as_str()).await;
        assert_ne!(answer, StatusCode::METHOD_NOT_ALLOWED, "{method} {route}");
    }
}

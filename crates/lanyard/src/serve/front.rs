//! All middleware in one layer: axum clones and boxes every layer per request, with everything inside it.

use std::{future::Future, sync::Arc};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};

use super::{
    admission::{self, Admission},
    metrics::{self, Metrics},
    observe,
    otlp::{self, Telemetry},
    rates::{self, Doorman},
};

/// What a request passes, from the outside: it is traced, counted, logged, admitted, and counted against its client.
pub(super) struct Front {
    pub(super) telemetry: Option<Telemetry>,
    pub(super) metrics: Option<Metrics>,
    pub(super) admission: Arc<Admission>,
    pub(super) doorman: Option<Doorman>,
}

/// What is further inside: the route, behind whatever else is passed on the way to it.
pub(super) trait Inner: Send {
    /// Goes on with a request.
    fn run(self, request: Request) -> impl Future<Output = Response> + Send;
}

impl<F, A> Inner for F
where
    F: FnOnce(Request) -> A + Send,
    A: Future<Output = Response> + Send,
{
    fn run(self, request: Request) -> impl Future<Output = Response> + Send {
        self(request)
    }
}

/// Lets a request pass all of it.
pub(super) async fn pass(
    State(front): State<Arc<Front>>,
    request: Request,
    next: Next,
) -> Response {
    let Front { telemetry, metrics, admission, doorman } = &*front;
    let route = move |request: Request| next.run(request);
    let rated = move |request: Request| async move {
        match doorman {
            Some(doorman) => rates::keep(doorman, request, route).await,
            None => route(request).await,
        }
    };
    let admitted = move |request: Request| admission::admit(admission, request, rated);
    let told = move |request: Request| observe::request_line(request, admitted);
    let counted = move |request: Request| async move {
        match metrics {
            Some(metrics) => metrics::count(metrics, request, told).await,
            None => told(request).await,
        }
    };
    match telemetry {
        Some(telemetry) => otlp::trace(telemetry, request, counted).await,
        None => counted(request).await,
    }
}

//! Error pages: what happened and what to do.

use axum::response::Response;
use http::StatusCode;

use super::Web;
use crate::pages::{ErrorPage, Next, Place, Problem};

/// Why a page cannot be shown.
#[derive(Debug)]
pub(super) struct Failure {
    status: StatusCode,
    code: &'static str,
    problem: Problem,
    next: Option<Next>,
}

impl Failure {
    pub(super) fn new(
        status: StatusCode,
        code: &'static str,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { status, code, problem: Problem::new(what, remedy), next: None }
    }

    pub(super) fn absent(what: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "absent",
            format!("{what} is not here"),
            "It ended, it was never made, or another browser made it: what one browser makes, no other sees.",
        )
    }

    pub(super) fn internal(code: &'static str) -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            code,
            "This did not work on our side",
            "Try again. If it stays like this, the server's log says more under the reason code.",
        )
    }

    pub(super) fn leading_to(mut self, href: &str, label: &str) -> Self {
        self.next = Some(Next { href: href.to_owned(), label: label.to_owned() });
        self
    }

    pub(super) fn into_page(self, web: &Web) -> Response {
        let page = ErrorPage {
            chrome: web.chrome(Place::Start),
            problem: self.problem,
            next: self.next,
            code: Some(self.code.to_owned()),
        };
        super::show_with(self.status, &page)
    }
}

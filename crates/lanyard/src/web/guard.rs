//! Who may use the pages: a browser that asked for this host by its name, from a page of this host.

use axum::{
    extract::{FromRequestParts, Request, State},
    middleware::Next,
    response::Response,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts};
use lanyard_service::http::browser::{BrowserCookie, is_from_here};
use lanyard_verifier::BrowserSession;

use super::{Failure, Web};

/// Refuses requests for another host and forms sent from elsewhere.
pub(super) async fn guard(State(web): State<Web>, request: Request, next: Next) -> Response {
    if let Err(failure) = admit(
        &web,
        request.method(),
        request.headers(),
        request.uri().authority().map(|host| host.as_str()),
    ) {
        return failure.into_page(&web);
    }
    next.run(request).await
}

fn admit(
    web: &Web,
    method: &Method,
    headers: &HeaderMap,
    authority: Option<&str>,
) -> Result<(), Failure> {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    // another name for this machine's address would let a foreign page in as its own (DNS rebinding)
    if authority.or_else(|| text(header::HOST)) != Some(web.host()) {
        return Err(Failure::other_host(web.base_url()));
    }
    if method == Method::GET || method == Method::HEAD {
        return Ok(());
    }
    if is_from_here(headers, web.base_url()) { Ok(()) } else { Err(Failure::foreign_form()) }
}

/// The browser that asks, by a random cookie that says nothing else.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Browser(String);

/// A browser, and the cookie that it may have to be told.
pub(super) struct Visitor {
    pub(super) browser: Browser,
    cookie: BrowserCookie,
}

impl FromRequestParts<Web> for Visitor {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Self::Rejection> {
        let cookie = BrowserCookie::of(
            &parts.headers,
            web.base_url(),
            "lanyard",
            &lanyard_core::crypto::AwsLc,
        );
        Ok(Self { browser: Browser(cookie.value().to_owned()), cookie })
    }
}

impl Visitor {
    /// The browser as the verifier knows it: by the digest of this.
    pub(super) fn session(&self) -> BrowserSession {
        BrowserSession::new(self.browser.0.clone())
    }

    /// Tells the browser its cookie if it has none yet.
    pub(super) fn greet(&self, mut response: Response) -> Response {
        self.cookie.greet(response.headers_mut());
        response
    }
}

impl Failure {
    fn other_host(base: &url::Url) -> Self {
        Self::new(
            StatusCode::MISDIRECTED_REQUEST,
            "other_host",
            "These pages are not here",
            format!("Open {base} instead: pages answer under that name alone."),
        )
    }

    fn foreign_form() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "foreign_form",
            "This form was not sent from these pages",
            "Open the start page and do it from there.",
        )
    }
}

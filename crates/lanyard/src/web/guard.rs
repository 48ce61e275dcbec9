//! Who may use the pages: a browser that asked for this host by its name, from a page of this host.

use axum::{
    extract::{FromRequestParts, Request, State},
    middleware::Next,
    response::Response,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts};
use lanyard_core::{crypto::Random, json};
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
    // Fetch Metadata §2.3: browsers say where a form was sent from; others have no cookies to abuse
    let from_here = match (headers.get("sec-fetch-site"), text(header::ORIGIN)) {
        (Some(site), _) => site == "same-origin",
        (None, Some(origin)) => origin == web.base_url().origin().ascii_serialization(),
        (None, None) => true,
    };
    if from_here { Ok(()) } else { Err(Failure::foreign_form()) }
}

/// The browser that asks, by a random cookie that says nothing else.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Browser(String);

/// A browser, and whether it has to be told its cookie.
pub(super) struct Visitor {
    pub(super) browser: Browser,
    fresh: bool,
}

impl FromRequestParts<Web> for Visitor {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Self::Rejection> {
        if let Some(value) = cookie(&parts.headers, cookie_name(web)) {
            return Ok(Self { browser: Browser(value), fresh: false });
        }
        let mut random = [0; 32];
        lanyard_core::crypto::AwsLc.fill(&mut random);
        Ok(Self { browser: Browser(json::base64url(random)), fresh: true })
    }
}

impl Visitor {
    /// The browser as the verifier knows it: by the digest of this.
    pub(super) fn session(&self) -> BrowserSession {
        BrowserSession::new(self.browser.0.clone())
    }

    /// Tells the browser its cookie if it has none yet.
    pub(super) fn greet(&self, web: &Web, mut response: Response) -> Response {
        let secure = if web.is_https() { "; Secure" } else { "" };
        let text = format!(
            "{}={}; Path=/; HttpOnly; SameSite=Lax{secure}",
            cookie_name(web),
            self.browser.0
        );
        if let (true, Ok(value)) = (self.fresh, HeaderValue::from_str(&text)) {
            response.headers_mut().append(header::SET_COOKIE, value);
        }
        response
    }
}

/// RFC 6265bis §4.1.3: `__Host-` binds a cookie to this host over https; plain http cannot have it.
fn cookie_name(web: &Web) -> &'static str {
    if web.is_https() { "__Host-lanyard" } else { "lanyard" }
}

/// The value of a cookie, if it is one that we made.
fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let pairs = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut values = pairs
        .flat_map(|pairs| pairs.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(key, _)| *key == name);
    let (_, value) = values.next()?;
    let ours = value.len() == 43
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    ours.then(|| value.to_owned())
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

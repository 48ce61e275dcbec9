//! `/{tenant}/authorize` (RFC 6749 §3.1): the one endpoint that browsers come to.

use axum::{
    body::Body,
    extract::{FromRequestParts, RawQuery, State},
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{
            CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY,
            X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
        },
        request::Parts,
    },
    response::{IntoResponse as _, Response},
};
use lanyard_core::crypto::HashAlgorithm;
use lanyard_oid4vci::{
    LoginState, RequestUri,
    authorization::{AuthorizationError, answer_url},
    client_authentication::ClientId,
    issuer::BrowserDigest,
};
use lanyard_service::http::browser::{BrowserCookie, is_from_here};
use url::form_urlencoded;

use super::{Failure, body::TokenForm, paths::AtTenant};
use crate::{
    IssuerService, UpstreamError,
    authorization::{Back, Decision, Outcome, STYLESHEET, Step, View, stopped, stopped_with},
    tenant::Tenant,
};

/// The browser that asks.
pub(crate) struct Browser(BrowserCookie);

pub(crate) async fn open(
    State(service): State<IssuerService>,
    AtTenant(tenant): AtTenant,
    browser: Browser,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let query = Parameters::read(query.unwrap_or_default().as_bytes());
    decided(&service, &tenant, &browser, (&query, Decision::Open)).await
}

pub(crate) async fn decide(
    State(service): State<IssuerService>,
    AtTenant(tenant): AtTenant,
    browser: Browser,
    headers: HeaderMap,
    TokenForm(body): TokenForm,
) -> Result<Response, Failure> {
    let form = Parameters::read(&body);
    // Fetch Metadata §2.3: the form was sent from this page, or by something that has no cookies to abuse
    if !is_from_here(&headers, &service.environment().base_url) {
        return Ok(answer(&browser, stopped(&tenant, AuthorizationError::RequestUri)));
    }
    let text = |name| form.one(name).unwrap_or_default();
    let decision = match form.one("decision").as_deref() {
        Some("log_in") => Decision::LogIn { name: text("user"), password: text("password") },
        Some("allow") => Decision::Allow,
        Some("deny") => Decision::Deny,
        _ => Decision::Open,
    };
    decided(&service, &tenant, &browser, (&form, decision)).await
}

/// The way to the login provider.
pub(crate) async fn leave(
    State(service): State<IssuerService>,
    AtTenant(tenant): AtTenant,
    browser: Browser,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let query = Parameters::read(query.unwrap_or_default().as_bytes());
    decided(&service, &tenant, &browser, (&query, Decision::Leave)).await
}

async fn decided(
    service: &IssuerService,
    tenant: &Tenant,
    browser: &Browser,
    (parameters, decision): (&Parameters, Decision),
) -> Result<Response, Failure> {
    let outcome = match parameters.step(service, browser, decision) {
        Ok(step) => service.authorize(tenant, step).await?,
        Err(error) => parameters.refused(tenant, error),
    };
    Ok(answer(browser, outcome))
}

/// The way back from there.
pub(crate) async fn come_back(
    State(service): State<IssuerService>,
    AtTenant(tenant): AtTenant,
    browser: Browser,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let query = Parameters::read(query.unwrap_or_default().as_bytes());
    let outcome = match query.back(&service, &browser) {
        Some(back) => service.come_back(&tenant, back).await?,
        None => stopped_with(&tenant, &UpstreamError::NotBegun),
    };
    Ok(answer(&browser, outcome))
}

pub(crate) async fn stylesheet(AtTenant(_): AtTenant) -> Response {
    let cached = (CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600"));
    let kind = (CONTENT_TYPE, HeaderValue::from_static("text/css; charset=utf-8"));
    ([cached, kind], STYLESHEET).into_response()
}

/// The parameters of a query or form.
struct Parameters(Vec<(String, String)>);

impl Parameters {
    fn read(encoded: &[u8]) -> Self {
        Self(form_urlencoded::parse(encoded).into_owned().collect())
    }

    /// A parameter that is there once.
    fn one(&self, wanted: &str) -> Option<String> {
        let mut found = self.0.iter().filter(|(name, _)| name == wanted);
        match (found.next(), found.next()) {
            (Some((_, value)), None) => Some(value.clone()),
            _ => None,
        }
    }

    /// RFC 9126 §4: client_id and request_uri; everything else counts for nothing.
    fn step(
        &self,
        service: &IssuerService,
        browser: &Browser,
        decision: Decision,
    ) -> Result<Step, AuthorizationError> {
        let request_uri = self.one("request_uri").ok_or(AuthorizationError::NotPushed)?;
        let client = self.one("client_id").ok_or(AuthorizationError::RequestUri)?;
        let browser = browser.digest(service);
        Ok(Step { client, request_uri: RequestUri::new(request_uri), browser, decision })
    }

    /// RFC 6749 §4.1.2: state, and either a code or an error; whose answer it is, by `iss`.
    fn back(&self, service: &IssuerService, browser: &Browser) -> Option<Back> {
        let state = self.one("state")?;
        let (session, state) = state.split_once('.')?;
        let answer = match (self.one("code"), self.one("error")) {
            (Some(code), None) => Ok(code),
            (None, Some(error)) => Err(error),
            _ => return None,
        };
        Some(Back {
            session: session.parse().ok()?,
            state: LoginState::new(state),
            browser: browser.digest(service),
            answer,
            iss: self.one("iss"),
        })
    }

    /// RFC 6749 §4.1.2.1: to the client, if it is known and the place is one it registered; else a page.
    fn refused(&self, tenant: &Tenant, error: AuthorizationError) -> Outcome {
        let client = self.one("client_id").map(ClientId::new);
        let client = client.and_then(|id| tenant.issuer.rules().client(&id));
        let place = self.one("redirect_uri");
        let (Some(client), Some(place)) = (client, place) else { return stopped(tenant, error) };
        if !client.redirect_uris.iter().any(|one| one.takes(&place)) {
            return stopped(tenant, error);
        }
        let issuer = tenant.issuer.configuration().issuer();
        let url = answer_url(&place, Err(error), self.one("state").as_deref(), issuer);
        url.map_or_else(|| stopped(tenant, error), Outcome::Redirect)
    }
}

impl FromRequestParts<IssuerService> for Browser {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        service: &IssuerService,
    ) -> Result<Self, Self::Rejection> {
        let base_url = &service.environment().base_url;
        let provider = service.provider();
        Ok(Self(BrowserCookie::of(&parts.headers, base_url, "lanyard-login", provider)))
    }
}

impl Browser {
    fn digest(&self, service: &IssuerService) -> BrowserDigest {
        let mut digest = [0; 32];
        let hash = service.provider().hash(HashAlgorithm::Sha256, self.0.value().as_bytes());
        digest.copy_from_slice(hash.as_bytes());
        BrowserDigest::new(digest)
    }
}

fn answer(browser: &Browser, outcome: Outcome) -> Response {
    let mut response = match outcome {
        // RFC 9700 §4.12: 303, so that no browser sends a password on
        Outcome::Redirect(url) => match HeaderValue::try_from(url.as_str()) {
            Ok(place) => (StatusCode::SEE_OTHER, [(LOCATION, place)]).into_response(),
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        },
        Outcome::Show(view) => show(&view),
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // RFC 9700 §4.2.4: neither request_uri nor code leaves by the Referer header
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    browser.0.greet(headers);
    response
}

fn show(view: &View) -> Response {
    let Some(html) = view.html() else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let status = match view {
        View::Stopped(_) => StatusCode::BAD_REQUEST,
        View::Login(_) | View::Consent(_) => StatusCode::OK,
    };
    let more = view.destination().unwrap_or_default();
    let policy = format!(
        "default-src 'none'; style-src 'self'; img-src data:; form-action 'self' {more}; frame-ancestors 'none'; base-uri 'none'"
    );
    let policy = HeaderValue::try_from(policy)
        .unwrap_or_else(|_| HeaderValue::from_static("default-src 'none'"));
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (CONTENT_SECURITY_POLICY, policy),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    ];
    (status, headers, Body::from(html)).into_response()
}

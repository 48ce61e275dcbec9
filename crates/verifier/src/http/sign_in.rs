//! `/{tenant}/sign-in/…`: the OpenID Connect provider, for browsers and for their applications.

use std::sync::Arc;

use askama::Template;
use axum::{
    body::Body,
    extract::{FromRequestParts, RawQuery, State},
    http::{
        HeaderMap, HeaderValue, StatusCode, Uri,
        header::{
            CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY,
            SET_COOKIE, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
        },
        request::Parts,
    },
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use lanyard_service::http::{authorization::bearer, browser::cookie, paths::parameter, qr};
use lanyard_store::SessionId;
use serde_json::json;

use super::{Failure, body::WalletForm, paths::tenant_named, replies};
use crate::{
    BrowserSession, VerifierService,
    sign_in::{
        Begun, Progress, ROOT, SCRIPT, STYLESHEET, SignInPage, SignInRefused, StoppedPage,
        TokenFault,
    },
    tenant::Tenant,
};

/// The cookie that tells the browser in which a sign-in began.
const BROWSER: &str = "lanyard-sign-in";

/// A tenant that lets people sign in.
pub(crate) struct Provider(Arc<Tenant>);

/// The same, the sign-in that the path names, and the browser that asks.
pub(crate) struct AtSignIn {
    tenant: Arc<Tenant>,
    id: SessionId,
    browser: BrowserSession,
}

impl FromRequestParts<VerifierService> for Provider {
    type Rejection = Failure;

    async fn from_request_parts(
        parts: &mut Parts,
        service: &VerifierService,
    ) -> Result<Self, Failure> {
        let tenant = tenant_named(parts, service).await?;
        if tenant.sign_in_clients.is_empty() { Err(Failure::NotFound) } else { Ok(Self(tenant)) }
    }
}

impl FromRequestParts<VerifierService> for AtSignIn {
    type Rejection = Response;

    async fn from_request_parts(
        parts: &mut Parts,
        service: &VerifierService,
    ) -> Result<Self, Response> {
        let Provider(tenant) = Provider::from_request_parts(parts, service)
            .await
            .map_err(IntoResponse::into_response)?;
        let id = parameter(parts, "id").await.and_then(|id| id.parse().ok());
        match (id, browser(&parts.headers)) {
            (Some(id), Some(browser)) => Ok(Self { tenant, id, browser }),
            _ => Err(stopped(&tenant, &SignInRefused::Unknown)),
        }
    }
}

pub(crate) async fn metadata(
    State(service): State<VerifierService>,
    Provider(tenant): Provider,
) -> Response {
    replies::json(service.sign_in_metadata(&tenant).to_string())
}

pub(crate) async fn keys(
    State(service): State<VerifierService>,
    Provider(tenant): Provider,
) -> Response {
    replies::json(service.sign_in_keys(&tenant).to_string())
}

pub(crate) async fn stylesheet() -> Response {
    asset("text/css; charset=utf-8", STYLESHEET)
}

pub(crate) async fn script() -> Response {
    asset("text/javascript; charset=utf-8", SCRIPT)
}

pub(crate) async fn authorize(
    State(service): State<VerifierService>,
    Provider(tenant): Provider,
    RawQuery(query): RawQuery,
) -> Response {
    begin(&service, &tenant, query.unwrap_or_default().as_bytes()).await
}

// OpenID Connect Core 1.0 §3.1.2.1: GET and POST
pub(crate) async fn authorize_by_post(
    State(service): State<VerifierService>,
    Provider(tenant): Provider,
    WalletForm(body): WalletForm,
) -> Response {
    begin(&service, &tenant, &body).await
}

async fn begin(service: &VerifierService, tenant: &Tenant, parameters: &[u8]) -> Response {
    match service.begin_sign_in(tenant, parameters).await {
        Err(refused) => stopped(tenant, &refused),
        Ok(Begun { id, browser }) => {
            let place = format!("/{}/{ROOT}/at/{id}", tenant.id);
            let secure =
                if service.environment().base_url.scheme() == "https" { "; Secure" } else { "" };
            let cookie = format!(
                "{BROWSER}={}; Path=/{}/{ROOT}; HttpOnly; SameSite=Lax{secure}",
                browser.reveal(),
                tenant.id
            );
            let mut response = see_other(&place);
            let cookie = HeaderValue::try_from(cookie).expect("a cookie of plain characters");
            response.headers_mut().insert(SET_COOKIE, cookie);
            response
        }
    }
}

pub(crate) async fn page(
    State(service): State<VerifierService>,
    AtSignIn { tenant, id, browser }: AtSignIn,
) -> Response {
    match service.sign_in_progress(&tenant, id, &browser).await {
        Err(refused) => stopped(&tenant, &refused),
        Ok(Progress::Done(url)) => see_other(url.as_str()),
        Ok(Progress::Waiting { link, client, purpose, was_refused }) => {
            let page = SignInPage {
                root: root(&tenant),
                id: id.to_string(),
                client,
                purpose,
                picture: qr::draw(link.as_str()),
                was_refused,
            };
            html(StatusCode::OK, &page)
        }
    }
}

/// What the page's script asks; where the browser goes on it is not told, as going there gives the code out.
pub(crate) async fn state(
    State(service): State<VerifierService>,
    AtSignIn { tenant, id, browser }: AtSignIn,
) -> Response {
    let said = match service.sign_in_is_waiting(&tenant, id, &browser).await {
        Ok(Some(was_refused)) => json!({ "state": "waiting", "was_refused": was_refused }),
        Ok(None) | Err(_) => json!({ "state": "over" }),
    };
    replies::json(said.to_string())
}

pub(crate) async fn same_device(
    State(service): State<VerifierService>,
    AtSignIn { tenant, id, browser }: AtSignIn,
) -> Response {
    match service.sign_in_on_this_device(&tenant, id, &browser).await {
        Ok(link) => see_other(link.as_str()),
        Err(refused) => stopped(&tenant, &refused),
    }
}

pub(crate) async fn cancel(
    State(service): State<VerifierService>,
    AtSignIn { tenant, id, browser }: AtSignIn,
) -> Response {
    match service.cancel_sign_in(&tenant, id, &browser).await {
        Ok(url) => see_other(url.as_str()),
        Err(refused) => stopped(&tenant, &refused),
    }
}

pub(crate) async fn returned(
    State(service): State<VerifierService>,
    Provider(tenant): Provider,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let query = query.unwrap_or_default();
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    let code = pairs.find(|(name, _)| name == "response_code").map(|(_, code)| code);
    let (Some(code), Some(browser)) = (code, browser(&headers)) else {
        return stopped(&tenant, &SignInRefused::Unknown);
    };
    match service.sign_in_returned(&tenant, &code, &browser).await {
        Ok(url) => see_other(url.as_str()),
        Err(refused) => stopped(&tenant, &refused),
    }
}

pub(crate) async fn trade(
    State(service): State<VerifierService>,
    Provider(tenant): Provider,
    headers: HeaderMap,
    WalletForm(body): WalletForm,
) -> Response {
    match basic(&headers) {
        Err(fault) => faulty(&fault),
        Ok(basic) => match service.sign_in_token(&tenant, basic, &body).await {
            Ok(tokens) => replies::json(tokens.to_string()),
            Err(fault) => faulty(&fault),
        },
    }
}

pub(crate) async fn userinfo(
    State(service): State<VerifierService>,
    Provider(tenant): Provider,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let Ok(token) = bearer(&uri, &headers) else {
        return faulty(&TokenFault::AccessToken);
    };
    match service.sign_in_userinfo(&tenant, token).await {
        Ok(claims) => replies::json(claims.to_string()),
        Err(fault) => faulty(&fault),
    }
}

/// RFC 6749 §2.3.1: both halves are form-encoded before they are joined.
fn basic(headers: &HeaderMap) -> Result<Option<(String, String)>, TokenFault> {
    let Some(value) = headers.get(axum::http::header::AUTHORIZATION) else { return Ok(None) };
    let pair = value.to_str().ok().and_then(|text| {
        let (scheme, encoded) = text.split_once(' ')?;
        let decoded = BASE64.decode(encoded.trim()).ok()?;
        let text = String::from_utf8(decoded).ok()?;
        let (id, secret) = text.split_once(':')?;
        let plain = |half: &str| {
            let line = format!("v={half}");
            let first = url::form_urlencoded::parse(line.as_bytes()).next();
            first.map(|(_, value)| value.into_owned())
        };
        let is_basic = scheme.eq_ignore_ascii_case("basic");
        Some((plain(id)?, plain(secret)?)).filter(|_| is_basic)
    });
    pair.map(Some).ok_or(TokenFault::Client)
}

fn faulty(fault: &TokenFault) -> Response {
    let (status, challenge) = match fault {
        TokenFault::Client => (StatusCode::UNAUTHORIZED, Some("Basic")),
        TokenFault::AccessToken => {
            (StatusCode::UNAUTHORIZED, Some(r#"Bearer error="invalid_token""#))
        }
        TokenFault::Verifier(error) => {
            tracing::error!(cause = %error, "a sign-in failed");
            (StatusCode::SERVICE_UNAVAILABLE, None)
        }
        TokenFault::Malformed | TokenFault::GrantType | TokenFault::Grant => {
            (StatusCode::BAD_REQUEST, None)
        }
    };
    let description = match fault {
        TokenFault::Verifier(_) => "the server cannot do this now".to_owned(),
        fault => fault.to_string(),
    };
    let body = json!({ "error": fault.code(), "error_description": description });
    let mut response =
        (status, [replies::JSON, replies::NO_STORE], body.to_string()).into_response();
    if let Some(challenge) = challenge {
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    }
    response
}

/// Sends the browser back where it may go, and says what is wrong where it may not.
fn stopped(tenant: &Tenant, refused: &SignInRefused) -> Response {
    let (status, what) = match refused {
        SignInRefused::Back { url, .. } => return see_other(url.as_str()),
        SignInRefused::Client => (StatusCode::BAD_REQUEST, refused.to_string()),
        SignInRefused::Unknown => (StatusCode::NOT_FOUND, refused.to_string()),
        SignInRefused::Verifier(error) => {
            tracing::error!(cause = %error, "a sign-in failed");
            (StatusCode::SERVICE_UNAVAILABLE, "the server cannot do this now".to_owned())
        }
    };
    html(status, &StoppedPage { root: root(tenant), what })
}

fn root(tenant: &Tenant) -> String {
    format!("/{}/{ROOT}", tenant.id)
}

fn browser(headers: &HeaderMap) -> Option<BrowserSession> {
    cookie(headers, BROWSER).map(BrowserSession::new)
}

fn see_other(place: &str) -> Response {
    match HeaderValue::try_from(place) {
        Ok(place) => {
            (StatusCode::SEE_OTHER, [(LOCATION, place), replies::NO_STORE]).into_response()
        }
        Err(_) => Failure::NotFound.into_response(),
    }
}

fn html(status: StatusCode, page: &impl Template) -> Response {
    // a form leads to this server, and from there to a wallet or back to the application
    const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; \
                          img-src 'self' data:; form-action *; base-uri 'none'; \
                          frame-ancestors 'none'";
    let Ok(text) = page.render() else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    (status, headers, Body::from(text)).into_response()
}

fn asset(kind: &'static str, text: &'static str) -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(kind)),
        (CACHE_CONTROL, HeaderValue::from_static("public, max-age=300")),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    (headers, text).into_response()
}

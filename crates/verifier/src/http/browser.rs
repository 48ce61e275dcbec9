//! `/{tenant}/browser`: what the `<lanyard-verify>` element calls, from pages whose origin may ask.
//!
//! No cookie is read: the page shows the secret that it was given when it began (Fetch §3.2, `omit`).

use std::sync::Arc;

use axum::{
    extract::{FromRequestParts, Query, State},
    response::{IntoResponse as _, Response},
};
use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{
        ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
        ACCESS_CONTROL_MAX_AGE, ORIGIN, VARY,
    },
    request::Parts,
};
use lanyard_oid4vp::dc_api::Origin;
use lanyard_service::http::{authorization::bearer, paths::parameter, qr::Picture};
use lanyard_store::SessionId;
use serde::Deserialize;
use serde_json::Value;

use super::{Failure, api::parsed, body::PageBody, paths::tenant_named, replies};
use crate::{
    BrowserSession, DcApiAnswer, VerifierError, VerifierService, in_browser::Begin, tenant::Tenant,
};

/// A page of an origin that may ask.
pub(crate) struct Page {
    tenant: Arc<Tenant>,
    origin: Origin,
}

/// The same, with the request it began and the secret that shows it.
pub(crate) struct PageAtRequest {
    page: Page,
    id: SessionId,
    browser: BrowserSession,
}

impl FromRequestParts<VerifierService> for Page {
    type Rejection = Failure;

    async fn from_request_parts(
        parts: &mut Parts,
        service: &VerifierService,
    ) -> Result<Self, Failure> {
        let tenant = tenant_named(parts, service).await?;
        let allowed = service.web_origins(&tenant);
        let own = allowed.first().cloned();
        let origin = match parts.headers.get(ORIGIN) {
            // Fetch §3.1: a GET of a page's own origin has none
            None => own.filter(|_| is_same_origin(&parts.headers)),
            Some(origin) => {
                let is = |one: &Origin| origin.as_bytes() == one.as_str().as_bytes();
                allowed.into_iter().find(is)
            }
        };
        Ok(Self { tenant, origin: origin.ok_or(Failure::Origin)? })
    }
}

impl FromRequestParts<VerifierService> for PageAtRequest {
    type Rejection = Failure;

    async fn from_request_parts(
        parts: &mut Parts,
        service: &VerifierService,
    ) -> Result<Self, Failure> {
        let page = Page::from_request_parts(parts, service).await?;
        let id = parameter(parts, "id").await.ok_or(Failure::NotFound)?.parse();
        let browser = BrowserSession::new(bearer(&parts.uri, &parts.headers)?);
        Ok(Self { page, id: id.map_err(|_| Failure::NotFound)?, browser })
    }
}

impl Page {
    /// Fetch §3.2: the page, and no other, may read the answer.
    fn allow(&self, answer: Result<Response, Failure>) -> Response {
        let mut response = answer.unwrap_or_else(Failure::into_response);
        let headers = response.headers_mut();
        if let Ok(origin) = HeaderValue::from_str(self.origin.as_str()) {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        }
        headers.insert(VARY, HeaderValue::from_static("Origin"));
        headers.insert(
            HeaderName::from_static("cross-origin-resource-policy"),
            HeaderValue::from_static("cross-origin"),
        );
        response
    }
}

pub(crate) async fn preflight(page: Page) -> Response {
    const ALLOWED: [(HeaderName, HeaderValue); 3] = [
        (ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST")),
        (ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("authorization, content-type")),
        (ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600")),
    ];
    page.allow(Ok((StatusCode::NO_CONTENT, ALLOWED).into_response()))
}

pub(crate) async fn begin(
    State(service): State<VerifierService>,
    page: Page,
    PageBody(body): PageBody,
) -> Response {
    let begun = async {
        let begin = parsed::<Begin>(&body)?;
        let begun = service.begin_in_browser(&page.tenant, &page.origin, begin).await?;
        Ok(replies::json(replies::to_json(&begun)))
    };
    page.allow(begun.await)
}

/// What the page knows already; it is answered when that is no longer so.
#[derive(Deserialize)]
pub(crate) struct Known {
    known: Option<String>,
}

pub(crate) async fn view(
    State(service): State<VerifierService>,
    PageAtRequest { page, id, browser }: PageAtRequest,
    Query(Known { known }): Query<Known>,
) -> Response {
    let view = service.view_in_browser(&page.tenant, id, &browser, known.as_deref()).await;
    page.allow(view.map(|view| replies::json(replies::to_json(&view))).map_err(Failure::from))
}

pub(crate) async fn qr(
    State(service): State<VerifierService>,
    PageAtRequest { page, id, browser }: PageAtRequest,
    headers: HeaderMap,
) -> Response {
    let picture = async {
        let link = service.link_in_browser(&page.tenant, id, &browser).await?;
        let picture = Picture::accepted(&headers).draw(link.as_str());
        Ok(picture.ok_or(VerifierError::LinkTooLong)?)
    };
    page.allow(picture.await)
}

/// A `DigitalCredential` as the page got it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Got {
    protocol: lanyard_oid4vp::dc_api::Protocol,
    data: Value,
}

pub(crate) async fn answer(
    State(service): State<VerifierService>,
    PageAtRequest { page, id, browser }: PageAtRequest,
    PageBody(body): PageBody,
) -> Response {
    let replied = async {
        let Got { protocol, data } = parsed(&body)?;
        // the origin is the browser's word, not the page's
        let answer = DcApiAnswer { protocol, data, origin: page.origin.to_string() };
        let tenant = &page.tenant.id;
        let reply = service.answer_dc_api_in_browser(tenant, id, &browser, &answer).await?;
        replies::to_response(reply)
    };
    page.allow(replied.await)
}

fn is_same_origin(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_some_and(|site| site == "same-origin")
}

//! `GET /{tenant}/status-lists/{list}` (Token Status List §8): the same bytes for everybody.

use axum::{
    extract::{FromRequestParts, RawQuery, State},
    http::{HeaderMap, StatusCode, header::IF_NONE_MATCH, request::Parts},
    response::{IntoResponse as _, Response},
};
use url::form_urlencoded;

use super::{
    Failure,
    paths::{AtTenant, parameter},
    replies,
};
use crate::IssuerService;

/// The number of a list in the path.
pub(crate) struct ListNumber(u32);

impl FromRequestParts<IssuerService> for ListNumber {
    type Rejection = Failure;

    async fn from_request_parts(
        parts: &mut Parts,
        service: &IssuerService,
    ) -> Result<Self, Failure> {
        let text = parameter(parts, service, "list").await?;
        let number = text.parse().map_err(|_| Failure::NotFound)?;
        // one URL for one list: neither +1 nor 01
        if text == u32::to_string(&number) { Ok(Self(number)) } else { Err(Failure::NotFound) }
    }
}

pub(crate) async fn fetch(
    State(service): State<IssuerService>,
    AtTenant(tenant): AtTenant,
    ListNumber(list): ListNumber,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    // Token Status List §8.4: who keeps no history answers 501; every other query changes nothing
    let query = query.unwrap_or_default();
    if form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "time") {
        return Ok(StatusCode::NOT_IMPLEMENTED.into_response());
    }
    let lists = tenant.status_lists.as_ref().ok_or(Failure::NotFound)?;
    let now = service.now();
    let published = lists.published(list, now).await?.ok_or(Failure::NotFound)?;
    Ok(replies::status_list(&published, headers.get(IF_NONE_MATCH), now))
}

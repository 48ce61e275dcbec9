//! `GET /{tenant}/status-lists/{list}` (Token Status List §8), and one segment below it the same statuses for
//! W3C credentials (Bitstring Status List §2.2): the same bytes for everybody.

use axum::{
    extract::{FromRequestParts, RawQuery, State},
    http::{
        HeaderMap, StatusCode,
        header::{ACCEPT, IF_NONE_MATCH},
        request::Parts,
    },
    response::{IntoResponse as _, Response},
};
use lanyard_core::status::bitstring_status_list::StatusPurpose;
use url::form_urlencoded;

use super::{
    Failure,
    paths::{AtTenant, named},
    replies,
};
use crate::{IssuerError, IssuerService, status_lists::ListKind, tenant::Tenant};

/// The number of a list in the path.
pub(crate) struct ListNumber(u32);

impl FromRequestParts<IssuerService> for ListNumber {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &IssuerService) -> Result<Self, Failure> {
        let text = named(parts, "list").await?;
        let number = text.parse().map_err(|_| Failure::NotFound)?;
        // one URL for one list: neither +1 nor 01
        if text == u32::to_string(&number) { Ok(Self(number)) } else { Err(Failure::NotFound) }
    }
}

/// What the list for W3C credentials in the path is about.
pub(crate) struct Purpose(StatusPurpose);

impl FromRequestParts<IssuerService> for Purpose {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &IssuerService) -> Result<Self, Failure> {
        match named(parts, "purpose").await?.as_str() {
            "revocation" => Ok(Self(StatusPurpose::Revocation)),
            "suspension" => Ok(Self(StatusPurpose::Suspension)),
            _ => Err(Failure::NotFound),
        }
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
    if asks_for(query.as_deref(), "time") {
        return Ok(StatusCode::NOT_IMPLEMENTED.into_response());
    }
    reply(&service, &tenant, (list, ListKind::Token), &headers).await
}

pub(crate) async fn fetch_bitstring(
    State(service): State<IssuerService>,
    AtTenant(tenant): AtTenant,
    (ListNumber(list), Purpose(purpose)): (ListNumber, Purpose),
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    // Bitstring Status List §3.2: the list as it was is the publisher's choice
    if asks_for(query.as_deref(), "timestamp") {
        return Ok(StatusCode::NOT_IMPLEMENTED.into_response());
    }
    reply(&service, &tenant, (list, ListKind::Bitstring(purpose)), &headers).await
}

/// `GET /{tenant}/status-lists`: the addresses of all lists (Token Status List §9).
pub(crate) async fn aggregate(AtTenant(tenant): AtTenant) -> Result<Response, Failure> {
    let lists = tenant.status_lists.as_ref().ok_or(Failure::NotFound)?;
    let all = lists.aggregation().await.map_err(IssuerError::from)?;
    Ok(replies::public_document(all.to_json().into()))
}

async fn reply(
    service: &IssuerService,
    tenant: &Tenant,
    list: (u32, ListKind),
    headers: &HeaderMap,
) -> Result<Response, Failure> {
    let lists = tenant.status_lists.as_ref().ok_or(Failure::NotFound)?;
    let now = service.now();
    let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let published = lists.published(list, accept, now).await?.ok_or(Failure::NotFound)?;
    Ok(replies::status_list(&published, headers.get(IF_NONE_MATCH), now))
}

fn asks_for(query: Option<&str>, name: &str) -> bool {
    let query = query.unwrap_or_default();
    form_urlencoded::parse(query.as_bytes()).any(|(found, _)| found == name)
}

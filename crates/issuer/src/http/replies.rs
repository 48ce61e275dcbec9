//! What goes back when all is well.

use axum::{
    body::Body,
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{
            ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY,
            CONTENT_TYPE, ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, VARY,
            X_CONTENT_TYPE_OPTIONS,
        },
    },
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use jiff::Timestamp;
use lanyard_oid4vci::{encryption, metadata::SIGNED_METADATA};
use lanyard_service::once::Answer;
use lanyard_store::{CredentialId, SessionId};
use serde::Serialize;

use crate::{
    Changed, CredentialRecord, OfferCreated, OfferStatus, TrailEvent, accept, revoke,
    status_lists::PublishedList, tenant::Document,
};

pub(crate) use lanyard_service::http::replies::{
    JSON, NO_STORE, json, no_content, svg, to_json, unstored,
};

/// The reply of the credential endpoints (OID4VCI 1.0 §8.3, §9.2, §10).
pub(crate) fn credential(answer: accept::Answer) -> Response {
    let status = if answer.is_final { StatusCode::OK } else { StatusCode::ACCEPTED };
    let kind = if answer.is_encrypted { encryption::MEDIA_TYPE } else { "application/json" };
    let kind = (CONTENT_TYPE, HeaderValue::from_static(kind));
    (status, [kind, NO_STORE], answer.body).into_response()
}

/// A document that is the same for everybody, browsers of other origins included.
pub(crate) fn public_document(body: Bytes) -> Response {
    let cached = (CACHE_CONTROL, HeaderValue::from_static("public, max-age=60"));
    let origins = (ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    ([JSON, cached, origins], body).into_response()
}

/// The same, with what a cache asks again by (RFC 9110 §13.1).
pub(crate) fn cached_document(document: &Document, asked: &HeaderMap) -> Response {
    let mut response = public_document(document.body.clone());
    if is_known(document, asked) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = Body::empty();
        response.headers_mut().remove(CONTENT_TYPE);
    }
    let headers = response.headers_mut();
    headers.insert(ETAG, document.etag.clone());
    headers.extend(document.last_modified.clone().map(|since| (LAST_MODIFIED, since)));
    response
}

/// A picture: wallets keep it when they receive a credential, and whoever opens it by itself runs nothing in it.
pub(crate) fn picture(
    document: &Document,
    media_type: &'static str,
    asked: &HeaderMap,
) -> Response {
    let mut response = cached_document(document, asked);
    let headers = response.headers_mut();
    if headers.contains_key(CONTENT_TYPE) {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers
        .insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox"));
    response
}

/// Issuer metadata as JSON, in the languages of the wallet.
pub(crate) fn issuer_metadata(
    document: &Document,
    asked: &HeaderMap,
    language: Option<&str>,
) -> Response {
    negotiated(cached_document(document, asked), language)
}

/// Issuer metadata as a JWT: made for each who asks, and so never the same.
pub(crate) fn signed_metadata(jwt: String, language: Option<&str>) -> Response {
    let mut response = public_document(jwt.into());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(SIGNED_METADATA));
    negotiated(response, language)
}

fn negotiated(mut response: Response, language: Option<&str>) -> Response {
    let headers = response.headers_mut();
    // RFC 9110 §12.5.5: a cache keeps the forms and languages apart
    headers.insert(VARY, HeaderValue::from_static("accept, accept-language"));
    let language = language.and_then(|language| HeaderValue::try_from(language).ok());
    headers.extend(language.map(|language| (CONTENT_LANGUAGE, language)));
    response
}

/// RFC 9110 §13.2.2: If-None-Match decides, and the date only where there is none.
fn is_known(document: &Document, asked: &HeaderMap) -> bool {
    if let Some(known) = asked.get(IF_NONE_MATCH) {
        return *known == document.etag;
    }
    let since = asked.get(IF_MODIFIED_SINCE);
    since.is_some_and(|asked| document.last_modified.as_ref() == Some(asked))
}

#[derive(Serialize)]
struct CreatedBody<'a> {
    id: SessionId,
    link: &'a str,
    offer_uri: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tx_code: Option<&'a str>,
    expires_at: Timestamp,
}

/// 201, with everything the integrator needs to show the offer.
pub(crate) fn created(offer: &OfferCreated) -> Answer {
    let body = to_json(&CreatedBody {
        id: offer.id,
        link: &offer.link,
        offer_uri: offer.offer_uri.as_str(),
        tx_code: offer.tx_code.as_ref().map(|code| code.reveal()),
        expires_at: offer.expires_at,
    });
    Answer::created(Some(format!("offers/{}", offer.id)), body)
}

#[derive(Serialize)]
struct StatusBody<'a> {
    id: SessionId,
    state: &'static str,
    trail: &'a [TrailEvent],
    credentials: Vec<CredentialBody<'a>>,
}

#[derive(Serialize)]
struct CredentialBody<'a> {
    id: CredentialId,
    configuration: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
}

pub(crate) fn status(id: SessionId, status: &OfferStatus) -> Response {
    let credentials = status.credentials.iter().map(|credential| CredentialBody {
        id: credential.id,
        configuration: &credential.configuration,
        status: credential.status.map(revoke::name),
    });
    json(to_json(&StatusBody {
        id,
        state: status.state.as_str(),
        trail: &status.trail,
        credentials: credentials.collect(),
    }))
}

#[derive(Serialize)]
struct CredentialStatusBody {
    id: CredentialId,
    status: &'static str,
}

pub(crate) fn credential_status(id: CredentialId, status: &'static str) -> Response {
    json(to_json(&CredentialStatusBody { id, status }))
}

#[derive(Serialize)]
struct RecordBody<'a> {
    id: CredentialId,
    configuration: &'a str,
    offer: SessionId,
    issued_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
    history: Vec<HistoryBody<'a>>,
}

#[derive(Serialize)]
struct HistoryBody<'a> {
    at: Timestamp,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

impl<'a> RecordBody<'a> {
    fn of(record: &'a CredentialRecord) -> Self {
        let history = record.history.iter().map(|entry| HistoryBody {
            at: entry.at,
            status: revoke::name(entry.status),
            reason: entry.reason.as_deref(),
        });
        Self {
            id: record.issued.credential,
            configuration: &record.issued.configuration,
            offer: record.issued.session,
            issued_at: record.issued.issued_at,
            expires_at: record.issued.expires_at,
            status: record.status.map(revoke::name),
            history: history.collect(),
        }
    }
}

/// The record of a credential.
pub(crate) fn credential_record(record: &CredentialRecord) -> Response {
    json(to_json(&RecordBody::of(record)))
}

#[derive(Serialize)]
struct PageBody<'a> {
    credentials: Vec<RecordBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<CredentialId>,
}

/// A page of records.
pub(crate) fn credentials(found: &[CredentialRecord]) -> Response {
    let next = found.last().map(|record| record.issued.credential);
    json(to_json(&PageBody { credentials: found.iter().map(RecordBody::of).collect(), next }))
}

#[derive(Serialize)]
struct ChangedBody<'a> {
    changed: &'a [CredentialId],
    unchanged: &'a [CredentialId],
}

/// Which of many credentials were changed.
pub(crate) fn changed(changed: &Changed) -> Response {
    let Changed { changed, unchanged } = changed;
    json(to_json(&ChangedBody { changed, unchanged }))
}

/// A status list, which anybody may keep until the next one is made (Token Status List §8.2).
pub(crate) fn status_list(
    list: &PublishedList,
    known: Option<&HeaderValue>,
    now: Timestamp,
) -> Response {
    let seconds = now.duration_until(list.renew_at).as_secs().max(0);
    let cached = HeaderValue::try_from(format!("public, max-age={seconds}"));
    let etag = HeaderValue::try_from(list.etag.as_str());
    let headers = [
        (CACHE_CONTROL, cached.expect("a number is visible ASCII")),
        (ETAG, etag.expect("base64url between quotes is visible ASCII")),
        // browsers of other origins included: a list says nothing about who asks
        (ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
        // RFC 9110 §12.5.5: the form is what Accept asked for
        (VARY, HeaderValue::from_static("Accept")),
    ];
    // RFC 9110 §13.1.2: a copy that is named in If-None-Match need not be sent again
    if known.is_some_and(|known| known.as_bytes() == list.etag.as_bytes()) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    let kind = (CONTENT_TYPE, HeaderValue::from_static(list.form.media_type()));
    (headers, [kind], list.body.clone()).into_response()
}

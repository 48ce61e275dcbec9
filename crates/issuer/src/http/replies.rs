//! What goes back when all is well.

use axum::{
    body::Body,
    http::{
        HeaderValue, StatusCode,
        header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE, HeaderName, LOCATION},
    },
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use jiff::Timestamp;
use lanyard_store::SessionId;
use serde::Serialize;

use crate::{OfferCreated, OfferStatus, TrailEvent};

const NO_STORE: (HeaderName, HeaderValue) = (CACHE_CONTROL, HeaderValue::from_static("no-store"));
const JSON: (HeaderName, HeaderValue) =
    (CONTENT_TYPE, HeaderValue::from_static("application/json"));

/// JSON that nobody may keep.
pub(crate) fn json(body: impl Into<Body>) -> Response {
    ([JSON, NO_STORE], body.into()).into_response()
}

/// A document that is the same for everybody, browsers of other origins included.
pub(crate) fn public_document(body: Bytes) -> Response {
    let cached = (CACHE_CONTROL, HeaderValue::from_static("public, max-age=60"));
    let origins = (ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    ([JSON, cached, origins], body).into_response()
}

/// A picture that nobody may keep.
pub(crate) fn svg(picture: String) -> Response {
    let kind = (CONTENT_TYPE, HeaderValue::from_static("image/svg+xml"));
    ([kind, NO_STORE], picture).into_response()
}

pub(crate) fn no_content() -> Response {
    (StatusCode::NO_CONTENT, [NO_STORE]).into_response()
}

/// Marks a response as one that nobody may keep.
pub(crate) fn unstored(mut response: Response) -> Response {
    response.headers_mut().insert(NO_STORE.0, NO_STORE.1);
    response
}

/// A message as JSON text.
pub(crate) fn to_json(message: &impl Serialize) -> String {
    serde_json::to_string(message).expect("messages are text, numbers, lists and maps")
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
pub(crate) fn created(offer: &OfferCreated) -> Response {
    let body = to_json(&CreatedBody {
        id: offer.id,
        link: &offer.link,
        offer_uri: offer.offer_uri.as_str(),
        tx_code: offer.tx_code.as_ref().map(|code| code.reveal()),
        expires_at: offer.expires_at,
    });
    // relative to the request's own path, so that no header decides where it leads
    let place = HeaderValue::try_from(format!("offers/{}", offer.id));
    let place = (LOCATION, place.expect("an identifier is hexadecimal digits"));
    (StatusCode::CREATED, [JSON, NO_STORE, place], body).into_response()
}

#[derive(Serialize)]
struct StatusBody<'a> {
    id: SessionId,
    state: &'static str,
    trail: &'a [TrailEvent],
}

pub(crate) fn status(id: SessionId, status: &OfferStatus) -> Response {
    json(to_json(&StatusBody { id, state: status.state.as_str(), trail: &status.trail }))
}

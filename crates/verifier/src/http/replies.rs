//! What goes back when all is well; nobody may keep any of it.

use axum::{
    body::Body,
    http::{
        HeaderValue, StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, LOCATION},
    },
    response::{IntoResponse as _, Response},
};
use lanyard_oid4vp::request::object;
use serde::Serialize;
use serde_json::json;
use url::Url;

use crate::RequestCreated;

const NO_STORE: (HeaderName, HeaderValue) = (CACHE_CONTROL, HeaderValue::from_static("no-store"));
const JSON: (HeaderName, HeaderValue) =
    (CONTENT_TYPE, HeaderValue::from_static("application/json"));

/// JSON.
pub(crate) fn json(body: impl Into<Body>) -> Response {
    ([JSON, NO_STORE], body.into()).into_response()
}

/// A request object (RFC 9101 §5.2.3).
pub(crate) fn request_object(object: String) -> Response {
    let kind = (CONTENT_TYPE, HeaderValue::from_static(object::MEDIA_TYPE));
    ([kind, NO_STORE], object).into_response()
}

/// OpenID4VP §8.2: 200 with a JSON object; where the browser goes on is its only member.
pub(crate) fn continue_at(url: &Url) -> Response {
    json(json!({ "redirect_uri": url.as_str() }).to_string())
}

/// A picture.
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

/// 201, with everything the integrator needs to show the request.
pub(crate) fn created(request: &RequestCreated) -> Response {
    // relative to the request's own path, so that no header decides where it leads
    let place = HeaderValue::try_from(format!("requests/{}", request.id));
    let place = (LOCATION, place.expect("an identifier is hexadecimal digits"));
    (StatusCode::CREATED, [JSON, NO_STORE, place], to_json(request)).into_response()
}

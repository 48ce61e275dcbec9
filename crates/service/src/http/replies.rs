//! What goes back when all is well; nobody may keep any of it.

use axum::{
    body::Body,
    response::{IntoResponse as _, Response},
};
use http::{
    HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName},
};
use serde::Serialize;

/// RFC 9111 §5.2.2.5.
pub const NO_STORE: (HeaderName, HeaderValue) =
    (CACHE_CONTROL, HeaderValue::from_static("no-store"));

/// RFC 8259 §11.
pub const JSON: (HeaderName, HeaderValue) =
    (CONTENT_TYPE, HeaderValue::from_static("application/json"));

/// JSON.
pub fn json(body: impl Into<Body>) -> Response {
    ([JSON, NO_STORE], body.into()).into_response()
}

/// A picture.
pub fn svg(picture: String) -> Response {
    let kind = (CONTENT_TYPE, HeaderValue::from_static("image/svg+xml"));
    ([kind, NO_STORE], picture).into_response()
}

/// Nothing to say.
pub fn no_content() -> Response {
    (StatusCode::NO_CONTENT, [NO_STORE]).into_response()
}

/// Marks a response as one that nobody may keep.
pub fn unstored(mut response: Response) -> Response {
    response.headers_mut().insert(NO_STORE.0, NO_STORE.1);
    response
}

/// A message as JSON text.
pub fn to_json(message: &impl Serialize) -> String {
    serde_json::to_string(message).expect("messages are text, numbers, lists and maps")
}

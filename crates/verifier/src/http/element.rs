//! `GET /lanyard-verify.js`: the `<lanyard-verify>` element, for pages of any origin.

use axum::response::{IntoResponse as _, Response};
use http::{
    HeaderName, HeaderValue,
    header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS},
};

const SCRIPT: &str = include_str!("../../assets/lanyard-verify.js");

const HEADERS: [(HeaderName, HeaderValue); 5] = [
    (CONTENT_TYPE, HeaderValue::from_static("text/javascript; charset=utf-8")),
    (CACHE_CONTROL, HeaderValue::from_static("public, max-age=300")),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    // the same for everybody, with nothing of anybody in it; SRI needs CORS
    (ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("cross-origin"),
    ),
];

pub(crate) async fn script() -> Response {
    (HEADERS, SCRIPT).into_response()
}

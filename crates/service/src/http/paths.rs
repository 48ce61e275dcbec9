//! What a path names.

use axum::extract::{FromRequestParts as _, RawPathParams};
use http::request::Parts;

/// A path parameter after decoding; bytes that are not UTF-8 name nothing.
pub async fn parameter(parts: &mut Parts, name: &str) -> Option<String> {
    let parameters = RawPathParams::from_request_parts(parts, &()).await.ok()?;
    let mut named = parameters.iter().filter(|(found, _)| *found == name);
    named.next().map(|(_, value)| value.to_owned())
}

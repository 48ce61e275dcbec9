//! Request bodies: the right media type, and never more than the limit.

use axum::{
    body::{self, Bytes},
    extract::Request,
};
use http::{
    HeaderMap,
    header::{CONTENT_ENCODING, CONTENT_TYPE},
};

/// Why a body is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyFault {
    /// It has another media type than is expected here, or it is compressed.
    MediaType,
    /// It is larger than is allowed here, or it broke off.
    TooLarge,
}

/// Reads a body of one media type, up to `limit` bytes.
///
/// # Errors
/// [`BodyFault`]; a body that broke off is told as one that is too large.
pub async fn read(request: Request, limit: usize, media_type: &str) -> Result<Bytes, BodyFault> {
    // a compressed body is a way around the limit
    if !is_of(request.headers(), media_type) || request.headers().contains_key(CONTENT_ENCODING) {
        return Err(BodyFault::MediaType);
    }
    body::to_bytes(request.into_body(), limit).await.map_err(|_| BodyFault::TooLarge)
}

/// Whether a message says that it is of this media type.
///
/// RFC 9110 §8.3: without case; a charset may be there if it is the only one that is read.
pub fn is_of(headers: &HeaderMap, media_type: &str) -> bool {
    let mut found = headers.get_all(CONTENT_TYPE).iter();
    let (Some(header), None) = (found.next(), found.next()) else {
        return false;
    };
    let Ok(header) = header.to_str() else {
        return false;
    };
    let mut parts = header.split(';').map(str::trim);
    parts.next().is_some_and(|essence| essence.eq_ignore_ascii_case(media_type))
        && parts.all(|parameter| match parameter.split_once('=') {
            Some((name, value)) if name.eq_ignore_ascii_case("charset") => {
                value.trim_matches('"').eq_ignore_ascii_case("utf-8")
            }
            _ => true,
        })
}

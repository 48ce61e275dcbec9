//! Request bodies: the right media type, and never more than the limit.

use axum::{
    body::{self, Bytes},
    extract::{FromRequest, Request},
    http::{
        HeaderMap,
        header::{CONTENT_ENCODING, CONTENT_TYPE},
    },
};

use super::Failure;
use crate::VerifierService;

/// The form of a wallet that fetches a request object.
pub(crate) struct WalletForm(pub(crate) Bytes);

/// The form of a wallet that responds.
pub(crate) struct ResponseForm(pub(crate) Bytes);

/// The JSON of an integrator.
pub(crate) struct ApiBody(pub(crate) Bytes);

const FORM: &str = "application/x-www-form-urlencoded";

impl FromRequest<VerifierService> for WalletForm {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &VerifierService) -> Result<Self, Failure> {
        read(request, 64 << 10, FORM).await.map(Self)
    }
}

impl FromRequest<VerifierService> for ResponseForm {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &VerifierService) -> Result<Self, Failure> {
        read(request, 2 << 20, FORM).await.map(Self)
    }
}

impl FromRequest<VerifierService> for ApiBody {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &VerifierService) -> Result<Self, Failure> {
        read(request, 1 << 20, "application/json").await.map(Self)
    }
}

async fn read(request: Request, limit: usize, media_type: &'static str) -> Result<Bytes, Failure> {
    // a compressed body is a way around the limit
    if !is_of(request.headers(), media_type) || request.headers().contains_key(CONTENT_ENCODING) {
        return Err(Failure::MediaType(media_type));
    }
    body::to_bytes(request.into_body(), limit).await.map_err(|_| Failure::TooLarge)
}

/// RFC 9110 §8.3: without case; a charset may be there if it is the only one that is read.
fn is_of(headers: &HeaderMap, media_type: &str) -> bool {
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

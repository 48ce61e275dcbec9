//! Request bodies: the right media type, and never more than the limit.

use axum::{
    body,
    extract::{FromRequest, Request},
    http::{
        HeaderMap,
        header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE},
    },
};
use bytes::Bytes;
use lanyard_oid4vci::{
    encryption::{self, RequestBody},
    token::TokenError,
};

use super::Failure;
use crate::IssuerService;

/// The form of a token request.
pub(crate) struct TokenForm(pub(crate) Bytes);

/// A credential request: JSON, or a JWE of it.
pub(crate) struct CredentialBody {
    bytes: Bytes,
    encrypted: bool,
}

impl CredentialBody {
    pub(crate) fn as_request(&self) -> RequestBody<'_> {
        if self.encrypted {
            RequestBody::Encrypted(&self.bytes)
        } else {
            RequestBody::Plain(&self.bytes)
        }
    }
}

/// The JSON of a notification.
pub(crate) struct NotificationBody(pub(crate) Bytes);

/// The JSON of an integrator.
pub(crate) struct ApiBody(pub(crate) Bytes);

/// No body at all.
pub(crate) struct Nothing;

impl FromRequest<IssuerService> for TokenForm {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &IssuerService) -> Result<Self, Failure> {
        // RFC 6749 §5.2: whoever tries to authenticate by header is told that this is not offered
        if request.headers().contains_key(AUTHORIZATION) {
            return Err(TokenError::ClientAuthenticationUnsupported.into());
        }
        let form = "application/x-www-form-urlencoded";
        read(request, 64 * 1024, form, "invalid_request").await.map(Self)
    }
}

impl FromRequest<IssuerService> for CredentialBody {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &IssuerService) -> Result<Self, Failure> {
        // OID4VCI §10: an encrypted request says so by its media type
        let encrypted = is_of(request.headers(), encryption::MEDIA_TYPE);
        let kind = if encrypted { encryption::MEDIA_TYPE } else { "application/json" };
        let bytes = read(request, 1024 * 1024, kind, "invalid_credential_request").await?;
        Ok(Self { bytes, encrypted })
    }
}

impl FromRequest<IssuerService> for NotificationBody {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &IssuerService) -> Result<Self, Failure> {
        let (json, code) = ("application/json", "invalid_notification_request");
        read(request, 16 * 1024, json, code).await.map(Self)
    }
}

impl FromRequest<IssuerService> for ApiBody {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &IssuerService) -> Result<Self, Failure> {
        read(request, 1024 * 1024, "application/json", "invalid_request").await.map(Self)
    }
}

impl FromRequest<IssuerService> for Nothing {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &IssuerService) -> Result<Self, Failure> {
        let read = body::to_bytes(request.into_body(), 0).await;
        read.map(|_| Self).map_err(|_| Failure::TooLarge("invalid_request"))
    }
}

async fn read(
    request: Request,
    limit: usize,
    media_type: &'static str,
    code: &'static str,
) -> Result<Bytes, Failure> {
    // a compressed body is a way around the limit
    if !is_of(request.headers(), media_type) || request.headers().contains_key(CONTENT_ENCODING) {
        return Err(Failure::MediaType { code, expected: media_type });
    }
    body::to_bytes(request.into_body(), limit).await.map_err(|_| Failure::TooLarge(code))
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

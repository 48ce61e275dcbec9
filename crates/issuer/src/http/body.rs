//! Request bodies: the right media type, and never more than the limit.

use axum::{
    extract::{FromRequest, Request},
    http::header::AUTHORIZATION,
};
use bytes::Bytes;
use lanyard_oid4vci::{
    encryption::{self, RequestBody},
    token::TokenError,
};
use lanyard_service::http::body::{self, BodyFault};

use super::Failure;
use crate::IssuerService;

/// The largest credential request: a batch of presentations as proofs fits.
pub(crate) const LARGEST_CREDENTIAL_REQUEST: usize = 1024 * 1024;

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
        // OID4VCI 1.0 §10: an encrypted request says so by its media type
        let encrypted = body::is_of(request.headers(), encryption::MEDIA_TYPE);
        let kind = if encrypted { encryption::MEDIA_TYPE } else { "application/json" };
        let limit = LARGEST_CREDENTIAL_REQUEST;
        let bytes = read(request, limit, kind, "invalid_credential_request").await?;
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
        let read = axum::body::to_bytes(request.into_body(), 0).await;
        read.map(|_| Self).map_err(|_| Failure::TooLarge("invalid_request"))
    }
}

async fn read(
    request: Request,
    limit: usize,
    media_type: &'static str,
    code: &'static str,
) -> Result<Bytes, Failure> {
    body::read(request, limit, media_type).await.map_err(|fault| match fault {
        BodyFault::MediaType => Failure::MediaType { code, expected: media_type },
        BodyFault::TooLarge => Failure::TooLarge(code),
    })
}

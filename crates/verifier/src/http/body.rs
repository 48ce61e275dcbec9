//! Request bodies: the right media type, and never more than the limit.

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
};
use lanyard_service::http::body::{self, BodyFault};

use super::Failure;
use crate::VerifierService;

/// The form of a wallet that fetches a request object.
pub(crate) struct WalletForm(pub(crate) Bytes);

/// The form of a wallet that responds.
pub(crate) struct ResponseForm(pub(crate) Bytes);

/// The JSON of a page in a browser.
pub(crate) struct PageBody(pub(crate) Bytes);

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

impl FromRequest<VerifierService> for PageBody {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &VerifierService) -> Result<Self, Failure> {
        read(request, 2 << 20, "application/json").await.map(Self)
    }
}

impl FromRequest<VerifierService> for ApiBody {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &VerifierService) -> Result<Self, Failure> {
        read(request, 2 << 20, "application/json").await.map(Self)
    }
}

async fn read(request: Request, limit: usize, media_type: &'static str) -> Result<Bytes, Failure> {
    body::read(request, limit, media_type).await.map_err(|fault| match fault {
        BodyFault::MediaType => Failure::MediaType(media_type),
        BodyFault::TooLarge => Failure::TooLarge,
    })
}

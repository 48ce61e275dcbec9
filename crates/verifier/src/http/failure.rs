//! What goes back when a request is refused: the status, the code of the specification, and for
//! integrators a sentence of ours.

use std::time::Duration;

use axum::{
    http::{HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use lanyard_oid4vp::ErrorCode;
use lanyard_service::{
    http::{
        authorization::AuthorizationFault,
        refusal::{NOTHING_HERE, Refusal},
    },
    once::OnceFault,
};
use lanyard_store::StoreError;
use thiserror::Error;

use crate::{VerifierError, fetch::WalletPostFault};

/// Everything that a request can be refused for.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    #[error("{NOTHING_HERE}")]
    NotFound,
    /// A page that the verifier does not know; it cannot read this either.
    #[error("pages of this origin may not ask")]
    Origin,
    #[error("the body is larger than is allowed here")]
    TooLarge,
    #[error("the body must be {0}")]
    MediaType(&'static str),
    #[error("the body cannot be read: {0}")]
    Json(String),
    #[error("{0}")]
    Bearer(#[from] AuthorizationFault),
    #[error("{0}")]
    WalletPost(#[from] WalletPostFault),
    /// Why is for the trail; the wallet is told the code alone.
    #[error("the response is refused")]
    Response(ErrorCode),
    #[error("{0}")]
    Once(#[from] OnceFault),
    #[error("{0}")]
    Verifier(#[from] VerifierError),
}

impl Failure {
    fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Origin => StatusCode::FORBIDDEN,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::MediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Bearer(fault) => fault.status(),
            Self::Once(fault) => fault.status(),
            // OID4VP 1.0 §8.2: whatever is wrong with a response, at once
            Self::Json(_) | Self::WalletPost(_) | Self::Response(_) => StatusCode::BAD_REQUEST,
            Self::Verifier(error) => match error {
                VerifierError::UnknownTenant | VerifierError::UnknownRequest => {
                    StatusCode::NOT_FOUND
                }
                VerifierError::Fault(_) | VerifierError::WalletCannot(_) => StatusCode::BAD_REQUEST,
                VerifierError::NotWaiting
                | VerifierError::NoVerdict
                | VerifierError::NotRecorded
                | VerifierError::Store(StoreError::CallAnswered)
                | VerifierError::LinkTooLong => StatusCode::CONFLICT,
                VerifierError::Contended | VerifierError::Signing(_) | VerifierError::Key(_) => {
                    StatusCode::SERVICE_UNAVAILABLE
                }
                VerifierError::Store(error) if error.retry_after().is_some() => {
                    StatusCode::SERVICE_UNAVAILABLE
                }
                VerifierError::Store(_) | VerifierError::Unreadable => {
                    StatusCode::INTERNAL_SERVER_ERROR
                }
            },
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Bearer(fault) => fault.code(),
            Self::Once(fault) => fault.code(),
            Self::TooLarge | Self::MediaType(_) | Self::Json(_) => "invalid_request",
            Self::WalletPost(_) => ErrorCode::InvalidRequest.as_str(),
            Self::Response(code) => code.as_str(),
            Self::NotFound => "not_found",
            Self::Origin => "origin_not_allowed",
            Self::Verifier(VerifierError::WalletCannot(cannot)) => cannot.code().as_str(),
            Self::Verifier(error) => match self.status() {
                StatusCode::SERVICE_UNAVAILABLE => "temporarily_unavailable",
                StatusCode::INTERNAL_SERVER_ERROR => "server_error",
                _ => error.code(),
            },
        }
    }

    fn challenge(&self) -> Option<HeaderValue> {
        let Self::Bearer(fault) = self else { return None };
        Some(fault.challenge())
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Verifier(VerifierError::Store(error)) => error.retry_after(),
            Self::Once(fault) => fault.retry_after(),
            Self::Verifier(
                VerifierError::Contended | VerifierError::Signing(_) | VerifierError::Key(_),
            ) => Some(Duration::from_secs(1)),
            _ => None,
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let refusal = Refusal {
            challenge: self.challenge(),
            retry_after: self.retry_after(),
            ..Refusal::new(self.status(), self.code(), &self)
        };
        refusal.into_response()
    }
}

//! What goes back when a request is refused: the status, the code of the specification, and for
//! integrators a sentence of ours.

use axum::{
    http::{
        HeaderValue, StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
    },
    response::{IntoResponse, Response},
};
use lanyard_oid4vp::ErrorCode;
use lanyard_service::{
    http::authorization::{self, AuthorizationFault},
    once::OnceFault,
};
use lanyard_store::StoreError;
use serde_json::json;
use thiserror::Error;

use super::BearerFault;
use crate::{VerifierError, fetch::WalletPostFault};

/// Everything that a request can be refused for.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    #[error("there is nothing here")]
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
    Bearer(#[from] BearerFault),
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
            // RFC 6750 §3.1
            Self::Bearer(
                BearerFault::Header(AuthorizationFault::Missing) | BearerFault::Invalid,
            ) => StatusCode::UNAUTHORIZED,
            Self::Bearer(BearerFault::Scope(_)) => StatusCode::FORBIDDEN,
            Self::Once(fault) => fault.status(),
            // OID4VP 1.0 §8.2: whatever is wrong with a response, at once
            Self::Json(_) | Self::Bearer(_) | Self::WalletPost(_) | Self::Response(_) => {
                StatusCode::BAD_REQUEST
            }
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
            Self::Bearer(
                BearerFault::Header(AuthorizationFault::Missing) | BearerFault::Invalid,
            ) => "invalid_token",
            Self::Bearer(BearerFault::Scope(_)) => "insufficient_scope",
            Self::Once(fault) => fault.code(),
            Self::TooLarge | Self::MediaType(_) | Self::Json(_) | Self::Bearer(_) => {
                "invalid_request"
            }
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

    /// For the peer: what is wrong with this server is not told.
    fn description(&self) -> String {
        match self.status() {
            StatusCode::NOT_FOUND => Self::NotFound.to_string(),
            StatusCode::INTERNAL_SERVER_ERROR => "the server failed".to_owned(),
            StatusCode::SERVICE_UNAVAILABLE => "the server cannot do this now".to_owned(),
            _ => self.to_string(),
        }
    }

    /// RFC 6750 §3: the challenge, with the error unless the caller tried nothing.
    fn challenge(&self) -> Option<HeaderValue> {
        let Self::Bearer(fault) = self else { return None };
        Some(HeaderValue::from_static(match fault {
            BearerFault::Header(AuthorizationFault::Missing) => "Bearer",
            BearerFault::Invalid => r#"Bearer error="invalid_token""#,
            BearerFault::Header(_) => r#"Bearer error="invalid_request""#,
            BearerFault::Scope(scope) => return Some(authorization::challenge_scope(*scope)),
        }))
    }

    fn retry_after(&self) -> Option<HeaderValue> {
        let seconds = match self {
            Self::Verifier(VerifierError::Store(error)) | Self::Once(OnceFault::Store(error)) => {
                error.retry_after()?.as_secs().max(1)
            }
            Self::Verifier(
                VerifierError::Contended | VerifierError::Signing(_) | VerifierError::Key(_),
            ) => 1,
            _ => return None,
        };
        Some(HeaderValue::from(seconds))
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = self.status();
        if status.is_server_error() {
            tracing::error!(cause = %self, "request failed");
        }
        let body = json!({ "error": self.code(), "error_description": self.description() });
        let mut response = (status, body.to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(challenge) = self.challenge() {
            headers.insert(WWW_AUTHENTICATE, challenge);
        }
        if let Some(retry_after) = self.retry_after() {
            headers.insert(RETRY_AFTER, retry_after);
        }
        response
    }
}

//! What goes back when a request is refused: the status, the code of the specification, and a sentence
//! of ours.

use axum::{
    http::{
        HeaderValue, StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
    },
    response::{IntoResponse, Response},
};
use lanyard_core::crypto::SignatureAlgorithm;
use lanyard_oid4vci::{
    authorization::AuthorizationError, credential::CredentialError, description::ErrorBody,
    notification::NotificationError, token::TokenError,
};
use lanyard_service::{
    http::authorization::{self, AuthorizationFault},
    once::OnceFault,
};
use lanyard_store::StoreError;
use thiserror::Error;

use super::{
    At, BearerFault,
    client::{CHALLENGE, RefusedClient, challenge_value},
    dpop::{DPOP_NONCE, RefusedProof, header_value},
    replies,
};
use crate::{
    DecisionRequestFault, IssuerError, LifecycleFault, OfferRequestFault, StatusRequestFault,
};

/// Everything that a request can be refused for.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    #[error("there is nothing here")]
    NotFound,
    #[error("the body is larger than is allowed here")]
    TooLarge(&'static str),
    #[error("the body must be {expected}")]
    MediaType { code: &'static str, expected: &'static str },
    #[error("{0}")]
    Bearer(#[from] BearerFault),
    #[error("{}", .0.error)]
    Proof(Box<RefusedProof>),
    #[error("{}", .0.error)]
    Client(Box<RefusedClient>),
    #[error("{0}")]
    Authorization(#[from] AuthorizationError),
    #[error("{0}")]
    Token(#[from] TokenError),
    #[error("{0}")]
    Credential(CredentialError),
    #[error("{0}")]
    Notification(NotificationError),
    #[error("{0}")]
    OfferRequest(#[from] OfferRequestFault),
    #[error("{0}")]
    DecisionRequest(#[from] DecisionRequestFault),
    #[error("{0}")]
    StatusRequest(#[from] StatusRequestFault),
    #[error("the link is too long for a QR code; make the offer by reference")]
    LinkTooLong,
    #[error("{0}")]
    Lifecycle(#[from] LifecycleFault),
    #[error("{0}")]
    Once(#[from] OnceFault),
    #[error("{0}")]
    Issuer(#[from] IssuerError),
}

impl Failure {
    fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::MediaType { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            // RFC 6750 §3.1
            Self::Bearer(
                BearerFault::Header(AuthorizationFault::Missing)
                | BearerFault::MissingForKey
                | BearerFault::Invalid
                | BearerFault::InvalidForKey,
            ) => StatusCode::UNAUTHORIZED,
            Self::Bearer(BearerFault::Scope(_)) => StatusCode::FORBIDDEN,
            Self::Bearer(_) => StatusCode::BAD_REQUEST,
            // RFC 9449 §9
            Self::Proof(refused) if refused.at == At::Resource => StatusCode::UNAUTHORIZED,
            // RFC 6749 §5.2
            Self::Token(TokenError::ClientAuthenticationUnsupported) => StatusCode::UNAUTHORIZED,
            Self::Client(refused) if refused.error.code() == "invalid_client" => {
                StatusCode::UNAUTHORIZED
            }
            Self::Credential(
                CredentialError::SigningKeyUnavailable | CredentialError::StatusUnavailable,
            ) => StatusCode::SERVICE_UNAVAILABLE,
            // OID4VCI 1.0 §6.3, §8.3.1.2
            Self::Proof(_)
            | Self::Client(_)
            | Self::Authorization(_)
            | Self::Token(_)
            | Self::Credential(_)
            | Self::Notification(_)
            | Self::OfferRequest(_)
            | Self::DecisionRequest(_)
            | Self::StatusRequest(_)
            | Self::Lifecycle(_) => StatusCode::BAD_REQUEST,
            Self::LinkTooLong => StatusCode::CONFLICT,
            Self::Once(fault) => fault.status(),
            Self::Issuer(error) => match error {
                IssuerError::UnknownTenant
                | IssuerError::UnknownOffer
                | IssuerError::UnknownCredential => StatusCode::NOT_FOUND,
                IssuerError::Refused(_) => StatusCode::UNPROCESSABLE_ENTITY,
                IssuerError::AlreadyIssued
                | IssuerError::Store(StoreError::CallAnswered)
                | IssuerError::NotWaiting
                | IssuerError::NotSuspendable
                | IssuerError::RevokedForGood => StatusCode::CONFLICT,
                IssuerError::Contended
                | IssuerError::DirectoryUnavailable
                | IssuerError::AuthorizationServerUnavailable
                | IssuerError::SigningKeyUnavailable
                | IssuerError::StatusUnavailable => StatusCode::SERVICE_UNAVAILABLE,
                IssuerError::Store(error) if error.retry_after().is_some() => {
                    StatusCode::SERVICE_UNAVAILABLE
                }
                IssuerError::Store(_) | IssuerError::Unreadable => {
                    StatusCode::INTERNAL_SERVER_ERROR
                }
            },
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::TooLarge(code) | Self::MediaType { code, .. } => code,
            Self::Bearer(
                BearerFault::Header(AuthorizationFault::Missing)
                | BearerFault::MissingForKey
                | BearerFault::Invalid
                | BearerFault::InvalidForKey,
            ) => "invalid_token",
            Self::Bearer(BearerFault::Scope(_)) => "insufficient_scope",
            Self::Once(fault) => fault.code(),
            Self::Bearer(_)
            | Self::OfferRequest(_)
            | Self::DecisionRequest(_)
            | Self::StatusRequest(_)
            | Self::Lifecycle(_) => "invalid_request",
            Self::Notification(error) => error.code(),
            Self::Proof(refused) => refused.error.code(),
            Self::Client(refused) => refused.error.code(),
            Self::Authorization(error) => error.code(),
            Self::Token(error) => error.code(),
            Self::Credential(error) => error.code(),
            Self::LinkTooLong => "link_too_long",
            Self::Issuer(
                IssuerError::Contended
                | IssuerError::DirectoryUnavailable
                | IssuerError::AuthorizationServerUnavailable
                | IssuerError::SigningKeyUnavailable
                | IssuerError::StatusUnavailable,
            ) => "temporarily_unavailable",
            Self::Issuer(IssuerError::Store(error)) if error.retry_after().is_some() => {
                "temporarily_unavailable"
            }
            Self::Issuer(IssuerError::Store(_) | IssuerError::Unreadable) => "server_error",
            Self::Issuer(error) => error.code(),
        }
    }

    /// For the peer: what is wrong with this server is not told.
    fn description(&self) -> String {
        match self.status() {
            StatusCode::NOT_FOUND => Self::NotFound.to_string(),
            StatusCode::INTERNAL_SERVER_ERROR => "the server failed".to_owned(),
            StatusCode::SERVICE_UNAVAILABLE => "the server cannot do this now".to_owned(),
            _ => printable(&self.to_string()),
        }
    }

    /// RFC 6750 §3: the challenge, with the error unless the caller tried nothing.
    fn challenge(&self) -> Option<HeaderValue> {
        match self {
            Self::Bearer(BearerFault::Header(AuthorizationFault::Missing)) => {
                Some(HeaderValue::from_static("Bearer"))
            }
            Self::Bearer(BearerFault::Invalid) => {
                Some(HeaderValue::from_static(r#"Bearer error="invalid_token""#))
            }
            // RFC 9449 §7.1, §9
            Self::Bearer(BearerFault::InvalidForKey) => Some(dpop_challenge(Some("invalid_token"))),
            Self::Bearer(BearerFault::MissingForKey) => Some(dpop_challenge(None)),
            Self::Bearer(BearerFault::Scope(scope)) => Some(authorization::challenge_scope(*scope)),
            Self::Bearer(_) => Some(HeaderValue::from_static(r#"Bearer error="invalid_request""#)),
            Self::Proof(refused) if refused.at == At::Resource => {
                Some(dpop_challenge(Some(refused.error.code())))
            }
            // RFC 9110 §15.5.2: a 401 has a challenge, although no scheme would help here
            Self::Token(TokenError::ClientAuthenticationUnsupported) => {
                Some(HeaderValue::from_static("none"))
            }
            Self::Client(refused) if refused.error.code() == "invalid_client" => {
                Some(HeaderValue::from_static("none"))
            }
            _ => None,
        }
    }

    fn retry_after(&self) -> Option<HeaderValue> {
        let seconds = match self {
            Self::Issuer(IssuerError::Store(error)) | Self::Once(OnceFault::Store(error)) => {
                error.retry_after()?.as_secs().max(1)
            }
            Self::Issuer(
                IssuerError::Contended
                | IssuerError::SigningKeyUnavailable
                | IssuerError::StatusUnavailable,
            )
            | Self::Credential(
                CredentialError::SigningKeyUnavailable | CredentialError::StatusUnavailable,
            ) => 1,
            // somebody else's system is given time to come back
            Self::Issuer(
                IssuerError::DirectoryUnavailable | IssuerError::AuthorizationServerUnavailable,
            ) => 5,
            _ => return None,
        };
        Some(HeaderValue::from(seconds))
    }
}

/// RFC 9449 §7.1: the challenge, with the error unless the caller tried nothing.
fn dpop_challenge(error: Option<&str>) -> HeaderValue {
    let algorithms: Vec<_> = SignatureAlgorithm::OPENID4VC.iter().map(|one| one.name()).collect();
    let error = error.map(|error| format!(r#"error="{error}", "#)).unwrap_or_default();
    let text = format!(r#"DPoP {error}algs="{}""#, algorithms.join(" "));
    HeaderValue::try_from(text).expect("an error code is visible ASCII")
}

impl From<lanyard_store::StoreError> for Failure {
    fn from(error: lanyard_store::StoreError) -> Self {
        Self::Issuer(error.into())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = self.status();
        if status.is_server_error() {
            tracing::error!(cause = %self, "request failed");
        }
        let body = ErrorBody {
            error: self.code().to_owned(),
            error_description: Some(self.description()),
        };
        let nonce = match &self {
            Self::Proof(refused) => Some((DPOP_NONCE, header_value(&refused.nonce))),
            Self::Client(refused) => {
                refused.challenge.as_ref().map(|fresh| (CHALLENGE, challenge_value(fresh)))
            }
            _ => None,
        };
        let mut response = (status, replies::to_json(&body)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some((name, value)) = nonce {
            headers.insert(name, value);
        }
        if let Some(challenge) = self.challenge() {
            headers.insert(WWW_AUTHENTICATE, challenge);
        }
        if let Some(retry_after) = self.retry_after() {
            headers.insert(RETRY_AFTER, retry_after);
        }
        response
    }
}

/// OID4VCI 1.0 §8.3.1.2, RFC 6749 §5.2: only %x20-21, %x23-5B and %x5D-7E.
fn printable(text: &str) -> String {
    let allowed =
        |character: &char| matches!(character, ' '..='~') && !matches!(character, '"' | '\\');
    text.chars().filter(allowed).collect()
}

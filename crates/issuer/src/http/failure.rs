//! What goes back when a request is refused: the status, the code of the specification, and a sentence
//! of ours.

use std::time::Duration;

use axum::{
    http::{HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use lanyard_core::crypto::SignatureAlgorithm;
use lanyard_oid4vci::{
    authorization::AuthorizationError, credential::CredentialError,
    notification::NotificationError, token::TokenError,
};
use lanyard_service::{
    http::{
        authorization,
        refusal::{NOTHING_HERE, Refusal},
    },
    once::OnceFault,
};
use lanyard_store::StoreError;
use thiserror::Error;

use super::{
    At, BearerFault,
    client::{CHALLENGE, RefusedClient, challenge_value},
    dpop::{DPOP_NONCE, RefusedProof, header_value},
};
use crate::{
    DecisionRequestFault, IssuerError, LifecycleFault, OfferRequestFault, StatusRequestFault,
};

/// Everything that a request can be refused for.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    #[error("{NOTHING_HERE}")]
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
            Self::Bearer(BearerFault::Header(fault)) => fault.status(),
            Self::Bearer(_) => StatusCode::UNAUTHORIZED,
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
            Self::Bearer(BearerFault::Header(fault)) => fault.code(),
            Self::Bearer(_) => "invalid_token",
            Self::Once(fault) => fault.code(),
            Self::OfferRequest(_)
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

    /// RFC 6750 §3: the challenge, with the error unless the caller tried nothing.
    fn challenge(&self) -> Option<HeaderValue> {
        match self {
            Self::Bearer(BearerFault::Header(fault)) => Some(fault.challenge()),
            Self::Bearer(BearerFault::Invalid) => Some(authorization::CHALLENGE_INVALID),
            // RFC 9449 §7.1, §9
            Self::Bearer(BearerFault::InvalidForKey) => Some(dpop_challenge(Some("invalid_token"))),
            Self::Bearer(BearerFault::MissingForKey) => Some(dpop_challenge(None)),
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

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Issuer(IssuerError::Store(error)) => error.retry_after(),
            Self::Once(fault) => fault.retry_after(),
            Self::Issuer(
                IssuerError::Contended
                | IssuerError::SigningKeyUnavailable
                | IssuerError::StatusUnavailable,
            )
            | Self::Credential(
                CredentialError::SigningKeyUnavailable | CredentialError::StatusUnavailable,
            ) => Some(Duration::from_secs(1)),
            // somebody else's system is given time to come back
            Self::Issuer(
                IssuerError::DirectoryUnavailable | IssuerError::AuthorizationServerUnavailable,
            ) => Some(Duration::from_secs(5)),
            _ => None,
        }
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
        let nonce = match &self {
            Self::Proof(refused) => Some((DPOP_NONCE, header_value(&refused.nonce))),
            Self::Client(refused) => {
                refused.challenge.as_ref().map(|fresh| (CHALLENGE, challenge_value(fresh)))
            }
            _ => None,
        };
        let why = printable(&self.to_string());
        let refusal = Refusal {
            challenge: self.challenge(),
            retry_after: self.retry_after(),
            ..Refusal::new(self.status(), self.code(), &why)
        };
        let mut response = refusal.into_response();
        if let Some((name, value)) = nonce {
            response.headers_mut().insert(name, value);
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

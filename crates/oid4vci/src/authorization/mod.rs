//! The authorization request and response (OID4VCI 1.0 §5, RFC 6749 §4.1, RFC 7636, RFC 9126, RFC 9207).

mod error;
mod request;
mod response;

pub use error::AuthorizationError;
pub use lanyard_core::pkce::{CodeChallenge, CodeVerifier};
pub(crate) use request::NewAuthorizationRequest;
pub use request::{AuthorizationForm, AuthorizationRequest, PushedResponse, WantedCredential};
pub use response::{AnswerRefused, AuthorizationAnswer, answer_url};

//! The Authorization header: one scheme, one token.

use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
use thiserror::Error;

use crate::Scope;

/// How a token is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// RFC 6750 §2.1.
    Bearer,
    /// RFC 9449 §7.1.
    Dpop,
}

/// Why no token can be read.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum AuthorizationFault {
    /// No header, or one of a scheme that is not read here.
    #[error("an Authorization header with a Bearer token is needed")]
    Missing,
    /// RFC 9110 §5.3: Authorization is not a list.
    #[error("the request has more than one Authorization header")]
    Repeated,
    /// No `b64token` (RFC 6750 §2.1).
    #[error("the Authorization header is malformed")]
    Malformed,
}

/// RFC 6750 §3.1: the challenge of a token that is good for less than is asked; it names the scope.
pub fn challenge_scope(needed: Scope) -> HeaderValue {
    let text = format!(r#"Bearer error="insufficient_scope", scope="{needed}""#);
    HeaderValue::try_from(text).expect("the name of a scope is visible ASCII")
}

/// Reads the token of a request, and by which scheme it was sent.
///
/// # Errors
/// [`AuthorizationFault`], if there is not exactly one well-formed token.
pub fn token(headers: &HeaderMap) -> Result<(Scheme, &str), AuthorizationFault> {
    let mut headers = headers.get_all(AUTHORIZATION).iter();
    let header = headers.next().ok_or(AuthorizationFault::Missing)?;
    if headers.next().is_some() {
        return Err(AuthorizationFault::Repeated);
    }
    let header = header.to_str().map_err(|_| AuthorizationFault::Malformed)?;
    let (scheme, token) = header.split_once(' ').ok_or(AuthorizationFault::Malformed)?;
    // RFC 9110 §11.1: the scheme is compared without case
    let scheme = match scheme {
        _ if scheme.eq_ignore_ascii_case("bearer") => Scheme::Bearer,
        _ if scheme.eq_ignore_ascii_case("dpop") => Scheme::Dpop,
        _ => return Err(AuthorizationFault::Missing),
    };
    // RFC 6750 §2.1: b64token
    let token = token.trim_matches(' ');
    let in_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    if token.is_empty() || !token.bytes().all(in_token) {
        return Err(AuthorizationFault::Malformed);
    }
    Ok((scheme, token))
}

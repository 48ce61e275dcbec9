//! The Authorization header: one scheme, one token, and no token anywhere else.

use http::{HeaderMap, HeaderValue, StatusCode, Uri, header::AUTHORIZATION};
use thiserror::Error;
use url::form_urlencoded;

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
    /// RFC 6750 §2.3, RFC 9700 §4.3.2: tokens in URLs end up in logs.
    #[error("a token in the query is not taken; send it in the Authorization header")]
    InQuery,
}

impl AuthorizationFault {
    /// RFC 6750 §3.1: the status.
    pub const fn status(self) -> StatusCode {
        match self {
            Self::Missing => StatusCode::UNAUTHORIZED,
            Self::Repeated | Self::Malformed | Self::InQuery => StatusCode::BAD_REQUEST,
        }
    }

    /// RFC 6750 §3.1: the code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Missing => "invalid_token",
            Self::Repeated | Self::Malformed | Self::InQuery => "invalid_request",
        }
    }

    /// RFC 6750 §3: the challenge, with the error unless the caller tried nothing.
    pub const fn challenge(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Missing => "Bearer",
            Self::Repeated | Self::Malformed | Self::InQuery => r#"Bearer error="invalid_request""#,
        })
    }
}

/// RFC 6750 §3.1: the challenge of a token that leads to nothing.
pub const CHALLENGE_INVALID: HeaderValue =
    HeaderValue::from_static(r#"Bearer error="invalid_token""#);

/// RFC 6750 §3.1: the challenge of a token that is good for less than is asked; it names the scope.
pub fn challenge_scope(needed: Scope) -> HeaderValue {
    let text = format!(r#"Bearer error="insufficient_scope", scope="{needed}""#);
    HeaderValue::try_from(text).expect("the name of a scope is visible ASCII")
}

/// RFC 6750 §2.1, and nothing but it.
///
/// # Errors
/// [`AuthorizationFault`], as [`token`] has them; a token of another scheme is missing.
pub fn bearer<'h>(uri: &Uri, headers: &'h HeaderMap) -> Result<&'h str, AuthorizationFault> {
    match token(uri, headers)? {
        (Scheme::Bearer, token) => Ok(token),
        (Scheme::Dpop, _) => Err(AuthorizationFault::Missing),
    }
}

/// Reads the token of a request, and by which scheme it was sent (RFC 6750 §2.1, RFC 9449 §7.1).
///
/// # Errors
/// [`AuthorizationFault`], if there is not exactly one well-formed token in the header, or one in the query.
pub fn token<'h>(
    uri: &Uri,
    headers: &'h HeaderMap,
) -> Result<(Scheme, &'h str), AuthorizationFault> {
    let query = uri.query().unwrap_or_default().as_bytes();
    if form_urlencoded::parse(query).any(|(name, _)| name == "access_token") {
        return Err(AuthorizationFault::InQuery);
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_in_the_query_is_refused_however_it_is_spelled_there() {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer abc"));
        let read = |uri: &'static str| bearer(&Uri::from_static(uri), &headers).map(str::to_owned);
        assert_eq!(read("/api/demo/messages?state=dead").as_deref(), Ok("abc"));
        for query in
            ["?access_token=abc", "?access_token", "?a=b&access%5Ftoken=", "?access_token=a&b"]
        {
            let uri: Uri = format!("/api/demo/messages{query}").parse().unwrap();
            assert_eq!(bearer(&uri, &headers), Err(AuthorizationFault::InQuery), "{query}");
        }
    }
}

//! Clients that an operator registered.

use std::fmt;

use lanyard_core::jose::Jwk;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use url::{Host, Url};

/// The name of a client (RFC 6749 §2.2), compared byte by byte.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClientId(String);

/// A client that an operator registered.
#[derive(Clone, Debug)]
pub struct RegisteredClient {
    /// Its name.
    pub id: ClientId,
    /// Where its users may be sent back to; not empty for the authorization code flow.
    pub redirect_uris: Vec<RedirectUri>,
    /// How it authenticates.
    pub method: ClientMethod,
}

/// How a registered client authenticates.
#[derive(Clone, Debug)]
pub enum ClientMethod {
    /// Not at all; it can keep no secret.
    Public,
    /// `private_key_jwt`, with one of these keys.
    PrivateKey(Vec<Jwk>),
    /// `attest_jwt_client_auth`, by an attester that the issuer trusts.
    Attested,
}

/// Where users are sent back to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedirectUri {
    text: String,
    /// RFC 8252 §7.3: on a loopback address any port is the same.
    loopback: Option<Url>,
}

/// Why a text is no redirect URI.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum RedirectUriError {
    /// Not an absolute URL.
    #[error("a redirect URI is an absolute URL")]
    NotAUrl,
    /// It has a fragment.
    #[error("a redirect URI has no fragment")]
    Fragment,
    /// Neither https, nor http on a loopback address, nor a scheme of the app's own.
    #[error("a redirect URI is https, http on a loopback address, or of a scheme with a dot in it")]
    Scheme,
}

impl ClientId {
    /// Takes the name as it is.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name's bytes.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl RedirectUri {
    /// Reads a redirect URI as it is registered.
    ///
    /// # Errors
    /// One [`RedirectUriError`] per rule.
    pub fn parse(text: &str) -> Result<Self, RedirectUriError> {
        let url = Url::parse(text).map_err(|_| RedirectUriError::NotAUrl)?;
        // RFC 6749 §3.1.2: absolute, and without a fragment
        if url.fragment().is_some() {
            return Err(RedirectUriError::Fragment);
        }
        let loopback = is_loopback(&url);
        // RFC 8252 §7.1: a scheme of one's own is a domain name in reverse
        let own = url.scheme().contains('.');
        if url.scheme() != "https" && !own && !(url.scheme() == "http" && loopback) {
            return Err(RedirectUriError::Scheme);
        }
        let loopback = (loopback && url.scheme() == "http").then_some(url);
        Ok(Self { text: text.to_owned(), loopback })
    }

    /// Whether a request may name this place.
    pub fn takes(&self, asked: &str) -> bool {
        // RFC 9700 §4.1.3: exactly the registered one, query included
        if asked == self.text {
            return true;
        }
        // RFC 8252 §7.3: the one exception is the port of a loopback address
        let (Some(own), Ok(mut asked)) = (&self.loopback, Url::parse(asked)) else { return false };
        asked.set_port(own.port()).is_ok() && asked == *own
    }

    /// The text as it was registered.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

//! Names that are compared byte by byte.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use thiserror::Error;
use url::{Host, Url};

/// A credential issuer identifier, or an authorization server's issuer (OID4VCI 1.0 §12.2.1, RFC 8414 §2).
///
/// Two identifiers are equal when their bytes are: nothing is normalised, a trailing slash counts.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IssuerUrl(String);

/// Which transport an identifier or endpoint may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// `https` alone.
    Https,
    /// `http` on a loopback address too: development and demonstrations.
    DevelopmentLoopback,
}

/// Why a text is not an issuer identifier.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum IssuerUrlError {
    /// Not an absolute URL in its usual spelling.
    #[error("the identifier is not an absolute URL in its usual spelling")]
    NotAUrl,
    /// Neither https, nor http on a loopback address where development allows that.
    #[error("the identifier is not an https URL")]
    NotHttps,
    /// It has a query, a fragment, a user name or a password.
    #[error("the identifier has a query, a fragment or a user in it")]
    ExtraPart,
}

/// A document whose place is found by insertion between host and path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WellKnown {
    /// Credential issuer metadata (OID4VCI 1.0 §12.2.2).
    CredentialIssuer,
    /// Authorization server metadata (RFC 8414 §3.1).
    AuthorizationServer,
}

impl WellKnown {
    /// The registered name under `/.well-known/`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CredentialIssuer => "openid-credential-issuer",
            Self::AuthorizationServer => "oauth-authorization-server",
        }
    }
}

impl IssuerUrl {
    /// Reads an identifier and keeps its bytes.
    ///
    /// # Errors
    /// One [`IssuerUrlError`] per rule.
    pub fn parse(text: &str, transport: Transport) -> Result<Self, IssuerUrlError> {
        let url = Url::parse(text).map_err(|_| IssuerUrlError::NotAUrl)?;
        // OID4VCI 1.0 §12.2.1: https, and host, port, path at most
        if !transport.allows(&url) {
            return Err(IssuerUrlError::NotHttps);
        }
        if text.contains(['?', '#', '@']) {
            return Err(IssuerUrlError::ExtraPart);
        }
        // compared as bytes, so what a URL parser would rewrite has no place here
        let usual = url.as_str();
        if text != usual && Some(text) != usual.strip_suffix('/') {
            return Err(IssuerUrlError::NotAUrl);
        }
        Ok(Self(text.to_owned()))
    }

    /// The identifier's bytes.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The transport that this identifier's own endpoints may use: never a weaker one than its own.
    pub fn transport(&self) -> Transport {
        if self.0.starts_with("https:") { Transport::Https } else { Transport::DevelopmentLoopback }
    }

    /// Where a metadata document is: `/.well-known/…` goes between host and path.
    pub fn well_known(&self, document: WellKnown) -> Url {
        // OID4VCI 1.0 §12.2.2, RFC 8414 §3.1: inserted, not appended
        let mut url = self.to_url();
        let whole = url.path();
        let path = match document {
            // RFC 8414 §3.1: a terminating slash goes
            WellKnown::AuthorizationServer => whole.trim_end_matches('/'),
            // OID4VCI 1.0 §12.2.2 leaves the path as it is; `/` alone is what a URL without one has
            WellKnown::CredentialIssuer if whole == "/" => "",
            WellKnown::CredentialIssuer => whole,
        };
        let path = path.to_owned();
        url.set_path(&format!("/.well-known/{}{path}", document.name()));
        url
    }

    /// An endpoint below the identifier, such as `{issuer}/token`.
    pub fn endpoint(&self, segments: &str) -> Url {
        let mut url = self.to_url();
        let path = format!("{}/{segments}", url.path().trim_end_matches('/'));
        url.set_path(&path);
        url
    }

    fn to_url(&self) -> Url {
        Url::parse(&self.0).expect("an IssuerUrl was parsed as a URL when it was made")
    }
}

impl Transport {
    /// Whether a URL may be used over this transport.
    pub fn allows(self, url: &Url) -> bool {
        match (url.scheme(), self) {
            ("https", _) => url.host().is_some(),
            ("http", Self::DevelopmentLoopback) => match url.host() {
                Some(Host::Domain(name)) => name == "localhost",
                Some(Host::Ipv4(address)) => address.is_loopback(),
                Some(Host::Ipv6(address)) => address.is_loopback(),
                None => false,
            },
            _ => false,
        }
    }
}

impl fmt::Display for IssuerUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl fmt::Debug for IssuerUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "IssuerUrl({})", self.0)
    }
}

impl Serialize for IssuerUrl {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// Reads either transport; whoever knows which one is allowed compares afterwards.
impl<'de> Deserialize<'de> for IssuerUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text, Transport::DevelopmentLoopback).map_err(D::Error::custom)
    }
}

/// The name of a credential configuration in an issuer's metadata (OID4VCI 1.0 §12.2.4).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CredentialConfigurationId(String);

/// The name of one credential that an access token gives a right to (OID4VCI 1.0 §6.2).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CredentialIdentifier(String);

macro_rules! plain_name {
    ($name:ident) => {
        impl $name {
            /// Takes the name as it is; names are compared byte by byte.
            pub fn new(name: impl Into<String>) -> Self {
                Self(name.into())
            }

            /// The name's bytes.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&self.0)
            }
        }
    };
}

plain_name!(CredentialConfigurationId);
plain_name!(CredentialIdentifier);

#[cfg(test)]
mod tests {
    use super::*;

    fn issuer(text: &str) -> Result<IssuerUrl, IssuerUrlError> {
        IssuerUrl::parse(text, Transport::Https)
    }

    #[test]
    fn refuses_http_everywhere_but_on_loopback_in_development() {
        assert_eq!(issuer("http://localhost:7077/demo"), Err(IssuerUrlError::NotHttps));
        let development = |text| IssuerUrl::parse(text, Transport::DevelopmentLoopback);
        assert!(development("http://localhost:7077/demo").is_ok());
        assert!(development("http://127.0.0.1:7077").is_ok());
        assert!(development("http://[::1]:7077").is_ok());
        for text in ["http://10.0.0.1/", "http://localhost.evil.example", "ftp://localhost/"] {
            assert_eq!(development(text), Err(IssuerUrlError::NotHttps), "{text}");
        }
    }

    #[test]
    fn refuses_query_fragment_and_user() {
        for text in ["https://a.example/?", "https://a.example/#", "https://u@a.example/"] {
            assert_eq!(issuer(text), Err(IssuerUrlError::ExtraPart), "{text}");
        }
    }

    #[test]
    fn refuses_a_spelling_that_a_parser_would_rewrite() {
        for text in [
            "https://A.example/t",
            "https://a.example/t/../u",
            "https://a.example:443/t",
            " https://a.example",
            "https://a.example/é",
        ] {
            assert_eq!(issuer(text), Err(IssuerUrlError::NotAUrl), "{text}");
        }
    }

    #[test]
    fn a_trailing_slash_makes_another_issuer() {
        assert_ne!(issuer("https://a.example"), issuer("https://a.example/"));
    }

    #[test]
    fn well_known_is_inserted_between_host_and_path() {
        let place = |text| issuer(text).unwrap().well_known(WellKnown::CredentialIssuer);
        let root = "https://a.example/.well-known/openid-credential-issuer";
        assert_eq!(place("https://a.example").as_str(), root);
        assert_eq!(place("https://a.example/").as_str(), root);
        assert_eq!(place("https://a.example/t/u").as_str(), format!("{root}/t/u"));
    }

    #[test]
    fn a_terminating_slash_stays_for_the_issuer_and_goes_for_the_authorization_server() {
        let place = |document| issuer("https://a.example/t/").unwrap().well_known(document);
        let issuer = "https://a.example/.well-known/openid-credential-issuer/t/";
        assert_eq!(place(WellKnown::CredentialIssuer).as_str(), issuer);
        let server = "https://a.example/.well-known/oauth-authorization-server/t";
        assert_eq!(place(WellKnown::AuthorizationServer).as_str(), server);
    }
}

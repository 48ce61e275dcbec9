//! OpenID4VP over the Digital Credentials API (OID4VP 1.0 App. A): the platform carries request and answer,
//! and vouches for the origin.
//!
//! - [`DcApiRequested`] is the verifier's side: a request for `navigator.credentials.get`, and what its
//!   answer is worth
//! - [`IsoMdocRequested`] is the same in the way of ISO/IEC 18013-7 Annex C, for mdocs alone
//! - [`DcApiRequest`] is the wallet's side: a request that the platform handed over with its origin
//!
//! Whoever signs, the audience of every presentation is the origin (App. A.4).

mod iso_mdoc;
mod verifier;
mod wallet;

pub use iso_mdoc::{IsoMdocRequested, NoDeviceRequest};
pub use verifier::{DcApiAsk, DcApiRefused, DcApiRequested};
pub use wallet::{DcApiRequest, DcApiVerifier};

use std::fmt;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::request::{RequestError, Transport};

/// How a request is made (App. A.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Protocol {
    /// `openid4vp-v1-unsigned`: the parameters themselves.
    #[serde(rename = "openid4vp-v1-unsigned")]
    Unsigned,
    /// `openid4vp-v1-signed`: a request object.
    #[serde(rename = "openid4vp-v1-signed")]
    Signed,
    /// `openid4vp-v1-multisigned`: a request object with several signatures.
    #[serde(rename = "openid4vp-v1-multisigned")]
    MultiSigned,
    /// `org-iso-mdoc`: a DeviceRequest (ISO/IEC 18013-7 Annex C).
    #[serde(rename = "org-iso-mdoc")]
    IsoMdoc,
}

impl Protocol {
    /// The exchange protocol value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unsigned => "openid4vp-v1-unsigned",
            Self::Signed => "openid4vp-v1-signed",
            Self::MultiSigned => "openid4vp-v1-multisigned",
            Self::IsoMdoc => "org-iso-mdoc",
        }
    }

    /// Reads an exchange protocol value.
    ///
    /// # Errors
    /// [`RequestError::Protocol`].
    pub fn parse(text: &str) -> Result<Self, RequestError> {
        let all = [Self::Unsigned, Self::Signed, Self::MultiSigned, Self::IsoMdoc];
        all.into_iter().find(|one| one.as_str() == text).ok_or(RequestError::Protocol)
    }
}

/// An origin as the platform reports it, compared as text (App. A.2).
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Origin(String);

impl Origin {
    /// Takes an origin: a web origin, or what a platform calls an app.
    ///
    /// # Errors
    /// [`RequestError::Origin`] for plain http beyond this machine, for other unsafe schemes, and for what
    /// has more in it than an origin.
    pub fn parse(text: &str, transport: Transport) -> Result<Self, RequestError> {
        const UNSAFE: [&str; 6] = ["ftp", "javascript", "data", "ws", "wss", "file"];
        let refused = Err(RequestError::Origin);
        let Ok(url) = Url::parse(text) else { return refused };
        // OID4VP 1.0 App. A.2: unsafe schemes are not used; http in development alone
        if UNSAFE.contains(&url.scheme()) || text.len() > 2048 {
            return refused;
        }
        if matches!(url.scheme(), "http" | "https")
            && (!transport.allows(&url) || url.origin().ascii_serialization() != text)
        {
            return refused;
        }
        Ok(Self(text.to_owned()))
    }

    /// The origin as it was reported.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What every presentation is for (App. A.4).
    #[must_use]
    pub fn audience(&self) -> String {
        format!("origin:{}", self.0)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Origin({})", self.0)
    }
}

//! The presentation request (OID4VP 1.0 §5): parameters, signed object, link.
//!
//! - [`AuthorizationRequest`] is a request whose parameters were all judged
//! - [`RequestLink`] is how it travels: by value, or by reference as a QR code can hold it
//! - [`object`] signs the request object and reads it back
//! - [`ClientMetadata`] is what the verifier says about itself

pub(crate) mod client_metadata;
mod error;
mod link;
pub mod object;
pub(crate) mod parameters;
mod statement;
mod verifier_info;

pub use client_metadata::ClientMetadata;
pub use error::RequestError;
pub use link::{LinkScheme, RequestLink, RequestUriMethod};
pub use parameters::{AuthorizationRequest, Delivery, ResponseUri};
pub use statement::{Contact, VerifierStatement, Worded};
pub use verifier_info::VerifierInfo;

use serde::{Deserialize, Serialize};

/// How the response is delivered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ResponseMode {
    /// `direct_post`: as a form (§8.2).
    #[serde(rename = "direct_post")]
    DirectPost,
    /// `direct_post.jwt`: as a form with everything in one encrypted token (§8.3.1).
    #[default]
    #[serde(rename = "direct_post.jwt")]
    DirectPostJwt,
}

impl ResponseMode {
    /// The value of `response_mode`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DirectPost => "direct_post",
            Self::DirectPostJwt => "direct_post.jwt",
        }
    }
}

/// Whether plain http is taken on the loopback interface, for demos and development.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Transport {
    /// https everywhere.
    #[default]
    HttpsOnly,
    /// https, and http to `localhost`, `127.0.0.1` and `[::1]`.
    LoopbackToo,
}

impl Transport {
    /// Whether a URL may be used: no credentials in it, and encrypted unless it stays on this machine.
    #[must_use]
    pub fn allows(self, url: &url::Url) -> bool {
        let loopback = || match url.host() {
            Some(url::Host::Domain(name)) => name == "localhost",
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        let plain = url.username().is_empty() && url.password().is_none() && url.has_host();
        match url.scheme() {
            "https" => plain,
            "http" => plain && self == Self::LoopbackToo && loopback(),
            _ => false,
        }
    }
}

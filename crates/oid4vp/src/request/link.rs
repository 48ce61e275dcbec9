//! How a request travels to a wallet: as a link, behind a button or in a QR code.

use std::collections::HashSet;

use lanyard_core::json::{self, Object};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::{RequestError, Transport, parameters::text};
use crate::ClientId;

/// The longest link that is read; a QR code holds less.
const MAX_LENGTH: usize = 64 << 10;

/// A presentation request as a link carries it (OID4VP 1.0 §5, RFC 9101 §5).
#[derive(Clone, Debug, PartialEq)]
pub enum RequestLink {
    /// The parameters themselves, unsigned.
    ByValue(Object),
    /// A request object in the link.
    Object {
        /// Who claims to ask.
        client_id: ClientId,
        /// The request object, a compact JWS.
        object: String,
    },
    /// Where the request object is.
    ByReference {
        /// Who claims to ask.
        client_id: ClientId,
        /// Where to fetch the request object; redirects are not followed (§14.7).
        request_uri: Url,
        /// How to fetch it.
        method: RequestUriMethod,
    },
}

/// How a request object is fetched (§5.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RequestUriMethod {
    /// By GET.
    #[default]
    Get,
    /// By POST, with the wallet's metadata and nonce.
    Post,
}

/// Which wallets a link is for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LinkScheme {
    /// `openid4vp://`
    #[default]
    Openid4vp,
    /// `haip-vp://`
    HaipVp,
    /// The authorization endpoint of one wallet.
    Endpoint(Url),
}

/// The parameters that are JSON inside a link.
const JSON_PARAMETERS: [&str; 4] =
    ["dcql_query", "client_metadata", "transaction_data", "verifier_info"];

impl RequestLink {
    /// Reads a link: `openid4vp://`, `haip-vp://` or https.
    ///
    /// # Errors
    /// [`RequestError::Link`], [`RequestError::RequestUriMethod`], [`RequestError::RequestUri`] and those
    /// of the client identifier.
    pub fn parse(link: &str, transport: Transport) -> Result<Self, RequestError> {
        if link.len() > MAX_LENGTH {
            return Err(RequestError::Link);
        }
        let url = Url::parse(link.trim()).map_err(|_| RequestError::Link)?;
        if !matches!(url.scheme(), "openid4vp" | "haip-vp") && !transport.allows(&url) {
            return Err(RequestError::Link);
        }
        // RFC 6749 §3.1: parameters MUST NOT be included more than once
        let mut names = HashSet::new();
        let mut parameters = Object::new();
        for (name, value) in url.query_pairs() {
            if !names.insert(name.clone()) {
                return Err(RequestError::Link);
            }
            parameters.insert(name.into_owned(), Value::String(value.into_owned()));
        }
        let method = match text(&parameters, "request_uri_method")? {
            None | Some("get") => RequestUriMethod::Get,
            Some("post") => RequestUriMethod::Post,
            // OID4VP 1.0 §5.1: case-sensitive, nothing else
            Some(_) => return Err(RequestError::RequestUriMethod),
        };
        let client_id = text(&parameters, "client_id")?.ok_or(RequestError::Link)?.parse()?;
        match (text(&parameters, "request_uri")?, text(&parameters, "request")?) {
            // RFC 9101 §5: one of them, not both
            (Some(_), Some(_)) => Err(RequestError::Link),
            (Some(uri), None) => {
                let request_uri = Url::parse(uri).map_err(|_| RequestError::RequestUri)?;
                if !transport.allows(&request_uri) || request_uri.fragment().is_some() {
                    return Err(RequestError::RequestUri);
                }
                Ok(Self::ByReference { client_id, request_uri, method })
            }
            // OID4VP 1.0 §5.1: request_uri_method MUST NOT be present without request_uri
            _ if parameters.contains_key("request_uri_method") => {
                Err(RequestError::RequestUriMethod)
            }
            (None, Some(object)) => Ok(Self::Object { client_id, object: object.to_owned() }),
            (None, None) => by_value(parameters),
        }
    }

    /// Writes the link.
    #[must_use]
    pub fn to_url(&self, scheme: &LinkScheme) -> Url {
        let mut url = match scheme {
            LinkScheme::Openid4vp => base("openid4vp://"),
            LinkScheme::HaipVp => base("haip-vp://"),
            LinkScheme::Endpoint(url) => url.clone(),
        };
        let mut query = url.query_pairs_mut();
        match self {
            Self::ByValue(parameters) => {
                for (name, value) in parameters {
                    match value {
                        Value::String(text) => query.append_pair(name, text),
                        other => query.append_pair(name, &other.to_string()),
                    };
                }
            }
            Self::Object { client_id, object } => {
                query.append_pair("client_id", client_id.as_str()).append_pair("request", object);
            }
            Self::ByReference { client_id, request_uri, method } => {
                query
                    .append_pair("client_id", client_id.as_str())
                    .append_pair("request_uri", request_uri.as_str());
                if *method == RequestUriMethod::Post {
                    query.append_pair("request_uri_method", "post");
                }
            }
        }
        drop(query);
        url
    }
}

fn base(scheme: &str) -> Url {
    Url::parse(scheme).expect("a scheme with an empty authority is a URL")
}

fn by_value(mut parameters: Object) -> Result<RequestLink, RequestError> {
    for name in JSON_PARAMETERS {
        // OID4VP 1.0 §5.1: parameters that are objects travel as JSON text
        let Some(Value::String(text)) = parameters.get(name) else { continue };
        let value = json::parse(text.as_bytes()).map_err(|_| RequestError::Unreadable(name))?;
        parameters.insert(name.to_owned(), value);
    }
    Ok(RequestLink::ByValue(parameters))
}

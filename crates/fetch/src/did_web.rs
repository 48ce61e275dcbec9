//! did:web: from the DID to its document.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lanyard_core::Timestamp;
use lanyard_core::did::{Did, DidWebSource, Fetched, ResolutionError};
use url::{Host, Url};

use crate::FetchError;
use crate::cache::asked_for;
use crate::port::{HttpClient, Purpose, Request};

/// Why a did:web DID has no document here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DidWebError {
    /// The text does not begin with `did:web:`.
    #[error("not a did:web DID")]
    NotDidWeb,
    /// A path, query or fragment follows: a DID URL where a DID is needed.
    #[error("a DID URL, where a DID is needed")]
    DidUrl,
    /// A character that no DID may hold.
    #[error("a character that no DID may hold")]
    IllegalCharacter,
    /// A `%` without two hexadecimal digits, or an encoding that is not UTF-8.
    #[error("a broken percent-encoding")]
    BrokenEncoding,
    /// The host is not a domain name.
    #[error("the host is not a domain name")]
    HostInvalid,
    /// The host is an IP address.
    #[error("the host is an IP address")]
    IpHost,
    /// The port is not a number from 1 to 65535.
    #[error("the port is not a number from 1 to 65535")]
    PortInvalid,
    /// A path segment is empty.
    #[error("a path segment is empty")]
    EmptySegment,
    /// A path segment would leave its place: `.`, `..`, a slash, a backslash, a control character or a second encoding.
    #[error("a path segment leads elsewhere")]
    SegmentEscapes,
    /// The document could not be fetched.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The host answered with another status than 200.
    #[error("the host answered with status {status}")]
    Status {
        /// The status code.
        status: u16,
    },
    /// The answer is of another media type than a DID document.
    #[error("the answer is not of a DID document's media type")]
    MediaType,
}

/// Where the document of a did:web DID lives.
///
/// did:web §Read: colons become slashes, `%3A` before the port is decoded, `/.well-known` stands in for an absent path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DidWebUrl(Url);

impl DidWebUrl {
    /// Maps a DID to its URL.
    ///
    /// # Errors
    /// [`DidWebError`] names the rule the DID breaks.
    pub fn of(did: &str) -> Result<Self, DidWebError> {
        let rest = did.strip_prefix("did:web:").ok_or(DidWebError::NotDidWeb)?;
        if rest.contains(['/', '?', '#']) {
            return Err(DidWebError::DidUrl);
        }
        // DID Core §3.1: idchar is ALPHA, DIGIT, ".", "-", "_" and pct-encoded.
        if !rest.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-%:".contains(&b)) {
            return Err(DidWebError::IllegalCharacter);
        }
        let mut parts = rest.split(':');
        let mut url = origin(parts.next().unwrap_or_default())?;
        let segments = parts.map(segment).collect::<Result<Vec<_>, _>>()?;
        {
            let mut path = url.path_segments_mut().map_err(|()| DidWebError::HostInvalid)?;
            path.clear();
            if segments.is_empty() {
                path.push(".well-known");
            }
            path.extend(segments).push("did.json");
        }
        Ok(Self(url))
    }

    /// The URL of the document.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.0
    }
}

fn origin(authority: &str) -> Result<Url, DidWebError> {
    let (host, port) = match authority.find('%') {
        None => (authority, None),
        // Hexadecimal digits know no case: %3a is %3A.
        Some(at) if authority[at..].get(..3).is_some_and(|e| e.eq_ignore_ascii_case("%3a")) => {
            (&authority[..at], Some(&authority[at + 3..]))
        }
        Some(_) => return Err(DidWebError::HostInvalid),
    };
    let port = match port {
        None => None,
        Some(text) if text.bytes().all(|b| b.is_ascii_digit()) => {
            Some(text.parse::<u16>().ok().filter(|p| *p != 0).ok_or(DidWebError::PortInvalid)?)
        }
        Some(_) => return Err(DidWebError::PortInvalid),
    };
    if host
        .split('.')
        .any(|label| label.is_empty() || label.starts_with('-') || label.contains('_'))
    {
        return Err(DidWebError::HostInvalid);
    }
    let mut url = Url::parse(&format!("https://{host}/")).map_err(|_| DidWebError::HostInvalid)?;
    // did:web §Method-specific identifier: the domain name MUST NOT be an IP address.
    let Some(Host::Domain(_)) = url.host() else { return Err(DidWebError::IpHost) };
    url.set_port(port).map_err(|()| DidWebError::PortInvalid)?;
    Ok(url)
}

/// One decoded path segment, if it stays in its place after every decoding a server might do.
fn segment(raw: &str) -> Result<String, DidWebError> {
    if raw.is_empty() {
        return Err(DidWebError::EmptySegment);
    }
    let mut decoded = Vec::with_capacity(raw.len());
    let mut bytes = raw.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => match (bytes.next().and_then(hex), bytes.next().and_then(hex)) {
                (Some(high), Some(low)) => high * 16 + low,
                _ => return Err(DidWebError::BrokenEncoding),
            },
            other => other,
        });
    }
    let decoded = String::from_utf8(decoded).map_err(|_| DidWebError::BrokenEncoding)?;
    let escapes = decoded == "."
        || decoded == ".."
        || decoded.chars().any(|c| c.is_control() || matches!(c, '/' | '\\' | '%' | '?' | '#'));
    if escapes { Err(DidWebError::SegmentEscapes) } else { Ok(decoded) }
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// How long a document serves whose host says nothing about it.
const UNSTATED: Duration = Duration::from_secs(300);

/// Fetches did:web documents; the core reads and judges them.
pub struct DidWebFetcher {
    http: Arc<dyn HttpClient>,
}

impl DidWebFetcher {
    /// A fetcher over `http`; put a [`crate::CachedClient`] there to ask a host once for many checks.
    #[must_use]
    pub fn new(http: Arc<dyn HttpClient>) -> Self {
        Self { http }
    }

    /// The bytes of the document, unread, and how long its host lets them serve.
    ///
    /// # Errors
    /// [`DidWebError`] names the rule the DID, the host or its answer breaks.
    pub async fn fetch(&self, did: &str) -> Result<Fetched, DidWebError> {
        let url = DidWebUrl::of(did)?.0;
        let accept = "application/did+json, application/did+ld+json;q=0.9, application/json;q=0.8";
        let response =
            self.http.send(Request::get(url, Purpose::DidDocument).accept(accept)).await?;
        if response.status != 200 {
            return Err(DidWebError::Status { status: response.status });
        }
        match response.media_type().as_deref() {
            Some(
                "application/did"
                | "application/did+json"
                | "application/did+ld+json"
                | "application/json"
                | "application/ld+json",
            ) => {
                let directives = response.headers.cache_control.as_deref().unwrap_or_default();
                let fresh_for = asked_for(directives).unwrap_or(UNSTATED);
                Ok(Fetched { bytes: response.body.into(), at: Timestamp::now(), fresh_for })
            }
            _ => Err(DidWebError::MediaType),
        }
    }
}

#[async_trait]
impl DidWebSource for DidWebFetcher {
    async fn document(&self, did: &Did) -> Result<Fetched, ResolutionError> {
        self.fetch(did.as_str()).await.map_err(|error| {
            tracing::info!(%error, "no did:web document");
            error.resolution()
        })
    }
}

impl DidWebError {
    /// What a resolver says about it (DID Resolution 1.0 §10).
    fn resolution(&self) -> ResolutionError {
        match self {
            Self::NotDidWeb
            | Self::DidUrl
            | Self::IllegalCharacter
            | Self::BrokenEncoding
            | Self::HostInvalid
            | Self::IpHost
            | Self::PortInvalid
            | Self::EmptySegment
            | Self::SegmentEscapes => ResolutionError::InvalidDid,
            Self::Status { status: 404 | 410 } => ResolutionError::NotFound,
            Self::MediaType => ResolutionError::RepresentationNotSupported,
            // Whatever else went wrong says nothing about the DID.
            Self::Status { .. } | Self::Fetch(_) => ResolutionError::Unreachable,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(did: &str) -> Result<String, DidWebError> {
        DidWebUrl::of(did).map(|u| u.0.to_string())
    }

    #[test]
    fn colons_become_slashes_and_the_port_is_decoded_in_any_case() {
        let expected = [
            ("did:web:w3c-ccg.github.io", "https://w3c-ccg.github.io/.well-known/did.json"),
            (
                "did:web:w3c-ccg.github.io:user:alice",
                "https://w3c-ccg.github.io/user/alice/did.json",
            ),
            ("did:web:example.com%3A3000", "https://example.com:3000/.well-known/did.json"),
            (
                "did:web:example.com%3a3000:user:alice",
                "https://example.com:3000/user/alice/did.json",
            ),
            ("did:web:example.com:u:bob", "https://example.com/u/bob/did.json"),
            ("did:web:example.com:caf%C3%A9", "https://example.com/caf%C3%A9/did.json"),
            ("did:web:EXAMPLE.com:Bob", "https://example.com/Bob/did.json"),
            ("did:web:example.com:...", "https://example.com/.../did.json"),
        ];
        for (did, document) in expected {
            assert_eq!(url(did).as_deref(), Ok(document), "{did}");
        }
    }

    #[test]
    fn what_is_no_did_web_did_has_no_url() {
        for did in [
            "",
            "did:web",
            "did:key:z6Mk",
            "DID:web:example.com",
            " did:web:example.com",
            "did:webvh:x:example.com",
        ] {
            assert_eq!(url(did), Err(DidWebError::NotDidWeb), "{did}");
        }
        for did in [
            "did:web:example.com#key-0",
            "did:web:example.com?service=x",
            "did:web:example.com/path",
        ] {
            assert_eq!(url(did), Err(DidWebError::DidUrl), "{did}");
        }
        for did in [
            "did:web:user@host.example",
            "did:web:host.example:a\\b",
            "did:web:host.example\0",
            "did:web:höst.example",
            "did:web:a b",
            "did:web:[::1]",
        ] {
            assert_eq!(url(did), Err(DidWebError::IllegalCharacter), "{did}");
        }
    }

    #[test]
    fn a_host_is_a_domain_name() {
        for did in [
            "did:web:",
            "did:web::a",
            "did:web:example.com.",
            "did:web:.example.com",
            "did:web:a..b",
            "did:web:%65xample.com",
            "did:web:user%40host",
            "did:web:a%2Fb",
            "did:web:a%00",
            "did:web:xn--example-.com",
            "did:web:a%",
            "did:web:-a.com",
            "did:web:a_b.com",
        ] {
            assert_eq!(url(did), Err(DidWebError::HostInvalid), "{did}");
        }
        for did in [
            "did:web:127.0.0.1",
            "did:web:2130706433",
            "did:web:0x7f.1",
            "did:web:0177.1",
            "did:web:8.8.8.8%3A80:a",
        ] {
            assert_eq!(url(did), Err(DidWebError::IpHost), "{did}");
        }
        for did in [
            "did:web:a.example%3A",
            "did:web:a.example%3A0",
            "did:web:a.example%3A65536",
            "did:web:a.example%3A%2B80",
            "did:web:a.example%3A80%3A81",
            "did:web:a.example%3Ax",
        ] {
            assert_eq!(url(did), Err(DidWebError::PortInvalid), "{did}");
        }
    }

    #[test]
    fn no_path_segment_leads_elsewhere() {
        for did in [
            "did:web:a.example:..:..",
            "did:web:a.example:.",
            "did:web:a.example:%2e%2e",
            "did:web:a.example:%2E%2e:x",
            "did:web:a.example:.%2e",
            "did:web:a.example:a%2Fb",
            "did:web:a.example:a%2fb",
            "did:web:a.example:a%5Cb",
            "did:web:a.example:a%00",
            "did:web:a.example:a%0d%0a",
            "did:web:a.example:%252e%252e",
            "did:web:a.example:a%3Fb",
            "did:web:a.example:a%23b",
        ] {
            assert_eq!(url(did), Err(DidWebError::SegmentEscapes), "{did}");
        }
        for did in ["did:web:a.example:", "did:web:a.example::b", "did:web:a.example:b:"] {
            assert_eq!(url(did), Err(DidWebError::EmptySegment), "{did}");
        }
        for did in [
            "did:web:a.example:%",
            "did:web:a.example:%2",
            "did:web:a.example:%zz",
            "did:web:a.example:%ff",
            "did:web:a.example:%C3",
        ] {
            assert_eq!(url(did), Err(DidWebError::BrokenEncoding), "{did}");
        }
    }
}

//! Where a did:webvh lives (did:webvh 1.0, Method-Specific Identifier).

use url::{Host, Url};

use super::{LogError, WebvhFault};
use crate::did::{Did, multihash};

/// A did:webvh taken apart: its self-certifying identifier, and the place of its log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebvhDid {
    did: Did,
    scid: String,
    /// The folder of the log, with its slash at the end; `/` for `.well-known`.
    folder: Url,
}

impl WebvhDid {
    /// Reads a did:webvh, and decodes its host and path exactly once.
    ///
    /// # Errors
    /// [`WebvhFault::Scid`], [`WebvhFault::Host`] or [`WebvhFault::Path`], of no entry.
    pub fn parse(did: &Did) -> Result<Self, LogError> {
        let mut parts = did.method_specific_id().split(':');
        let scid = parts.next().unwrap_or_default();
        if did.method() != "webvh" || !multihash::is_sha256(scid) {
            return Err(WebvhFault::Scid.into());
        }
        let mut folder = origin(parts.next().unwrap_or_default()).ok_or(WebvhFault::Host)?;
        let segments: Vec<_> = parts.map(segment).collect::<Option<_>>().ok_or(WebvhFault::Path)?;
        if let Ok(mut path) = folder.path_segments_mut() {
            path.clear().extend(segments).push("");
        }
        Ok(Self { did: did.clone(), scid: scid.to_owned(), folder })
    }

    /// The DID itself.
    pub const fn did(&self) -> &Did {
        &self.did
    }

    /// The self-certifying identifier: the hash of the first entry.
    pub fn scid(&self) -> &str {
        &self.scid
    }

    /// Where the log is published: `did.jsonl`, under `/.well-known` when the DID has no path.
    pub fn log_url(&self) -> Url {
        self.file("did.jsonl")
    }

    /// Where the witnesses' proofs are published: `did-witness.json` beside the log.
    pub fn witness_url(&self) -> Url {
        self.file("did-witness.json")
    }

    /// What the paths of this DID's URLs are relative to: the log's folder, without `.well-known`.
    pub const fn files_url(&self) -> &Url {
        &self.folder
    }

    /// The did:web of the same place.
    pub fn parallel_did_web(&self) -> Did {
        let text = self.did.as_str().replacen(&format!("did:webvh:{}:", self.scid), "did:web:", 1);
        Did::parse(&text).expect("what is left of a DID's identifier is one")
    }

    fn file(&self, name: &str) -> Url {
        let mut url = self.folder.clone();
        // did:webvh 1.0, The DID to HTTPS Transformation (5)
        if url.path() == "/" {
            url.set_path("/.well-known/");
        }
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push(name);
        }
        url
    }
}

/// did:webvh 1.0, The DID to HTTPS Transformation (3): the host, decoded once, and the port.
fn origin(encoded: &str) -> Option<Url> {
    let lower = encoded.to_ascii_lowercase();
    let (host, port) = match lower.find("%3a") {
        Some(at) => (encoded.get(..at)?, Some(encoded.get(at + 3..)?)),
        None => (encoded, None),
    };
    let host = decode(host)?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.') || !c.is_ascii();
    let labels = host.split('.').count();
    let misplaced =
        |label: &str| label.is_empty() || label.starts_with('-') || label.ends_with('-');
    if !host.chars().all(is_name) || labels < 2 || host.split('.').any(misplaced) {
        return None;
    }
    let mut url = Url::parse(&format!("https://{host}/")).ok()?;
    // a number in any spelling is an address to the URL parser, and no name
    let Some(Host::Domain(name)) = url.host() else { return None };
    // RFC 1035 §2.3.4
    if name.len() > 253 || name.split('.').any(|label| label.is_empty() || label.len() > 63) {
        return None;
    }
    if let Some(port) = port {
        let digits = (1..=5).contains(&port.len()) && port.bytes().all(|b| b.is_ascii_digit());
        let port = port.parse().ok().filter(|port| digits && *port != 0)?;
        url.set_port(Some(port)).ok()?;
    }
    Some(url)
}

/// did:webvh 1.0, The DID to HTTPS Transformation (4): one path segment that stays in its place.
fn segment(encoded: &str) -> Option<String> {
    let decoded = decode(encoded)?;
    let escapes = decoded.is_empty()
        || decoded == "."
        || decoded == ".."
        || decoded.trim() != decoded
        // a second decoding, by whoever serves it, must not make another path of it
        || decoded.chars().any(|c| c.is_control() || matches!(c, '/' | '\\' | '%' | '?' | '#'));
    (!escapes).then_some(decoded)
}

fn decode(encoded: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(encoded.len());
    let mut bytes = encoded.bytes();
    let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => (digit(bytes.next())? * 16 + digit(bytes.next())?) as u8,
            other => other,
        });
    }
    String::from_utf8(decoded).ok()
}

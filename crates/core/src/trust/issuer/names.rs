//! The names of issuers, which are more than text.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use url::Url;

/// The longest name that is read.
const MAX_LENGTH: usize = 2048;

/// Why a text is not a name.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum NameError {
    /// Empty, too long, or with white space or control characters in it.
    #[error("not a name: empty, too long, or with white space")]
    Malformed,
    /// Not a URI, where only one is unique enough.
    #[error("not a URI")]
    NotAUri,
}

/// Who issued a credential, `iss`: compared character by character.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct IssuerIdentifier(String);

impl IssuerIdentifier {
    /// Reads an identifier: an https URL or a DID.
    ///
    /// # Errors
    /// [`NameError`]: malformed or not a URI.
    pub fn parse(text: impl Into<String>) -> Result<Self, NameError> {
        well_formed_uri(text.into()).map(Self)
    }

    /// The identifier's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The host of an https URL, or of an http URL on this very machine.
    pub(super) fn host(&self) -> Option<String> {
        let url = Url::parse(&self.0).ok()?;
        let host = url.host_str()?;
        // plain http stays on this machine: development and demonstrations
        let own_machine = url.scheme() == "http" && host == "localhost";
        (url.scheme() == "https" || own_machine).then(|| host.to_owned())
    }
}

pub(crate) fn well_formed(text: String) -> Result<String, NameError> {
    let odd = |character: char| character.is_whitespace() || character.is_control();
    if text.is_empty() || text.len() > MAX_LENGTH || text.contains(odd) {
        return Err(NameError::Malformed);
    }
    Ok(text)
}

/// A well-formed name that is a URI too.
pub(crate) fn well_formed_uri(text: String) -> Result<String, NameError> {
    let text = well_formed(text)?;
    // RFC 7519 §2: a StringOrURI with a colon is a URI; without one it would name nobody
    let (scheme, rest) = text.split_once(':').ok_or(NameError::NotAUri)?;
    // RFC 3986 §3.1: a letter, then letters, digits, plus, hyphen and period
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    if rest.is_empty() || !scheme.starts_with(|first: char| first.is_ascii_alphabetic()) {
        return Err(NameError::NotAUri);
    }
    if scheme.bytes().all(fits) { Ok(text) } else { Err(NameError::NotAUri) }
}

impl TryFrom<String> for IssuerIdentifier {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        Self::parse(text)
    }
}

impl From<IssuerIdentifier> for String {
    fn from(issuer: IssuerIdentifier) -> Self {
        issuer.0
    }
}

impl fmt::Display for IssuerIdentifier {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

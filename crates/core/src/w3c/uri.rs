//! Identifiers: what VCDM calls a URL.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use thiserror::Error;
use url::Url;

/// The longest identifier that is read; a `data:` URL in an envelope has its own bound.
const MAX_LENGTH: usize = 4096;

/// An identifier in a document: an absolute URL, a DID or a URN, compared character by character.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Uri(String);

/// A text that is not an absolute URL.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("not an absolute URL")]
pub struct UriError;

impl Uri {
    /// Reads an identifier (VCDM 2.0 §4.4).
    ///
    /// # Errors
    /// [`UriError`] for a relative reference, white space, control characters and what is too long.
    pub fn parse(text: &str) -> Result<Self, UriError> {
        if text.len() > MAX_LENGTH || !is_absolute_url(text) {
            return Err(UriError);
        }
        Ok(Self(text.to_owned()))
    }

    /// The identifier's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_absolute_url(text: &str) -> bool {
    // a URL parser mends what it finds: white space at the ends, tabs and line breaks inside
    let mended = |character: char| character.is_whitespace() || character.is_control();
    !text.contains(mended) && Url::parse(text).is_ok()
}

impl fmt::Display for Uri {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl Serialize for Uri {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Uri {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_is_an_absolute_url() {
        for text in [
            "https://issuer.example/14",
            "did:example:123#key",
            "urn:uuid:9c9a36f8-518f-4976-a934-6649502d0008",
            "http://[::1]/",
        ] {
            assert!(Uri::parse(text).is_ok(), "{text}");
        }
        let long = format!("urn:a:{}", "a".repeat(MAX_LENGTH));
        for text in [
            "",
            "issuer",
            "/issuer",
            "//issuer.example",
            "#key",
            "1https://issuer.example",
            "https ://issuer.example",
            " https://issuer.example",
            "https://issuer.example\n",
            "https://iss\tuer.example",
            "https://",
            &long,
        ] {
            assert_eq!(Uri::parse(text), Err(UriError), "{text:?}");
        }
    }
}

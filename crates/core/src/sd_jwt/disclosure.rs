//! One disclosure: salt, perhaps a claim name, value (RFC 9901 §4.2).

use std::{fmt, mem};

use serde_json::Value;

use super::SdJwtError;
use crate::{
    crypto::{CryptoProvider, HashAlgorithm, HashValue},
    json,
};

/// A disclosure that was decoded; what it says counts only where a signed digest leads to it.
#[derive(Clone, PartialEq, Eq)]
pub struct Disclosure {
    /// The salt, as text.
    pub salt: String,
    /// The claim name; none for an array element.
    pub name: Option<String>,
    /// The value, possibly with digests of further disclosures in it.
    pub value: Value,
}

impl Disclosure {
    /// Decodes a disclosure as it was received.
    ///
    /// # Errors
    /// [`SdJwtError::DisclosureNotBase64Url`], [`SdJwtError::DisclosureNotJson`],
    /// [`SdJwtError::DisclosureShape`], [`SdJwtError::SaltNotText`] and [`SdJwtError::NameNotText`].
    pub fn decode(encoded: &str) -> Result<Self, SdJwtError> {
        let bytes =
            json::base64url_decode(encoded).map_err(|_| SdJwtError::DisclosureNotBase64Url)?;
        let mut array = match json::parse(&bytes).map_err(SdJwtError::DisclosureNotJson)? {
            Value::Array(array) => array,
            _ => return Err(SdJwtError::DisclosureShape),
        };
        // RFC 9901 §4.2.1, §4.2.2: [salt, name, value] for a member, [salt, value] for an element
        let (salt, name, value) = match array.as_mut_slice() {
            [salt, value] => (salt, None, value),
            [salt, name, value] => (salt, Some(name), value),
            _ => return Err(SdJwtError::DisclosureShape),
        };
        let Value::String(salt) = salt else {
            return Err(SdJwtError::SaltNotText);
        };
        let name = match name {
            None => None,
            Some(Value::String(name)) => Some(mem::take(name)),
            Some(_) => return Err(SdJwtError::NameNotText),
        };
        Ok(Self { salt: mem::take(salt), name, value: value.take() })
    }

    /// The digest of a disclosure, over the characters as they were received (RFC 9901 §4.2.3).
    pub fn digest(
        encoded: &str,
        algorithm: HashAlgorithm,
        provider: &dyn CryptoProvider,
    ) -> String {
        json::base64url(provider.hash(algorithm, encoded.as_bytes()))
    }
}

/// Digests as their base64url, side by side in one text because all are equally long.
pub(super) struct Digests {
    text: String,
    /// The length of one.
    length: usize,
}

impl Digests {
    pub(super) fn with_capacity(count: usize, hash: HashAlgorithm) -> Self {
        let length = (hash.length() * 4).div_ceil(3);
        Self { text: String::with_capacity(count * length), length }
    }

    pub(super) fn push(&mut self, digest: &HashValue) {
        json::base64url_append(digest.as_bytes(), &mut self.text);
    }

    /// Each, in the order added.
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        let starts = (0..self.text.len()).step_by(self.length);
        starts.map(|start| &self.text[start..start + self.length])
    }
}

impl fmt::Debug for Disclosure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(if self.name.is_some() {
            "Disclosure(member)"
        } else {
            "Disclosure(element)"
        })
    }
}

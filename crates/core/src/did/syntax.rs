//! What a DID and a DID URL look like (DID 1.1 §3).

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::ResolutionError;

/// The longest DID or DID URL that is read at all; a did:jwk of P-384 has some 300 characters.
const MAX_LENGTH: usize = 4096;

/// A decentralized identifier, compared as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Did {
    text: String,
    method_ends: usize,
}

impl Did {
    /// Reads `did:method:identifier`.
    ///
    /// # Errors
    /// [`ResolutionError::InvalidDid`] for everything that the grammar does not allow, a DID URL included.
    pub fn parse(text: &str) -> Result<Self, ResolutionError> {
        let rest = text.strip_prefix("did:").ok_or(ResolutionError::InvalidDid)?;
        let (method, identifier) = rest.split_once(':').ok_or(ResolutionError::InvalidDid)?;
        // DID 1.1 §3.1: method-name = 1*(%x61-7A / DIGIT)
        let method_fits = !method.is_empty()
            && method.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        // DID 1.1 §3.1: method-specific-id = *( *idchar ":" ) 1*idchar
        let identifier_fits = !identifier.is_empty()
            && !identifier.ends_with(':')
            && is_made_of(identifier, |byte| {
                byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':')
            });
        if text.len() > MAX_LENGTH || !method_fits || !identifier_fits {
            return Err(ResolutionError::InvalidDid);
        }
        Ok(Self { text: text.to_owned(), method_ends: 4 + method.len() })
    }

    /// The whole identifier.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The method's name: `key`, `jwk`, `web`.
    pub fn method(&self) -> &str {
        &self.text[4..self.method_ends]
    }

    /// What comes after the method's name.
    pub fn method_specific_id(&self) -> &str {
        &self.text[self.method_ends + 1..]
    }

    /// A DID URL of this DID with a fragment.
    ///
    /// # Errors
    /// [`ResolutionError::InvalidDidUrl`] when the fragment has characters that it must not have.
    pub fn with_fragment(&self, fragment: &str) -> Result<DidUrl, ResolutionError> {
        DidUrl::parse(&format!("{self}#{fragment}"))
    }
}

/// A DID with what follows it: path, query, fragment (DID 1.1 §3.2).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DidUrl {
    did: Did,
    /// From the first character after the DID.
    rest: String,
}

impl DidUrl {
    /// Reads an absolute DID URL; a bare DID is one too.
    ///
    /// # Errors
    /// [`ResolutionError::InvalidDidUrl`] for everything that the grammar does not allow.
    pub fn parse(text: &str) -> Result<Self, ResolutionError> {
        let did_ends = text.find(['/', '?', '#']).unwrap_or(text.len());
        let (did, rest) = text.split_at(did_ends);
        let did = Did::parse(did).map_err(|_| ResolutionError::InvalidDidUrl)?;
        // RFC 3986 §3.3 to §3.5: pchar, and the delimiters of path and query
        let (before, fragment) = rest.split_once('#').unwrap_or((rest, ""));
        let allowed =
            |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?".contains(&byte);
        if text.len() > MAX_LENGTH || !is_made_of(before, allowed) || !is_made_of(fragment, allowed)
        {
            return Err(ResolutionError::InvalidDidUrl);
        }
        Ok(Self { did, rest: rest.to_owned() })
    }

    /// The DID at the front.
    pub const fn did(&self) -> &Did {
        &self.did
    }

    /// What comes after `#`.
    pub fn fragment(&self) -> Option<&str> {
        self.rest.split_once('#').map(|(_, fragment)| fragment)
    }

    /// What comes after the DID up to `?` or `#`, with its slash in front; empty when there is no path.
    pub fn path(&self) -> &str {
        let end = self.rest.find(['?', '#']).unwrap_or(self.rest.len());
        self.rest.get(..end).unwrap_or_default()
    }

    /// What comes between `?` and `#`.
    pub fn query(&self) -> Option<&str> {
        let before = self.rest.split_once('#').map_or(self.rest.as_str(), |(before, _)| before);
        before.split_once('?').map(|(_, query)| query)
    }

    /// The parameters of the query in their order, percent-decoded once (DID Resolution 1.0 §3).
    ///
    /// # Errors
    /// [`ResolutionError::InvalidOption`] for an encoding that is not UTF-8, and for a name that comes
    /// twice.
    pub fn parameters(&self) -> Result<Vec<(String, String)>, ResolutionError> {
        let mut parameters: Vec<(String, String)> = Vec::new();
        for pair in self.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (percent_decode(name)?, percent_decode(value)?);
            // DID Resolution 1.0 §3.3: two readers must not take two different values
            if parameters.iter().any(|(other, _)| *other == name) {
                return Err(ResolutionError::InvalidOption);
            }
            parameters.push((name, value));
        }
        Ok(parameters)
    }

    /// Whether there is nothing but a fragment after the DID: the form that names a key.
    pub fn names_a_key(&self) -> bool {
        self.rest.len() > 1 && self.rest.starts_with('#')
    }
}

/// Decodes once; the grammar has seen to the digits.
fn percent_decode(text: &str) -> Result<String, ResolutionError> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => match (digit(bytes.next()), digit(bytes.next())) {
                (Some(high), Some(low)) => (high * 16 + low) as u8,
                _ => return Err(ResolutionError::InvalidOption),
            },
            other => other,
        });
    }
    String::from_utf8(decoded).map_err(|_| ResolutionError::InvalidOption)
}

fn is_made_of(text: &str, allowed: impl Fn(u8) -> bool) -> bool {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let fits = match byte {
            // RFC 3986 §2.1: a percent sign comes with two hexadecimal digits
            b'%' => {
                let mut digit = || bytes.next().is_some_and(|byte| byte.is_ascii_hexdigit());
                digit() && digit()
            }
            byte => allowed(byte),
        };
        if !fits {
            return false;
        }
    }
    true
}

impl fmt::Display for Did {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

impl fmt::Display for DidUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}{}", self.did, self.rest)
    }
}

impl Serialize for Did {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Did {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_a_did_apart() {
        let did = Did::parse("did:web:example.com%3A3000:user:alice").unwrap();
        assert_eq!(did.method(), "web");
        assert_eq!(did.method_specific_id(), "example.com%3A3000:user:alice");
        let url = DidUrl::parse("did:key:z6Mk#z6Mk").unwrap();
        assert_eq!((url.did().as_str(), url.fragment()), ("did:key:z6Mk", Some("z6Mk")));
        assert!(url.names_a_key());
    }

    #[test]
    fn refuses_what_the_grammar_of_a_did_does_not_allow() {
        for text in [
            "",
            "did",
            "did:",
            "did:key",
            "did:key:",
            "did::a",
            "DID:key:a",
            "did:Key:a",
            "did:k-y:a",
            "did:web:a:",
            "did:web:a%",
            "did:web:a%2",
            "did:web:a%zz",
            "did:web:a\u{0}",
            "did:web:é",
            "did:web:a b",
            "did:web:a@b",
            "did:web:a\\b",
            "did:web:a/b",
            "did:web:a#b",
            "did:web:a?b",
        ] {
            assert_eq!(Did::parse(text), Err(ResolutionError::InvalidDid), "{text:?}");
        }
        let long = format!("did:key:{}", "a".repeat(MAX_LENGTH));
        assert_eq!(Did::parse(&long), Err(ResolutionError::InvalidDid));
    }

    #[test]
    fn refuses_what_the_grammar_of_a_did_url_does_not_allow() {
        for text in ["#0", "did:key", "did:key:a#b#c", "did:key:a#\n", "did:key:a?%", "did:key:a#<"]
        {
            assert_eq!(DidUrl::parse(text), Err(ResolutionError::InvalidDidUrl), "{text:?}");
        }
    }

    #[test]
    fn only_a_bare_fragment_names_a_key() {
        for text in ["did:key:a", "did:key:a#", "did:key:a/b#c", "did:key:a?service=x#c"] {
            assert!(!DidUrl::parse(text).unwrap().names_a_key(), "{text:?}");
        }
    }
}

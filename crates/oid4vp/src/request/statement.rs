//! What a verifier says of itself and of why it asks: in its own words, of which its signature is the only warrant.
//!
//! `client_metadata` of a request has no place for it: its other members MUST be ignored (OID4VP 1.0 §5.1). It comes in
//! `verifier_info`, as ETSI TS 119 472-2 §6.3 has it, or with the registration that the wallet made beforehand.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::VerifierInfo;

/// The format of the data that a verifier registered about itself (ETSI TS 119 472-2 §6.3).
const REGISTRAR_DATASET: &str = "registrar_dataset";
/// The most texts, and the most ways to reach somebody, that are kept.
const MOST: usize = 8;
/// The longest text that is shown to a holder, in characters.
const LONGEST_TEXT: usize = 500;
/// The longest link.
const LONGEST_LINK: usize = 2048;

/// What a verifier says of itself, and why it asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerifierStatement {
    /// Why it asks, in several languages or for several credentials.
    pub purposes: Vec<Worded>,
    /// Its privacy policy: an https URL.
    pub privacy_policy: Option<Contact>,
    /// Its terms of service: an https URL.
    pub terms: Option<Contact>,
    /// Where to ask it, also for the deletion of what it got.
    pub contacts: Vec<Contact>,
    /// Where to complain about it: its data protection authority.
    pub authorities: Vec<Contact>,
}

/// A text and its language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Worded {
    /// The text, of a length that a screen has room for, without characters that could disguise it.
    pub text: String,
    /// A BCP 47 tag, if it says.
    pub language: Option<String>,
}

/// A way to reach somebody, as a URI to open: a page over https, a mail address or a telephone number.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Contact(String);

impl Contact {
    /// Reads an https URL, a mail address or a telephone number; of everything else nothing.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.len() > LONGEST_LINK {
            return None;
        }
        Self::page(text).or_else(|| Self::mail(text)).or_else(|| Self::telephone(text))
    }

    /// Reads an https URL without credentials in it.
    fn page(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        // as it is written here it can be longer than it came, and it has to be read again
        let is_short = url.as_str().len() <= LONGEST_LINK;
        (is_short && super::Transport::HttpsOnly.allows(&url)).then(|| Self(url.into()))
    }

    fn mail(text: &str) -> Option<Self> {
        let address = text.strip_prefix("mailto:").unwrap_or(text);
        let (name, host) = address.split_once('@')?;
        // what could put a subject, a copy or a second address into the mail is none
        let plain = |part: &str, also: &[u8]| {
            !part.is_empty()
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || also.contains(&byte))
        };
        (plain(name, b".+-_") && plain(host, b".-")).then(|| Self(format!("mailto:{address}")))
    }

    fn telephone(text: &str) -> Option<Self> {
        let number = text.strip_prefix("tel:").unwrap_or(text);
        let kept: String = number.chars().filter(|one| !" -()./".contains(*one)).collect();
        let digits = kept.strip_prefix('+').unwrap_or(&kept);
        let is_number =
            (3..=15).contains(&digits.len()) && digits.bytes().all(|one| one.is_ascii_digit());
        is_number.then(|| Self(format!("tel:{kept}")))
    }

    /// The URI: `https:`, `mailto:` or `tel:`.
    #[must_use]
    pub fn uri(&self) -> &str {
        &self.0
    }
}

/// As people read it.
impl fmt::Display for Contact {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = ["mailto:", "tel:"].iter().find_map(|scheme| self.0.strip_prefix(scheme));
        out.write_str(shown.unwrap_or(&self.0))
    }
}

impl fmt::Debug for Contact {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Contact({})", self.0)
    }
}

impl TryFrom<String> for Contact {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("neither an https URL, a mail address nor a telephone number")
    }
}

impl From<Contact> for String {
    fn from(contact: Contact) -> Self {
        contact.0
    }
}

impl VerifierStatement {
    /// What a request says whose signature was checked; what cannot be read is as if it were not there.
    #[must_use]
    pub fn of_signed(info: &[VerifierInfo]) -> Self {
        let mut statement = Self::default();
        for data in info.iter().filter(|one| one.format == REGISTRAR_DATASET).map(|one| &one.data) {
            statement.purposes.extend(worded(data.get("purpose")));
            statement.contacts.extend(contacts(data.get("supportURI")));
            if let Some(authority) = data.get("supervisoryAuthority") {
                for name in ["uri", "infoURI", "email", "phone"] {
                    statement.authorities.extend(contacts(authority.get(name)));
                }
            }
            statement.privacy_policy =
                statement.privacy_policy.or_else(|| page(data.get("policyURI")));
        }
        statement.within_bounds()
    }

    /// What the wallet knows by registration (RFC 7591 §2), which goes before what the request says.
    #[must_use]
    pub fn with_registered(mut self, metadata: &Value) -> Self {
        let registered = contacts(metadata.get("contacts")).collect::<Vec<_>>();
        self.contacts.splice(0..0, registered);
        self.privacy_policy = page(metadata.get("policy_uri")).or(self.privacy_policy);
        self.terms = page(metadata.get("tos_uri")).or(self.terms);
        self.within_bounds()
    }

    fn within_bounds(mut self) -> Self {
        self.purposes.truncate(MOST);
        for contacts in [&mut self.contacts, &mut self.authorities] {
            contacts.dedup();
            contacts.truncate(MOST);
        }
        self
    }
}

/// Texts with their languages: one entry or a list of them, each a `content` (or `value`) with a `lang`.
fn worded(value: Option<&Value>) -> impl Iterator<Item = Worded> {
    let worded = |entry: &Value| {
        let text = entry.get("content").or_else(|| entry.get("value"))?.as_str()?;
        let text: String = text.chars().filter(|one| !disguises(*one)).take(LONGEST_TEXT).collect();
        let language = entry.get("lang").and_then(Value::as_str).map(str::to_owned);
        (!text.trim().is_empty()).then_some(Worded { text: text.trim().to_owned(), language })
    };
    each(value).iter().filter_map(worded)
}

/// Whether a character breaks lines, or changes the direction of what stands around it.
fn disguises(one: char) -> bool {
    matches!(one, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
        || one.is_control()
}

/// One text or a list of them, each a way to reach somebody.
fn contacts(value: Option<&Value>) -> impl Iterator<Item = Contact> {
    each(value).iter().filter_map(|entry| Contact::parse(entry.as_str()?))
}

/// The first that is a page.
fn page(value: Option<&Value>) -> Option<Contact> {
    each(value).iter().find_map(|entry| Contact::page(entry.as_str()?))
}

/// A value, or what is in the list that it is.
fn each(value: Option<&Value>) -> &[Value] {
    match value {
        Some(Value::Array(entries)) => entries,
        Some(value) => std::slice::from_ref(value),
        None => &[],
    }
}

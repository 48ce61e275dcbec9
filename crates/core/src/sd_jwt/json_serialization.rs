//! The JSON serializations (RFC 9901 §8).

use std::fmt;

use serde_json::Value;
use thiserror::Error;

use crate::json::{self, JsonError, Object};

/// An SD-JWT that arrived as JSON, flattened or general; nothing in it is trusted.
///
/// It is rewritten in the compact serialization, which `sd_hash` is defined over, and verified as such.
///
/// ```
/// # use lanyard_core::sd_jwt::{SdJwtJson, UnverifiedSdJwt};
/// # fn parse(received: &str) -> Result<(), Box<dyn std::error::Error>> {
/// let json = SdJwtJson::parse(received.as_bytes())?;
/// let sd_jwt = UnverifiedSdJwt::parse(json.as_compact())?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct SdJwtJson {
    compact: String,
    key_id: Option<String>,
    further: Vec<String>,
}

/// Why a JSON serialization cannot be read or written.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum JsonSerializationError {
    /// Not strict JSON.
    #[error("the JSON serialization cannot be read: {0}")]
    Unreadable(#[from] JsonError),
    /// `payload`, `protected` or `signature` is missing or not text, or a part holds a separator.
    #[error("a part of the JWS is missing or malformed")]
    Part,
    /// The members of the flattened and of the general form are mixed.
    #[error("flattened and general form are mixed")]
    MixedForms,
    /// `signatures` is not a non-empty array.
    #[error("there is no signature")]
    NoSignature,
    /// An unprotected header is not an object, or has members that belong under the signature.
    #[error("an unprotected header has a member that does not belong there")]
    UnprotectedHeader,
    /// `disclosures` is not an array of text, or `kb_jwt` is not text.
    #[error("disclosures or kb_jwt have the wrong type")]
    Attachment,
    /// `disclosures` or `kb_jwt` are in another header than the first.
    #[error("disclosures or kb_jwt are not in the first unprotected header")]
    MisplacedAttachment,
    /// What is to be written is not an SD-JWT in the compact serialization.
    #[error("not a compact SD-JWT")]
    NotCompact,
}

impl SdJwtJson {
    /// Reads either form.
    ///
    /// # Errors
    /// One [`JsonSerializationError`] per rule.
    pub fn parse(received: &[u8]) -> Result<Self, JsonSerializationError> {
        let members = json::parse_object(received)?;
        let payload = part(&members, "payload")?;
        // RFC 7515 §7.2.2: the flattened form has no `signatures`, and the general form nothing else
        let Some(signatures) = members.get("signatures") else {
            let first = Signature::read(&members)?;
            return first.attach(payload, Vec::new());
        };
        if ["protected", "header", "signature"].iter().any(|name| members.contains_key(*name)) {
            return Err(JsonSerializationError::MixedForms);
        }
        let signatures = signatures.as_array().ok_or(JsonSerializationError::NoSignature)?;
        let read = |signature: &Value| {
            Signature::read(signature.as_object().ok_or(JsonSerializationError::Part)?)
        };
        let mut signatures =
            signatures.iter().map(read).collect::<Result<Vec<_>, _>>()?.into_iter();
        let first = signatures.next().ok_or(JsonSerializationError::NoSignature)?;
        let further: Vec<_> = signatures.collect();
        // RFC 9901 §8.1: they are in the first unprotected header and in no other
        if further.iter().any(|one| !one.disclosures.is_empty() || one.kb_jwt.is_some()) {
            return Err(JsonSerializationError::MisplacedAttachment);
        }
        let further = further.iter().map(|signature| signature.jws(&payload)).collect();
        first.attach(payload, further)
    }

    /// The compact serialization over the first signature.
    pub fn as_compact(&self) -> &str {
        &self.compact
    }

    /// `kid` from the first unprotected header: a hint that nobody signed.
    pub fn unprotected_key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// Further signatures over the same payload, each as a compact JWS.
    ///
    /// Only the first signature is verified with the SD-JWT; these prove nothing until someone verifies
    /// them.
    pub fn further_signatures(&self) -> &[String] {
        &self.further
    }

    /// Writes a compact SD-JWT in the flattened form.
    ///
    /// # Errors
    /// [`JsonSerializationError::NotCompact`].
    pub fn flatten(compact: &str) -> Result<Value, JsonSerializationError> {
        let mut parts = compact.split('~');
        let jws: Vec<_> = parts.next().unwrap_or_default().split('.').collect();
        let [protected, payload, signature] = jws[..] else {
            return Err(JsonSerializationError::NotCompact);
        };
        let kb_jwt = parts.next_back().ok_or(JsonSerializationError::NotCompact)?;
        let mut header = Object::new();
        header.insert("disclosures".to_owned(), parts.collect());
        if !kb_jwt.is_empty() {
            header.insert("kb_jwt".to_owned(), kb_jwt.into());
        }
        Ok(Value::Object(Object::from_iter([
            ("payload".to_owned(), payload.into()),
            ("protected".to_owned(), protected.into()),
            ("header".to_owned(), Value::Object(header)),
            ("signature".to_owned(), signature.into()),
        ])))
    }
}

struct Signature {
    protected: String,
    signature: String,
    disclosures: Vec<String>,
    kb_jwt: Option<String>,
    key_id: Option<String>,
}

impl Signature {
    fn read(members: &Object) -> Result<Self, JsonSerializationError> {
        let none = Object::new();
        let header = match members.get("header") {
            None => &none,
            Some(header) => header.as_object().ok_or(JsonSerializationError::UnprotectedHeader)?,
        };
        // RFC 8725 §3.1: nothing that decides how to verify is read from where nobody signed
        if ["alg", "crit", "typ", "jwk", "x5c"].iter().any(|name| header.contains_key(*name)) {
            return Err(JsonSerializationError::UnprotectedHeader);
        }
        let text = |name| match header.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(JsonSerializationError::Attachment),
        };
        let disclosures = match header.get("disclosures") {
            None => Vec::new(),
            Some(Value::Array(disclosures)) => {
                disclosures.iter().map(attachment).collect::<Result<_, _>>()?
            }
            Some(_) => return Err(JsonSerializationError::Attachment),
        };
        let kb_jwt = header.get("kb_jwt").map(attachment).transpose()?;
        Ok(Self {
            protected: part(members, "protected")?,
            signature: part(members, "signature")?,
            disclosures,
            kb_jwt,
            key_id: text("kid")?,
        })
    }

    fn jws(&self, payload: &str) -> String {
        [&self.protected, payload, &self.signature].join(".")
    }

    /// RFC 9901 §8.1: the compact form, rebuilt, is what `sd_hash` covers.
    fn attach(
        self,
        payload: String,
        further: Vec<String>,
    ) -> Result<SdJwtJson, JsonSerializationError> {
        let mut compact = self.jws(&payload);
        compact.push('~');
        for disclosure in &self.disclosures {
            compact.push_str(disclosure);
            compact.push('~');
        }
        compact.push_str(self.kb_jwt.as_deref().unwrap_or_default());
        Ok(SdJwtJson { compact, key_id: self.key_id, further })
    }
}

/// A part that fits between the dots and tildes of the compact form.
fn part(members: &Object, name: &str) -> Result<String, JsonSerializationError> {
    match members.get(name) {
        Some(Value::String(text)) if !text.contains(['.', '~']) => Ok(text.clone()),
        _ => Err(JsonSerializationError::Part),
    }
}

fn attachment(value: &Value) -> Result<String, JsonSerializationError> {
    match value {
        Value::String(text) if !text.is_empty() && !text.contains('~') => Ok(text.clone()),
        _ => Err(JsonSerializationError::Attachment),
    }
}

impl fmt::Debug for SdJwtJson {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "SdJwtJson({} further signatures)", self.further.len())
    }
}

//! The JOSE header, read once and strictly.

use base64::Engine as _;
use serde_json::Value;
use thiserror::Error;

use super::{HeaderKey, Jwk, JwkError};
use crate::json::{self, JsonError, Object};

/// Why a JOSE header was refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum HeaderError {
    /// The header is not a base64url-encoded strict JSON object.
    #[error("the header cannot be read: {0}")]
    Unreadable(#[from] JsonError),
    /// Longer than any header in this field.
    #[error("the header is too long")]
    TooLong,
    /// The header is not base64url.
    #[error("the header is not base64url")]
    NotBase64Url,
    /// `alg` is missing or not a string.
    #[error("the header has no alg")]
    AlgorithmMissing,
    /// A member has the wrong JSON type.
    #[error("the header member {0} has the wrong type")]
    WrongType(&'static str),
    /// `crit` or `b64` asks for an extension; none is understood here.
    #[error("the header demands an extension by crit")]
    CriticalExtension,
    /// `jku` or `x5u`: a key by URL is never fetched.
    #[error("the header points to a key by URL ({0})")]
    KeyByUrl(&'static str),
    /// The `jwk` is not an acceptable public key.
    #[error("the header's jwk is refused: {0}")]
    Jwk(#[from] JwkError),
    /// `kid` or `typ` is longer than any name, or has control characters in it.
    #[error("the header member {0} is no name")]
    NotAName(&'static str),
    /// The `x5c` is empty, too long or not base64 of DER.
    #[error("the header's x5c cannot be read")]
    CertificateChain,
}

/// The members of a JOSE header that any slot here can use.
#[derive(Clone, Debug)]
pub struct JoseHeader {
    /// `alg`, as written: whether it is allowed is the slot's decision.
    pub alg: String,
    /// `typ`.
    pub typ: Option<String>,
    /// `kid`.
    pub kid: Option<String>,
    /// `jwk`, a public key.
    pub jwk: Option<Jwk>,
    /// `x5c`, DER certificates, leaf first.
    pub x5c: Option<Vec<Vec<u8>>>,
    /// Every other member, as it was read.
    pub members: Object,
}

/// The longest certificate chain a header may carry.
const MAX_CERTIFICATES: usize = 6;

/// The longest encoded header: six certificates and a handful of members.
const MAX_LENGTH: usize = 64 << 10;

/// The longest `kid` or `typ`: a DID URL.
const MAX_NAME: usize = 4096;

impl JoseHeader {
    /// Reads the encoded header of a JWS or JWE.
    ///
    /// # Errors
    /// One [`HeaderError`] per rule.
    pub fn parse(encoded: &str) -> Result<Self, HeaderError> {
        if encoded.len() > MAX_LENGTH {
            return Err(HeaderError::TooLong);
        }
        let bytes = json::base64url_decode(encoded).map_err(|_| HeaderError::NotBase64Url)?;
        Self::from_members(json::parse_object(&bytes)?)
    }

    /// Takes the members of a header that was not encoded (JSON serializations).
    ///
    /// # Errors
    /// One [`HeaderError`] per rule.
    pub fn from_members(members: Object) -> Result<Self, HeaderError> {
        let (mut alg, mut typ, mut kid, mut jwk, mut x5c) = (None, None, None, None, None);
        let mut others = Object::new();
        for (name, value) in members {
            match (name.as_str(), value) {
                ("alg", Value::String(name)) => alg = Some(name),
                ("typ", value) => typ = Some(self::name("typ", value)?),
                ("kid", value) => kid = Some(self::name("kid", value)?),
                ("jwk", value) => jwk = Some(Jwk::from_value(&value)?),
                ("x5c", value) => x5c = Some(certificates(&value)?),
                // RFC 7515 §4.1.11: an extension that is not understood refuses the JWS; none is
                ("crit" | "b64", _) => return Err(HeaderError::CriticalExtension),
                // RFC 8725 §3.10: what is named by URL is never fetched, so it is not accepted either
                ("jku", _) => return Err(HeaderError::KeyByUrl("jku")),
                ("x5u", _) => return Err(HeaderError::KeyByUrl("x5u")),
                (_, value) => {
                    others.insert(name, value);
                }
            }
        }
        let alg = alg.ok_or(HeaderError::AlgorithmMissing)?;
        Ok(Self { alg, typ, kid, jwk, x5c, members: others })
    }

    /// The key-naming parameters that are present.
    pub fn header_keys(&self) -> impl Iterator<Item = HeaderKey> + use<> {
        let jwk = self.jwk.is_some().then_some(HeaderKey::Jwk);
        let kid = self.kid.is_some().then_some(HeaderKey::Kid);
        let x5c = self.x5c.is_some().then_some(HeaderKey::X5c);
        [jwk, kid, x5c].into_iter().flatten()
    }
}

fn name(member: &'static str, value: Value) -> Result<String, HeaderError> {
    match value {
        // RFC 8725 §3.10: a name from a header is data, whatever it is later compared with or logged to
        Value::String(text) if text.len() > MAX_NAME || text.contains(char::is_control) => {
            Err(HeaderError::NotAName(member))
        }
        Value::String(text) => Ok(text),
        _ => Err(HeaderError::WrongType(member)),
    }
}

fn certificates(value: &Value) -> Result<Vec<Vec<u8>>, HeaderError> {
    // RFC 7515 §4.1.6: an array of base64 (not base64url) DER, leaf first
    let chain = value.as_array().ok_or(HeaderError::CertificateChain)?;
    if chain.is_empty() || chain.len() > MAX_CERTIFICATES {
        return Err(HeaderError::CertificateChain);
    }
    let decode = |certificate: &Value| {
        let text = certificate.as_str().ok_or(HeaderError::CertificateChain)?;
        base64::engine::general_purpose::STANDARD
            .decode(text)
            .map_err(|_| HeaderError::CertificateChain)
    };
    chain.iter().map(decode).collect()
}

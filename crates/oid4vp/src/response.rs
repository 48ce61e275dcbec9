//! The authorization response (OID4VP 1.0 §8): a form, or a form with one encrypted token.

use std::collections::BTreeMap;

use lanyard_core::{
    crypto::{ContentEncryption, CryptoError, CryptoProvider, PrivateKey},
    jose::{JweError, UnopenedJwe},
    json::{self, JsonError, Object},
    mdoc::{AnnexCError, MdocError},
};
use serde_json::{Value, json};
use thiserror::Error;
use url::Url;

use crate::{ErrorCode, State, request::Delivery};

/// The most members a response form may have.
const MAX_MEMBERS: usize = 32;

/// A response ready to be sent: one POST, no redirects followed (§14.7).
#[derive(Clone, PartialEq, Eq)]
pub struct AuthorizationResponse {
    /// Where to post it.
    pub response_uri: Url,
    /// The body, `application/x-www-form-urlencoded`.
    pub body: String,
}

/// What a response says, in either direction.
#[derive(Clone, PartialEq)]
pub enum ResponseContent {
    /// Presentations by the id of their credential query.
    VpToken(VpToken),
    /// The wallet does not answer.
    Error(ErrorCode),
}

/// The presentations of a response (§8.1): for each credential query one or more.
pub type VpToken = BTreeMap<String, Vec<Value>>;

/// Why a response cannot be read; nothing was verified yet.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ResponseError {
    /// Not a form, or a parameter twice.
    #[error("the response is not a form")]
    Form,
    /// A parameter that is JSON is not.
    #[error("the response has a parameter that cannot be read: {0}")]
    Json(#[from] JsonError),
    /// An encrypted response was asked for.
    #[error("the response is not encrypted")]
    NotEncrypted,
    /// No encrypted response was asked for.
    #[error("the response is encrypted although no key was offered")]
    EncryptionNotAskedFor,
    /// The token is encrypted to another key, or broken.
    #[error("the response does not decrypt: {0}")]
    Encryption(#[from] JweError),
    /// An answer in the way of ISO/IEC 18013-7 Annex C that is none.
    #[error("the response is no EncryptedResponse: {0}")]
    EncryptedResponse(#[from] AnnexCError),
    /// The same, encrypted to another key or for another exchange, or broken.
    #[error("the response does not decrypt: {0}")]
    Sealed(CryptoError),
    /// What was in it is no DeviceResponse.
    #[error("the response has no DeviceResponse in it: {0}")]
    DeviceResponse(#[from] MdocError),
    /// Neither `vp_token` nor `error`, or both.
    #[error("the response has neither a vp_token nor an error")]
    Content,
    /// `vp_token` is not an object of non-empty arrays.
    #[error("vp_token is not an object of arrays")]
    VpToken,
}

impl AuthorizationResponse {
    /// Puts a response together (§8.2, §8.3.1).
    ///
    /// # Errors
    /// [`JweError`] when the verifier's key cannot be encrypted to.
    pub(crate) fn new(
        response_uri: &Url,
        delivery: &Delivery,
        state: Option<&State>,
        content: &ResponseContent,
        provider: &dyn CryptoProvider,
    ) -> Result<Self, JweError> {
        let mut members = Object::new();
        match content {
            ResponseContent::VpToken(token) => members.insert("vp_token".to_owned(), json!(token)),
            ResponseContent::Error(code) => members.insert("error".to_owned(), json!(code)),
        };
        if let Some(state) = state {
            members.insert("state".to_owned(), json!(state));
        }
        let form: Vec<(String, String)> = match delivery {
            // OID4VP 1.0 §8.1: in a form, vp_token is JSON text
            Delivery::Plain => members
                .into_iter()
                .map(|(name, value)| match value {
                    Value::String(text) => (name, text),
                    other => (name, other.to_string()),
                })
                .collect(),
            // OID4VP 1.0 §8.3: the parameters are top-level members of an encrypted, unsigned JWT
            Delivery::Encrypted(recipient) => {
                let plaintext = Value::Object(members).to_string();
                let token = recipient.encrypt(plaintext.as_bytes(), None, provider)?;
                vec![("response".to_owned(), token)]
            }
        };
        let body = serde_urlencoded::to_string(form).expect("pairs of texts make a form");
        Ok(Self { response_uri: response_uri.clone(), body })
    }
}

impl std::fmt::Debug for AuthorizationResponse {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "AuthorizationResponse({} bytes)", self.body.len())
    }
}

impl std::fmt::Debug for ResponseContent {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::VpToken(token) => write!(out, "VpToken({:?})", token.keys()),
            Self::Error(code) => write!(out, "Error({code})"),
        }
    }
}

/// A response as it came in, decrypted; its state is still to be compared.
pub(crate) struct ReceivedResponse {
    pub(crate) state: Option<String>,
    pub(crate) content: ResponseContent,
}

impl ReceivedResponse {
    /// Reads the body of a POST to the response URI.
    ///
    /// `key` is the private half of the key that was offered for this one request, if any.
    pub(crate) fn read(
        body: &[u8],
        key: Option<&PrivateKey>,
        provider: &dyn CryptoProvider,
    ) -> Result<Self, ResponseError> {
        let mut form = form(body)?;
        let members = match (form.remove("response"), key) {
            (Some(_), None) => return Err(ResponseError::EncryptionNotAskedFor),
            (Some(token), Some(key)) => {
                // HAIP §5: both content encryption algorithms were listed
                let jwe = UnopenedJwe::parse(&token)?;
                let plaintext = jwe.open(key, ContentEncryption::ALL, provider)?;
                json::parse_object(&plaintext)?
            }
            // OID4VP 1.0 §8.3.1: only an error may come without the encryption that was asked for
            (None, Some(_)) if !form.contains_key("error") || form.contains_key("vp_token") => {
                return Err(ResponseError::NotEncrypted);
            }
            (None, _) => plain(form)?,
        };
        Self::from_members(members)
    }

    /// Reads the `data` of an answer through the Digital Credentials API (App. A.4).
    pub(crate) fn read_data(
        data: &Value,
        key: Option<&PrivateKey>,
        provider: &dyn CryptoProvider,
    ) -> Result<ResponseContent, ResponseError> {
        let members = data.as_object().ok_or(ResponseError::Form)?;
        let members = match (members.get("response").and_then(Value::as_str), key) {
            (Some(_), None) => return Err(ResponseError::EncryptionNotAskedFor),
            (Some(token), Some(key)) => {
                let jwe = UnopenedJwe::parse(token)?;
                json::parse_object(&jwe.open(key, ContentEncryption::ALL, provider)?)?
            }
            // OID4VP 1.0 §8.3: only an error may come without the encryption that was asked for
            (None, Some(_)) if !members.contains_key("error") => {
                return Err(ResponseError::NotEncrypted);
            }
            (None, _) => members.clone(),
        };
        Ok(Self::from_members(members)?.content)
    }

    fn from_members(mut members: Object) -> Result<Self, ResponseError> {
        let state = match members.remove("state") {
            None => None,
            Some(Value::String(state)) => Some(state),
            Some(_) => return Err(ResponseError::Content),
        };
        let content = match (members.remove("vp_token"), members.get("error")) {
            (Some(token), None) => ResponseContent::VpToken(vp_token(token)?),
            (None, Some(Value::String(code))) => {
                // OID4VP 1.0 §8.5, RFC 6749 §4.1.2.1: whatever the code, the wallet does not answer
                ResponseContent::Error(ErrorCode::from_text(code).unwrap_or(ErrorCode::Other))
            }
            _ => return Err(ResponseError::Content),
        };
        Ok(Self { state, content })
    }
}

fn form(body: &[u8]) -> Result<BTreeMap<String, String>, ResponseError> {
    let pairs: Vec<(String, String)> =
        serde_urlencoded::from_bytes(body).map_err(|_| ResponseError::Form)?;
    if pairs.len() > MAX_MEMBERS {
        return Err(ResponseError::Form);
    }
    let mut form = BTreeMap::new();
    for (name, value) in pairs {
        // RFC 6749 §3.2: parameters MUST NOT be included more than once
        if form.insert(name, value).is_some() {
            return Err(ResponseError::Form);
        }
    }
    Ok(form)
}

fn plain(form: BTreeMap<String, String>) -> Result<Object, ResponseError> {
    let mut members = Object::new();
    for (name, text) in form {
        let value = match name.as_str() {
            "vp_token" => json::parse(text.as_bytes())?,
            _ => Value::String(text),
        };
        members.insert(name, value);
    }
    Ok(members)
}

fn vp_token(value: Value) -> Result<VpToken, ResponseError> {
    // OID4VP 1.0 §8.1: an object; each value is an array of one or more presentations
    let Value::Object(entries) = value else { return Err(ResponseError::VpToken) };
    let presentations = |(id, value): (String, Value)| match value {
        Value::Array(presentations) if !presentations.is_empty() => Ok((id, presentations)),
        _ => Err(ResponseError::VpToken),
    };
    entries.into_iter().map(presentations).collect()
}

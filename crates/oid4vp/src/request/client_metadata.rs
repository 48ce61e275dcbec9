//! What a verifier says about itself in `client_metadata` (OID4VP 1.0 §5.1, §11.1).

use std::collections::HashSet;

use lanyard_core::{
    crypto::{ContentEncryption, Curve},
    jose::{EncryptionRecipient, Jwk},
    json::Object,
};
use serde_json::{Value, json};

use super::RequestError;
use crate::{
    TakenFormats,
    dcql::{DcqlQuery, RequestedFormat},
    formats,
};

/// The key management algorithm of every response key (HAIP §5).
pub(crate) const KEY_AGREEMENT: &str = "ECDH-ES";

/// The verifier's metadata, as far as anything here depends on it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClientMetadata {
    /// Keys a response can be encrypted to; those that cannot be used are left out.
    pub encryption_keys: Vec<Jwk>,
    /// The content encryption algorithms on offer that are supported here, the best first.
    pub content_encryption: Vec<ContentEncryption>,
    /// The formats the verifier takes; `None` when it does not say.
    pub formats: Option<TakenFormats>,
}

impl ClientMetadata {
    /// Reads the metadata; unknown members are ignored.
    ///
    /// # Errors
    /// [`RequestError::Unreadable`] and [`RequestError::DuplicateKeyId`].
    pub fn from_value(value: &Value) -> Result<Self, RequestError> {
        let unreadable = || RequestError::Unreadable("client_metadata");
        let members = value.as_object().ok_or_else(unreadable)?;
        let formats = match members.get("vp_formats_supported") {
            None => None,
            Some(formats) => Some(
                TakenFormats::from_value(formats)
                    .ok_or(RequestError::Unreadable("vp_formats_supported"))?,
            ),
        };
        Ok(Self {
            encryption_keys: encryption_keys(members)?,
            content_encryption: content_encryption(members)?,
            formats,
        })
    }

    /// Chooses whom to encrypt the response to.
    ///
    /// # Errors
    /// [`RequestError::NoEncryptionKey`] and [`RequestError::NoContentEncryption`].
    pub fn recipient(&self) -> Result<EncryptionRecipient, RequestError> {
        let jwk = self.encryption_keys.first().ok_or(RequestError::NoEncryptionKey)?.clone();
        let enc = self.content_encryption.first().ok_or(RequestError::NoContentEncryption)?;
        Ok(EncryptionRecipient { jwk, enc: *enc })
    }

    /// Whether the verifier says that it does not take a format.
    #[must_use]
    pub fn excludes(&self, format: &RequestedFormat) -> bool {
        self.formats.as_ref().is_some_and(|formats| !formats.has(format.identifier()))
    }
}

/// The metadata a verifier of ours sends, generated from what it enforces.
///
/// Of the formats only those that the query asks for: the rest would make a link too long for a QR code.
pub(crate) fn own(query: &DcqlQuery, encryption_key: Option<&Jwk>) -> Value {
    let asked = query.credentials().iter().filter_map(|credential| credential.format.format());
    let mut metadata = json!({ "vp_formats_supported": formats::supported(asked) });
    if let Some(key) = encryption_key {
        let key = Jwk {
            alg: Some(KEY_AGREEMENT.to_owned()),
            key_use: Some("enc".to_owned()),
            ..key.clone()
        };
        metadata["jwks"] = json!({ "keys": [key] });
        // HAIP §5: a verifier lists both; A128GCM first, since some wallets take the first
        let both = [ContentEncryption::A128Gcm, ContentEncryption::A256Gcm];
        metadata["encrypted_response_enc_values_supported"] =
            both.iter().map(|enc| enc.name()).collect();
    }
    metadata
}

fn encryption_keys(members: &Object) -> Result<Vec<Jwk>, RequestError> {
    let Some(jwks) = members.get("jwks") else { return Ok(Vec::new()) };
    let keys =
        jwks.get("keys").and_then(Value::as_array).ok_or(RequestError::Unreadable("jwks"))?;
    // OID4VP 1.0 §5.1: the kid is unique within the request
    let mut ids = HashSet::new();
    if !keys.iter().filter_map(|key| key.get("kid")?.as_str()).all(|kid| ids.insert(kid)) {
        return Err(RequestError::DuplicateKeyId);
    }
    // OID4VP 1.0 §5.1: each has a kid and an alg
    let named = |key: &Jwk| key.kid.is_some() && key.alg.is_some();
    let keys = keys.iter().filter_map(|key| Jwk::from_value(key).ok());
    Ok(keys.filter(named).filter(takes_encryption).collect())
}

/// OID4VP 1.0 §8.3: by kty, use and alg; a key of another kind or for another use is left alone.
pub(crate) fn takes_encryption(key: &Jwk) -> bool {
    let is_for = |said: &Option<String>, what| said.as_deref().is_none_or(|said| said == what);
    key.curve() == Curve::P256 && is_for(&key.alg, KEY_AGREEMENT) && is_for(&key.key_use, "enc")
}

fn content_encryption(members: &Object) -> Result<Vec<ContentEncryption>, RequestError> {
    const NAME: &str = "encrypted_response_enc_values_supported";
    // OID4VP 1.0 §5.1: A128GCM when nothing is said
    let Some(offered) = members.get(NAME) else { return Ok(vec![ContentEncryption::A128Gcm]) };
    let offered = offered.as_array().ok_or(RequestError::Unreadable(NAME))?;
    let supported = ContentEncryption::ALL.iter().copied();
    Ok(supported.filter(|enc| offered.iter().any(|name| name == enc.name())).collect())
}

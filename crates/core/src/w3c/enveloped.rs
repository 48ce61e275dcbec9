//! Secured documents inside other documents, as `data:` URLs (VCDM 2.0 §4.13).

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;
use thiserror::Error;

use super::{
    BASE_CONTEXT,
    members::{set, types_of},
};
use crate::json::Object;

/// The type of an envelope around a credential.
pub(super) const CREDENTIAL: &str = "EnvelopedVerifiableCredential";

/// The type of an envelope around a presentation.
pub(super) const PRESENTATION: &str = "EnvelopedVerifiablePresentation";

/// A credential in an envelope that secures it: nothing in it was looked at.
#[derive(Clone, PartialEq, Eq)]
pub struct EnvelopedCredential(DataUrl);

/// A presentation in an envelope that secures it: nothing in it was looked at.
#[derive(Clone, PartialEq, Eq)]
pub struct EnvelopedPresentation(DataUrl);

/// What is in the envelope of a credential, by its media type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecuredCredential<'e> {
    /// `application/vc+jwt`: a compact JWS.
    Jwt(&'e str),
    /// `application/vc+sd-jwt`: an SD-JWT.
    SdJwt(&'e str),
    /// `application/vc+cose`: a COSE_Sign1.
    Cose(Vec<u8>),
}

/// What is in the envelope of a presentation, by its media type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecuredPresentation<'e> {
    /// `application/vp+jwt`: a compact JWS.
    Jwt(&'e str),
    /// `application/vp+cose`: a COSE_Sign1.
    Cose(Vec<u8>),
}

/// Why an envelope is refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum EnvelopeError {
    /// Its `@context` does not include that of the data model.
    #[error("the envelope's @context does not include that of the data model")]
    Context,
    /// Its `type` is not exactly that of an envelope.
    #[error("the envelope's type is another")]
    Type,
    /// Its `id` is not a `data:` URL.
    #[error("the envelope's id is not a data: URL")]
    NotADataUrl,
    /// The media type of its content is none that is read here.
    #[error("the envelope's content has an unknown media type")]
    MediaType,
    /// Its content is binary and not encoded as base64.
    #[error("the envelope's content is not base64")]
    Encoding,
}

impl EnvelopeError {
    /// The stable reason code, for operators.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Context => "envelope_context",
            Self::Type => "envelope_type",
            Self::NotADataUrl => "envelope_not_a_data_url",
            Self::MediaType => "envelope_media_type",
            Self::Encoding => "envelope_encoding",
        }
    }
}

impl EnvelopedCredential {
    /// Puts a compact JWS of type `vc+jwt` into an envelope.
    pub fn around_jwt(jwt: &str) -> Self {
        Self(DataUrl::new("application/vc+jwt", jwt))
    }

    /// Puts an SD-JWT of type `vc+sd-jwt` into an envelope.
    pub fn around_sd_jwt(sd_jwt: &str) -> Self {
        Self(DataUrl::new("application/vc+sd-jwt", sd_jwt))
    }

    /// Puts a COSE_Sign1 of type `application/vc+cose` into an envelope.
    pub fn around_cose(bytes: &[u8]) -> Self {
        Self(DataUrl::of_bytes("application/vc+cose", bytes))
    }

    /// Reads an envelope; whatever else is in the object is not signed and counts for nothing.
    ///
    /// # Errors
    /// [`EnvelopeError::Context`], [`EnvelopeError::Type`] and [`EnvelopeError::NotADataUrl`].
    pub fn parse(object: &Object) -> Result<Self, EnvelopeError> {
        parse(object, CREDENTIAL).map(Self)
    }

    /// What is in it.
    ///
    /// # Errors
    /// [`EnvelopeError::MediaType`] and [`EnvelopeError::Encoding`].
    pub fn open(&self) -> Result<SecuredCredential<'_>, EnvelopeError> {
        let DataUrl { media_type, encoding, data } = &self.0;
        match (media_type.as_str(), encoding) {
            ("application/vc+jwt", Encoding::None) => Ok(SecuredCredential::Jwt(data)),
            ("application/vc+sd-jwt", Encoding::None) => Ok(SecuredCredential::SdJwt(data)),
            ("application/vc+cose", Encoding::Base64) => Ok(SecuredCredential::Cose(decode(data)?)),
            // VC-JOSE-COSE §3.3.1: what COSE secured MUST be encoded as base64
            ("application/vc+cose", _) => Err(EnvelopeError::Encoding),
            _ => Err(EnvelopeError::MediaType),
        }
    }

    /// The envelope as an object for `verifiableCredential`.
    pub fn to_object(&self) -> Object {
        self.0.to_object(CREDENTIAL)
    }
}

impl EnvelopedPresentation {
    /// Puts a compact JWS of type `vp+jwt` into an envelope.
    pub fn around_jwt(jwt: &str) -> Self {
        Self(DataUrl::new("application/vp+jwt", jwt))
    }

    /// Puts a COSE_Sign1 of type `application/vp+cose` into an envelope.
    pub fn around_cose(bytes: &[u8]) -> Self {
        Self(DataUrl::of_bytes("application/vp+cose", bytes))
    }

    /// Reads an envelope; whatever else is in the object is not signed and counts for nothing.
    ///
    /// # Errors
    /// [`EnvelopeError::Context`], [`EnvelopeError::Type`] and [`EnvelopeError::NotADataUrl`].
    pub fn parse(object: &Object) -> Result<Self, EnvelopeError> {
        parse(object, PRESENTATION).map(Self)
    }

    /// What is in it.
    ///
    /// # Errors
    /// [`EnvelopeError::MediaType`] and [`EnvelopeError::Encoding`].
    pub fn open(&self) -> Result<SecuredPresentation<'_>, EnvelopeError> {
        let DataUrl { media_type, encoding, data } = &self.0;
        match (media_type.as_str(), encoding) {
            ("application/vp+jwt", Encoding::None) => Ok(SecuredPresentation::Jwt(data)),
            ("application/vp+cose", Encoding::Base64) => {
                Ok(SecuredPresentation::Cose(decode(data)?))
            }
            // VC-JOSE-COSE §3.3.2: what COSE secured MUST be encoded as base64
            ("application/vp+cose", _) => Err(EnvelopeError::Encoding),
            _ => Err(EnvelopeError::MediaType),
        }
    }

    /// The envelope as a document of its own.
    pub fn to_object(&self) -> Object {
        self.0.to_object(PRESENTATION)
    }
}

/// Whether an object says that it is an envelope around a credential.
pub(super) fn is_enveloped_credential(object: &Object) -> bool {
    types_of(object).any(|name| name == CREDENTIAL)
}

/// Whether an object says that it is an envelope around a presentation.
pub(super) fn is_enveloped_presentation(object: &Object) -> bool {
    types_of(object).any(|name| name == PRESENTATION)
}

fn parse(object: &Object, kind: &str) -> Result<DataUrl, EnvelopeError> {
    // VCDM 2.0 §4.13.1: the type is that of an envelope, and no other beside it
    let types = object.get("type").map_or(&[][..], set);
    if types.len() != 1 || types.first().and_then(Value::as_str) != Some(kind) {
        return Err(EnvelopeError::Type);
    }
    // VCDM 2.0 §4.13.1: @context includes one that defines id, type and the envelope
    let contexts = object.get("@context").map_or(&[][..], set);
    if !contexts.iter().any(|context| context == BASE_CONTEXT) {
        return Err(EnvelopeError::Context);
    }
    let id = object.get("id").and_then(Value::as_str).ok_or(EnvelopeError::NotADataUrl)?;
    DataUrl::parse(id).ok_or(EnvelopeError::NotADataUrl)
}

fn decode(data: &str) -> Result<Vec<u8>, EnvelopeError> {
    STANDARD.decode(data).map_err(|_| EnvelopeError::Encoding)
}

/// A `data:` URL (RFC 2397).
#[derive(Clone, PartialEq, Eq)]
struct DataUrl {
    /// In lower case, without parameters.
    media_type: String,
    encoding: Encoding,
    data: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Encoding {
    None,
    Base64,
    /// Parameters that stand for something else.
    Unknown,
}

impl DataUrl {
    fn new(media_type: &str, data: &str) -> Self {
        Self { media_type: media_type.to_owned(), encoding: Encoding::None, data: data.to_owned() }
    }

    fn of_bytes(media_type: &str, bytes: &[u8]) -> Self {
        let (media_type, data) = (media_type.to_owned(), STANDARD.encode(bytes));
        Self { media_type, encoding: Encoding::Base64, data }
    }

    fn parse(text: &str) -> Option<Self> {
        // RFC 2397 §3: "data:" [ mediatype ] [ ";base64" ] "," data
        let (scheme, rest) = text.split_once(':')?;
        let (description, data) = rest.split_once(',')?;
        let (media_type, parameters) = description.split_once(';').unwrap_or((description, ""));
        let encoding = match parameters {
            "" => Encoding::None,
            "base64" => Encoding::Base64,
            _ => Encoding::Unknown,
        };
        let media_type = media_type.to_ascii_lowercase();
        let is_data_url = scheme.eq_ignore_ascii_case("data") && !data.is_empty();
        is_data_url.then(|| Self { media_type, encoding, data: data.to_owned() })
    }

    fn to_object(&self, kind: &str) -> Object {
        let base64 = if self.encoding == Encoding::Base64 { ";base64" } else { "" };
        let id = format!("data:{}{base64},{}", self.media_type, self.data);
        Object::from_iter([
            ("@context".to_owned(), BASE_CONTEXT.into()),
            ("id".to_owned(), id.into()),
            ("type".to_owned(), kind.into()),
        ])
    }
}

impl fmt::Debug for EnvelopedCredential {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "EnvelopedCredential({})", self.0.media_type)
    }
}

impl fmt::Debug for EnvelopedPresentation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "EnvelopedPresentation({})", self.0.media_type)
    }
}

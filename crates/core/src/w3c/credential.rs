//! A credential by the rules of the data model (VCDM 2.0 §4).

use std::{fmt, ops::Deref};

use serde_json::Value;
use thiserror::Error;

use super::{
    BASE_CONTEXT, CredentialDocument, CredentialFault, RelatedResource, RelatedResourceFault,
    date_time_stamp, language, related_resource,
};
use crate::{
    Timestamp,
    claims::DisclosedClaims,
    credential::Validity,
    json::{self, JsonError, Object},
};

/// A document that keeps every rule of VCDM 2.0 for credentials.
///
/// That says nothing about who wrote it: see the [module](super). Terms are not looked up in contexts here;
/// JSON-LD does that where a mechanism signs what the terms mean.
///
/// ```
/// use lanyard_core::w3c::Credential;
///
/// let credential = Credential::from_json(br#"{
///     "@context": ["https://www.w3.org/ns/credentials/v2"],
///     "type": ["VerifiableCredential"],
///     "issuer": "https://university.example",
///     "credentialSubject": {"id": "did:example:ada", "name": "Ada"}
/// }"#)?;
/// assert_eq!(credential.issuer().as_str(), "https://university.example");
/// # Ok::<(), lanyard_core::w3c::CredentialError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    document: CredentialDocument,
    valid_from: Option<Timestamp>,
    valid_until: Option<Timestamp>,
    related_resources: Vec<RelatedResource>,
}

/// Which rule of the data model a credential breaks.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum CredentialError {
    /// It is not strict JSON, or not an object.
    #[error("the credential cannot be read: {0}")]
    Unreadable(#[from] JsonError),
    /// A rule that VCDM 1.1 has too.
    #[error(transparent)]
    Common(#[from] CredentialFault),
    /// `validFrom` is not a dateTimeStamp.
    #[error("validFrom is not a dateTimeStamp")]
    ValidFrom,
    /// `validUntil` is not a dateTimeStamp.
    #[error("validUntil is not a dateTimeStamp")]
    ValidUntil,
    /// `validFrom` is after `validUntil`.
    #[error("validFrom is after validUntil")]
    ValidityOrder,
    /// `name`, of the credential or of its issuer, is no text for people.
    #[error("name is neither a text nor language values")]
    Name,
    /// `description`, of the credential or of its issuer, is no text for people.
    #[error("description is neither a text nor language values")]
    Description,
    /// A rule about `relatedResource`.
    #[error("relatedResource is refused: {0}")]
    RelatedResource(#[from] RelatedResourceFault),
}

impl CredentialError {
    /// The stable reason code, for operators.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "vc_unreadable",
            Self::Common(fault) => fault.code(),
            Self::ValidFrom => "vc_valid_from_malformed",
            Self::ValidUntil => "vc_valid_until_malformed",
            Self::ValidityOrder => "vc_validity_order",
            Self::Name => "vc_name",
            Self::Description => "vc_description",
            Self::RelatedResource(_) => "vc_related_resource_malformed",
        }
    }
}

impl Credential {
    /// Reads a credential from JSON text.
    ///
    /// # Errors
    /// One [`CredentialError`] per rule.
    pub fn from_json(text: &[u8]) -> Result<Self, CredentialError> {
        Self::parse(json::parse_object(text)?)
    }

    /// Reads a credential from a JSON object.
    ///
    /// # Errors
    /// One [`CredentialError`] per rule.
    pub fn parse(document: Object) -> Result<Self, CredentialError> {
        // VCDM 2.0 §4.11: a schema has an `id` beside its `type`
        let document = CredentialDocument::read(document, BASE_CONTEXT, &["credentialSchema"])?;
        check_texts(document.document())?;
        let (valid_from, valid_until) = read_validity(document.document())?;
        let related_resources = related_resource::read(document.document())?;
        Ok(Self { document, valid_from, valid_until, related_resources })
    }

    /// Gives the whole document away.
    pub fn into_document(self) -> Object {
        self.document.into_document()
    }

    /// The document as claims, for whoever verified it.
    pub(super) const fn claims(&self) -> &DisclosedClaims {
        self.document.claims()
    }

    /// When it starts and stops being valid (`validFrom`, `validUntil`).
    pub const fn validity(&self) -> Validity {
        Validity { issued_at: None, not_before: self.valid_from, expires_at: self.valid_until }
    }

    /// The resources whose content the issuer fixed by a digest (`relatedResource`).
    pub fn related_resources(&self) -> &[RelatedResource] {
        &self.related_resources
    }
}

impl Deref for Credential {
    type Target = CredentialDocument;

    fn deref(&self) -> &CredentialDocument {
        &self.document
    }
}

/// VCDM 2.0 §4.6: texts for people, of the credential and of its issuer.
fn check_texts(document: &Object) -> Result<(), CredentialError> {
    let issuer = document.get("issuer").and_then(Value::as_object);
    for object in [Some(document), issuer].into_iter().flatten() {
        if !language::is_text(object, "name") {
            return Err(CredentialError::Name);
        }
        if !language::is_text(object, "description") {
            return Err(CredentialError::Description);
        }
    }
    Ok(())
}

type Moments = (Option<Timestamp>, Option<Timestamp>);

/// VCDM 2.0 §4.9: two optional moments, the first not after the second.
fn read_validity(document: &Object) -> Result<Moments, CredentialError> {
    let moment = |name, error| match document.get(name) {
        None => Ok(None),
        Some(value) => value.as_str().and_then(date_time_stamp).map(Some).ok_or(error),
    };
    let from = moment("validFrom", CredentialError::ValidFrom)?;
    let until = moment("validUntil", CredentialError::ValidUntil)?;
    match (from, until) {
        (Some(from), Some(until)) if from > until => Err(CredentialError::ValidityOrder),
        moments => Ok(moments),
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Credential(by {}, {} members)", self.issuer(), self.document().len())
    }
}

//! A presentation by the rules of the data model (VCDM 2.0 §4.13).

use std::fmt;

use serde_json::Value;
use thiserror::Error;

use super::{
    BASE_CONTEXT, ContextFault, Credential, CredentialError, EntryFault, EnvelopeError,
    EnvelopedCredential, TypeFault, Uri,
    enveloped::{is_enveloped_credential, is_enveloped_presentation},
    members::{self, check_contexts, check_entries, check_types, read_id, read_identity},
};
use crate::json::{self, JsonError, Object};

/// The most credentials in one presentation.
const MAX_CREDENTIALS: usize = 32;

/// A document that keeps every rule of VCDM 2.0 for presentations.
///
/// That says nothing about who wrote it: see the [module](super).
#[derive(Clone, PartialEq, Eq)]
pub struct Presentation {
    document: Object,
    id: Option<Uri>,
    holder: Option<Uri>,
    credentials: Vec<PresentedCredential>,
}

/// A credential in a presentation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PresentedCredential {
    /// In an envelope that secures it.
    Enveloped(EnvelopedCredential),
    /// With a proof inside.
    WithProof(Box<Credential>),
    /// By the holder: what secures the presentation secures it too.
    SelfAsserted(Box<Credential>),
}

/// Which rule of the data model a presentation breaks.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum PresentationError {
    /// It is not strict JSON, or not an object.
    #[error("the presentation cannot be read: {0}")]
    Unreadable(#[from] JsonError),
    /// It is an envelope around another presentation.
    #[error("a presentation was expected, and not an envelope around one")]
    Enveloped,
    /// A rule about `@context`.
    #[error("the presentation is refused: {0}")]
    Context(#[from] ContextFault),
    /// A rule about `type`.
    #[error("the presentation is refused: {0}")]
    Type(#[from] TypeFault),
    /// `id` is not a single URL.
    #[error("the presentation's id is not a single URL")]
    Id,
    /// `holder` is neither a URL nor an object with a URL for its `id`.
    #[error("the presentation's holder is not a URL")]
    Holder,
    /// `verifiableCredential` has something in it that is not an object.
    #[error("verifiableCredential is not one or more objects")]
    CredentialNotAnObject,
    /// There are more credentials than anybody asks for.
    #[error("there are too many credentials in the presentation")]
    TooManyCredentials,
    /// A credential in it breaks a rule.
    #[error("a credential in the presentation is refused: {0}")]
    Credential(#[from] CredentialError),
    /// An envelope in it breaks a rule.
    #[error("an envelope in the presentation is refused: {0}")]
    Envelope(#[from] EnvelopeError),
    /// A credential in it is not secured, and not by the holder.
    #[error("an unsecured credential in the presentation is not issued by its holder")]
    NotSelfAsserted,
    /// A rule about `termsOfUse`.
    #[error("termsOfUse is refused: {0}")]
    TermsOfUse(EntryFault),
    /// A rule about `proof`.
    #[error("proof is refused: {0}")]
    Proof(EntryFault),
}

impl PresentationError {
    /// The stable reason code, for operators.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "vp_unreadable",
            Self::Enveloped => "vp_enveloped",
            Self::Context(ContextFault::Missing) => "vp_context_missing",
            Self::Context(ContextFault::NotAnArray) => "vp_context_not_an_array",
            Self::Context(ContextFault::Base) => "vp_context_base",
            Self::Context(ContextFault::Item) => "vp_context_item",
            Self::Type(TypeFault::Missing) => "vp_type_missing",
            Self::Type(TypeFault::Malformed) => "vp_type_malformed",
            Self::Type(TypeFault::Kind) => "vp_type_kind",
            Self::Id => "vp_id",
            Self::Holder => "vp_holder_malformed",
            Self::CredentialNotAnObject => "vp_credential_not_an_object",
            Self::TooManyCredentials => "vp_too_many_credentials",
            Self::Credential(error) => error.code(),
            Self::Envelope(error) => error.code(),
            Self::NotSelfAsserted => "vp_credential_unsecured",
            Self::TermsOfUse(_) => "vp_terms_of_use_malformed",
            Self::Proof(_) => "vp_proof_malformed",
        }
    }
}

impl Presentation {
    /// Puts a presentation of these credentials together.
    pub fn of(credentials: Vec<PresentedCredential>, holder: Option<&Uri>) -> Self {
        let objects = credentials.iter().map(|credential| Value::Object(credential.to_object()));
        let mut document = Object::from_iter([
            ("@context".to_owned(), Value::Array(vec![BASE_CONTEXT.into()])),
            ("type".to_owned(), Value::Array(vec!["VerifiablePresentation".into()])),
            ("verifiableCredential".to_owned(), objects.collect()),
        ]);
        if let Some(holder) = holder {
            document.insert("holder".to_owned(), holder.as_str().into());
        }
        Self { document, id: None, holder: holder.cloned(), credentials }
    }

    /// Reads a presentation from JSON text.
    ///
    /// # Errors
    /// One [`PresentationError`] per rule.
    pub fn from_json(text: &[u8]) -> Result<Self, PresentationError> {
        Self::parse(json::parse_object(text)?)
    }

    /// Reads a presentation from a JSON object.
    ///
    /// # Errors
    /// One [`PresentationError`] per rule.
    pub fn parse(document: Object) -> Result<Self, PresentationError> {
        if is_enveloped_presentation(&document) {
            return Err(PresentationError::Enveloped);
        }
        check_contexts(&document, BASE_CONTEXT)?;
        // VCDM 2.0 §4.13: one value of type is VerifiablePresentation
        check_types(&document, "VerifiablePresentation")?;
        let id = read_id(&document).map_err(|_| PresentationError::Id)?;
        let holder = match document.get("holder") {
            None => None,
            Some(holder) => Some(read_identity(holder).ok_or(PresentationError::Holder)?),
        };
        check_entries(&document, "termsOfUse").map_err(PresentationError::TermsOfUse)?;
        check_entries(&document, "proof").map_err(PresentationError::Proof)?;
        let credentials = read_credentials(&document, holder.as_ref())?;
        Ok(Self { document, id, holder, credentials })
    }

    /// The whole document, as it was written.
    pub const fn document(&self) -> &Object {
        &self.document
    }

    /// Gives the whole document away.
    pub fn into_document(self) -> Object {
        self.document
    }

    /// The contexts in their order, each a URL or an object; the base context comes first.
    pub fn contexts(&self) -> &[Value] {
        self.document.get("@context").map_or(&[], members::set)
    }

    /// The presentation's identifier.
    pub const fn id(&self) -> Option<&Uri> {
        self.id.as_ref()
    }

    /// The types, `VerifiablePresentation` among them.
    pub fn types(&self) -> impl Iterator<Item = &str> {
        members::types_of(&self.document)
    }

    /// Who says that they present it.
    pub const fn holder(&self) -> Option<&Uri> {
        self.holder.as_ref()
    }

    /// The credentials in it; there may be none.
    pub fn credentials(&self) -> &[PresentedCredential] {
        &self.credentials
    }
}

fn read_credentials(
    document: &Object,
    holder: Option<&Uri>,
) -> Result<Vec<PresentedCredential>, PresentationError> {
    let credentials = document.get("verifiableCredential").map_or(&[][..], members::set);
    if credentials.len() > MAX_CREDENTIALS {
        return Err(PresentationError::TooManyCredentials);
    }
    let read = |credential: &Value| {
        // VCDM 2.0 §4.13: objects, and never texts, numbers or URLs
        let object = credential.as_object().ok_or(PresentationError::CredentialNotAnObject)?;
        if is_enveloped_credential(object) {
            return Ok(PresentedCredential::Enveloped(EnvelopedCredential::parse(object)?));
        }
        let credential = Box::new(Credential::parse(object.clone())?);
        if credential.has_proof() {
            return Ok(PresentedCredential::WithProof(credential));
        }
        // VCDM 2.0 §4.13.4: secured only by what secures the presentation, so its issuer is the holder
        if holder.is_some_and(|holder| holder.as_str() == credential.issuer().as_str()) {
            Ok(PresentedCredential::SelfAsserted(credential))
        } else {
            Err(PresentationError::NotSelfAsserted)
        }
    };
    credentials.iter().map(read).collect()
}

impl PresentedCredential {
    fn to_object(&self) -> Object {
        match self {
            Self::Enveloped(envelope) => envelope.to_object(),
            Self::WithProof(credential) | Self::SelfAsserted(credential) => {
                credential.document().clone()
            }
        }
    }
}

impl fmt::Debug for Presentation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Presentation({} credentials)", self.credentials.len())
    }
}

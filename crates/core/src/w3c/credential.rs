//! A credential by the rules of the data model (VCDM 2.0 §4).

use std::fmt;

use serde_json::Value;
use thiserror::Error;

use super::{
    ContextFault, EntryFault, RelatedResource, RelatedResourceFault, TypeFault, Uri,
    date_time_stamp, language,
    members::{
        self, IssuerFault, SubjectFault, check_contexts, check_entries, check_identified,
        check_subjects, check_types, objects, read_id, read_issuer,
    },
    related_resource,
};
use crate::{
    Timestamp,
    claims::DisclosedClaims,
    credential::Validity,
    json::{self, JsonError, Object},
    trust::IssuerIdentifier,
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
    /// Where verification made the credential, its claims; before that, a document like any other.
    document: DisclosedClaims,
    id: Option<Uri>,
    issuer: IssuerIdentifier,
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
    /// A rule about `@context`.
    #[error("the credential is refused: {0}")]
    Context(#[from] ContextFault),
    /// A rule about `type`.
    #[error("the credential is refused: {0}")]
    Type(#[from] TypeFault),
    /// `id` is not a single URL.
    #[error("the credential's id is not a single URL")]
    Id,
    /// There is no `issuer`.
    #[error("the credential has no issuer")]
    IssuerMissing,
    /// `issuer` is neither a URL nor an object with a URL for its `id`.
    #[error("the credential's issuer is not a URL")]
    Issuer,
    /// There is no `credentialSubject`.
    #[error("the credential has no credentialSubject")]
    SubjectMissing,
    /// A `credentialSubject` is not an object that says something.
    #[error("a credentialSubject is not an object with claims")]
    Subject,
    /// The `id` of a `credentialSubject` is not a single URL.
    #[error("the id of a credentialSubject is not a single URL")]
    SubjectId,
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
    /// A rule about `credentialStatus`.
    #[error("credentialStatus is refused: {0}")]
    Status(EntryFault),
    /// A rule about `credentialSchema`.
    #[error("credentialSchema is refused: {0}")]
    Schema(EntryFault),
    /// A rule about `refreshService`.
    #[error("refreshService is refused: {0}")]
    RefreshService(EntryFault),
    /// A rule about `termsOfUse`.
    #[error("termsOfUse is refused: {0}")]
    TermsOfUse(EntryFault),
    /// A rule about `evidence`.
    #[error("evidence is refused: {0}")]
    Evidence(EntryFault),
    /// A rule about `proof`.
    #[error("proof is refused: {0}")]
    Proof(EntryFault),
    /// A rule about `relatedResource`.
    #[error("relatedResource is refused: {0}")]
    RelatedResource(#[from] RelatedResourceFault),
}

impl From<IssuerFault> for CredentialError {
    fn from(fault: IssuerFault) -> Self {
        match fault {
            IssuerFault::Missing => Self::IssuerMissing,
            IssuerFault::Malformed => Self::Issuer,
        }
    }
}

impl From<SubjectFault> for CredentialError {
    fn from(fault: SubjectFault) -> Self {
        match fault {
            SubjectFault::Missing => Self::SubjectMissing,
            SubjectFault::Malformed => Self::Subject,
            SubjectFault::Id => Self::SubjectId,
        }
    }
}

impl CredentialError {
    /// The stable reason code, for operators.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "vc_unreadable",
            Self::Context(ContextFault::Missing) => "vc_context_missing",
            Self::Context(ContextFault::NotAnArray) => "vc_context_not_an_array",
            Self::Context(ContextFault::Base) => "vc_context_base",
            Self::Context(ContextFault::Item) => "vc_context_item",
            Self::Type(TypeFault::Missing) => "vc_type_missing",
            Self::Type(TypeFault::Malformed) => "vc_type_malformed",
            Self::Type(TypeFault::Kind) => "vc_type_kind",
            Self::Id => "vc_id",
            Self::IssuerMissing => "vc_issuer_missing",
            Self::Issuer => "vc_issuer_malformed",
            Self::SubjectMissing => "vc_subject_missing",
            Self::Subject => "vc_subject_malformed",
            Self::SubjectId => "vc_subject_id",
            Self::ValidFrom => "vc_valid_from_malformed",
            Self::ValidUntil => "vc_valid_until_malformed",
            Self::ValidityOrder => "vc_validity_order",
            Self::Name => "vc_name",
            Self::Description => "vc_description",
            Self::Status(_) => "vc_status_malformed",
            Self::Schema(_) => "vc_schema_malformed",
            Self::RefreshService(_) => "vc_refresh_service_malformed",
            Self::TermsOfUse(_) => "vc_terms_of_use_malformed",
            Self::Evidence(_) => "vc_evidence_malformed",
            Self::Proof(_) => "vc_proof_malformed",
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
        check_contexts(&document)?;
        check_types(&document, "VerifiableCredential")?;
        let id = read_id(&document).map_err(|_| CredentialError::Id)?;
        let issuer = read_issuer(&document)?;
        check_subjects(&document)?;
        check_texts(&document)?;
        let (valid_from, valid_until) = read_validity(&document)?;
        check_entries(&document, "credentialStatus").map_err(CredentialError::Status)?;
        // VCDM 2.0 §4.11: a schema has an `id` beside its `type`
        check_identified(&document, "credentialSchema").map_err(CredentialError::Schema)?;
        check_entries(&document, "refreshService").map_err(CredentialError::RefreshService)?;
        check_entries(&document, "termsOfUse").map_err(CredentialError::TermsOfUse)?;
        check_entries(&document, "evidence").map_err(CredentialError::Evidence)?;
        check_entries(&document, "proof").map_err(CredentialError::Proof)?;
        let related_resources = related_resource::read(&document)?;
        let document = DisclosedClaims::new(document);
        Ok(Self { document, id, issuer, valid_from, valid_until, related_resources })
    }

    /// The whole document, as it was written.
    pub fn document(&self) -> &Object {
        self.document.as_object()
    }

    /// Gives the whole document away.
    pub fn into_document(self) -> Object {
        self.document.into_object()
    }

    /// The document as claims, for whoever verified it.
    pub(super) const fn claims(&self) -> &DisclosedClaims {
        &self.document
    }

    /// The contexts in their order, each a URL or an object; the base context comes first.
    pub fn contexts(&self) -> &[Value] {
        self.document().get("@context").map_or(&[], members::set)
    }

    /// The credential's identifier.
    pub const fn id(&self) -> Option<&Uri> {
        self.id.as_ref()
    }

    /// The types, `VerifiableCredential` among them.
    pub fn types(&self) -> impl Iterator<Item = &str> {
        members::types_of(self.document())
    }

    /// Who says that they issued it.
    pub const fn issuer(&self) -> &IssuerIdentifier {
        &self.issuer
    }

    /// Whom or what it is about; never empty, and none of them is.
    pub fn subjects(&self) -> impl Iterator<Item = &Object> {
        objects(self.document(), "credentialSubject")
    }

    /// When it starts and stops being valid (`validFrom`, `validUntil`).
    pub const fn validity(&self) -> Validity {
        Validity { issued_at: None, not_before: self.valid_from, expires_at: self.valid_until }
    }

    /// Where its status is kept (`credentialStatus`): objects with a `type`.
    pub fn statuses(&self) -> impl Iterator<Item = &Object> {
        objects(self.document(), "credentialStatus")
    }

    /// Which schemas it keeps (`credentialSchema`): objects with a `type` and an `id`.
    pub fn schemas(&self) -> impl Iterator<Item = &Object> {
        objects(self.document(), "credentialSchema")
    }

    /// Whether a proof is inside it (`proof`); what that is worth is another question.
    pub fn has_proof(&self) -> bool {
        self.document().contains_key("proof")
    }

    /// The resources whose content the issuer fixed by a digest (`relatedResource`).
    pub fn related_resources(&self) -> &[RelatedResource] {
        &self.related_resources
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
        write!(out, "Credential(by {}, {} members)", self.issuer, self.document().len())
    }
}

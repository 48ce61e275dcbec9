//! A credential by the rules of the older data model (VCDM 1.1 §4), which OpenID4VC still has formats for.

use std::fmt;

use serde_json::Value;
use thiserror::Error;

use super::{
    BASE_CONTEXT_V1, ContextFault, EntryFault, TypeFault, Uri, date_time_stamp,
    members::{
        self, IssuerFault, SubjectFault, check_contexts_after, check_entries, check_identified,
        check_subjects, check_types, objects, read_id, read_issuer,
    },
};
use crate::{
    Timestamp, claims::DisclosedClaims, credential::Validity, json::Object, trust::IssuerIdentifier,
};

/// A document that keeps every rule of VCDM 1.1 for credentials.
///
/// That says nothing about who wrote it: see the [module](super).
#[derive(Clone, PartialEq, Eq)]
pub struct CredentialV1 {
    /// Where verification made the credential, its claims; before that, a document like any other.
    document: DisclosedClaims,
    id: Option<Uri>,
    issuer: IssuerIdentifier,
    issuance_date: Timestamp,
    expiration_date: Option<Timestamp>,
}

/// Which rule of the older data model a credential breaks.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum CredentialV1Error {
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
    /// There is no `issuanceDate`.
    #[error("the credential has no issuanceDate")]
    IssuanceDateMissing,
    /// `issuanceDate` is not a date and time.
    #[error("issuanceDate is not a date and time")]
    IssuanceDate,
    /// `expirationDate` is not a date and time.
    #[error("expirationDate is not a date and time")]
    ExpirationDate,
    /// `issuanceDate` is after `expirationDate`.
    #[error("issuanceDate is after expirationDate")]
    ValidityOrder,
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
}

impl From<IssuerFault> for CredentialV1Error {
    fn from(fault: IssuerFault) -> Self {
        match fault {
            IssuerFault::Missing => Self::IssuerMissing,
            IssuerFault::Malformed => Self::Issuer,
        }
    }
}

impl From<SubjectFault> for CredentialV1Error {
    fn from(fault: SubjectFault) -> Self {
        match fault {
            SubjectFault::Missing => Self::SubjectMissing,
            SubjectFault::Malformed => Self::Subject,
            SubjectFault::Id => Self::SubjectId,
        }
    }
}

impl CredentialV1Error {
    /// The stable reason code, for operators.
    pub const fn code(&self) -> &'static str {
        match self {
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
            Self::IssuanceDateMissing => "vc_issuance_date_missing",
            Self::IssuanceDate => "vc_issuance_date_malformed",
            Self::ExpirationDate => "vc_expiration_date_malformed",
            Self::ValidityOrder => "vc_validity_order",
            Self::Status(_) => "vc_status_malformed",
            Self::Schema(_) => "vc_schema_malformed",
            Self::RefreshService(_) => "vc_refresh_service_malformed",
            Self::TermsOfUse(_) => "vc_terms_of_use_malformed",
            Self::Evidence(_) => "vc_evidence_malformed",
            Self::Proof(_) => "vc_proof_malformed",
        }
    }
}

impl CredentialV1 {
    /// Reads a credential from a JSON object.
    ///
    /// # Errors
    /// One [`CredentialV1Error`] per rule.
    pub fn parse(document: Object) -> Result<Self, CredentialV1Error> {
        // VCDM 1.1 §4.1: an ordered set that starts with the base context
        check_contexts_after(&document, BASE_CONTEXT_V1)?;
        // VCDM 1.1 §4.3: one or more names, VerifiableCredential among them
        check_types(&document, "VerifiableCredential")?;
        let id = read_id(&document).map_err(|_| CredentialV1Error::Id)?;
        let issuer = read_issuer(&document)?;
        check_subjects(&document)?;
        let (issuance_date, expiration_date) = read_dates(&document)?;
        // VCDM 1.1 §4.9, §5.4, §5.5: these have an `id` beside their `type`
        check_identified(&document, "credentialStatus").map_err(CredentialV1Error::Status)?;
        check_identified(&document, "credentialSchema").map_err(CredentialV1Error::Schema)?;
        check_identified(&document, "refreshService").map_err(CredentialV1Error::RefreshService)?;
        check_entries(&document, "termsOfUse").map_err(CredentialV1Error::TermsOfUse)?;
        check_entries(&document, "evidence").map_err(CredentialV1Error::Evidence)?;
        check_entries(&document, "proof").map_err(CredentialV1Error::Proof)?;
        let document = DisclosedClaims::new(document);
        Ok(Self { document, id, issuer, issuance_date, expiration_date })
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

    /// When it starts and stops being valid (`issuanceDate`, `expirationDate`).
    pub const fn validity(&self) -> Validity {
        Validity {
            issued_at: None,
            // VCDM 1.1 §4.6: the moment it becomes valid, whatever the name says
            not_before: Some(self.issuance_date),
            expires_at: self.expiration_date,
        }
    }

    /// Where its status is kept (`credentialStatus`): objects with a `type` and an `id`.
    pub fn statuses(&self) -> impl Iterator<Item = &Object> {
        objects(self.document(), "credentialStatus")
    }

    /// Whether a proof is inside it (`proof`); what that is worth is another question.
    pub fn has_proof(&self) -> bool {
        self.document().contains_key("proof")
    }
}

/// VCDM 1.1 §4.6, §4.8: a moment of issuance, and perhaps one of expiry after it.
fn read_dates(document: &Object) -> Result<(Timestamp, Option<Timestamp>), CredentialV1Error> {
    let date = |value: &Value| value.as_str().and_then(date_time_stamp);
    let issued = document.get("issuanceDate").ok_or(CredentialV1Error::IssuanceDateMissing)?;
    let issued = date(issued).ok_or(CredentialV1Error::IssuanceDate)?;
    let expires = match document.get("expirationDate") {
        None => None,
        Some(value) => Some(date(value).ok_or(CredentialV1Error::ExpirationDate)?),
    };
    if expires.is_some_and(|expires| issued > expires) {
        return Err(CredentialV1Error::ValidityOrder);
    }
    Ok((issued, expires))
}

impl fmt::Debug for CredentialV1 {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "CredentialV1(by {}, {} members)", self.issuer, self.document().len())
    }
}

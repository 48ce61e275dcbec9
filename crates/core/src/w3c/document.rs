//! What credentials of both data models are: a document with contexts, types, an issuer and subjects.

use serde_json::Value;
use thiserror::Error;

use super::{
    ContextFault, EntryFault, TypeFault, Uri,
    members::{
        self, check_contexts, check_entries, check_identified, check_types, objects, read_id,
        read_identity, set,
    },
};
use crate::{claims::DisclosedClaims, json::Object, trust::IssuerIdentifier};

/// A document that keeps the rules which VCDM 2.0 and 1.1 share.
#[derive(Clone, PartialEq, Eq)]
pub struct CredentialDocument {
    /// Where verification made the credential, its claims; before that, a document like any other.
    document: DisclosedClaims,
    id: Option<Uri>,
    issuer: IssuerIdentifier,
}

/// Which rule of both data models a credential breaks.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum CredentialFault {
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

impl CredentialFault {
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
            Self::Status(_) => "vc_status_malformed",
            Self::Schema(_) => "vc_schema_malformed",
            Self::RefreshService(_) => "vc_refresh_service_malformed",
            Self::TermsOfUse(_) => "vc_terms_of_use_malformed",
            Self::Evidence(_) => "vc_evidence_malformed",
            Self::Proof(_) => "vc_proof_malformed",
        }
    }
}

impl CredentialDocument {
    /// Reads a credential whose first context is `base`; the objects in `identified` members have an `id`
    /// beside their `type`.
    pub(super) fn read(
        document: Object,
        base: &str,
        identified: &[&str],
    ) -> Result<Self, CredentialFault> {
        // VCDM 2.0 §4.3, VCDM 1.1 §4.1: an ordered set that starts with the base context
        check_contexts(&document, base)?;
        check_types(&document, "VerifiableCredential")?;
        let id = read_id(&document).map_err(|_| CredentialFault::Id)?;
        let issuer = read_issuer(&document)?;
        check_subjects(&document)?;
        type Fault = fn(EntryFault) -> CredentialFault;
        let members: [(&str, Fault); 6] = [
            ("credentialStatus", CredentialFault::Status),
            ("credentialSchema", CredentialFault::Schema),
            ("refreshService", CredentialFault::RefreshService),
            ("termsOfUse", CredentialFault::TermsOfUse),
            ("evidence", CredentialFault::Evidence),
            ("proof", CredentialFault::Proof),
        ];
        for (name, fault) in members {
            let check = if identified.contains(&name) { check_identified } else { check_entries };
            check(&document, name).map_err(fault)?;
        }
        Ok(Self { document: DisclosedClaims::new(document), id, issuer })
    }

    /// The whole document, as it was written.
    pub fn document(&self) -> &Object {
        self.document.as_object()
    }

    pub(super) fn into_document(self) -> Object {
        self.document.into_object()
    }

    pub(super) const fn claims(&self) -> &DisclosedClaims {
        &self.document
    }

    /// The contexts in their order, each a URL or an object; the base context comes first.
    pub fn contexts(&self) -> &[Value] {
        self.document().get("@context").map_or(&[], set)
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

    /// Where its status is kept (`credentialStatus`): objects with a `type`, in VCDM 1.1 also an `id`.
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
}

/// VCDM 2.0 §4.7, VCDM 1.1 §4.5: a URL, or an object with a URL for its `id`.
fn read_issuer(document: &Object) -> Result<IssuerIdentifier, CredentialFault> {
    let issuer = document.get("issuer").ok_or(CredentialFault::IssuerMissing)?;
    let issuer = read_identity(issuer).ok_or(CredentialFault::Issuer)?;
    IssuerIdentifier::parse(issuer.as_str()).map_err(|_| CredentialFault::Issuer)
}

/// VCDM 2.0 §4.8, VCDM 1.1 §4.4: one or more objects, each with claims; an `id` is a single URL.
fn check_subjects(document: &Object) -> Result<(), CredentialFault> {
    let subjects = set(document.get("credentialSubject").ok_or(CredentialFault::SubjectMissing)?);
    if subjects.is_empty() {
        return Err(CredentialFault::Subject);
    }
    for subject in subjects {
        let subject = subject.as_object().filter(|subject| !subject.is_empty());
        read_id(subject.ok_or(CredentialFault::Subject)?)
            .map_err(|_| CredentialFault::SubjectId)?;
    }
    Ok(())
}

//! Putting a credential together.

use std::marker::PhantomData;

use serde_json::Value;

use super::{
    BASE_CONTEXT, BASE_CONTEXT_V1, Credential, CredentialError, CredentialFault, CredentialV1,
    CredentialV1Error, Uri, write_date_time_stamp,
};
use crate::{Timestamp, json::Object, trust::IssuerIdentifier};

/// A credential of VCDM 2.0 that is about to be secured.
///
/// ```
/// use lanyard_core::{trust::IssuerIdentifier, w3c::CredentialDraft};
/// use serde_json::json;
///
/// let issuer = IssuerIdentifier::parse("did:web:university.example").expect("a DID is one");
/// let credential = CredentialDraft::new(&issuer)
///     .of_type("ExampleDegreeCredential")
///     .in_context("https://www.w3.org/ns/credentials/examples/v2")
///     .about(json!({"id": "did:example:ada", "degree": "Bachelor of Science"}))
///     .finish()?;
/// assert!(credential.types().any(|name| name == "ExampleDegreeCredential"));
/// # Ok::<(), lanyard_core::w3c::CredentialError>(())
/// ```
pub type CredentialDraft = Draft<VersionTwo>;

/// A credential of VCDM 1.1 that is about to be secured: for the formats `jwt_vc_json` and `ldp_vc` of
/// OpenID4VC, which are of that version.
pub type CredentialV1Draft = Draft<VersionOne>;

/// A credential of some version of the data model that is about to be secured: see [`CredentialDraft`] and
/// [`CredentialV1Draft`].
#[derive(Clone, Debug)]
pub struct Draft<Version> {
    version: PhantomData<Version>,
    document: Object,
    contexts: Vec<Value>,
    types: Vec<Value>,
    subjects: Vec<Value>,
}

/// VCDM 2.0.
#[derive(Clone, Copy, Debug)]
pub enum VersionTwo {}

/// VCDM 1.1.
#[derive(Clone, Copy, Debug)]
pub enum VersionOne {}

impl<Version> Draft<Version> {
    fn by(issuer: &IssuerIdentifier, base_context: &str) -> Self {
        Self {
            version: PhantomData,
            document: Object::from_iter([("issuer".to_owned(), issuer.as_str().into())]),
            contexts: vec![base_context.into()],
            types: vec!["VerifiableCredential".into()],
            subjects: Vec::new(),
        }
    }

    /// With a further type.
    #[must_use]
    pub fn of_type(mut self, name: &str) -> Self {
        self.types.push(name.into());
        self
    }

    /// With a further context: a URL, or an object that defines terms.
    #[must_use]
    pub fn in_context(mut self, context: impl Into<Value>) -> Self {
        self.contexts.push(context.into());
        self
    }

    /// With an identifier of the credential itself; by it verifiers can recognize the credential.
    #[must_use]
    pub fn with_id(self, id: &Uri) -> Self {
        self.with("id", id.as_str())
    }

    /// With claims about a subject; called more than once, the credential is about several.
    #[must_use]
    pub fn about(mut self, subject: impl Into<Value>) -> Self {
        self.subjects.push(subject.into());
        self
    }

    /// With another member, as `credentialStatus`, `name` or `evidence`; it replaces one of that name.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.document.insert(name.to_owned(), value.into());
        self
    }

    fn assemble(self) -> Object {
        let Self { document, contexts, types, mut subjects, .. } = self;
        let mut whole = Object::from_iter([
            ("@context".to_owned(), Value::Array(contexts)),
            ("type".to_owned(), Value::Array(types)),
        ]);
        whole.extend(document);
        if subjects.len() == 1 {
            // a single subject stands for itself: by far the most common form
            whole.extend(subjects.pop().map(|subject| ("credentialSubject".to_owned(), subject)));
        } else if !subjects.is_empty() {
            whole.insert("credentialSubject".to_owned(), Value::Array(subjects));
        }
        whole
    }
}

impl CredentialDraft {
    /// Starts from the issuer alone.
    pub fn new(issuer: &IssuerIdentifier) -> Self {
        Self::by(issuer, BASE_CONTEXT)
    }

    /// Valid from this moment on.
    #[must_use]
    pub fn valid_from(self, moment: Timestamp) -> Self {
        self.with("validFrom", write_date_time_stamp(moment))
    }

    /// Valid until this moment.
    #[must_use]
    pub fn valid_until(self, moment: Timestamp) -> Self {
        self.with("validUntil", write_date_time_stamp(moment))
    }

    /// The credential, if it keeps the rules of the data model.
    ///
    /// # Errors
    /// One [`CredentialError`] per rule.
    pub fn finish(self) -> Result<Credential, CredentialError> {
        Credential::parse(self.assemble())
    }

    /// The credential that a document describes, with its issuer filled in where it was left out: what an
    /// issuer does with a document from someone who need not know its name (VC API §3.2.1).
    ///
    /// # Errors
    /// One [`CredentialError`] per rule; an `issuer` that is there must be this one
    /// ([`CredentialFault::Issuer`]).
    pub fn from_document(
        mut document: Object,
        issuer: &IssuerIdentifier,
    ) -> Result<Credential, CredentialError> {
        match document.get_mut("issuer") {
            None => {
                document.insert("issuer".to_owned(), issuer.as_str().into());
            }
            Some(Value::Object(described)) if !described.contains_key("id") => {
                described.insert("id".to_owned(), issuer.as_str().into());
            }
            Some(_) => {}
        }
        let credential = Credential::parse(document)?;
        if credential.issuer() == issuer {
            Ok(credential)
        } else {
            Err(CredentialFault::Issuer.into())
        }
    }
}

impl CredentialV1Draft {
    /// Starts from the issuer and the moment of issuance.
    ///
    /// Round the moment, as it can tell credentials apart (RFC 9901 §10.1).
    pub fn new(issuer: &IssuerIdentifier, issuance_date: Timestamp) -> Self {
        Self::by(issuer, BASE_CONTEXT_V1).with("issuanceDate", to_the_second(issuance_date))
    }

    /// Valid until this moment.
    #[must_use]
    pub fn expires(self, moment: Timestamp) -> Self {
        self.with("expirationDate", to_the_second(moment))
    }

    /// The credential, if it keeps the rules of the data model.
    ///
    /// # Errors
    /// One [`CredentialV1Error`] per rule.
    pub fn finish(self) -> Result<CredentialV1, CredentialV1Error> {
        CredentialV1::parse(self.assemble())
    }
}

/// VCDM 1.1 §6.3.1: a date is also a NumericDate, and those are whole seconds.
fn to_the_second(moment: Timestamp) -> String {
    let second = Timestamp::from_second(moment.as_second());
    write_date_time_stamp(second.unwrap_or(moment))
}

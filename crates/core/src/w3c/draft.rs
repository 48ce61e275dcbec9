//! Putting a credential together.

use serde_json::Value;

use super::{BASE_CONTEXT, Credential, CredentialError, Uri};
use crate::{Timestamp, json::Object};

/// A credential that is about to be secured.
///
/// ```
/// use lanyard_core::w3c::{CredentialDraft, Uri};
/// use serde_json::json;
///
/// let issuer = Uri::parse("did:web:university.example").expect("a DID is a URL");
/// let credential = CredentialDraft::new(&issuer)
///     .of_type("ExampleDegreeCredential")
///     .in_context("https://www.w3.org/ns/credentials/examples/v2")
///     .about(json!({"id": "did:example:ada", "degree": "Bachelor of Science"}))
///     .finish()?;
/// assert!(credential.types().any(|name| name == "ExampleDegreeCredential"));
/// # Ok::<(), lanyard_core::w3c::CredentialError>(())
/// ```
#[derive(Clone, Debug)]
pub struct CredentialDraft {
    document: Object,
    contexts: Vec<Value>,
    types: Vec<Value>,
    subjects: Vec<Value>,
}

impl CredentialDraft {
    /// Starts from the issuer alone.
    pub fn new(issuer: &Uri) -> Self {
        Self {
            document: Object::from_iter([("issuer".to_owned(), issuer.as_str().into())]),
            contexts: vec![BASE_CONTEXT.into()],
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

    /// Valid from this moment on.
    #[must_use]
    pub fn valid_from(self, moment: Timestamp) -> Self {
        self.with("validFrom", moment.to_string())
    }

    /// Valid until this moment.
    #[must_use]
    pub fn valid_until(self, moment: Timestamp) -> Self {
        self.with("validUntil", moment.to_string())
    }

    /// With another member, as `credentialStatus`, `name` or `evidence`; it replaces one of that name.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.document.insert(name.to_owned(), value.into());
        self
    }

    /// The credential, if it keeps the rules of the data model.
    ///
    /// # Errors
    /// One [`CredentialError`] per rule.
    pub fn finish(self) -> Result<Credential, CredentialError> {
        let Self { document, contexts, types, mut subjects } = self;
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
        Credential::parse(whole)
    }

    /// The credential that a document describes, with its issuer filled in where it was left out: what an
    /// issuer does with a document from someone who need not know its name (VC API §3.2.1).
    ///
    /// # Errors
    /// One [`CredentialError`] per rule; an `issuer` that is there must be this one
    /// ([`CredentialError::Issuer`]).
    pub fn from_document(
        mut document: Object,
        issuer: &Uri,
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
        if credential.issuer() == issuer { Ok(credential) } else { Err(CredentialError::Issuer) }
    }
}

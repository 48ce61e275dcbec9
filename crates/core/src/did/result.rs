//! What a resolution is asked and what it answers (DID Resolution 1.0 §4).

use std::time::Duration;

use serde_json::{Value, json};

use super::{DidDocument, DidUrl, ResolutionError};
use crate::{Timestamp, json::Object};

/// What a resolution is asked besides the DID (DID Resolution 1.0 §4.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResolutionOptions {
    /// Which version of the document; none for the latest.
    pub version: Option<Version>,
}

/// One version of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Version {
    /// `versionId`, as the method writes it.
    Id(String),
    /// `versionTime`: what was valid then.
    Time(Timestamp),
    /// `versionNumber`, counted from 1 (did:webvh 1.0).
    Number(u64),
}

impl ResolutionOptions {
    /// The options that a DID URL asks for in its query.
    ///
    /// # Errors
    /// [`ResolutionError::InvalidOption`] for a value that cannot be read, and for two versions.
    pub fn of(url: &DidUrl) -> Result<Self, ResolutionError> {
        let mut options = Self::default();
        for (name, value) in url.parameters()? {
            options.add(&name, &value)?;
        }
        Ok(options)
    }

    /// Adds one option by its name; other names are left to whoever knows them.
    ///
    /// # Errors
    /// [`ResolutionError::InvalidOption`] for a value that cannot be read, and for a second version.
    pub fn add(&mut self, name: &str, value: &str) -> Result<(), ResolutionError> {
        let invalid = ResolutionError::InvalidOption;
        let version = match name {
            "versionId" if value.is_empty() => return Err(invalid),
            "versionId" => Version::Id(value.to_owned()),
            // DID Resolution 1.0 §3.1: UTC, with its `Z`
            "versionTime" if !value.ends_with('Z') => return Err(invalid),
            "versionTime" => Version::Time(value.parse().map_err(|_| invalid.clone())?),
            "versionNumber" => Version::Number(value.parse().map_err(|_| invalid.clone())?),
            _ => return Ok(()),
        };
        if self.version.replace(version).is_some() {
            return Err(invalid);
        }
        Ok(())
    }
}

/// What is known about a document (DID Resolution 1.0 §4.3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DocumentMetadata {
    /// When the DID was created.
    pub created: Option<Timestamp>,
    /// When its document was changed last.
    pub updated: Option<Timestamp>,
    /// Whether its controller gave it up.
    pub deactivated: bool,
    /// The version of this document.
    pub version_id: Option<String>,
    /// The version that came after this one.
    pub next_version_id: Option<String>,
    /// When the version after this one came.
    pub next_update: Option<Timestamp>,
    /// What the DID's method says besides, by its own names.
    pub method: Object,
}

impl DocumentMetadata {
    /// The metadata as JSON; what is not known is left out.
    pub fn to_json(&self) -> Object {
        let mut members = Object::new();
        let mut add = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                members.insert(name.to_owned(), value);
            }
        };
        add("created", self.created.map(datetime));
        add("updated", self.updated.map(datetime));
        add("deactivated", self.deactivated.then_some(Value::Bool(true)));
        add("versionId", self.version_id.as_deref().map(Value::from));
        add("nextUpdate", self.next_update.map(datetime));
        add("nextVersionId", self.next_version_id.as_deref().map(Value::from));
        members.extend(self.method.clone());
        members
    }
}

/// DID Resolution 1.0 §3.1: UTC, without fractions of a second.
pub(super) fn datetime(at: Timestamp) -> Value {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string().into()
}

/// What a DID resolved to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// The document; none when the DID is deactivated.
    pub document: Option<DidDocument>,
    /// What is known about it.
    pub metadata: DocumentMetadata,
    /// How long the answer may serve; none when it follows from the DID alone and never changes.
    pub fresh_for: Option<Duration>,
}

impl Resolved {
    /// The document of a DID that carries it.
    pub(super) fn unchanging(document: DidDocument) -> Self {
        let metadata = DocumentMetadata::default();
        Self { document: Some(document), metadata, fresh_for: None }
    }

    /// The document, for those who have no use for a deactivated DID.
    ///
    /// # Errors
    /// [`ResolutionError::Deactivated`].
    pub fn into_document(self) -> Result<DidDocument, ResolutionError> {
        self.document.ok_or(ResolutionError::Deactivated)
    }

    /// The whole result as JSON, the document in this media type.
    pub fn to_json(&self, content_type: &str) -> Value {
        // DID Resolution 1.0 §4.4(5): a deactivated DID has no document, and so no media type
        let resolution = match &self.document {
            Some(_) => json!({"contentType": content_type}),
            None => json!({}),
        };
        json!({
            "didDocument": self.document.as_ref().map(DidDocument::to_json),
            "didDocumentMetadata": self.metadata.to_json(),
            "didResolutionMetadata": resolution,
        })
    }
}

impl ResolutionError {
    /// The error object (DID Resolution 1.0 §10, RFC 9457).
    pub fn to_problem(&self) -> Value {
        json!({
            "type": format!("https://www.w3.org/ns/did#{}", self.code()),
            "title": self.title(),
            "detail": self.to_string(),
        })
    }

    /// The whole result of a resolution that failed, as JSON.
    pub fn to_json(&self) -> Value {
        json!({
            "didDocument": null,
            "didDocumentMetadata": {},
            "didResolutionMetadata": {"error": self.to_problem()},
        })
    }

    fn title(&self) -> &'static str {
        match self.code() {
            "INVALID_DID" => "Invalid DID",
            "INVALID_DID_URL" => "Invalid DID URL",
            "INVALID_OPTIONS" => "Invalid options",
            "INVALID_DID_DOCUMENT" => "Invalid DID document",
            "METHOD_NOT_SUPPORTED" => "DID method not supported",
            "FEATURE_NOT_SUPPORTED" => "Feature not supported",
            "REPRESENTATION_NOT_SUPPORTED" => "Representation not supported",
            "NOT_FOUND" => "Not found",
            _ => "The DID cannot be resolved now",
        }
    }
}

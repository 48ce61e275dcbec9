//! A verified log: the versions of a document, each with what was in force then.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Witnesses, parameters::Parameters};
use crate::{
    Timestamp,
    did::{self, DidDocument, DocumentMetadata, ResolutionError, ResolutionOptions, Resolved},
    json::Object,
};

/// One verified entry.
#[derive(Clone, Debug)]
pub(super) struct Version {
    pub(super) number: u64,
    pub(super) version_id: String,
    pub(super) time: Timestamp,
    pub(super) parameters: Parameters,
    pub(super) document: DidDocument,
}

/// A log of which every entry, and every witness, was verified.
#[derive(Clone, Debug)]
pub struct VerifiedLog {
    pub(super) earlier: Vec<Version>,
    pub(super) last: Version,
}

impl VerifiedLog {
    /// The number of entries.
    pub fn version_count(&self) -> usize {
        self.earlier.len() + 1
    }

    /// The `versionId` of the last entry.
    pub fn version_id(&self) -> &str {
        &self.last.version_id
    }

    /// The `versionTime` of the last entry; the next one's is later, by a second at least as we write it.
    pub const fn version_time(&self) -> Timestamp {
        self.last.time
    }

    /// The document of the last entry, deactivated or not.
    pub const fn document(&self) -> &DidDocument {
        &self.last.document
    }

    /// Whether the DID was deactivated.
    pub const fn is_deactivated(&self) -> bool {
        self.last.parameters.deactivated
    }

    /// Whether the next entry has to take up keys that the last one committed to.
    pub const fn is_prerotated(&self) -> bool {
        !self.last.parameters.next_key_hashes.is_empty()
    }

    /// The witnesses in force after the last entry.
    pub const fn witnesses(&self) -> Option<&Witnesses> {
        self.last.parameters.witnesses.as_ref()
    }

    /// The version that was asked for.
    ///
    /// # Errors
    /// [`ResolutionError::NotFound`] when there is no such version.
    pub fn resolve(&self, options: &ResolutionOptions) -> Result<Resolved, ResolutionError> {
        let versions = || self.earlier.iter().chain([&self.last]);
        let found = match &options.version {
            None => Some(&self.last),
            // did:webvh 1.0, Reading did:webvh DID URLs: the whole versionId
            Some(did::Version::Id(id)) => versions().find(|version| version.version_id == *id),
            Some(did::Version::Number(number)) => {
                versions().find(|version| version.number == *number)
            }
            Some(did::Version::Time(at)) => versions().rfind(|version| version.time <= *at),
        };
        let version = found.ok_or(ResolutionError::NotFound)?;
        let next = versions().find(|next| next.number == version.number + 1);
        let first = self.earlier.first().unwrap_or(&self.last);
        // did:webvh 1.0, Deactivate: no document, but for an earlier version that is asked for by name
        let hidden = self.is_deactivated()
            && (options.version.is_none() || version.number == self.last.number);
        Ok(Resolved {
            document: (!hidden).then(|| version.document.clone()),
            metadata: DocumentMetadata {
                created: Some(first.time),
                // did:webvh 1.0, Read: of the last valid entry, whichever is resolved
                updated: Some(self.last.time),
                deactivated: self.is_deactivated(),
                version_id: Some(version.version_id.clone()),
                next_version_id: next.map(|next| next.version_id.clone()),
                next_update: next.map(|next| next.time),
                method: self.metadata(version),
            },
            fresh_for: Some(Duration::from_secs(u64::from(self.last.parameters.ttl))),
        })
    }

    /// did:webvh 1.0, Read: what the method says besides; numbers as text.
    fn metadata(&self, version: &Version) -> Object {
        let parameters = &self.last.parameters;
        let mut members = Object::new();
        let mut add = |name: &str, value: Value| drop(members.insert(name.to_owned(), value));
        add("versionTime", did::datetime(version.time));
        add("scid", json!(parameters.scid));
        add("deactivated", json!(parameters.deactivated));
        add("portable", json!(parameters.portable));
        add("ttl", json!(parameters.ttl.to_string()));
        if let Some(witnesses) = &parameters.witnesses {
            add("witness", witnesses.to_metadata());
        }
        if !parameters.watchers.is_empty() {
            add("watchers", json!(parameters.watchers));
        }
        members
    }
}

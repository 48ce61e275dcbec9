//! A document and the proofs in it, taken apart (VC Data Integrity §2.1.1, §2.1.2).

use std::{borrow::Cow, fmt};

use serde_json::Value;

use super::{DataIntegrityError, DataIntegrityProof};
use crate::json::{self, Object};

/// The most proofs a document may have: each costs a signature check.
const MAX_PROOFS: usize = 8;

/// A document that was taken apart; nothing in it is trusted.
#[derive(Clone)]
pub struct UnverifiedDocument {
    /// Without `proof`.
    document: Object,
    proofs: Vec<DataIntegrityProof>,
}

impl UnverifiedDocument {
    /// Reads a secured document, strictly.
    ///
    /// # Errors
    /// [`DataIntegrityError::Json`], and as [`UnverifiedDocument::from_object`].
    pub fn parse(text: &[u8]) -> Result<Self, DataIntegrityError> {
        Self::from_object(json::parse_object(text)?)
    }

    /// Takes a secured document apart that was read strictly before, as by [`json::parse_object`].
    ///
    /// # Errors
    /// [`DataIntegrityError::NoProof`], [`DataIntegrityError::TooManyProofs`],
    /// [`DataIntegrityError::DuplicateProofId`], [`DataIntegrityError::PreviousProof`], and as
    /// [`DataIntegrityProof::parse`].
    pub fn from_object(mut document: Object) -> Result<Self, DataIntegrityError> {
        let proofs = match document.shift_remove("proof") {
            None => Vec::new(),
            Some(Value::Array(proofs)) => proofs,
            Some(proof) => vec![proof],
        };
        if proofs.is_empty() {
            return Err(DataIntegrityError::NoProof);
        }
        if proofs.len() > MAX_PROOFS {
            return Err(DataIntegrityError::TooManyProofs);
        }
        let proofs = proofs.iter().map(DataIntegrityProof::parse).collect::<Result<Vec<_>, _>>()?;
        for (at, proof) in proofs.iter().enumerate() {
            let has_its_id = |other: &DataIntegrityProof| other.id() == proof.id();
            if proof.id().is_some() && proofs.iter().take(at).any(has_its_id) {
                return Err(DataIntegrityError::DuplicateProofId);
            }
            // VC Data Integrity §4.5 (4.1): every proof that is referred to is there
            let is_there = |id: &String| proofs.iter().any(|other| other.id() == Some(id.as_str()));
            if !proof.previous().iter().all(is_there) {
                return Err(DataIntegrityError::PreviousProof);
            }
        }
        Ok(Self { document, proofs })
    }

    /// The proofs, to choose keys by.
    pub fn proofs(&self) -> &[DataIntegrityProof] {
        &self.proofs
    }

    /// The document without its proofs, as somebody claims it.
    pub const fn danger_unverified_document(&self) -> &Object {
        &self.document
    }

    /// What one of the proofs was made over: the document, with the proofs that it refers to.
    pub fn covered_by(&self, proof: &DataIntegrityProof) -> Cow<'_, Object> {
        // VC Data Integrity §4.5 (4): no proof but those of `previousProof`
        if proof.previous().is_empty() {
            return Cow::Borrowed(&self.document);
        }
        let is_referred_to = |other: &&DataIntegrityProof| {
            other.id().is_some_and(|id| proof.previous().iter().any(|previous| previous == id))
        };
        let matching = self.proofs.iter().filter(is_referred_to);
        let matching = matching.map(|proof| Value::Object(proof.as_object().clone())).collect();
        let mut document = self.document.clone();
        document.insert("proof".to_owned(), Value::Array(matching));
        Cow::Owned(document)
    }

    /// What all the proofs cover, if they are good: the document, under the context that there was when the
    /// first of them was made.
    pub(crate) fn signed_document(&self) -> Object {
        let mut document = self.document.clone();
        // VC-DI-EDDSA §3.3.2 (4): a context may grow, and what has been added since is not signed
        let contexts = self.proofs.iter().filter_map(DataIntegrityProof::signed_context);
        let entries = |context: &&Value| context.as_array().map_or(1, Vec::len);
        if let Some(shortest) = contexts.min_by_key(entries) {
            document.insert("@context".to_owned(), shortest.clone());
        }
        document
    }

    pub(super) fn into_document(self) -> Object {
        self.document
    }
}

impl fmt::Debug for UnverifiedDocument {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "UnverifiedDocument({:?})", self.proofs)
    }
}

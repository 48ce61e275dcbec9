//! Where Type Metadata documents come from (SD-JWT VC §5.3).

use std::{collections::BTreeMap, fmt};

use async_trait::async_trait;
use thiserror::Error;

use super::{Integrity, TypeMetadata, TypeMetadataError};
use crate::sd_jwt_vc::Vct;

/// Gives the document of a type, unread.
///
/// The web is one source, a registry another; which one is trusted for a type is the caller's policy.
/// It is asked only after the issuer's signature was verified.
#[async_trait]
pub trait TypeMetadataSource: Send + Sync {
    /// The bytes of the document exactly as received; integrity is checked over them by the caller.
    ///
    /// With `integrity` an answer never changes, and may be kept without end (§5.3.4).
    ///
    /// # Errors
    /// [`TypeMetadataUnavailable`].
    async fn document(
        &self,
        vct: &Vct,
        integrity: Option<&Integrity>,
    ) -> Result<Vec<u8>, TypeMetadataUnavailable>;
}

/// Why a source has no document.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum TypeMetadataUnavailable {
    /// There is none for this type here.
    #[error("no type metadata is published for the type")]
    NotPublished,
    /// Nobody can tell now.
    #[error("the type metadata cannot be reached")]
    Unreachable,
}

/// Documents that were configured: a registry of one's own (§5.3.2, §5.3.4).
#[derive(Clone, Default)]
pub struct LocalTypeMetadata {
    documents: BTreeMap<Vct, Vec<u8>>,
}

impl LocalTypeMetadata {
    /// Without any document.
    pub fn new() -> Self {
        Self::default()
    }

    /// With one more document, kept byte by byte; it says itself which type it is about.
    ///
    /// # Errors
    /// As [`TypeMetadata::parse`]: what cannot be read is not configured.
    pub fn with(mut self, document: impl Into<Vec<u8>>) -> Result<Self, TypeMetadataError> {
        let document = document.into();
        let vct = TypeMetadata::parse(&document)?.vct;
        self.documents.insert(vct, document);
        Ok(self)
    }
}

#[async_trait]
impl TypeMetadataSource for LocalTypeMetadata {
    async fn document(
        &self,
        vct: &Vct,
        _: Option<&Integrity>,
    ) -> Result<Vec<u8>, TypeMetadataUnavailable> {
        self.documents.get(vct).cloned().ok_or(TypeMetadataUnavailable::NotPublished)
    }
}

impl fmt::Debug for LocalTypeMetadata {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "LocalTypeMetadata({} documents)", self.documents.len())
    }
}

//! From a DID to its document, whatever the method (DID Resolution 1.0 §4).

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use thiserror::Error;

use super::{Did, DidDocument, DocumentFault, jwk, key};
use crate::{crypto::CryptoProvider, jose::JwkError, json::JsonError};

/// Turns a DID into its document.
#[async_trait]
pub trait DidResolver: Send + Sync {
    /// Resolves a DID.
    ///
    /// # Errors
    /// One [`ResolutionError`] per rule; [`ResolutionError::Unreachable`] says nothing about the DID.
    async fn resolve(&self, did: &Did) -> Result<DidDocument, ResolutionError>;
}

/// Where the bytes of a did:web document come from; the crate that may open sockets stands behind it.
#[async_trait]
pub trait DidWebSource: Send + Sync {
    /// Fetches the document of a did:web DID, at the URL the method maps it to.
    ///
    /// # Errors
    /// [`ResolutionError::InvalidDid`] when the DID maps to no URL, [`ResolutionError::NotFound`],
    /// [`ResolutionError::RepresentationNotSupported`] or [`ResolutionError::Unreachable`].
    async fn document(&self, did: &Did) -> Result<Vec<u8>, ResolutionError>;
}

/// Why a DID or a DID URL led to no key.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ResolutionError {
    /// Not a DID, or not one of its method.
    #[error("not a valid DID")]
    InvalidDid,
    /// Not a DID URL.
    #[error("not a valid DID URL")]
    InvalidDidUrl,
    /// The DID's method is not one that is resolved here.
    #[error("the DID method is not supported")]
    MethodNotSupported,
    /// The DID carries more or fewer bytes than its kind of key has.
    #[error("the DID carries a key of the wrong length")]
    KeyLength,
    /// The DID carries a point that is not on its curve, or an encoding that is not canonical.
    #[error("the DID carries an invalid key")]
    InvalidKey,
    /// The DID is fine, but nothing here works with its kind of key.
    #[error("the kind of key is not supported")]
    KeyNotSupported,
    /// A did:jwk is not strict JSON.
    #[error("the DID carries no JWK: {0}")]
    JwkUnreadable(JsonError),
    /// The JWK in a did:jwk breaks a rule.
    #[error("the DID carries a refused JWK: {0}")]
    Jwk(JwkError),
    /// There is no document, or it was deactivated.
    #[error("there is no DID document")]
    NotFound,
    /// What was found is no JSON representation of a DID document.
    #[error("the document has no supported representation")]
    RepresentationNotSupported,
    /// The document cannot be reached now: neither valid nor invalid.
    #[error("the DID document cannot be reached")]
    Unreachable,
    /// The document breaks a rule.
    #[error("the DID document is refused: {0}")]
    Document(#[from] DocumentFault),
    /// The DID URL names no verification method of the document.
    #[error("the DID document has no such verification method")]
    MethodNotFound,
    /// The verification method exists, but not for this purpose.
    #[error("the verification method is not meant for {0}")]
    NotInRelationship(&'static str),
    /// The verification method is controlled by another DID.
    #[error("the verification method belongs to another controller")]
    ForeignController,
}

impl ResolutionError {
    /// The error type of DID Resolution 1.0 §10, to follow `https://www.w3.org/ns/did#`.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::InvalidDid
            | Self::KeyLength
            | Self::InvalidKey
            | Self::JwkUnreadable(_)
            | Self::Jwk(_) => "INVALID_DID",
            Self::InvalidDidUrl => "INVALID_DID_URL",
            Self::MethodNotSupported => "METHOD_NOT_SUPPORTED",
            Self::KeyNotSupported => "FEATURE_NOT_SUPPORTED",
            Self::NotFound | Self::MethodNotFound => "NOT_FOUND",
            Self::RepresentationNotSupported => "REPRESENTATION_NOT_SUPPORTED",
            Self::Unreachable => "INTERNAL_ERROR",
            Self::Document(_) | Self::NotInRelationship(_) | Self::ForeignController => {
                "INVALID_DID_DOCUMENT"
            }
        }
    }
}

/// The DID methods that are resolved: did:key and did:jwk, and did:web once it has a source.
#[derive(Clone)]
pub struct DidMethods {
    provider: Arc<dyn CryptoProvider>,
    web: Option<Arc<dyn DidWebSource>>,
}

impl DidMethods {
    /// The methods that need nothing but the identifier.
    pub fn new(provider: Arc<dyn CryptoProvider>) -> Self {
        Self { provider, web: None }
    }

    /// With did:web through this source.
    #[must_use]
    pub fn with_web(mut self, source: Arc<dyn DidWebSource>) -> Self {
        self.web = Some(source);
        self
    }
}

#[async_trait]
impl DidResolver for DidMethods {
    async fn resolve(&self, did: &Did) -> Result<DidDocument, ResolutionError> {
        match did.method() {
            "key" => key::resolve(did, &*self.provider),
            "jwk" => jwk::resolve(did),
            "web" => {
                let source = self.web.as_ref().ok_or(ResolutionError::MethodNotSupported)?;
                Ok(DidDocument::parse(did, &source.document(did).await?, &*self.provider)?)
            }
            _ => Err(ResolutionError::MethodNotSupported),
        }
    }
}

impl fmt::Debug for DidMethods {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(if self.web.is_some() {
            "DidMethods(key, jwk, web)"
        } else {
            "DidMethods(key, jwk)"
        })
    }
}

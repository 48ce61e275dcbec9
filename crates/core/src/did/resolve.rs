//! From a DID to its document, whatever the method (DID Resolution 1.0 §4).

use std::{collections::HashMap, fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use thiserror::Error;

use super::{
    Did, DidDocument, DocumentFault, DocumentMetadata, PeerFault, ResolutionOptions, Resolved, jwk,
    key, peer,
    webvh::{LogError, UnverifiedLog, WebvhDid},
};
use crate::{Timestamp, crypto::CryptoProvider, jose::JwkError, json::JsonError};

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
    async fn document(&self, did: &Did) -> Result<Fetched, ResolutionError>;
}

/// Where the files of a did:webvh come from.
#[async_trait]
pub trait DidWebvhSource: Send + Sync {
    /// Fetches the log, from [`WebvhDid::log_url`].
    ///
    /// # Errors
    /// [`ResolutionError::NotFound`] or [`ResolutionError::Unreachable`].
    async fn log(&self, did: &WebvhDid) -> Result<Fetched, ResolutionError>;

    /// Fetches the witnesses' proofs, from [`WebvhDid::witness_url`]; none when there is no such file.
    ///
    /// # Errors
    /// [`ResolutionError::Unreachable`].
    async fn witness_proofs(&self, did: &WebvhDid) -> Result<Option<Fetched>, ResolutionError>;
}

/// What a source brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The bytes, unread.
    pub bytes: Vec<u8>,
    /// When it brought them: what is dated later is from the future.
    pub at: Timestamp,
    /// How long they may serve before they are fetched again.
    pub fresh_for: Duration,
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
    /// A did:peer breaks a rule of its method.
    #[error("the did:peer is refused: {0}")]
    Peer(#[from] PeerFault),
    /// A did:webvh, or its log, breaks a rule of its method.
    #[error("the did:webvh is refused: {0}")]
    Webvh(#[from] LogError),
    /// An option or a parameter has a value that it cannot have.
    #[error("a resolution option is not valid")]
    InvalidOption,
    /// An option that the DID's method does not know, as a version of a did:key.
    #[error("a resolution option is not supported for this DID")]
    OptionNotSupported,
    /// There is no document, or not in this version.
    #[error("there is no DID document")]
    NotFound,
    /// The DID was deactivated by its controller, and has no document any more.
    #[error("the DID is deactivated")]
    Deactivated,
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
    /// The verification method is controlled by another DID, or does not say by whom.
    #[error("the verification method belongs to another controller")]
    ForeignController,
}

impl ResolutionError {
    /// The stable reason, one for each rule: for operators.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::InvalidDid => "did_malformed",
            Self::InvalidDidUrl => "did_url_malformed",
            Self::MethodNotSupported => "did_method_not_supported",
            Self::KeyLength => "did_key_length",
            Self::InvalidKey => "did_key_invalid",
            Self::KeyNotSupported => "did_key_not_supported",
            Self::JwkUnreadable(_) => "did_jwk_unreadable",
            Self::Jwk(_) => "did_jwk_refused",
            Self::Peer(fault) => fault.reason(),
            Self::Webvh(error) => error.fault.reason(),
            Self::InvalidOption => "did_option_invalid",
            Self::OptionNotSupported => "did_option_not_supported",
            Self::NotFound => "did_not_found",
            Self::Deactivated => "did_deactivated",
            Self::RepresentationNotSupported => "did_representation_not_supported",
            Self::Unreachable => "did_unreachable",
            Self::Document(fault) => fault.reason(),
            Self::MethodNotFound => "did_verification_method_not_found",
            Self::NotInRelationship(_) => "did_verification_method_purpose",
            Self::ForeignController => "did_verification_method_controller",
        }
    }

    /// The error type of DID Resolution 1.0 §10, to follow `https://www.w3.org/ns/did#`.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::InvalidDid
            | Self::KeyLength
            | Self::InvalidKey
            | Self::JwkUnreadable(_)
            | Self::Jwk(_) => "INVALID_DID",
            Self::Peer(PeerFault::LongFormUnknown) => "NOT_FOUND",
            Self::Peer(PeerFault::Numalgo) => "FEATURE_NOT_SUPPORTED",
            Self::Peer(_) | Self::Webvh(_) => "INVALID_DID",
            Self::InvalidOption => "INVALID_OPTIONS",
            Self::InvalidDidUrl => "INVALID_DID_URL",
            Self::MethodNotSupported => "METHOD_NOT_SUPPORTED",
            Self::KeyNotSupported | Self::OptionNotSupported => "FEATURE_NOT_SUPPORTED",
            Self::NotFound | Self::Deactivated | Self::MethodNotFound => "NOT_FOUND",
            Self::RepresentationNotSupported => "REPRESENTATION_NOT_SUPPORTED",
            Self::Unreachable => "INTERNAL_ERROR",
            Self::Document(_) | Self::NotInRelationship(_) | Self::ForeignController => {
                "INVALID_DID_DOCUMENT"
            }
        }
    }
}

impl Did {
    /// The document of a DID that carries it in itself: did:key, did:jwk and the long forms of did:peer.
    ///
    /// # Errors
    /// One [`ResolutionError`] per rule; [`ResolutionError::MethodNotSupported`] for those that have to be
    /// fetched.
    pub fn carried_document(
        &self,
        provider: &dyn CryptoProvider,
    ) -> Result<DidDocument, ResolutionError> {
        match self.method() {
            "key" => key::resolve(self, provider),
            "jwk" => jwk::resolve(self),
            "peer" => peer::resolve(self, |_| None, provider),
            _ => Err(ResolutionError::MethodNotSupported),
        }
    }
}

/// The DID methods that are resolved: did:key, did:jwk and did:peer; did:web and did:webvh once they have
/// a source.
#[derive(Clone)]
pub struct DidMethods {
    provider: Arc<dyn CryptoProvider>,
    web: Option<Arc<dyn DidWebSource>>,
    webvh: Option<Arc<dyn DidWebvhSource>>,
    /// The longer forms of did:peer, by their hashes.
    peers: HashMap<Did, Did>,
    key_agreement: bool,
}

impl DidMethods {
    /// The methods that need nothing but the identifier.
    pub fn new(provider: Arc<dyn CryptoProvider>) -> Self {
        let peers = HashMap::new();
        Self { provider, web: None, webvh: None, peers, key_agreement: false }
    }

    /// With did:web through this source.
    #[must_use]
    pub fn with_web(mut self, source: Arc<dyn DidWebSource>) -> Self {
        self.web = Some(source);
        self
    }

    /// With did:webvh through this source.
    #[must_use]
    pub fn with_webvh(mut self, source: Arc<dyn DidWebvhSource>) -> Self {
        self.webvh = Some(source);
        self
    }

    /// With the longer form of a did:peer, as a peer sent it: its hash resolves from now on.
    #[must_use]
    pub fn with_known_peer(mut self, long: Did) -> Self {
        if let Some(short) = long.short_peer(&*self.provider) {
            self.peers.insert(short, long);
        }
        self
    }

    /// With the X25519 key of every Ed25519 did:key in its document, for those who encrypt
    /// (did:key v0.9, `enableEncryptionKeyDerivation`).
    #[must_use]
    pub fn with_derived_key_agreement(mut self) -> Self {
        self.key_agreement = true;
        self
    }

    /// Resolves a DID with options, and says what is known about its document.
    ///
    /// A deactivated DID is an answer here, without a document, and not an error.
    ///
    /// # Errors
    /// One [`ResolutionError`] per rule.
    pub async fn resolve_with(
        &self,
        did: &Did,
        options: &ResolutionOptions,
    ) -> Result<Resolved, ResolutionError> {
        let derived = |document| Resolved::unchanging(document);
        if options.version.is_some() && matches!(did.method(), "key" | "jwk" | "peer" | "web") {
            // DID Resolution 1.0 §4.4(3): an option that is not supported is refused, not ignored
            return Err(ResolutionError::OptionNotSupported);
        }
        match did.method() {
            "key" if self.key_agreement => {
                key::resolve_with_key_agreement(did, &*self.provider).map(derived)
            }
            "key" => key::resolve(did, &*self.provider).map(derived),
            "jwk" => jwk::resolve(did).map(derived),
            "peer" => {
                let known = |short: &Did| self.peers.get(short).cloned();
                peer::resolve(did, known, &*self.provider).map(derived)
            }
            "web" => {
                let source = self.web.as_ref().ok_or(ResolutionError::MethodNotSupported)?;
                let fetched = source.document(did).await?;
                let document = DidDocument::parse(did, &fetched.bytes, &*self.provider)?;
                let metadata = DocumentMetadata::default();
                Ok(Resolved {
                    document: Some(document),
                    metadata,
                    fresh_for: Some(fetched.fresh_for),
                })
            }
            "webvh" => self.resolve_webvh(did, options).await,
            _ => Err(ResolutionError::MethodNotSupported),
        }
    }

    async fn resolve_webvh(
        &self,
        did: &Did,
        options: &ResolutionOptions,
    ) -> Result<Resolved, ResolutionError> {
        let source = self.webvh.as_ref().ok_or(ResolutionError::MethodNotSupported)?;
        let did = WebvhDid::parse(did)?;
        let fetched = source.log(&did).await?;
        let log = UnverifiedLog::parse(&fetched.bytes)?;
        let witnesses = match log.names_witnesses() {
            true => source.witness_proofs(&did).await?,
            false => None,
        };
        let proofs = witnesses.as_ref().map(|fetched| fetched.bytes.as_slice());
        log.verify(&did, proofs, fetched.at, &*self.provider)?.resolve(options)
    }
}

#[async_trait]
impl DidResolver for DidMethods {
    async fn resolve(&self, did: &Did) -> Result<DidDocument, ResolutionError> {
        self.resolve_with(did, &ResolutionOptions::default()).await?.into_document()
    }
}

impl fmt::Debug for DidMethods {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("DidMethods(key, jwk, peer")?;
        if self.web.is_some() {
            out.write_str(", web")?;
        }
        if self.webvh.is_some() {
            out.write_str(", webvh")?;
        }
        out.write_str(")")
    }
}

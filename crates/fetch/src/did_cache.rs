//! A bounded single-flight cache in front of the DID methods, by how a method's documents change.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lanyard_core::did::webvh::WebvhFault;
use lanyard_core::did::{
    Did, DidDocument, DidMethods, DidResolver, ResolutionError, ResolutionOptions, Resolved,
};

use crate::did_web::DidWebFetcher;
use crate::did_webvh::DidWebvhFetcher;
use crate::kept::Kept;
use crate::port::HttpClient;

/// How many documents are kept and for how long.
#[derive(Debug, Clone)]
pub struct DidCacheLimits {
    /// How many DIDs are kept at most.
    pub dids: u64,
    /// How long a document serves at most, whatever its host or its log says.
    pub longest: Duration,
    /// How long it serves that a DID cannot be reached or was not found, so that a dead host is not asked by everyone.
    pub failure: Duration,
}

impl Default for DidCacheLimits {
    fn default() -> Self {
        Self {
            dids: 10_000,
            longest: Duration::from_secs(24 * 60 * 60),
            failure: Duration::from_secs(10),
        }
    }
}

/// The DID methods with a memory: did:key, did:jwk and did:peer carry their document and are never kept, did:web is kept for as long
/// as its host says, did:webvh for as long as its log says.
///
/// A log that has become shorter than it was is refused (did:webvh 1.0, security considerations on truncation).
#[derive(Clone)]
pub struct CachedDids {
    methods: DidMethods,
    latest: Kept<Answer>,
    /// The version of every log that was seen last, by its SCID; never believed, only compared.
    seen: Kept<Arc<str>>,
    limits: Arc<DidCacheLimits>,
}

type Answer = Result<Resolved, ResolutionError>;

impl CachedDids {
    /// A cache before `methods`.
    #[must_use]
    pub fn new(methods: DidMethods, limits: DidCacheLimits) -> Self {
        let limits = Arc::new(limits);
        let freshness = Arc::clone(&limits);
        let latest = Kept::new(limits.dids, move |_, answer| (1, Some(freshness.of(answer))));
        let seen = Kept::new(limits.dids, |_, _| (1, None));
        Self { methods, latest, seen, limits }
    }

    /// A cache before `methods` with did:web and did:webvh over `http`.
    #[must_use]
    pub fn over(http: Arc<dyn HttpClient>, methods: DidMethods) -> Self {
        let methods = methods
            .with_web(Arc::new(DidWebFetcher::new(Arc::clone(&http))))
            .with_webvh(Arc::new(DidWebvhFetcher::new(http)));
        Self::new(methods, DidCacheLimits::default())
    }

    /// Resolves a DID with options; an earlier version is never kept.
    ///
    /// # Errors
    /// As [`DidMethods::resolve_with`], and [`WebvhFault::Truncated`].
    pub async fn resolve_with(&self, did: &Did, options: &ResolutionOptions) -> Answer {
        match did.method() {
            "web" | "webvh" if *options == ResolutionOptions::default() => {
                self.latest.kept_or(did.as_str(), self.fetch(did)).await
            }
            _ => self.methods.resolve_with(did, options).await,
        }
    }

    async fn fetch(&self, did: &Did) -> Answer {
        let resolved = self.methods.resolve_with(did, &ResolutionOptions::default()).await?;
        if did.method() == "webvh" {
            self.compare(did, &resolved).await?;
        }
        Ok(resolved)
    }

    async fn compare(&self, did: &Did, resolved: &Resolved) -> Result<(), ResolutionError> {
        let scid = did.method_specific_id().split(':').next().unwrap_or_default();
        let Some(version) = &resolved.metadata.version_id else { return Ok(()) };
        let number = |version: &str| version.split('-').next().and_then(|n| n.parse::<u64>().ok());
        if let Some(seen) = self.seen.kept(scid).await
            && *seen != **version
            && number(version) <= number(&seen)
        {
            tracing::warn!(%did, "a did:webvh log has lost entries");
            return Err(ResolutionError::Webvh(WebvhFault::Truncated.into()));
        }
        self.seen.keep(scid, version.as_str().into()).await;
        Ok(())
    }
}

#[async_trait]
impl DidResolver for CachedDids {
    async fn resolve(&self, did: &Did) -> Result<DidDocument, ResolutionError> {
        self.resolve_with(did, &ResolutionOptions::default()).await?.into_document()
    }
}

impl DidCacheLimits {
    /// How long an answer serves.
    fn of(&self, answer: &Answer) -> Duration {
        match answer {
            Ok(resolved) => resolved.fresh_for.unwrap_or_default().min(self.longest),
            Err(ResolutionError::Unreachable | ResolutionError::NotFound) => self.failure,
            // did:webvh 1.0, Read: its controller may be about to repair it
            Err(_) => Duration::ZERO,
        }
    }
}

impl std::fmt::Debug for CachedDids {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CachedDids({:?}, {} at most)", self.methods, self.limits.dids)
    }
}

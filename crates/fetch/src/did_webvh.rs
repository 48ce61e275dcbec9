//! did:webvh: the log of a DID, and its witnesses' proofs.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lanyard_core::Timestamp;
use lanyard_core::did::webvh::WebvhDid;
use lanyard_core::did::{DidWebvhSource, Fetched, ResolutionError};
use url::Url;

use crate::port::{HttpClient, Purpose, Request};

/// Fetches did:webvh logs; the core verifies them.
///
/// How long a log may serve is written in the log itself (its `ttl`), so this is best used over a client that keeps nothing.
pub struct DidWebvhFetcher {
    http: Arc<dyn HttpClient>,
}

impl DidWebvhFetcher {
    /// A fetcher over `http`.
    #[must_use]
    pub fn new(http: Arc<dyn HttpClient>) -> Self {
        Self { http }
    }

    /// The file, or none when its host says that there is none.
    ///
    /// The media type is not looked at: a log is not believed for its type, but for its hashes and signatures, and hosts of plain
    /// files know no `text/jsonl`.
    async fn file(
        &self,
        url: Url,
        accept: &'static str,
    ) -> Result<Option<Fetched>, ResolutionError> {
        let request = Request::get(url, Purpose::DidLog).accept(accept);
        let response = self.http.send(request).await.map_err(|error| {
            tracing::info!(%error, "no did:webvh log");
            ResolutionError::Unreachable
        })?;
        match response.status {
            200 => Ok(Some(Fetched {
                bytes: response.body.into(),
                at: Timestamp::now(),
                fresh_for: Duration::ZERO,
            })),
            404 | 410 => Ok(None),
            status => {
                tracing::info!(status, "no did:webvh log");
                Err(ResolutionError::Unreachable)
            }
        }
    }
}

#[async_trait]
impl DidWebvhSource for DidWebvhFetcher {
    async fn log(&self, did: &WebvhDid) -> Result<Fetched, ResolutionError> {
        let accept = "text/jsonl, application/jsonl;q=0.9, */*;q=0.8";
        self.file(did.log_url(), accept).await?.ok_or(ResolutionError::NotFound)
    }

    async fn witness_proofs(&self, did: &WebvhDid) -> Result<Option<Fetched>, ResolutionError> {
        self.file(did.witness_url(), "application/json").await
    }
}

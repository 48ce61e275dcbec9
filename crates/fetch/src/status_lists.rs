//! Status lists, wherever they are published.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use lanyard_core::status::{
    PublishedStatusList, StatusListSource, StatusListUnavailable, StatusListUri, StatusMechanism,
    bitstring_status_list::{MEDIA_TYPE_VC, MEDIA_TYPE_VC_JWT},
    token_status_list::{
        AggregationError, MEDIA_TYPE_AGGREGATION, MEDIA_TYPE_CWT, MEDIA_TYPE_JWT,
        StatusListAggregation,
    },
};
use url::Url;

use crate::FetchError;
use crate::kept::Kept;
use crate::port::{HttpClient, Purpose, Request};

/// Lists that are on their way, or that just arrived or failed.
const LISTS: u64 = 256;

/// For how long a list serves those who asked for it at the same time.
const SHARED: Duration = Duration::from_millis(500);

/// For how long a failure serves, so that a dead host is not asked by everyone.
const FAILED: Duration = Duration::from_secs(10);

type Answer = Result<PublishedStatusList, StatusListUnavailable>;

/// Fetches status lists; the core verifies them, and keeps them for as long as they say themselves.
///
/// Simultaneous questions for one list become one request. Nothing is kept here beyond that, whatever
/// HTTP says, since `exp` and `ttl` in the token beat the headers around it (Token Status List §8.2), and
/// so do `validUntil` and `ttl` in a Bitstring Status List (§2.2).
#[derive(Clone)]
pub struct StatusListFetcher {
    http: Arc<dyn HttpClient>,
    answers: Kept<Answer>,
}

impl StatusListFetcher {
    /// A fetcher over `http`.
    #[must_use]
    pub fn new(http: Arc<dyn HttpClient>) -> Self {
        let answers = Kept::new(LISTS, |_, answer: &Answer| {
            (1, Some(if answer.is_ok() { SHARED } else { FAILED }))
        });
        Self { http, answers }
    }

    async fn fetch(
        &self,
        uri: &StatusListUri,
        mechanism: StatusMechanism,
    ) -> Result<PublishedStatusList, ListError> {
        let url = Url::parse(uri.as_str()).map_err(|_| ListError::NotAUrl)?;
        // Token Status List §8.1: Accept says which of the two forms is taken, and a JWT is good for every
        // credential; Bitstring Status List §4
        let accept = match mechanism {
            StatusMechanism::TokenStatusList => format!("{MEDIA_TYPE_JWT}, {MEDIA_TYPE_CWT};q=0.5"),
            StatusMechanism::BitstringStatusList => {
                format!("{MEDIA_TYPE_VC_JWT}, {MEDIA_TYPE_VC}, application/json;q=0.5")
            }
        };
        let request = Request::get(url, Purpose::StatusList).accept(accept);
        let response = self.http.send(request).await?;
        // Token Status List §8.2: a successful answer is 2xx; no other carries a list
        if !response.is_success() {
            return Err(ListError::Status(response.status));
        }
        let media_type = response.media_type().unwrap_or_default();
        Ok(PublishedStatusList { media_type, bytes: response.body.into() })
    }
}

/// Why there is no list; for the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum ListError {
    #[error("its URI is no URL")]
    NotAUrl,
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error("the host answered with status {0}")]
    Status(u16),
    #[error(transparent)]
    Aggregation(#[from] AggregationError),
}

#[async_trait]
impl StatusListSource for StatusListFetcher {
    async fn list(&self, uri: &StatusListUri, mechanism: StatusMechanism) -> Answer {
        let wanted = format!("{mechanism:?} {uri}");
        let fetch = async {
            self.fetch(uri, mechanism).await.map_err(|error| {
                tracing::info!(%error, "no status list");
                StatusListUnavailable
            })
        };
        self.answers.kept_or(&wanted, fetch).await
    }

    async fn aggregation(
        &self,
        uri: &StatusListUri,
    ) -> Result<StatusListAggregation, StatusListUnavailable> {
        let fetch = async {
            let url = Url::parse(uri.as_str()).map_err(|_| ListError::NotAUrl)?;
            let request = Request::get(url, Purpose::StatusList).accept(MEDIA_TYPE_AGGREGATION);
            let response = self.http.send(request).await?;
            if !response.is_success() {
                return Err(ListError::Status(response.status));
            }
            let media_type = response.media_type().unwrap_or_default();
            Ok(StatusListAggregation::parse(&media_type, &response.body)?)
        };
        fetch.await.map_err(|error| {
            tracing::info!(%error, "no list of status lists");
            StatusListUnavailable
        })
    }
}

impl fmt::Debug for StatusListFetcher {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("StatusListFetcher")
    }
}

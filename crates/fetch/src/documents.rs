//! The documents that issuers, publishers of types and certificate authorities put on the web.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use lanyard_core::{
    crypto::CryptoProvider,
    sd_jwt_vc::{
        Vct,
        type_metadata::{Integrity, TypeMetadataSource, TypeMetadataUnavailable},
    },
    trust::{
        IssuerMetadataSource, IssuerMetadataUnavailable,
        x509::{RevocationListSource, RevocationListUnavailable},
    },
};
use url::Url;

use crate::FetchError;
use crate::kept::Kept;
use crate::port::{HttpClient, Purpose, Request};

/// Bytes of type metadata that are kept by their digest.
const KEPT_BYTES: u64 = 8 * 1024 * 1024;

/// Why there is no document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum DocumentError {
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error("the host answered with status {0}")]
    Status(u16),
    #[error("the answer is not of the document's media type")]
    MediaType,
}

impl DocumentError {
    /// Whether the host said that there is none; whatever else went wrong says nothing about that.
    fn is_none_there(&self) -> bool {
        matches!(self, Self::Status(404 | 410))
    }
}

async fn document(
    http: &dyn HttpClient,
    url: Url,
    purpose: Purpose,
    accepted: &[&str],
) -> Result<Bytes, DocumentError> {
    let response = http.send(Request::get(url, purpose).accept(accepted.join(", "))).await?;
    // SD-JWT VC §3: the content of an error response is never used in place of the document
    if response.status != 200 {
        return Err(DocumentError::Status(response.status));
    }
    let media_type = response.media_type().unwrap_or_default();
    // SD-JWT VC §4.2, §5.3.1: application/json
    if !accepted.contains(&media_type.as_str()) {
        return Err(DocumentError::MediaType);
    }
    Ok(response.body)
}

/// Fetches JWT VC Issuer Metadata and the key sets it refers to; the core reads and judges them.
#[derive(Clone)]
pub struct IssuerMetadataFetcher {
    http: Arc<dyn HttpClient>,
}

impl IssuerMetadataFetcher {
    /// A fetcher over `http`; put a [`crate::CachedClient`] there to ask an issuer once for many checks.
    #[must_use]
    pub fn new(http: Arc<dyn HttpClient>) -> Self {
        Self { http }
    }
}

#[async_trait]
impl IssuerMetadataSource for IssuerMetadataFetcher {
    async fn document(&self, url: &Url) -> Result<Vec<u8>, IssuerMetadataUnavailable> {
        let accepted = ["application/json", "application/jwk-set+json"];
        let answer = document(&*self.http, url.clone(), Purpose::IssuerKeys, &accepted).await;
        answer.map(Into::into).map_err(|error| {
            tracing::info!(%error, "no issuer metadata");
            if error.is_none_there() {
                IssuerMetadataUnavailable::NotPublished
            } else {
                IssuerMetadataUnavailable::Unreachable
            }
        })
    }
}

/// Fetches type metadata from the URL that a type is; the core reads and judges it.
///
/// A document whose digest was stated is kept by that digest, as it can never change (SD-JWT VC §5.3.4).
/// Asking tells the publisher that a credential of the type is being looked at, and the specification
/// leaves it to the consumer whether to ask at all.
#[derive(Clone)]
pub struct TypeMetadataFetcher {
    http: Arc<dyn HttpClient>,
    provider: Arc<dyn CryptoProvider>,
    kept: Kept<Bytes>,
}

impl TypeMetadataFetcher {
    /// A fetcher over `http`; put a [`crate::CachedClient`] there to keep what has no digest too.
    #[must_use]
    pub fn new(http: Arc<dyn HttpClient>, provider: Arc<dyn CryptoProvider>) -> Self {
        let kept = Kept::new(KEPT_BYTES, |_, body: &Bytes| (body.len() + 256, None));
        Self { http, provider, kept }
    }
}

#[async_trait]
impl TypeMetadataSource for TypeMetadataFetcher {
    async fn document(
        &self,
        vct: &Vct,
        integrity: Option<&Integrity>,
    ) -> Result<Vec<u8>, TypeMetadataUnavailable> {
        // SD-JWT VC §5.3.1: a type that is an https URL may be retrieved from there, others not
        let url = Url::parse(vct.as_str()).ok().filter(|url| {
            let own_machine = url.scheme() == "http" && url.host_str() == Some("localhost");
            url.scheme() == "https" || own_machine
        });
        let url = url.ok_or(TypeMetadataUnavailable::NotPublished)?;
        if let Some(integrity) = integrity
            && let Some(kept) = self.kept.kept(integrity.as_str()).await
        {
            return Ok(kept.into());
        }
        let accepted = ["application/json"];
        let answer = document(&*self.http, url, Purpose::TypeMetadata, &accepted).await;
        let body = answer.map_err(|error| {
            tracing::info!(%error, "no type metadata");
            if error.is_none_there() {
                TypeMetadataUnavailable::NotPublished
            } else {
                TypeMetadataUnavailable::Unreachable
            }
        })?;
        // what does not have the digest is not kept under it, or one bad answer would stay for ever
        if let Some(integrity) = integrity
            && integrity.check(&body, &*self.provider).is_ok()
        {
            self.kept.keep(integrity.as_str(), body.clone()).await;
        }
        Ok(body.into())
    }
}

/// Fetches lists of revoked certificates; the core reads and judges them.
///
/// Distribution points are `http:` URLs as a rule, and those are fetched over plain http: a list is signed
/// and says until when it is good, so whoever stands in between can withhold it or show an older one that
/// still is, and no more. Names, addresses, ports, size and time are bounded as for everything else. An
/// `ldap:` point counts as unreachable.
#[derive(Clone)]
pub struct RevocationListFetcher {
    http: Arc<dyn HttpClient>,
}

impl RevocationListFetcher {
    /// A fetcher over `http`; put a [`crate::CachedClient`] there to ask an authority once for many checks.
    #[must_use]
    pub fn new(http: Arc<dyn HttpClient>) -> Self {
        Self { http }
    }
}

#[async_trait]
impl RevocationListSource for RevocationListFetcher {
    async fn list(&self, url: &Url) -> Result<Vec<u8>, RevocationListUnavailable> {
        // RFC 5280 §4.2.1.13, RFC 2585 §4.2: one DER list, of this media type
        let accepted = ["application/pkix-crl"];
        let answer = document(&*self.http, url.clone(), Purpose::RevocationList, &accepted).await;
        answer.map(Into::into).map_err(|error| {
            tracing::info!(%error, "no list of revoked certificates");
            RevocationListUnavailable
        })
    }
}

impl fmt::Debug for RevocationListFetcher {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("RevocationListFetcher")
    }
}

impl fmt::Debug for IssuerMetadataFetcher {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("IssuerMetadataFetcher")
    }
}

impl fmt::Debug for TypeMetadataFetcher {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("TypeMetadataFetcher")
    }
}

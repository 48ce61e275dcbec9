//! A bounded single-flight cache in front of another client.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use moka::Expiry;
use moka::future::Cache;
use url::Url;

use crate::FetchError;
use crate::port::{Body, HttpClient, Method, Purpose, Request, Response};

/// How much is kept and for how long.
#[derive(Debug, Clone)]
pub struct CacheLimits {
    /// Bytes of bodies and URLs kept at most.
    pub bytes: u64,
    /// How long an answer serves when its `Cache-Control` does not say less.
    pub ttl: Duration,
    /// How long a failure serves, so that a dead host is not asked by everyone.
    pub failure_ttl: Duration,
}

impl Default for CacheLimits {
    fn default() -> Self {
        Self {
            bytes: 16 * 1024 * 1024,
            ttl: Duration::from_secs(300),
            failure_ttl: Duration::from_secs(10),
        }
    }
}

/// An [`HttpClient`] that keeps documents many sessions ask for: DID documents, metadata, issuer keys, type metadata.
///
/// Simultaneous requests for one document become one. Anything with a body, an authorization or headers of its own goes straight
/// through, and so does everything of another purpose.
pub struct CachedClient {
    inner: Arc<dyn HttpClient>,
    answers: Cache<Key, Answer>,
}

type Answer = Result<Response, FetchError>;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    purpose: Purpose,
    url: Url,
    accept: Option<Cow<'static, str>>,
}

impl CachedClient {
    /// A cache before `inner`.
    #[must_use]
    pub fn new(inner: Arc<dyn HttpClient>, limits: &CacheLimits) -> Self {
        let answers = Cache::builder()
            .max_capacity(limits.bytes)
            .weigher(|key: &Key, answer: &Answer| {
                let body = answer.as_ref().map_or(0, |response| response.body.len());
                u32::try_from(body + 2 * key.url.as_str().len() + 256).unwrap_or(u32::MAX)
            })
            .expire_after(Freshness { ttl: limits.ttl, failure_ttl: limits.failure_ttl })
            .build();
        Self { inner, answers }
    }
}

#[async_trait]
impl HttpClient for CachedClient {
    async fn send(&self, request: Request) -> Answer {
        match key(&request) {
            Some(key) => self.answers.get_with(key, self.inner.send(request)).await,
            None => self.inner.send(request).await,
        }
    }
}

fn key(request: &Request) -> Option<Key> {
    let shared = matches!(
        request.purpose,
        Purpose::DidDocument
            | Purpose::IssuerMetadata
            | Purpose::AuthorizationServerMetadata
            | Purpose::IssuerKeys
            | Purpose::TypeMetadata
            | Purpose::RevocationList
    );
    let plain = request.method == Method::Get
        && matches!(request.body, Body::None)
        && request.authorization.is_none()
        && request.headers.is_empty();
    if !(shared && plain) {
        return None;
    }
    let mut url = request.url.clone();
    url.set_fragment(None);
    Some(Key { purpose: request.purpose, url, accept: request.accept.clone() })
}

struct Freshness {
    ttl: Duration,
    failure_ttl: Duration,
}

impl Freshness {
    fn of(&self, answer: &Answer) -> Duration {
        match answer {
            Ok(response) if response.is_success() => {
                let directives = response.headers.cache_control.as_deref().unwrap_or_default();
                asked_for(directives).map_or(self.ttl, |asked| asked.min(self.ttl))
            }
            _ => self.failure_ttl,
        }
    }
}

impl Expiry<Key, Answer> for Freshness {
    fn expire_after_create(&self, _key: &Key, answer: &Answer, _at: Instant) -> Option<Duration> {
        Some(self.of(answer))
    }
}

/// RFC 9111 §5.2.2: what the origin says about the life of its answer, if it says anything.
pub(crate) fn asked_for(cache_control: &str) -> Option<Duration> {
    let mut asked = None;
    for directive in cache_control.split(',') {
        let (name, argument) = directive.split_once('=').unwrap_or((directive, ""));
        match name.trim().to_ascii_lowercase().as_str() {
            "no-store" | "no-cache" => return Some(Duration::ZERO),
            "max-age" => {
                asked = argument.trim().trim_matches('"').parse().ok().map(Duration::from_secs)
            }
            _ => {}
        }
    }
    asked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_origin_may_shorten_the_life_of_an_answer() {
        assert_eq!(asked_for(""), None);
        assert_eq!(asked_for("public"), None);
        assert_eq!(asked_for("public, max-age=30"), Some(Duration::from_secs(30)));
        assert_eq!(asked_for("Max-Age=\"30\""), Some(Duration::from_secs(30)));
        assert_eq!(asked_for("max-age=30, no-store"), Some(Duration::ZERO));
        assert_eq!(asked_for("no-cache"), Some(Duration::ZERO));
        assert_eq!(asked_for("max-age=soon"), None);
    }
}

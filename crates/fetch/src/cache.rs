//! A bounded single-flight cache in front of another client.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::FetchError;
use crate::kept::Kept;
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
    answers: Kept<Answer>,
}

type Answer = Result<Response, FetchError>;

impl CachedClient {
    /// A cache before `inner`.
    #[must_use]
    pub fn new(inner: Arc<dyn HttpClient>, limits: &CacheLimits) -> Self {
        let freshness = Freshness { ttl: limits.ttl, failure_ttl: limits.failure_ttl };
        let answers = Kept::new(limits.bytes, move |name, answer: &Answer| {
            let body = answer.as_ref().map_or(0, |response| response.body.len());
            (body + 2 * name.len() + 256, Some(freshness.of(answer)))
        });
        Self { inner, answers }
    }
}

#[async_trait]
impl HttpClient for CachedClient {
    async fn send(&self, request: Request) -> Answer {
        match name(&request) {
            Some(name) => self.answers.kept_or(&name, self.inner.send(request)).await,
            None => self.inner.send(request).await,
        }
    }
}

/// The name under which an answer is kept; none where it is for one caller alone.
fn name(request: &Request) -> Option<String> {
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
    // no URL has a space in it
    Some(format!("{:?} {url} {:?}", request.purpose, request.accept))
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

//! The one way to the network.

use std::collections::{HashMap, HashSet};
use std::error::Error as _;
use std::io::ErrorKind;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::{self, HeaderName, HeaderValue};
use reqwest::Certificate;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use url::Url;

use crate::port::{
    Authorization, Body, HttpClient, Method, Purpose, Request, Response, ResponseHeaders, basic,
};
use crate::resolve::{FailedNames, NameResolver, SystemResolver, VettingResolver};
use crate::target::{HostPort, Route, TargetRules};
use crate::{ConnectCause, FetchError, RootCertificateInvalid, trace};

const USER_AGENT: &str = concat!("lanyard/", env!("CARGO_PKG_VERSION"));

/// How long and how many; the defaults are those of the threat model.
#[derive(Debug, Clone)]
pub struct FetchLimits {
    /// Name look-up, connection and TLS handshake together.
    pub connect: Duration,
    /// The whole request with all its hops and the wait for a free slot.
    pub total: Duration,
    /// Requests to one host at once; others wait.
    pub per_host: usize,
    /// Bytes of large answers that are being read, of all hosts together; what would be more is refused.
    pub in_hand: usize,
    /// How long a name that did not resolve is not asked for again.
    pub failed_name_ttl: Duration,
}

impl Default for FetchLimits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(3),
            total: Duration::from_secs(5),
            per_host: 4,
            in_hand: 64 * 1024 * 1024,
            failed_name_ttl: Duration::from_secs(60),
        }
    }
}

/// The [`HttpClient`] that reaches the network.
///
/// https to public addresses only, and plain http where what is fetched is signed itself: every address of a name is vetted and the
/// connection goes to a vetted one. No redirects (status lists: three, each vetted anew), no cookies, no proxy, no decompression; bounded in time, size and concurrency per host, and in the bytes of all hosts together. Keep one
/// and share it: it pools connections.
pub struct SafeFetcher {
    targets: TargetRules,
    limits: FetchLimits,
    names: Arc<dyn NameResolver>,
    failures: Arc<FailedNames>,
    roots: Vec<Certificate>,
    slots: HostSlots,
    in_hand: Semaphore,
    // One client for each route, since a client's resolver sees a name but no port: what one exact pair may do must not rub off on
    // others, nor what one purpose may.
    public: OnceLock<Option<reqwest::Client>>,
    plain_public: OnceLock<Option<reqwest::Client>>,
    loopback: OnceLock<Option<reqwest::Client>>,
    own: OnceLock<Option<reqwest::Client>>,
}

impl SafeFetcher {
    /// A fetcher with the default limits and an empty allow-list.
    #[must_use]
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// A builder for one with other settings.
    pub fn builder() -> SafeFetcherBuilder {
        SafeFetcherBuilder {
            targets: TargetRules::default(),
            limits: FetchLimits::default(),
            names: Arc::new(SystemResolver),
            roots: Vec::new(),
        }
    }

    async fn follow(
        &self,
        request: &Request,
        mut held: Option<OwnedSemaphorePermit>,
    ) -> Result<Response, FetchError> {
        let rules = request.purpose.rules();
        let mut url = request.url.clone();
        let mut hops = 0;
        loop {
            // Token Status List §11.4: each hop is vetted like a first request.
            url.set_fragment(None);
            let route = self.targets.vet(&url, rules.plain_http)?;
            let host = url.host_str().unwrap_or_default().to_owned();
            let _slot = match held.take() {
                Some(slot) => Some(slot),
                None => self.slots.take(&url, self.limits.per_host).await,
            };
            let response = self
                .outgoing(request, &url, route)?
                .send()
                .await
                .map_err(|e| classify(&e, &host))?;
            let status = response.status().as_u16();
            if !matches!(status, 301 | 302 | 303 | 307 | 308) {
                return read(response, url, rules.body_cap, &host, &self.in_hand).await;
            }
            // OID4VP errata on §5.10 and §8.2: a 307 would carry the presentation to a host nobody checked.
            if rules.redirects == 0 || request.method != Method::Get {
                return Err(FetchError::RedirectRefused { host, status });
            }
            if hops == rules.redirects {
                return Err(FetchError::TooManyRedirects { limit: rules.redirects });
            }
            hops += 1;
            url = location(response.headers(), &url)
                .ok_or(FetchError::RedirectWithoutTarget { host })?;
        }
    }

    fn outgoing(
        &self,
        request: &Request,
        url: &Url,
        route: Route,
    ) -> Result<reqwest::RequestBuilder, FetchError> {
        let method = match request.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Delete => reqwest::Method::DELETE,
        };
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        if let Some(accept) = &request.accept {
            headers.insert(header::ACCEPT, value(accept)?);
        }
        for (name, text) in &request.headers {
            headers.insert(name.name(), secret_value(text)?);
        }
        if let Some(parent) = trace::parent(request.purpose) {
            headers.insert(HeaderName::from_static("traceparent"), value(&parent)?);
        }
        match &request.authorization {
            None => {}
            Some(Authorization::Bearer(token)) => {
                drop(headers.insert(header::AUTHORIZATION, scheme("Bearer", token)?))
            }
            Some(Authorization::Dpop(token)) => {
                drop(headers.insert(header::AUTHORIZATION, scheme("DPoP", token)?))
            }
            Some(Authorization::Basic { user, password }) => {
                drop(headers.insert(header::AUTHORIZATION, secret_value(&basic(user, password))?))
            }
        }
        let body = match &request.body {
            Body::None => None,
            Body::Form(pairs) => {
                headers.insert(
                    header::CONTENT_TYPE,
                    HeaderValue::from_static("application/x-www-form-urlencoded"),
                );
                // Pairs of text cannot fail to encode.
                Some(Bytes::from(serde_urlencoded::to_string(pairs).unwrap_or_default()))
            }
            Body::Json(bytes) => {
                headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
                Some(bytes.clone())
            }
            Body::Other { content_type, bytes } => {
                headers.insert(header::CONTENT_TYPE, value(content_type)?);
                Some(bytes.clone())
            }
        };
        let mut outgoing = self.client(route)?.request(method, url.clone()).headers(headers);
        if let Some(body) = body {
            outgoing = outgoing.body(body);
        }
        Ok(outgoing)
    }

    /// Built on first use: loading the system's root certificates takes longer than everything else at start.
    fn client(&self, route: Route) -> Result<&reqwest::Client, FetchError> {
        let cell = match route {
            Route::Public => &self.public,
            Route::PlainPublic => &self.plain_public,
            Route::AllowedLoopback => &self.loopback,
            Route::Own => &self.own,
        };
        cell.get_or_init(|| self.build_client(route)).as_ref().ok_or(FetchError::TlsUnavailable)
    }

    fn build_client(&self, route: Route) -> Option<reqwest::Client> {
        let resolver = VettingResolver {
            route,
            names: Arc::clone(&self.names),
            failures: Arc::clone(&self.failures),
        };
        let builder = || {
            reqwest::Client::builder()
                .user_agent(USER_AGENT)
                .redirect(reqwest::redirect::Policy::none())
                .referer(false)
                .no_proxy()
                .connect_timeout(self.limits.connect)
                .pool_max_idle_per_host(self.limits.per_host)
                .pool_idle_timeout(Duration::from_secs(30))
                .tcp_nodelay(true)
                .https_only(route == Route::Public)
                .dns_resolver(resolver.clone())
        };
        if matches!(route, Route::Public | Route::Own) {
            match builder().tls_certs_merge(self.roots.iter().cloned()).build() {
                Ok(client) => return Some(client),
                Err(_) => tracing::warn!(
                    "no system root certificates: only the configured roots are trusted"
                ),
            }
        }
        // No public authority vouches for loopback.
        builder().tls_certs_only(self.roots.iter().cloned()).build().ok()
    }
}

impl Default for SafeFetcher {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl HttpClient for SafeFetcher {
    async fn send(&self, request: Request) -> Result<Response, FetchError> {
        let host = request.url.host_str().unwrap_or_default().to_owned();
        // a receiver has its time from its turn on, however many messages wait for it; nobody waits for the sender
        let held = match request.purpose {
            Purpose::Webhook => self.slots.take(&request.url, self.limits.per_host).await,
            _ => None,
        };
        let outcome = match timeout(self.limits.total, self.follow(&request, held)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(FetchError::TimedOut { host: host.clone() }),
        };
        match &outcome {
            Ok(response) => {
                tracing::debug!(purpose = ?request.purpose, host, status = response.status, "fetched")
            }
            Err(error) => tracing::debug!(purpose = ?request.purpose, host, %error, "not fetched"),
        }
        outcome
    }
}

/// Settings of a [`SafeFetcher`].
#[must_use]
pub struct SafeFetcherBuilder {
    targets: TargetRules,
    limits: FetchLimits,
    names: Arc<dyn NameResolver>,
    roots: Vec<Certificate>,
}

impl SafeFetcherBuilder {
    /// Replaces the limits.
    pub fn limits(mut self, limits: FetchLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Allows https on further ports; addresses are vetted as ever.
    pub fn allow_ports(mut self, ports: impl IntoIterator<Item = u16>) -> Self {
        self.targets.ports.extend(ports);
        self
    }

    /// Replaces the name look-up.
    pub fn resolver(mut self, names: Arc<dyn NameResolver>) -> Self {
        self.names = names;
        self
    }

    /// Trusts the certificates of a PEM file besides those of the system.
    ///
    /// # Errors
    /// When the text holds no certificate or a broken one.
    pub fn trust_roots(mut self, pem: &[u8]) -> Result<Self, RootCertificateInvalid> {
        let certificates = Certificate::from_pem_bundle(pem).map_err(|_| RootCertificateInvalid)?;
        if certificates.is_empty() {
            return Err(RootCertificateInvalid);
        }
        self.roots.extend(certificates);
        Ok(self)
    }

    /// Allows http and https to exactly these pairs, and only while they resolve to loopback.
    ///
    /// For tests, a demo and conformance suites on one machine. It opens neither other ports of these hosts nor private networks.
    pub fn danger_allow_plain_http_to(mut self, pairs: impl IntoIterator<Item = HostPort>) -> Self {
        self.targets.loopback.extend(pairs.into_iter().collect::<HashSet<_>>());
        self
    }

    /// Allows http and https to exactly these pairs, at whatever address they are.
    ///
    /// For services that the operator names in the configuration, such as one that keeps keys. Never for what a peer or an
    /// integrator names.
    pub fn own_services(mut self, pairs: impl IntoIterator<Item = HostPort>) -> Self {
        self.targets.own.extend(pairs);
        self
    }

    /// Allows https to exactly these pairs, at whatever address they are: servers in a private network.
    ///
    /// For what the one who starts a program names, such as the server of a conformance suite.
    pub fn private_hosts(mut self, pairs: impl IntoIterator<Item = HostPort>) -> Self {
        self.targets.private.extend(pairs);
        self
    }

    /// The fetcher.
    #[must_use]
    pub fn build(self) -> SafeFetcher {
        SafeFetcher {
            targets: self.targets,
            failures: Arc::new(FailedNames::new(self.limits.failed_name_ttl)),
            in_hand: Semaphore::new(self.limits.in_hand.min(Semaphore::MAX_PERMITS)),
            limits: self.limits,
            names: self.names,
            roots: self.roots,
            slots: HostSlots::default(),
            public: OnceLock::new(),
            plain_public: OnceLock::new(),
            loopback: OnceLock::new(),
            own: OnceLock::new(),
        }
    }
}

/// Bounds the requests to one host, so that a slow one cannot eat all workers.
#[derive(Default)]
struct HostSlots(Mutex<HashMap<HostPort, Arc<Semaphore>>>);

const IDLE_HOSTS_KEPT: usize = 256;

impl HostSlots {
    async fn take(&self, url: &Url, per_host: usize) -> Option<OwnedSemaphorePermit> {
        let semaphore = {
            let mut hosts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if hosts.len() >= IDLE_HOSTS_KEPT {
                hosts.retain(|_, semaphore| Arc::strong_count(semaphore) > 1);
            }
            let pair = HostPort::of(url)?;
            Arc::clone(
                hosts.entry(pair).or_insert_with(|| Arc::new(Semaphore::new(per_host.max(1)))),
            )
        };
        // Never closed, so never an error.
        semaphore.acquire_owned().await.ok()
    }
}

/// So much of each answer counts for nothing: whoever fills what all hosts have together keeps no small answer out.
const SMALL: usize = 64 * 1024;

async fn read(
    mut response: reqwest::Response,
    url: Url,
    cap: usize,
    host: &str,
    in_hand: &Semaphore,
) -> Result<Response, FetchError> {
    let encoded = response
        .headers()
        .get(header::CONTENT_ENCODING)
        .is_some_and(|encoding| encoding != "identity");
    if encoded {
        return Err(FetchError::BodyEncoded { host: host.to_owned() });
    }
    if response.content_length().is_some_and(|length| length > cap as u64) {
        return Err(FetchError::TooLarge { limit: cap });
    }
    let (mut body, mut held) = (BytesMut::new(), Vec::new());
    while let Some(chunk) = response.chunk().await.map_err(|e| classify(&e, host))? {
        if body.len() + chunk.len() > cap {
            return Err(FetchError::TooLarge { limit: cap });
        }
        let large = (body.len() + chunk.len()).saturating_sub(SMALL).min(chunk.len());
        // whoever waited for others to give back would hold what they wait for
        let more = u32::try_from(large).ok().and_then(|more| in_hand.try_acquire_many(more).ok());
        held.push(more.ok_or_else(|| FetchError::TooMuchAtOnce { host: host.to_owned() })?);
        body.extend_from_slice(&chunk);
    }
    Ok(Response {
        status: response.status().as_u16(),
        content_type: text(response.headers(), header::CONTENT_TYPE),
        headers: ResponseHeaders {
            dpop_nonce: text(response.headers(), HeaderName::from_static("dpop-nonce")),
            attestation_challenge: text(
                response.headers(),
                HeaderName::from_static("oauth-client-attestation-challenge"),
            ),
            www_authenticate: text(response.headers(), header::WWW_AUTHENTICATE),
            retry_after: text(response.headers(), header::RETRY_AFTER),
            cache_control: text(response.headers(), header::CACHE_CONTROL),
            etag: text(response.headers(), header::ETAG),
        },
        body: body.freeze(),
        final_url: url,
    })
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

fn location(headers: &HeaderMap, base: &Url) -> Option<Url> {
    base.join(headers.get(header::LOCATION)?.to_str().ok()?).ok()
}

fn value(text: &str) -> Result<HeaderValue, FetchError> {
    HeaderValue::from_str(text).map_err(|_| FetchError::HeaderInvalid)
}

fn secret_value(text: &str) -> Result<HeaderValue, FetchError> {
    let mut value = value(text)?;
    value.set_sensitive(true);
    Ok(value)
}

fn scheme(name: &str, token: &SecretString) -> Result<HeaderValue, FetchError> {
    secret_value(&format!("{name} {}", token.expose_secret()))
}

/// Finds the rule or the network's own word inside the client's error chain.
fn classify(error: &reqwest::Error, host: &str) -> FetchError {
    let host = host.to_owned();
    let mut cause = error.source();
    let mut network = None;
    while let Some(inner) = cause {
        if let Some(rule) = inner.downcast_ref::<FetchError>() {
            return rule.clone();
        }
        if let Some(io) = inner.downcast_ref::<std::io::Error>() {
            if let Some(tls) = tls_error(io) {
                return FetchError::TlsFailed { host, detail: tls.to_string() };
            }
            network = Some(io.kind());
        }
        cause = inner.source();
    }
    if error.is_connect() && error.is_timeout() {
        return FetchError::ConnectTimedOut { host };
    }
    if !error.is_connect() {
        return FetchError::ResponseBroken { host };
    }
    let cause = match network {
        Some(ErrorKind::ConnectionRefused) => ConnectCause::Refused,
        Some(ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof) => ConnectCause::Reset,
        Some(ErrorKind::NetworkUnreachable | ErrorKind::HostUnreachable) => {
            ConnectCause::Unreachable
        }
        _ => ConnectCause::Failed,
    };
    FetchError::ConnectFailed { host, cause }
}

/// An I/O error's own `source` skips what it wraps, and the TLS stack wraps twice.
fn tls_error(io: &std::io::Error) -> Option<&rustls::Error> {
    let wrapped = io.get_ref()?;
    wrapped
        .downcast_ref::<rustls::Error>()
        .or_else(|| tls_error(wrapped.downcast_ref::<std::io::Error>()?))
}

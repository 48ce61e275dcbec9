//! The HTTP port: what a caller says, what comes back.

use std::borrow::Cow;
use std::fmt;

use async_trait::async_trait;
use base64::Engine as _;
use bytes::Bytes;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use crate::FetchError;

/// Sends one request and returns the whole bounded answer.
///
/// Implemented by [`crate::SafeFetcher`] for the network, by [`crate::CachedClient`] in front of it, and by fakes in tests.
#[async_trait]
pub trait HttpClient: Send + Sync {
    /// Sends `request` under the rules of its [`Purpose`].
    ///
    /// An answer with an error status is an `Ok`: its body carries the peer's error code.
    ///
    /// # Errors
    /// [`FetchError`] names the rule that stopped the request, or what went wrong on the way.
    async fn send(&self, request: Request) -> Result<Response, FetchError>;
}

/// What a request is for; it selects redirects and size cap, and it is what the log says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// A credential offer by reference (OID4VCI 1.0 §4.1.3).
    CredentialOffer,
    /// Credential issuer metadata (OID4VCI 1.0 §12.2).
    IssuerMetadata,
    /// Authorization server metadata (RFC 8414).
    AuthorizationServerMetadata,
    /// The token endpoint (OID4VCI 1.0 §6).
    Token,
    /// The nonce endpoint (OID4VCI 1.0 §7).
    Nonce,
    /// The credential, deferred credential and notification endpoints (OID4VCI 1.0 §8, §9, §11).
    Credential,
    /// A request object by `request_uri` (OID4VP 1.0 §5.10).
    RequestObject,
    /// A presentation posted to `response_uri` (OID4VP 1.0 §8.2).
    PresentationResponse,
    /// A DID document (did:web).
    DidDocument,
    /// The log of a did:webvh, or its witnesses' proofs.
    DidLog,
    /// Issuer keys: a JWK set or JWT VC issuer metadata.
    IssuerKeys,
    /// SD-JWT VC type metadata.
    TypeMetadata,
    /// A logo, or the picture behind a credential's text (OID4VCI 1.0 §12.2.4).
    Picture,
    /// A list of revoked certificates (RFC 5280 §4.2.1.13).
    RevocationList,
    /// A status list (Token Status List §8).
    StatusList,
    /// The endpoints of a login provider (OpenID Connect Core §3.1).
    LoginProvider,
    /// A provider of claims about holders, as a tenant configures it.
    AttributeProvider,
    /// The integrator API of a Lanyard server, called by its own command line.
    IntegratorApi,
    /// A message to an integrator's webhook.
    Webhook,
    /// A service of the operator's: one that keeps keys, or one that gathers telemetry.
    OwnService,
}

/// What a [`Purpose`] permits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// How many redirects may be followed; each hop is vetted like a first request.
    pub redirects: u8,
    /// How many bytes of body are read at most.
    pub body_cap: usize,
    /// Whether plain http to a public address will do, because what is fetched is signed and says until
    /// when it is good.
    pub plain_http: bool,
}

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

impl Purpose {
    /// The rules for this purpose.
    #[must_use]
    pub fn rules(self) -> Rules {
        let (redirects, body_cap) = match self {
            // Token Status List §11.4: clients follow redirects; three hops at most.
            Self::StatusList => (3, 5 * MIB),
            // Standard Webhooks: what a receiver has to say is its status; a redirect is a failure.
            Self::Nonce | Self::Webhook => (0, 16 * KIB),
            Self::Token | Self::PresentationResponse | Self::Picture => (0, 256 * KIB),
            Self::CredentialOffer
            | Self::LoginProvider
            | Self::AttributeProvider
            | Self::OwnService => (0, MIB),
            // OID4VP errata on §5.10 and §8.2: no 3xx on request_uri or response_uri; the same for all protocol traffic.
            Self::IssuerMetadata
            | Self::AuthorizationServerMetadata
            | Self::Credential
            | Self::RequestObject
            | Self::DidDocument
            | Self::DidLog
            | Self::IssuerKeys
            | Self::TypeMetadata
            | Self::RevocationList
            | Self::IntegratorApi => (0, 5 * MIB),
        };
        // RFC 5280 §8: authorities publish their lists over plain http, as a list over https could not be had
        // before its own server's certificate was checked.
        Rules { redirects, body_cap, plain_http: self == Self::RevocationList }
    }
}

/// The method of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// GET
    Get,
    /// POST
    Post,
    /// DELETE, for the integrator API
    Delete,
}

/// The body of a request.
#[derive(Clone)]
pub enum Body {
    /// No body.
    None,
    /// `application/x-www-form-urlencoded`, in this order.
    Form(Vec<(String, String)>),
    /// `application/json`, already serialized.
    Json(Bytes),
    /// Anything else.
    Other {
        /// The media type.
        content_type: Cow<'static, str>,
        /// The bytes.
        bytes: Bytes,
    },
}

/// The `Authorization` header of a request.
#[derive(Debug, Clone)]
pub enum Authorization {
    /// RFC 6750.
    Bearer(SecretString),
    /// RFC 9449 §7.1.
    Dpop(SecretString),
    /// RFC 6749 §2.3.1.
    Basic {
        /// The client identifier.
        user: String,
        /// Its secret.
        password: SecretString,
    },
}

/// The headers a caller may set besides `Accept`, `Content-Type` and `Authorization`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestHeader {
    /// `DPoP` (RFC 9449 §4.1).
    Dpop,
    /// `OAuth-Client-Attestation`.
    ClientAttestation,
    /// `OAuth-Client-Attestation-PoP`.
    ClientAttestationPop,
    /// `Accept-Language` (OID4VCI 1.0 §12.2.2).
    AcceptLanguage,
    /// `If-None-Match`.
    IfNoneMatch,
    /// `Idempotency-Key`, for the integrator API.
    IdempotencyKey,
    /// `webhook-id` (Standard Webhooks).
    WebhookId,
    /// `webhook-timestamp` (Standard Webhooks).
    WebhookTimestamp,
    /// `webhook-signature` (Standard Webhooks).
    WebhookSignature,
}

impl RequestHeader {
    pub(crate) fn name(self) -> http::HeaderName {
        match self {
            Self::Dpop => http::HeaderName::from_static("dpop"),
            Self::ClientAttestation => http::HeaderName::from_static("oauth-client-attestation"),
            Self::ClientAttestationPop => {
                http::HeaderName::from_static("oauth-client-attestation-pop")
            }
            Self::AcceptLanguage => http::header::ACCEPT_LANGUAGE,
            Self::IfNoneMatch => http::header::IF_NONE_MATCH,
            Self::IdempotencyKey => http::HeaderName::from_static("idempotency-key"),
            Self::WebhookId => http::HeaderName::from_static("webhook-id"),
            Self::WebhookTimestamp => http::HeaderName::from_static("webhook-timestamp"),
            Self::WebhookSignature => http::HeaderName::from_static("webhook-signature"),
        }
    }
}

/// One outbound request.
///
/// `Debug` shows method, host and purpose: path, query, headers and body may hold codes, tokens and claims.
#[derive(Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Where to; a fragment is dropped.
    pub url: Url,
    /// What it is for.
    pub purpose: Purpose,
    /// The `Accept` header.
    pub accept: Option<Cow<'static, str>>,
    /// Further headers, from the list of those allowed.
    pub headers: Vec<(RequestHeader, String)>,
    /// The body.
    pub body: Body,
    /// The `Authorization` header.
    pub authorization: Option<Authorization>,
}

impl Request {
    /// A GET of `url`.
    #[must_use]
    pub fn get(url: Url, purpose: Purpose) -> Self {
        Self {
            method: Method::Get,
            url,
            purpose,
            accept: None,
            headers: Vec::new(),
            body: Body::None,
            authorization: None,
        }
    }

    /// A POST of `body` to `url`.
    #[must_use]
    pub fn post(url: Url, purpose: Purpose, body: Body) -> Self {
        Self { method: Method::Post, body, ..Self::get(url, purpose) }
    }

    /// A DELETE of `url`.
    #[must_use]
    pub fn delete(url: Url, purpose: Purpose) -> Self {
        Self { method: Method::Delete, ..Self::get(url, purpose) }
    }

    /// Sets `Accept`.
    #[must_use]
    pub fn accept(mut self, media_type: impl Into<Cow<'static, str>>) -> Self {
        self.accept = Some(media_type.into());
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: RequestHeader, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Sets `Authorization`.
    #[must_use]
    pub fn authorization(mut self, authorization: Authorization) -> Self {
        self.authorization = Some(authorization);
        self
    }
}

/// RFC 6749 §2.3.1: each half form-encoded, then both as RFC 7617 has them.
pub(crate) fn basic(user: &str, password: &SecretString) -> String {
    let half =
        |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = format!("{}:{}", half(user), half(password.expose_secret()));
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("host", &self.url.host_str().unwrap_or_default())
            .field("purpose", &self.purpose)
            .finish_non_exhaustive()
    }
}

/// The answer to a [`Request`].
#[derive(Clone)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// `Content-Type` as sent; the caller checks it against what its step demands.
    pub content_type: Option<String>,
    /// The few other headers a caller has a use for.
    pub headers: ResponseHeaders,
    /// The body, never longer than the purpose's cap, never decompressed.
    pub body: Bytes,
    /// The URL that answered: another than asked only where redirects are allowed.
    pub final_url: Url,
}

/// Response headers with a use in the protocols.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResponseHeaders {
    /// `DPoP-Nonce` (RFC 9449 §8).
    pub dpop_nonce: Option<String>,
    /// `OAuth-Client-Attestation-Challenge` (attestation-based client authentication §8).
    pub attestation_challenge: Option<String>,
    /// `WWW-Authenticate` (RFC 6750 §3).
    pub www_authenticate: Option<String>,
    /// `Retry-After`, as sent.
    pub retry_after: Option<String>,
    /// `Cache-Control`, as sent.
    pub cache_control: Option<String>,
    /// `ETag`, as sent.
    pub etag: Option<String>,
}

impl Response {
    /// Whether the status is 2xx.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The media type without its parameters, in lower case.
    #[must_use]
    pub fn media_type(&self) -> Option<String> {
        let value = self.content_type.as_deref()?;
        Some(value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("content_type", &self.content_type)
            .field("body_length", &self.body.len())
            .finish_non_exhaustive()
    }
}

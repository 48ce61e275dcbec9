//! Requests and responses as values; somebody else has the socket.

use std::{fmt, sync::Arc};

use lanyard_core::{
    crypto::{CryptoProvider, Signer},
    jose::Jwk,
    json,
};
use serde_json::Value;
use thiserror::Error;
use url::Url;

use crate::{
    AccessToken,
    description::ErrorBody,
    dpop::KeyThumbprint,
    encryption,
    metadata::{AuthorizationServerMetadata, SIGNED_METADATA},
};

/// A request to be sent, without following redirects.
#[derive(Clone, Debug)]
pub struct OutgoingRequest {
    /// The method.
    pub method: Method,
    /// Where to.
    pub url: Url,
    /// The access token in `Authorization`, if any: `DPoP` beside a proof, else `Bearer`.
    pub authorization: Option<AccessToken>,
    /// The key that a DPoP proof has to be made with for it (RFC 9449).
    pub prover: Option<Prover>,
    /// Whether the client authenticates by its attestation.
    pub attested: bool,
    /// The media types of the answer, where the body does not say which.
    pub accepts: Option<&'static str>,
    /// The body.
    pub body: Body,
}

/// The methods this protocol has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `GET`.
    Get,
    /// `POST`.
    Post,
}

/// A request body; never printed.
#[derive(Clone)]
pub enum Body {
    /// None.
    Empty,
    /// `application/x-www-form-urlencoded`.
    Form(String),
    /// `application/json`.
    Json(Vec<u8>),
    /// `application/jwt`: a compact JWE.
    Encrypted(String),
}

/// A response as it came.
#[derive(Clone, Copy)]
pub struct IncomingResponse<'a> {
    /// The status code.
    pub status: u16,
    /// The `Content-Type` header.
    pub content_type: Option<&'a str>,
    /// The body.
    pub body: &'a [u8],
}

/// What a peer answered instead of what was asked for.
///
/// The description is the peer's text: to be shown as such, never to be acted upon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerError {
    /// The code from the specification's list, if the peer keeps to it.
    pub code: String,
    /// The peer's sentence.
    pub description: Option<String>,
}

/// Why a response is neither an answer nor a protocol error.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ResponseFault {
    /// A status that says nothing in this protocol.
    #[error("the peer answered with status {0}")]
    Status(u16),
    /// A success of another media type than the one asked for.
    #[error("the answer has another media type than the one asked for")]
    ContentType,
    /// Not strict JSON of the right shape.
    #[error("the answer cannot be read")]
    Malformed,
}

/// A response sorted by who is to blame.
pub(super) enum Sorted<'a> {
    Success(&'a [u8]),
    Peer(PeerError),
    Fault(ResponseFault),
}

impl OutgoingRequest {
    pub(super) const fn get(url: Url) -> Self {
        Self {
            method: Method::Get,
            url,
            authorization: None,
            prover: None,
            attested: false,
            accepts: None,
            body: Body::Empty,
        }
    }

    pub(super) fn post(url: Url, body: Body) -> Self {
        Self { method: Method::Post, body, ..Self::get(url) }
    }

    /// With everything that this authorization server wants proven.
    pub(super) fn proven_to(
        mut self,
        server: &AuthorizationServerMetadata,
        prover: Option<&Prover>,
    ) -> Self {
        self.prover = prover.filter(|_| server.takes_dpop()).cloned();
        self.attested = server.takes_attestations();
        self
    }

    /// The `Accept` header: JSON, where the request is encrypted a JWE of it (§10), and what else was chosen.
    pub const fn accept(&self) -> &'static str {
        match (self.accepts, &self.body) {
            (Some(accepts), _) => accepts,
            (None, Body::Encrypted(_)) => "application/json, application/jwt",
            (None, Body::Empty | Body::Form(_) | Body::Json(_)) => "application/json",
        }
    }
}

/// The key that a wallet's requests are proven with, one for each issuance.
#[derive(Clone)]
pub struct Prover(Arc<dyn Signer>);

impl Prover {
    /// Proves with this key.
    pub const fn new(signer: Arc<dyn Signer>) -> Self {
        Self(signer)
    }

    /// The key's home.
    pub fn signer(&self) -> &dyn Signer {
        &*self.0
    }

    /// The thumbprint of the key.
    pub fn key(&self, provider: &dyn CryptoProvider) -> KeyThumbprint {
        KeyThumbprint::of(&Jwk::new(*self.0.public_key()), provider)
    }
}

impl fmt::Debug for Prover {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Prover")
    }
}

impl Body {
    /// The `Content-Type` header that belongs to the body.
    pub const fn content_type(&self) -> Option<&'static str> {
        match self {
            Self::Empty => None,
            Self::Form(_) => Some("application/x-www-form-urlencoded"),
            Self::Json(_) => Some("application/json"),
            Self::Encrypted(_) => Some(encryption::MEDIA_TYPE),
        }
    }

    /// The body's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Empty => &[],
            Self::Form(text) => text.as_bytes(),
            Self::Json(bytes) => bytes,
            Self::Encrypted(jwe) => jwe.as_bytes(),
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Body({} bytes)", self.as_bytes().len())
    }
}

impl fmt::Debug for IncomingResponse<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "IncomingResponse({}, {} bytes)", self.status, self.body.len())
    }
}

impl fmt::Display for PeerError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "the peer refused with {}", self.code)
    }
}

impl<'a> IncomingResponse<'a> {
    /// A JSON document, or what went wrong.
    pub(super) fn sort(self) -> Sorted<'a> {
        match self.status {
            200..=299 if !self.is_of("application/json") => {
                Sorted::Fault(ResponseFault::ContentType)
            }
            200..=299 => Sorted::Success(self.body),
            // RFC 6585 §4: whoever asked too often was refused nothing, whatever the body says
            429 => Sorted::Fault(ResponseFault::Status(self.status)),
            400..=499 => match self.error_body() {
                Some(error) => Sorted::Peer(error),
                None => Sorted::Fault(ResponseFault::Status(self.status)),
            },
            status => Sorted::Fault(ResponseFault::Status(status)),
        }
    }

    /// An encrypted success, still closed.
    pub(super) fn encrypted(&self) -> Option<&'a [u8]> {
        let success = (200..=299).contains(&self.status);
        (success && self.is_of(encryption::MEDIA_TYPE)).then_some(self.body)
    }

    /// A signed document, still unverified.
    pub(super) fn signed(&self) -> Option<&'a [u8]> {
        (self.status == 200 && self.is_of(SIGNED_METADATA)).then_some(self.body)
    }

    fn is_of(&self, media_type: &str) -> bool {
        let essence = self.content_type.map(|text| text.split(';').next().unwrap_or(text).trim());
        essence.is_some_and(|essence| essence.eq_ignore_ascii_case(media_type))
    }

    fn error_body(&self) -> Option<PeerError> {
        let value = json::parse(self.body).ok()?;
        let body: ErrorBody = serde_json::from_value(value).ok()?;
        Some(PeerError { code: body.error, description: body.error_description })
    }
}

/// Reads a success of a known shape.
pub(super) fn read<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, ResponseFault> {
    let value: Value = json::parse(body).map_err(|_| ResponseFault::Malformed)?;
    serde_json::from_value(value).map_err(|_| ResponseFault::Malformed)
}

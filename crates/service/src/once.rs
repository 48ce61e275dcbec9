//! Calls that are done once, however often they are made: the `Idempotency-Key` of an integrator.

use std::{
    fmt,
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    body::{self, Body},
    response::{IntoResponse, Response},
};
use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{CONTENT_TYPE, LOCATION},
};
use jiff::{SignedDuration, Timestamp};
use lanyard_core::crypto::{CryptoProvider, HashAlgorithm};
use lanyard_store::{CallAnswer, CallBegun, NewCall, SessionId, Store, StoreError, TenantId};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::{
    DataKey, Sealed,
    http::replies::{self, JSON, NO_STORE},
};

/// The header, as draft-ietf-httpapi-idempotency-key-header names it.
pub const HEADER: HeaderName = HeaderName::from_static("idempotency-key");

/// The longest key.
const LONGEST: usize = 255;

/// For how long an answer is given again.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// After how long a call whose process ended may be made again.
const LEASE: SignedDuration = SignedDuration::from_secs(60);

/// The largest answer that is kept.
const LARGEST_ANSWER: usize = 1024 * 1024;

/// A key that the caller chose for one call; none makes every call another one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IdempotencyKey(Option<String>);

/// Why a call is not made, and nothing was done.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum OnceFault {
    /// More than one key, an empty one, or one that is too long or not visible.
    #[error("Idempotency-Key must be one header of 1 to {LONGEST} visible characters")]
    Malformed,
    /// The key was used for another request.
    #[error("this Idempotency-Key was used for another request")]
    OtherRequest,
    /// The same call is being made right now.
    #[error("a call with this Idempotency-Key is in progress")]
    Running,
    /// The store did not answer as it should.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// What was kept cannot be read.
    #[error("the answer of an earlier call cannot be read")]
    Unreadable,
}

impl OnceFault {
    /// The stable reason code; what is wrong with the store is not told.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed => "idempotency_key_malformed",
            Self::OtherRequest => "idempotency_key_reused",
            Self::Running => "idempotency_key_in_progress",
            Self::Store(error) if error.retry_after().is_some() => "temporarily_unavailable",
            Self::Store(_) | Self::Unreadable => "server_error",
        }
    }

    /// The HTTP status that it is told by.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Malformed => StatusCode::BAD_REQUEST,
            Self::OtherRequest => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Running => StatusCode::CONFLICT,
            Self::Store(error) if error.retry_after().is_some() => StatusCode::SERVICE_UNAVAILABLE,
            Self::Store(_) | Self::Unreadable => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// When the same call may succeed.
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Store(error) => error.retry_after(),
            _ => None,
        }
    }
}

impl IdempotencyKey {
    /// Reads the key of a request.
    ///
    /// # Errors
    /// [`OnceFault::Malformed`].
    pub fn of(headers: &HeaderMap) -> Result<Self, OnceFault> {
        let mut found = headers.get_all(HEADER).iter();
        let Some(value) = found.next() else { return Ok(Self::default()) };
        let text = value.to_str().map_err(|_| OnceFault::Malformed)?;
        let fits = (1..=LONGEST).contains(&text.len());
        if found.next().is_some() || !fits || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(OnceFault::Malformed);
        }
        Ok(Self(Some(text.to_owned())))
    }
}

/// An answer as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    status: u16,
    content_type: Option<String>,
    location: Option<String>,
    body: String,
}

/// An answer in JSON, as it is sent and as it is kept.
#[derive(Clone)]
pub struct Answer {
    status: StatusCode,
    location: Option<String>,
    body: String,
}

impl Answer {
    /// 201, with where something was made, if it is anywhere: relative to the request's own path, so that no header
    /// decides where it leads (RFC 9110 §15.3.2).
    pub const fn created(location: Option<String>, body: String) -> Self {
        Self { status: StatusCode::CREATED, location, body }
    }

    fn to_kept(&self) -> Kept {
        Kept {
            status: self.status.as_u16(),
            content_type: JSON.1.to_str().ok().map(str::to_owned),
            location: self.location.clone(),
            body: self.body.clone(),
        }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = (self.status, [JSON, NO_STORE], self.body).into_response();
        if let Some(Ok(place)) = self.location.map(HeaderValue::try_from) {
            response.headers_mut().insert(LOCATION, place);
        }
        response
    }
}

/// A link and a code are in it.
impl fmt::Debug for Answer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Answer({})", self.status)
    }
}

/// A call that is being made, for whoever makes it.
#[derive(Clone)]
pub struct Call(Option<Begun>);

#[derive(Clone)]
struct Begun {
    calls: Calls,
    key: [u8; 32],
    /// Whether what was asked is done in the transaction that keeps the answer.
    is_kept: Arc<AtomicBool>,
}

impl Call {
    /// A call without a key: nothing of it is kept.
    pub const fn unkeyed() -> Self {
        Self(None)
    }

    /// The answer, for the transaction that does what was asked: whoever makes the call again is answered by
    /// it, wherever this process ends.
    pub fn answered_by(&self, answer: &Answer) -> Option<CallAnswer> {
        let Begun { calls, key, is_kept } = self.0.as_ref()?;
        is_kept.store(true, Ordering::Relaxed);
        Some(CallAnswer { key: *key, answer: calls.seal(*key, &answer.to_kept()) })
    }

    fn is_kept(&self) -> bool {
        self.0.as_ref().is_some_and(|begun| begun.is_kept.load(Ordering::Relaxed))
    }
}

/// Where the calls of a tenant are remembered, and what for.
#[derive(Clone)]
pub struct Calls {
    /// The store.
    pub store: Arc<dyn Store>,
    /// Hashes and seals.
    pub provider: Arc<dyn CryptoProvider>,
    /// What answers are sealed under: an offer's link is in them.
    pub data_key: DataKey,
    /// Whose calls.
    pub tenant: TenantId,
    /// Which call: one key for two of them is two keys.
    pub operation: String,
    /// The present moment.
    pub now: Timestamp,
}

impl Calls {
    /// Makes a call, or answers as it was answered before.
    ///
    /// What has begun is finished even when the caller goes away. An answer that is no success is not kept:
    /// the call can be made again. A process that ends before anything was done leaves a call that can be
    /// made again after a minute; one that ends after that leaves its answer, if `make` kept it by
    /// [`Call::answered_by`]. What `make` does without that has to leave nothing behind: its answer is kept after
    /// it, or else given to nobody, and the call made again.
    ///
    /// # Errors
    /// [`OnceFault`], and those of the call itself.
    pub async fn once<E, F>(
        self,
        key: IdempotencyKey,
        request: &[u8],
        make: impl FnOnce(Call) -> F + Send,
    ) -> Result<Response, E>
    where
        E: From<OnceFault> + Send + 'static,
        F: Future<Output = Result<Response, E>> + Send + 'static,
    {
        let IdempotencyKey(Some(key)) = key else { return make(Call::unkeyed()).await };
        let key = self.digest(&[self.operation.as_bytes(), b"\0", key.as_bytes()].concat());
        let call = NewCall {
            key,
            request: self.digest(request),
            now: self.now,
            lease_until: self.now.checked_add(LEASE).unwrap_or(Timestamp::MAX),
            expires_at: self.now.checked_add(KEPT).unwrap_or(Timestamp::MAX),
        };
        match self.store.begin_call(&self.tenant, call).await.map_err(OnceFault::from)? {
            CallBegun::Fresh => {}
            CallBegun::Running => return Err(OnceFault::Running.into()),
            CallBegun::OtherRequest => return Err(OnceFault::OtherRequest.into()),
            CallBegun::Answered(sealed) => return Ok(self.again(key, &sealed)?),
        }
        let is_kept = Arc::new(AtomicBool::new(false));
        let call = Call(Some(Begun { calls: self.clone(), key, is_kept }));
        let make = make(call.clone());
        let made = tokio::spawn(async move {
            let made = make.await;
            if made.is_ok() && call.is_kept() {
                return made;
            }
            self.remember(key, made).await
        });
        made.await.unwrap_or_else(|_| Err(OnceFault::Unreadable.into()))
    }

    /// Keeps a success before anybody hears of it; forgets everything else.
    async fn remember<E: From<OnceFault>>(
        &self,
        key: [u8; 32],
        made: Result<Response, E>,
    ) -> Result<Response, E> {
        let (parts, body) = match made {
            Ok(response) if response.status().is_success() => response.into_parts(),
            other => {
                self.abandon(key).await;
                return other;
            }
        };
        let Ok(bytes) = body::to_bytes(body, LARGEST_ANSWER).await else {
            // it was done and cannot be told again: the caller sees no end of the body
            return Ok(Response::from_parts(parts, Body::empty()));
        };
        let header =
            |name| parts.headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let kept = Kept {
            status: parts.status.as_u16(),
            content_type: header(CONTENT_TYPE).map(str::to_owned),
            location: header(LOCATION).map(str::to_owned),
            body: String::from_utf8_lossy(&bytes).into_owned(),
        };
        let sealed = self.seal(key, &kept);
        match self.store.finish_call(&self.tenant, key, sealed).await {
            Ok(true) => Ok(Response::from_parts(parts, Body::from(bytes))),
            // this one was slow, and its lease ran out: what somebody else was told is the answer
            Ok(false) => Err(OnceFault::Running.into()),
            Err(error) => {
                self.abandon(key).await;
                Err(OnceFault::from(error).into())
            }
        }
    }

    fn seal(&self, key: [u8; 32], kept: &Kept) -> Vec<u8> {
        let plain = Zeroizing::new(replies::to_json(kept));
        let (tenant, provider) = (&self.tenant, &*self.provider);
        self.data_key.seal(Sealed::Answer, tenant, place(key), plain.as_bytes(), provider)
    }

    async fn abandon(&self, key: [u8; 32]) {
        if let Err(error) = self.store.abandon_call(&self.tenant, key).await {
            let tenant = self.tenant.as_str();
            tracing::warn!(tenant, reason = error.reason(), "call not forgotten");
        }
    }

    fn again(&self, key: [u8; 32], sealed: &[u8]) -> Result<Response, OnceFault> {
        let (tenant, provider) = (&self.tenant, &*self.provider);
        let plain = self.data_key.open(Sealed::Answer, tenant, place(key), sealed, provider);
        let plain = plain.map_err(|_| OnceFault::Unreadable)?;
        let kept: Kept = serde_json::from_slice(&plain).map_err(|_| OnceFault::Unreadable)?;
        let mut response = replies::unstored(Response::new(Body::from(kept.body)));
        *response.status_mut() =
            StatusCode::from_u16(kept.status).map_err(|_| OnceFault::Unreadable)?;
        for (name, value) in [(CONTENT_TYPE, kept.content_type), (LOCATION, kept.location)] {
            if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
                response.headers_mut().insert(name, value);
            }
        }
        Ok(response)
    }

    fn digest(&self, bytes: &[u8]) -> [u8; 32] {
        let mut digest = [0; 32];
        digest.copy_from_slice(self.provider.hash(HashAlgorithm::Sha256, bytes).as_bytes());
        digest
    }
}

/// What an answer is sealed for, in place of a session.
fn place(key: [u8; 32]) -> SessionId {
    let mut place = [0; 16];
    place.copy_from_slice(&key[..16]);
    SessionId::from_bytes(place)
}

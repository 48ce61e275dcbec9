//! The wire between a wallet and its services, which a test can bend, and the clock of all of them.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::{Router, body::Body};
use http_body_util::BodyExt as _;
use jiff::{SignedDuration, Timestamp};
use lanyard_fetch::{
    Authorization, Body as FetchBody, FetchError, HttpClient, Method, Request, RequestHeader,
    Response, ResponseHeaders,
};
use lanyard_testkit::test_now;
use lanyard_wallet::ports::Clock;
use secrecy::ExposeSecret as _;
use serde_json::Value;
use tower::ServiceExt as _;
use url::Url;

/// The same moment for everybody.
#[derive(Clone, Debug)]
pub(crate) struct Now(Arc<Mutex<Timestamp>>);

impl Now {
    /// The moment that fixtures are made for.
    pub(crate) fn of_test() -> Self {
        Self(Arc::new(Mutex::new(test_now())))
    }

    pub(crate) fn forward(&self, by: SignedDuration) {
        *self.0.lock().expect("no test panics while it holds this lock") += by;
    }

    fn read(&self) -> Timestamp {
        *self.0.lock().expect("no test panics while it holds this lock")
    }
}

impl Clock for Now {
    fn now(&self) -> Timestamp {
        self.read()
    }
}

impl lanyard_issuer::Clock for Now {
    fn now(&self) -> Timestamp {
        self.read()
    }
}

/// What a test does to a response on its way to the wallet.
pub(crate) type Bend = Box<dyn Fn(&Url, &mut u16, &mut Value) + Send + Sync>;

/// The wire: requests go into the services, responses may be bent.
pub(crate) struct Wire {
    pub(crate) routes: Router,
    bend: Mutex<Option<Bend>>,
    /// Paths that end so are answered with this status, and no service hears of it.
    away: Mutex<Option<(&'static str, u16)>>,
    pub(crate) seen: Mutex<Vec<String>>,
    /// Where tokens were shown, of which type, and whether with a proof of their key.
    shown: Mutex<Vec<(String, &'static str, bool)>>,
}

impl Wire {
    /// A straight wire to these services.
    pub(crate) fn to(routes: Router) -> Self {
        let (bend, away, seen, shown) = Default::default();
        Self { routes, bend, away, seen, shown }
    }

    pub(crate) fn bend(&self, how: impl Fn(&Url, &mut u16, &mut Value) + Send + Sync + 'static) {
        *self.bend.lock().expect("no test panics while it holds this lock") = Some(Box::new(how));
    }

    /// Turns requests away before any service sees them, as a busy server does.
    pub(crate) fn turn_away(&self, end: &'static str, status: u16) {
        *self.away.lock().expect("no test panics while it holds this lock") = Some((end, status));
    }

    pub(crate) fn straighten(&self) {
        *self.bend.lock().expect("no test panics while it holds this lock") = None;
        *self.away.lock().expect("no test panics while it holds this lock") = None;
    }

    pub(crate) fn shown(&self) -> Vec<(String, &'static str, bool)> {
        self.shown.lock().expect("no test panics while it holds this lock").clone()
    }

    pub(crate) fn paths(&self) -> Vec<String> {
        self.seen.lock().expect("no test panics while it holds this lock").clone()
    }
}

#[async_trait]
impl HttpClient for Wire {
    async fn send(&self, request: Request) -> Result<Response, FetchError> {
        let url = request.url.clone();
        self.seen.lock().expect("no lock is poisoned").push(url.path().to_owned());
        let away = *self.away.lock().expect("no lock is poisoned");
        if let Some((_, status)) = away.filter(|(end, _)| url.path().ends_with(end)) {
            let headers =
                ResponseHeaders { retry_after: Some("7".to_owned()), ..ResponseHeaders::default() };
            let (content_type, body) = match status {
                401 => (None, ""),
                _ => (Some("application/json".to_owned()), r#"{"error":"rate_limited"}"#),
            };
            return Ok(Response {
                status,
                content_type,
                headers,
                body: body.into(),
                final_url: url,
            });
        }
        let mut sent = http::Request::builder().uri(url.as_str()).method(match request.method {
            Method::Get => http::Method::GET,
            Method::Post => http::Method::POST,
            Method::Delete => http::Method::DELETE,
        });
        if let Some(accept) = &request.accept {
            sent = sent.header(http::header::ACCEPT, accept.as_ref());
        }
        if let Some(authorization) = &request.authorization {
            let (scheme, token) = match authorization {
                Authorization::Basic { .. } => unreachable!("no wallet has a secret"),
                Authorization::Bearer(token) => ("Bearer", token),
                Authorization::Dpop(token) => ("DPoP", token),
            };
            let proven = request.headers.iter().any(|(name, _)| *name == RequestHeader::Dpop);
            let shown = (url.path().to_owned(), scheme, proven);
            self.shown.lock().expect("no lock is poisoned").push(shown);
            let value = format!("{scheme} {}", token.expose_secret());
            sent = sent.header(http::header::AUTHORIZATION, value);
        }
        for (name, value) in &request.headers {
            let name = match name {
                RequestHeader::Dpop => "dpop",
                RequestHeader::ClientAttestation => "oauth-client-attestation",
                RequestHeader::ClientAttestationPop => "oauth-client-attestation-pop",
                _ => continue,
            };
            sent = sent.header(name, value);
        }
        let body = match request.body {
            FetchBody::Other { content_type, bytes } => {
                sent = sent.header(http::header::CONTENT_TYPE, content_type.as_ref());
                Body::from(bytes)
            }
            _ => Body::empty(),
        };
        let sent = sent.body(body).expect("a request can be built");
        let answer = self.routes.clone().oneshot(sent).await.expect("a router never fails");
        let mut status = answer.status().as_u16();
        let content_type = answer.headers().get(http::header::CONTENT_TYPE);
        let content_type = content_type.map(|value| value.to_str().expect("text").to_owned());
        let mut headers = kept_headers(answer.headers());
        let mut bytes = answer.into_body().collect().await.expect("a body").to_bytes();
        let bend = self.bend.lock().expect("no lock is poisoned");
        if let (Some(bend), Ok(mut value)) = (bend.as_ref(), serde_json::from_slice(&bytes)) {
            bend(&url, &mut status, &mut value);
            bytes = value.to_string().into();
        }
        // whoever is overloaded says when to come again
        headers.retry_after = matches!(status, 429 | 503).then(|| "7".to_owned());
        Ok(Response { status, content_type, headers, body: bytes, final_url: url })
    }
}

fn kept_headers(headers: &http::HeaderMap) -> ResponseHeaders {
    let header = |name: &str| {
        let value = headers.get(name)?;
        Some(value.to_str().expect("text").to_owned())
    };
    ResponseHeaders {
        dpop_nonce: header("dpop-nonce"),
        attestation_challenge: header("oauth-client-attestation-challenge"),
        www_authenticate: header("www-authenticate"),
        ..ResponseHeaders::default()
    }
}

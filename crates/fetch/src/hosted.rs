//! HTTP through the platform's own client: what may be asked, and what counts as an answer, is decided here.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use secrecy::ExposeSecret as _;

use crate::{
    Authorization, Body, ConnectCause, FetchError, HostPort, HttpClient, Method, Request, Response,
    ResponseHeaders, port::basic, target::TargetRules,
};

/// A request as any HTTP library takes it.
#[derive(Clone)]
pub struct PlainRequest {
    /// `GET`, `POST` or `DELETE`.
    pub method: &'static str,
    /// Where to, absolute.
    pub url: String,
    /// Name and value of each header.
    pub headers: Vec<(String, String)>,
    /// The body; empty when there is none.
    pub body: Vec<u8>,
    /// More bytes than these are not worth reading: the answer is refused then.
    pub most_bytes: usize,
}

/// An answer as any HTTP library gives it.
#[derive(Clone)]
pub struct PlainResponse {
    /// The status code.
    pub status: u16,
    /// Name and value of each header, in any case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// The platform got no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the platform's HTTP client got no answer")]
pub struct NoAnswer;

/// An HTTP client of the platform: it follows no redirect, keeps no cookie, and sends what it is given.
#[async_trait]
pub trait PlainHttp: Send + Sync {
    /// Sends one request and reads the whole answer.
    ///
    /// # Errors
    /// [`NoAnswer`], whatever was in the way.
    async fn send(&self, request: PlainRequest) -> Result<PlainResponse, NoAnswer>;
}

/// The [`HttpClient`] over the platform's own: https alone, no addresses instead of names, no redirects, bounded answers.
///
/// Which addresses a name leads to, the platform alone knows; a [`crate::SafeFetcher`] looks at those too.
pub struct HostedClient {
    http: Arc<dyn PlainHttp>,
    targets: TargetRules,
}

impl HostedClient {
    /// Vets what goes to the platform's client and what comes from it.
    #[must_use]
    pub fn new(http: Arc<dyn PlainHttp>) -> Self {
        Self { http, targets: TargetRules::default() }
    }

    /// Allows plain http to exactly these pairs; for tests and a demo on one machine.
    #[must_use]
    pub fn danger_allow_plain_http_to(mut self, pairs: impl IntoIterator<Item = HostPort>) -> Self {
        self.targets.loopback.extend(pairs);
        self
    }
}

#[async_trait]
impl HttpClient for HostedClient {
    async fn send(&self, request: Request) -> Result<Response, FetchError> {
        let rules = request.purpose.rules();
        let mut url = request.url.clone();
        url.set_fragment(None);
        self.targets.vet(&url, rules.plain_http)?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let plain = plain(request, &url, rules.body_cap);
        let answer = self.http.send(plain).await.map_err(|NoAnswer| FetchError::ConnectFailed {
            host: host.clone(),
            cause: ConnectCause::Failed,
        })?;
        if matches!(answer.status, 301 | 302 | 303 | 307 | 308) {
            return Err(FetchError::RedirectRefused { host, status: answer.status });
        }
        if answer.body.len() > rules.body_cap {
            return Err(FetchError::TooLarge { limit: rules.body_cap });
        }
        let header = |name: &str| {
            let mut headers = answer.headers.iter();
            headers.find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone())
        };
        Ok(Response {
            status: answer.status,
            content_type: header("content-type"),
            headers: ResponseHeaders {
                dpop_nonce: header("dpop-nonce"),
                attestation_challenge: header("oauth-client-attestation-challenge"),
                www_authenticate: header("www-authenticate"),
                retry_after: header("retry-after"),
                cache_control: header("cache-control"),
                etag: header("etag"),
            },
            body: Bytes::from(answer.body),
            final_url: url,
        })
    }
}

fn plain(request: Request, url: &url::Url, most_bytes: usize) -> PlainRequest {
    let header = |name: &str, value: String| (name.to_owned(), value);
    let mut headers = vec![header("accept-encoding", "identity".to_owned())];
    headers.extend(request.accept.map(|accept| header("accept", accept.into_owned())));
    headers.extend(
        request.headers.into_iter().map(|(name, value)| header(name.name().as_str(), value)),
    );
    headers.extend(request.authorization.map(|authorization| {
        let said = match &authorization {
            Authorization::Bearer(token) => format!("Bearer {}", token.expose_secret()),
            Authorization::Dpop(token) => format!("DPoP {}", token.expose_secret()),
            Authorization::Basic { user, password } => basic(user, password),
        };
        header("authorization", said)
    }));
    let (content_type, body) = match request.body {
        Body::None => (None, Vec::new()),
        Body::Form(fields) => {
            let text = serde_urlencoded::to_string(&fields).unwrap_or_default();
            (Some("application/x-www-form-urlencoded".into()), text.into_bytes())
        }
        Body::Json(bytes) => (Some("application/json".into()), bytes.to_vec()),
        Body::Other { content_type, bytes } => (Some(content_type), bytes.to_vec()),
    };
    headers.extend(content_type.map(|kind| header("content-type", kind.into_owned())));
    let method = match request.method {
        Method::Get => "GET",
        Method::Post => "POST",
        Method::Delete => "DELETE",
    };
    PlainRequest { method, url: url.to_string(), headers, body, most_bytes }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::Purpose;

    /// Answers everything alike and keeps what it was asked.
    struct Platform {
        answer: PlainResponse,
        asked: Mutex<Vec<PlainRequest>>,
    }

    #[async_trait]
    impl PlainHttp for Platform {
        async fn send(&self, request: PlainRequest) -> Result<PlainResponse, NoAnswer> {
            self.asked.lock().unwrap().push(request);
            Ok(self.answer.clone())
        }
    }

    async fn ask(
        url: &str,
        status: u16,
        body: usize,
    ) -> (Result<Response, FetchError>, Vec<PlainRequest>) {
        let headers = vec![("DPoP-Nonce".to_owned(), "n-1".to_owned())];
        let answer = PlainResponse { status, headers, body: vec![b' '; body] };
        let platform = Arc::new(Platform { answer, asked: Mutex::default() });
        let client = HostedClient::new(platform.clone());
        let token = Authorization::Dpop("t-1".to_owned().into());
        let body = Body::Form(vec![("a".to_owned(), "1 2".to_owned())]);
        let request =
            Request::post(url.parse().unwrap(), Purpose::Token, body).authorization(token);
        let answer = client.send(request).await;
        let asked = platform.asked.lock().unwrap().clone();
        (answer, asked)
    }

    #[tokio::test]
    async fn hands_over_the_whole_request_and_reads_headers_in_any_case() {
        let (answer, asked) = ask("https://issuer.example/token", 200, 2).await;
        assert_eq!(answer.unwrap().headers.dpop_nonce.as_deref(), Some("n-1"));
        assert_eq!((asked[0].method, asked[0].body.as_slice()), ("POST", &b"a=1+2"[..]));
        assert!(asked[0].headers.contains(&("authorization".to_owned(), "DPoP t-1".to_owned())));
    }

    #[tokio::test]
    async fn asks_nobody_over_plain_http() {
        let (answer, asked) = ask("http://issuer.example/token", 200, 2).await;
        assert_eq!(answer.unwrap_err(), FetchError::NotHttps);
        assert!(asked.is_empty());
    }

    #[tokio::test]
    async fn refuses_a_redirect_that_the_platform_passes_on() {
        let (answer, _) = ask("https://issuer.example/token", 307, 0).await;
        assert!(matches!(answer.unwrap_err(), FetchError::RedirectRefused { status: 307, .. }));
    }

    #[tokio::test]
    async fn refuses_an_answer_that_is_longer_than_its_purpose_allows() {
        let limit = Purpose::Token.rules().body_cap;
        let (answer, _) = ask("https://issuer.example/token", 200, limit + 1).await;
        assert_eq!(answer.unwrap_err(), FetchError::TooLarge { limit });
    }
}

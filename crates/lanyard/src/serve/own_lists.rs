//! The status lists of this very server, read without going out: a verifier and an issuer in one process need
//! no network between them, and nobody to let them in while the server stops.

use std::sync::Arc;

use async_trait::async_trait;
use axum::{Router, body::Body, http::Request as HttpRequest};
use http::{HeaderMap, header};
use http_body_util::{BodyExt as _, Limited};
use lanyard_fetch::{FetchError, HttpClient, Method, Purpose, Request, Response, ResponseHeaders};
use tower::ServiceExt as _;
use url::Url;

/// Asks the issuer in this process for its own lists, and the network for everything else.
pub(super) struct OwnLists {
    pub(super) outside: Arc<dyn HttpClient>,
    /// The public URL of this server.
    pub(super) base_url: Url,
    /// The routes of its issuer.
    pub(super) issuer: Router,
}

#[async_trait]
impl HttpClient for OwnLists {
    async fn send(&self, request: Request) -> Result<Response, FetchError> {
        match self.inside(&request).await {
            Some(response) => Ok(response),
            None => self.outside.send(request).await,
        }
    }
}

impl OwnLists {
    /// The answer, if it is one of its own lists; whatever else the issuer says is for those who come from
    /// outside.
    async fn inside(&self, request: &Request) -> Option<Response> {
        if request.purpose != Purpose::StatusList || request.method != Method::Get {
            return None;
        }
        let base = self.base_url.as_str().trim_end_matches('/');
        let path = request.url.as_str().strip_prefix(base).filter(|path| path.starts_with('/'))?;
        let mut asked = HttpRequest::get(path);
        if let Some(accept) = &request.accept {
            asked = asked.header(header::ACCEPT, accept.as_ref());
        }
        let Ok(answer) = self.issuer.clone().oneshot(asked.body(Body::empty()).ok()?).await;
        if !answer.status().is_success() {
            return None;
        }
        let (parts, body) = answer.into_parts();
        let body = Limited::new(body, request.purpose.rules().body_cap).collect().await.ok()?;
        let text = |name| header_of(&parts.headers, &name);
        Some(Response {
            status: parts.status.as_u16(),
            content_type: text(header::CONTENT_TYPE),
            headers: ResponseHeaders {
                cache_control: text(header::CACHE_CONTROL),
                etag: text(header::ETAG),
                ..ResponseHeaders::default()
            },
            body: body.to_bytes(),
            final_url: request.url.clone(),
        })
    }
}

fn header_of(headers: &HeaderMap, name: &header::HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::routing::get;
    use http::StatusCode;
    use lanyard_fetch::FetchError;

    use super::*;

    /// Counts whoever goes out.
    #[derive(Default)]
    struct Outside(AtomicUsize);

    #[async_trait]
    impl HttpClient for Outside {
        async fn send(&self, request: Request) -> Result<Response, FetchError> {
            self.0.fetch_add(1, Ordering::Relaxed);
            Ok(Response {
                status: 200,
                content_type: None,
                headers: ResponseHeaders::default(),
                body: "outside".into(),
                final_url: request.url,
            })
        }
    }

    async fn body(url: &str, purpose: Purpose) -> (String, usize) {
        let outside = Arc::new(Outside::default());
        let own = OwnLists {
            outside: outside.clone(),
            base_url: "https://issuer.example/".parse().expect("a URL"),
            issuer: Router::new()
                .route("/acme/status-lists/0", get(async || "inside"))
                .route("/acme/status-lists/1", get(async || StatusCode::SERVICE_UNAVAILABLE)),
        };
        let url = url.parse().expect("a URL");
        let response = own.send(Request::get(url, purpose)).await.expect("an answer");
        let body = String::from_utf8_lossy(&response.body).into_owned();
        (body, outside.0.load(Ordering::Relaxed))
    }

    #[tokio::test]
    async fn only_lists_of_its_own_that_it_has_are_read_inside() {
        let list = Purpose::StatusList;
        let own = "https://issuer.example/acme/status-lists/0";
        assert_eq!(body(own, list).await, ("inside".to_owned(), 0));
        let outside = ("outside".to_owned(), 1);
        assert_eq!(body(own, Purpose::IssuerMetadata).await, outside);
        assert_eq!(body("https://issuer.example/acme/status-lists/1", list).await, outside);
        assert_eq!(body("https://other.example/acme/status-lists/0", list).await, outside);
        let alike = "https://issuer.example.org/acme/status-lists/0";
        assert_eq!(body(alike, list).await, outside, "a name that only begins like ours");
    }
}

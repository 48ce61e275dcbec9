//! One keep-alive HTTP/1.1 connection, as one wallet has it.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    HeaderMap, Method, Request, StatusCode,
    client::conn::http1::{self, SendRequest},
    header,
};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;
use url::Url;

use crate::failure::Failure;

/// A connection to one server.
pub(crate) struct Connection {
    authority: String,
    sender: SendRequest<Full<Bytes>>,
    exchanges: Vec<Exchange>,
}

/// How many bytes went to and fro: what a server without a purpose needs to know of a request.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Exchange {
    /// Path, query and header values.
    pub(crate) head: usize,
    /// The body of the request.
    pub(crate) sent: usize,
    /// The body of the answer.
    pub(crate) answered: usize,
}

/// What a request carries.
pub(crate) enum Content {
    /// Nothing.
    Empty,
    /// `application/x-www-form-urlencoded`.
    Form(String),
    /// `application/json`.
    Json(String),
}

/// A request, to be completed before it is sent.
pub(crate) struct Ask<'u> {
    method: Method,
    url: &'u Url,
    headers: Vec<(&'static str, String)>,
    content: Content,
}

/// A reply that is no refusal.
pub(crate) struct Answer {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl<'u> Ask<'u> {
    /// GET.
    pub(crate) const fn get(url: &'u Url) -> Self {
        Self { method: Method::GET, url, headers: Vec::new(), content: Content::Empty }
    }

    /// POST.
    pub(crate) const fn post(url: &'u Url, content: Content) -> Self {
        Self { method: Method::POST, url, headers: Vec::new(), content }
    }

    /// With a header.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// With a token or API key, if there is one.
    pub(crate) fn bearing(self, bearer: Option<&str>) -> Self {
        match bearer {
            Some(bearer) => self.with("authorization", format!("Bearer {bearer}")),
            None => self,
        }
    }
}

impl Answer {
    /// A header that the protocol says is there.
    pub(crate) fn header(&self, name: &'static str) -> Result<&str, Failure> {
        let value = self.headers.get(name).and_then(|value| value.to_str().ok());
        value.ok_or(Failure::Lacks(name))
    }
}

impl Connection {
    /// Connects to the host and port of a URL.
    pub(crate) async fn open(url: &Url) -> Result<Self, Failure> {
        let authority = url.authority().to_owned();
        let stream = TcpStream::connect(&authority).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self { authority, sender, exchanges: Vec::new() })
    }

    /// What went to and fro since this was asked last.
    pub(crate) fn exchanges(&mut self) -> Vec<Exchange> {
        std::mem::take(&mut self.exchanges)
    }

    /// GET, answered with 200.
    pub(crate) async fn get(&mut self, url: &Url, bearer: Option<&str>) -> Result<Bytes, Failure> {
        Ok(self.ask(Ask::get(url).bearing(bearer)).await?.body)
    }

    /// POST, answered with 200 or 201.
    pub(crate) async fn post(
        &mut self,
        url: &Url,
        bearer: Option<&str>,
        content: Content,
    ) -> Result<Bytes, Failure> {
        Ok(self.ask(Ask::post(url, content).bearing(bearer)).await?.body)
    }

    /// Sends a request; whatever is neither a success nor a redirect is a failure.
    pub(crate) async fn ask(&mut self, ask: Ask<'_>) -> Result<Answer, Failure> {
        let (content_type, body) = match ask.content {
            Content::Empty => (None, String::new()),
            Content::Form(body) => (Some("application/x-www-form-urlencoded"), body),
            Content::Json(body) => (Some("application/json"), body),
        };
        let target = &ask.url[url::Position::BeforePath..url::Position::AfterQuery];
        let shown = target.len() + ask.headers.iter().map(|(_, value)| value.len()).sum::<usize>();
        let sent = body.len();
        let mut request =
            Request::builder().method(ask.method).uri(target).header(header::HOST, &self.authority);
        if let Some(content_type) = content_type {
            request = request.header(header::CONTENT_TYPE, content_type);
        }
        for (name, value) in ask.headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(Bytes::from(body)))?;
        let response = self.sender.send_request(request).await?;
        let (head, body) = response.into_parts();
        let body = body.collect().await?.to_bytes();
        self.exchanges.push(Exchange { head: shown, sent, answered: body.len() });
        if matches!(head.status, StatusCode::OK | StatusCode::CREATED | StatusCode::SEE_OTHER) {
            return Ok(Answer { headers: head.headers, body });
        }
        let said = String::from_utf8_lossy(&body).chars().take(300).collect();
        Err(Failure::Refused { path: shortened(ask.url), status: head.status.as_u16(), said })
    }
}

/// The path without what identifies one session.
fn shortened(url: &Url) -> String {
    let segments = url.path_segments().into_iter().flatten();
    let shortened =
        |segment: &str| if segment.len() > 30 { "…".to_owned() } else { segment.to_owned() };
    segments.map(|segment| format!("/{}", shortened(segment))).collect()
}

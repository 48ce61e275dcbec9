//! One keep-alive HTTP/1.1 connection, as one wallet has it.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Method, Request, StatusCode,
    client::conn::http1::{self, SendRequest},
    header,
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use url::Url;

use crate::failure::Failure;

/// A connection to one server.
pub(crate) struct Connection {
    authority: String,
    sender: SendRequest<Full<Bytes>>,
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

impl Connection {
    /// Connects to the host and port of a URL.
    pub(crate) async fn open(url: &Url) -> Result<Self, Failure> {
        let authority = url.authority().to_owned();
        let stream = TcpStream::connect(&authority).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self { authority, sender })
    }

    /// GET, answered with 200.
    pub(crate) async fn get(&mut self, url: &Url, bearer: Option<&str>) -> Result<Bytes, Failure> {
        self.send(Method::GET, url, bearer, Content::Empty).await
    }

    /// POST, answered with 200 or 201.
    pub(crate) async fn post(
        &mut self,
        url: &Url,
        bearer: Option<&str>,
        content: Content,
    ) -> Result<Bytes, Failure> {
        self.send(Method::POST, url, bearer, content).await
    }

    async fn send(
        &mut self,
        method: Method,
        url: &Url,
        bearer: Option<&str>,
        content: Content,
    ) -> Result<Bytes, Failure> {
        let (content_type, body) = match content {
            Content::Empty => (None, String::new()),
            Content::Form(body) => (Some("application/x-www-form-urlencoded"), body),
            Content::Json(body) => (Some("application/json"), body),
        };
        let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
        let mut request =
            Request::builder().method(method).uri(target).header(header::HOST, &self.authority);
        if let Some(bearer) = bearer {
            request = request.header(header::AUTHORIZATION, format!("Bearer {bearer}"));
        }
        if let Some(content_type) = content_type {
            request = request.header(header::CONTENT_TYPE, content_type);
        }
        let request = request.body(Full::new(Bytes::from(body)))?;
        let response = self.sender.send_request(request).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        if status == StatusCode::OK || status == StatusCode::CREATED {
            return Ok(body);
        }
        let said = String::from_utf8_lossy(&body).chars().take(300).collect();
        Err(Failure::Refused { path: shortened(url), status: status.as_u16(), said })
    }
}

/// The path without what identifies one session.
fn shortened(url: &Url) -> String {
    let segments = url.path_segments().into_iter().flatten();
    let shortened =
        |segment: &str| if segment.len() > 30 { "…".to_owned() } else { segment.to_owned() };
    segments.map(|segment| format!("/{}", shortened(segment))).collect()
}

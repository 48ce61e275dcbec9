//! One keep-alive HTTP/1.1 connection, as one wallet has it.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    HeaderMap, Method, Request, StatusCode,
    client::conn::http1::{self, SendRequest},
    header::{self, HeaderValue},
};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;
use url::Url;

use crate::{
    failure::Failure,
    ledger::{Deed, Ledger, entry::Entry},
};

/// For how long a replica is left alone that somebody gave up on.
const REST: Duration = Duration::from_secs(2);

/// Answers that are no refusals.
const SUCCESSES: [StatusCode; 5] = [
    StatusCode::OK,
    StatusCode::CREATED,
    StatusCode::ACCEPTED,
    StatusCode::NO_CONTENT,
    StatusCode::SEE_OTHER,
];

/// A connection to one server, or one to each of its replicas.
pub(crate) struct Connection {
    /// Each request goes to another one than the request before, and past those that are not there.
    ends: VecDeque<End>,
    exchanges: Vec<Exchange>,
    took: Duration,
    recorder: Option<Recorder>,
    keeps_back: bool,
    /// Where the steps of whoever has it are written down, if anywhere.
    ledger: Option<Arc<Ledger>>,
}

/// A connection to one process.
struct End {
    authority: String,
    sender: Option<SendRequest<Full<Bytes>>>,
    /// Until when it is asked only if nobody else is there.
    rests_until: Option<Instant>,
}

impl End {
    fn rests(&self) -> bool {
        self.rests_until.is_some_and(|until| Instant::now() < until)
    }

    async fn open(&mut self) -> Result<(), Failure> {
        // the answer before may have been the last one of its connection
        let is_open = match &mut self.sender {
            Some(sender) => sender.ready().await.is_ok(),
            None => false,
        };
        if !is_open {
            self.sender = None;
            self.sender = Some(connect(&self.authority).await?);
        }
        Ok(())
    }
}

/// A request as it was sent, for whoever sends it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Recorded {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    /// All but `Host` and `Content-Length`.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// Where requests are written down.
pub(crate) type Recorder = Arc<Mutex<Vec<Recorded>>>;

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

    /// DELETE.
    pub(crate) const fn delete(url: &'u Url) -> Self {
        Self { method: Method::DELETE, url, headers: Vec::new(), content: Content::Empty }
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
        Self::open_to(std::slice::from_ref(url)).await
    }

    /// Connects to one of several replicas at first, and to the others as requests go there.
    pub(crate) async fn open_to(replicas: &[Url]) -> Result<Self, Failure> {
        let authorities = replicas.iter().map(|url| url.authority().to_owned());
        let ends = authorities
            .map(|authority| End { authority, sender: None, rests_until: None })
            .collect();
        let (exchanges, recorder) = (Vec::new(), None);
        let took = Duration::ZERO;
        let (keeps_back, ledger) = (false, None);
        let mut connection = Self { ends, exchanges, took, recorder, keeps_back, ledger };
        connection.next().await?;
        Ok(connection)
    }

    /// The connection that the next request goes over.
    async fn next(&mut self) -> Result<&mut SendRequest<Full<Bytes>>, Failure> {
        let mut failure = Failure::ServerGone;
        let all_rest = self.ends.iter().all(End::rests);
        for _ in 0..self.ends.len() {
            self.ends.rotate_left(1);
            if self.ends[0].rests() && !all_rest {
                continue;
            }
            match self.ends[0].open().await {
                Ok(()) => break,
                Err(nobody) => failure = nobody,
            }
        }
        self.ends.front_mut().and_then(|end| end.sender.as_mut()).ok_or(failure)
    }

    /// Gives up on the replica that was asked last: it is left alone for a while, as whatever distributes requests
    /// does. A step that takes several requests could not get past it otherwise.
    pub(crate) fn give_up(&mut self) {
        if let Some(asked) = self.ends.front_mut() {
            asked.sender = None;
            asked.rests_until = Some(Instant::now() + REST);
        }
    }

    /// Writes down every request from now on.
    pub(crate) fn record(&mut self, recorder: Option<Recorder>) {
        self.recorder = recorder;
    }

    /// Whether requests are written down instead of sent.
    pub(crate) const fn keep_back(&mut self, keeps_back: bool) {
        self.keeps_back = keeps_back;
    }

    /// Has the steps of flows be written down from now on.
    pub(crate) fn write_to(&mut self, ledger: Option<Arc<Ledger>>) {
        self.ledger = ledger;
    }

    /// A step that is about to be asked for.
    pub(crate) fn entry(&self, deed: Deed, about: &str) -> Entry {
        Entry::new(self.ledger.clone(), deed, about)
    }

    /// What went to and fro since this was asked last.
    pub(crate) fn exchanges(&mut self) -> Vec<Exchange> {
        std::mem::take(&mut self.exchanges)
    }

    /// What the last answer took.
    pub(crate) const fn took(&self) -> Duration {
        self.took
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
        let mut request = Request::builder()
            .method(ask.method)
            .uri(target)
            .header(header::HOST, ask.url.authority());
        if let Some(content_type) = content_type {
            request = request.header(header::CONTENT_TYPE, content_type);
        }
        for (name, value) in ask.headers {
            request = request.header(name, value);
        }
        if let Some(recorder) = &self.recorder {
            let headers = request.headers_ref().into_iter().flatten();
            let headers = headers.filter(|(name, _)| *name != header::HOST);
            let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
            let recorded = Recorded {
                method: request.method_ref().map(Method::to_string).unwrap_or_default(),
                target: target.to_owned(),
                headers: headers.map(|(name, value)| (name.to_string(), text(value))).collect(),
                body: body.clone().into_bytes(),
            };
            recorder.lock().unwrap_or_else(PoisonError::into_inner).push(recorded);
        }
        if self.keeps_back {
            return Err(Failure::KeptBack);
        }
        let request = request.body(Full::new(Bytes::from(body)))?;
        let asked = Instant::now();
        let response = self.next().await?.send_request(request).await?;
        let (head, body) = response.into_parts();
        let body = body.collect().await?.to_bytes();
        self.took = asked.elapsed();
        self.exchanges.push(Exchange { head: shown, sent, answered: body.len() });
        if SUCCESSES.contains(&head.status) {
            return Ok(Answer { headers: head.headers, body });
        }
        let said = String::from_utf8_lossy(&body).chars().take(300).collect();
        let asks_again = head.headers.contains_key(header::RETRY_AFTER);
        let (path, status) = (shortened(ask.url), head.status.as_u16());
        Err(Failure::Refused { path, status, said, asks_again })
    }
}

async fn connect(authority: &str) -> Result<SendRequest<Full<Bytes>>, Failure> {
    let stream = TcpStream::connect(authority).await.map_err(Failure::NobodyThere)?;
    stream.set_nodelay(true)?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

/// The path without what identifies one session.
fn shortened(url: &Url) -> String {
    let segments = url.path_segments().into_iter().flatten();
    let shortened =
        |segment: &str| if segment.len() > 30 { "…".to_owned() } else { segment.to_owned() };
    segments.map(|segment| format!("/{}", shortened(segment))).collect()
}

//! Servers that behave as badly as a test wants, and names that resolve as it wants.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use lanyard_fetch::{
    FetchLimits, HostPort, NameResolver, Purpose, Request, SafeFetcher, SafeFetcherBuilder,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use url::Url;

/// A server that answers each request with the same steps and counts connections and requests.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) requests: Arc<AtomicUsize>,
    pub(crate) connections: Arc<AtomicUsize>,
    pub(crate) heads: Arc<Mutex<Vec<String>>>,
}

#[derive(Clone)]
pub(crate) enum Step {
    Send(Vec<u8>),
    Wait(Duration),
    /// Until there is a permit to go on with, which is used up.
    Until(Arc<Semaphore>),
    /// The bytes, again and again, until the peer has had enough.
    Forever(Vec<u8>, Duration),
    Close,
}

impl Server {
    pub(crate) async fn answering(steps: Vec<Step>) -> Self {
        Self::answering_at("127.0.0.1:0", steps).await
    }

    pub(crate) async fn answering_at(address: &str, steps: Vec<Step>) -> Self {
        Self::answering_on(TcpListener::bind(address).await.expect("a port is free"), steps)
    }

    pub(crate) fn answering_on(listener: TcpListener, steps: Vec<Step>) -> Self {
        let server = Self {
            address: listener.local_addr().expect("bound"),
            requests: Arc::default(),
            connections: Arc::default(),
            heads: Arc::default(),
        };
        let (requests, connections, heads) =
            (server.requests.clone(), server.connections.clone(), server.heads.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(converse(stream, steps.clone(), requests.clone(), heads.clone()));
            }
        });
        server
    }

    pub(crate) async fn ok(body: &str) -> Self {
        Self::answering(vec![reply("200 OK", &[("content-type", "application/json")], body)]).await
    }

    pub(crate) fn url(&self, path: &str) -> Url {
        Url::parse(&format!("http://{}{path}", self.address)).expect("a URL")
    }

    pub(crate) fn pair(&self) -> HostPort {
        self.address.to_string().parse().expect("a pair")
    }

    pub(crate) fn pair_named(&self, host: &str) -> HostPort {
        format!("{host}:{}", self.address.port()).parse().expect("a pair")
    }

    pub(crate) fn hits(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    pub(crate) fn connected(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

async fn converse(
    mut stream: TcpStream,
    steps: Vec<Step>,
    requests: Arc<AtomicUsize>,
    heads: Arc<Mutex<Vec<String>>>,
) -> io::Result<()> {
    loop {
        let mut head = Vec::new();
        while !head.windows(4).any(|w| w == b"\r\n\r\n") {
            if stream.read_buf(&mut head).await? == 0 {
                return Ok(());
            }
        }
        requests.fetch_add(1, Ordering::SeqCst);
        heads.lock().expect("not poisoned").push(String::from_utf8_lossy(&head).into_owned());
        for step in &steps {
            match step {
                Step::Send(bytes) => stream.write_all(bytes).await?,
                Step::Wait(time) => tokio::time::sleep(*time).await,
                Step::Until(permits) => {
                    permits.acquire().await.expect("it is never closed").forget();
                }
                Step::Forever(bytes, pause) => loop {
                    stream.write_all(bytes).await?;
                    tokio::time::sleep(*pause).await;
                },
                Step::Close => return Ok(()),
            }
        }
    }
}

pub(crate) fn reply(status: &str, headers: &[(&str, &str)], body: &str) -> Step {
    let mut text = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    Step::Send(format!("{text}\r\n{body}").into_bytes())
}

pub(crate) fn send(text: &str) -> Step {
    Step::Send(text.as_bytes().to_vec())
}

/// Names with a list of answers; the last answer stays.
#[derive(Default)]
pub(crate) struct Names {
    answers: Mutex<HashMap<String, Vec<Vec<IpAddr>>>>,
    pub(crate) asked: AtomicUsize,
}

impl Names {
    pub(crate) fn with(entries: &[(&str, &[&[&str]])]) -> Arc<Self> {
        let parse = |answer: &&[&str]| {
            answer.iter().map(|a| a.parse().expect("an address")).collect::<Vec<_>>()
        };
        let answers = entries
            .iter()
            .map(|(name, answers)| ((*name).to_owned(), answers.iter().map(parse).collect()));
        Arc::new(Self { answers: Mutex::new(answers.collect()), asked: AtomicUsize::new(0) })
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl NameResolver for Names {
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut answers = self.answers.lock().expect("not poisoned");
        let list = answers.get_mut(host).ok_or_else(|| io::Error::other("no such name"))?;
        Ok(if list.len() > 1 { list.remove(0) } else { list[0].clone() })
    }
}

/// Limits short enough to watch them fire.
pub(crate) fn impatient() -> FetchLimits {
    FetchLimits {
        connect: Duration::from_millis(300),
        total: Duration::from_millis(600),
        ..FetchLimits::default()
    }
}

pub(crate) fn fetcher(pairs: impl IntoIterator<Item = HostPort>) -> SafeFetcher {
    builder(pairs).build()
}

pub(crate) fn builder(pairs: impl IntoIterator<Item = HostPort>) -> SafeFetcherBuilder {
    SafeFetcher::builder().danger_allow_plain_http_to(pairs)
}

pub(crate) fn metadata(url: Url) -> Request {
    Request::get(url, Purpose::IssuerMetadata)
}

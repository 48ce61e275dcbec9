//! Where a browser comes back to after a login: a loopback address of this process (RFC 8252 §7.3).

use std::time::Duration;

use lanyard_oid4vci::client_authentication::ClientId;
use lanyard_wallet::WalletClient;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::timeout,
};
use url::Url;

use super::{Ending, ExitCode};

/// How long a holder may take in the browser.
const PATIENCE: Duration = Duration::from_secs(600);

/// The longest request line that is read.
const MAX_REQUEST: usize = 16 * 1024;

const DONE: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nCache-Control: no-store\r\nReferrer-Policy: no-referrer\r\nConnection: close\r\n\r\nThat was it. Go back to the terminal.\n";
const ELSEWHERE: &str = "HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n";

/// Waits for one browser.
pub(super) struct Callback {
    listener: TcpListener,
    port: u16,
}

impl Callback {
    /// Takes a free port of the loopback address.
    pub(super) async fn listen() -> Result<Self, Ending> {
        let failed = |error: std::io::Error| {
            Ending::not_done(ExitCode::Failed, "callback", format!("no port is free: {error}"))
        };
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();
        Ok(Self { listener, port })
    }

    /// The wallet as an OAuth client that is called back here.
    pub(super) fn client(&self, id: &str) -> WalletClient {
        let redirect_uri = format!("http://127.0.0.1:{}/callback", self.port);
        WalletClient { id: ClientId::new(id), redirect_uri }
    }

    /// The address that the browser came with.
    pub(super) async fn wait(self) -> Result<Url, Ending> {
        let late = || {
            let text = "The browser did not come back within ten minutes.";
            Ending::not_done(ExitCode::Refused, "login_timed_out", text)
        };
        timeout(PATIENCE, self.first()).await.map_err(|_| late())?.ok_or_else(late)
    }

    async fn first(&self) -> Option<Url> {
        loop {
            let (stream, _) = self.listener.accept().await.ok()?;
            // a browser also asks for a picture of the site, or opens a connection and says nothing
            let asked = timeout(Duration::from_secs(5), answer(stream, self.port)).await;
            if let Ok(Some(url)) = asked {
                return Some(url);
            }
        }
    }
}

async fn answer(mut stream: TcpStream, port: u16) -> Option<Url> {
    let mut request = Vec::new();
    while !request.windows(2).any(|end| end == b"\r\n") && request.len() < MAX_REQUEST {
        let mut chunk = [0; 2048];
        let read = stream.read(&mut chunk).await.ok()?;
        if read == 0 {
            return None;
        }
        request.extend_from_slice(&chunk[..read]);
    }
    let text = String::from_utf8_lossy(&request);
    let target = text.lines().next()?.strip_prefix("GET ")?.split(' ').next()?;
    let url = Url::parse(&format!("http://127.0.0.1:{port}{target}")).ok();
    let url = url.filter(|url| url.path() == "/callback");
    let reply = if url.is_some() { DONE } else { ELSEWHERE };
    // whoever asked may have gone; what they brought counts
    let _ = stream.write_all(reply.as_bytes()).await;
    let _ = stream.shutdown().await;
    url
}

//! Requests as bytes, also those that no client would send.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::{client::Recorded, failure::Failure};

/// No answer takes longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// A connection that is opened again whenever the server has had enough of it.
pub(super) struct Raw {
    authority: String,
    stream: Option<TcpStream>,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Came {
    Answer {
        status: u16,
        asks_again: bool,
        body: Vec<u8>,
    },
    /// The connection was closed without an answer.
    Closed,
    /// Nothing, for a long time.
    Nothing,
}

impl Raw {
    pub(super) fn to(authority: &str) -> Self {
        Self { authority: authority.to_owned(), stream: None }
    }

    /// Sends one request and reads its answer.
    pub(super) async fn send(&mut self, request: &Recorded) -> Result<Came, Failure> {
        let bytes = self.bytes(request);
        let (mut stream, was_kept) = match self.stream.take() {
            Some(stream) => (stream, true),
            None => (self.connect().await?, false),
        };
        let sent = timeout(PATIENCE, stream.write_all(&bytes)).await;
        let came = match sent {
            Err(_) => return Ok(Came::Nothing),
            // what the server said before it had enough of it
            Ok(_) => self.read(stream, request.method == "HEAD").await,
        };
        if came == Came::Closed && was_kept {
            // it was closed before
            let mut stream = self.connect().await?;
            let _ = stream.write_all(&bytes).await;
            return Ok(self.read(stream, request.method == "HEAD").await);
        }
        Ok(came)
    }

    async fn connect(&self) -> Result<TcpStream, Failure> {
        let stream = TcpStream::connect(&self.authority).await.map_err(Failure::NobodyThere)?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    fn bytes(&self, request: &Recorded) -> Vec<u8> {
        let Recorded { method, target, headers, body } = request;
        let mut head = format!("{method} {target} HTTP/1.1\r\nhost: {}\r\n", self.authority);
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        head += &format!("content-length: {}\r\n\r\n", body.len());
        [head.as_bytes(), body].concat()
    }

    /// Reads an answer; the connection is kept if it can be used again.
    async fn read(&mut self, mut stream: TcpStream, is_head: bool) -> Came {
        let mut bytes = Vec::new();
        loop {
            if let Some(answer) = Answer::of(&bytes, is_head)
                && answer.is_whole
            {
                let Answer { status, asks_again, body, is_last, .. } = answer;
                self.stream = (!is_last).then_some(stream);
                return Came::Answer { status, asks_again, body };
            }
            match timeout(PATIENCE, stream.read_buf(&mut bytes)).await {
                Err(_) => return Came::Nothing,
                Ok(Ok(1..)) => {}
                Ok(_) => {
                    return match Answer::of(&bytes, is_head) {
                        Some(Answer { status, asks_again, body, .. }) => {
                            Came::Answer { status, asks_again, body }
                        }
                        None => Came::Closed,
                    };
                }
            }
        }
    }
}

struct Answer {
    status: u16,
    asks_again: bool,
    body: Vec<u8>,
    is_whole: bool,
    /// Whether the connection ends with it.
    is_last: bool,
}

impl Answer {
    /// What has come of an answer, once its head has.
    fn of(bytes: &[u8], is_head: bool) -> Option<Self> {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
        let body = &bytes[end + 4..];
        let status = head.split_whitespace().nth(1)?.parse().ok()?;
        let field = |name: &str| {
            let mut lines = head.lines().filter_map(|line| line.split_once(": "));
            lines.find(|(found, _)| *found == name).map(|(_, value)| value.to_owned())
        };
        let (body, is_whole) = match field("content-length").and_then(|text| text.parse().ok()) {
            _ if is_head || status == 204 || status == 304 => (Vec::new(), true),
            Some(length) => (body.to_vec(), body.len() >= length),
            None => (body.to_vec(), body.ends_with(b"0\r\n\r\n")),
        };
        let is_last = field("connection").is_some_and(|value| value == "close");
        Some(Self { status, asks_again: field("retry-after").is_some(), body, is_whole, is_last })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Option<(u16, bool, bool)> {
        let answer = Answer::of(text.as_bytes(), false)?;
        Some((answer.status, answer.is_whole, answer.is_last))
    }

    #[test]
    fn an_answer_is_whole_when_its_body_is() {
        assert_eq!(of("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n"), None);
        assert_eq!(of("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na"), Some((200, false, false)));
        let whole = "HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\nconnection: close\r\n\r\nab";
        assert_eq!(of(whole), Some((400, true, true)));
        assert_eq!(of("HTTP/1.1 204 No Content\r\n\r\n"), Some((204, true, false)));
        let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n";
        assert_eq!(of(chunked), Some((200, false, false)));
        assert_eq!(of(&format!("{chunked}0\r\n\r\n")), Some((200, true, false)));
    }
}

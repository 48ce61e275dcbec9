//! Follows the framing of HTTP/1 requests byte by byte and stops where two parsers could disagree.
//!
//! The HTTP library is lenient where a proxy in front may read otherwise: it drops a `Content-Length` beside `Transfer-Encoding` and
//! takes a bare line feed for a line end. Whoever can make two parsers disagree can smuggle a request past the first one.

/// The framing of one connection, as far as it has been seen.
pub(super) struct Framing {
    phase: Phase,
    line: Line,
    requests: u64,
    lines: usize,
    content_length: Option<u64>,
    chunked: bool,
}

#[derive(Clone, Copy)]
enum Phase {
    Head,
    Body(u64),
    ChunkSize,
    ChunkData(u64),
    /// The line end after a chunk's data.
    ChunkEnd,
    Trailers,
    /// HTTP/2, which frames itself.
    Opaque,
    /// After a violation nothing is passed on.
    Ended,
}

/// The byte at this position breaks the framing; nothing from it on may reach the parser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Violation {
    pub(super) at: usize,
}

impl Framing {
    pub(super) fn new() -> Self {
        Self {
            phase: Phase::Head,
            line: Line::new(),
            requests: 0,
            lines: 0,
            content_length: None,
            chunked: false,
        }
    }

    pub(super) fn ended(&self) -> bool {
        matches!(self.phase, Phase::Ended)
    }

    /// Whether exactly so many requests have come, and nothing of another.
    pub(super) fn is_after(&self, requests: u64) -> bool {
        let is_between = matches!(self.phase, Phase::Head) && self.lines == 0;
        is_between && self.line.is_empty() && self.requests == requests
    }

    /// Follows the next bytes of the connection.
    pub(super) fn follow(&mut self, bytes: &[u8]) -> Result<(), Violation> {
        let mut at = 0;
        while at < bytes.len() {
            let rest = &bytes[at..];
            match self.phase {
                Phase::Opaque => return Ok(()),
                Phase::Ended => return Err(Violation { at }),
                Phase::Body(left) => {
                    let (taken, left) = take(rest, left);
                    at += taken;
                    self.phase = if left == 0 { Phase::Head } else { Phase::Body(left) };
                }
                Phase::ChunkData(left) => {
                    let (taken, left) = take(rest, left);
                    at += taken;
                    self.phase = if left == 0 { Phase::ChunkEnd } else { Phase::ChunkData(left) };
                }
                Phase::Head | Phase::ChunkSize | Phase::ChunkEnd | Phase::Trailers => {
                    let end = match self.line.extend(rest) {
                        Ok(None) => return Ok(()),
                        Ok(Some(taken)) => at + taken,
                        Err(offset) => return self.end(at + offset),
                    };
                    if self.line_ended().is_none() {
                        return self.end(end - 1);
                    }
                    self.line.clear();
                    at = end;
                }
            }
        }
        Ok(())
    }

    fn end(&mut self, at: usize) -> Result<(), Violation> {
        self.phase = Phase::Ended;
        Err(Violation { at })
    }

    /// Takes the line that just ended; `None` if it breaks the framing.
    fn line_ended(&mut self) -> Option<()> {
        let line = &self.line;
        match self.phase {
            Phase::Head if line.length == 0 && self.lines == 0 => {} // RFC 9112 §2.2: an empty line before the request is ignored
            Phase::Head if line.length == 0 => self.phase = self.body(),
            Phase::Head if self.lines == 0 => {
                self.lines = 1;
                if self.requests == 0 && line.kept() == b"PRI * HTTP/2.0" {
                    self.phase = Phase::Opaque;
                }
            }
            Phase::Head => {
                self.lines += 1;
                self.header_field()?;
            }
            Phase::ChunkSize => match chunk_size(line)? {
                0 => self.phase = Phase::Trailers,
                size => self.phase = Phase::ChunkData(size),
            },
            // RFC 9112 §7.1: exactly the announced bytes, then a line end
            Phase::ChunkEnd if line.length == 0 => self.phase = Phase::ChunkSize,
            Phase::ChunkEnd => return None,
            Phase::Trailers if line.length == 0 => self.phase = Phase::Head,
            Phase::Trailers
            | Phase::Body(_)
            | Phase::ChunkData(_)
            | Phase::Opaque
            | Phase::Ended => {}
        }
        Some(())
    }

    fn header_field(&mut self) -> Option<()> {
        let line = &self.line;
        let Some(colon) = line.kept().iter().position(|b| *b == b':') else { return Some(()) };
        let (name, value) = (&line.kept()[..colon], line.kept()[colon + 1..].trim_ascii());
        let length = name.eq_ignore_ascii_case(b"content-length");
        let encoding = name.eq_ignore_ascii_case(b"transfer-encoding");
        if !length && !encoding {
            return Some(());
        }
        // RFC 9112 §6.1, §6.3: both together, or either twice, is how requests are smuggled
        if line.length > line.kept().len() || self.content_length.is_some() || self.chunked {
            return None;
        }
        if length {
            self.content_length = Some(decimal(value)?);
        } else if value.eq_ignore_ascii_case(b"chunked") {
            self.chunked = true;
        } else {
            return None;
        }
        Some(())
    }

    fn body(&mut self) -> Phase {
        self.requests += 1;
        self.lines = 0;
        let (length, chunked) = (self.content_length.take(), std::mem::take(&mut self.chunked));
        match length {
            _ if chunked => Phase::ChunkSize,
            None | Some(0) => Phase::Head,
            Some(length) => Phase::Body(length),
        }
    }
}

fn take(bytes: &[u8], left: u64) -> (usize, u64) {
    let taken = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
    (taken, left - taken as u64)
}

/// RFC 9110 §8.6: digits and nothing else, no sign.
fn decimal(text: &[u8]) -> Option<u64> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// RFC 9112 §7.1: hexadecimal digits, then perhaps extensions.
fn chunk_size(line: &Line) -> Option<u64> {
    let digits = line.kept().iter().take_while(|b| b.is_ascii_hexdigit()).count();
    let (size, rest) = line.kept().split_at(digits);
    let extension = rest.trim_ascii_start().first();
    if size.is_empty()
        || size.len() > 15
        || extension.is_some_and(|b| *b != b';')
        || line.length > line.kept().len()
    {
        return None;
    }
    u64::from_str_radix(std::str::from_utf8(size).ok()?, 16).ok()
}

/// As much of a line as framing is decided by; what matters is short.
const KEPT: usize = 128;

struct Line {
    start: [u8; KEPT],
    length: usize,
    carriage_return: bool,
}

impl Line {
    fn new() -> Self {
        Self { start: [0; KEPT], length: 0, carriage_return: false }
    }

    fn clear(&mut self) {
        self.length = 0;
        self.carriage_return = false;
    }

    fn is_empty(&self) -> bool {
        self.length == 0 && !self.carriage_return
    }

    fn kept(&self) -> &[u8] {
        &self.start[..self.length.min(KEPT)]
    }

    /// Takes bytes up to the line's end and says how many, `None` if the end is not there yet.
    ///
    /// The error is the position of a byte that no line may hold: a line feed without carriage return, a carriage return without line
    /// feed, a NUL.
    fn extend(&mut self, bytes: &[u8]) -> Result<Option<usize>, usize> {
        let stop = bytes.iter().position(|b| matches!(b, b'\n' | b'\r' | 0));
        let content = &bytes[..stop.unwrap_or(bytes.len())];
        if self.carriage_return && stop != Some(0) && !bytes.is_empty() {
            return Err(0);
        }
        let free = KEPT.saturating_sub(self.length);
        let kept = content.len().min(free);
        self.start[KEPT - free..][..kept].copy_from_slice(&content[..kept]);
        self.length += content.len();
        let Some(stop) = stop else { return Ok(None) };
        match bytes[stop] {
            b'\n' if self.carriage_return => Ok(Some(stop + 1)),
            b'\r' if !self.carriage_return => {
                self.carriage_return = true;
                match bytes.get(stop + 1) {
                    None => Ok(None),
                    Some(b'\n') => Ok(Some(stop + 2)),
                    Some(_) => Err(stop + 1),
                }
            }
            _ => Err(stop),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same verdict must come out however the bytes are cut.
    fn follow(text: &[u8]) -> Result<(), Violation> {
        let whole = Framing::new().follow(text);
        for size in [1, 2, 3, 7] {
            let mut framing = Framing::new();
            let pieces = text.chunks(size).enumerate();
            let verdict = pieces
                .map(|(n, piece)| {
                    framing.follow(piece).map_err(|v| Violation { at: v.at + n * size })
                })
                .find(Result::is_err)
                .unwrap_or(Ok(()));
            assert_eq!(verdict, whole, "cut every {size} bytes: {}", String::from_utf8_lossy(text));
        }
        whole
    }

    fn stops_before(good: &str, bad: &str) {
        let text = format!("{good}{bad}");
        assert_eq!(follow(text.as_bytes()), Err(Violation { at: good.len() }), "{text:?}");
    }

    #[test]
    fn ordinary_requests_pass_one_after_the_other() {
        let requests = concat!(
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n\n\r\0ab",
            "\r\nPOST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n\n\r\0ab\r\n1A;x=y\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\nTrailer: x\r\n\r\n",
            "DELETE /x HTTP/1.1\r\nHost: a\r\ncontent-length: 0\r\n\r\n",
            "GET /last HTTP/1.1\r\nhost:a\r\n\r\n",
        );
        assert_eq!(follow(requests.as_bytes()), Ok(()));
        let mut framing = Framing::new();
        framing.follow(requests.as_bytes()).unwrap();
        assert_eq!(framing.requests, 5);
    }

    #[test]
    fn a_bare_line_feed_ends_no_line() {
        stops_before("GET / HTTP/1.1", "\nHost: a\n\n");
        stops_before("GET / HTTP/1.1\r\nHost: a", "\nX: y\r\n\r\n");
        stops_before("GET / HTTP/1.1\r\nHost: a\r\n", "\n");
        stops_before("", "\nGET / HTTP/1.1\r\n\r\n");
    }

    #[test]
    fn a_bare_carriage_return_is_no_part_of_a_line() {
        stops_before("GET / HTTP/1.1\r\nX: a\r", "b\r\n\r\n");
        stops_before("GET / HTTP/1.1\r\nX: a\r", "\r\n\r\n");
    }

    #[test]
    fn a_nul_is_no_part_of_a_line() {
        stops_before("GET / HTTP/1.1\r\nX: a", "\0b\r\n\r\n");
        stops_before("GET /", "\0 HTTP/1.1\r\n\r\n");
    }

    #[test]
    fn content_length_and_transfer_encoding_exclude_each_other() {
        stops_before(
            "POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r",
            "\n\r\n",
        );
        stops_before(
            "POST / HTTP/1.1\r\nTRANSFER-ENCODING: chunked\r\ncontent-length:5\r",
            "\n\r\n",
        );
    }

    #[test]
    fn neither_comes_twice() {
        stops_before("POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 5\r", "\n\r\n");
        stops_before(
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r",
            "\n\r\n",
        );
    }

    #[test]
    fn a_content_length_is_digits() {
        for value in ["+5", "-5", "5, 5", "0x5", "5 5", "", "５", "99999999999999999999"] {
            stops_before(&format!("POST / HTTP/1.1\r\nContent-Length: {value}\r"), "\n\r\n");
        }
    }

    #[test]
    fn chunked_is_the_only_transfer_encoding() {
        for value in [
            "gzip, chunked",
            "chunked, chunked",
            "identity",
            "xchunked",
            "",
            &"chunked, ".repeat(40),
        ] {
            stops_before(&format!("POST / HTTP/1.1\r\nTransfer-Encoding: {value}\r"), "\n\r\n");
        }
    }

    #[test]
    fn a_chunk_has_its_size_and_its_end() {
        let head = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
        for size in
            ["", "x", "+1", "0x1", "-1", " 1", "1 x", "10000000000000000", &"1;".repeat(100)]
        {
            stops_before(&format!("{head}{size}\r"), "\n");
        }
        stops_before(&format!("{head}1"), "\na\r\n");
        stops_before(&format!("{head}1\r\nabc\r"), "\n");
        stops_before(&format!("{head}1\r\na"), "\n");
    }

    #[test]
    fn nothing_follows_a_violation() {
        let mut framing = Framing::new();
        assert_eq!(framing.follow(b"GET / HTTP/1.1\n"), Err(Violation { at: 14 }));
        assert!(framing.ended());
        assert_eq!(framing.follow(b"\r\n"), Err(Violation { at: 0 }));
    }

    #[test]
    fn http2_frames_itself() {
        assert_eq!(follow(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\n\n"), Ok(()));
        // not once HTTP/1 has begun
        let mut framing = Framing::new();
        framing.follow(b"GET / HTTP/1.1\r\n\r\nPRI * HTTP/2.0\r\n").unwrap();
        assert_eq!(framing.follow(b"\n"), Err(Violation { at: 0 }));
    }
}

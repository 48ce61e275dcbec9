//! What a fresh connection asks for first, looked at before anything is made for it: whoever is told there to come
//! later costs no task, no registration with the poller, no parser's buffers and no router.

use std::io::Read as _;
use std::net::IpAddr;

use bytes::Bytes;
use httparse::{EMPTY_HEADER, Header, Request, Status};
use socket2::Socket;

use super::framing::Framing;
use super::traffic::{Asked, Traffic};

/// Tells who is to come later, before anything is done for them.
pub trait Gate: Send + Sync {
    /// Whether there is so much to do, where so many connections ask for something, that somebody is to come later.
    fn is_pressed(&self, asking: usize) -> bool;

    /// What becomes of whoever asks for that, where so many connections ask for something.
    fn judges(&self, opening: &Opening<'_>, asking: usize) -> Judgement;
}

/// What becomes of a request at the gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// It goes on, and is judged again by whoever sees all of it.
    Open,
    /// It was judged, and goes on.
    LetPass,
    /// It is answered with these bytes, and the connection ends.
    Later(Bytes),
}

/// The first request of a connection.
pub struct Opening<'r> {
    /// Who connected.
    pub peer: IpAddr,
    /// Its method.
    pub method: &'r str,
    /// Its target, as it was sent.
    pub target: &'r str,
    headers: &'r [Header<'r>],
}

impl Opening<'_> {
    /// The fields of that name, in lower case, as far as they are text.
    pub fn header(&self, name: &str) -> impl Iterator<Item = &str> {
        let fields = self.headers.iter().filter(move |field| field.name.eq_ignore_ascii_case(name));
        fields.filter_map(|field| str::from_utf8(field.value).ok())
    }
}

/// How much of a first request is looked at; a longer one is none that is told to come later.
const LOOKED_AT: usize = 4 * 1024;

/// More header fields than that has no request that is told to come later.
const FIELDS: usize = 64;

/// `MSG_MORE` of send(2): the answer goes out with the end of the connection, which follows at once. To send a segment
/// is most of what a refusal costs.
const WITH_THE_END: i32 = if cfg!(target_os = "linux") { 0x8000 } else { 0 };

/// What is known of a connection before it is served.
#[derive(Default)]
pub(super) struct First {
    /// What was read already.
    pub(super) bytes: Bytes,
    pub(super) asked: Asked,
    /// Whether its first request was judged.
    pub(super) was_let_pass: bool,
}

/// Looks at what a fresh connection asks for, as far as that is there; nothing, if it was told to come later.
///
/// Only a request that is there as a whole, with nothing behind it, is told anything: where bytes stay unread, closing
/// the connection would reset it, and take the answer with it.
pub(super) fn look(
    mut tcp: &Socket,
    peer: IpAddr,
    gate: &dyn Gate,
    traffic: &Traffic,
) -> Option<First> {
    let mut first = First::default();
    let mut bytes = [0; LOOKED_AT];
    // what is not there yet is waited for where it is served
    let Ok(length) = tcp.read(&mut bytes) else { return Some(first) };
    let bytes = &bytes[..length];
    if length < LOOKED_AT && is_one_whole_request(bytes) {
        let asking = traffic.asks(&first.asked);
        let judgement = judged(bytes, peer, |opening| gate.judges(opening, asking));
        if let Judgement::Later(answer) = judgement {
            // the connection is over, but counts for this second: refused connections make up the crowd; a fresh one
            // takes so little at once, or is gone
            let _ = tcp.send_with_flags(&answer, WITH_THE_END);
            return None;
        }
        first.was_let_pass = judgement == Judgement::LetPass;
    }
    first.bytes = Bytes::copy_from_slice(bytes);
    Some(first)
}

fn is_one_whole_request(bytes: &[u8]) -> bool {
    let mut framing = Framing::new();
    framing.follow(bytes).is_ok() && framing.is_after(1)
}

/// What becomes of a request; what cannot be read goes on to where that is said.
pub(in crate::serve) fn judged(
    bytes: &[u8],
    peer: IpAddr,
    judges: impl FnOnce(&Opening<'_>) -> Judgement,
) -> Judgement {
    let mut headers = [EMPTY_HEADER; FIELDS];
    let mut request = Request::new(&mut headers);
    match (request.parse(bytes), request.method, request.path) {
        (Ok(Status::Complete(_)), Some(method), Some(target)) => {
            judges(&Opening { peer, method, target, headers: request.headers })
        }
        _ => Judgement::Open,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::net::{Ipv4Addr, TcpListener, TcpStream};

    use socket2::SockRef;

    use super::*;

    const GET: &str = "GET /first HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: b\r\n\r\n";

    /// Has everybody come later who asks for `/first`, and lets pass who asks for `/second`.
    struct Strict;

    impl Gate for Strict {
        fn is_pressed(&self, _: usize) -> bool {
            true
        }

        fn judges(&self, opening: &Opening<'_>, asking: usize) -> Judgement {
            assert!(opening.peer == Ipv4Addr::LOCALHOST && asking == 1);
            match opening.target {
                "/first" => Judgement::Later(Bytes::from_static(b"later")),
                "/second" => Judgement::LetPass,
                _ => Judgement::Open,
            }
        }
    }

    /// What is known of somebody who sent that, and what they were told.
    fn looked_at(sent: &str) -> (Option<First>, String) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let mut peer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        peer.write_all(sent.as_bytes()).unwrap();
        let (tcp, address) = listener.accept().unwrap();
        let (mut seen, mut told) = ([0; LOOKED_AT + 1], String::new());
        while tcp.peek(&mut seen).unwrap() < sent.len() {}
        tcp.set_nonblocking(true).unwrap();
        let first = look(&SockRef::from(&tcp), address.ip(), &Strict, &Traffic::new());
        drop(tcp);
        peer.read_to_string(&mut told).unwrap();
        (first, told)
    }

    #[test]
    fn who_is_to_come_later_hears_it_and_the_connection_ends() {
        let post = "POST /first HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabcde";
        for request in [GET, post, "GET /first HTTP/1.0\r\n\r\n"] {
            let (first, told) = looked_at(request);
            assert!(first.is_none() && told == "later", "{request}");
        }
    }

    #[test]
    fn what_is_judged_and_goes_on_is_all_there() {
        for (target, was_let_pass) in [("/second", true), ("/third", false)] {
            let request = GET.replace("/first", target);
            let (first, told) = looked_at(&request);
            let first = first.unwrap();
            assert_eq!((&*first.bytes, first.was_let_pass), (request.as_bytes(), was_let_pass));
            assert_eq!(told, "");
        }
    }

    #[test]
    fn nobody_hears_anything_whose_request_is_not_whole_or_not_all_there_is() {
        let long = format!("POST /first HTTP/1.1\r\nContent-Length: {LOOKED_AT}\r\n\r\n");
        for sent in [
            "GET /first HTT",
            "POST /first HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabcd",
            &format!("{GET}{GET}"),
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            "GET /first HTTP/1.1\n\n",
            "\u{16}\u{3}\u{1}",
            &format!("{long}{}", "a".repeat(LOOKED_AT - long.len())),
            &format!("GET /first HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(FIELDS + 1)),
        ] {
            let (first, told) = looked_at(sent);
            let first = first.unwrap();
            assert_eq!((&*first.bytes, told.as_str()), (sent.as_bytes(), ""), "{sent}");
            assert!(!first.was_let_pass);
        }
    }

    #[test]
    fn a_field_is_found_whatever_its_case() {
        let judgement = judged(GET.as_bytes(), Ipv4Addr::LOCALHOST.into(), |opening| {
            assert_eq!(opening.header("x-forwarded-for").collect::<Vec<_>>(), ["b"]);
            Judgement::LetPass
        });
        assert_eq!(judgement, Judgement::LetPass);
    }
}

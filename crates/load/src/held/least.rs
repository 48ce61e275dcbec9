//! The least that it takes to tell somebody to come later: a connection that is accepted, read once, answered and
//! closed, and nothing else.

use std::{
    collections::VecDeque,
    fs,
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    thread,
    time::Duration,
};

use socket2::SockRef;

use crate::{failure::Failure, flows::SERVER_CORE, machine};

/// How many connections it is measured by: the clock of a thread counts hundredths of a second.
const CONNECTIONS: u32 = 20_000;

/// How many of them are open at once.
const AT_ONCE: usize = 32;

const REQUEST: &[u8] =
    b"GET /load/offers/0123456789012345678901234567890123456789012345678901234567890123 \
    HTTP/1.1\r\nhost: localhost:7077\r\n\r\n";

/// About as much as a refusal says.
const ANSWER: [u8; 300] = [b'0'; 300];

/// `MSG_MORE` of send(2): the answer goes out with the end of the connection.
const WITH_THE_END: i32 = 0x8000;

/// The processor time that one such connection takes on the server's core.
pub(super) fn refusal() -> Result<Duration, Failure> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    let server = thread::spawn(move || refuses(&listener));
    let mut open = VecDeque::new();
    for _ in 0..CONNECTIONS {
        let mut client = TcpStream::connect(address)?;
        client.write_all(REQUEST)?;
        open.push_back(client);
        if open.len() == AT_ONCE {
            open.pop_front().map(answered).transpose()?;
        }
    }
    open.into_iter().try_for_each(answered)?;
    server.join().map_err(|_| Failure::ServerGone)?
}

fn refuses(listener: &TcpListener) -> Result<Duration, Failure> {
    let this = fs::read_link("/proc/thread-self")?;
    let this = this.file_name().and_then(|name| name.to_str()?.parse().ok());
    let this = this.ok_or(Failure::ServerGone)?;
    machine::pin(this, SERVER_CORE);
    let before = machine::thread_cpu()?;
    let mut request = [0; 4096];
    for _ in 0..CONNECTIONS {
        let (mut client, _) = listener.accept()?;
        let _ = client.read(&mut request)?;
        SockRef::from(&client).send_with_flags(&ANSWER, WITH_THE_END)?;
    }
    Ok((machine::thread_cpu()? - before) / CONNECTIONS)
}

fn answered(mut client: TcpStream) -> Result<(), Failure> {
    let mut answer = Vec::with_capacity(ANSWER.len());
    client.read_to_end(&mut answer)?;
    Ok(())
}

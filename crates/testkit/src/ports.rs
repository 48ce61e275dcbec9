//! Ports for servers that are told their number, and are stopped and started on the same one.

use std::{
    net::{Ipv4Addr, TcpListener, UdpSocket},
    ops::Range,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

/// Below those that systems give to whoever connects: nobody comes by one of these while its server is away.
const PORTS: Range<u32> = 10_000..32_000;

/// A port of 127.0.0.1 that nobody listens on at the moment, and that nobody else is given.
///
/// The UDP port of the same number is held until this process ends, and whatever tests this repository, in any
/// language, asks for ports like that.
///
/// # Panics
/// When there is none.
pub fn free_port() -> u16 {
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    static HELD: Mutex<Vec<UdpSocket>> = Mutex::new(Vec::new());
    let count = PORTS.end - PORTS.start;
    // other processes look for theirs at the same time
    let first = std::process::id().wrapping_mul(7919) % count;
    let next = || PORTS.start + (first + GIVEN.fetch_add(1, Ordering::Relaxed)) % count;
    let found = (0..count).find_map(|_| {
        let port = next() as u16;
        Some((port, reserve(port)?))
    });
    let (port, socket) = found.expect("a port is free");
    HELD.lock().unwrap_or_else(PoisonError::into_inner).push(socket);
    port
}

/// What holds a port for a server to come; none where it is held, or somebody listens already.
fn reserve(port: u16) -> Option<UdpSocket> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).ok()?;
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok().then_some(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_given_once_and_stays_free_for_its_server() {
        let ports: Vec<_> = (0..20).map(|_| free_port()).collect();
        for (nth, port) in ports.iter().enumerate() {
            assert!(PORTS.contains(&u32::from(*port)));
            assert!(!ports[..nth].contains(port), "{port} is given twice");
            assert!(reserve(*port).is_none(), "it is held");
            for _ in 0..2 {
                assert!(TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok());
            }
        }
    }

    #[test]
    fn a_port_that_somebody_listens_on_is_not_given() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
        assert!(reserve(taken.local_addr().expect("bound").port()).is_none());
    }
}

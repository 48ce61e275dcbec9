//! Ports for servers that are stopped and started on the same one.

use std::{
    io,
    net::TcpListener,
    ops::Range,
    sync::atomic::{AtomicU32, Ordering},
};

/// Below those that systems give to whoever connects: nobody comes by one of these while its server is away.
const PORTS: Range<u32> = 10_000..32_000;

/// A port of 127.0.0.1 that nobody listens on at the moment, and that this process was not given before.
///
/// # Errors
/// When there is none.
pub fn free_port() -> io::Result<u16> {
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    let count = PORTS.end - PORTS.start;
    // other processes look for theirs at the same time
    let first = std::process::id().wrapping_mul(7919) % count;
    for _ in 0..count {
        let nth = first + GIVEN.fetch_add(1, Ordering::Relaxed) % count;
        let port = u16::try_from(PORTS.start + nth % count).map_err(io::Error::other)?;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    Err(io::ErrorKind::AddrInUse.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_given_once_and_not_while_somebody_listens_on_it() {
        let ports: Vec<_> = (0..20).map(|_| free_port().expect("one is free")).collect();
        for (nth, port) in ports.iter().enumerate() {
            assert!(PORTS.contains(&u32::from(*port)));
            assert!(!ports[..nth].contains(port), "{port} is given twice");
        }
        // whatever comes next is taken by somebody else
        let next = free_port().expect("one is free") + 1;
        let Ok(_somebody) = TcpListener::bind(("127.0.0.1", next)) else { return };
        assert_ne!(free_port().expect("one is free"), next);
    }
}

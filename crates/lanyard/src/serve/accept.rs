//! The accept loop: from a socket to the router, with limits that really fire.
//!
//! `axum::serve` bounds neither connections nor time; a slow or numerous peer could hold it for ever. This loop bounds both and stays
//! out of the way of everyone else.

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use socket2::{SockRef, Socket};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, ToSocketAddrs};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

#[cfg(test)]
pub(in crate::serve) use first::judged;
pub use first::{Gate, Judgement, Opening};

use super::clients::network;
use super::tls::ServerTls;
use crate::network::Network;
use first::First;
use queue::Came;
use traffic::Traffic;

mod connection;
mod first;
mod framing;
mod queue;
mod request;
mod traffic;

/// How much a peer may ask of the server; the defaults keep it from being stalled (`docs/threat-model.md`).
#[derive(Debug, Clone)]
pub struct Limits {
    /// From the first byte of a request head to its last; also for a fresh connection and for the TLS handshake.
    pub header: Duration,
    /// For the whole body of a request.
    pub body: Duration,
    /// Bytes per second a body must bring, once `body_grace` is over.
    pub body_rate: u64,
    /// How long a body may be slower than `body_rate`.
    pub body_grace: Duration,
    /// Bytes of a request body; routes may set less.
    pub body_bytes: usize,
    /// Between two requests on one connection.
    pub idle: Duration,
    /// For a handler to begin its answer, once the body is there.
    pub request: Duration,
    /// How long the peer may leave an answer unread.
    pub write_stall: Duration,
    /// Connections in all; fewer where the system allows fewer open files.
    pub connections: usize,
    /// Connections from one IPv4 address or IPv6 /64.
    pub per_ip: usize,
    /// Whether `per_ip` leaves loopback alone: a reverse proxy on this machine is all its users at once.
    pub per_ip_spares_loopback: bool,
    /// Further networks `per_ip` leaves alone: those of trusted proxies.
    pub per_ip_spares: Vec<Network>,
    /// HTTP/2 streams open at once on one connection.
    pub http2_streams: u32,
    /// HTTP/2 streams a peer may reset before they were looked at.
    pub http2_resets: usize,
    /// Bytes of path and query.
    pub uri_bytes: usize,
    /// Bytes of all header fields of a request.
    pub header_bytes: usize,
    /// Number of header fields of a request.
    pub header_fields: usize,
    /// How long whoever comes is still taken in once shutdown begins, unless nobody comes: whoever sends
    /// people here learns meanwhile that the server is not ready.
    pub notice: Duration,
    /// What requests in flight get to finish after that.
    pub shutdown: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header: Duration::from_secs(10),
            body: Duration::from_secs(30),
            body_rate: 1024,
            body_grace: Duration::from_secs(5),
            body_bytes: 2 * 1024 * 1024,
            idle: Duration::from_secs(60),
            request: Duration::from_secs(15),
            write_stall: Duration::from_secs(30),
            connections: 4096,
            per_ip: 64,
            per_ip_spares_loopback: true,
            per_ip_spares: Vec::new(),
            http2_streams: 100,
            http2_resets: 20,
            uri_bytes: 8 * 1024,
            header_bytes: 32 * 1024,
            header_fields: 64,
            notice: Duration::from_secs(3),
            shutdown: Duration::from_secs(10),
        }
    }
}

/// A bound socket, with TLS or without.
pub struct Listener {
    tcp: TcpListener,
    tls: Option<ServerTls>,
}

impl Listener {
    /// Binds `address`.
    ///
    /// # Errors
    /// Whatever the system says, such as that the address is in use.
    pub async fn bind(address: impl ToSocketAddrs, tls: Option<ServerTls>) -> io::Result<Self> {
        let tcp = TcpListener::bind(address).await?;
        SockRef::from(&tcp).listen(queue::QUEUE)?;
        Ok(Self { tcp, tls })
    }

    /// The address it is bound to.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }
}

/// What is served.
pub struct Routes {
    /// The routes.
    pub router: Router,
    /// Who tells fresh connections to come later, if anybody does.
    pub gate: Option<Arc<dyn Gate>>,
}

impl From<Router> for Routes {
    fn from(router: Router) -> Self {
        Self { router, gate: None }
    }
}

/// How a request came.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Arrival {
    /// How many open connections asked for something in the second in which it began or the one before.
    pub asking: usize,
    /// Whether the [`Gate`] judged it and let it pass.
    pub was_let_pass: bool,
}

/// What a finished [`serve`] looks back on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Served {
    /// Connections taken in.
    pub connections: usize,
    /// Connections turned away at a cap.
    pub shed: usize,
    /// Connections cut because they were not done when the time for shutdown was over.
    pub cut: usize,
}

/// Why serving did not begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ServeError {
    /// No listener was given.
    #[error("there is no address to listen on")]
    NoListener,
}

/// Serves `routes` on every listener until `shutdown` is ready, then lets what is in flight finish.
///
/// First whoever comes is served as before, and told that the connection ends with the answer. When nobody
/// comes any more, or [`Limits::notice`] is over, the listeners are closed, with nobody left in their queues.
///
/// Streams of events never finish by themselves: end them when `shutdown` is ready, or they are cut when [`Limits::shutdown`] is over.
/// Handlers find the peer's address as `ConnectInfo<SocketAddr>`, and how a request came as [`Arrival`].
///
/// # Errors
/// [`ServeError::NoListener`] when there is nothing to serve on.
pub async fn serve(
    listeners: Vec<Listener>,
    routes: impl Into<Routes>,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) -> Result<Served, ServeError> {
    if listeners.is_empty() {
        return Err(ServeError::NoListener);
    }
    let limits =
        Limits { connections: affordable(limits.connections, open_file_limit()), ..limits };
    let door = Arc::new(Door::new(routes.into(), limits));
    let (phase, phases) = watch::channel(Phase::Open);
    let mut acceptors = JoinSet::new();
    for listener in listeners {
        acceptors.spawn(queue::take_in_whoever_comes(listener, Arc::clone(&door), phases.clone()));
    }
    drop(phases);
    shutdown.await;
    door.traffic.leave();
    // only fails when no acceptor and no connection is left, and then nobody needs to know
    let _ = phase.send(Phase::Leaving);
    door.traffic.has_ended(door.limits.notice).await;
    let _ = phase.send(Phase::Closed);
    // every acceptor and every connection holds a receiver until it is done
    phase.closed().await;
    Ok(door.tally())
}

/// How far shutdown has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Open,
    /// Whoever comes is served, once.
    Leaving,
    /// Nobody is taken in.
    Closed,
}

/// What all connections of one server share.
struct Door {
    router: Router,
    gate: Option<Arc<dyn Gate>>,
    limits: Arc<Limits>,
    traffic: Arc<Traffic>,
    http: connection::Http,
    taken: AtomicUsize,
    from: Mutex<HashMap<IpAddr, usize>>,
    turning_away: Arc<Semaphore>,
    accepted: AtomicUsize,
    shed: AtomicUsize,
    cut: AtomicUsize,
}

/// How many peers are told politely at once that the server is full.
const TURNED_AWAY_AT_ONCE: usize = 32;

impl Door {
    fn new(Routes { router, gate }: Routes, limits: Limits) -> Self {
        Self {
            // lays out the router once instead of at every request
            router: router.with_state(()),
            gate,
            http: connection::http(&limits),
            limits: Arc::new(limits),
            traffic: Arc::new(Traffic::new()),
            taken: AtomicUsize::new(0),
            from: Mutex::default(),
            turning_away: Arc::new(Semaphore::new(TURNED_AWAY_AT_ONCE)),
            accepted: AtomicUsize::new(0),
            shed: AtomicUsize::new(0),
            cut: AtomicUsize::new(0),
        }
    }

    /// A place for a connection from `peer`, or `None` when a cap is reached.
    fn admit(self: &Arc<Self>, peer: IpAddr) -> Option<Place> {
        let peer = peer.to_canonical();
        let spared = self.limits.per_ip_spares_loopback && peer.is_loopback()
            || self.limits.per_ip_spares.iter().any(|spared| spared.contains(peer));
        let origin = (!spared).then(|| network(peer));
        if self.taken.fetch_add(1, Ordering::Relaxed) >= self.limits.connections {
            self.taken.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        let mut place = Place { door: Arc::clone(self), origin: None };
        if let Some(origin) = origin {
            let mut from = self.from.lock().unwrap_or_else(PoisonError::into_inner);
            let count = from.entry(origin).or_insert(0);
            if *count >= self.limits.per_ip {
                drop(from);
                return None;
            }
            *count += 1;
            place.origin = Some(origin);
        }
        Some(place)
    }

    /// Serves a connection, or says that there is no place for it or no time.
    fn take_in(
        self: &Arc<Self>,
        came: Came,
        peer: SocketAddr,
        tls: Option<ServerTls>,
        phases: watch::Receiver<Phase>,
    ) -> io::Result<()> {
        self.traffic.somebody_came();
        match self.admit(peer.ip()) {
            Some(place) => {
                self.accepted.fetch_add(1, Ordering::Relaxed);
                let first = self.look(&came.socket(), peer.ip(), tls.is_some());
                let Some(first) = first else { return Ok(()) };
                let tcp = came.registered()?;
                // a connection that was closed meanwhile shows at its first read
                let _ = tcp.set_nodelay(true);
                tokio::spawn(connection::run(tcp, (peer, first), tls, place, phases));
            }
            None => {
                self.shed.fetch_add(1, Ordering::Relaxed);
                turn_away(came.registered()?, self, tls.is_some());
            }
        }
        Ok(())
    }

    /// What is known of a fresh connection before it is served; nothing, if it was told to come later.
    fn look(&self, tcp: &Socket, peer: IpAddr, is_sealed: bool) -> Option<First> {
        match &self.gate {
            Some(gate) if !is_sealed && gate.is_pressed(self.traffic.asking()) => {
                first::look(tcp, peer, gate.as_ref(), &self.traffic)
            }
            _ => Some(First::default()),
        }
    }

    fn tally(&self) -> Served {
        Served {
            connections: self.accepted.load(Ordering::Relaxed),
            shed: self.shed.load(Ordering::Relaxed),
            cut: self.cut.load(Ordering::Relaxed),
        }
    }
}

/// A connection's place; given back when dropped.
struct Place {
    door: Arc<Door>,
    origin: Option<IpAddr>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.door.taken.fetch_sub(1, Ordering::Relaxed);
        let Some(origin) = self.origin else { return };
        let mut from = self.door.from.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = from.get_mut(&origin) {
            *count -= 1;
            if *count == 0 {
                from.remove(&origin);
            }
        }
    }
}

const FULL: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// Says that the server is full, if that is cheap; else only closes.
fn turn_away(mut tcp: TcpStream, door: &Door, tls: bool) {
    if tls {
        return;
    }
    let Ok(permit) = Arc::clone(&door.turning_away).try_acquire_owned() else { return };
    tokio::spawn(async move {
        let farewell = async {
            tcp.write_all(FULL).await?;
            tcp.shutdown().await?;
            // closing with unread bytes would reset the connection and take the answer with it
            let mut unread = [0; 1024];
            while tcp.read(&mut unread).await? > 0 {}
            io::Result::Ok(())
        };
        let _ = timeout(Duration::from_millis(500), farewell).await;
        drop(permit);
    });
}

/// Keeps files for the store, for outbound calls and for those turned away.
fn affordable(connections: usize, open_files: Option<usize>) -> usize {
    match open_files {
        None => connections,
        Some(limit) => {
            let reserved = (limit / 2).min(256);
            let affordable = (limit - reserved).max(1);
            if affordable < connections {
                tracing::warn!(
                    limit,
                    connections,
                    affordable,
                    "the open file limit allows fewer connections than configured"
                );
            }
            connections.min(affordable)
        }
    }
}

/// The soft limit on open files, where the system tells.
fn open_file_limit() -> Option<usize> {
    soft_limit(&std::fs::read_to_string("/proc/self/limits").ok()?)
}

fn soft_limit(limits: &str) -> Option<usize> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn door(limits: Limits) -> Arc<Door> {
        Arc::new(Door::new(Router::new().into(), limits))
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn one_address_gets_its_share_and_no_more() {
        let door = door(Limits { per_ip: 2, ..Limits::default() });
        let places = (door.admit(ip("192.0.2.1")), door.admit(ip("::ffff:192.0.2.1")));
        assert!(places.0.is_some() && places.1.is_some());
        assert!(door.admit(ip("192.0.2.1")).is_none());
        assert!(door.admit(ip("192.0.2.2")).is_some());
        drop(places.0);
        assert!(door.admit(ip("192.0.2.1")).is_some());
    }

    #[test]
    fn an_ipv6_network_counts_as_one_address() {
        let door = door(Limits { per_ip: 1, ..Limits::default() });
        let _place = door.admit(ip("2001:db8:1:2::1")).unwrap();
        assert!(door.admit(ip("2001:db8:1:2:ffff::9")).is_none());
        assert!(door.admit(ip("2001:db8:1:3::1")).is_some());
    }

    #[test]
    fn loopback_and_trusted_proxies_are_spared() {
        let spares = ["192.0.2.9", "10.0.0.0/8", "fd00::/8"];
        let spares = spares.map(|network| network.parse().unwrap()).to_vec();
        let door = door(Limits { per_ip: 0, per_ip_spares: spares, ..Limits::default() });
        assert!(door.admit(ip("127.0.0.1")).is_some() && door.admit(ip("::1")).is_some());
        for spared in ["192.0.2.9", "10.1.2.3", "::ffff:10.1.2.3", "fd00::7"] {
            assert!(door.admit(ip(spared)).is_some(), "{spared}");
        }
        for counted in ["192.0.2.8", "11.0.0.1", "2001:db8::1"] {
            assert!(door.admit(ip(counted)).is_none(), "{counted}");
        }
    }

    #[test]
    fn all_places_are_given_back() {
        let door = door(Limits { connections: 3, per_ip: 2, ..Limits::default() });
        for _ in 0..10 {
            let places = [
                door.admit(ip("192.0.2.1")),
                door.admit(ip("192.0.2.1")),
                door.admit(ip("192.0.2.1")),
            ];
            assert_eq!(places.iter().flatten().count(), 2);
            assert!(door.admit(ip("192.0.2.2")).is_some());
        }
        assert_eq!(door.taken.load(Ordering::Relaxed), 0);
        assert!(door.from.lock().unwrap().is_empty());
    }

    #[test]
    fn connections_leave_files_for_others() {
        assert_eq!(affordable(4096, None), 4096);
        assert_eq!(affordable(4096, Some(1_000_000)), 4096);
        assert_eq!(affordable(4096, Some(1024)), 768);
        assert_eq!(affordable(4096, Some(40)), 20);
        assert_eq!(affordable(16, Some(1024)), 16);
    }

    #[test]
    fn the_open_file_limit_is_the_soft_one() {
        let text = "Limit                     Soft Limit           Hard Limit           Units     \nMax open files            1024                 524288               files     \n";
        assert_eq!(soft_limit(text), Some(1024));
        assert_eq!(
            soft_limit("Max open files            unlimited            unlimited            files"),
            None
        );
    }
}

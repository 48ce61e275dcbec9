//! Those who are connected and wait to be taken in.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::yield_now;
use tokio::time::sleep;

use super::{Door, Listener, Phase};
use crate::serve::tls::ServerTls;

/// How many may wait to be taken in. The library asks for 128, which a crowd fills in the time that the processor is
/// somebody else's; whoever comes then is heard at the next try of their system, a second later.
pub(super) const QUEUE: i32 = 1024;

/// How many are taken in before others on this processor have their turn.
const AT_ONCE: usize = 64;

const BACK_OFF_FIRST: Duration = Duration::from_millis(20);
const BACK_OFF_MOST: Duration = Duration::from_secs(1);

/// A connection as it comes out of the queue.
pub(super) enum Came {
    /// The poller knows it.
    Registered(TcpStream),
    /// Whoever is turned away at the door need not be made known to the poller.
    Fresh(std::net::TcpStream),
}

impl Came {
    pub(super) fn socket(&self) -> SockRef<'_> {
        match self {
            Self::Registered(tcp) => tcp.into(),
            Self::Fresh(tcp) => tcp.into(),
        }
    }

    pub(super) fn registered(self) -> io::Result<TcpStream> {
        match self {
            Self::Registered(tcp) => Ok(tcp),
            Self::Fresh(tcp) => TcpStream::from_std(tcp),
        }
    }
}

/// The queue at one address.
struct Queue {
    listener: std::net::TcpListener,
    tls: Option<ServerTls>,
    door: Arc<Door>,
    phases: watch::Receiver<Phase>,
}

/// Takes in whoever waits at a listener, until the server closes.
pub(super) async fn take_in_whoever_comes(
    listener: Listener,
    door: Arc<Door>,
    mut phases: watch::Receiver<Phase>,
) {
    let Listener { tcp, tls } = listener;
    let (tcp, listener) = match twice(tcp) {
        Ok(both) => both,
        Err(error) => return tracing::error!(%error, "cannot accept connections"),
    };
    let queue = Queue { listener, tls, door, phases: phases.clone() };
    let mut back_off = BACK_OFF_FIRST;
    loop {
        let first = tokio::select! {
            biased;
            // an error means the server is gone: the same as its end
            _ = phases.wait_for(|phase| *phase == Phase::Closed) => break,
            first = tcp.accept() => first,
        };
        let first = first.and_then(|(tcp, peer)| queue.take_in(Came::Registered(tcp), peer));
        match first.and_then(|()| queue.take_in_more()) {
            Ok(()) => {
                back_off = BACK_OFF_FIRST;
                yield_now().await;
            }
            Err(error) if nobody_waits(&error) => back_off = BACK_OFF_FIRST,
            Err(error) if concerns_one_connection(&error) => {}
            Err(error) => {
                // out of files or memory: what waits stays in the backlog until something is given back
                tracing::warn!(%error, "cannot accept connections for now");
                sleep(back_off).await;
                back_off = (back_off * 2).min(BACK_OFF_MOST);
            }
        }
    }
    // closing the socket would cut off those who are connected and wait to be taken in
    for _ in 0..QUEUE {
        match queue.take_in_next() {
            Ok(()) => {}
            Err(error) if concerns_one_connection(&error) => {}
            Err(_) => return,
        }
    }
}

/// One socket for whoever waits until somebody comes, and for whoever takes in those behind the first.
fn twice(listener: TcpListener) -> io::Result<(TcpListener, std::net::TcpListener)> {
    let listener = listener.into_std()?;
    let other = listener.try_clone()?;
    Ok((TcpListener::from_std(listener)?, other))
}

impl Queue {
    /// Takes in those behind the first, or as many of them as is fair to others.
    fn take_in_more(&self) -> io::Result<()> {
        (1..AT_ONCE).try_for_each(|_| self.take_in_next())
    }

    fn take_in_next(&self) -> io::Result<()> {
        let (tcp, peer) = self.listener.accept()?;
        tcp.set_nonblocking(true)?;
        self.take_in(Came::Fresh(tcp), peer)
    }

    fn take_in(&self, came: Came, peer: SocketAddr) -> io::Result<()> {
        self.door.take_in(came, peer, self.tls.clone(), self.phases.clone())
    }
}

fn nobody_waits(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}

fn concerns_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}

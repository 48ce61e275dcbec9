//! Real HTTP on the loopback interface, for as long as a test lasts.

use std::net::SocketAddr;

use axum::Router;
use tokio::{net::TcpListener, task::JoinHandle};
use url::Url;

/// A server on a port of its own; it stops when dropped.
#[derive(Debug)]
pub struct Loopback {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Loopback {
    /// Where the server listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The server's base URL, `http://127.0.0.1:port/`.
    ///
    /// # Panics
    /// Never: an address makes a URL.
    pub fn url(&self) -> Url {
        Url::parse(&format!("http://{}", self.address)).expect("an address makes a URL")
    }
}

impl Drop for Loopback {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves the routes on a free loopback port.
///
/// # Panics
/// When no port can be had.
pub async fn serve(routes: Router) -> Loopback {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port is free");
    let address = listener.local_addr().expect("a bound socket has an address");
    let task = tokio::spawn(async move {
        axum::serve(listener, routes).await.expect("the loopback server runs until dropped");
    });
    Loopback { address, task }
}

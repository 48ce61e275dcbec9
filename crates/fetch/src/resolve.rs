//! From a name to addresses that may be contacted.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::target::Route;
use crate::{AddressRange, FetchError, range_of};

/// Looks up the addresses of a host name.
#[async_trait]
pub trait NameResolver: Send + Sync {
    /// All addresses of `host`, in the order they should be tried.
    ///
    /// # Errors
    /// When the name has no address or the look-up fails.
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// Looks names up as the operating system does.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

#[async_trait]
impl NameResolver for SystemResolver {
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((host, 0)).await?.map(|address| address.ip()).collect())
    }
}

/// Resolves for one [`Route`] and vets every address.
///
/// The HTTP client connects to what this returns and looks nothing up again, so a name cannot change its mind between the check and
/// the connection.
#[derive(Clone)]
pub(crate) struct VettingResolver {
    pub(crate) route: Route,
    pub(crate) names: Arc<dyn NameResolver>,
    pub(crate) failures: Arc<FailedNames>,
}

impl VettingResolver {
    async fn vetted(&self, host: &str) -> Result<Vec<IpAddr>, FetchError> {
        let not_resolved = || FetchError::NameNotResolved { host: host.to_owned() };
        if self.failures.remembers(host) {
            return Err(not_resolved());
        }
        let addresses = self.names.addresses(host).await.unwrap_or_default();
        if addresses.is_empty() {
            self.failures.remember(host);
            return Err(not_resolved());
        }
        let required = match self.route {
            Route::Public | Route::PlainPublic => AddressRange::Public,
            Route::AllowedLoopback => AddressRange::Loopback,
            Route::Own => return Ok(addresses),
        };
        // One bad address condemns the name: an attacker who mixes hopes for a second try.
        match addresses.iter().map(|address| range_of(*address)).find(|range| *range != required) {
            Some(range) => Err(FetchError::AddressDenied { host: host.to_owned(), range }),
            None => Ok(addresses),
        }
    }
}

impl Resolve for VettingResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let resolver = self.clone();
        Box::pin(async move {
            let addresses = resolver.vetted(name.as_str()).await?;
            // Port 0: the client puts in the URL's own.
            Ok(Box::new(addresses.into_iter().map(|address| SocketAddr::new(address, 0))) as Addrs)
        })
    }
}

/// Names that did not resolve lately.
pub(crate) struct FailedNames {
    ttl: Duration,
    until: Mutex<HashMap<String, Instant>>,
}

/// More failed names than this at once are an attack or an outage; the oldest memory is dropped whole.
const FAILED_NAMES_KEPT: usize = 1024;

impl FailedNames {
    pub(crate) fn new(ttl: Duration) -> Self {
        Self { ttl, until: Mutex::default() }
    }

    fn remembers(&self, host: &str) -> bool {
        let mut until = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        match until.get(host) {
            Some(end) if Instant::now() < *end => true,
            Some(_) => {
                until.remove(host);
                false
            }
            None => false,
        }
    }

    fn remember(&self, host: &str) {
        let now = Instant::now();
        let mut until = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        if until.len() >= FAILED_NAMES_KEPT {
            until.retain(|_, end| now < *end);
        }
        if until.len() >= FAILED_NAMES_KEPT {
            until.clear();
        }
        until.insert(host.to_owned(), now + self.ttl);
    }
}

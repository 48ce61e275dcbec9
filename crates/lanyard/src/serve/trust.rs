//! Trust lists that change while the server runs.

use std::{
    collections::BTreeSet,
    fmt,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use lanyard_core::trust::{IssuerTrust, LiveTrust};
use lanyard_store::TenantId;
use tokio::sync::watch;

use super::ticks::Ticks;

use crate::trust_list::{self, TrustListFileError};

/// How often files are looked at.
pub(super) const INTERVAL: Duration = Duration::from_secs(2);

/// One tenant's trust list, in a file that may change.
pub struct WatchedList {
    tenant: TenantId,
    path: PathBuf,
    /// Whom the tenant believes whatever the list says.
    anchors: IssuerTrust,
    trust: LiveTrust,
    seen: Option<Stamp>,
}

/// What tells one state of a file from another: when it was written, and how long it is.
pub(super) type Stamp = (SystemTime, u64);

/// Which files that are taken again when they change are broken at the moment.
#[derive(Clone, Default)]
pub struct TrustHealth(Arc<Mutex<BTreeSet<String>>>);

impl TrustHealth {
    /// A line for each broken list; where the file is and what is wrong with it only the log tells.
    #[must_use]
    pub fn details(&self) -> Vec<String> {
        let broken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        broken.iter().cloned().collect()
    }

    fn note(&self, tenant: &TenantId, is_broken: bool) {
        self.note_of(&format!("trust list of {tenant}"), is_broken);
    }

    /// Notes whether the file that holds `what` is broken.
    pub(super) fn note_of(&self, what: &str, is_broken: bool) {
        let mut broken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let line = format!("{what} cannot be read; the last good one is in use");
        if is_broken {
            broken.insert(line);
        } else {
            broken.remove(&line);
        }
    }
}

impl WatchedList {
    /// Reads a list for the first time: a server does not start with one that is broken.
    ///
    /// # Errors
    /// [`TrustListFileError`].
    pub fn open(
        tenant: TenantId,
        path: PathBuf,
        anchors: IssuerTrust,
    ) -> Result<Self, TrustListFileError> {
        // the stamp comes first: what is written in between is read again
        let seen = stamp(&path);
        let list = trust_list::read(&path)?;
        let trust = LiveTrust::new(anchors.clone().and(list.to_trust()));
        Ok(Self { tenant, path, anchors, trust, seen })
    }

    /// Whom the tenant believes, now and after every change of the file.
    #[must_use]
    pub fn trust(&self) -> LiveTrust {
        self.trust.clone()
    }

    /// Looks at the file, and takes the list if it changed and is good.
    pub fn look(&mut self, health: &TrustHealth) {
        let now = stamp(&self.path);
        if now == self.seen {
            return;
        }
        self.seen = now;
        match trust_list::read(&self.path) {
            Ok(list) => {
                self.trust.replace(self.anchors.clone().and(list.to_trust()));
                health.note(&self.tenant, false);
                tracing::info!(tenant = %self.tenant, "trust list taken");
            }
            Err(error) => {
                health.note(&self.tenant, true);
                tracing::error!(tenant = %self.tenant, %error, "trust list refused; the one before counts");
            }
        }
    }
}

pub(super) fn stamp(path: &PathBuf) -> Option<Stamp> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

/// Looks at the lists again and again, until the server stops.
pub(super) fn keep_looking(
    mut lists: Vec<WatchedList>,
    health: TrustHealth,
    shutdown: watch::Receiver<bool>,
) {
    if lists.is_empty() {
        return;
    }
    tokio::spawn(async move {
        let mut ticks = Ticks::every(INTERVAL, shutdown);
        while ticks.next().await {
            let (looked, known) = (lists, health.clone());
            // files are read where waiting for a disk holds up nobody
            let task = tokio::task::spawn_blocking(move || {
                let mut lists = looked;
                lists.iter_mut().for_each(|list| list.look(&known));
                lists
            });
            match task.await {
                Ok(back) => lists = back,
                Err(_) => return,
            }
        }
    });
}

impl fmt::Debug for WatchedList {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "WatchedList({}, {})", self.tenant, self.path.display())
    }
}

impl fmt::Debug for TrustHealth {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_list().entries(self.details()).finish()
    }
}

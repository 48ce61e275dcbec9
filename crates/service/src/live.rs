//! The trail as it happens, for whoever watches.

use std::{
    collections::HashMap,
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use lanyard_store::{SessionId, TenantId};
use tokio::sync::broadcast;

use crate::TrailEvent;

/// How many events a slow watcher may be behind.
const BACKLOG: usize = 64;

/// How many first fetches are remembered until their next step, twice over.
const REMEMBERED: usize = 8192;

type Key = (TenantId, SessionId);

/// Who watches which session, and which sessions were fetched by a wallet and have no entry of it yet.
///
/// The fetch of an offer or a request is told at once and written down with the step that follows.
#[derive(Debug, Default)]
pub struct Live {
    watched: Mutex<HashMap<Key, broadcast::Sender<TrailEvent>>>,
    fetched: Mutex<Fetched>,
}

/// Two generations: when the younger is full the older is forgotten, so that a flood of fetches costs
/// memory once and the durable trail at most a line.
#[derive(Debug, Default)]
struct Fetched {
    young: HashMap<Key, Timestamp>,
    old: HashMap<Key, Timestamp>,
}

impl Live {
    /// Watches a session from now on.
    pub fn subscribe(
        &self,
        tenant: &TenantId,
        session: SessionId,
    ) -> broadcast::Receiver<TrailEvent> {
        let mut watched = lock(&self.watched);
        watched.retain(|_, sender| sender.receiver_count() > 0);
        let sender = watched.entry((tenant.clone(), session));
        sender.or_insert_with(|| broadcast::Sender::new(BACKLOG)).subscribe()
    }

    /// Tells everybody who watches.
    pub fn publish(&self, tenant: &TenantId, session: SessionId, event: impl Into<TrailEvent>) {
        let watched = lock(&self.watched);
        if watched.is_empty() {
            return;
        }
        if let Some(sender) = watched.get(&(tenant.clone(), session)) {
            // an error says that the last watcher has just gone
            let _ = sender.send(event.into());
        }
    }

    /// Remembers the first fetch of a session; says whether it was the first.
    pub fn note_fetch(&self, tenant: &TenantId, session: SessionId, at: Timestamp) -> bool {
        let (key, mut fetched) = ((tenant.clone(), session), lock(&self.fetched));
        if fetched.young.contains_key(&key) || fetched.old.contains_key(&key) {
            return false;
        }
        if fetched.young.len() >= REMEMBERED {
            fetched.old = mem::take(&mut fetched.young);
        }
        fetched.young.insert(key, at);
        true
    }

    /// When the session was first fetched, if that is not written down yet.
    pub fn fetched_at(&self, tenant: &TenantId, session: SessionId) -> Option<Timestamp> {
        let (key, fetched) = ((tenant.clone(), session), lock(&self.fetched));
        fetched.young.get(&key).or_else(|| fetched.old.get(&key)).copied()
    }

    /// Forgets a fetch: it is written down now.
    pub fn forget_fetch(&self, tenant: &TenantId, session: SessionId) {
        let (key, mut fetched) = ((tenant.clone(), session), lock(&self.fetched));
        fetched.young.remove(&key);
        fetched.old.remove(&key);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

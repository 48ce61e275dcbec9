//! One list as it is now: what it says, and what was signed of it.

use std::{collections::HashMap, sync::Arc};

use axum::body::Bytes;
use jiff::{SignedDuration, Timestamp};
use lanyard_store::{ListChanges, StoreError};
use tokio::sync::RwLock;

use super::{StatusLists, form::ListForm, statuses::Statuses};
use crate::IssuerError;

/// After how long the store is asked whether another replica changed a list.
const OTHERS: SignedDuration = SignedDuration::from_millis(500);

/// A signed list as it goes over the wire.
#[derive(Debug)]
pub(crate) struct PublishedList {
    pub(crate) form: ListForm,
    pub(crate) body: Bytes,
    pub(crate) etag: String,
    /// From this moment on it is made anew.
    pub(crate) renew_at: Timestamp,
}

/// A list that is published.
pub(super) struct LiveList {
    number: u32,
    state: RwLock<State>,
}

#[derive(Default)]
struct State {
    statuses: Statuses,
    version: u64,
    /// Until this moment the statuses are taken to be those in the store.
    known_until: Timestamp,
    published: HashMap<ListForm, Arc<PublishedList>>,
}

impl LiveList {
    pub(super) fn new(number: u32) -> Self {
        let state = State { known_until: Timestamp::MIN, ..State::default() };
        Self { number, state: RwLock::new(state) }
    }

    pub(super) const fn number(&self) -> u32 {
        self.number
    }

    /// Has whoever asks next look for changes.
    pub(super) async fn changed(&self) {
        self.state.write().await.known_until = Timestamp::MIN;
    }

    /// The signed list in a form: from memory, unless something changed or it is due.
    pub(super) async fn published(
        &self,
        lists: &StatusLists,
        form: ListForm,
        now: Timestamp,
    ) -> Result<Arc<PublishedList>, IssuerError> {
        if let Some(published) = self.state.read().await.fresh(form, now) {
            return Ok(published);
        }
        // whoever comes at the same time waits here, and so does a change: it is in this list or in the next
        let mut state = self.state.write().await;
        if let Some(published) = state.fresh(form, now) {
            return Ok(published);
        }
        let settings = &lists.settings;
        if now >= state.known_until {
            let changes =
                settings.store.changed_statuses(&settings.tenant, self.number, state.version);
            state.take(&changes.await?)?;
            state.known_until = now.checked_add(OTHERS).unwrap_or(Timestamp::MAX);
        }
        if let Some(published) = state.fresh(form, now) {
            return Ok(published);
        }
        let published = lists.sign(self.number, form, &mut state.statuses, now).await?;
        let published = Arc::new(published);
        state.published.insert(form, Arc::clone(&published));
        settings.live.weigh(&settings.tenant, self, state.bytes());
        Ok(published)
    }
}

impl State {
    fn fresh(&self, form: ListForm, now: Timestamp) -> Option<Arc<PublishedList>> {
        let published = self.published.get(&form)?;
        (now < self.known_until && now < published.renew_at).then(|| Arc::clone(published))
    }

    /// Takes what changed over; what was signed before it says too little now.
    fn take(&mut self, changes: &ListChanges) -> Result<(), StoreError> {
        for chunk in &changes.chunks {
            self.statuses.take(chunk)?;
        }
        if !changes.chunks.is_empty() {
            self.published.clear();
        }
        self.version = changes.version;
        Ok(())
    }

    /// How many bytes of memory it takes, about.
    fn bytes(&self) -> usize {
        let signed = self.published.values().map(|list| list.body.len());
        self.statuses.bytes() + signed.sum::<usize>()
    }
}

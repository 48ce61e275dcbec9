//! One list as it is now: its statuses, what was compressed of them, and what was signed.

use std::{collections::HashMap, sync::Arc};

use axum::body::Bytes;
use jiff::{SignedDuration, Timestamp};
use lanyard_core::status::{
    Pieces, Status,
    bitstring_status_list::{Bitstring, StatusPurpose},
    token_status_list::{StatusBits, StatusList},
};
use lanyard_store::{ListChanges, StatusChunk, StoreError};
use tokio::sync::RwLock;

use super::{StatusLists, form::ListForm, places};
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

struct State {
    statuses: StatusList,
    version: u64,
    /// Until this moment the statuses are taken to be those in the store.
    known_until: Timestamp,
    compressed: Compressed,
    published: HashMap<ListForm, Arc<PublishedList>>,
}

/// What was compressed last, by what it says.
#[derive(Default)]
pub(super) struct Compressed {
    token: Pieces,
    revocation: Pieces,
    suspension: Pieces,
}

impl LiveList {
    pub(super) fn new(number: u32) -> Self {
        let statuses = StatusList::new(StatusBits::Two, places::PLACES);
        let state = State {
            statuses: statuses.expect("a list of this size is within every limit"),
            version: 0,
            known_until: Timestamp::MIN,
            compressed: Compressed::default(),
            published: HashMap::new(),
        };
        Self { number, state: RwLock::new(state) }
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
            state.take(changes.await?)?;
            state.known_until = now.checked_add(OTHERS).unwrap_or(Timestamp::MAX);
        }
        if let Some(published) = state.fresh(form, now) {
            return Ok(published);
        }
        let State { statuses, compressed, .. } = &mut *state;
        let published = lists.sign(self.number, form, (statuses, compressed), now).await?;
        let published = Arc::new(published);
        state.published.insert(form, Arc::clone(&published));
        Ok(published)
    }
}

impl State {
    fn fresh(&self, form: ListForm, now: Timestamp) -> Option<Arc<PublishedList>> {
        let published = self.published.get(&form)?;
        (now < self.known_until && now < published.renew_at).then(|| Arc::clone(published))
    }

    /// Takes what changed over; what was signed before it says too little now.
    fn take(&mut self, changes: ListChanges) -> Result<(), StoreError> {
        let corrupt = StoreError::Corrupt { what: "the place of a status" };
        for StatusChunk { number, bits } in &changes.chunks {
            let first = *number as usize * StatusChunk::BYTES as usize;
            self.statuses.set_bytes(first, bits).map_err(|_| corrupt.clone())?;
        }
        if !changes.chunks.is_empty() {
            self.published.clear();
        }
        self.version = changes.version;
        Ok(())
    }
}

impl Compressed {
    pub(super) fn token(&mut self, statuses: &StatusList) -> Vec<u8> {
        statuses.compress_again(&mut self.token)
    }

    pub(super) fn bitstring(&mut self, statuses: &StatusList, purpose: StatusPurpose) -> String {
        let (pieces, wanted) = match purpose {
            StatusPurpose::Suspension => (&mut self.suspension, Status::Suspended),
            _ => (&mut self.revocation, Status::Invalid),
        };
        let bits = Bitstring::of_list(statuses, |status| status == wanted);
        bits.expect("a list of a million bits is within every limit").encode_again(pieces)
    }
}

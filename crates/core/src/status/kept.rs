//! The verified lists that are kept, decoded, within a bound of bytes.

use std::{
    collections::HashMap,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicI64, Ordering},
    },
};

use jiff::SignedDuration;

use super::{
    Freshness, ReadList, StatusListUri, StatusMechanism,
    bitstring_status_list::BitstringStatusList, token_status_list::VerifiedStatusList,
};
use crate::{Timestamp, credential::CredentialType, trust::IssuerIdentifier};

/// The bytes of all lists that are kept, with everything around them.
const MAX_BYTES: usize = 64 << 20;

/// The most lists that are kept, however short.
const MAX_LISTS: usize = 4096;

/// About what a list takes beside its statuses: its key, its addresses, its place in the map.
const OVERHEAD: usize = 1024;

/// A list that nobody asked for in so long is not fetched ahead any more.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(24);

/// A list under what it was verified for: another type, or another issuer, is another question of trust.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) mechanism: StatusMechanism,
    pub(super) uri: StatusListUri,
    pub(super) referring: Option<IssuerIdentifier>,
    pub(super) types: Vec<CredentialType>,
}

impl Key {
    pub(super) fn new(
        mechanism: StatusMechanism,
        uri: &StatusListUri,
        referring: Option<&IssuerIdentifier>,
        types: &[CredentialType],
    ) -> Self {
        Self { mechanism, uri: uri.clone(), referring: referring.cloned(), types: types.to_vec() }
    }

    /// Another list, verified for the same.
    pub(super) fn beside(&self, uri: StatusListUri) -> Self {
        Self { uri, ..self.clone() }
    }
}

/// A verified list, and until when it answers without being fetched again.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) list: VerifiedList,
    pub(super) fresh_until: Timestamp,
    /// The second in which a credential last asked for it, or for the one it was fetched along with.
    asked_at: AtomicI64,
}

impl Kept {
    pub(super) fn new(list: VerifiedList, fresh_until: Timestamp, asked_at: Timestamp) -> Self {
        Self { list, fresh_until, asked_at: asked_at.as_second().into() }
    }

    pub(super) fn was_asked_for(&self, now: Timestamp) {
        self.asked_at.store(now.as_second(), Ordering::Relaxed);
    }

    pub(super) fn asked_at(&self) -> Timestamp {
        let second = self.asked_at.load(Ordering::Relaxed);
        Timestamp::from_second(second).unwrap_or(Timestamp::MIN)
    }
}

/// A list of either mechanism.
#[derive(Debug)]
pub(super) enum VerifiedList {
    Token(VerifiedStatusList),
    Bitstring(BitstringStatusList),
}

impl VerifiedList {
    pub(super) fn fresh_until(&self, fetched_at: Timestamp, freshness: &Freshness) -> Timestamp {
        match self {
            Self::Token(list) => list.fresh_until(fetched_at, freshness),
            Self::Bitstring(list) => list.fresh_until(fetched_at, freshness),
        }
    }

    /// Where all lists of its issuer are named.
    pub(super) const fn aggregation(&self) -> Option<&StatusListUri> {
        match self {
            Self::Token(list) => list.aggregation(),
            Self::Bitstring(_) => None,
        }
    }

    /// Whether it says when it ends, and has not ended yet: then it speaks even where `ttl` has passed.
    pub(super) fn speaks_beyond_ttl(&self, now: Timestamp) -> bool {
        self.expires_at().is_some_and(|end| now < end)
    }

    /// What is told of it beside what it says.
    pub(super) fn read(&self, uri: &StatusListUri) -> ReadList {
        let (issued_at, expires_at) = match self {
            Self::Token(list) => (Some(list.issued_at()), list.expires_at()),
            Self::Bitstring(list) => (list.issued_at(), list.expires_at()),
        };
        ReadList { uri: uri.clone(), issued_at, expires_at }
    }

    fn bytes(&self) -> usize {
        OVERHEAD
            + match self {
                Self::Token(list) => list.list().as_bytes().len(),
                Self::Bitstring(list) => list.bits().as_bytes().len(),
            }
    }

    /// Whether it says nothing any more.
    fn has_ended(&self, now: Timestamp) -> bool {
        self.expires_at().is_some_and(|end| end <= now)
    }

    fn expires_at(&self) -> Option<Timestamp> {
        match self {
            Self::Token(list) => list.expires_at(),
            Self::Bitstring(list) => list.expires_at(),
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct KeptLists {
    lists: RwLock<HashMap<Key, Arc<Kept>>>,
}

impl KeptLists {
    pub(super) fn find(&self, key: &Key) -> Option<Arc<Kept>> {
        self.lists.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    /// The lists that go stale within this span and that somebody asked for lately.
    pub(super) fn due(&self, now: Timestamp, ahead: SignedDuration) -> Vec<(Key, Arc<Kept>)> {
        let horizon = now.checked_add(ahead).unwrap_or(Timestamp::MAX);
        let is_due = |kept: &Kept| {
            kept.fresh_until <= horizon && now.duration_since(kept.asked_at()) < REMEMBERED
        };
        let lists = self.lists.read().unwrap_or_else(PoisonError::into_inner);
        let due = lists.iter().filter(|(_, kept)| is_due(kept));
        due.map(|(key, kept)| (key.clone(), Arc::clone(kept))).collect()
    }

    /// Keeps a list; what has ended goes, and what has been stale for longest makes room.
    pub(super) fn keep(&self, key: Key, kept: Arc<Kept>, now: Timestamp) {
        let mut lists = self.lists.write().unwrap_or_else(PoisonError::into_inner);
        lists.retain(|_, kept| !kept.list.has_ended(now));
        lists.insert(key, kept);
        let mut bytes: usize = lists.values().map(|kept| kept.list.bytes()).sum();
        while bytes > MAX_BYTES || lists.len() > MAX_LISTS {
            let Some(oldest) = lists.iter().min_by_key(|(_, kept)| kept.fresh_until) else {
                return;
            };
            let (key, freed) = (oldest.0.clone(), oldest.1.list.bytes());
            lists.remove(&key);
            bytes -= freed;
        }
    }
}

//! The verified lists that are kept, decoded, within a bound of bytes.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use super::{
    Freshness, StatusListUri, StatusMechanism, bitstring_status_list::BitstringStatusList,
    token_status_list::VerifiedStatusList,
};
use crate::{Timestamp, credential::CredentialType, trust::IssuerIdentifier};

/// The bytes of all lists that are kept.
const MAX_BYTES: usize = 64 << 20;

/// A list under what it was verified for: another type, or another issuer, is another question of trust.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    mechanism: StatusMechanism,
    uri: StatusListUri,
    referring: Option<IssuerIdentifier>,
    types: Vec<CredentialType>,
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
}

/// A verified list, and until when it answers without being fetched again.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) list: VerifiedList,
    pub(super) fresh_until: Timestamp,
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

    /// Whether it says when it ends, and has not ended yet: then it speaks even where `ttl` has passed.
    pub(super) fn speaks_beyond_ttl(&self, now: Timestamp) -> bool {
        let end = match self {
            Self::Token(list) => list.expires_at(),
            Self::Bitstring(list) => list.expires_at(),
        };
        end.is_some_and(|end| now < end)
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Token(list) => list.list().as_bytes().len(),
            Self::Bitstring(list) => list.bits().as_bytes().len(),
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

    /// Keeps a list; what has been stale for longest makes room.
    pub(super) fn keep(&self, key: Key, kept: Arc<Kept>) {
        let mut lists = self.lists.write().unwrap_or_else(PoisonError::into_inner);
        lists.insert(key, kept);
        let mut bytes: usize = lists.values().map(|kept| kept.list.bytes()).sum();
        while bytes > MAX_BYTES {
            let Some(oldest) = lists.iter().min_by_key(|(_, kept)| kept.fresh_until) else {
                return;
            };
            let (key, freed) = (oldest.0.clone(), oldest.1.list.bytes());
            lists.remove(&key);
            bytes -= freed;
        }
    }
}

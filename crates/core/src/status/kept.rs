//! The verified lists that are kept, decoded, within a bound of bytes.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use super::{StatusListUri, token_status_list::VerifiedStatusList};
use crate::{Timestamp, credential::CredentialType, trust::IssuerIdentifier};

/// The bytes of all lists that are kept.
const MAX_BYTES: usize = 64 << 20;

/// A list under what it was verified for: another type, or another issuer, is another question of trust.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    uri: StatusListUri,
    referring: Option<IssuerIdentifier>,
    types: Vec<CredentialType>,
}

impl Key {
    pub(super) fn new(
        uri: &StatusListUri,
        referring: Option<&IssuerIdentifier>,
        types: &[CredentialType],
    ) -> Self {
        Self { uri: uri.clone(), referring: referring.cloned(), types: types.to_vec() }
    }
}

/// A verified list, and until when it answers without being fetched again.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) list: VerifiedStatusList,
    pub(super) fresh_until: Timestamp,
}

impl Kept {
    fn bytes(&self) -> usize {
        self.list.list().as_bytes().len()
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
    pub(super) fn keep(&self, key: Key, kept: Kept) {
        let mut lists = self.lists.write().unwrap_or_else(PoisonError::into_inner);
        lists.insert(key, Arc::new(kept));
        let mut bytes: usize = lists.values().map(|kept| kept.bytes()).sum();
        while bytes > MAX_BYTES {
            let Some(oldest) = lists.iter().min_by_key(|(_, kept)| kept.fresh_until) else {
                return;
            };
            let (key, freed) = (oldest.0.clone(), oldest.1.bytes());
            lists.remove(&key);
            bytes -= freed;
        }
    }
}

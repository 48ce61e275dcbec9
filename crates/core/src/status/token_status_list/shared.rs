//! Lists that many hold at the same time, decompressed once.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use super::{StatusBits, StatusList, StatusListError};
use crate::crypto::{CryptoProvider, HashAlgorithm};

/// Decompressed lists that somebody holds, for whoever reads the same bytes again.
///
/// What is shared is what compressed bytes say, never that anybody believes them: signature, issuer and times are for
/// each verifier to check. A list is gone with the last one who holds it.
#[derive(Clone, Debug, Default)]
pub struct SharedLists(Arc<Mutex<HashMap<Vec<u8>, Weak<StatusList>>>>);

impl SharedLists {
    /// The list that these bytes are, held already or fresh.
    pub(super) fn decompress(
        &self,
        bits: StatusBits,
        compressed: &[u8],
        provider: &dyn CryptoProvider,
    ) -> Result<Arc<StatusList>, StatusListError> {
        let content = [&[bits.number()], compressed].concat();
        let content = provider.hash(HashAlgorithm::Sha256, &content).as_bytes().to_vec();
        let lists = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = lists().get(&content).and_then(Weak::upgrade) {
            return Ok(held);
        }
        let list = Arc::new(StatusList::decompress(bits, compressed)?);
        let mut lists = lists();
        lists.retain(|_, list| list.strong_count() > 0);
        lists.insert(content, Arc::downgrade(&list));
        Ok(list)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{crypto::RustCrypto, status::Status};

    #[test]
    fn the_same_bytes_are_one_list_for_as_long_as_somebody_holds_it() {
        let (shared, provider) = (SharedLists::default(), RustCrypto);
        let read =
            |bits, list: &StatusList| shared.decompress(bits, &list.compress(), &provider).unwrap();
        let valid = StatusList::new(StatusBits::Two, 64).unwrap();
        let mut other = valid.clone();
        other.set(7, Status::Invalid).unwrap();
        let held = read(StatusBits::Two, &valid);
        assert!(Arc::ptr_eq(&held, &read(StatusBits::Two, &valid)));
        assert_eq!(*read(StatusBits::Two, &other), other);
        assert_eq!(read(StatusBits::One, &valid).bits(), StatusBits::One, "another list");

        drop(held);
        read(StatusBits::Two, &other);
        assert!(shared.0.lock().unwrap().len() <= 1, "nobody holds anything");
    }
}

//! Lists of revoked certificates that were believed once, and need not be fetched again for a while.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use url::Url;

use super::{
    RevocationList, RevocationListError, RevocationListSource, RevocationListUnavailable,
    certificate::Certificate,
};
use crate::{Timestamp, crypto::CryptoProvider};

/// The bytes of all lists that are kept.
const MAX_BYTES: usize = 32 << 20;

/// A source of lists, and the lists of it that are kept.
///
/// A list is kept once a certificate was held against it, so that no forged one takes its place, and speaks
/// until its `nextUpdate`: before that there need be no newer one (RFC 5280 §5.1.2.5).
pub struct RevocationLists {
    source: Arc<dyn RevocationListSource>,
    kept: RwLock<HashMap<Url, Arc<RevocationList>>>,
}

impl RevocationLists {
    /// Keeps nothing yet.
    pub fn new(source: Arc<dyn RevocationListSource>) -> Self {
        Self { source, kept: RwLock::default() }
    }

    /// Whether a certificate is on the list at a distribution point.
    pub(super) async fn lists(
        &self,
        point: &Url,
        (certificate, issuer): (&Certificate, &Certificate),
        now: Timestamp,
        provider: &dyn CryptoProvider,
    ) -> Result<bool, RevocationListError> {
        if let Some(kept) = self.find(point)
            && let Ok(verdict) = kept.lists(certificate, issuer, now, provider)
        {
            return Ok(verdict);
        }
        let received = self.source.list(point).await;
        let received =
            received.map_err(|RevocationListUnavailable| RevocationListError::Unreachable)?;
        let list = RevocationList::parse(&received)?;
        let verdict = list.lists(certificate, issuer, now, provider)?;
        self.keep(point, list);
        Ok(verdict)
    }

    fn find(&self, point: &Url) -> Option<Arc<RevocationList>> {
        self.kept.read().unwrap_or_else(PoisonError::into_inner).get(point).cloned()
    }

    /// Keeps a list; the one that ends first makes room.
    fn keep(&self, point: &Url, list: RevocationList) {
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        kept.insert(point.clone(), Arc::new(list));
        let mut bytes: usize = kept.values().map(|list| list.length()).sum();
        while bytes > MAX_BYTES {
            let Some(first) = kept.iter().min_by_key(|(_, list)| list.next_update()) else {
                return;
            };
            let (point, freed) = (first.0.clone(), first.1.length());
            kept.remove(&point);
            bytes -= freed;
        }
    }
}

impl fmt::Debug for RevocationLists {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner).len();
        write!(out, "RevocationLists({kept} kept)")
    }
}

//! The status lists of one tenant: places for what is issued, and what is published about them.

mod places;

use std::{collections::HashMap, fmt, ops::Range, sync::Arc};

use axum::body::Bytes;
use jiff::{SignedDuration, Timestamp};
use lanyard_core::{
    crypto::{CryptoProvider, HashAlgorithm},
    status::{
        Status, StatusListUri, StatusReference,
        token_status_list::{StatusBits, StatusList, StatusListDraft},
    },
};
use lanyard_oid4vci::issuer::{IssuerName, IssuingKey, StatusAllocator, StatusUnavailable};
use lanyard_store::{CredentialStatus, StatusPlace, Store, StoreError, TenantId};
use tokio::sync::{Mutex, RwLock};

use crate::IssuerError;

pub use places::PlaceKey;

/// How many places are reserved in one durable write; a restart skips what is left of them.
const BLOCK: u32 = 256;

/// For how long a published list speaks when no new one can be had.
const LIFE: SignedDuration = SignedDuration::from_hours(24);

/// What the status lists of a tenant are made of.
pub struct StatusListSettings {
    /// Whose they are.
    pub tenant: TenantId,
    /// The tenant's issuer identifier, under which they are published.
    pub issuer: String,
    /// What places are drawn with.
    pub key: PlaceKey,
    /// What lists are signed with: the key of the credentials.
    pub signing: IssuingKey,
    /// How long verifiers keep a list before they ask again; how late a revocation is noticed.
    pub ttl: SignedDuration,
    /// Where statuses are kept.
    pub store: Arc<dyn Store>,
    /// Cryptography.
    pub provider: Arc<dyn CryptoProvider>,
}

/// The status lists of one tenant.
pub struct StatusLists {
    settings: StatusListSettings,
    /// Numbers that were reserved and not given out yet.
    reserved: Mutex<Range<u64>>,
    published: RwLock<HashMap<u32, Arc<PublishedList>>>,
}

/// A signed list as it goes over the wire.
#[derive(Debug)]
pub(crate) struct PublishedList {
    pub(crate) token: Bytes,
    pub(crate) etag: String,
    /// From this moment on it is made anew.
    pub(crate) renew_at: Timestamp,
}

impl StatusLists {
    /// Prepares the lists; nothing is reserved or signed before it is needed.
    pub fn new(settings: StatusListSettings) -> Self {
        Self { settings, reserved: Mutex::new(0..0), published: RwLock::default() }
    }

    /// Where a list is published.
    fn uri(&self, list: u32) -> StatusListUri {
        let uri = StatusListUri::parse(format!("{}/status-lists/{list}", self.settings.issuer));
        uri.expect("an issuer identifier is a URL, and so is what is below it")
    }

    /// The place that a reference of ours stands for.
    pub(crate) fn place_of(&self, reference: &StatusReference) -> Option<StatusPlace> {
        let StatusReference::TokenStatusList { index, uri } = reference else { return None };
        let list = uri.as_str().strip_prefix(&self.settings.issuer)?;
        let list = list.strip_prefix("/status-lists/")?.parse().ok()?;
        Some(StatusPlace { list, index: u32::try_from(*index).ok()? })
    }

    async fn places(&self, copies: usize) -> Result<Vec<StatusPlace>, StoreError> {
        let mut reserved = self.reserved.lock().await;
        let mut places = Vec::with_capacity(copies);
        while places.len() < copies {
            let Some(number) = reserved.next() else {
                let first =
                    self.settings.store.reserve_statuses(&self.settings.tenant, BLOCK).await?;
                *reserved = first..first + u64::from(BLOCK);
                continue;
            };
            let place = self.settings.key.place(number, &*self.settings.provider);
            places.push(place.ok_or(StoreError::Corrupt { what: "the counter of statuses" })?);
        }
        Ok(places)
    }

    /// The signed list with this number, if anything was issued into it; made anew when it is due.
    pub(crate) async fn published(
        &self,
        list: u32,
        now: Timestamp,
    ) -> Result<Option<Arc<PublishedList>>, IssuerError> {
        let is_fresh = |published: &&Arc<PublishedList>| now < published.renew_at;
        if let Some(published) = self.published.read().await.get(&list).filter(is_fresh) {
            return Ok(Some(Arc::clone(published)));
        }
        // whoever comes at the same time waits here, and so does a change: it is in this list or in the next
        let mut all = self.published.write().await;
        if let Some(published) = all.get(&list).filter(is_fresh) {
            return Ok(Some(Arc::clone(published)));
        }
        let reserved = self.settings.store.reserved_statuses(&self.settings.tenant).await?;
        if u64::from(list) * places::PLACES >= reserved {
            return Ok(None);
        }
        let published = Arc::new(self.make(list, now).await?);
        all.insert(list, Arc::clone(&published));
        Ok(Some(published))
    }

    /// Has these lists made anew for whoever asks next.
    pub(crate) async fn renew(&self, lists: impl IntoIterator<Item = u32>) {
        let mut published = self.published.write().await;
        for list in lists {
            published.remove(&list);
        }
    }

    async fn make(&self, number: u32, now: Timestamp) -> Result<PublishedList, IssuerError> {
        let StatusListSettings { tenant, signing, ttl, store, provider, .. } = &self.settings;
        let list = StatusList::new(StatusBits::Two, places::PLACES);
        let mut list = list.expect("a list of this size is within every limit");
        for (index, status) in store.not_valid(tenant, number).await? {
            let corrupt = |_| StoreError::Corrupt { what: "the place of a status" };
            list.set(index.into(), published_as(status)).map_err(corrupt)?;
        }
        let life = LIFE.max(*ttl * 2);
        let draft = StatusListDraft::new(&self.uri(number), &list, now)
            .with_ttl(*ttl)
            .with_expiry(now.checked_add(life).unwrap_or(Timestamp::MAX));
        // SD-JWT VC §2.5: verifiers find the key of a list the way they find that of a credential
        let draft = match &signing.name {
            IssuerName::Certificate { chain, iss } => {
                let draft = draft.with_x5c(chain);
                match iss {
                    Some(iss) => draft.with_issuer(iss),
                    None => draft,
                }
            }
            IssuerName::Identifier { iss, key_id } => {
                let draft = draft.with_issuer(iss);
                match key_id {
                    Some(key_id) => draft.with_key_id(key_id),
                    None => draft,
                }
            }
        };
        let token = draft.sign_jwt(&*signing.signer).await;
        let token = token.map_err(|_| IssuerError::SigningKeyUnavailable)?;
        let digest = provider.hash(HashAlgorithm::Sha256, token.as_bytes());
        let digest = lanyard_core::json::base64url(digest.as_bytes());
        Ok(PublishedList {
            token: token.into(),
            etag: format!("\"{digest}\""),
            renew_at: now.checked_add(*ttl).unwrap_or(Timestamp::MAX),
        })
    }
}

const fn published_as(status: CredentialStatus) -> Status {
    match status {
        CredentialStatus::Valid => Status::Valid,
        CredentialStatus::Suspended => Status::Suspended,
        CredentialStatus::Revoked => Status::Invalid,
    }
}

#[async_trait::async_trait]
impl StatusAllocator for StatusLists {
    async fn allocate(&self, copies: usize) -> Result<Vec<StatusReference>, StatusUnavailable> {
        let places = self.places(copies).await.map_err(|error| {
            tracing::error!(cause = error.reason(), "no place for a status");
            StatusUnavailable
        })?;
        let reference = |place: StatusPlace| StatusReference::TokenStatusList {
            index: place.index.into(),
            uri: self.uri(place.list),
        };
        Ok(places.into_iter().map(reference).collect())
    }
}

impl fmt::Debug for PlaceKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("PlaceKey")
    }
}

impl fmt::Debug for StatusLists {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "StatusLists({})", self.settings.issuer)
    }
}

//! The status lists of one tenant: places for what is issued, and what is published about them.

mod form;
mod live;
mod memory;
mod places;
mod reserve;
mod statuses;

use std::{fmt, ops::Range, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use lanyard_core::{
    crypto::{CryptoProvider, HashAlgorithm},
    data_integrity::ProofDraft,
    json,
    status::{
        StatusListUri, StatusMechanism, StatusReference,
        bitstring_status_list::{BitstringListDraft, StatusEntry, StatusPurpose},
        token_status_list::{StatusBits, StatusListAggregation, StatusListDraft},
    },
    trust::IssuerIdentifier,
    w3c::{
        ldp_vc,
        vc_jose_cose::{self, SigningOptions},
    },
};
use lanyard_oid4vci::issuer::{IssuerName, IssuingKey, StatusAllocator, StatusUnavailable};
use lanyard_store::{StatusPlace, Store, StoreError, TenantId};
use serde_json::Value;

use crate::IssuerError;

use form::ListForm;
pub(crate) use form::ListKind;
use live::LiveList;
pub(crate) use live::PublishedList;
pub use memory::LiveLists;
pub use places::PlaceKey;
use reserve::Reserve;
use statuses::Statuses;

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
    /// What Status List Tokens are signed with: the key of the credentials that refer to them.
    pub signing: IssuingKey,
    /// What Bitstring Status Lists are signed with: the key of the W3C credentials that refer to them.
    pub w3c_signing: IssuingKey,
    /// How long verifiers keep a list before they ask again; how late a revocation is noticed.
    pub ttl: SignedDuration,
    /// The lists in memory; all tenants of a service share it.
    pub live: Arc<LiveLists>,
    /// Where statuses are kept.
    pub store: Arc<dyn Store>,
    /// Cryptography.
    pub provider: Arc<dyn CryptoProvider>,
}

/// The status lists of one tenant.
pub struct StatusLists {
    settings: StatusListSettings,
    /// Numbers that were reserved and not given out yet.
    reserve: Reserve,
}

impl StatusLists {
    /// Prepares the lists; nothing is reserved or signed before it is needed.
    pub fn new(settings: StatusListSettings) -> Self {
        Self { settings, reserve: Reserve::default() }
    }

    /// Where a list is published.
    fn uri(&self, list: u32) -> StatusListUri {
        let uri = StatusListUri::parse(format!("{}/status-lists/{list}", self.settings.issuer));
        uri.expect("an issuer identifier is a URL, and so is what is below it")
    }

    /// Where the list of the same statuses is published for W3C credentials, of one purpose.
    fn uri_for(&self, list: u32, purpose: StatusPurpose) -> StatusListUri {
        let uri = format!("{}/{}", self.uri(list), purpose.name());
        StatusListUri::parse(uri).expect("a URL with one more segment is a URL")
    }

    /// The place that a reference of ours stands for.
    pub(crate) fn place_of(&self, reference: &StatusReference) -> Option<StatusPlace> {
        let (index, uri) = match reference {
            StatusReference::TokenStatusList { index, uri } => (*index, uri),
            // the entries of a copy are about one place
            StatusReference::Bitstring(entries) => {
                entries.first().map(|entry| (entry.index(), entry.list()))?
            }
            StatusReference::Unknown => return None,
        };
        let list = uri.as_str().strip_prefix(&self.settings.issuer)?;
        let list = list.strip_prefix("/status-lists/")?.split('/').next()?.parse().ok()?;
        Some(StatusPlace { list, index: u32::try_from(index).ok()? })
    }

    /// How a copy refers to its place; for W3C credentials each purpose is in a list of its own.
    fn reference(
        &self,
        place: StatusPlace,
        mechanism: StatusMechanism,
        purposes: &[StatusPurpose],
    ) -> StatusReference {
        let index = u64::from(place.index);
        match mechanism {
            StatusMechanism::TokenStatusList => {
                StatusReference::TokenStatusList { index, uri: self.uri(place.list) }
            }
            StatusMechanism::BitstringStatusList => {
                let entry =
                    |purpose| StatusEntry::new(purpose, index, self.uri_for(place.list, purpose));
                StatusReference::Bitstring(purposes.iter().copied().map(entry).collect())
            }
        }
    }

    async fn places(&self, copies: usize) -> Result<Vec<StatusPlace>, StoreError> {
        let StatusListSettings { store, tenant, key, provider, .. } = &self.settings;
        let more = || async {
            let first = store.reserve_statuses(tenant, BLOCK).await?;
            Ok(first..first + u64::from(BLOCK))
        };
        let numbers = self.reserve.take(copies, more).await?;
        let place = |number| {
            let place = key.place(number, &**provider);
            place.ok_or(StoreError::Corrupt { what: "the counter of statuses" })
        };
        numbers.into_iter().map(place).collect()
    }

    /// The list with this number in the form that `Accept` asks for, if anything was issued into it.
    pub(crate) async fn published(
        &self,
        (list, kind): (u32, ListKind),
        accept: &str,
        now: Timestamp,
    ) -> Result<Option<Arc<PublishedList>>, IssuerError> {
        let form = ListForm::asked_for(kind, accept, &self.settings.w3c_signing);
        match self.live(list).await? {
            Some(live) => Ok(Some(live.published(self, form, now).await?)),
            None => Ok(None),
        }
    }

    async fn live(&self, list: u32) -> Result<Option<Arc<LiveList>>, StoreError> {
        let StatusListSettings { live, tenant, .. } = &self.settings;
        if let Some(live) = live.find(tenant, list) {
            return Ok(Some(live));
        }
        let is_there = self.numbers().await?.iter().any(|numbers| numbers.contains(&list));
        Ok(is_there.then(|| live.enter(tenant, list)))
    }

    /// Which lists there are: those that something was issued into, or may have been before a restore.
    async fn numbers(&self) -> Result<Vec<Range<u32>>, StoreError> {
        let places = self.settings.store.reserved_statuses(&self.settings.tenant).await?;
        let list = |number| {
            u32::try_from(number)
                .map_err(|_| StoreError::Corrupt { what: "the counter of statuses" })
        };
        let of_epoch = |places: Range<u64>| {
            Ok(list(places.start / places::PLACES)?..list(places.end.div_ceil(places::PLACES))?)
        };
        places.into_iter().map(of_epoch).collect()
    }

    /// The addresses of all lists (Token Status List §9.2).
    pub(crate) async fn aggregation(&self) -> Result<StatusListAggregation, StoreError> {
        let lists = self.numbers().await?.into_iter().flatten().map(|list| self.uri(list));
        Ok(StatusListAggregation { lists: lists.collect() })
    }

    /// Where the list of all lists is published.
    fn aggregation_uri(&self) -> StatusListUri {
        let uri = StatusListUri::parse(format!("{}/status-lists", self.settings.issuer));
        uri.expect("an issuer identifier is a URL, and so is what is below it")
    }

    /// Has whoever asks for these lists next see what changed.
    pub(crate) async fn renew(&self, lists: impl IntoIterator<Item = u32>) {
        for list in lists {
            if let Some(live) = self.settings.live.find(&self.settings.tenant, list) {
                live.changed().await;
            }
        }
    }

    /// Signs a list as it is now.
    async fn sign(
        &self,
        number: u32,
        form: ListForm,
        statuses: &mut Statuses,
        now: Timestamp,
    ) -> Result<PublishedList, IssuerError> {
        let StatusListSettings { ttl, provider, .. } = &self.settings;
        let body = match form {
            ListForm::TokenJwt | ListForm::TokenCwt => {
                self.sign_token(number, form, statuses.token(), now).await?
            }
            ListForm::BitstringJwt(purpose) | ListForm::BitstringProof(purpose) => {
                let encoded = statuses.bitstring(purpose);
                self.sign_bitstring((number, purpose), form, encoded, now).await?
            }
        };
        let digest = provider.hash(HashAlgorithm::Sha256, &body);
        let digest = json::base64url(digest.as_bytes());
        Ok(PublishedList {
            form,
            body: body.into(),
            etag: format!("\"{digest}\""),
            renew_at: now.checked_add(*ttl).unwrap_or(Timestamp::MAX),
        })
    }

    async fn sign_token(
        &self,
        number: u32,
        form: ListForm,
        compressed: Vec<u8>,
        now: Timestamp,
    ) -> Result<Vec<u8>, IssuerError> {
        let StatusListSettings { signing, ttl, .. } = &self.settings;
        let uri = self.uri(number);
        let draft = StatusListDraft::of_compressed(&uri, StatusBits::Two, compressed, now)
            .with_ttl(*ttl)
            .with_expiry(self.expiry(now))
            .with_aggregation(&self.aggregation_uri());
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
        let signed = match form {
            ListForm::TokenCwt => draft.sign_cwt(&*signing.signer).await,
            _ => draft.sign_jwt(&*signing.signer).await.map(String::into_bytes),
        };
        signed.map_err(|_| IssuerError::SigningKeyUnavailable)
    }

    async fn sign_bitstring(
        &self,
        (number, purpose): (u32, StatusPurpose),
        form: ListForm,
        encoded: String,
        now: Timestamp,
    ) -> Result<Vec<u8>, IssuerError> {
        let StatusListSettings { w3c_signing: signing, ttl, provider, .. } = &self.settings;
        let uri = self.uri_for(number, purpose);
        let draft = BitstringListDraft::of_encoded(&uri, &self.issuer(), purpose, encoded, now)
            .with_ttl(*ttl)
            .with_expiry(self.expiry(now));
        let list = draft.credential().map_err(|_| IssuerError::SigningKeyUnavailable)?;
        // Bitstring Status List §3.6: secured like the credentials that refer to it
        let secured = match (form, form::proof_method(signing)) {
            (ListForm::BitstringProof(_), Some((method, suite))) => {
                let proof = ProofDraft::assertion(suite, &method).created(now);
                let secured = ldp_vc::issue(&list, proof, &*signing.signer, &**provider).await;
                secured.map(|list| Value::Object(list).to_string()).map_err(drop)
            }
            _ => {
                let options = match &signing.name {
                    IssuerName::Certificate { chain, .. } => SigningOptions::new().with_x5c(chain),
                    IssuerName::Identifier { key_id: Some(key_id), .. } => {
                        SigningOptions::new().with_key_id(key_id)
                    }
                    IssuerName::Identifier { key_id: None, .. } => SigningOptions::new(),
                };
                let signed = vc_jose_cose::issue_jwt(&list, &options, &*signing.signer).await;
                signed.map(vc_jose_cose::IssuedCredential::into_string).map_err(drop)
            }
        };
        secured.map(String::into_bytes).map_err(|()| IssuerError::SigningKeyUnavailable)
    }

    /// Who the lists of W3C credentials say they are by: a credential always names its issuer.
    fn issuer(&self) -> IssuerIdentifier {
        match &self.settings.w3c_signing.name {
            IssuerName::Certificate { iss: Some(iss), .. } | IssuerName::Identifier { iss, .. } => {
                iss.clone()
            }
            IssuerName::Certificate { iss: None, .. } => {
                let issuer = IssuerIdentifier::parse(self.settings.issuer.clone());
                issuer.expect("an issuer identifier is a URL")
            }
        }
    }

    fn expiry(&self, now: Timestamp) -> Timestamp {
        let life = LIFE.max(self.settings.ttl * 2);
        now.checked_add(life).unwrap_or(Timestamp::MAX)
    }
}

#[async_trait::async_trait]
impl StatusAllocator for StatusLists {
    async fn allocate(
        &self,
        copies: usize,
        mechanism: StatusMechanism,
        purposes: &[StatusPurpose],
    ) -> Result<Vec<StatusReference>, StatusUnavailable> {
        let places = self.places(copies).await.map_err(|error| {
            tracing::error!(cause = error.reason(), "no place for a status");
            StatusUnavailable
        })?;
        Ok(places.into_iter().map(|place| self.reference(place, mechanism, purposes)).collect())
    }

    fn aggregation(&self) -> Option<StatusListUri> {
        Some(self.aggregation_uri())
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

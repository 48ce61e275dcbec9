//! The wallet: what it trusts, what it holds, and the two links it reads.

use std::sync::Arc;

use lanyard_core::{
    Timestamp,
    did::DidMethods,
    status::StatusChecker,
    trust::x509::TrustAnchors,
    trust::{IssuerKeys, IssuerTrust},
};
use lanyard_fetch::{CachedDids, StatusListFetcher};
use lanyard_oid4vci::wallet::{SignedMetadata, WalletClient};
use lanyard_oid4vp::wallet::KnownVerifiers;

use crate::{
    Told,
    history::{Entry, EntryId, Event, HistoryFilter},
    length::LONGEST_TYPED,
    ports::Ports,
    presentation::HeldCopies,
    proven::Nonces,
    storage::{Card, CardId, Storage, StorageError},
};

/// What a wallet is set to.
#[derive(Clone, Debug)]
pub struct WalletSettings {
    /// Which issuers of credentials are believed.
    pub issuers: IssuerTrust,
    /// Who vouches for verifiers that sign their requests.
    pub verifier_anchors: TrustAnchors,
    /// Which verifiers are known beforehand, and who else is believed about them.
    pub verifiers: KnownVerifiers,
    /// The holder's languages, the most wanted first, as BCP 47 tags.
    pub languages: Vec<String>,
    /// The most copies to take of one credential; each has a key of its own.
    pub copies: usize,
    /// Whether plain http on a loopback address is taken: development and demonstrations.
    pub development: bool,
    /// Whether issuers' metadata are asked for with a signature, and whose is believed.
    pub signed_metadata: SignedMetadata,
    /// What the wallet is called by authorization servers, and where browsers come back to.
    pub client: WalletClient,
}

/// A holder's wallet; clones share it.
#[derive(Clone)]
pub struct Wallet(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) settings: WalletSettings,
    pub(crate) ports: Ports,
    pub(crate) storage: Storage,
    pub(crate) issuers: IssuerKeys,
    pub(crate) verifiers: KnownVerifiers,
    pub(crate) statuses: StatusChecker,
    pub(crate) nonces: Nonces,
    pub(crate) held: HeldCopies,
}

impl Wallet {
    /// Puts a wallet together from its settings, its ports and its opened database.
    pub fn new(settings: WalletSettings, ports: Ports, storage: Storage) -> Self {
        let resolver = CachedDids::over(ports.http.clone(), DidMethods::new(ports.crypto.clone()));
        let resolver = Arc::new(resolver);
        let issuers = IssuerKeys::new(settings.issuers.clone(), ports.crypto.clone())
            .with_resolver(resolver.clone());
        let lists = Arc::new(StatusListFetcher::new(ports.http.clone()));
        let statuses = StatusChecker::new(issuers.clone(), lists);
        let verifiers = settings.verifiers.clone().with_resolver(resolver);
        let (nonces, held) = (Nonces::default(), HeldCopies::default());
        Self(Arc::new(Inner {
            settings,
            ports,
            storage,
            issuers,
            verifiers,
            statuses,
            nonces,
            held,
        }))
    }

    /// All cards, newest first.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn cards(&self) -> Result<Vec<Card>, StorageError> {
        self.0.storage.cards()
    }

    /// Deletes a card with all its copies and their keys; true when it was there.
    ///
    /// Its issuer is not told: its issuance ended well, and `credential_deleted` is for one that the holder ends
    /// (OID4VCI 1.0 §11.1).
    ///
    /// # Errors
    /// [`StorageError`]; a key that its home does not delete now stays behind, useless.
    pub async fn delete(&self, id: CardId) -> Result<bool, StorageError> {
        let Some(card) = self.cards()?.into_iter().find(|card| card.id == id) else {
            return Ok(false);
        };
        let keys = self.0.storage.delete_card(id)?;
        self.record(
            Event::Deleted,
            Party::issuer(&card),
            vec![card.content.face.name.clone()],
            Vec::new(),
        );
        // a key that its home does not delete now stays behind, useless
        let _ = self.0.ports.keys.delete(&keys).await;
        Ok(true)
    }

    /// Everything that happened, newest first.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn history(&self) -> Result<Vec<(EntryId, Entry)>, StorageError> {
        self.0.storage.history()
    }

    /// Forgets one entry of the history; true when it was there.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn forget(&self, entry: EntryId) -> Result<bool, StorageError> {
        self.0.storage.forget(entry)
    }

    /// The entries in which a text occurs, in any case, newest first: a party, a card's name, a claim, a reason.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn search_history(&self, text: &str) -> Result<Vec<(EntryId, Entry)>, StorageError> {
        // before it is copied: nothing is as long as that
        if text.len() > LONGEST_TYPED {
            return Ok(Vec::new());
        }
        self.find_in_history(&HistoryFilter { text: text.to_owned(), ..HistoryFilter::default() })
    }

    /// The entries that fit, newest first.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn find_in_history(
        &self,
        wanted: &HistoryFilter,
    ) -> Result<Vec<(EntryId, Entry)>, StorageError> {
        if wanted.text.len() > LONGEST_TYPED {
            return Ok(Vec::new());
        }
        let wanted = HistoryFilter { text: wanted.text.trim().to_lowercase(), ..wanted.clone() };
        let mut entries = self.history()?;
        entries.retain(|(_, entry)| wanted.takes(entry));
        Ok(entries)
    }

    /// The whole history as a JSON document, for the holder to keep or to hand on.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn export_history(&self) -> Result<String, StorageError> {
        let entries: Vec<_> = self.history()?.into_iter().map(|(_, entry)| entry).collect();
        serde_json::to_string_pretty(&entries).map_err(|_| StorageError::Damaged)
    }

    /// Forgets the whole history.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn forget_history(&self) -> Result<(), StorageError> {
        self.0.storage.forget_history()
    }

    /// The present moment, by the wallet's clock.
    pub fn now(&self) -> Timestamp {
        self.0.ports.clock.now()
    }

    /// Adds to the history. What happened has happened: a history that cannot be written does not undo
    /// it, and the caller's own outcome is what the holder needs to see.
    pub(crate) fn record(
        &self,
        event: Event,
        party: Party,
        credentials: Vec<String>,
        claims: Vec<String>,
    ) {
        self.record_shared(event, party, Shared { credentials, claims, names: Vec::new() });
    }

    /// The same, with what the claims are called.
    pub(crate) fn record_shared(&self, event: Event, party: Party, shared: Shared) {
        let at = self.0.ports.clock.now();
        let Party { id: party, name: party_name, told } = party;
        let Shared { credentials, claims, names: claim_names } = shared;
        let entry = Entry { at, event, party, party_name, credentials, claims, claim_names, told };
        let _ = self.0.storage.record(&entry);
    }
}

/// What the holder shared, for the history.
#[derive(Default)]
pub(crate) struct Shared {
    /// The names of the cards.
    pub(crate) credentials: Vec<String>,
    /// The paths of the claims.
    pub(crate) claims: Vec<String>,
    /// What the claims are called, in the same order.
    pub(crate) names: Vec<String>,
}

impl Shared {
    /// The cards alone, of which nothing left the wallet.
    pub(crate) fn not_sent(self) -> Self {
        Self { credentials: self.credentials, ..Self::default() }
    }
}

/// The other end, for the history.
#[derive(Clone)]
pub(crate) struct Party {
    pub(crate) id: String,
    pub(crate) name: Option<String>,
    /// What it said of itself, if it is a verifier that said anything.
    pub(crate) told: Option<Told>,
}

impl Party {
    pub(crate) const fn new(id: String, name: Option<String>) -> Self {
        Self { id, name, told: None }
    }

    fn issuer(card: &Card) -> Self {
        Self::new(card.content.issuer.clone(), card.content.issuer_name.clone())
    }

    pub(crate) fn telling(self, told: Told) -> Self {
        Self { told: Some(told).filter(|told| !told.is_empty()), ..self }
    }
}

impl std::fmt::Debug for Wallet {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Wallet")
    }
}

//! The wallet: opened once, kept as long as the app runs.

use std::sync::Arc;

use lanyard_wallet::{
    AppPorts, CardNotice, MetadataSigning, Opening, Unfinished, Wallet,
    history::EntryId,
    storage::{CardId, PendingId, WaitingId},
};

use crate::{
    cards::{
        CardRecord, InventoryRecord, NoticeRecord, RecoveryKit, RegistrationRecord, WaitingRecord,
    },
    errors::{
        LoginError, OfferError, OpenError, PinError, RecoveryError, RequestError, StoreError,
    },
    history::{HistoryQuery, HistoryRecord, SharedWithRecord},
    offer::{OfferStep, ids, returned},
    pictures::{CardPictureKind, PictureRecord},
    ports::WalletPorts,
    request::{PlatformPresentation, PresentationRequest},
    runtime::on_own_threads,
};

/// What an app sets its wallet to.
#[derive(uniffi::Record)]
pub struct WalletOptions {
    /// The path of the database file, in a folder that the system's backup leaves out.
    pub database: String,
    /// PEM certificates of the authorities that vouch for issuers.
    pub issuer_anchors: String,
    /// DIDs of issuers that are believed.
    #[uniffi(default = [])]
    pub issuer_dids: Vec<String>,
    /// PEM certificates of the authorities that vouch for verifiers.
    pub verifier_anchors: String,
    /// The holder's languages, the most wanted first, as BCP 47 tags.
    pub languages: Vec<String>,
    /// The most copies to take of one credential; each has a key of its own.
    #[uniffi(default = 4)]
    pub copies: u32,
    /// Whether issuers are asked to sign what they say about themselves, by one of `issuer_anchors`.
    #[uniffi(default = None)]
    pub signed_metadata: Option<MetadataSignature>,
    /// The wallet's name at authorization servers.
    pub client_id: String,
    /// Where browsers come back to: a link that opens this app.
    pub redirect_uri: String,
    /// `host:port` pairs on loopback that plain http goes to: for development, empty in what is shipped.
    #[uniffi(default = [])]
    pub danger_allow_http: Vec<String>,
}

/// How much the wallet cares whether issuers sign what they say about themselves.
#[derive(uniffi::Enum)]
pub enum MetadataSignature {
    /// What is signed has to hold; what is not is taken too.
    Preferred,
    /// No issuer is dealt with that does not sign.
    Required,
}

/// A holder's wallet.
#[derive(uniffi::Object)]
pub struct LanyardWallet(Wallet);

/// An issuance that was interrupted after the token was had.
#[derive(uniffi::Record)]
pub struct UnfinishedRecord {
    /// Its name for `go_on`.
    pub id: i64,
    /// The credential issuer identifier.
    pub issuer: String,
    /// The credentials that are still to come, by the name on their card.
    pub credentials: Vec<String>,
}

/// Opens the wallet's database, or makes it.
#[uniffi::export]
pub async fn open_wallet(
    options: WalletOptions,
    ports: WalletPorts,
) -> Result<Arc<LanyardWallet>, OpenError> {
    let (opening, ports) = (Opening::from(options), AppPorts::from(ports));
    Ok(Arc::new(LanyardWallet(on_own_threads(Wallet::open(opening, ports)).await??)))
}

#[uniffi::export]
impl LanyardWallet {
    /// Reads an offer link, after the holder chose to open it.
    pub async fn read_offer(&self, link: String) -> Result<OfferStep, OfferError> {
        let wallet = self.0.clone();
        Ok(on_own_threads(async move { wallet.read_offer(&link).await }).await??.into())
    }

    /// Goes on when the browser came back from a login, also after the app was killed: the new cards.
    pub async fn finish_login(&self, redirect: String) -> Result<Vec<i64>, LoginError> {
        let (wallet, redirect) = (self.0.clone(), returned(&redirect)?);
        Ok(ids(on_own_threads(async move { wallet.finish_login(&redirect).await }).await??))
    }

    /// What was interrupted after the token was had.
    pub fn unfinished(&self) -> Result<Vec<UnfinishedRecord>, StoreError> {
        Ok(self.0.unfinished()?.into_iter().map(UnfinishedRecord::from).collect())
    }

    /// Goes on with what was interrupted: the new cards.
    pub async fn go_on(&self, id: i64) -> Result<Vec<i64>, OfferError> {
        let wallet = self.0.clone();
        Ok(ids(on_own_threads(async move { wallet.go_on(PendingId(id)).await }).await??))
    }

    /// What is due when the app opens: what was interrupted goes on, what was deferred is asked for, what has at most
    /// so many unused copies left is filled up, and status lists are asked. The cards that came; a network that is
    /// away is no failure.
    pub async fn catch_up(&self, threshold: u32) -> Result<Vec<i64>, StoreError> {
        let wallet = self.0.clone();
        Ok(ids(on_own_threads(async move { wallet.catch_up(threshold).await }).await??))
    }

    /// Has a card issued again: the new card, which takes the old one's place.
    pub async fn renew(&self, card: i64) -> Result<i64, OfferError> {
        let wallet = self.0.clone();
        Ok(on_own_threads(async move { wallet.renew(CardId(card)).await }).await??.0)
    }

    /// Renews what has at most so many unused copies left, where its issuer allows: the new cards. Call it after
    /// a presentation and when the app opens.
    pub async fn refill(&self, threshold: u32) -> Result<Vec<i64>, StoreError> {
        let wallet = self.0.clone();
        Ok(ids(on_own_threads(async move { wallet.refill(threshold).await }).await??))
    }

    /// Credentials that their issuers have not ready yet.
    pub fn waiting(&self) -> Result<Vec<WaitingRecord>, StoreError> {
        Ok(self.0.waiting()?.into_iter().map(WaitingRecord::from).collect())
    }

    /// Asks again for what is due: the cards that came. Call it when the app opens and at `next_at`.
    pub async fn collect(&self) -> Result<Vec<i64>, StoreError> {
        let wallet = self.0.clone();
        Ok(ids(on_own_threads(async move { wallet.collect().await }).await??))
    }

    /// Waits no longer for a credential; true when it was waited for.
    pub async fn stop_waiting(&self, id: i64) -> Result<bool, StoreError> {
        let wallet = self.0.clone();
        Ok(on_own_threads(async move { wallet.stop_waiting(WaitingId(id)).await }).await??)
    }

    /// Reads a request link.
    pub async fn read_request(
        &self,
        link: String,
    ) -> Result<Arc<PresentationRequest>, RequestError> {
        let wallet = self.0.clone();
        let request = on_own_threads(async move { wallet.read_request(&link).await }).await??;
        Ok(PresentationRequest::new(self.0.clone(), request))
    }

    /// Tells the verifier of a request that was refused why it was, once the holder saw it; false where nobody proved
    /// to have asked.
    pub async fn refuse_request(&self, link: String) -> Result<bool, RequestError> {
        let wallet = self.0.clone();
        Ok(on_own_threads(async move { wallet.refuse_request(&link).await }).await??)
    }

    /// Takes a request that the platform hands over: its protocol, its `data` as JSON, and the origin that asks.
    pub async fn read_platform_request(
        &self,
        protocol: String,
        data: String,
        origin: String,
    ) -> Result<Arc<PlatformPresentation>, RequestError> {
        let wallet = self.0.clone();
        let read = async move { wallet.read_platform_text(&protocol, &data, &origin).await };
        Ok(PlatformPresentation::new(self.0.clone(), on_own_threads(read).await??))
    }

    /// Takes all that a page asked the platform by, as JSON with `requests`: the first of a protocol that is spoken.
    pub async fn read_platform_requests(
        &self,
        requests: String,
        origin: String,
    ) -> Result<Arc<PlatformPresentation>, RequestError> {
        let wallet = self.0.clone();
        let read = async move { wallet.read_platform_requests(&requests, &origin).await };
        Ok(PlatformPresentation::new(self.0.clone(), on_own_threads(read).await??))
    }

    /// All cards, newest first.
    pub fn cards(&self) -> Result<Vec<CardRecord>, StoreError> {
        let now = self.0.now();
        Ok(self.0.cards()?.iter().map(|card| CardRecord::of(card, now)).collect())
    }

    /// A picture of a card, if it has that: kept since the card was received, so that nobody learns when it is shown.
    pub fn card_picture(
        &self,
        card: i64,
        kind: CardPictureKind,
    ) -> Result<Option<PictureRecord>, StoreError> {
        Ok(self.0.card_picture(CardId(card), kind.into())?.map(PictureRecord::from))
    }

    /// What to register with the platform's own chooser, anew whenever cards or their standing change.
    pub fn registrations(&self) -> Result<Vec<RegistrationRecord>, StoreError> {
        Ok(self.0.registrations()?.into_iter().map(RegistrationRecord::from).collect())
    }

    /// Asks the status list of every card that has one: the cards of which it says something else than before. Call
    /// it when the app opens; lists are fetched whole, so nobody learns which card is held or shown.
    pub async fn refresh_statuses(&self) -> Result<Vec<i64>, StoreError> {
        let wallet = self.0.clone();
        Ok(ids(on_own_threads(async move { wallet.refresh_statuses().await }).await??))
    }

    /// Deletes a card with its copies and their keys; true when it was there.
    pub async fn delete_card(&self, card: i64) -> Result<bool, StoreError> {
        let wallet = self.0.clone();
        Ok(on_own_threads(async move { wallet.delete(CardId(card)).await }).await??)
    }

    /// What happened, newest first; with a text, the entries in which it occurs.
    pub fn history(&self, search: Option<String>) -> Result<Vec<HistoryRecord>, StoreError> {
        let found = self.0.search_history(search.as_deref().unwrap_or_default())?;
        Ok(found.into_iter().map(HistoryRecord::from).collect())
    }

    /// The entries that fit, newest first.
    pub fn find_in_history(&self, wanted: HistoryQuery) -> Result<Vec<HistoryRecord>, StoreError> {
        let found = self.0.find_in_history(&wanted.filter())?;
        Ok(found.into_iter().map(HistoryRecord::from).collect())
    }

    /// The verifiers that got something, the last first, and whom to ask for its deletion.
    pub fn shared_with(&self) -> Result<Vec<SharedWithRecord>, StoreError> {
        Ok(self.0.shared_with()?.into_iter().map(SharedWithRecord::from).collect())
    }

    /// What became of cards since the holder last looked: show it, then say `notices_seen`. Call it after
    /// `refresh_statuses`.
    pub fn notices(&self) -> Result<Vec<NoticeRecord>, StoreError> {
        Ok(self.0.notices()?.into_iter().map(NoticeRecord::from).collect())
    }

    /// The holder saw these, and is not told again.
    pub fn notices_seen(&self, notices: Vec<NoticeRecord>) -> Result<(), StoreError> {
        let notices: Vec<_> = notices.into_iter().map(CardNotice::from).collect();
        Ok(self.0.notices_seen(&notices)?)
    }

    /// Whether there is a PIN.
    pub fn has_pin(&self) -> Result<bool, StoreError> {
        Ok(self.0.has_pin()?)
    }

    /// Seconds until a PIN is looked at; 0 when it is now.
    pub fn pin_wait(&self) -> Result<u64, StoreError> {
        Ok(self.0.pin_wait()?)
    }

    /// Sets a PIN, in the place of the present one.
    pub fn set_pin(&self, pin: String, present: Option<String>) -> Result<(), PinError> {
        Ok(self.0.set_pin(&pin, present.as_deref())?)
    }

    /// Asks for no PIN any more.
    pub fn remove_pin(&self, present: String) -> Result<(), PinError> {
        Ok(self.0.remove_pin(&present)?)
    }

    /// Judges a PIN that the holder typed; no error when it is theirs. Tries are counted, and each wrong one makes the
    /// next wait longer.
    pub fn try_pin(&self, pin: String) -> Result<(), PinError> {
        Ok(self.0.try_pin(&pin).map(drop)?)
    }

    /// The whole history as a JSON document for the holder.
    pub fn export_history(&self) -> Result<String, StoreError> {
        Ok(self.0.export_history()?)
    }

    /// Forgets one entry; true when it was there.
    pub fn forget(&self, entry: i64) -> Result<bool, StoreError> {
        Ok(self.0.forget(EntryId(entry))?)
    }

    /// Forgets the whole history.
    pub fn forget_history(&self) -> Result<(), StoreError> {
        Ok(self.0.forget_history()?)
    }

    /// A sealed list of what is held from whom, with the code that opens it; no keys, no claims.
    pub fn export_inventory(&self) -> Result<RecoveryKit, StoreError> {
        Ok(self.0.export_inventory()?.into())
    }

    /// Opens an exported inventory; each item can then be asked for again.
    pub fn open_inventory(
        &self,
        sealed: Vec<u8>,
        recovery_code: String,
    ) -> Result<Vec<InventoryRecord>, RecoveryError> {
        let items = self.0.open_inventory(&sealed, &recovery_code)?;
        Ok(items.into_iter().map(InventoryRecord::from).collect())
    }

    /// Asks an issuer for a credential that was held before: the holder logs in there.
    pub async fn ask_again(&self, item: InventoryRecord) -> Result<OfferStep, OfferError> {
        let (wallet, item) = (self.0.clone(), item.into());
        Ok(on_own_threads(async move { wallet.ask_again(&item).await }).await??.into())
    }
}

impl From<WalletOptions> for Opening {
    fn from(options: WalletOptions) -> Self {
        Self {
            database: options.database.into(),
            issuer_anchors: options.issuer_anchors,
            issuer_dids: options.issuer_dids,
            verifier_anchors: options.verifier_anchors,
            languages: options.languages,
            copies: options.copies,
            signed_metadata: options.signed_metadata.map(MetadataSigning::from),
            client_id: options.client_id,
            redirect_uri: options.redirect_uri,
            danger_allow_http: options.danger_allow_http,
        }
    }
}

impl From<MetadataSignature> for MetadataSigning {
    fn from(signature: MetadataSignature) -> Self {
        match signature {
            MetadataSignature::Preferred => Self::Preferred,
            MetadataSignature::Required => Self::Required,
        }
    }
}

impl From<Unfinished> for UnfinishedRecord {
    fn from(unfinished: Unfinished) -> Self {
        let Unfinished { id, issuer, credentials } = unfinished;
        Self { id: id.0, issuer, credentials }
    }
}

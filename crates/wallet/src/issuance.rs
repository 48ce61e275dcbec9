//! Taking credentials: read the offer, show it, agree, receive, verify, store.

use std::sync::Arc;

use lanyard_core::{
    crypto::{PublicKey, Signer},
    trust::IssuerIdentity,
};
use lanyard_fetch::{FetchError, Purpose, Response};
use lanyard_oid4vci::{
    CredentialConfigurationId, Transport, TxCode,
    authorization::AnswerRefused,
    notification::NotificationEvent,
    offer::{CredentialOffer, OfferError, OfferLink, TxCodeDescription},
    wallet::{
        CheckedOffer, CredentialRefused, DeferredCredential, Discovery, DiscoveryError, Granted,
        Notice, OfferReference, OutgoingRequest, PeerError, PreAuthorizedOffer, Received,
        ReceivedCredential, RequestRefused, ResponseFault, Showing, TokenRefused, TxCodeRefused,
        Unsupported,
    },
};
use thiserror::Error;

use crate::{
    Wallet, collect,
    face::{self, Face},
    history::Event,
    http::incoming,
    login::{AuthorizationCode, Pending},
    ports::{KeyAttestationUnavailable, KeyHandle, KeyStoreError},
    proven::MOST_NONCES,
    storage::{CardId, Copy, KeptNotice, NewCard, StorageError, Waiting},
    wallet::Party,
};

/// An offer that was read and holds together; nothing was sent to the issuer's endpoints yet.
#[derive(Debug)]
pub enum Offer {
    /// The issuer knows the holder already: [`PreAuthorized::accept`].
    PreAuthorized(Box<PreAuthorized>),
    /// The holder logs in at the issuer: [`AuthorizationCode::begin`].
    AuthorizationCode(Box<AuthorizationCode>),
}

/// An offer with a pre-authorized code, ready to be shown to the holder.
#[derive(Debug)]
pub struct PreAuthorized {
    wallet: Wallet,
    review: Review,
    offer: PreAuthorizedOffer,
    /// The key that the token will be bound to, once there is one.
    key: Option<KeyHandle>,
}

/// What the holder sees before agreeing.
#[derive(Clone, Debug)]
pub struct Review {
    /// The credential issuer identifier.
    pub issuer: String,
    /// What the issuer calls itself; proven only when a credential has arrived and verified.
    pub issuer_name: Option<String>,
    /// What is offered.
    pub credentials: Vec<OfferedCard>,
    /// What to ask the holder for, if a code is required.
    pub tx_code: Option<TxCodeDescription>,
}

/// One credential on offer.
#[derive(Clone, Debug)]
pub struct OfferedCard {
    /// The credential configuration.
    pub configuration: CredentialConfigurationId,
    /// How it will look.
    pub face: Face,
    /// Why it cannot be taken, if it cannot.
    pub unsupported: Option<Unsupported>,
}

/// Why an issuance did not happen. Everything here is final but what [`AcceptError`] gives back.
#[derive(Debug, Error)]
pub enum IssuanceError {
    /// The link or the offer in it is refused.
    #[error("the offer cannot be used: {0}")]
    Offer(#[from] OfferError),
    /// What the issuer says about itself does not hold together.
    #[error("the issuer cannot be used: {0}")]
    Discovery(#[from] DiscoveryError),
    /// Nothing on offer can be taken.
    #[error("nothing on offer can be taken: {0}")]
    Unsupported(Unsupported),
    /// A peer cannot be reached.
    #[error("{0}")]
    Fetch(#[from] FetchError),
    /// What came back from the login is not the answer to it, or is a refusal.
    #[error("the login came to nothing: {0}")]
    Login(#[from] AnswerRefused),
    /// There is nothing to go on with.
    #[error("there is nothing to go on with")]
    NothingPending,
    /// The authorization server refused the request before anybody could log in.
    #[error("the authorization server refused the request to log in: {}", said(.0))]
    PushRefused(PeerError),
    /// The authorization server refused.
    #[error("the authorization server refused: {}", said(.0))]
    TokenRefused(PeerError),
    /// The token is of a type that is not supported.
    #[error("the access token has a type that is not supported")]
    TokenType,
    /// An endpoint's answer cannot be used.
    #[error("the answer of the {0} endpoint cannot be used: {1}")]
    Answer(&'static str, ResponseFault),
    /// The credential request cannot be made.
    #[error("the credential cannot be asked for: {0}")]
    Request(#[from] RequestRefused),
    /// No credential came, or what came does not verify; nothing was stored.
    #[error("{0}")]
    Credential(#[from] CredentialRefused),
    /// The key store refused.
    #[error("{0}")]
    Keys(#[from] KeyStoreError),
    /// Nobody vouches for the keys now.
    #[error("{0}")]
    KeyAttestation(#[from] KeyAttestationUnavailable),
    /// The wallet's database refused.
    #[error("{0}")]
    Storage(#[from] StorageError),
}

/// Why an offer was not accepted, and whether the holder can go on from there.
#[derive(Debug, Error)]
pub enum AcceptError {
    /// The code was not even sent: it does not look as the issuer announced. No try is lost.
    #[error("{1}")]
    TxCodeForm(Box<PreAuthorized>, TxCodeRefused),
    /// The issuer refused the code; it counts the tries.
    #[error("the issuer refused the code")]
    TxCodeWrong(Box<PreAuthorized>),
    /// The issuer could not be reached; the same offer may be accepted again.
    #[error("{1}")]
    TryAgain(Box<PreAuthorized>, IssuanceError),
    /// Final.
    #[error("{0}")]
    Failed(#[from] IssuanceError),
}

impl IssuanceError {
    /// The stable code of the reason, for logs and machines.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Offer(_) => "offer_refused",
            Self::Discovery(_) => "issuer_metadata_refused",
            Self::Unsupported(_) => "credential_unsupported",
            Self::Fetch(_) => "peer_unreachable",
            Self::Login(AnswerRefused::Error(..)) => "login_declined",
            Self::Login(_) => "login_answer_refused",
            Self::NothingPending => "nothing_pending",
            Self::PushRefused(_) => "authorization_request_refused",
            Self::TokenRefused(_) => "token_refused",
            Self::TokenType => "token_type_unsupported",
            Self::Answer(..) => "answer_unusable",
            Self::Request(_) => "credential_request_impossible",
            Self::Credential(_) => "credential_refused",
            Self::Keys(_) => "key_store_refused",
            Self::KeyAttestation(_) => "key_attestation_unavailable",
            Self::Storage(_) => "storage_refused",
        }
    }
}

impl AcceptError {
    /// The stable code of the reason, for logs and machines.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TxCodeForm(..) => "tx_code_form",
            Self::TxCodeWrong(_) => "tx_code_wrong",
            Self::TryAgain(_, reason) | Self::Failed(reason) => reason.code(),
        }
    }
}

/// A peer's own words, marked as such.
fn said(error: &PeerError) -> String {
    match &error.description {
        Some(description) => format!("{} (it says: {description})", error.code),
        None => error.code.clone(),
    }
}

impl Wallet {
    /// Reads an offer link and asks the issuer about itself, so that the holder can review it.
    ///
    /// Call it after the holder chose to open the link (OID4VCI §15.6): an offer by reference and the
    /// issuer's metadata are fetched.
    ///
    /// # Errors
    /// [`IssuanceError`]; it is in the history too.
    pub async fn read_offer(&self, link: &str) -> Result<Offer, IssuanceError> {
        let mut party = Party { id: String::new(), name: None };
        let read = self.discover(link, &mut party).await;
        read.inspect_err(|error| self.record_failure(error, party, Vec::new()))
    }

    async fn discover(&self, link: &str, party: &mut Party) -> Result<Offer, IssuanceError> {
        // 1. the offer, by value or by reference
        let offer = match OfferLink::parse(link, self.vci_transport())? {
            OfferLink::ByValue(offer) => offer,
            OfferLink::ByReference(place) => {
                party.id = place.host_str().unwrap_or_default().to_owned();
                self.fetch_offer(OfferReference::new(place)).await?
            }
        };
        party.id = offer.issuer.as_str().to_owned();
        // 2. the issuer, then its authorization server
        let discovery = Discovery::new(offer);
        let response = self.send(&discovery.request(), Purpose::IssuerMetadata).await?;
        let discovery = discovery.receive(incoming(&response))?;
        let response =
            self.send(&discovery.request(), Purpose::AuthorizationServerMetadata).await?;
        let checked = discovery.receive(incoming(&response))?;
        // 3. what can be shown
        let review = self.show(&checked);
        party.name.clone_from(&review.issuer_name);
        if let Some(reason) = review.nothing_can_be_taken() {
            return Err(IssuanceError::Unsupported(reason));
        }
        if !checked.has_code() {
            let (wallet, offer) = (self.clone(), checked.log_in()?);
            let offer = AuthorizationCode { wallet, review, offer };
            return Ok(Offer::AuthorizationCode(Box::new(offer)));
        }
        let offer = checked.redeem()?;
        let review = Review { tx_code: offer.tx_code().cloned(), ..review };
        Ok(Offer::PreAuthorized(Box::new(PreAuthorized {
            wallet: self.clone(),
            review,
            offer,
            key: None,
        })))
    }

    async fn bind(
        &self,
        offer: PreAuthorizedOffer,
        key: Option<KeyHandle>,
    ) -> Result<(PreAuthorizedOffer, Option<KeyHandle>), IssuanceError> {
        if offer.is_proven() || !offer.server().takes_dpop() {
            return Ok((offer, key));
        }
        let key = self.0.ports.keys.generate(1).await?.pop();
        Ok(match self.prover(key.as_ref()).await? {
            Some(prover) => (offer.proven_by(prover), key),
            None => (offer, key),
        })
    }

    async fn fetch_offer(
        &self,
        reference: OfferReference,
    ) -> Result<CredentialOffer, IssuanceError> {
        let response = self.send(&reference.request(), Purpose::CredentialOffer).await?;
        Ok(reference.receive(incoming(&response), self.vci_transport())?)
    }

    /// What the holder sees of an offer.
    fn show(&self, checked: &CheckedOffer) -> Review {
        let languages = &self.0.settings.languages;
        let card = |credential: lanyard_oid4vci::wallet::OfferedCredential<'_>| OfferedCard {
            configuration: credential.id.clone(),
            face: Face::of(credential.metadata, credential.id.as_str(), languages),
            unsupported: credential.metadata.proof_plan(self.attests()).err(),
        };
        Review {
            issuer: checked.issuer().credential_issuer.as_str().to_owned(),
            issuer_name: face::issuer_name(checked.issuer(), languages),
            credentials: checked.credentials().map(card).collect(),
            tx_code: None,
        }
    }

    /// Whether somebody vouches for the holder's keys.
    fn attests(&self) -> bool {
        self.0.ports.key_attestation.is_some()
    }

    pub(crate) async fn send(
        &self,
        request: &OutgoingRequest,
        purpose: Purpose,
    ) -> Result<Response, IssuanceError> {
        self.send_proven(request, None, purpose).await
    }

    fn vci_transport(&self) -> Transport {
        if self.0.settings.development { Transport::DevelopmentLoopback } else { Transport::Https }
    }

    pub(crate) fn record_failure(
        &self,
        error: &IssuanceError,
        party: Party,
        credentials: Vec<String>,
    ) {
        let event =
            Event::IssuanceFailed { code: error.code().to_owned(), reason: error.to_string() };
        self.record(event, party, credentials, Vec::new());
    }
}

impl Review {
    /// The reason why not one of the credentials can be taken.
    fn nothing_can_be_taken(&self) -> Option<Unsupported> {
        let reasons: Option<Vec<_>> =
            self.credentials.iter().map(|credential| credential.unsupported).collect();
        reasons?.into_iter().next()
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.credentials.iter().map(|credential| credential.face.name.clone()).collect()
    }

    pub(crate) fn party(&self) -> Party {
        Party { id: self.issuer.clone(), name: self.issuer_name.clone() }
    }
}

impl PreAuthorized {
    /// What to show to the holder.
    pub const fn review(&self) -> &Review {
        &self.review
    }

    /// Turns the offer down; the issuer is not told.
    pub fn decline(self) {
        self.wallet.record(
            Event::OfferDeclined,
            self.review.party(),
            self.review.names(),
            Vec::new(),
        );
    }

    /// Takes every credential on offer that can be taken: a fresh key for each copy, every copy
    /// verified, then all stored. What the issuer defers is waited for: [`Wallet::collect`].
    ///
    /// # Errors
    /// [`AcceptError`], which gives the offer back when the holder can go on; it is in the history too.
    pub async fn accept(self, tx_code: Option<&str>) -> Result<Vec<CardId>, AcceptError> {
        let Self { wallet, review, offer, key } = self;
        let code = tx_code.map(|text| TxCode::new(text.trim()));
        // a key for this one issuance, where the server binds tokens to keys
        let (offer, key) = match wallet.bind(offer, key).await {
            Ok(bound) => bound,
            Err(error) => {
                wallet.record_failure(&error, review.party(), review.names());
                return Err(error.into());
            }
        };
        let request = match offer.request(code) {
            Ok(request) => request,
            Err(reason) => {
                let again = Box::new(Self { wallet, review, offer, key });
                return Err(AcceptError::TxCodeForm(again, reason));
            }
        };
        let failed = |error: IssuanceError| {
            wallet.record_failure(&error, review.party(), review.names());
            error
        };
        let sent = wallet.send_proven(&request, Some(offer.server()), Purpose::Token).await;
        let response = match sent {
            Ok(response) => response,
            Err(error) => {
                let error = failed(error);
                let again = Self { wallet, review, offer, key };
                return Err(AcceptError::TryAgain(Box::new(again), error));
            }
        };
        let granted = match offer.receive(incoming(&response)) {
            Ok(granted) => granted,
            Err(TokenRefused::TxCode(offer)) => {
                return Err(AcceptError::TxCodeWrong(Box::new(Self {
                    wallet,
                    review,
                    offer: *offer,
                    key,
                })));
            }
            Err(TokenRefused::Unavailable(offer, fault)) => {
                let error = failed(IssuanceError::Answer("token", fault));
                let again = Self { wallet, review, offer: *offer, key };
                return Err(AcceptError::TryAgain(Box::new(again), error));
            }
            Err(TokenRefused::Refused(error)) => {
                return Err(failed(IssuanceError::TokenRefused(error)).into());
            }
            Err(TokenRefused::TokenType) => return Err(failed(IssuanceError::TokenType).into()),
        };
        // written down before the first credential is asked for: a crash loses none of them
        let pending = Pending::granted(&review, key, granted);
        let id = wallet.0.storage.insert_pending(&pending);
        let id = id.map_err(|error| failed(error.into()))?;
        Ok(wallet.receive_all(id, pending).await.map_err(failed)?)
    }
}

impl Wallet {
    /// One credential of the offer: keys, nonce, proofs, request, verification, storage.
    pub(crate) async fn receive(
        &self,
        granted: &Granted,
        review: &Review,
        card: &OfferedCard,
        context: &Context<'_>,
    ) -> Result<Option<CardId>, IssuanceError> {
        let count = granted.most_keys(&card.configuration).min(self.0.settings.copies.max(1));
        let handles = self.0.ports.keys.generate(count).await?;
        let stored = self.receive_for(granted, review, card, &handles, context).await;
        if stored.is_err() {
            // keys that no credential came for; one that cannot be deleted now stays behind, useless
            let _ = self.0.ports.keys.delete(&handles).await;
        }
        stored
    }

    async fn receive_for(
        &self,
        granted: &Granted,
        review: &Review,
        card: &OfferedCard,
        handles: &[KeyHandle],
        context: &Context<'_>,
    ) -> Result<Option<CardId>, IssuanceError> {
        let mut signers: Vec<Arc<dyn Signer>> = Vec::with_capacity(handles.len());
        for handle in handles {
            signers.push(self.0.ports.keys.signer(handle).await?);
        }
        let received = match self.request(granted, card, handles, &signers).await? {
            Answered::Received(received) => received,
            Answered::Deferred(deferred, interval) => {
                let now = self.0.ports.clock.now();
                self.0.storage.insert_waiting(&Waiting {
                    issuer: review.issuer.clone(),
                    issuer_name: review.issuer_name.clone(),
                    face: card.face.clone(),
                    since: now,
                    next_at: collect::after(now, interval),
                    keys: handles.to_vec(),
                    token_key: context.token_key.cloned(),
                    replaces: context.replaces,
                    deferred: *deferred,
                })?;
                return Ok(None);
            }
        };
        let keys: Vec<_> = handles
            .iter()
            .zip(&signers)
            .map(|(handle, signer)| (handle.clone(), *signer.public_key()))
            .collect();
        let source = Source {
            issuer: &review.issuer,
            issuer_name: review.issuer_name.as_deref(),
            configuration: card.configuration.as_str(),
            face: &card.face,
        };
        let (content, copies) = self.card_of(&source, &keys, &received.credentials)?;
        let (stored, old_keys) =
            self.0.storage.replace_card(context.replaces, &content, &copies)?;
        // keys that cannot be deleted now stay behind, useless
        let _ = self.0.ports.keys.delete(&old_keys).await;
        self.drop_spare(&keys, &received.credentials).await;
        if let Some(id) = &received.notification {
            self.keep_notice(stored, granted.notice(id), context.token_key);
            self.tell(granted.notification(id, NotificationEvent::CredentialAccepted)).await;
        }
        Ok(Some(stored))
    }

    /// Deletes the keys that no credential came for: an issuer may give fewer copies than there were keys.
    pub(crate) async fn drop_spare(
        &self,
        keys: &[(KeyHandle, PublicKey)],
        received: &[ReceivedCredential],
    ) {
        let is_spare = |public: &PublicKey| received.iter().all(|copy| copy.key != Some(*public));
        let spare = keys.iter().filter(|(_, public)| is_spare(public));
        let spare: Vec<_> = spare.map(|(handle, _)| handle.clone()).collect();
        let _ = self.0.ports.keys.delete(&spare).await;
    }

    /// Keeps what the issuer is told with when the card is deleted; without, it is not told.
    pub(crate) fn keep_notice(
        &self,
        card: CardId,
        notice: Option<Notice>,
        token_key: Option<&KeyHandle>,
    ) {
        if let Some(notice) = notice {
            let _ = self
                .0
                .storage
                .keep_notice(card, &KeptNotice { notice, token_key: token_key.cloned() });
        }
    }

    /// Tells the issuer that its card was deleted; whether it hears it changes nothing.
    pub(crate) async fn tell_deleted(&self, kept: KeptNotice) {
        // a key that cannot be used now proves nothing: then the issuer is not told
        if let Ok(prover) = self.prover(kept.token_key.as_ref()).await {
            let event = NotificationEvent::CredentialDeleted;
            self.tell(Some(kept.notice.request(event, prover))).await;
        }
        if let Some(key) = kept.token_key {
            self.drop_token_keys(&[key]).await;
        }
    }

    /// Deletes the keys of access tokens, but those that something is still to be told or asked with; one that
    /// cannot be deleted now stays behind, useless.
    pub(crate) async fn drop_token_keys(&self, keys: &[KeyHandle]) {
        let is_free = |key: &&KeyHandle| !self.is_token_key(key).unwrap_or(true);
        let keys: Vec<_> = keys.iter().filter(is_free).cloned().collect();
        let _ = self.0.ports.keys.delete(&keys).await;
    }

    fn is_token_key(&self, key: &KeyHandle) -> Result<bool, StorageError> {
        let storage = &self.0.storage;
        if storage.tells_with(key)? {
            return Ok(true);
        }
        let waits = |waiting: &Waiting| waiting.token_key.as_ref() == Some(key);
        Ok(storage.waiting()?.iter().any(|(_, waiting)| waits(waiting))
            || storage.pending::<Pending>()?.iter().any(|(_, one)| one.key() == Some(key)))
    }

    /// Tells the issuer what became of its credentials (OID4VCI §11); whether it hears it changes nothing.
    pub(crate) async fn tell(&self, notification: Option<OutgoingRequest>) {
        if let Some(request) = notification {
            let _ = self.send(&request, Purpose::Credential).await;
        }
    }

    /// Asks again when the issuer wants another nonce: it may refuse a good one (OID4VCI §8.3.1.2).
    async fn request(
        &self,
        granted: &Granted,
        card: &OfferedCard,
        handles: &[KeyHandle],
        signers: &[Arc<dyn Signer>],
    ) -> Result<Answered, IssuanceError> {
        for _ in 0..MOST_NONCES {
            match self.request_once(granted, card, handles, signers).await {
                Err(IssuanceError::Credential(CredentialRefused::Nonce)) => {}
                answered => return answered,
            }
        }
        self.request_once(granted, card, handles, signers).await
    }

    async fn request_once(
        &self,
        granted: &Granted,
        card: &OfferedCard,
        handles: &[KeyHandle],
        signers: &[Arc<dyn Signer>],
    ) -> Result<Answered, IssuanceError> {
        let Self(inner) = self;
        let nonce = match granted.nonce_request() {
            Some(request) => {
                let response = self.send(&request, Purpose::Nonce).await?;
                let nonce = granted.receive_nonce(incoming(&response));
                Some(nonce.map_err(|fault| IssuanceError::Answer("nonce", fault))?)
            }
            None => None,
        };
        let plan = granted.proof_plan(&card.configuration, self.attests())?;
        let attestation = match &inner.ports.key_attestation {
            Some(attester) if plan.needs_attestation() => {
                let nonce = nonce.as_ref().map(|nonce| nonce.reveal());
                Some(attester.attest(handles, nonce).await?)
            }
            _ => None,
        };
        let showing = Showing {
            nonce: nonce.as_ref(),
            attestation: attestation.as_deref(),
            now: inner.ports.clock.now(),
            provider: inner.ports.crypto.as_ref(),
        };
        let pending = granted.request(&card.configuration, signers, showing).await?;
        let response = self.send(pending.request(), Purpose::Credential).await?;
        let now = inner.ports.clock.now();
        match pending.receive_all(incoming(&response), &inner.issuers, now).await {
            Ok(received) => Ok(Answered::Received(received)),
            Err(CredentialRefused::Deferred(later)) => match pending.deferred(granted, &later) {
                Some(deferred) => Ok(Answered::Deferred(Box::new(deferred), later.interval)),
                None => Err(CredentialRefused::Deferred(later).into()),
            },
            Err(error) => {
                // §11.1: credentials that came and are not kept
                let id = pending.notification_of(incoming(&response), inner.ports.crypto.as_ref());
                if let Some(id) = id {
                    self.tell(granted.notification(&id, NotificationEvent::CredentialFailure))
                        .await;
                }
                Err(error.into())
            }
        }
    }

    /// One card with all its copies; only what was verified comes here.
    pub(crate) fn card_of(
        &self,
        source: &Source<'_>,
        keys: &[(KeyHandle, PublicKey)],
        received: &[ReceivedCredential],
    ) -> Result<(NewCard, Vec<Copy>), IssuanceError> {
        let first = &received.first().ok_or(CredentialRefused::Count)?.credential;
        let issuer = first.issuer();
        let content = NewCard {
            issuer: source.issuer.to_owned(),
            issuer_name: source.issuer_name.map(str::to_owned),
            issuer_identity: issuer.map(IssuerIdentity::name).unwrap_or_default(),
            configuration: source.configuration.to_owned(),
            format: first.format(),
            types: first.types().iter().map(|name| name.name().to_owned()).collect(),
            face: source.face.clone(),
            key_identifiers: issuer
                .map(|issuer| issuer.authority_key_identifiers().map(<[u8]>::to_vec).collect())
                .unwrap_or_default(),
            holder_bound: received.iter().all(|copy| copy.key.is_some()),
            claims: first.claims().as_object().clone(),
            received_at: self.0.ports.clock.now(),
            expires_at: first.validity().expires_at,
        };
        let handle = |key: &PublicKey| {
            keys.iter().find(|(_, public)| public == key).map(|(handle, _)| handle.clone())
        };
        let copies = received
            .iter()
            .map(|received| Copy {
                credential: received.credential.to_text().into_owned(),
                key: received.key.as_ref().and_then(handle),
            })
            .collect();
        Ok((content, copies))
    }
}

/// Where a card comes from.
pub(crate) struct Source<'s> {
    pub(crate) issuer: &'s str,
    pub(crate) issuer_name: Option<&'s str>,
    pub(crate) configuration: &'s str,
    pub(crate) face: &'s Face,
}

/// What an issuance knows beside the offer.
pub(crate) struct Context<'c> {
    /// The key that the access token is bound to, if it is.
    pub(crate) token_key: Option<&'c KeyHandle>,
    /// The card whose place the new one takes.
    pub(crate) replaces: Option<CardId>,
}

/// What a credential request brought.
enum Answered {
    Received(Received),
    Deferred(Box<DeferredCredential>, u64),
}

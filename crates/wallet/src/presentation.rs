//! Presenting credentials: read the request, show who asks for what, agree, answer.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use lanyard_core::{
    credential::{Format, HeldCredential},
    crypto::SignerError,
};
use lanyard_fetch::{Body, FetchError, Purpose};
use lanyard_oid4vp::{
    Algorithms,
    dcql::{CredentialQueryId, CredentialView, DcqlQuery, Matches, OverAsked, QueryMatches},
    request::{RequestError, Transport, object},
    response::AuthorizationResponse,
    transaction::TransactionData,
    wallet::{
        AnswerError, Approved, Binding, Choices, Consent, NothingFits, PresentError, PresentWith,
        Presenter, Read, RefusableRequest, ReplyError, ReviewedRequest, VerifierIdentity,
        VerifierReply, WalletSide, present,
    },
};
use serde_json::Value;
use thiserror::Error;
use url::Url;

use crate::{
    AskedTooMuch, Told, Wallet,
    history::Event,
    length::LONGEST_LINK,
    ports::KeyStoreError,
    rows::Standing,
    storage::{Card, CopyId, StorageError},
    wallet::{Party, Shared},
};

/// A presentation request from a verifier that proved who it is, as far as its kind can.
#[derive(Debug)]
pub struct Request {
    request: ReviewedRequest,
    searched: Searched,
}

/// A presentation request that breaks a rule, from a verifier that can be told so.
#[derive(Clone, Debug)]
pub struct RefusedRequest {
    reason: RequestError,
    request: RefusableRequest,
    wallet: Wallet,
}

/// The cards that are searched for an answer, and that it is made of.
#[derive(Debug)]
pub(crate) struct Searched {
    pub(crate) wallet: Wallet,
    /// Those of a type that is asked for; places in [`Choices`] point into it.
    pub(crate) cards: Vec<Card>,
    /// A copy of each, to look into.
    held: Vec<Arc<HeldCopy>>,
}

/// A card that would answer a part of a request, if it were good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnusableCard {
    /// The first credential query that it would answer.
    pub query: CredentialQueryId,
    /// Its place among the cards that were searched.
    pub card: usize,
    /// What is wrong with it: expired, suspended or revoked. By how old a list, the card says.
    pub standing: Standing,
}

/// Why a presentation did not happen.
#[derive(Debug, Error)]
pub enum PresentationError {
    /// The request breaks a rule; nothing was sent.
    #[error("the request cannot be answered: {0}")]
    Request(#[from] RequestError),
    /// The same, of a verifier that proved who it is: once the holder acted, [`RefusedRequest::refuse`] tells it why.
    #[error("the request cannot be answered: {}", .0.reason)]
    Refusable(Box<RefusedRequest>),
    /// The verifier cannot be reached.
    #[error("{0}")]
    Fetch(#[from] FetchError),
    /// The request object could not be had.
    #[error("the request could not be fetched: the verifier answered with status {0}")]
    RequestObject(u16),
    /// The answer could not be made; nothing was sent.
    #[error("{0}")]
    Answer(#[from] AnswerError),
    /// The verifier did not take the answer.
    #[error("{0}")]
    Reply(#[from] ReplyError),
    /// The wallet's database refused.
    #[error("{0}")]
    Storage(#[from] StorageError),
}

impl PresentationError {
    /// The stable code of the reason, for logs and machines.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Request(_) | Self::Refusable(_) => "request_refused",
            Self::Fetch(_) => "verifier_unreachable",
            Self::RequestObject(_) => "request_object_unavailable",
            Self::Answer(_) => "answer_impossible",
            Self::Reply(_) => "answer_refused",
            Self::Storage(_) => "storage_refused",
        }
    }
}

impl Wallet {
    /// Reads a request link, and fetches the request object if it is by reference.
    ///
    /// # Errors
    /// [`PresentationError`]; it is in the history too.
    pub async fn read_request(&self, link: &str) -> Result<Request, PresentationError> {
        let request = self.fetch_request(link).await.inspect_err(|error| {
            self.record_refusal(error, Party::new(host_of(link), None), Shared::default());
        })?;
        let searched = self.search(&request.request().query)?;
        Ok(Request { request, searched })
    }

    /// Tells the verifier of a request that [`Wallet::read_request`] refused why it was, once the holder saw it; false
    /// where nobody proved to have asked. The request is read anew.
    ///
    /// # Errors
    /// [`PresentationError`] when the verifier cannot be told; the request stays refused.
    pub async fn refuse_request(&self, link: &str) -> Result<bool, PresentationError> {
        match self.fetch_request(link).await {
            Err(PresentationError::Refusable(refused)) => refused.refuse().await.map(|_| true),
            Ok(_) | Err(PresentationError::Request(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Every card that could be asked for, with a copy to look into; what cannot be read answers nothing.
    pub(crate) fn search(&self, query: &DcqlQuery) -> Result<Searched, StorageError> {
        let Self(inner) = self;
        let listed = inner.storage.listed()?;
        let may_be_asked_for = |card: &&Card| {
            let mut formats = query.credentials().iter().map(|credential| &credential.format);
            formats.any(|format| format.may_be(card.content.format, &card.content.types))
        };
        let asked_for: Vec<_> = listed.iter().filter(may_be_asked_for).cloned().collect();
        let copies = inner.storage.next_copies(&asked_for)?;
        let (mut cards, mut held) = (Vec::new(), Vec::new());
        for (card, copy) in asked_for.into_iter().zip(copies) {
            let Some(copy) = copy else { continue };
            if let Some(copy) = inner.held.look(copy.id(), || {
                let copy = inner.storage.unseal(copy).ok()?;
                copy.hold(card.content.format, inner.ports.crypto.as_ref()).ok()
            }) {
                cards.push(card);
                held.push(copy);
            }
        }
        Ok(Searched { wallet: self.clone(), cards, held })
    }

    /// What a wallet believes about verifiers.
    pub(crate) fn vp_side(&self) -> WalletSide {
        let Self(inner) = self;
        WalletSide {
            transport: self.vp_transport(),
            anchors: inner.settings.verifier_anchors.clone(),
            provider: inner.ports.crypto.clone(),
            known: inner.verifiers.clone(),
        }
    }

    async fn fetch_request(&self, link: &str) -> Result<ReviewedRequest, PresentationError> {
        let Wallet(inner) = self;
        let side = self.vp_side();
        let now = inner.ports.clock.now();
        let fetch = match side.read(link, now, inner.ports.crypto.as_ref()).await {
            Ok(Read::Reviewed(request)) => return Ok(*request),
            Ok(Read::Fetch(fetch)) => fetch,
            Err(reason) => {
                let request = side.refusable(link, &reason, now).await;
                return Err(self.refused_request(reason, request));
            }
        };
        let url = fetch.request_uri().clone();
        let request = match fetch.form(&side) {
            None => lanyard_fetch::Request::get(url, Purpose::RequestObject),
            Some(form) => {
                lanyard_fetch::Request::post(url, Purpose::RequestObject, form_body(form))
            }
        };
        let response = inner.ports.http.send(request.accept(object::MEDIA_TYPE)).await?;
        if response.status != 200 {
            return Err(PresentationError::RequestObject(response.status));
        }
        let object = String::from_utf8_lossy(&response.body);
        let now = inner.ports.clock.now();
        match fetch.review(&object, &side, now).await {
            Ok(request) => Ok(request),
            Err(reason) => {
                let request = fetch.refusable(&object, &reason, &side, now).await;
                Err(self.refused_request(reason, request))
            }
        }
    }

    fn refused_request(
        &self,
        reason: RequestError,
        request: Option<RefusableRequest>,
    ) -> PresentationError {
        let wallet = self.clone();
        match request {
            Some(request) => {
                PresentationError::Refusable(Box::new(RefusedRequest { reason, request, wallet }))
            }
            None => PresentationError::Request(reason),
        }
    }

    async fn post_response(
        &self,
        response: AuthorizationResponse,
    ) -> Result<VerifierReply, PresentationError> {
        let body = form_body(response.body);
        let request = lanyard_fetch::Request::post(
            response.response_uri,
            Purpose::PresentationResponse,
            body,
        );
        let response = self.0.ports.http.send(request.accept("application/json")).await?;
        Ok(VerifierReply::read(response.status, &response.body, self.vp_transport())?)
    }

    fn vp_transport(&self) -> Transport {
        if self.0.settings.development { Transport::LoopbackToo } else { Transport::HttpsOnly }
    }

    pub(crate) fn record_refusal(&self, error: &PresentationError, party: Party, shared: Shared) {
        let event =
            Event::PresentationFailed { code: error.code().to_owned(), reason: error.to_string() };
        self.record_shared(event, party, shared);
    }
}

impl Request {
    /// Who asks, and how that is known.
    pub const fn verifier(&self) -> &VerifierIdentity {
        self.request.verifier()
    }

    /// What the verifier says of itself and of why it asks; nothing where its request is not signed.
    pub fn told(&self) -> Told {
        Told::of(self.request.statement(), &self.searched.wallet.0.settings.languages)
    }

    /// The request itself, for those who want to see all of it.
    pub const fn reviewed(&self) -> &ReviewedRequest {
        &self.request
    }

    /// What the holder would authorize by answering; to be shown before consent.
    pub fn transactions(&self) -> &[TransactionData] {
        &self.request.request().transactions
    }

    /// The cards that were searched; [`Candidate::credential`](lanyard_oid4vp::dcql::Candidate) is a
    /// place in it.
    pub fn cards(&self) -> &[Card] {
        &self.searched.cards
    }

    /// What the request could be answered with.
    ///
    /// # Errors
    /// [`NothingFits`]: show it to the holder, then [`Request::decline`], which tells the verifier no
    /// more than a holder who does not want to.
    pub fn choices(&self) -> Result<Choices, NothingFits> {
        self.request.choices(&self.searched.views())
    }

    /// The cards that would answer a part of the request if they were good, once each: shown with the reason, and
    /// never among the choices. Without a network a suspended card stays one, by the last list that could be had.
    pub fn unusable(&self) -> Vec<UnusableCard> {
        self.searched.unusable(|views| self.request.matches(views))
    }

    /// What the choices ask of everybody that most purposes do not need, by its name on the first card that fits.
    pub fn asked_too_much(&self, choices: &Choices) -> Vec<AskedTooMuch> {
        self.searched.asked_too_much(choices)
    }

    /// Answers with what the holder consented to; the copies used are marked before they leave.
    ///
    /// # Errors
    /// [`PresentationError`]; it is in the history too.
    pub async fn answer(self, consent: Consent) -> Result<VerifierReply, PresentationError> {
        let shared = self.searched.named(&consent);
        let sent = self.send_answer(consent).await;
        let wallet = &self.searched.wallet;
        match &sent {
            Ok(_) => wallet.record_shared(Event::Presented, self.party(), shared),
            // what was on its way may have arrived, whatever came back
            Err(error @ (PresentationError::Fetch(_) | PresentationError::Reply(_))) => {
                wallet.record_refusal(error, self.party(), shared);
            }
            Err(error) => wallet.record_refusal(error, self.party(), shared.not_sent()),
        }
        sent
    }

    async fn send_answer(&self, consent: Consent) -> Result<VerifierReply, PresentationError> {
        let crypto = self.searched.wallet.0.ports.crypto.as_ref();
        let response = self.request.answer(consent, &self.searched, crypto).await?;
        self.searched.wallet.post_response(response).await
    }

    /// Says no: `access_denied`, whether the holder does not want to or has nothing that fits.
    ///
    /// # Errors
    /// [`PresentationError`] when the verifier cannot be told; the holder's no stands all the same.
    pub async fn decline(self) -> Result<VerifierReply, PresentationError> {
        let wallet = &self.searched.wallet;
        wallet.record(Event::RequestDeclined, self.party(), Vec::new(), Vec::new());
        let response = self.request.decline(wallet.0.ports.crypto.as_ref())?;
        wallet.post_response(response).await
    }

    fn party(&self) -> Party {
        let name = self.verifier().name().map(str::to_owned);
        let id = self.request.request().client_id.to_string();
        Party::new(id, name).telling(self.told())
    }
}

impl RefusedRequest {
    /// The rule that it breaks.
    pub const fn reason(&self) -> &RequestError {
        &self.reason
    }

    /// Who asks, and how that is known.
    pub const fn verifier(&self) -> &VerifierIdentity {
        self.request.verifier()
    }

    /// Tells the verifier that the request is refused, and why: not before the holder saw it, as a wallet that answers
    /// by itself tells that it is there (OID4VP 1.0 §15.9).
    ///
    /// # Errors
    /// [`PresentationError`] when the verifier cannot be told; the request stays refused.
    pub async fn refuse(&self) -> Result<VerifierReply, PresentationError> {
        let response = self.request.refuse(self.wallet.0.ports.crypto.as_ref())?;
        self.wallet.post_response(response).await
    }
}

impl Searched {
    /// The cards as a query sees them, in their order.
    pub(crate) fn views(&self) -> Vec<CredentialView<'_>> {
        self.views_of(Standing::is_usable)
    }

    /// What fits of those that are not usable.
    pub(crate) fn unusable(
        &self,
        matches: impl FnOnce(&[CredentialView<'_>]) -> Matches,
    ) -> Vec<UnusableCard> {
        let now = self.wallet.now();
        let matches = matches(&self.views_of(|standing| !standing.is_usable()));
        let unusable = |query: &QueryMatches| {
            let found = query.candidates.iter().map(|candidate| candidate.credential);
            let found = found.filter_map(|place| Some((place, self.cards.get(place)?)));
            let card = |(card, content): (usize, &Card)| UnusableCard {
                query: query.query.id.clone(),
                card,
                standing: content.standing(now),
            };
            found.map(card).collect::<Vec<_>>()
        };
        let mut seen = BTreeSet::new();
        let all = matches.queries().iter().flat_map(unusable);
        all.filter(|one| seen.insert(one.card)).collect()
    }

    /// What is asked for too much, as it is called on the first card that fits.
    pub(crate) fn asked_too_much(&self, choices: &Choices) -> Vec<AskedTooMuch> {
        let told = |(query, flag): (CredentialQueryId, OverAsked)| {
            let first = choices.query(&query)?.candidates.first()?;
            Some(AskedTooMuch::of(query, flag, self.cards.get(first.credential)?))
        };
        choices.over_asked().into_iter().filter_map(told).collect()
    }

    fn views_of(&self, wanted: impl Fn(Standing) -> bool) -> Vec<CredentialView<'_>> {
        let now = self.wallet.now();
        let cards = self.cards.iter().zip(&self.held);
        cards
            .map(|(card, held)| match wanted(card.standing(now)) {
                true => view(card, held),
                // it answers nothing: its place stays, of no type that anybody asks for
                false => CredentialView::new(card.content.format, Vec::new(), &card.content.claims),
            })
            .collect()
    }

    /// The cards and the claims that the holder consented to.
    pub(crate) fn named(&self, consent: &Consent) -> Shared {
        let mut shared = Shared::default();
        for approved in consent.approved() {
            let Some(card) = self.cards.get(approved.credential) else { continue };
            let face = &card.content.face;
            shared.credentials.push(face.name.clone());
            for path in &approved.disclose {
                shared.claims.push(path.to_string());
                shared.names.push(face.label(path));
            }
        }
        shared
    }
}

#[async_trait]
impl Presenter for Searched {
    async fn present(&self, approved: &Approved, binding: &Binding) -> Result<Value, PresentError> {
        let Wallet(inner) = &self.wallet;
        let card = self.cards.get(approved.credential).ok_or(PresentError::Credential)?;
        // marked as used, durably, before anything of it leaves
        let copy = inner.storage.take_copy(card.id).map_err(|_| PresentError::Credential)?;
        let (id, copy) = copy.ok_or(PresentError::Credential)?;
        let crypto = inner.ports.crypto.as_ref();
        let format = card.content.format;
        let held = inner.held.look(id, || copy.hold(format, crypto).ok());
        let held = &held.ok_or(PresentError::Credential)?.credential;
        // an mdoc is always signed for by its device; without need no key is unlocked
        let signer = match copy.key.filter(|_| approved.holder_binding || format == Format::MsoMdoc)
        {
            Some(key) => Some(inner.ports.keys.signer(&key).await.map_err(unavailable)?),
            None => None,
        };
        let now = inner.ports.clock.now();
        let with = PresentWith { signer: signer.as_deref(), now, provider: crypto };
        present(held, approved, binding, with).await
    }
}

/// The most copies that are kept as they were read: those of more cards than one request asks for.
const MOST_HELD: usize = 256;

/// A copy as it was read.
#[derive(Debug)]
struct HeldCopy {
    credential: HeldCredential,
    algorithms: Algorithms,
}

/// Copies as they were read, which is dearer than to look into them.
#[derive(Default)]
pub(crate) struct HeldCopies(Mutex<HashMap<CopyId, Arc<HeldCopy>>>);

impl HeldCopies {
    /// The copy as it was read before, or is read now.
    fn look(
        &self,
        id: CopyId,
        read: impl FnOnce() -> Option<HeldCredential>,
    ) -> Option<Arc<HeldCopy>> {
        let kept = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // a copy's record is written once and its number never used again: what was read stays good
        if let Some(copy) = kept().get(&id) {
            return Some(copy.clone());
        }
        let credential = read()?;
        let algorithms = Algorithms::of_held(&credential);
        let copy = Arc::new(HeldCopy { credential, algorithms });
        let mut kept = kept();
        if kept.len() >= MOST_HELD {
            kept.clear();
        }
        kept.insert(id, copy.clone());
        Some(copy)
    }
}

fn unavailable(error: KeyStoreError) -> PresentError {
    match error {
        KeyStoreError::Signer(error) => PresentError::Key(error),
        KeyStoreError::Unavailable => PresentError::Key(SignerError::Unavailable),
        KeyStoreError::Unknown => PresentError::Credential,
    }
}

fn view<'c>(card: &'c Card, held: &'c HeldCopy) -> CredentialView<'c> {
    let HeldCopy { credential, algorithms } = held;
    let identifiers = &card.content.key_identifiers;
    let view = CredentialView::of_known(credential, algorithms.clone(), identifiers);
    CredentialView { holder_bound: view.holder_bound && card.content.holder_bound, ..view }
}

fn form_body(form: String) -> Body {
    Body::Other {
        content_type: "application/x-www-form-urlencoded".into(),
        bytes: form.into_bytes().into(),
    }
}

/// What a link names as its verifier, for a history entry about a link that could not be read.
fn host_of(link: &str) -> String {
    if link.len() > LONGEST_LINK {
        return String::new();
    }
    let client_id = Url::parse(link).ok().and_then(|url| {
        url.query_pairs().find(|(name, _)| name == "client_id").map(|(_, id)| id.into_owned())
    });
    client_id.unwrap_or_default()
}

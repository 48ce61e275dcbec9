//! Presenting credentials: read the request, show who asks for what, agree, answer.

use async_trait::async_trait;
use lanyard_core::{
    claims::ClaimsPath,
    credential::{Format, HeldCredential},
    crypto::SignerError,
    sd_jwt::{self, Audience, KeyBindingRequest, RequestNonce},
    sd_jwt_vc::HeldSdJwtVc,
};
use lanyard_fetch::{Body, FetchError, Purpose};
use lanyard_oid4vp::{
    dcql::{CredentialView, TypeView},
    request::{RequestError, Transport, object},
    wallet::{
        AnswerError, Approved, Binding, Choices, Consent, NothingFits, PresentError, Presenter,
        Read, ReplyError, ReviewedRequest, VerifierIdentity, VerifierReply, WalletSide,
    },
};
use serde_json::Value;
use thiserror::Error;
use url::Url;

use crate::{
    Wallet,
    history::Event,
    ports::KeyStoreError,
    storage::{Card, StorageError},
    wallet::Party,
};

/// A presentation request from a verifier that proved who it is, as far as its kind can.
#[derive(Debug)]
pub struct Request {
    wallet: Wallet,
    request: ReviewedRequest,
    /// The cards that were searched; places in [`Choices`] point into it.
    cards: Vec<Card>,
}

/// Why a presentation did not happen.
#[derive(Debug, Error)]
pub enum PresentationError {
    /// The request breaks a rule; nothing was sent.
    #[error("the request cannot be answered: {0}")]
    Request(#[from] RequestError),
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
            Self::Request(_) => "request_refused",
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
            self.record_refusal(error, Party { id: host_of(link), name: None }, Vec::new());
        })?;
        Ok(Request { wallet: self.clone(), request, cards: self.cards()? })
    }

    async fn fetch_request(&self, link: &str) -> Result<ReviewedRequest, PresentationError> {
        let Wallet(inner) = self;
        let side = WalletSide {
            transport: self.vp_transport(),
            anchors: inner.settings.verifier_anchors.clone(),
            provider: inner.ports.crypto.clone(),
        };
        let now = inner.ports.clock.now();
        let fetch = match side.read(link, now, inner.ports.crypto.as_ref())? {
            Read::Reviewed(request) => return Ok(*request),
            Read::Fetch(fetch) => fetch,
        };
        let url = fetch.request_uri().clone();
        let request = match fetch.form() {
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
        Ok(fetch.review(&object, &side, inner.ports.clock.now())?)
    }

    fn vp_transport(&self) -> Transport {
        if self.0.settings.development { Transport::LoopbackToo } else { Transport::HttpsOnly }
    }

    fn record_refusal(&self, error: &PresentationError, party: Party, credentials: Vec<String>) {
        let event =
            Event::PresentationFailed { code: error.code().to_owned(), reason: error.to_string() };
        self.record(event, party, credentials, Vec::new());
    }
}

impl Request {
    /// Who asks, and how that is known.
    pub const fn verifier(&self) -> &VerifierIdentity {
        self.request.verifier()
    }

    /// The request itself, for those who want to see all of it.
    pub const fn reviewed(&self) -> &ReviewedRequest {
        &self.request
    }

    /// The cards that were searched; [`Candidate::credential`](lanyard_oid4vp::dcql::Candidate) is a
    /// place in it.
    pub fn cards(&self) -> &[Card] {
        &self.cards
    }

    /// What the request could be answered with.
    ///
    /// # Errors
    /// [`NothingFits`]: show it to the holder, then [`Request::decline`], which tells the verifier no
    /// more than a holder who does not want to.
    pub fn choices(&self) -> Result<Choices, NothingFits> {
        let now = self.wallet.0.ports.clock.now();
        // an expired card answers nothing: its place stays, with a type nobody asks for
        let usable = |card: &Card| card.content.expires_at.is_none_or(|end| now < end);
        let view = |card| view(card, usable(card));
        let views: Vec<_> = self.cards.iter().map(view).collect();
        self.request.choices(&views)
    }

    /// Answers with what the holder consented to; the copies used are marked before they leave.
    ///
    /// # Errors
    /// [`PresentationError`]; it is in the history too.
    pub async fn answer(self, consent: Consent) -> Result<VerifierReply, PresentationError> {
        let mut names = Vec::new();
        let mut claims = Vec::new();
        for approved in consent.approved() {
            names.extend(
                self.cards.get(approved.credential).map(|card| card.content.face.name.clone()),
            );
            claims.extend(approved.disclose.iter().map(ToString::to_string));
        }
        let sent = self.send_answer(consent).await;
        match &sent {
            Ok(_) => self.wallet.record(Event::Presented, self.party(), names, claims),
            Err(error) => self.wallet.record_refusal(error, self.party(), names),
        }
        sent
    }

    async fn send_answer(&self, consent: Consent) -> Result<VerifierReply, PresentationError> {
        let crypto = self.wallet.0.ports.crypto.as_ref();
        let response = self.request.answer(consent, self, crypto).await?;
        self.post(response.response_uri, response.body).await
    }

    /// Says no: `access_denied`, whether the holder does not want to or has nothing that fits.
    ///
    /// # Errors
    /// [`PresentationError`] when the verifier cannot be told; the holder's no stands all the same.
    pub async fn decline(self) -> Result<VerifierReply, PresentationError> {
        self.wallet.record(Event::RequestDeclined, self.party(), Vec::new(), Vec::new());
        let response = self.request.decline(self.wallet.0.ports.crypto.as_ref())?;
        self.post(response.response_uri, response.body).await
    }

    async fn post(&self, uri: Url, body: String) -> Result<VerifierReply, PresentationError> {
        let request =
            lanyard_fetch::Request::post(uri, Purpose::PresentationResponse, form_body(body))
                .accept("application/json");
        let response = self.wallet.0.ports.http.send(request).await?;
        Ok(VerifierReply::read(response.status, &response.body, self.wallet.vp_transport())?)
    }

    fn party(&self) -> Party {
        let name = match self.verifier() {
            VerifierIdentity::Certificate { name, .. } => Some(name.clone()),
            VerifierIdentity::Address { .. } => None,
        };
        Party { id: self.request.request().client_id.to_string(), name }
    }
}

#[async_trait]
impl Presenter for Request {
    async fn present(&self, approved: &Approved, binding: &Binding) -> Result<Value, PresentError> {
        let Wallet(inner) = &self.wallet;
        let card = self.cards.get(approved.credential).ok_or(PresentError::Credential)?;
        // marked as used, durably, before anything of it leaves
        let copy = inner.storage.take_copy(card.id).map_err(|_| PresentError::Credential)?;
        let (_, copy) = copy.ok_or(PresentError::Credential)?;
        let held = copy.hold(card.content.format, inner.ports.crypto.as_ref());
        let Ok(HeldCredential::SdJwtVc(held)) = held else { return Err(PresentError::Credential) };
        let presentation = match (approved.holder_binding, copy.key) {
            (true, None) => return Err(PresentError::Credential),
            (false, _) => self.bare(&held, &approved.disclose).await,
            (true, Some(key)) => {
                let signer = inner.ports.keys.signer(&key).await.map_err(unavailable)?;
                let request = KeyBindingRequest {
                    audience: &Audience::from(binding.audience.as_str()),
                    nonce: &RequestNonce::from(binding.nonce.as_str()),
                    now: inner.ports.clock.now(),
                    signer: signer.as_ref(),
                };
                held.present(&approved.disclose, Some(&request), inner.ports.crypto.as_ref()).await
            }
        };
        presentation.map(Value::String).map_err(|error| match error {
            sd_jwt::PresentError::Signer(error) => PresentError::Key(error),
            _ => PresentError::Credential,
        })
    }
}

impl Request {
    async fn bare(
        &self,
        held: &HeldSdJwtVc,
        disclose: &[ClaimsPath],
    ) -> Result<String, sd_jwt::PresentError> {
        held.present(disclose, None, self.wallet.0.ports.crypto.as_ref()).await
    }
}

fn unavailable(error: KeyStoreError) -> PresentError {
    match error {
        KeyStoreError::Signer(error) => PresentError::Key(error),
        KeyStoreError::Unavailable => PresentError::Key(SignerError::Unavailable),
        KeyStoreError::Unknown => PresentError::Credential,
    }
}

fn view(card: &Card, usable: bool) -> CredentialView<'_> {
    let content = &card.content;
    let (vct, aka_vcts) = match (content.format, content.types.split_first()) {
        (Format::SdJwtVc, Some((vct, aka_vcts))) if usable => (vct.as_str(), aka_vcts),
        _ => ("", &[][..]),
    };
    CredentialView {
        kind: TypeView::SdJwtVc { vct, aka_vcts },
        claims: &content.claims,
        key_identifiers: &content.key_identifiers,
        holder_bound: content.holder_bound,
    }
}

fn form_body(form: String) -> Body {
    Body::Other {
        content_type: "application/x-www-form-urlencoded".into(),
        bytes: form.into_bytes().into(),
    }
}

/// What a link names as its verifier, for a history entry about a link that could not be read.
fn host_of(link: &str) -> String {
    let client_id = Url::parse(link).ok().and_then(|url| {
        url.query_pairs().find(|(name, _)| name == "client_id").map(|(_, id)| id.into_owned())
    });
    client_id.unwrap_or_default()
}

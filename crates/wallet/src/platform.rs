//! Answering a request that the platform hands over: the Digital Credentials API (OID4VP 1.0 App. A).

use lanyard_core::json;
use lanyard_oid4vp::{
    dc_api::{DcApiRequest, DcApiVerifier, Protocol},
    transaction::TransactionData,
    wallet::{Choices, Consent, NothingFits},
};
use serde_json::Value;

use crate::{
    AskedTooMuch, PresentationError, Told, UnusableCard, Wallet,
    history::Event,
    length::LONGEST_REQUEST,
    presentation::Searched,
    storage::Card,
    wallet::{Party, Shared},
};

/// A presentation request from the platform, which vouches for the origin that asks.
#[derive(Debug)]
pub struct PlatformRequest {
    protocol: String,
    request: DcApiRequest,
    searched: Searched,
}

/// The most requests of one page that are looked into.
const MOST_REQUESTS: usize = 8;

impl Wallet {
    /// Takes a request that the platform hands over: its exchange protocol, its `data` and the origin.
    ///
    /// # Errors
    /// [`PresentationError`]; it is in the history too.
    pub async fn read_platform_request(
        &self,
        protocol: &str,
        data: &Value,
        origin: &str,
    ) -> Result<PlatformRequest, PresentationError> {
        let read = self.review_platform_request(protocol, data, origin).await;
        read.map_err(|error| self.refused(error, origin))
    }

    /// The same for `data` in JSON text, as platforms hand it over.
    ///
    /// # Errors
    /// [`PresentationError`]; it is in the history too.
    pub async fn read_platform_text(
        &self,
        protocol: &str,
        data: &str,
        origin: &str,
    ) -> Result<PlatformRequest, PresentationError> {
        let data = read(data);
        self.read_platform_request(protocol, &data, origin).await
    }

    /// The same for all that a page asked by: `requests` in JSON text, each with its `protocol` and its `data`. The
    /// first of a protocol that is spoken here is taken, as the page's favourite, or one after it where the verifier
    /// goes by a name that this wallet does not know.
    ///
    /// # Errors
    /// [`PresentationError`], of the first that is spoken; it is in the history too.
    pub async fn read_platform_requests(
        &self,
        requests: &str,
        origin: &str,
    ) -> Result<PlatformRequest, PresentationError> {
        let read = read(requests);
        let all = read.get("requests").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let parts = |one: &Value| {
            let protocol = one.get("protocol").and_then(Value::as_str).unwrap_or_default();
            (protocol.to_owned(), one.get("data").cloned().unwrap_or_default())
        };
        let spoken = all.iter().map(parts).filter(|(name, _)| Protocol::parse(name).is_ok());
        let mut first_refusal = None;
        for (protocol, data) in spoken.take(MOST_REQUESTS) {
            match self.review_platform_request(&protocol, &data, origin).await {
                Ok(request) => return Ok(request),
                Err(PresentationError::Request(reason)) if reason.is_about_a_stranger() => {
                    first_refusal.get_or_insert(reason);
                }
                Err(error) => return Err(self.refused(error, origin)),
            }
        }
        match first_refusal {
            Some(reason) => Err(self.refused(reason.into(), origin)),
            // what has none that is spoken is refused by the name of its first
            None => {
                let (protocol, data) = all.first().map(parts).unwrap_or_default();
                self.read_platform_request(&protocol, &data, origin).await
            }
        }
    }

    async fn review_platform_request(
        &self,
        protocol: &str,
        data: &Value,
        origin: &str,
    ) -> Result<PlatformRequest, PresentationError> {
        let now = self.0.ports.clock.now();
        let request = self.vp_side().read_dc_api(protocol, data, origin, now).await?;
        let searched = self.search(request.query())?;
        Ok(PlatformRequest { protocol: protocol.to_owned(), request, searched })
    }

    fn refused(&self, error: PresentationError, origin: &str) -> PresentationError {
        if matches!(error, PresentationError::Request(_)) {
            let party = Party::new(origin.to_owned(), None);
            self.record_refusal(&error, party, Shared::default());
        }
        error
    }
}

/// The platform's JSON; null if it is malformed or too long, which is refused like anything that is no object.
fn read(text: &str) -> Value {
    match text.len() > LONGEST_REQUEST {
        true => Value::Null,
        false => json::parse(text.as_bytes()).unwrap_or_default(),
    }
}

impl PlatformRequest {
    /// The exchange protocol, which the answer is handed back with.
    pub fn protocol(&self) -> &str {
        &self.protocol
    }

    /// The origin that asks.
    pub fn origin(&self) -> &str {
        self.request.origin().as_str()
    }

    /// Who asks, beyond its origin.
    pub const fn verifier(&self) -> &DcApiVerifier {
        self.request.verifier()
    }

    /// What the verifier says of itself and of why it asks; nothing where its request is not signed.
    pub fn told(&self) -> Told {
        Told::of(self.request.statement(), &self.searched.wallet.0.settings.languages)
    }

    /// What the holder would authorize by answering; to be shown before consent.
    pub fn transactions(&self) -> &[TransactionData] {
        self.request.transactions()
    }

    /// The cards that were searched; [`Candidate::credential`](lanyard_oid4vp::dcql::Candidate) is a
    /// place in it.
    pub fn cards(&self) -> &[Card] {
        &self.searched.cards
    }

    /// What the request could be answered with.
    ///
    /// # Errors
    /// [`NothingFits`]: show it to the holder, then [`PlatformRequest::decline`].
    pub fn choices(&self) -> Result<Choices, NothingFits> {
        self.request.choices(&self.searched.views())
    }

    /// The cards that would answer a part of the request if they were good, as [`Request::unusable`](crate::Request::unusable).
    pub fn unusable(&self) -> Vec<UnusableCard> {
        self.searched.unusable(|views| self.request.matches(views))
    }

    /// What the choices ask of everybody that most purposes do not need, by its name on the first card that fits.
    pub fn asked_too_much(&self, choices: &Choices) -> Vec<AskedTooMuch> {
        self.searched.asked_too_much(choices)
    }

    /// Answers with what the holder consented to: the `data` for the platform.
    ///
    /// # Errors
    /// [`PresentationError`]; it is in the history too.
    pub async fn answer(self, consent: Consent) -> Result<Value, PresentationError> {
        let shared = self.searched.named(&consent);
        let wallet = &self.searched.wallet;
        let crypto = wallet.0.ports.crypto.as_ref();
        let answered = self.request.answer(consent, &self.searched, crypto).await;
        match answered {
            Ok(data) => {
                wallet.record_shared(Event::Presented, self.party(), shared);
                Ok(data)
            }
            Err(error) => {
                let error = PresentationError::from(error);
                wallet.record_refusal(&error, self.party(), shared.not_sent());
                Err(error)
            }
        }
    }

    /// Says no: the `data` for the platform.
    pub fn decline(self) -> Value {
        self.searched.wallet.record(Event::RequestDeclined, self.party(), Vec::new(), Vec::new());
        self.request.decline()
    }

    fn party(&self) -> Party {
        let name = match self.verifier() {
            DcApiVerifier::Known { name, .. } => name.clone(),
            DcApiVerifier::Origin => None,
        };
        Party::new(self.origin().to_owned(), name).telling(self.told())
    }
}

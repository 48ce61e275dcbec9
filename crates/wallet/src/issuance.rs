//! Taking credentials: read the offer, show it, agree; then `receive`.

use lanyard_fetch::{FetchError, Purpose, Response};
use lanyard_oid4vci::{
    CredentialConfigurationId, Transport, TxCode,
    authorization::AnswerRefused,
    offer::{CredentialOffer, OfferError, OfferLink, TxCodeDescription},
    wallet::{
        CheckedOffer, CredentialRefused, Discovery, DiscoveryError, OfferReference,
        OutgoingRequest, PeerError, PreAuthorizedOffer, RequestRefused, ResponseFault,
        TokenRefused, TxCodeRefused, Unsupported,
    },
};
use thiserror::Error;

use crate::{
    Wallet,
    face::{self, Face},
    history::Event,
    http::{incoming, retry_after},
    length::{LONGEST_LINK, LONGEST_TYPED},
    login::{AuthorizationCode, Pending},
    ports::{KeyAttestationUnavailable, KeyHandle, KeyStoreError},
    storage::{CardId, StorageError},
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
    /// What the issuer calls itself; proven only when its metadata are signed, or when a credential has arrived
    /// and verified.
    pub issuer_name: Option<String>,
    /// Whether somebody who is believed signed what the issuer says about itself.
    pub signed: bool,
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
    /// The issuer could not be reached, or no key could be had; the same offer may be accepted again, after so many seconds where it says how
    /// many (`Retry-After`).
    #[error("{1}")]
    TryAgain(Box<PreAuthorized>, IssuanceError, Option<u64>),
    /// Final for the offer. What was granted and may still come is in [`Wallet::unfinished`].
    #[error("{0}")]
    Failed(#[from] IssuanceError),
}

impl IssuanceError {
    /// Whether the same may work later: nobody refused anything.
    pub(crate) const fn may_pass(&self) -> bool {
        match self {
            // RFC 6750 §3.1: the access token is no good (any more); a body need not say so
            Self::Credential(CredentialRefused::Unavailable(ResponseFault::Status(401))) => false,
            Self::Fetch(_)
            | Self::Answer(..)
            | Self::Request(RequestRefused::Signer(_))
            | Self::Credential(CredentialRefused::Unavailable(_))
            | Self::Keys(_)
            | Self::KeyAttestation(_)
            | Self::Storage(_) => true,
            Self::Offer(_)
            | Self::Discovery(_)
            | Self::Unsupported(_)
            | Self::Login(_)
            | Self::NothingPending
            | Self::PushRefused(_)
            | Self::TokenRefused(_)
            | Self::TokenType
            | Self::Request(_)
            | Self::Credential(_) => false,
        }
    }

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
            Self::TryAgain(_, reason, _) | Self::Failed(reason) => reason.code(),
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
    /// Call it after the holder chose to open the link (OID4VCI 1.0 §15.6): an offer by reference and the
    /// issuer's metadata are fetched.
    ///
    /// # Errors
    /// [`IssuanceError`]; it is in the history too.
    pub async fn read_offer(&self, link: &str) -> Result<Offer, IssuanceError> {
        let mut party = Party::new(String::new(), None);
        let read = match link.len() > LONGEST_LINK {
            true => Err(OfferError::NotAnOfferLink.into()),
            false => self.discover(link, &mut party).await,
        };
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
        let mut discovery = Discovery::new(offer).signed(self.0.settings.signed_metadata.clone());
        let mut response = self.send(&discovery.request(), Purpose::IssuerMetadata).await?;
        if let Some(in_json) = discovery.in_json(incoming(&response)) {
            discovery = in_json;
            response = self.send(&discovery.request(), Purpose::IssuerMetadata).await?;
        }
        let (now, crypto) = (self.0.ports.clock.now(), &*self.0.ports.crypto);
        let discovery = discovery.receive(incoming(&response), now, crypto)?;
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

    /// A key for this one issuance, where the server binds tokens to keys.
    async fn bind(
        &self,
        offer: &mut PreAuthorizedOffer,
        key: &mut Option<KeyHandle>,
    ) -> Result<(), IssuanceError> {
        if offer.is_proven() || !offer.server().takes_dpop() {
            return Ok(());
        }
        if key.is_none() {
            *key = self.0.ports.keys.generate(1).await?.pop();
        }
        if let Some(prover) = self.prover(key.as_ref()).await? {
            *offer = offer.clone().proven_by(prover);
        }
        Ok(())
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
            signed: checked.is_signed(),
            credentials: checked.credentials().map(card).collect(),
            tx_code: None,
        }
    }

    /// Whether somebody vouches for the holder's keys.
    pub(crate) fn attests(&self) -> bool {
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
        Party::new(self.issuer.clone(), self.issuer_name.clone())
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
    /// verified, then all stored. What the issuer defers is waited for: [`Wallet::collect`]. One that is refused
    /// keeps no other from coming; it is in the history.
    ///
    /// # Errors
    /// [`AcceptError`], which gives the offer back when the holder can go on; it is in the history too.
    pub async fn accept(self, tx_code: Option<&str>) -> Result<Vec<CardId>, AcceptError> {
        if tx_code.is_some_and(|text| text.len() > LONGEST_TYPED) {
            return Err(AcceptError::TxCodeForm(Box::new(self), TxCodeRefused::Form));
        }
        let Self { wallet, review, mut offer, mut key } = self;
        let code = tx_code.map(|text| TxCode::new(text.trim()));
        if let Err(error) = wallet.bind(&mut offer, &mut key).await {
            wallet.record_failure(&error, review.party(), review.names());
            let again = Self { wallet, review, offer, key };
            return Err(AcceptError::TryAgain(Box::new(again), error, None));
        }
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
                return Err(AcceptError::TryAgain(Box::new(again), error, None));
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
                let wait = retry_after(&response, wallet.now());
                let again = Self { wallet, review, offer: *offer, key };
                return Err(AcceptError::TryAgain(Box::new(again), error, wait));
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
        let outcome = wallet.receive_all(id, pending).await;
        Ok(wallet.conclude(review.party(), outcome)?)
    }
}

//! An integrator makes an offer, asks what became of it, takes it back.

mod request;

use jiff::{SignedDuration, Timestamp};
use lanyard_oid4vci::{
    Secrets as _, TxCode,
    issuer::{Ended, HolderId, Issuance, NewLogin, NewOffer, NewTxCode, Offered, Readiness},
    offer::OfferLink,
};
use lanyard_store::{
    CallAnswer, CredentialId, CredentialStatus, HandleKind, NewEvent, NewSession, SessionId,
    SessionKind, SubjectRef, TenantId,
};
use url::Url;

pub use request::{CredentialToOffer, Deferral, LoginToOffer, NewOfferRequest, OfferRequestFault};

use crate::{
    IssuerError, IssuerService, TrailEvent,
    sessions::{Found, Held, OfferPlace, State, TRIES},
    step,
    tenant::Tenant,
};

/// An offer that was made.
#[derive(Clone, Debug)]
pub struct OfferCreated {
    /// Its name in the API; not a secret.
    pub id: SessionId,
    /// What a wallet is started with: the content of the QR code.
    pub link: String,
    /// `credential_offer_uri`, where a wallet fetches the offer.
    pub offer_uri: Url,
    /// What the holder has to type in; to be sent to them on another channel, and not shown again.
    pub tx_code: Option<TxCode>,
    /// From this moment on the offer is worth nothing.
    pub expires_at: Timestamp,
}

/// An offer that is about to be made.
pub(crate) struct DraftOffer {
    pub(crate) created: OfferCreated,
    subject: Option<SubjectRef>,
    offered: Offered,
    place: OfferPlace,
    now: Timestamp,
}

/// A waiting offer, to be shown again.
#[derive(Clone, Debug)]
pub struct OfferShown {
    /// What a wallet is started with.
    pub link: String,
    /// What the holder has to type in.
    pub tx_code: Option<TxCode>,
    /// From this moment on the offer is worth nothing.
    pub expires_at: Timestamp,
}

/// What became of an offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferStatus {
    /// Where it stands.
    pub state: OfferState,
    /// What happened, oldest first.
    pub trail: Vec<TrailEvent>,
    /// What was issued, oldest first.
    pub credentials: Vec<CredentialShown>,
}

/// A credential that an offer led to: never a claim of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialShown {
    /// Its name, to change its status by.
    pub id: CredentialId,
    /// Which configuration.
    pub configuration: String,
    /// What became of it; none when it has no status.
    pub status: Option<CredentialStatus>,
}

/// Where an offer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfferState {
    /// Waiting for a wallet.
    Offered,
    /// A wallet asked for it, and its holder logs in and decides.
    LoggingIn,
    /// A wallet has an access token; some credentials are still due.
    Authorized,
    /// A wallet has asked for something that is not ready.
    Deferred,
    /// Everything was issued, but for what was denied.
    Issued,
    /// The tx code was wrong too often.
    TxCodeExhausted,
    /// The integrator took it back.
    Withdrawn,
    /// The holder, a rule, an integrator or a source of claims said no.
    Denied,
    /// A code or token was shown twice, so its tokens are worth nothing any more.
    Revoked,
    /// It was not redeemed in time.
    Expired,
}

impl OfferState {
    /// The stable name of the state.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Offered => "offered",
            Self::LoggingIn => "logging_in",
            Self::Denied => "denied",
            Self::Revoked => "revoked",
            Self::Authorized => "authorized",
            Self::Deferred => "deferred",
            Self::Issued => "issued",
            Self::TxCodeExhausted => "tx_code_exhausted",
            Self::Withdrawn => "withdrawn",
            Self::Expired => "expired",
        }
    }
}

impl From<&Issuance> for OfferState {
    fn from(issuance: &Issuance) -> Self {
        match issuance {
            Issuance::Offered(_) => Self::Offered,
            Issuance::Pushed(_) | Issuance::Authorizing(_) | Issuance::Granted(_) => {
                Self::LoggingIn
            }
            Issuance::Ended(Ended::Denied) => Self::Denied,
            Issuance::Ended(Ended::CodeReplayed | Ended::RefreshReplayed) => Self::Revoked,
            Issuance::Authorized(authorized) if authorized.is_denied() => {
                if authorized.issued().is_empty() { Self::Denied } else { Self::Issued }
            }
            Issuance::Authorized(authorized) if authorized.has_deferred() => Self::Deferred,
            Issuance::Authorized(_) => Self::Authorized,
            Issuance::Issued(_) => Self::Issued,
            Issuance::Ended(Ended::TxCodeExhausted) => Self::TxCodeExhausted,
            Issuance::Ended(Ended::Withdrawn) => Self::Withdrawn,
        }
    }
}

impl IssuerService {
    /// Makes an offer (OID4VCI 1.0 §4.1).
    ///
    /// # Errors
    /// [`IssuerError::UnknownTenant`], [`IssuerError::Refused`] with the rule that the request breaks, and
    /// [`IssuerError::Store`].
    pub async fn create_offer(
        &self,
        tenant: &TenantId,
        request: NewOfferRequest,
    ) -> Result<OfferCreated, IssuerError> {
        self.create_offer_once(tenant, request, |_| None).await
    }

    /// Makes an offer as the outcome of a call, whose answer is kept with it.
    pub(crate) async fn create_offer_once(
        &self,
        tenant: &TenantId,
        request: NewOfferRequest,
        told: impl FnOnce(&OfferCreated) -> Option<CallAnswer> + Send,
    ) -> Result<OfferCreated, IssuerError> {
        let tenant = &*self.known_tenant(tenant)?;
        let subject = request.subject.as_ref().map(|subject| self.subject_ref(tenant, subject));
        let draft = self.draft_offer(tenant, request, subject)?;
        let call = told(&draft.created);
        self.keep(tenant, draft, call).await
    }

    /// Prepares an offer about a subject, if it is about any; nothing is kept yet.
    pub(crate) fn draft_offer(
        &self,
        tenant: &Tenant,
        request: NewOfferRequest,
        subject: Option<SubjectRef>,
    ) -> Result<DraftOffer, IssuerError> {
        let now = self.now();
        let wanted = NewOffer {
            credentials: request
                .credentials
                .into_iter()
                .map(|credential| (credential.configuration, credential.claims))
                .collect(),
            tx_code: request.tx_code.then(NewTxCode::default),
            life: None,
            login: request.login.map(|login| NewLogin {
                holder: login.holder.map(HolderId::new),
                only: login.only,
                looked_up: request.looked_up,
            }),
        };
        let readiness = match request.deferral {
            Deferral::None => Readiness::Ready,
            Deferral::Seconds(seconds) => {
                let moment = now.checked_add(SignedDuration::from_secs(seconds.into()));
                Readiness::From(moment.unwrap_or(Timestamp::MAX))
            }
            Deferral::UntilDecided => Readiness::Undecided,
        };
        let id = SessionId::new(now, self.environment().name_bytes());
        let secrets = self.sessions().secrets(tenant, id);
        let offered = Offered::new(wanted, &tenant.issuer, now, &secrets)?.ready(readiness);
        // OID4VCI 1.0 §4.1.3: not to be guessed
        let place = OfferPlace { path: secrets.fresh(), by_reference: request.by_reference };
        let created = OfferCreated {
            id,
            link: self.link(tenant, &offered, &place),
            offer_uri: self.offer_uri(tenant, &place),
            tx_code: offered.tx_code().cloned(),
            expires_at: offered.expires_at(),
        };
        Ok(DraftOffer { created, subject, offered, place, now })
    }

    /// Makes a prepared offer.
    pub(crate) async fn keep(
        &self,
        tenant: &Tenant,
        draft: DraftOffer,
        call: Option<CallAnswer>,
    ) -> Result<OfferCreated, IssuerError> {
        let DraftOffer { created, subject, offered, place, now } = draft;
        let id = created.id;
        let handle = |kind, value| self.sessions().handle(tenant, kind, value);
        let mut handles = vec![handle(HandleKind::Offer, &place.path)];
        if offered.takes_code() {
            handles.push(handle(HandleKind::PreAuthorizedCode, offered.code().reveal()));
        }
        if let Some(issuer_state) = offered.issuer_state() {
            handles.push(handle(HandleKind::IssuerState, issuer_state.reveal()));
        }
        let expires_at = offered.expires_at();
        let issuance = Issuance::Offered(offered);
        let state = State { place: Some(place), ..State::of(issuance, tenant) };
        let event = NewEvent::done(now, step::OFFER_CREATED);
        let session = NewSession {
            tenant: tenant.id.clone(),
            id,
            kind: SessionKind::Offer,
            state: self.sessions().seal(tenant, id, &state),
            created_at: now,
            expires_at,
            handles,
            subject,
            once: Vec::new(),
            call,
            event: event.clone(),
        };
        self.environment().store.insert(session).await?;
        self.announce(tenant, id, &event);
        Ok(created)
    }

    /// What became of an offer, with its trail.
    ///
    /// # Errors
    /// [`IssuerError::UnknownTenant`], [`IssuerError::UnknownOffer`] and [`IssuerError::Store`].
    pub async fn offer_status(
        &self,
        tenant: &TenantId,
        id: SessionId,
    ) -> Result<OfferStatus, IssuerError> {
        let tenant = &*self.known_tenant(tenant)?;
        let state = match self.sessions().offer(tenant, id, self.now()).await? {
            Found::Live(held) => OfferState::from(&held.state.issuance),
            Found::Expired => OfferState::Expired,
            Found::Used(_) | Found::Absent => return Err(IssuerError::UnknownOffer),
        };
        let events = self.environment().store.events(&tenant.id, id).await?;
        let mut trail: Vec<_> = events.into_iter().map(TrailEvent::from).collect();
        if let Some(at) = self.environment().live.fetched_at(&tenant.id, id) {
            trail.push(TrailEvent::from(&NewEvent::done(at, step::OFFER_FETCHED)));
            trail.sort_by_key(|event| event.at);
        }
        let mut credentials = Vec::new();
        for record in self.environment().store.issued_in(&tenant.id, id).await? {
            let status = self.environment().store.status(&tenant.id, record.credential).await?;
            let (id, configuration) = (record.credential, record.configuration);
            credentials.push(CredentialShown { id, configuration, status });
        }
        Ok(OfferStatus { state, trail, credentials })
    }

    /// A waiting offer, to be shown again.
    ///
    /// # Errors
    /// [`IssuerError::UnknownTenant`], [`IssuerError::UnknownOffer`], [`IssuerError::NotWaiting`] and
    /// [`IssuerError::Store`].
    pub async fn show_offer(
        &self,
        tenant: &TenantId,
        id: SessionId,
    ) -> Result<OfferShown, IssuerError> {
        let tenant = &*self.known_tenant(tenant)?;
        let now = self.now();
        let state = match self.sessions().offer(tenant, id, now).await? {
            Found::Live(held) => held.state,
            Found::Expired => return Err(IssuerError::NotWaiting),
            Found::Used(_) | Found::Absent => return Err(IssuerError::UnknownOffer),
        };
        let (Some(offered), Some(place)) = (state.issuance.offer_at(now), state.place) else {
            return Err(IssuerError::NotWaiting);
        };
        Ok(OfferShown {
            link: self.link(tenant, offered, &place),
            tx_code: offered.tx_code().cloned(),
            expires_at: offered.expires_at(),
        })
    }

    /// Takes an offer back: its code and its access token are worth nothing from now on.
    ///
    /// Withdrawing what has ended already is no error.
    ///
    /// # Errors
    /// [`IssuerError::UnknownTenant`], [`IssuerError::UnknownOffer`], [`IssuerError::AlreadyIssued`],
    /// [`IssuerError::Contended`] and [`IssuerError::Store`].
    pub async fn withdraw(&self, tenant: &TenantId, id: SessionId) -> Result<(), IssuerError> {
        let tenant = &*self.known_tenant(tenant)?;
        for _ in 0..TRIES {
            let now = self.now();
            let held = match self.sessions().offer(tenant, id, now).await? {
                Found::Live(held) => held,
                Found::Expired => return Ok(()),
                Found::Used(_) | Found::Absent => return Err(IssuerError::UnknownOffer),
            };
            let Held { session, state } = *held;
            match state.issuance {
                Issuance::Offered(_)
                | Issuance::Pushed(_)
                | Issuance::Authorizing(_)
                | Issuance::Granted(_)
                | Issuance::Authorized(_) => {}
                Issuance::Issued(_) => return Err(IssuerError::AlreadyIssued),
                Issuance::Ended(_) => return Ok(()),
            }
            let state = State::of(Issuance::Ended(Ended::Withdrawn), tenant);
            let event = NewEvent::done(now, step::OFFER_WITHDRAWN);
            let next = self.next(tenant, id, &state, (now, self.environment().kept_until(now)));
            if self.step(tenant, &session, next, Some(event)).await? {
                return Ok(());
            }
        }
        Err(IssuerError::Contended)
    }

    /// The offer itself, as a wallet fetches it (§4.1.3); as often as it likes while the offer waits.
    pub(crate) async fn fetch_offer(
        &self,
        tenant: &Tenant,
        path: &str,
    ) -> Result<String, IssuerError> {
        let now = self.now();
        let handle = self.sessions().handle(tenant, HandleKind::Offer, path);
        let found = self.sessions().take(tenant, &handle, now).await?;
        let Found::Live(held) = found else {
            return Err(IssuerError::UnknownOffer);
        };
        let Held { session, state } = *held;
        let offered = state.issuance.offer_at(now).ok_or(IssuerError::UnknownOffer)?;
        if self.environment().live.note_fetch(&tenant.id, session.id, now) {
            self.announce(tenant, session.id, &NewEvent::done(now, step::OFFER_FETCHED));
        }
        Ok(offered.offer(&tenant.issuer).to_json())
    }

    fn offer_uri(&self, tenant: &Tenant, place: &OfferPlace) -> Url {
        let mut uri = self.environment().base_url.clone();
        uri.set_path(&format!("/{}/offers/{}", tenant.id, place.path));
        uri
    }

    fn link(&self, tenant: &Tenant, offered: &Offered, place: &OfferPlace) -> String {
        if place.by_reference {
            OfferLink::ByReference(self.offer_uri(tenant, place)).to_link()
        } else {
            OfferLink::ByValue(offered.offer(&tenant.issuer)).to_link()
        }
    }
}

//! An integrator asks: the request waits from now on under two unguessable paths.

mod fault;
mod question;

use jiff::{SignedDuration, Timestamp};
use lanyard_oid4vp::{
    dc_api::DcApiAsk,
    dcql::DcqlQuery,
    request::{LinkScheme, RequestUriMethod, ResponseMode, VerifierInfo},
    transaction::TransactionData,
    verifier::{Ask, Requested},
};
use lanyard_store::{
    CallAnswer, Handle, HandleKind, NewEvent, NewSession, SessionId, SessionKind, TenantId,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

pub use fault::RequestFault;
pub(crate) use question::check_possible;
use question::{check_anchors, client_id, lifetime, policy, question};

use crate::{
    Advice, BrowserSession, DigitalRequests, NewDcApi, RequestPolicy, VerifierError,
    VerifierService, lint,
    rotation::Rotation,
    sessions::{Phase, Question, State, Waiting},
    sign_in::SignIn,
    step,
    tenant::Tenant,
};

/// For how long a request that nobody answered can still be asked about.
const LINGER: SignedDuration = SignedDuration::from_hours(1);

/// What an integrator wants to know; as JSON, the body of `POST /api/{tenant}/requests`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NewRequest {
    /// A question by its name, or by its name, `@` and its version; or
    pub preset: Option<String>,
    /// a question of one's own, in DCQL.
    pub dcql_query: Option<Value>,
    /// Why it is asked, for people; the preset's unless told otherwise.
    pub purpose: Option<String>,
    /// Whether the response is encrypted; it is unless told otherwise.
    pub response_mode: ResponseMode,
    /// How the verifier names itself.
    pub client_id_prefix: ClientIdChoice,
    /// How wallets fetch the request object; GET unless told otherwise.
    pub request_uri_method: Option<RequestUriMethod>,
    /// The wallet is on the device whose browser asks, and sends that browser back.
    pub same_device: Option<SameDevice>,
    /// Which wallets the link is for.
    pub link_scheme: LinkScheme,
    /// Authorities, in PEM, whose issuers are believed for this one request too.
    pub trust_anchors: Vec<String>,
    /// The same question through the Digital Credentials API too.
    pub dc_api: Option<NewDcApi>,
    /// Whether the link changes while it is shown: one that was photographed is of no use a minute later.
    pub rotating_link: bool,
    /// What is demanded beyond the tenant's policies; a preset with a policy of its own takes no other.
    pub policy: Option<RequestPolicy>,
    /// Keep the response as it came, so that other policies can be tried on it; erased with the result.
    pub record: bool,
    /// For how many seconds the request waits; 300 unless told otherwise.
    pub expires_in: Option<u32>,
    /// The browser that asks: no other browser gets the result.
    pub browser_session: Option<BrowserSession>,
    /// What the holder is to authorize by presenting: each an object with `type`, `credential_ids` and the
    /// members of its type.
    pub transaction_data: Vec<Value>,
    /// What others say about the verifier, as `verifier_info` has it.
    pub verifier_info: Option<Value>,
}

/// How the verifier names itself (OID4VP 1.0 §5.9.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientIdChoice {
    /// By the SHA-256 of its certificate.
    #[default]
    X509Hash,
    /// By a DNS name in its certificate.
    X509SanDns,
    /// By where the response goes; the request is not signed, and nobody vouches for it.
    RedirectUri,
    /// By a DID.
    DecentralizedIdentifier,
    /// By an attestation that somebody gave it.
    VerifierAttestation,
    /// By what wallets registered it as.
    PreRegistered,
}

/// Where a same-device browser goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SameDevice {
    /// A page of this server or of an origin that the tenant allows; the tenant's own return page
    /// unless told otherwise.
    pub redirect_uri: Option<String>,
}

/// A request that waits for a wallet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RequestCreated {
    /// The request's name for the integrator; it is in no link and no QR code.
    pub id: SessionId,
    /// The link for the wallet, to be clicked or shown as a QR code.
    pub link: Url,
    /// Until when the link is good, where it rotates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link_expires_at: Option<Timestamp>,
    /// What a page hands to `navigator.credentials.get`, where it is asked there too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dc_api: Option<DigitalRequests>,
    /// Until when a response may come.
    pub expires_at: Timestamp,
    /// What is asked for that the purpose may not need.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Advice>,
}

/// What is asked, and how, once it was read.
struct Asked {
    query: DcqlQuery,
    question: Question,
    policy: Option<Value>,
    return_to: Option<Url>,
    transactions: Vec<TransactionData>,
    verifier_info: Vec<VerifierInfo>,
}

impl Asked {
    /// The same for the Digital Credentials API; who may ask there is still to be said.
    fn by_api(&self, encrypted: bool) -> DcApiAsk {
        DcApiAsk {
            origins: Vec::new(),
            query: self.query.clone(),
            encrypted,
            expires_at: self.question.expires_at,
            transactions: self.transactions.clone(),
            verifier_info: self.verifier_info.clone(),
        }
    }
}

/// A request that begins, and what leads to it.
struct Begun {
    id: SessionId,
    waiting: Waiting,
    handles: Vec<Handle>,
}

impl NewRequest {
    /// Asks a question by its name.
    pub fn preset(name: impl Into<String>) -> Self {
        Self { preset: Some(name.into()), ..Self::default() }
    }

    /// Asks a question of one's own, in DCQL.
    pub fn query(dcql: Value) -> Self {
        Self { dcql_query: Some(dcql), ..Self::default() }
    }
}

impl VerifierService {
    /// Makes a request that waits for a wallet.
    ///
    /// # Errors
    /// [`VerifierError::Fault`] for what cannot be asked; nothing is kept then.
    pub async fn create_request(
        &self,
        tenant: &TenantId,
        new: NewRequest,
    ) -> Result<RequestCreated, VerifierError> {
        self.create(self.known_tenant(tenant)?, new, None, |_| None).await
    }

    /// The same, for a sign-in too, and as the outcome of a call whose answer is kept with the request.
    pub(crate) async fn create(
        &self,
        tenant: &Tenant,
        new: NewRequest,
        sign_in: Option<SignIn>,
        told: impl FnOnce(&RequestCreated) -> Option<CallAnswer> + Send,
    ) -> Result<RequestCreated, VerifierError> {
        let now = self.now();
        // 1. what is asked, and how
        let asked = self.asked(tenant, &new, now).await?;
        let warnings = lint(&asked.query);
        let browser = new.browser_session.as_ref().map(|one| one.digest(self.provider()));
        // 2. the request, under two paths that nobody can guess
        let Begun { id, waiting, handles } = self.begun(tenant, new, &asked, now)?;
        // 3. kept, sealed
        let Asked { question, return_to, .. } = asked;
        let expires_at = question.expires_at;
        let (link, link_expires_at) = waiting.current_link(now, self.provider());
        let dc_api = match &waiting.dc_api {
            Some(asked) => Some(self.digital_requests(tenant, asked, now).await?),
            None => None,
        };
        let phase = Phase::Waiting(Box::new(waiting));
        let state = State { question, browser, return_to, sign_in, phase };
        let created = RequestCreated { id, link, link_expires_at, dc_api, expires_at, warnings };
        let event = NewEvent::done(now, step::REQUEST_CREATED);
        let session = NewSession {
            tenant: tenant.id.clone(),
            id,
            kind: SessionKind::Request,
            state: self.sessions().seal(tenant, id, &state),
            created_at: now,
            expires_at: expires_at + LINGER,
            handles,
            subject: None,
            once: Vec::new(),
            call: told(&created),
            event: event.clone(),
        };
        self.environment().store.insert(session).await?;
        self.sessions().keep_begun(id, state);
        self.announce(tenant, id, &event);
        Ok(created)
    }

    /// Reads what is asked, and refuses what cannot be.
    async fn asked(
        &self,
        tenant: &Tenant,
        new: &NewRequest,
        now: Timestamp,
    ) -> Result<Asked, VerifierError> {
        let preset = match &new.preset {
            Some(name) => self.preset(tenant, name).await?,
            None => None,
        };
        let (query, mut question) = question(preset.as_ref(), new, now)?;
        let policy = policy(preset.as_ref(), new, &query)?;
        question.expires_at = lifetime(new, now)?;
        let return_to = self.return_to(tenant, new)?;
        self.check_link(new)?;
        check_anchors(&new.trust_anchors)?;
        let transactions = TransactionData::all_from_values(&new.transaction_data, &query)
            .map_err(RequestFault::from)?;
        let verifier_info = match &new.verifier_info {
            None => Vec::new(),
            Some(list) => VerifierInfo::list_from_value(list, &query)
                .map_err(|_| RequestFault::VerifierInfo)?,
        };
        Ok(Asked { query, question, policy, return_to, transactions, verifier_info })
    }

    /// Makes the request that waits, and what leads to it.
    fn begun(
        &self,
        tenant: &Tenant,
        new: NewRequest,
        asked: &Asked,
        now: Timestamp,
    ) -> Result<Begun, VerifierError> {
        let id = SessionId::new(now, self.environment().name_bytes());
        let secret = || self.sessions().secret(tenant, id);
        let (request_path, response_path) = (secret(), secret());
        let response_uri = self.url(&format!("{}/responses/{response_path}", tenant.id));
        let dc_api = match &new.dc_api {
            None => None,
            Some(dc_api) => {
                let encrypted = new.response_mode == ResponseMode::DirectPostJwt;
                let ask = asked.by_api(encrypted);
                Some(self.asked_by_api(tenant, dc_api, new.client_id_prefix, ask)?)
            }
        };
        let ask = Ask {
            client_id: client_id(tenant, new.client_id_prefix, &response_uri)?,
            transactions: asked.transactions.clone(),
            verifier_info: asked.verifier_info.clone(),
            response_uri,
            response_mode: new.response_mode,
            query: asked.query.clone(),
            expires_at: asked.question.expires_at,
        };
        let requested = Requested::new(ask, self.provider())?;
        let handle = |kind, path| self.sessions().handle(tenant, kind, path);
        let mut handles = vec![handle(HandleKind::ResponseUri, &response_path)];
        let link = match new.client_id_prefix {
            ClientIdChoice::RedirectUri => requested.link_by_value(&new.link_scheme),
            _ => {
                handles.push(handle(HandleKind::RequestUri, &request_path));
                let request_uri = self.url(&format!("{}/requests/{request_path}", tenant.id));
                let method = new.request_uri_method.unwrap_or_default();
                requested.link(request_uri, method, &new.link_scheme)
            }
        };
        let waiting = Waiting {
            requested,
            link,
            rotation: new.rotating_link.then(|| Rotation::new(request_path, secret())),
            dc_api,
            trust_anchors: new.trust_anchors,
            policy: asked.policy.clone(),
            record: new.record,
            recording: None,
            attempts: 0,
            last: None,
        };
        Ok(Begun { id, waiting, handles })
    }

    fn return_to(&self, tenant: &Tenant, new: &NewRequest) -> Result<Option<Url>, RequestFault> {
        if new.browser_session.as_ref().is_some_and(|one| !one.is_long_enough()) {
            return Err(RequestFault::BrowserSession);
        }
        let Some(same_device) = &new.same_device else { return Ok(None) };
        let own = self.url(&format!("{}/return", tenant.id));
        let url = match &same_device.redirect_uri {
            None => own.clone(),
            Some(text) => Url::parse(text).map_err(|_| RequestFault::RedirectUri)?,
        };
        // RFC 9700 §4.1: no script, no credentials that disguise the host, a known origin
        if !self.transport().allows(&url) || url.fragment().is_some() {
            return Err(RequestFault::RedirectUri);
        }
        let mut allowed = tenant.return_origins.iter().chain([&self.environment().base_url]);
        if !allowed.any(|origin| origin.origin() == url.origin()) {
            return Err(RequestFault::RedirectUri);
        }
        // OID4VP 1.0 §13.3: the browser that comes back is the one that began
        if url.path() == own.path() && url.origin() == own.origin() && new.browser_session.is_none()
        {
            return Err(RequestFault::BrowserSessionMissing);
        }
        Ok(Some(url))
    }

    fn check_link(&self, new: &NewRequest) -> Result<(), RequestFault> {
        match &new.link_scheme {
            LinkScheme::Endpoint(url) if !self.transport().allows(url) => {
                return Err(RequestFault::LinkScheme);
            }
            _ => {}
        }
        let by_value = new.client_id_prefix == ClientIdChoice::RedirectUri;
        if by_value && new.request_uri_method.is_some() {
            return Err(RequestFault::NothingToFetch);
        }
        if by_value && new.rotating_link {
            return Err(RequestFault::NothingToRotate);
        }
        Ok(())
    }
}

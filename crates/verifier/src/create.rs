//! An integrator asks: the request waits from now on under two unguessable paths.

use jiff::{SignedDuration, Timestamp};
use lanyard_core::trust::x509::{ChainError, TrustAnchors};
use lanyard_oid4vp::{
    ClientId,
    dc_api::{DcApiAsk, NoDeviceRequest},
    dcql::{Authority, DcqlError, DcqlQuery, RequestedFormat},
    request::{LinkScheme, RequestUriMethod, ResponseMode, VerifierInfo},
    transaction::{TransactionData, TransactionError},
    verifier::{Ask, Requested},
};
use lanyard_store::{
    CallAnswer, HandleKind, NewEvent, NewSession, SessionId, SessionKind, TenantId,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;
use url::Url;

use crate::{
    Advice, BrowserSession, DigitalRequests, NewDcApi, Preset, RequestPolicy, RequestPolicyFault,
    VerifierError, VerifierService, lint,
    rotation::Rotation,
    sessions::{Phase, Question, State, Waiting},
    sign_in::SignIn,
    step,
    tenant::Tenant,
};

/// For how long a request waits unless told otherwise.
const LIFETIME: SignedDuration = SignedDuration::from_mins(5);
/// The shortest and the longest time a request may wait, in seconds.
const LIFETIMES: std::ops::RangeInclusive<u32> = 10..=3600;
/// For how long a request that nobody answered can still be asked about.
const LINGER: SignedDuration = SignedDuration::from_hours(1);
/// The longest purpose.
const MAX_PURPOSE: usize = 500;
/// The most further authorities for one request.
const MAX_ANCHORS: usize = 16;

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

/// Why something cannot be asked.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum RequestFault {
    /// Neither a preset nor a query, or both.
    #[error("a request has either a preset or a dcql_query")]
    Question,
    /// No such preset.
    #[error("there is no such preset")]
    UnknownPreset,
    /// The query breaks a rule.
    #[error("the dcql_query cannot be asked: {0}")]
    Query(#[from] DcqlError),
    /// No credential of the query could ever be accepted.
    #[error("the dcql_query asks for {0} that is not supported")]
    NeverSatisfied(&'static str),
    /// The purpose is longer than anyone reads.
    #[error("the purpose is longer than {MAX_PURPOSE} characters")]
    Purpose,
    /// The certificate has no DNS name that is the host of this server.
    #[error("this verifier has no DNS name to go by")]
    NoDnsName,
    /// Nobody gave this verifier an attestation.
    #[error("this verifier has no attestation to go by")]
    NoAttestation,
    /// No wallet registered this verifier.
    #[error("this verifier is not registered with wallets")]
    NotRegistered,
    /// The transactions break a rule of their type.
    #[error("transaction_data cannot be asked for: {0}")]
    Transaction(#[from] TransactionError),
    /// What others say about the verifier is of another form.
    #[error("verifier_info is not a list of attestations")]
    VerifierInfo,
    /// OID4VP 1.0 §5.9.3: a `redirect_uri` client cannot sign, so there is nothing to fetch.
    #[error("request_uri_method is not for the client_id_prefix redirect_uri")]
    NothingToFetch,
    /// What has the whole request in it cannot change while it is shown.
    #[error("a link of the client_id_prefix redirect_uri does not rotate")]
    NothingToRotate,
    /// The page that would ask is none of this verifier's.
    #[error("dc_api.origins has an origin that is not allowed to ask")]
    Origin,
    /// Only requests that are not signed can be made in no name.
    #[error(
        "dc_api.protocols has a signed protocol; the client_id_prefix redirect_uri cannot sign"
    )]
    CannotSign,
    /// `org-iso-mdoc` for what a DeviceRequest cannot say.
    #[error("the question cannot be asked by org-iso-mdoc: {0}")]
    DeviceRequest(NoDeviceRequest),
    /// The redirect URI leads elsewhere, or is no web page.
    #[error("redirect_uri is not an https page of an allowed origin")]
    RedirectUri,
    /// Nothing would tell the returning browser from another one.
    #[error("this server's own return page needs a browser_session")]
    BrowserSessionMissing,
    /// The browser session could be guessed.
    #[error("browser_session has less than 128 bits")]
    BrowserSession,
    /// The wallet's endpoint is no web page.
    #[error("link_scheme is not an https endpoint")]
    LinkScheme,
    /// Too many authorities.
    #[error("there are more than {MAX_ANCHORS} trust_anchors")]
    TooManyTrustAnchors,
    /// A trust anchor that cannot be parsed.
    #[error("trust_anchors cannot be read: {0}")]
    TrustAnchors(#[from] ChainError),
    /// The policy cannot be used for the query.
    #[error("policy: {0}")]
    Policy(#[from] RequestPolicyFault),
    /// The preset has a policy of its own, and so has the request.
    #[error("the preset {0} has a policy of its own")]
    PolicyOfPreset(String),
    /// A saved request whose name is no name.
    #[error("id is not 1 to 48 lower-case letters, digits, '-' and '_'")]
    SavedName,
    /// A saved request with a name that the configuration has given.
    #[error("the preset {0} is in the server's configuration")]
    Configured(String),
    /// More saved requests than are kept.
    #[error("there are too many saved requests")]
    TooManySaved,
    /// The request would wait too short or too long.
    #[error("expires_in is not from 10 to 3600 seconds")]
    ExpiresIn,
}

impl RequestFault {
    /// The stable reason code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Question => "question_missing",
            Self::UnknownPreset => "unknown_preset",
            Self::Query(_) => "invalid_query",
            Self::NeverSatisfied(_) => "query_never_satisfied",
            Self::Purpose => "invalid_purpose",
            Self::NoDnsName => "no_dns_name",
            Self::NoAttestation => "no_verifier_attestation",
            Self::NotRegistered => "not_registered",
            Self::Transaction(_) => "invalid_transaction_data",
            Self::VerifierInfo => "invalid_verifier_info",
            Self::NothingToFetch => "invalid_request_uri_method",
            Self::NothingToRotate => "invalid_rotating_link",
            Self::Origin => "origin_not_allowed",
            Self::CannotSign | Self::DeviceRequest(_) => "invalid_protocols",
            Self::RedirectUri => "invalid_redirect_uri",
            Self::BrowserSessionMissing | Self::BrowserSession => "invalid_browser_session",
            Self::LinkScheme => "invalid_link_scheme",
            Self::TooManyTrustAnchors | Self::TrustAnchors(_) => "invalid_trust_anchors",
            Self::Policy(_) | Self::PolicyOfPreset(_) => "invalid_policy",
            Self::SavedName => "invalid_id",
            Self::Configured(_) => "preset_configured",
            Self::TooManySaved => "too_many_presets",
            Self::ExpiresIn => "invalid_expires_in",
        }
    }
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
        let preset = match &new.preset {
            Some(name) => self.preset(tenant, name).await?,
            None => None,
        };
        let (query, mut question) = question(preset.as_ref(), &new, now)?;
        let policy = policy(preset.as_ref(), &new, &query)?;
        let warnings = lint(&query);
        question.expires_at = lifetime(&new, now)?;
        let return_to = self.return_to(tenant, &new)?;
        self.check_link(&new)?;
        check_anchors(&new.trust_anchors)?;
        let transactions = TransactionData::all_from_values(&new.transaction_data, &query)
            .map_err(RequestFault::from)?;
        let verifier_info = match &new.verifier_info {
            None => Vec::new(),
            Some(list) => VerifierInfo::list_from_value(list, &query)
                .map_err(|_| RequestFault::VerifierInfo)?,
        };
        let browser = new.browser_session.as_ref().map(|one| one.digest(self.provider()));

        // 2. the request, under two paths that nobody can guess
        let mut random = [0; 10];
        self.provider().fill(&mut random);
        let id = SessionId::new(now, random);
        let secret = || self.sessions().secret(tenant, id);
        let (request_path, response_path) = (secret(), secret());
        let response_uri = self.url(&format!("{}/responses/{response_path}", tenant.id));
        let dc_api = match &new.dc_api {
            None => None,
            Some(dc_api) => Some(self.asked_by_api(
                tenant,
                dc_api,
                new.client_id_prefix,
                DcApiAsk {
                    origins: Vec::new(),
                    query: query.clone(),
                    encrypted: new.response_mode == ResponseMode::DirectPostJwt,
                    expires_at: question.expires_at,
                    transactions: Vec::clone(&transactions),
                    verifier_info: verifier_info.clone(),
                },
            )?),
        };
        let ask = Ask {
            client_id: client_id(tenant, new.client_id_prefix, &response_uri)?,
            transactions,
            verifier_info,
            response_uri,
            response_mode: new.response_mode,
            query,
            expires_at: question.expires_at,
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

        // 3. kept, sealed
        let expires_at = question.expires_at;
        let rotation = new.rotating_link.then(|| Rotation::new(request_path, secret()));
        let waiting = Waiting {
            requested,
            link,
            rotation,
            dc_api,
            trust_anchors: new.trust_anchors,
            policy,
            record: new.record,
            recording: None,
            attempts: 0,
            last: None,
        };
        let (link, link_expires_at) = waiting.current_link(now, self.provider());
        let dc_api = match &waiting.dc_api {
            Some(asked) => Some(self.digital_requests(tenant, asked, now).await?),
            None => None,
        };
        let state = State {
            question,
            browser,
            return_to,
            sign_in,
            phase: Phase::Waiting(Box::new(waiting)),
        };
        let event = NewEvent::done(now, step::REQUEST_CREATED);
        let created = RequestCreated { id, link, link_expires_at, dc_api, expires_at, warnings };
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
        self.sessions().store.insert(session).await?;
        self.sessions().keep_begun(id, state);
        self.announce(tenant, id, &event);
        Ok(created)
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
        let mut allowed = tenant.return_origins.iter().chain([self.base_url()]);
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

fn question(
    preset: Option<&Preset>,
    new: &NewRequest,
    expires_at: Timestamp,
) -> Result<(DcqlQuery, Question), RequestFault> {
    let (query, preset) = match (&new.preset, &new.dcql_query) {
        (Some(_), None) => {
            let preset = preset.ok_or(RequestFault::UnknownPreset)?;
            (preset.query.clone(), Some(preset))
        }
        (None, Some(query)) => (DcqlQuery::from_value(query)?, None),
        (Some(_), Some(_)) | (None, None) => return Err(RequestFault::Question),
    };
    check_possible(&query)?;
    if new.purpose.as_ref().is_some_and(|purpose| purpose.chars().count() > MAX_PURPOSE) {
        return Err(RequestFault::Purpose);
    }
    let of_preset = preset.map(|preset| preset.purpose.clone());
    let question = Question {
        preset: preset.map(|preset| preset.id.clone()),
        title: preset.map(|preset| preset.title.clone()),
        purpose: new.purpose.clone().or(of_preset),
        expires_at,
    };
    Ok((query, question))
}

/// What is demanded, as it is kept; it fits the query.
fn policy(
    preset: Option<&Preset>,
    new: &NewRequest,
    query: &DcqlQuery,
) -> Result<Option<Value>, RequestFault> {
    let of_preset = preset.map(|preset| &preset.policy).filter(|policy| !policy.is_empty());
    let policy = match (of_preset, &new.policy) {
        (Some(_), Some(_)) => {
            let name = preset.map(|preset| preset.id.clone()).unwrap_or_default();
            return Err(RequestFault::PolicyOfPreset(name));
        }
        (Some(policy), None) | (None, Some(policy)) => policy,
        (None, None) => return Ok(None),
    };
    policy.fit(query)?;
    Ok(Some(serde_json::to_value(policy).expect("a policy is text, numbers, lists and maps")))
}

/// What can never be satisfied is not asked.
pub(crate) fn check_possible(query: &DcqlQuery) -> Result<(), RequestFault> {
    for credential in query.credentials() {
        if matches!(credential.format, RequestedFormat::Unsupported { .. }) {
            return Err(RequestFault::NeverSatisfied("a format"));
        }
        let authorities = &credential.trusted_authorities;
        let foreign = |one: &Authority| matches!(one, Authority::Unsupported { .. });
        if !authorities.is_empty() && authorities.iter().all(foreign) {
            return Err(RequestFault::NeverSatisfied("a type of trusted authority"));
        }
    }
    Ok(())
}

fn lifetime(new: &NewRequest, now: Timestamp) -> Result<Timestamp, RequestFault> {
    match new.expires_in {
        None => Ok(now + LIFETIME),
        Some(seconds) if LIFETIMES.contains(&seconds) => {
            Ok(now + SignedDuration::from_secs(i64::from(seconds)))
        }
        Some(_) => Err(RequestFault::ExpiresIn),
    }
}

fn check_anchors(anchors: &[String]) -> Result<(), RequestFault> {
    if anchors.len() > MAX_ANCHORS {
        return Err(RequestFault::TooManyTrustAnchors);
    }
    anchors.iter().try_for_each(|pem| TrustAnchors::from_pem(pem).map(drop))?;
    Ok(())
}

fn client_id(
    tenant: &Tenant,
    choice: ClientIdChoice,
    response_uri: &Url,
) -> Result<ClientId, RequestFault> {
    match choice {
        ClientIdChoice::RedirectUri => Ok(ClientId::redirect_uri(response_uri)),
        choice => Ok(tenant.names.chosen(choice)?.client_id.clone()),
    }
}

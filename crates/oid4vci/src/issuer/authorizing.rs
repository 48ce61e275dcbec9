//! From the pushed request to the authorization code (OID4VCI 1.0 §5, RFC 9126, RFC 6749 §4.1).
//!
//! [`Pushed`] → [`Authorizing`] (a browser came, its holder logs in and decides) → [`Granted`].

use jiff::{SignedDuration, Timestamp};
use lanyard_core::json::Object;
use serde::{Deserialize, Serialize};

use super::{
    Ended, FoundClaims, Granted, Issuer, Left, Offered, Readiness, Refused, Sender, UpstreamLogin,
    WaitingClaims, claims::Awaited, granted::Claims,
};
use crate::{
    AuthorizationCode, CredentialConfigurationId, LoginState, RequestUri, Secrets,
    authorization::{AuthorizationError, AuthorizationForm, AuthorizationRequest, PushedResponse},
};

/// How long a holder may take to log in and to decide.
const LOGIN_LIFE: SignedDuration = SignedDuration::from_mins(10);

/// How many wrong passwords end it.
const LOGIN_TRIES: u8 = 5;

/// Names a holder at the issuer: whoever logged in.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HolderId(String);

impl HolderId {
    /// Takes a name as the login gives it.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The browser that a holder decides in, known by a digest of its cookie.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BrowserDigest(String);

impl BrowserDigest {
    /// Takes the digest of a cookie.
    pub fn new(digest: [u8; 32]) -> Self {
        Self(lanyard_core::json::base64url(digest))
    }
}

/// An authorization request that was pushed, and that no browser has come with yet.
#[derive(Debug, Serialize, Deserialize)]
pub struct Pushed {
    request: AuthorizationRequest,
    request_uri: RequestUri,
    /// The offer that it goes on from.
    offered: Option<Offered>,
    expires_at: Timestamp,
}

/// A browser came with the request; its holder logs in and decides.
#[derive(Debug, Serialize, Deserialize)]
pub struct Authorizing {
    request: AuthorizationRequest,
    request_uri: RequestUri,
    offered: Option<Offered>,
    browser: BrowserDigest,
    holder: Option<HolderId>,
    /// The login that goes on at a login provider.
    #[serde(default)]
    upstream: Option<UpstreamLogin>,
    /// What the login provider told about the holder.
    #[serde(default)]
    profile: Option<WaitingClaims>,
    /// What the login provider calls the holder, for pages.
    #[serde(default)]
    shown: Option<String>,
    tries_left: u8,
    pushed_until: Timestamp,
    expires_at: Timestamp,
}

impl Pushed {
    /// Judges a pushed request.
    ///
    /// # Errors
    /// One [`AuthorizationError`] per rule; with an offer, the offer is left as it was.
    pub fn new(
        form: AuthorizationForm,
        sender: &Sender,
        offered: Option<Offered>,
        issuer: &Issuer,
        now: Timestamp,
    ) -> Result<Self, Refused<AuthorizationError, Option<Offered>>> {
        match judge(form, sender, offered.as_ref(), issuer, now) {
            Ok(request) => Ok(Self {
                request,
                request_uri: RequestUri::generate(&issuer.provider()),
                offered,
                expires_at: now + issuer.configuration.policy().pushed_life,
            }),
            Err(error) => Err(Refused::unchanged(error, offered)),
        }
    }

    /// With what stands for the request from another source.
    #[must_use]
    pub fn led_by(mut self, secrets: &dyn Secrets) -> Self {
        self.request_uri = RequestUri::generate(secrets);
        self
    }

    /// What stands for the request, for the handle that leads to this session.
    pub const fn request_uri(&self) -> &RequestUri {
        &self.request_uri
    }

    /// From this moment on `request_uri` is worth nothing.
    pub const fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// The offer that it goes on from, for another attempt or another grant.
    pub fn into_offered(self) -> Option<Offered> {
        self.offered
    }

    /// The answer to the client (RFC 9126 §2.2).
    pub fn response(&self, now: Timestamp) -> PushedResponse {
        let life = self.expires_at.duration_since(now).as_secs().max(0);
        PushedResponse { request_uri: self.request_uri.clone(), expires_in: life.unsigned_abs() }
    }

    /// A browser comes with the request.
    ///
    /// # Errors
    /// [`AuthorizationError::RequestUri`] for another client's request, and for one that came too late.
    pub fn open(
        self,
        client: &str,
        browser: BrowserDigest,
        now: Timestamp,
    ) -> Result<Authorizing, Refused<AuthorizationError, Self>> {
        // RFC 9126 §2.2, §4: bound to the client that pushed it, and short-lived
        if self.request.client.as_str() != client || now >= self.expires_at {
            return Err(Refused::unchanged(AuthorizationError::RequestUri, self));
        }
        Ok(Authorizing {
            request: self.request,
            request_uri: self.request_uri,
            offered: self.offered,
            browser,
            holder: None,
            upstream: None,
            profile: None,
            shown: None,
            tries_left: LOGIN_TRIES,
            pushed_until: self.expires_at,
            expires_at: now + LOGIN_LIFE,
        })
    }

    /// The request.
    pub const fn request(&self) -> &AuthorizationRequest {
        &self.request
    }

    /// The offer that it goes on from.
    pub const fn offered(&self) -> Option<&Offered> {
        self.offered.as_ref()
    }

    pub(super) fn ready(mut self, readiness: Readiness) -> Self {
        self.offered = self.offered.map(|offered| offered.ready(readiness));
        self
    }
}

impl Authorizing {
    /// The request.
    pub const fn request(&self) -> &AuthorizationRequest {
        &self.request
    }

    /// What stands for the request; used up by the decision and not before.
    pub const fn request_uri(&self) -> &RequestUri {
        &self.request_uri
    }

    /// From this moment on nothing can be decided any more.
    pub const fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// Who logged in.
    pub const fn holder(&self) -> Option<&HolderId> {
        self.holder.as_ref()
    }

    /// The offer that it goes on from, for another attempt or another grant.
    pub fn into_offered(self) -> Option<Offered> {
        self.offered
    }

    /// The same browser comes again, or another one while `request_uri` is good: then from the beginning.
    ///
    /// # Errors
    /// [`AuthorizationError::RequestUri`].
    pub fn open(
        mut self,
        client: &str,
        browser: BrowserDigest,
        now: Timestamp,
    ) -> Result<Self, Refused<AuthorizationError, Self>> {
        let known = self.browser == browser;
        let good = now < if known { self.expires_at } else { self.pushed_until };
        if self.request.client.as_str() != client || !good {
            return Err(Refused::unchanged(AuthorizationError::RequestUri, self));
        }
        if !known {
            self.browser = browser;
            self.holder = None;
            self.upstream = None;
            self.profile = None;
            self.shown = None;
        }
        Ok(self)
    }

    /// The browser goes to a login provider; whatever it took there before is worth nothing any more.
    #[must_use]
    pub fn leave(mut self, login: UpstreamLogin) -> Self {
        self.upstream = Some(login);
        self
    }

    /// The login that this `state` belongs to, if it goes on in this browser and in time.
    pub fn upstream(
        &self,
        state: &LoginState,
        browser: &BrowserDigest,
        now: Timestamp,
    ) -> Option<&UpstreamLogin> {
        let login = self.upstream.as_ref()?;
        // RFC 6749 §10.12, RFC 9700 §4.7: the state is bound to the browser that left
        let own = self.is_in(browser) && now < self.expires_at && login.state() == state;
        own.then_some(login)
    }

    /// The login provider has answered: its answer is worth nothing a second time.
    #[must_use]
    pub fn back(mut self) -> Self {
        self.upstream = None;
        self
    }

    /// What the login provider told about the holder, and what it calls them.
    #[must_use]
    pub fn told(mut self, profile: &Object, shown: &str) -> Self {
        self.profile = Some(WaitingClaims::new(profile));
        self.shown = Some(shown.to_owned());
        self
    }

    /// What the holder is called on pages, once they have logged in.
    pub fn shown(&self) -> Option<&str> {
        let holder = self.holder.as_ref()?;
        Some(self.shown.as_deref().unwrap_or(holder.as_str()))
    }

    /// The same, taken out.
    pub fn profile(&self) -> Option<Object> {
        self.profile.as_ref().map(WaitingClaims::to_object)
    }

    pub(super) fn ready(mut self, readiness: Readiness) -> Self {
        self.offered = self.offered.map(|offered| offered.ready(readiness));
        self
    }

    /// Whether it is this browser that decides.
    pub fn is_in(&self, browser: &BrowserDigest) -> bool {
        self.browser == *browser
    }

    /// A holder logged in.
    ///
    /// # Errors
    /// [`AuthorizationError::OtherHolder`] when the offer is for somebody else (§5.1.3: `issuer_state` is
    /// proof of nothing, so an offer names whom it is for).
    pub fn log_in(mut self, holder: HolderId) -> Result<Self, Refused<AuthorizationError, Self>> {
        let named = self.offered.as_ref().and_then(Offered::holder);
        if named.is_some_and(|named| *named != holder) {
            return Err(Refused::unchanged(AuthorizationError::OtherHolder, self));
        }
        self.holder = Some(holder);
        Ok(self)
    }

    /// A name and a password did not belong together: one try less.
    ///
    /// # Errors
    /// The state as it was when there was no try left: it has to be denied.
    pub fn miss(mut self) -> Result<Self, Box<Self>> {
        self.tries_left = self.tries_left.saturating_sub(1);
        if self.tries_left == 0 { Err(Box::new(self)) } else { Ok(self) }
    }

    /// The offer that it goes on from.
    pub const fn offered(&self) -> Option<&Offered> {
        self.offered.as_ref()
    }

    /// The configurations whose claims the offer does not bring, so that they have to be looked up.
    pub fn claims_wanted(&self) -> Vec<CredentialConfigurationId> {
        let brought = |id: &CredentialConfigurationId| {
            self.offered.as_ref().is_some_and(|offered| offered.claims_of(id).is_some())
        };
        let wanted = self.request.wanted.iter().map(|wanted| &wanted.configuration);
        wanted.filter(|id| !brought(id)).cloned().collect()
    }

    /// The holder agreed: with the claims that were looked up, there is a code.
    ///
    /// What there are no claims for is not granted (RFC 6749 §3.3: a server may grant less).
    ///
    /// # Errors
    /// [`AuthorizationError::NothingToIssue`] when nothing is left, [`AuthorizationError::Denied`] when
    /// nobody has logged in.
    pub fn grant(
        self,
        found: Vec<(CredentialConfigurationId, FoundClaims)>,
        issuer: &Issuer,
        now: Timestamp,
        secrets: &dyn Secrets,
    ) -> Result<Granted, Refused<AuthorizationError, Self>> {
        let Some(holder) = self.holder.clone() else {
            return Err(Refused::unchanged(AuthorizationError::Denied, self));
        };
        let fits = |id: &CredentialConfigurationId, claims: &Object| {
            let configuration = issuer.configuration.credential(id);
            configuration.is_some_and(|one| one.accept_claims(claims).is_ok())
        };
        let readiness = self.offered.as_ref().map(Offered::readiness).unwrap_or_default();
        let mut found = found;
        let mut due = Vec::new();
        for wanted in &self.request.wanted {
            let offered = self.offered.as_ref();
            let claims = offered.and_then(|offered| offered.claims_of(&wanted.configuration));
            let claims = match claims {
                Some(claims) => Some(Claims::Offered(claims.clone())),
                None => {
                    let place = found.iter().position(|(id, _)| *id == wanted.configuration);
                    place.map(|place| found.swap_remove(place)).and_then(
                        |(id, found)| match found {
                            FoundClaims::Lasting(claims) => fits(&id, &claims)
                                .then(|| Claims::LookedUp(WaitingClaims::new(&claims))),
                            FoundClaims::Passing(claims) => fits(&id, &claims)
                                .then(|| Claims::Told(WaitingClaims::new(&claims))),
                            FoundClaims::Later => {
                                let (holder, profile) = (holder.clone(), self.profile.clone());
                                Some(Claims::Awaited(Awaited { holder, profile }))
                            }
                        },
                    )
                }
            };
            due.extend(claims.map(|claims| (wanted.clone(), claims)));
        }
        if due.is_empty() {
            return Err(Refused::unchanged(AuthorizationError::NothingToIssue, self));
        }
        let life = issuer.configuration.policy().code_life;
        let code = AuthorizationCode::generate(secrets);
        Ok(Granted::new(self.request, code, holder, due, now + life).ready(readiness))
    }

    /// The holder said no, or what they wanted cannot be.
    pub fn deny(self) -> (AuthorizationRequest, Ended) {
        (self.request, Ended::Denied)
    }
}

fn judge(
    form: AuthorizationForm,
    sender: &Sender,
    offered: Option<&Offered>,
    issuer: &Issuer,
    now: Timestamp,
) -> Result<AuthorizationRequest, AuthorizationError> {
    let rules = &issuer.rules;
    if !rules.offers_code_flow() {
        return Err(AuthorizationError::NotOffered);
    }
    // 1. a registered client, authenticated as it is registered
    let client = sender.client.id().and_then(|id| rules.client(id));
    let client = client.ok_or(AuthorizationError::ClientUnknown)?;
    // 2. RFC 9449 §10: the code is bound to the key in dpop_jkt, which is that of the proof if both are there
    let key = match (form.key(), sender.key()) {
        (Some(named), Some(proven)) if named != *proven => {
            return Err(AuthorizationError::OtherKey);
        }
        (Some(key), _) => Some(key),
        (None, proven) => proven.cloned(),
    };
    // 3. an offer that was named has to be there, to be for this grant, and to be good still
    let from_offer = form.issuer_state().is_some();
    let is_good = |offered: &Offered| offered.takes_login() && now < offered.expires_at();
    if from_offer && !offered.is_some_and(is_good) {
        return Err(AuthorizationError::IssuerState);
    }
    // 4. everything else
    let takes = |asked: &str| client.redirect_uris.iter().any(|one| one.takes(asked));
    let mut request = form.judge(client.id.clone(), key, takes, &issuer.configuration)?;
    // 5. what goes on from an offer asks for what it offers
    if let Some(offered) = offered.filter(|_| from_offer) {
        let on_offer =
            |id: &CredentialConfigurationId| offered.configurations().any(|one| one == id);
        request.wanted.retain(|wanted| on_offer(&wanted.configuration));
        if request.wanted.is_empty() {
            return Err(AuthorizationError::IssuerState);
        }
    }
    Ok(request)
}

/// The state of a request that was refused, where there was an offer.
impl Refused<AuthorizationError, Option<Offered>> {
    /// The offer as it was.
    pub fn offered(self) -> Option<Offered> {
        match *self.left {
            Left::Unchanged(offered) | Left::Changed(offered) => offered,
            Left::Ended(_) => None,
        }
    }
}

//! A browser comes with a pushed request; its holder logs in and decides (RFC 6749 §4.1.1).

use jiff::Timestamp;
use lanyard_oid4vci::{
    CredentialConfigurationId, RequestUri,
    authorization::{AuthorizationError, AuthorizationRequest, answer_url},
    issuer::{
        Authorizing, BrowserDigest, FoundClaims, HolderId, Issuance, Left, Refused, UpstreamLogin,
    },
};
use lanyard_store::{HandleKind, NewEvent, Next, Session};
use url::Url;

use super::{
    AskedHolder, Consent, LoginSettings, View,
    page::{ConsentPage, Elsewhere, LoginPage, Request, StoppedPage, stylesheet},
};
use crate::{
    IssuerError, IssuerService, UpstreamError,
    http::Failure,
    sessions::{Found, OfferPlace, State, TRIES},
    step,
    tenant::{Edition, Tenant},
};

/// One request to the authorization endpoint.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) client: String,
    pub(crate) request_uri: RequestUri,
    pub(crate) browser: BrowserDigest,
    pub(crate) decision: Decision,
}

/// What the browser brings.
#[derive(Clone)]
pub(crate) enum Decision {
    /// It comes, or comes again.
    Open,
    /// A name and a password.
    LogIn { name: String, password: String },
    /// The holder wants to log in at the login provider.
    Leave,
    /// The holder agrees.
    Allow,
    /// The holder does not.
    Deny,
}

/// What the browser gets.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// A page.
    Show(View),
    /// The way back to the client.
    Redirect(Url),
}

/// A session in which a holder decides.
pub(super) struct LoginSession {
    pub(super) session: Session,
    pub(super) place: Option<OfferPlace>,
    /// The credential types that it began with.
    pub(super) edition: Edition,
    pub(super) now: Timestamp,
}

/// What a decision leaves behind and shows.
pub(super) struct Decided {
    pub(super) next: Option<(Next, NewEvent)>,
    pub(super) outcome: Outcome,
}

impl IssuerService {
    /// One step at the authorization endpoint; what it changes is durable before the browser hears of it.
    pub(crate) async fn authorize(&self, tenant: &Tenant, step: Step) -> Result<Outcome, Failure> {
        for _ in 0..TRIES {
            if let Some(outcome) = self.try_to_authorize(tenant, &step).await? {
                return Ok(outcome);
            }
        }
        Err(IssuerError::Contended.into())
    }

    /// `None` when another request changed the session in between: nothing was written.
    async fn try_to_authorize(
        &self,
        tenant: &Tenant,
        step: &Step,
    ) -> Result<Option<Outcome>, Failure> {
        if tenant.login.is_none() {
            return Err(Failure::NotFound);
        }
        let now = self.now();
        // 1. the request_uri leads to a request that nobody has decided yet
        let handle = self.pushed_handle(tenant, &step.request_uri);
        let Found::Live(held) = self.sessions().take(tenant, &handle, now).await? else {
            return Ok(Some(stopped(tenant, AuthorizationError::RequestUri)));
        };
        let edition = held.state.edition;
        let tenant = &*self.tenant_at_edition(tenant, edition);
        let login = tenant.login.as_ref().ok_or(Failure::NotFound)?;
        let begun = LoginSession { session: held.session, place: held.state.place, edition, now };
        let is_new = match &held.state.issuance {
            Issuance::Authorizing(authorizing) => !authorizing.is_in(&step.browser),
            _ => true,
        };
        let opened = match held.state.issuance {
            Issuance::Pushed(pushed) => {
                let answer = pushed.request().clone();
                let opened = pushed.open(&step.client, step.browser.clone(), now);
                opened.map_err(|refused| (refused.error, answer))
            }
            Issuance::Authorizing(authorizing) => {
                let answer = authorizing.request().clone();
                let opened = authorizing.open(&step.client, step.browser.clone(), now);
                opened.map_err(|refused| (refused.error, answer))
            }
            _ => return Ok(Some(stopped(tenant, AuthorizationError::RequestUri))),
        };
        let authorizing = match opened {
            Ok(authorizing) => authorizing,
            Err((error, request)) => {
                self.trace_refusal(tenant, begun.session.id, now, error.reason()).await;
                return Ok(Some(self.refused_open(tenant, step, error, &request)));
            }
        };
        // 2. the decision
        let left =
            self.decide(tenant, login, &step.decision, (authorizing, is_new), &begun).await?;
        // 3. durable first
        let Some((next, event)) = left.next else { return Ok(Some(left.outcome)) };
        let is_done = self.step(tenant, &begun.session, next, Some(event)).await?;
        Ok(is_done.then_some(left.outcome))
    }

    async fn decide(
        &self,
        tenant: &Tenant,
        login: &LoginSettings,
        decision: &Decision,
        (authorizing, is_new): (Authorizing, bool),
        begun: &LoginSession,
    ) -> Result<Decided, Failure> {
        match (&login.consent, decision) {
            (Consent::DangerNever, _) => Ok(self.deny(tenant, authorizing, begun)),
            (Consent::DangerAlways(holder), _) => match authorizing.log_in(holder.clone()) {
                Ok(authorizing) => self.grant(tenant, login, authorizing, begun).await,
                Err(refused) => Ok(self.turn_down(tenant, refused, begun)),
            },
            // a browser that comes for the first time sees the page first, whatever it brings
            (Consent::Ask, _) if is_new => {
                let outcome = Outcome::Show(page(tenant, login, &authorizing, None));
                let event = NewEvent::done(begun.now, step::AUTHORIZATION_OPENED);
                let next = Some((self.authorizing(tenant, begun, authorizing), event));
                Ok(Decided { next, outcome })
            }
            (Consent::Ask, Decision::LogIn { name, password }) => {
                let Some(logins) = login.ways.logins() else {
                    return Ok(self.again(tenant, login, &authorizing));
                };
                let found = logins.log_in(name, password).await;
                match found.map_err(|_| IssuerError::DirectoryUnavailable)? {
                    Some(holder) => Ok(self.logged_in(tenant, login, authorizing, holder, begun)),
                    None => Ok(self.missed(tenant, login, authorizing, begun)),
                }
            }
            (Consent::Ask, Decision::Allow) if authorizing.holder().is_some() => {
                self.grant(tenant, login, authorizing, begun).await
            }
            (Consent::Ask, Decision::Deny) => Ok(self.deny(tenant, authorizing, begun)),
            (Consent::Ask, Decision::Leave) => {
                Ok(self.leave(tenant, login, authorizing, begun).await)
            }
            (Consent::Ask, Decision::Open | Decision::Allow) => {
                Ok(self.again(tenant, login, &authorizing))
            }
        }
    }

    /// The same page again: nothing has changed.
    fn again(&self, tenant: &Tenant, login: &LoginSettings, authorizing: &Authorizing) -> Decided {
        let outcome = Outcome::Show(page(tenant, login, authorizing, None));
        Decided { next: None, outcome }
    }

    /// The browser goes to the login provider, with what has to come back.
    async fn leave(
        &self,
        tenant: &Tenant,
        login: &LoginSettings,
        authorizing: Authorizing,
        begun: &LoginSession,
    ) -> Decided {
        let Some(upstream) = login.ways.upstream() else {
            return self.again(tenant, login, &authorizing);
        };
        let leaving = UpstreamLogin::generate(self.provider());
        match upstream.login_url(begun.session.id, &leaving, begun.now).await {
            Ok(url) => {
                let event = NewEvent::done(begun.now, step::LOGIN_ELSEWHERE);
                let next = self.authorizing(tenant, begun, authorizing.leave(leaving));
                Decided { next: Some((next, event)), outcome: Outcome::Redirect(url) }
            }
            Err(error) => {
                let problem = Some(error.to_string());
                let outcome = Outcome::Show(page(tenant, login, &authorizing, problem));
                let event = NewEvent::refused(begun.now, step::REFUSED, error.code());
                Decided {
                    next: Some((self.authorizing(tenant, begun, authorizing), event)),
                    outcome,
                }
            }
        }
    }

    fn logged_in(
        &self,
        tenant: &Tenant,
        login: &LoginSettings,
        authorizing: Authorizing,
        holder: HolderId,
        begun: &LoginSession,
    ) -> Decided {
        match authorizing.log_in(holder) {
            Ok(authorizing) => {
                let outcome = Outcome::Show(page(tenant, login, &authorizing, None));
                let event = NewEvent::done(begun.now, step::HOLDER_LOGGED_IN);
                Decided {
                    next: Some((self.authorizing(tenant, begun, authorizing), event)),
                    outcome,
                }
            }
            Err(refused) => self.turn_down(tenant, refused, begun),
        }
    }

    /// A wrong password costs a try; the last one ends it.
    fn missed(
        &self,
        tenant: &Tenant,
        login: &LoginSettings,
        authorizing: Authorizing,
        begun: &LoginSession,
    ) -> Decided {
        match authorizing.miss() {
            Ok(authorizing) => {
                let problem = Some("That name and password do not belong together.".to_owned());
                let outcome = Outcome::Show(page(tenant, login, &authorizing, problem));
                let event = NewEvent::refused(begun.now, step::REFUSED, "password_wrong");
                Decided {
                    next: Some((self.authorizing(tenant, begun, authorizing), event)),
                    outcome,
                }
            }
            Err(authorizing) => self.deny(tenant, *authorizing, begun),
        }
    }

    async fn grant(
        &self,
        tenant: &Tenant,
        login: &LoginSettings,
        authorizing: Authorizing,
        begun: &LoginSession,
    ) -> Result<Decided, Failure> {
        let Some(holder) = authorizing.holder().cloned() else {
            return Ok(self.deny(tenant, authorizing, begun));
        };
        let wanted = authorizing.claims_wanted();
        let profile = authorizing.profile();
        let asked = AskedHolder { id: &holder, profile: profile.as_ref() };
        let found = look_up_all(tenant, login, asked, wanted.iter()).await?;
        let request_uri = self.pushed_handle(tenant, authorizing.request_uri());
        let secrets = self.sessions().secrets(tenant, begun.session.id);
        let granted = match authorizing.grant(found, &tenant.issuer, begun.now, &secrets) {
            Ok(granted) => granted,
            Err(refused) => return Ok(self.turn_down(tenant, refused, begun)),
        };
        let code = granted.code().reveal();
        let code = self.sessions().handle(tenant, HandleKind::AuthorizationCode, code);
        let request = granted.request();
        let issuer = tenant.issuer.configuration().issuer();
        let answer = Ok(granted.code());
        let url = answer_url(&request.redirect_uri, answer, request.state.as_deref(), issuer);
        let outcome = redirect(tenant, url);
        let ends_at = granted.expires_at();
        // what comes of it is found, and erased, by the name that the holder logged in with
        let subject = self.logged_in_subject(tenant, Some(granted.holder()));
        let state = State::of(Issuance::Granted(granted), tenant);
        let next = self
            .next(tenant, begun.session.id, &state, (begun.now, ends_at))
            .about(subject)
            .retiring(request_uri)
            .adding(code);
        let event = NewEvent::done(begun.now, step::AUTHORIZATION_GRANTED);
        Ok(Decided { next: Some((next, event)), outcome })
    }

    /// The holder said no.
    fn deny(&self, tenant: &Tenant, authorizing: Authorizing, begun: &LoginSession) -> Decided {
        let error = AuthorizationError::Denied;
        self.turn_down(
            tenant,
            Refused { error, left: Box::new(Left::Unchanged(authorizing)) },
            begun,
        )
    }

    /// What the holder wanted cannot be: the client is told, and the request is over.
    pub(super) fn turn_down(
        &self,
        tenant: &Tenant,
        refused: Refused<AuthorizationError, Authorizing>,
        begun: &LoginSession,
    ) -> Decided {
        let error = refused.error;
        let (Left::Unchanged(authorizing) | Left::Changed(authorizing)) = *refused.left else {
            return Decided { next: None, outcome: stopped(tenant, error) };
        };
        let request_uri = self.pushed_handle(tenant, authorizing.request_uri());
        let (request, ended) = authorizing.deny();
        let times = (begun.now, self.environment().kept_until(begun.now));
        let state = State::of(Issuance::Ended(ended), tenant);
        let next = self.next(tenant, begun.session.id, &state, times).retiring(request_uri);
        let event = NewEvent::refused(begun.now, step::REFUSED, error.reason());
        Decided { next: Some((next, event)), outcome: refusal(tenant, error, &request) }
    }

    pub(super) fn authorizing(
        &self,
        tenant: &Tenant,
        begun: &LoginSession,
        authorizing: Authorizing,
    ) -> Next {
        let ends_at = authorizing.expires_at().max(begun.session.expires_at);
        let issuance = Issuance::Authorizing(authorizing);
        let state = State { place: begun.place.clone(), ..State::of(issuance, tenant) };
        self.next(tenant, begun.session.id, &state, (begun.now, ends_at))
    }

    /// RFC 6749 §4.1.2.1: back to the client, unless the request is another client's.
    fn refused_open(
        &self,
        tenant: &Tenant,
        step: &Step,
        error: AuthorizationError,
        request: &AuthorizationRequest,
    ) -> Outcome {
        if request.client.as_str() == step.client {
            return refusal(tenant, error, request);
        }
        stopped(tenant, error)
    }
}

/// What is known about a holder, for each configuration that they are to have.
pub(crate) async fn look_up_all(
    tenant: &Tenant,
    login: &LoginSettings,
    holder: AskedHolder<'_>,
    wanted: impl Iterator<Item = &CredentialConfigurationId> + Send,
) -> Result<Vec<(CredentialConfigurationId, FoundClaims)>, IssuerError> {
    let mut found = Vec::new();
    for id in wanted {
        let claims = look_up(tenant, login, holder, id).await?;
        found.extend(claims.map(|claims| (id.clone(), claims)));
    }
    Ok(found)
}

/// What is known about a holder for one configuration; none when they are to have no such credential.
pub(crate) async fn look_up(
    tenant: &Tenant,
    login: &LoginSettings,
    holder: AskedHolder<'_>,
    id: &CredentialConfigurationId,
) -> Result<Option<FoundClaims>, IssuerError> {
    let claims = login.claims.claims(holder, id).await;
    let claims = claims.map_err(|_| IssuerError::DirectoryUnavailable)?;
    if let (Some(FoundClaims::Lasting(claims) | FoundClaims::Passing(claims)), Some(configuration)) =
        (&claims, tenant.issuer.configuration().credential(id))
        && let Err(error) = configuration.accept_claims(claims)
    {
        // it names claims, never what they say
        tracing::warn!(tenant = tenant.id.as_str(), configuration = %id, %error, "claims");
    }
    Ok(claims)
}

pub(super) fn page(
    tenant: &Tenant,
    login: &LoginSettings,
    authorizing: &Authorizing,
    problem: Option<String>,
) -> View {
    let request = Request::of(tenant, login, authorizing);
    match authorizing.shown() {
        Some(holder) => View::Consent(ConsentPage { request, holder: holder.to_owned() }),
        None => View::Login(LoginPage {
            request,
            problem,
            passwords: login.ways.logins().is_some(),
            elsewhere: Elsewhere::of(tenant, login, authorizing),
        }),
    }
}

/// A page for what cannot be told to any client.
pub(crate) fn stopped(tenant: &Tenant, error: AuthorizationError) -> Outcome {
    stop(tenant, error.to_string(), error.code())
}

/// A page for a login that cannot go on here.
pub(crate) fn stopped_with(tenant: &Tenant, error: &UpstreamError) -> Outcome {
    stop(tenant, error.to_string(), error.code())
}

fn stop(tenant: &Tenant, what: String, code: &'static str) -> Outcome {
    Outcome::Show(View::Stopped(StoppedPage { stylesheet: stylesheet(tenant), what, code }))
}

fn refusal(tenant: &Tenant, error: AuthorizationError, request: &AuthorizationRequest) -> Outcome {
    let issuer = tenant.issuer.configuration().issuer();
    let url = answer_url(&request.redirect_uri, Err(error), request.state.as_deref(), issuer);
    redirect(tenant, url)
}

fn redirect(tenant: &Tenant, url: Option<Url>) -> Outcome {
    url.map_or_else(|| stopped(tenant, AuthorizationError::RedirectUriUnknown), Outcome::Redirect)
}

/// The password is nobody's business.
impl std::fmt::Debug for Decision {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::Open => "Open",
            Self::LogIn { .. } => "LogIn",
            Self::Leave => "Leave",
            Self::Allow => "Allow",
            Self::Deny => "Deny",
        })
    }
}

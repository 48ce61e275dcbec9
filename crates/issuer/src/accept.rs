//! The wallet shows its key and gets the credential (OID4VCI 1.0 §8).

use jiff::Timestamp;
use lanyard_core::crypto::CryptoProvider;
use lanyard_oid4vci::{
    CredentialConfigurationId,
    credential::{CredentialError, CredentialRequest},
    deferred::DeferredRequest,
    encryption::{RequestBody, WantedEncryption},
    issuer::{
        Accepted, Authorized, AwaitedClaims, Issuance, Issued, IssuedCredential, Issuer, Progress,
        Refreshable, ShownToken,
    },
};
use lanyard_store::{CredentialId, Handle, IssuedRecord, NewEvent, Next, Session, SessionId};
use serde::Serialize;

use crate::{
    AskedHolder, IssuerError, IssuerService,
    access::proof_of,
    authorization::look_up,
    http::{BearerFault, Failure},
    sessions::{Found, State, TRIES},
    step,
    tenant::Tenant,
};

impl IssuerService {
    /// One credential per configuration and token at a time: whoever loses the race finds it issued.
    pub(crate) async fn accept(
        &self,
        tenant: &Tenant,
        shown: &ShownToken,
        ask: CredentialAsk<'_>,
    ) -> Result<Answer, Failure> {
        for _ in 0..TRIES {
            if let Some(response) = self.try_to_accept(tenant, shown, ask).await? {
                return Ok(response);
            }
        }
        Err(IssuerError::Contended.into())
    }

    /// `None` when another request changed the session in between: nothing was written.
    async fn try_to_accept(
        &self,
        tenant: &Tenant,
        shown: &ShownToken,
        ask: CredentialAsk<'_>,
    ) -> Result<Option<Answer>, Failure> {
        let now = self.now();
        // 1. RFC 6750 §3.1: the token leads to a session with a right to something
        let (access, found) = self.session_of_token(tenant, shown, now).await?;
        let found = match found {
            Found::Expired | Found::Absent => {
                self.begin_external_session(tenant, shown, access, now).await?
            }
            found => found,
        };
        let held = match found {
            Found::Live(held) => held,
            Found::Used(id) => return self.answer_used_token(tenant, id, shown, ask, now).await,
            Found::Expired | Found::Absent => return Err(BearerFault::invalid(shown).into()),
        };
        let tenant = &*self.tenant_at_edition(tenant, held.state.edition);
        let has_changed = tenant.edition != held.state.edition;
        let session = held.session;
        let Issuance::Authorized(authorized) = held.state.issuance else {
            return Err(BearerFault::invalid(shown).into());
        };
        if let Err(refused) = authorized.admit(shown) {
            self.trace_refusal(tenant, session.id, now, refused.reason()).await;
            return Err(BearerFault::invalid(shown).into());
        }
        let asked = match Asked::read(ask, &tenant.issuer) {
            Ok(asked) => asked,
            Err(error) => return Err(self.refuse(tenant, session.id, (error, shown), now).await),
        };
        let opened = Opened { session, authorized, has_changed, access: Some(access) };
        self.issue_and_record(tenant, opened, shown, asked, now).await
    }

    /// `None` when another request changed the session in between: nothing was written.
    async fn issue_and_record(
        &self,
        tenant: &Tenant,
        opened: Opened,
        shown: &ShownToken,
        asked: Asked,
        now: Timestamp,
    ) -> Result<Option<Answer>, Failure> {
        let Opened { session, mut authorized, has_changed, access } = opened;
        if has_changed {
            authorized.drop_unfit(&tenant.issuer);
        }
        // whoever logged in is known by the name that they log in with, unless the offer says otherwise
        let subject = self.logged_in_subject(tenant, authorized.holder());
        // 2. the step; a refusal leaves the token as good as it was
        let step = match self.issue(tenant, authorized, asked, now).await {
            // what was given out once is given again at once or not at all
            Ok(Step::Deferred(..)) if access.is_none() => {
                Err(CredentialError::AlreadyIssued.into())
            }
            Ok(Step::Denied(..)) if access.is_none() => Err(CredentialError::Denied.into()),
            step => step,
        };
        let step = match step {
            Ok(done) => done,
            Err(NotIssued::Refused(error)) => {
                return Err(self.refuse(tenant, session.id, (error, shown), now).await);
            }
            Err(NotIssued::Unavailable(error)) => return Err(error.into()),
        };
        let (answer, issued, progress) = match step {
            Step::Issued(answer, issued, progress) => (answer, *issued, *progress),
            Step::Waiting(answer, _) if shown.proof.is_none() => return Ok(Some(answer)),
            Step::Waiting(answer, authorized) => {
                // nothing has changed but that the proof was taken
                let state = State::of(Issuance::Authorized(*authorized), tenant);
                let next = self.next(tenant, session.id, &state, (now, session.expires_at));
                let next = next.seeing(proof_of(shown));
                return self.write(tenant, &session, next, (None, answer)).await;
            }
            Step::Repeated(answer, authorized) => {
                let state = State::of(Issuance::Authorized(*authorized), tenant);
                return self.repeat(tenant, &session, &state, (shown, answer), now).await;
            }
            Step::Denied(id, authorized) => {
                let opened = (&session, shown);
                return self.keep_denial(tenant, opened, &id, *authorized, now).await;
            }
            Step::Deferred(answer, authorized) => {
                let event = NewEvent::done(now, step::CREDENTIAL_DEFERRED);
                let ends_at = authorized.session_ends_at();
                let state = State::of(Issuance::Authorized(*authorized), tenant);
                let next = self.next(tenant, session.id, &state, (now, ends_at));
                let next = next.seeing(proof_of(shown));
                return self.write(tenant, &session, next, (Some(event), answer)).await;
            }
        };
        // 3. that it was issued is durable before the credential leaves
        let event = issued_event(&issued, now);
        let next = self.after_issuing(tenant, &session, progress, now, access);
        let record = IssuedRecord { subject, ..self.record(&session, &issued) };
        let mut next = next.seeing(proof_of(shown));
        for status in tenant.statuses_of(record.credential, &issued.statuses) {
            next = next.with_status(status);
        }
        let next = next.with_issued(record);
        self.write(tenant, &session, next, (Some(event), answer)).await
    }

    /// Issues what is asked for, or defers it; what nobody could tell when the holder agreed is asked for again.
    async fn issue(
        &self,
        tenant: &Tenant,
        mut authorized: Authorized,
        asked: Asked,
        now: Timestamp,
    ) -> Result<Step, NotIssued> {
        if let (Some((id, holder, profile)), Some(login)) =
            (asked.awaited(&authorized, now), &tenant.login)
        {
            let holder = AskedHolder { id: &holder, profile: profile.as_ref() };
            let found = look_up(tenant, login, holder, &id).await?;
            let Some(found) = found else {
                authorized.deny(&id);
                return Ok(Step::Denied(id, Box::new(authorized)));
            };
            // claims that do not fit are as good as none: whoever tells them is told by the log
            authorized.bring(&id, &found, &tenant.issuer).ok();
        }
        let issuer = &tenant.issuer;
        let (wanted, accepted) = match asked {
            Asked::Credential(request) => {
                let wanted = request.encryption.clone();
                (wanted, authorized.accept_or_defer(request, issuer, now).await)
            }
            Asked::Deferred(request) => {
                let accepted = authorized.collect(&request.transaction, issuer, now).await;
                (request.encryption, accepted)
            }
        };
        let accepted = accepted.map_err(|refused| refused.error)?;
        Ok(Step::new(accepted, wanted.as_ref(), self.provider())?)
    }

    /// Whoever knows says that this holder is to have none (OID4VCI 1.0 §9.3): that is kept, and nobody is asked
    /// again.
    async fn keep_denial(
        &self,
        tenant: &Tenant,
        (session, shown): (&Session, &ShownToken),
        id: &CredentialConfigurationId,
        authorized: Authorized,
        now: Timestamp,
    ) -> Result<Option<Answer>, Failure> {
        let error = CredentialError::Denied;
        let event = NewEvent::refused(now, step::CREDENTIAL_DENIED, error.reason());
        let event = event.with_detail(id.as_str().to_owned());
        let state = State::of(Issuance::Authorized(authorized), tenant);
        let next = self.next(tenant, session.id, &state, (now, session.expires_at));
        match self.step(tenant, session, next.seeing(proof_of(shown)), Some(event)).await {
            Err(error) => Err(self.refuse_shown(tenant, session.id, now, error).await),
            Ok(true) => Err(Failure::Credential(error)),
            Ok(false) => Ok(None),
        }
    }

    /// A refusal, which the trail tells of.
    async fn refuse(
        &self,
        tenant: &Tenant,
        session: SessionId,
        (error, shown): (CredentialError, &ShownToken),
        now: Timestamp,
    ) -> Failure {
        self.trace_refusal(tenant, session, now, error.reason()).await;
        match error {
            CredentialError::AccessTokenExpired => BearerFault::invalid(shown).into(),
            error => Failure::Credential(error),
        }
    }

    /// Repeats an answer that may not have arrived. Nothing is signed; the repetition is recorded in the trail.
    async fn repeat(
        &self,
        tenant: &Tenant,
        session: &Session,
        state: &State,
        (shown, answer): (&ShownToken, Answer),
        now: Timestamp,
    ) -> Result<Option<Answer>, Failure> {
        let event = NewEvent::done(now, step::CREDENTIAL_REPEATED);
        let next = self.next(tenant, session.id, state, (now, session.expires_at));
        let next = next.seeing(proof_of(shown));
        self.write(tenant, session, next, (Some(event), answer)).await
    }

    /// Writes a step down, and gives its answer then; `None` when the session has changed in between.
    async fn write(
        &self,
        tenant: &Tenant,
        session: &Session,
        next: Next,
        (event, answer): (Option<NewEvent>, Answer),
    ) -> Result<Option<Answer>, Failure> {
        let now = next.now;
        match self.step(tenant, session, next, event).await {
            Err(error) => Err(self.refuse_shown(tenant, session.id, now, error).await),
            Ok(is_done) => Ok(is_done.then_some(answer)),
        }
    }

    /// A token is retired when it is replaced or has issued its last credential. Afterwards it still gets a
    /// deferred answer again, or a fresh copy where claims can be looked up.
    async fn answer_used_token(
        &self,
        tenant: &Tenant,
        id: SessionId,
        shown: &ShownToken,
        ask: CredentialAsk<'_>,
        now: Timestamp,
    ) -> Result<Option<Answer>, Failure> {
        // RFC 6750 §3.1: one that was replaced, or whose session ended, is worth nothing
        let Found::Live(held) = self.sessions().by_id(tenant, id, now).await? else {
            return Err(BearerFault::invalid(shown).into());
        };
        let (session, state) = (held.session, held.state);
        let issued = match &state.issuance {
            Issuance::Issued(issued) if issued.admit(shown).is_ok() => issued,
            _ => return Err(BearerFault::invalid(shown).into()),
        };
        let tenant = &*self.tenant_at_edition(tenant, state.edition);
        let answer = match Asked::read(ask, &tenant.issuer) {
            Ok(Asked::Credential(request)) => match issued.reopen(&request.wanted) {
                Some(authorized) => {
                    let has_changed = tenant.edition != state.edition;
                    let opened = Opened { session, authorized, has_changed, access: None };
                    let asked = Asked::Credential(request);
                    return self.issue_and_record(tenant, opened, shown, asked, now).await;
                }
                None => Err(CredentialError::AlreadyIssued),
            },
            Ok(Asked::Deferred(request)) => {
                repeat_deferred(issued, &request, tenant, now, self.provider())
            }
            Err(error) => Err(error),
        };
        match answer {
            Ok(answer) => self.repeat(tenant, &session, &state, (shown, answer), now).await,
            Err(error) => Err(self.refuse(tenant, id, (error, shown), now).await),
        }
    }

    fn after_issuing(
        &self,
        tenant: &Tenant,
        session: &Session,
        progress: Progress,
        now: Timestamp,
        access: Option<Handle>,
    ) -> Next {
        let (ends_at, done) = match &progress {
            Progress::Authorized(authorized) => (authorized.session_ends_at(), false),
            Progress::Issued(issued) => {
                let refresh = issued.refresh().map(Refreshable::expires_at);
                // a token of another server is known for as long as it is good
                let later = [refresh, issued.answers_end(), Some(session.expires_at)];
                let later = later.into_iter().flatten();
                (later.fold(self.environment().kept_until(now), Timestamp::max), true)
            }
        };
        let state = State::of(progress.into(), tenant);
        let next = self.next(tenant, session.id, &state, (now, ends_at));
        match access {
            Some(access) if done => next.retiring(access),
            _ => next,
        }
    }

    fn record(&self, session: &Session, issued: &IssuedCredential) -> IssuedRecord {
        IssuedRecord {
            credential: CredentialId::new(issued.issued_at, self.environment().name_bytes()),
            configuration: issued.configuration.as_str().to_owned(),
            issued_at: issued.issued_at,
            expires_at: Some(issued.expires_at),
            session: session.id,
            subject: None,
        }
    }
}

/// A session that an access token opened.
struct Opened {
    session: Session,
    authorized: Authorized,
    /// Whether the types have changed since it began.
    has_changed: bool,
    /// What led to it; none where everything was given out, and that is used up.
    access: Option<Handle>,
}

/// What a wallet asks for with its access token.
#[derive(Clone, Copy)]
pub(crate) enum CredentialAsk<'b> {
    /// A credential (OID4VCI 1.0 §8.2).
    Credential(RequestBody<'b>),
    /// One that was deferred (OID4VCI 1.0 §9.1).
    Deferred(RequestBody<'b>),
}

/// The same, read.
enum Asked {
    Credential(CredentialRequest),
    Deferred(DeferredRequest),
}

impl Asked {
    fn read(ask: CredentialAsk<'_>, issuer: &Issuer) -> Result<Self, CredentialError> {
        match ask {
            CredentialAsk::Credential(body) => issuer.read_request(body).map(Self::Credential),
            CredentialAsk::Deferred(body) => issuer.read_deferred(body).map(Self::Deferred),
        }
    }

    /// The claims that have to be looked up for it.
    fn awaited(&self, authorized: &Authorized, now: Timestamp) -> Option<AwaitedClaims> {
        match self {
            Self::Credential(request) => authorized.awaited_for(&request.wanted, now),
            Self::Deferred(request) => authorized.awaited_in(&request.transaction, now),
        }
    }
}

/// Why nothing is issued.
enum NotIssued {
    Refused(CredentialError),
    Unavailable(IssuerError),
}

impl From<CredentialError> for NotIssued {
    fn from(error: CredentialError) -> Self {
        Self::Refused(error)
    }
}

impl From<IssuerError> for NotIssued {
    fn from(error: IssuerError) -> Self {
        Self::Unavailable(error)
    }
}

/// A reply, as the wallet asked for it.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Plain JSON, or a compact JWE.
    pub(crate) body: String,
    pub(crate) is_encrypted: bool,
    /// Whether there is a credential in it: 200, else 202.
    pub(crate) is_final: bool,
}

impl Answer {
    fn new(
        response: &impl Serialize,
        is_final: bool,
        wanted: Option<&WantedEncryption>,
        provider: &dyn CryptoProvider,
    ) -> Result<Self, CredentialError> {
        let json = serde_json::to_string(response).expect("a response is text, lists and maps");
        let sealed = wanted.map(|wanted| wanted.seal(json.as_bytes(), provider)).transpose()?;
        let is_encrypted = sealed.is_some();
        Ok(Self { body: sealed.unwrap_or(json), is_encrypted, is_final })
    }
}

/// What comes of it.
enum Step {
    Issued(Answer, Box<IssuedCredential>, Box<Progress>),
    /// Deferred now.
    Deferred(Answer, Box<Authorized>),
    /// Deferred before: nothing has changed.
    Waiting(Answer, Box<Authorized>),
    /// Given out before: nothing has changed.
    Repeated(Answer, Box<Authorized>),
    /// A source of claims says that there is none for this holder.
    Denied(CredentialConfigurationId, Box<Authorized>),
}

impl Step {
    fn new(
        accepted: Accepted,
        wanted: Option<&WantedEncryption>,
        provider: &dyn CryptoProvider,
    ) -> Result<Self, CredentialError> {
        Ok(match accepted {
            Accepted::Issued(response, issued, progress) => {
                let answer = Answer::new(&response, true, wanted, provider)?;
                Self::Issued(answer, Box::new(issued), Box::new(progress))
            }
            Accepted::Repeated(response, authorized) => {
                let answer = Answer::new(&response, true, wanted, provider)?;
                Self::Repeated(answer, Box::new(authorized))
            }
            Accepted::Deferred { response, authorized, is_new } => {
                let answer = Answer::new(&response, false, wanted, provider)?;
                let authorized = Box::new(authorized);
                if is_new {
                    Self::Deferred(answer, authorized)
                } else {
                    Self::Waiting(answer, authorized)
                }
            }
        })
    }
}

/// What is given to a wallet that asks once everything was given out.
fn repeat_deferred(
    issued: &Issued,
    request: &DeferredRequest,
    tenant: &Tenant,
    now: Timestamp,
    provider: &dyn CryptoProvider,
) -> Result<Answer, CredentialError> {
    let response = issued.repeat(&request.transaction, &tenant.issuer, now)?;
    Answer::new(&response, true, request.encryption.as_ref(), provider)
}

fn issued_event(issued: &IssuedCredential, now: Timestamp) -> NewEvent {
    let copies = if issued.copies == 1 { "copy" } else { "copies" };
    let detail = format!("{}: {} {copies}", issued.configuration, issued.copies);
    NewEvent::done(now, step::CREDENTIAL_ISSUED).with_detail(detail)
}

//! What happened so far, for whoever may know.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use lanyard_oid4vp::{
    ClientId, ErrorCode,
    dcql::DcqlQuery,
    verifier::{Conclusion, Verdict, VerdictState},
};
use lanyard_store::{NewEvent, Next, Replaced, SessionId, TenantId};
use serde::Serialize;
use serde_json::Value;
use url::Url;

use crate::{
    BrowserSession, TrailEvent, VerifierError, VerifierService,
    respond::MOST_ATTEMPTS,
    sessions::{End, Held, Phase, TRIES},
    step,
    tenant::Tenant,
};

/// For how long a result can be read again after it was read first.
const AFTER_FIRST_READ: SignedDuration = SignedDuration::from_mins(15);

/// How far a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestState {
    /// No wallet has responded yet.
    Waiting,
    /// A wallet on the same device responded; the result is given out against the response code.
    Responded,
    /// Everything was checked, and what was asked for is there.
    Verified,
    /// The last presentation was refused; there may be attempts left.
    Refused,
    /// Nobody can tell now what the last presentation is worth; there may be attempts left.
    Undetermined,
    /// The wallet did not answer.
    Declined,
    /// The integrator took the request back.
    Cancelled,
    /// Nobody responded in time.
    Expired,
}

/// A request, and what came of it.
#[derive(Clone, PartialEq, Serialize)]
pub struct RequestStatus {
    /// The request's name for the integrator.
    pub id: SessionId,
    /// How far it is.
    pub state: RequestState,
    /// Whether a response may still come.
    pub open: bool,
    /// How many presentations may still fail.
    pub attempts_left: u8,
    /// When it was made.
    pub created_at: Timestamp,
    /// Until when a response may come.
    pub expires_at: Timestamp,
    /// The preset it was made from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preset: Option<String>,
    /// The preset's title, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Why it is asked, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// Who asks.
    pub client_id: ClientId,
    /// What is asked for.
    pub dcql_query: DcqlQuery,
    /// What is demanded beyond the tenant's policies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<Value>,
    /// The link for the wallet, while a response may still come.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<Url>,
    /// Until when the link is good, where it rotates: the next reading has another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link_expires_at: Option<Timestamp>,
    /// The verdict on the last presentation, with the claims if everything is verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// Why the wallet did not answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub declined: Option<ErrorCode>,
    /// What happened, oldest first.
    pub trail: Vec<TrailEvent>,
}

impl fmt::Debug for RequestStatus {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // the verdict has claims in it, the link the nonce
        write!(out, "RequestStatus({}, {:?}, open: {})", self.id, self.state, self.open)
    }
}

impl VerifierService {
    /// How far a request is; the first read of a result starts the time until it is erased.
    ///
    /// For the tenant's own people and programs alone: no browser is asked to prove itself here.
    ///
    /// # Errors
    /// [`VerifierError::UnknownRequest`] also once nothing of it is kept any more.
    pub async fn request_status(
        &self,
        tenant: &TenantId,
        id: SessionId,
    ) -> Result<RequestStatus, VerifierError> {
        self.read_result(self.known_tenant(tenant)?, id).await
    }

    /// How far a request is, for the browser in which it began and for no other (§14.2).
    ///
    /// # Errors
    /// [`VerifierError::UnknownRequest`] for every other browser.
    pub async fn request_status_in_browser(
        &self,
        tenant: &TenantId,
        id: SessionId,
        browser: &BrowserSession,
    ) -> Result<RequestStatus, VerifierError> {
        let tenant = self.known_tenant(tenant)?;
        self.held_in_browser(tenant, id, browser, self.now()).await?;
        self.read_result(tenant, id).await
    }

    /// The link of a request that waits, for a QR code.
    ///
    /// # Errors
    /// [`VerifierError::NotWaiting`] once no response may come any more.
    pub async fn request_link(
        &self,
        tenant: &TenantId,
        id: SessionId,
    ) -> Result<Url, VerifierError> {
        let (status, _) = self.progress(self.known_tenant(tenant)?, id).await?;
        status.link.ok_or(VerifierError::NotWaiting)
    }

    /// Takes a request back; one that has ended is erased instead, with its result.
    ///
    /// # Errors
    /// [`VerifierError::UnknownRequest`] and those of the store.
    pub async fn cancel(&self, tenant: &TenantId, id: SessionId) -> Result<(), VerifierError> {
        let tenant = self.known_tenant(tenant)?;
        for _ in 0..TRIES {
            let now = self.now();
            let Held { session, mut state } = self.sessions().by_id(tenant, id, now).await?;
            let event = NewEvent::done(now, step::CANCELLED);
            let Phase::Waiting(waiting) = &state.phase else {
                self.environment().store.delete(&tenant.id, id).await?;
                self.announce(tenant, id, &event);
                return Ok(());
            };
            state.phase = waiting.ended(End::Cancelled, false);
            let sealed = self.sessions().seal(tenant, id, &state);
            let mut next = Next::new(now, sealed, session.expires_at);
            next.events.extend(self.fetch_event(tenant, id));
            next.events.push(event.clone());
            if let Replaced::Done(_) = self.environment().store.replace(&session, next).await? {
                self.environment().live.forget_fetch(&tenant.id, id);
                self.announce(tenant, id, &event);
                return Ok(());
            }
        }
        Err(VerifierError::Contended)
    }

    /// Reads the status with the result, and notes that it was read.
    pub(crate) async fn read_result(
        &self,
        tenant: &Tenant,
        id: SessionId,
    ) -> Result<RequestStatus, VerifierError> {
        for _ in 0..TRIES {
            let now = self.now();
            let mut held = self.sessions().by_id(tenant, id, now).await?;
            let status = self.status_of(tenant, &held, now).await?;
            let Phase::Ended(ended) = &mut held.state.phase else { return Ok(status) };
            if ended.read || status.state != RequestState::Verified {
                return Ok(status);
            }
            // what was read is soon forgotten; what cannot be marked as read is not given out
            ended.read = true;
            let until = held.session.expires_at.min(now + AFTER_FIRST_READ);
            let sealed = self.sessions().seal(tenant, id, &held.state);
            let next = Next::new(now, sealed, until);
            if let Replaced::Done(_) = self.environment().store.replace(&held.session, next).await?
            {
                return Ok(status);
            }
        }
        Err(VerifierError::Contended)
    }

    /// The status without claims, for whoever follows the trail; reading it starts nothing.
    pub(crate) async fn progress(
        &self,
        tenant: &Tenant,
        id: SessionId,
    ) -> Result<(RequestStatus, Vec<TrailEvent>), VerifierError> {
        let now = self.now();
        let held = self.sessions().by_id(tenant, id, now).await?;
        let mut status = self.status_of(tenant, &held, now).await?;
        status.verdict = None;
        let trail = std::mem::take(&mut status.trail);
        Ok((status, trail))
    }

    pub(crate) async fn status_of(
        &self,
        tenant: &Tenant,
        held: &Held,
        now: Timestamp,
    ) -> Result<RequestStatus, VerifierError> {
        let Held { session, state } = held;
        let stored = self.environment().store.events(&tenant.id, session.id).await?;
        let mut trail: Vec<TrailEvent> = stored.into_iter().map(TrailEvent::from).collect();
        trail.extend(self.fetch_event(tenant, session.id).as_ref().map(TrailEvent::from));
        let question = state.question.clone();
        let blank = |client_id: &ClientId, dcql_query: &DcqlQuery| RequestStatus {
            id: session.id,
            state: RequestState::Waiting,
            open: false,
            attempts_left: 0,
            created_at: session.created_at,
            expires_at: question.expires_at,
            preset: question.preset,
            title: question.title,
            purpose: question.purpose,
            client_id: client_id.clone(),
            dcql_query: dcql_query.clone(),
            policy: None,
            link: None,
            link_expires_at: None,
            verdict: None,
            declined: None,
            trail,
        };
        Ok(match &state.phase {
            Phase::Waiting(waiting) => {
                let requested = &waiting.requested;
                let open = now < requested.expires_at();
                let (link, until) = waiting.current_link(now, self.provider());
                RequestStatus {
                    state: match &waiting.last {
                        Some(verdict) => state_of(verdict),
                        None if open => RequestState::Waiting,
                        None => RequestState::Expired,
                    },
                    open,
                    attempts_left: if open { MOST_ATTEMPTS - waiting.attempts } else { 0 },
                    link: open.then_some(link),
                    link_expires_at: until.filter(|_| open),
                    verdict: waiting.last.clone(),
                    policy: waiting.policy.clone(),
                    ..blank(requested.client_id(), requested.query())
                }
            }
            Phase::Ended(ended) => {
                let blank = RequestStatus {
                    policy: ended.policy.clone(),
                    ..blank(&ended.client_id, &ended.query)
                };
                match &ended.end {
                    _ if ended.awaits_return => {
                        RequestStatus { state: RequestState::Responded, ..blank }
                    }
                    End::Cancelled => RequestStatus { state: RequestState::Cancelled, ..blank },
                    End::Concluded(Conclusion::Declined(code)) => RequestStatus {
                        state: RequestState::Declined,
                        declined: Some(*code),
                        ..blank
                    },
                    End::Concluded(Conclusion::Answered(verdict)) => RequestStatus {
                        state: state_of(verdict),
                        verdict: Some(verdict.clone()),
                        ..blank
                    },
                }
            }
        })
    }
}

const fn state_of(verdict: &Verdict) -> RequestState {
    match verdict.state {
        VerdictState::Verified => RequestState::Verified,
        VerdictState::Refused => RequestState::Refused,
        VerdictState::Undetermined => RequestState::Undetermined,
    }
}

//! A wallet responds, and the verdict is reached at once (OID4VP 1.0 §8.2, §8.6).

use std::borrow::Cow;

use jiff::Timestamp;
use lanyard_core::crypto::CryptoProvider;
use lanyard_oid4vp::{
    ErrorCode,
    verifier::{Conclusion, OpenError, Verdict, VerdictState},
};
use lanyard_store::{HandleKind, NewEvent, Next, Replaced};
use serde::Deserialize as _;
use url::Url;

use crate::{
    DcApiAnswer, RequestPolicy, VerifierError, VerifierService,
    policy::PolicyVerifiers,
    sessions::{End, Ended, Held, Phase, State, Waiting},
    step,
    tenant::Tenant,
};

/// How many presentations may fail before a request ends.
pub const MOST_ATTEMPTS: u8 = 3;

/// What the wallet, or the page that asked, is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The response was taken; there is nothing more to do.
    Done,
    /// The response was taken; the browser goes on here.
    ContinueAt(Url),
    /// The response was refused.
    Refused(ErrorCode),
}

impl VerifierService {
    /// Takes a response to a request, and concludes with a verdict.
    pub(crate) async fn respond(
        &self,
        tenant: &Tenant,
        path: &str,
        body: &[u8],
    ) -> Result<Reply, VerifierError> {
        let now = self.now();
        let handle = self.sessions().handle(tenant, HandleKind::ResponseUri, path);
        let held = self.sessions().take(tenant, &handle, now).await?;
        self.conclude(tenant, held, Received::Form(body), now).await
    }

    /// Concludes from what came, on whichever way it came.
    pub(crate) async fn conclude(
        &self,
        tenant: &Tenant,
        held: Held,
        received: Received<'_>,
        now: Timestamp,
    ) -> Result<Reply, VerifierError> {
        let Held { session, state } = held;
        let State { question, browser, return_to, sign_in, phase } = state;

        // 1. the step
        let Phase::Waiting(mut waiting) = phase else {
            // OID4VP 1.0 §14.1: a request is answered once
            self.trace_refusal(tenant, session.id, now, "request_ended").await;
            return Ok(Reply::Refused(ErrorCode::InvalidRequest));
        };
        let policy = waiting.policy()?;
        let verifiers = tenant.verifiers_for(&waiting.trust_anchors, &policy);
        let verifiers = verifiers.map_err(|_| VerifierError::Unreadable)?;
        let opened = received.open(&waiting, &verifiers, now, self.provider()).await;
        let mut conclusion = match opened {
            Ok(conclusion) => conclusion,
            Err(OpenError::Expired) => return Err(VerifierError::UnknownRequest),
            Err(reason) => {
                self.trace_refusal(tenant, session.id, now, reason.reason()).await;
                return Ok(Reply::Refused(reason.code()));
            }
        };

        if let Conclusion::Answered(verdict) = &mut conclusion {
            policy.judge(verdict);
        }
        if let (true, Received::Form(body)) = (waiting.record, received) {
            let recorded = waiting.requested.record(body, now, self.provider());
            waiting.recording = recorded.ok().flatten();
        }

        // 2. the next state, which one response alone gets to write
        let error = conclusion.error();
        let code = match &return_to {
            Some(_) if error.is_none() => Some(self.sessions().secret(tenant, session.id)),
            _ => None,
        };
        let mut events = self.fetch_event(tenant, session.id).into_iter().collect::<Vec<_>>();
        let event = NewEvent::done(now, step::RESPONSE_RECEIVED);
        events.push(match received {
            Received::Form(_) => event,
            Received::DcApi(answer) => event.with_detail(answer.protocol.as_str()),
        });
        // what a browser that did not come back must not learn, the trail does not tell either
        events.extend(code.is_none().then(|| conclusion_event(&conclusion, now)));
        let phase = waiting.concluded(conclusion, code.is_some());
        let expires_at = match &phase {
            Phase::Waiting(_) => session.expires_at,
            Phase::Ended(_) => self.environment().kept_until(now),
        };
        let state = State { question, browser, return_to: return_to.clone(), sign_in, phase };
        let sealed = self.sessions().seal(tenant, session.id, &state);
        let mut next = Next::new(now, sealed, expires_at);
        next.events.clone_from(&events);
        next.add_handles.extend(
            code.as_ref()
                .map(|code| self.sessions().handle(tenant, HandleKind::ResponseCode, code)),
        );
        match self.environment().store.replace(&session, next).await? {
            Replaced::Done(_) => {
                self.environment().live.forget_fetch(&tenant.id, session.id);
                let unheard = events.iter().filter(|event| event.step != step::REQUEST_FETCHED);
                unheard.for_each(|event| self.announce(tenant, session.id, event));
            }
            Replaced::Conflict => {
                self.trace_refusal(tenant, session.id, now, "response_overtaken").await;
                return Ok(Reply::Refused(ErrorCode::InvalidRequest));
            }
        }

        // 3. the reply, only after that
        Ok(match (error, return_to, code) {
            (Some(error), ..) => Reply::Refused(error),
            // OID4VP 1.0 §8.2, §13.3: the redirect carries a fresh secret
            (None, Some(mut url), Some(code)) => {
                url.query_pairs_mut().append_pair("response_code", &code);
                Reply::ContinueAt(url)
            }
            (None, ..) => Reply::Done,
        })
    }
}

/// A response, on its way in.
#[derive(Clone, Copy)]
pub(crate) enum Received<'r> {
    /// The body of a POST to the response URI.
    Form(&'r [u8]),
    /// What the platform gave to the page that asked.
    DcApi(&'r DcApiAnswer),
}

impl Received<'_> {
    async fn open(
        self,
        waiting: &Waiting,
        verifiers: &PolicyVerifiers,
        now: Timestamp,
        provider: &dyn CryptoProvider,
    ) -> Result<Conclusion, OpenError> {
        match self {
            Self::Form(body) => {
                let opened = waiting.requested.clone().open(body, verifiers, now, provider).await;
                opened.map_err(|refused| refused.reason)
            }
            Self::DcApi(answer) => {
                let asked = waiting.dc_api.as_ref().ok_or(OpenError::Protocol)?;
                asked.open(answer, verifiers, now, provider).await
            }
        }
    }
}

impl Waiting {
    /// What the request is after a conclusion: ended, or open for another attempt.
    fn concluded(self: Box<Self>, conclusion: Conclusion, awaits_return: bool) -> Phase {
        let attempts = self.attempts.saturating_add(1);
        let failed = |verdict: &Verdict| !verdict.is_verified();
        match conclusion {
            Conclusion::Answered(verdict) if failed(&verdict) && attempts < MOST_ATTEMPTS => {
                Phase::Waiting(Box::new(Self { attempts, last: Some(verdict), ..*self }))
            }
            conclusion => self.ended(End::Concluded(conclusion), awaits_return),
        }
    }

    /// What is demanded beyond the tenant's policies.
    pub(crate) fn policy(&self) -> Result<RequestPolicy, VerifierError> {
        let Some(policy) = &self.policy else { return Ok(RequestPolicy::default()) };
        RequestPolicy::deserialize(policy).map_err(|_| VerifierError::Unreadable)
    }

    /// Drops the nonce, the state and the key: they are of no use any more.
    pub(crate) fn ended(&self, end: End, awaits_return: bool) -> Phase {
        Phase::Ended(Box::new(Ended {
            client_id: self.requested.client_id().clone(),
            query: self.requested.query().clone(),
            end,
            policy: self.policy.clone(),
            recording: self.recording.clone(),
            awaits_return,
            read: false,
        }))
    }
}

/// How the trail tells a conclusion.
pub(crate) fn conclusion_event(conclusion: &Conclusion, now: Timestamp) -> NewEvent {
    let verdict = match conclusion {
        Conclusion::Declined(code) => {
            return NewEvent::refused(now, step::DECLINED, code.as_str());
        }
        Conclusion::Answered(verdict) => verdict,
    };
    let event = match verdict.state {
        VerdictState::Verified => return NewEvent::done(now, step::VERIFIED),
        VerdictState::Refused => NewEvent::refused(now, step::REFUSED, reason(verdict)),
        VerdictState::Undetermined => {
            NewEvent::undetermined(now, step::UNDETERMINED, reason(verdict))
        }
    };
    match &verdict.detail {
        Some(detail) => event.with_detail(detail.as_str()),
        None => event,
    }
}

fn reason(verdict: &Verdict) -> &'static str {
    match verdict.reason {
        Some(Cow::Borrowed(reason)) => reason,
        Some(Cow::Owned(_)) | None => "not_verified",
    }
}

//! A wallet answered, or did not: the browser goes back.

use jiff::SignedDuration;
use lanyard_oid4vp::verifier::Conclusion;
use lanyard_store::{HandleKind, NewEvent, Next, Replaced, SessionId};
use url::Url;

use super::{SignIn, SignInFault, SignInRefused};
use crate::{
    BrowserSession, RequestState, VerifierError, VerifierService,
    sessions::{End, Held, Phase, State},
    step,
    tenant::Tenant,
};

/// For how long a sign-in is kept after its code was given out: the code is good for a minute, what it led
/// to for five.
const KEPT: SignedDuration = SignedDuration::from_mins(10);

/// How far a sign-in is.
pub(crate) enum Progress {
    /// The page with this link goes on showing.
    Waiting {
        /// The link for the wallet.
        link: Url,
        /// Who wants to know.
        client: String,
        /// Why.
        purpose: Option<String>,
        /// The last presentation was not accepted.
        was_refused: bool,
    },
    /// The browser goes back with a code.
    Done(Url),
}

impl VerifierService {
    /// How far a sign-in is, for the browser in which it began.
    pub(crate) async fn sign_in_progress(
        &self,
        tenant: &Tenant,
        id: SessionId,
        browser: &BrowserSession,
    ) -> Result<Progress, SignInRefused> {
        let (held, sign_in) = self.sign_in(tenant, id, browser).await?;
        let status = self.status_of(tenant, &held, self.now()).await?;
        let back = |fault| {
            let state = sign_in.state.as_deref();
            Err(self.back_with(tenant, &sign_in.redirect_uri, state, fault))
        };
        match (status.state, status.link) {
            (_, Some(link)) => Ok(Progress::Waiting {
                link,
                client: tenant.sign_in_name(&sign_in.client),
                purpose: status.purpose,
                was_refused: status.verdict.is_some(),
            }),
            (RequestState::Verified, None) => {
                self.give_code(tenant, held).await.map(Progress::Done)
            }
            (RequestState::Declined, None) => back(SignInFault::Declined),
            (RequestState::Cancelled, None) => back(SignInFault::Cancelled),
            (RequestState::Refused | RequestState::Undetermined, None) => {
                back(SignInFault::NotAccepted)
            }
            (RequestState::Expired | RequestState::Waiting | RequestState::Responded, None) => {
                back(SignInFault::Expired)
            }
        }
    }

    /// Whether a sign-in waits for a wallet, and if so, whether something was refused already.
    pub(crate) async fn sign_in_is_waiting(
        &self,
        tenant: &Tenant,
        id: SessionId,
        browser: &BrowserSession,
    ) -> Result<Option<bool>, SignInRefused> {
        let (held, _) = self.sign_in(tenant, id, browser).await?;
        let status = self.status_of(tenant, &held, self.now()).await?;
        Ok(status.open.then_some(status.verdict.is_some()))
    }

    /// Asks again for a wallet on this device, and gives the link to it.
    pub(crate) async fn sign_in_on_this_device(
        &self,
        tenant: &Tenant,
        id: SessionId,
        browser: &BrowserSession,
    ) -> Result<Url, SignInRefused> {
        let (_, sign_in) = self.sign_in(tenant, id, browser).await?;
        Ok(self.ask_for_sign_in(tenant, sign_in, browser, true).await?.link)
    }

    /// Ends a sign-in, and sends the browser back.
    pub(crate) async fn cancel_sign_in(
        &self,
        tenant: &Tenant,
        id: SessionId,
        browser: &BrowserSession,
    ) -> Result<Url, SignInRefused> {
        let (_, sign_in) = self.sign_in(tenant, id, browser).await?;
        self.cancel(&tenant.id, id).await?;
        let state = sign_in.state.as_deref();
        let fault = SignInFault::Cancelled;
        match self.back_with(tenant, &sign_in.redirect_uri, state, fault) {
            SignInRefused::Back { url, .. } => Ok(url),
            refused => Err(refused),
        }
    }

    /// The browser comes back from a wallet on its own device.
    pub(crate) async fn sign_in_returned(
        &self,
        tenant: &Tenant,
        response_code: &str,
        browser: &BrowserSession,
    ) -> Result<Url, SignInRefused> {
        let status = self.finish_same_device(&tenant.id, response_code, browser).await?;
        match self.sign_in_progress(tenant, status.id, browser).await? {
            Progress::Done(url) => Ok(url),
            Progress::Waiting { .. } => Err(SignInRefused::Unknown),
        }
    }

    async fn sign_in(
        &self,
        tenant: &Tenant,
        id: SessionId,
        browser: &BrowserSession,
    ) -> Result<(Held, SignIn), SignInRefused> {
        let held = self.sessions().by_id(tenant, id, self.now()).await?;
        let sign_in = held.state.sign_in.clone().ok_or(SignInRefused::Unknown)?;
        if !browser.is(held.state.browser.as_ref(), self.provider()) {
            return Err(SignInRefused::Unknown);
        }
        Ok((held, sign_in))
    }

    /// Where the browser goes on, with the code in it.
    fn back_with_code(
        &self,
        tenant: &Tenant,
        sign_in: &SignIn,
        code: &str,
    ) -> Result<Url, SignInRefused> {
        let mut url = Url::parse(&sign_in.redirect_uri).map_err(|_| SignInRefused::Client)?;
        let mut pairs = url.query_pairs_mut();
        pairs.append_pair("code", code);
        if let Some(state) = &sign_in.state {
            pairs.append_pair("state", state);
        }
        // RFC 9207: the client sees which provider answered
        pairs.append_pair("iss", self.sign_in_issuer(tenant).as_str());
        drop(pairs);
        Ok(url)
    }

    /// Gives out the code, once; whatever comes later finds it given.
    async fn give_code(&self, tenant: &Tenant, held: Held) -> Result<Url, SignInRefused> {
        let Held { session, state } = held;
        let State { sign_in: Some(mut sign_in), .. } = state else {
            return Err(SignInRefused::Unknown);
        };
        if sign_in.code_at.is_some() || !is_verified(&state.phase) {
            return Err(SignInRefused::Unknown);
        }
        let now = self.now();
        let code = self.sessions().secret(tenant, session.id);
        sign_in.code_at = Some(now);
        let url = self.back_with_code(tenant, &sign_in, &code)?;
        let state = State { sign_in: Some(sign_in), ..state };
        let sealed = self.sessions().seal(tenant, session.id, &state);
        let handle = self.sessions().handle(tenant, HandleKind::AuthorizationCode, &code);
        let event = NewEvent::done(now, step::CODE_GIVEN);
        let next = Next::new(now, sealed, session.expires_at.min(now + KEPT))
            .adding(handle)
            .with_event(event.clone());
        match self.environment().store.replace(&session, next).await.map_err(VerifierError::from)? {
            Replaced::Done(_) => {
                self.announce(tenant, session.id, &event);
                Ok(url)
            }
            Replaced::Conflict => Err(SignInRefused::Unknown),
        }
    }
}

fn is_verified(phase: &Phase) -> bool {
    let Phase::Ended(ended) = phase else { return false };
    let End::Concluded(Conclusion::Answered(verdict)) = &ended.end else { return false };
    verdict.is_verified() && !ended.awaits_return
}

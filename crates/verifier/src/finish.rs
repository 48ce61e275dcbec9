//! The browser that asked comes back from the wallet, with the response code (OID4VP 1.0 §13.3).

use lanyard_store::{HandleKind, NewEvent, Next, Replaced, SessionId, TenantId};

use crate::{
    BrowserSession, RequestStatus, VerifierError, VerifierService,
    respond::conclusion_event,
    sessions::{End, Held, Phase, State},
    step,
    tenant::Tenant,
};

/// Who brings a response code.
enum Bearer<'b> {
    /// The browser itself, by its cookie.
    Browser(&'b BrowserSession),
    /// An integrator, who knows its browsers itself and which request each of them began.
    Integrator(SessionId),
}

impl VerifierService {
    /// Gives the result to the browser in which the request began, and to no other (§14.2).
    ///
    /// The code is good once; another browser learns nothing and uses up nothing.
    ///
    /// # Errors
    /// [`VerifierError::UnknownRequest`] whatever is wrong.
    pub async fn finish_same_device(
        &self,
        tenant: &TenantId,
        response_code: &str,
        browser: &BrowserSession,
    ) -> Result<RequestStatus, VerifierError> {
        let tenant = self.known_tenant(tenant)?;
        self.finish(tenant, response_code, Bearer::Browser(browser)).await
    }

    /// Gives the result to the integrator, whose own page the browser came back to.
    ///
    /// # Errors
    /// [`VerifierError::UnknownRequest`] for every code that is not this request's.
    pub async fn finish_request(
        &self,
        tenant: &TenantId,
        id: SessionId,
        response_code: &str,
    ) -> Result<RequestStatus, VerifierError> {
        let tenant = self.known_tenant(tenant)?;
        self.finish(tenant, response_code, Bearer::Integrator(id)).await
    }

    async fn finish(
        &self,
        tenant: &Tenant,
        response_code: &str,
        bearer: Bearer<'_>,
    ) -> Result<RequestStatus, VerifierError> {
        let now = self.now();
        let handle = self.sessions().handle(tenant, HandleKind::ResponseCode, response_code);
        let Held { session, state } = self.sessions().take(tenant, &handle, now).await?;
        // OID4VP 1.0 §13.3: the code counts in the session that began the request, nowhere else
        let (own, reason) = match bearer {
            Bearer::Browser(browser) => {
                (browser.is(state.browser.as_ref(), self.provider()), "other_browser")
            }
            Bearer::Integrator(id) => (session.id == id, "other_request"),
        };
        if !own {
            self.trace_refusal(tenant, session.id, now, reason).await;
            return Err(VerifierError::UnknownRequest);
        }
        let Phase::Ended(mut ended) = state.phase else {
            return Err(VerifierError::UnknownRequest);
        };
        ended.awaits_return = false;
        let mut events = vec![NewEvent::done(now, step::BROWSER_RETURNED)];
        if let End::Concluded(conclusion) = &ended.end {
            events.push(conclusion_event(conclusion, now));
        }
        let state = State { phase: Phase::Ended(ended), ..state };
        let sealed = self.sessions().seal(tenant, session.id, &state);
        let mut next = Next::new(now, sealed, session.expires_at).retiring(handle);
        next.events.clone_from(&events);
        let Replaced::Done(session) = self.environment().store.replace(&session, next).await?
        else {
            return Err(VerifierError::UnknownRequest);
        };
        events.iter().for_each(|event| self.announce(tenant, session.id, event));
        self.read_result(tenant, session.id).await
    }
}

//! A wallet pushes its authorization request (RFC 9126).

use lanyard_oid4vci::{
    IssuerState, RequestUri,
    authorization::{AuthorizationError, AuthorizationForm, PushedResponse},
    issuer::{Issuance, Offered, Pushed, Sender},
};
use lanyard_store::{Handle, HandleKind, NewEvent, NewSession, SessionId, SessionKind};

use crate::{
    IssuerError, IssuerService,
    http::Failure,
    sessions::{Found, State, TRIES, once},
    step,
    tenant::Tenant,
};

impl IssuerService {
    /// Keeps a pushed request, in a session of its own or in that of the offer it goes on from.
    pub(crate) async fn push(
        &self,
        tenant: &Tenant,
        body: &[u8],
        sender: &Sender,
    ) -> Result<PushedResponse, Failure> {
        let form = AuthorizationForm::parse(body)?;
        let Some(issuer_state) = form.issuer_state() else {
            return self.push_alone(tenant, form, sender).await;
        };
        for _ in 0..TRIES {
            let form = AuthorizationForm::parse(body)?;
            if let Some(done) = self.push_to_offer(tenant, form, &issuer_state, sender).await? {
                return Ok(done);
            }
        }
        Err(IssuerError::Contended.into())
    }

    async fn push_alone(
        &self,
        tenant: &Tenant,
        form: AuthorizationForm,
        sender: &Sender,
    ) -> Result<PushedResponse, Failure> {
        let now = self.now();
        let pushed = Pushed::new(form, sender, None, &tenant.issuer, now)
            .map_err(|refused| refused.error)?;
        let id = SessionId::new(now, self.environment().name_bytes());
        let pushed = pushed.led_by(&self.sessions().secrets(tenant, id));
        let (response, expires_at) = (pushed.response(now), pushed.expires_at());
        let handle = self.pushed_handle(tenant, pushed.request_uri());
        let state = State::of(Issuance::Pushed(pushed), tenant);
        let event = NewEvent::done(now, step::AUTHORIZATION_REQUESTED);
        let session = NewSession {
            tenant: tenant.id.clone(),
            id,
            kind: SessionKind::Authorization,
            state: self.sessions().seal(tenant, id, &state),
            created_at: now,
            expires_at,
            handles: vec![handle],
            subject: None,
            once: sender.shown().map(once).collect(),
            call: None,
            event: event.clone(),
        };
        if let Err(error) = self.environment().store.insert(session).await {
            return Err(self.refuse_unkept(tenant, error, sender));
        }
        self.announce(tenant, id, &event);
        Ok(response)
    }

    /// `None` when another request changed the session in between: nothing was written.
    async fn push_to_offer(
        &self,
        tenant: &Tenant,
        form: AuthorizationForm,
        issuer_state: &IssuerState,
        sender: &Sender,
    ) -> Result<Option<PushedResponse>, Failure> {
        let now = self.now();
        let handle = self.sessions().handle(tenant, HandleKind::IssuerState, issuer_state.reveal());
        let Found::Live(held) = self.sessions().take(tenant, &handle, now).await? else {
            return Err(AuthorizationError::IssuerState.into());
        };
        let tenant = &*self.tenant_at_edition(tenant, held.state.edition);
        let (session, place) = (held.session, held.state.place);
        // a holder who began and gave up may begin again
        let (offered, before) = waiting(held.state.issuance);
        let offered = offered.ok_or(AuthorizationError::IssuerState)?;
        let pushed = match Pushed::new(form, sender, Some(offered), &tenant.issuer, now) {
            Ok(pushed) => pushed.led_by(&self.sessions().secrets(tenant, session.id)),
            Err(refused) => {
                self.trace_refusal(tenant, session.id, now, refused.error.reason()).await;
                return Err(refused.error.into());
            }
        };
        let response = pushed.response(now);
        let event = NewEvent::done(now, step::AUTHORIZATION_REQUESTED);
        let request_uri = self.pushed_handle(tenant, pushed.request_uri());
        let state = State { place, ..State::of(Issuance::Pushed(pushed), tenant) };
        let next = self.next(tenant, session.id, &state, (now, session.expires_at));
        let next = next.adding(request_uri).seeing(sender.shown().map(once));
        let next = match before {
            Some(before) => next.retiring(self.pushed_handle(tenant, &before)),
            None => next,
        };
        match self.step(tenant, &session, next, Some(event)).await {
            Err(error) => Err(self.refuse_replay(tenant, (session.id, now), error, sender).await),
            Ok(is_done) => Ok(is_done.then_some(response)),
        }
    }

    pub(super) fn pushed_handle(&self, tenant: &Tenant, request_uri: &RequestUri) -> Handle {
        self.sessions().handle(tenant, HandleKind::PushedRequest, request_uri.secret())
    }
}

/// The offer of a session that still waits for its holder, and the request that is to be replaced.
fn waiting(issuance: Issuance) -> (Option<Offered>, Option<RequestUri>) {
    match issuance {
        Issuance::Offered(offered) => (Some(offered), None),
        Issuance::Pushed(pushed) => {
            let before = pushed.request_uri().clone();
            (pushed.into_offered(), Some(before))
        }
        Issuance::Authorizing(authorizing) => {
            let before = authorizing.request_uri().clone();
            (authorizing.into_offered(), Some(before))
        }
        _ => (None, None),
    }
}

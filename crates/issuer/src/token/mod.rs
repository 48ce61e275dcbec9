//! The token endpoint: a code or a refresh token is traded for an access token (OID4VCI 1.0 §6, RFC 6749 §4.1.3, §6).

mod code;
mod pre_authorized;
mod refresh;

use jiff::Timestamp;
use lanyard_oid4vci::{
    issuer::{Authorized, Ended, Issuance, Sender},
    token::{TokenError, TokenRequest, TokenResponse},
};
use lanyard_store::{Handle, HandleKind, NewEvent, Next, Session, SessionId};

use crate::{
    IssuerError, IssuerService,
    http::Failure,
    sessions::{Found, Held, State, TRIES, once},
    step,
    tenant::Tenant,
};

impl IssuerService {
    /// One code, one token: whoever loses the race finds the code used.
    pub(crate) async fn redeem(
        &self,
        tenant: &Tenant,
        request: &TokenRequest,
        sender: &Sender,
    ) -> Result<TokenResponse, Failure> {
        // RFC 6749 §5.2: the grants that the metadata names, and no others
        if !tenant.issuer.rules().offers_code_flow()
            && !matches!(request, TokenRequest::PreAuthorized(_))
        {
            return Err(TokenError::GrantTypeUnsupported.into());
        }
        for _ in 0..TRIES {
            let done = match request {
                TokenRequest::PreAuthorized(asked) => {
                    self.try_to_redeem(tenant, asked, sender).await?
                }
                TokenRequest::AuthorizationCode(asked) => {
                    self.try_to_redeem_code(tenant, asked, sender).await?
                }
                TokenRequest::Refresh(asked) => self.try_to_refresh(tenant, asked, sender).await?,
            };
            if let Some(response) = done {
                return Ok(response);
            }
        }
        Err(IssuerError::Contended.into())
    }

    /// The access token leads to the session from now on.
    fn token_issued(
        &self,
        tenant: &Tenant,
        session: &Session,
        authorized: Authorized,
        now: Timestamp,
    ) -> Next {
        let token = authorized.token().reveal();
        let access = self.sessions().handle(tenant, HandleKind::AccessToken, token);
        let ends_at = authorized.session_ends_at();
        // also of a session that began under an earlier release
        let subject = self.logged_in_subject(tenant, authorized.holder());
        let state = State::of(Issuance::Authorized(authorized), tenant);
        let next = self.next(tenant, session.id, &state, (now, ends_at));
        next.about(subject).adding(access)
    }

    /// What its refresh token, if it has one, leads to the session by.
    fn refresh_handle(&self, tenant: &Tenant, authorized: &Authorized) -> Option<Handle> {
        let token = authorized.refresh()?.token().reveal();
        Some(self.sessions().handle(tenant, HandleKind::RefreshToken, token))
    }

    async fn answer_token(
        &self,
        tenant: &Tenant,
        session: &Session,
        (next, step): (Next, &'static str),
        response: TokenResponse,
        sender: &Sender,
    ) -> Result<Option<TokenResponse>, Failure> {
        let now = next.now;
        let event = NewEvent::done(now, step);
        let next = next.seeing(sender.shown().map(once));
        match self.step(tenant, session, next, Some(event)).await {
            Err(error) => Err(self.refuse_replay(tenant, (session.id, now), error, sender).await),
            Ok(is_done) => Ok(is_done.then_some(response)),
        }
    }

    /// Ends a session whose single-use thing was shown twice.
    async fn revoke_session(
        &self,
        tenant: &Tenant,
        id: SessionId,
        ended: Ended,
        reason: &'static str,
    ) -> Result<(), IssuerError> {
        for _ in 0..TRIES {
            let now = self.now();
            let Found::Live(held) = self.sessions().by_id(tenant, id, now).await? else {
                return Ok(());
            };
            let Held { session, state } = *held;
            if matches!(state.issuance, Issuance::Ended(_)) {
                self.trace_refusal(tenant, id, now, reason).await;
                return Ok(());
            }
            let state = State::of(Issuance::Ended(ended), tenant);
            let event = NewEvent::refused(now, step::REVOKED, reason);
            let next = self.next(tenant, id, &state, (now, self.environment().kept_until(now)));
            if self.step(tenant, &session, next, Some(event)).await? {
                return Ok(());
            }
        }
        Err(IssuerError::Contended)
    }
}

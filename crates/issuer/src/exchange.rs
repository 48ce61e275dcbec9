//! The wallet trades its authorization code, or its refresh token, for an access token (RFC 6749 §4.1.3, §6).

use jiff::Timestamp;
use lanyard_oid4vci::{
    issuer::{Authorized, Ended, Issuance, Progress, Refreshable, Sender},
    token::{CodeTokenRequest, RefreshTokenRequest, TokenError, TokenResponse},
};
use lanyard_store::{Handle, HandleKind, NewEvent, Next, Session, SessionId};

use crate::{
    AskedHolder, IssuerError, IssuerService,
    authorization::look_up_all,
    http::Failure,
    sessions::{Found, Held, Leading, State, TRIES, once},
    step,
    tenant::Tenant,
};

impl IssuerService {
    /// One code, one token. `None` when another request changed the session in between.
    pub(crate) async fn try_to_redeem_code(
        &self,
        tenant: &Tenant,
        asked: &CodeTokenRequest,
        sender: &Sender,
    ) -> Result<Option<TokenResponse>, Failure> {
        let now = self.now();
        let code =
            self.sessions().handle(tenant, HandleKind::AuthorizationCode, asked.code.reveal());
        let held = match self.sessions().take(tenant, &code, now).await? {
            Found::Live(held) => held,
            Found::Expired => return Err(TokenError::CodeExpired.into()),
            // RFC 6749 §4.1.2, RFC 9700 §4.5: whatever came of the first use is worth nothing any more
            Found::Used(id) => {
                self.revoke_session(tenant, id, Ended::CodeReplayed, "code_used").await?;
                return Err(TokenError::CodeUnknown.into());
            }
            Found::Absent => return Err(TokenError::CodeUnknown.into()),
        };
        let tenant = &*self.tenant_at_edition(tenant, held.state.edition);
        let session = held.session;
        let Issuance::Granted(granted) = held.state.issuance else {
            return Err(TokenError::CodeUnknown.into());
        };
        let secrets = self.sessions().secrets(tenant, session.id);
        let done = granted.exchange(asked, sender, &tenant.issuer, now, &secrets);
        let (response, authorized) = match done.map_err(|refused| refused.error) {
            Ok(done) => done,
            Err(error) => {
                self.trace_refusal(tenant, session.id, now, error.reason()).await;
                return Err(error.into());
            }
        };
        let refresh = self.refresh_handle(tenant, &authorized);
        let next = self.token_issued(tenant, &session, authorized, now).retiring(code);
        let next = match refresh {
            Some(refresh) => next.adding(refresh),
            None => next,
        };
        self.answer_token(tenant, &session, next, response, sender).await
    }

    /// One refresh token, one access token, and for a public client the next refresh token.
    pub(crate) async fn try_to_refresh(
        &self,
        tenant: &Tenant,
        asked: &RefreshTokenRequest,
        sender: &Sender,
    ) -> Result<Option<TokenResponse>, Failure> {
        let now = self.now();
        let token = self.sessions().handle(tenant, HandleKind::RefreshToken, asked.token.reveal());
        let held = match self.sessions().take(tenant, &token, now).await? {
            Found::Live(held) => held,
            // RFC 9700 §4.14.2: a token that was replaced is shown again: one of the two is a thief
            Found::Used(id) => {
                let reason = "refresh_token_used";
                self.revoke_session(tenant, id, Ended::RefreshReplayed, reason).await?;
                return Err(TokenError::RefreshTokenUnknown.into());
            }
            Found::Expired | Found::Absent => return Err(TokenError::RefreshTokenUnknown.into()),
        };
        let (session, issuance) = (held.session, held.state.issuance);
        let (refresh, before) = refreshable(issuance).ok_or(TokenError::RefreshTokenUnknown)?;
        let secrets = self.sessions().secrets(tenant, session.id);
        let done = self.refresh(tenant, &refresh, asked, sender, &secrets).await;
        let (response, authorized) = match done {
            Ok(done) => done,
            Err(RefreshRefused::Token(error)) => {
                self.trace_refusal(tenant, session.id, now, error.reason()).await;
                return Err(error.into());
            }
            Err(RefreshRefused::Issuer(error)) => return Err(error.into()),
        };
        // the access token that is replaced opens nothing any more; one that has given out everything was retired
        let replaced = match &before {
            Progress::Authorized(before) => {
                let access = before.token().reveal();
                Some(self.sessions().handle(tenant, HandleKind::AccessToken, access))
            }
            Progress::Issued(_) => None,
        };
        let authorized = authorized.instead_of(before, now);
        // a client that proves who it is keeps its refresh token
        let is_kept = authorized.refresh().is_some_and(|refresh| *refresh.token() == asked.token);
        let refresh = self.refresh_handle(tenant, &authorized);
        let next = self.token_issued(tenant, &session, authorized, now);
        let next = match refresh {
            Some(_) if is_kept => next,
            Some(renewed) => next.adding(renewed).retiring(token),
            None => next.retiring(token),
        };
        let next = match replaced {
            Some(replaced) => next.retiring(replaced),
            None => next,
        };
        self.answer_token(tenant, &session, next, response, sender).await
    }

    async fn refresh(
        &self,
        tenant: &Tenant,
        refresh: &Refreshable,
        asked: &RefreshTokenRequest,
        sender: &Sender,
        secrets: &Leading<'_>,
    ) -> Result<(TokenResponse, Authorized), RefreshRefused> {
        let now = self.now();
        refresh.accept(asked, sender, &tenant.issuer, now)?;
        let login = tenant.login.as_ref().ok_or(TokenError::NothingToIssue)?;
        let wanted = refresh.configurations();
        let asked = AskedHolder { id: refresh.holder(), profile: None };
        let found = look_up_all(tenant, login, asked, wanted).await?;
        Ok(refresh.refresh(&found, sender, &tenant.issuer, now, secrets)?)
    }

    /// The access token leads to the session from now on.
    pub(crate) fn token_issued(
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
        next: Next,
        response: TokenResponse,
        sender: &Sender,
    ) -> Result<Option<TokenResponse>, Failure> {
        let now = next.now;
        let event = NewEvent::done(now, step::TOKEN_ISSUED);
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
            let next = self.next(tenant, id, &state, (now, self.kept_until(now)));
            if self.step(tenant, &session, next, Some(event)).await? {
                return Ok(());
            }
        }
        Err(IssuerError::Contended)
    }
}

enum RefreshRefused {
    Token(TokenError),
    Issuer(IssuerError),
}

impl From<TokenError> for RefreshRefused {
    fn from(error: TokenError) -> Self {
        Self::Token(error)
    }
}

impl From<IssuerError> for RefreshRefused {
    fn from(error: IssuerError) -> Self {
        Self::Issuer(error)
    }
}

/// What a session can be refreshed with, and how far it had come with the access token that is replaced.
fn refreshable(issuance: Issuance) -> Option<(Refreshable, Progress)> {
    let (refresh, before) = match issuance {
        Issuance::Authorized(before) => (before.refresh().cloned(), Progress::Authorized(before)),
        Issuance::Issued(before) => (before.refresh().cloned(), Progress::Issued(before)),
        _ => return None,
    };
    refresh.map(|refresh| (refresh, before))
}

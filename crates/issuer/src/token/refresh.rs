//! The wallet trades its refresh token for another access token (RFC 6749 §6).

use lanyard_oid4vci::{
    issuer::{Authorized, Ended, Issuance, Progress, Refreshable, Sender},
    token::{RefreshTokenRequest, TokenError, TokenResponse},
};
use lanyard_store::HandleKind;

use crate::{
    AskedHolder, IssuerError, IssuerService,
    authorization::look_up_all,
    http::Failure,
    sessions::{Found, Leading},
    step,
    tenant::Tenant,
};

impl IssuerService {
    /// One refresh token, one access token, and for a public client the next refresh token.
    pub(super) async fn try_to_refresh(
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
        self.answer_token(tenant, &session, (next, step::TOKEN_ISSUED), response, sender).await
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

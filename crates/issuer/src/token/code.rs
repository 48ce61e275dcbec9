//! The wallet trades its authorization code for an access token (RFC 6749 §4.1.3).

use lanyard_oid4vci::{
    issuer::{Ended, Issuance, Sender},
    token::{CodeTokenRequest, TokenError, TokenResponse},
};
use lanyard_store::{HandleKind, SessionId};

use crate::{
    IssuerService,
    http::Failure,
    sessions::{Found, Held},
    step,
    tenant::Tenant,
};

impl IssuerService {
    /// One code, one token. `None` when another request changed the session in between.
    pub(super) async fn try_to_redeem_code(
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
            Found::Used(id) => return self.answer_used_code(tenant, id, asked, sender).await,
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
        self.answer_token(tenant, &session, (next, step::TOKEN_ISSUED), response, sender).await
    }

    /// A code is used once. What it got is given again where its answer was lost or was a 503, so that the holder
    /// need not log in again; whatever else shows it a second time takes back what came of it.
    async fn answer_used_code(
        &self,
        tenant: &Tenant,
        id: SessionId,
        asked: &CodeTokenRequest,
        sender: &Sender,
    ) -> Result<Option<TokenResponse>, Failure> {
        let now = self.now();
        if let Found::Live(held) = self.sessions().by_id(tenant, id, now).await? {
            let Held { session, state } = *held;
            let again = match &state.issuance {
                Issuance::Authorized(authorized) => {
                    authorized.answer_again(asked, sender, &tenant.issuer, now)
                }
                _ => None,
            };
            if let Some(response) = again {
                // nothing has changed but that the proof was taken
                let next = self.next(tenant, id, &state, (now, session.expires_at));
                let step = (next, step::TOKEN_REPEATED);
                return self.answer_token(tenant, &session, step, response, sender).await;
            }
        }
        // RFC 6749 §4.1.2, RFC 9700 §4.5: whatever came of the first use is worth nothing any more
        self.revoke_session(tenant, id, Ended::CodeReplayed, "code_used").await?;
        Err(TokenError::CodeUnknown.into())
    }
}

//! The wallet trades its authorization code for an access token (RFC 6749 §4.1.3).

use lanyard_oid4vci::{
    issuer::{Ended, Issuance, Sender},
    token::{CodeTokenRequest, TokenError, TokenResponse},
};
use lanyard_store::HandleKind;

use crate::{IssuerService, http::Failure, sessions::Found, tenant::Tenant};

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
}

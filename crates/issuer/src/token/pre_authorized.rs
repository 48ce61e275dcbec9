//! The wallet trades the code of an offer for an access token (OID4VCI 1.0 §6).

use lanyard_oid4vci::{
    issuer::{Issuance, Left, Refused, Sender},
    token::{PreAuthorizedTokenRequest, TokenError, TokenRequest, TokenResponse},
};
use lanyard_store::{HandleKind, NewEvent};

use crate::{
    IssuerService,
    http::Failure,
    sessions::{Found, State, once},
    step,
    tenant::Tenant,
};

impl IssuerService {
    /// `None` when another request changed the session in between: nothing was written.
    pub(super) async fn try_to_redeem(
        &self,
        tenant: &Tenant,
        asked: &PreAuthorizedTokenRequest,
        sender: &Sender,
    ) -> Result<Option<TokenResponse>, Failure> {
        let now = self.now();
        // 1. the code leads to a session that waits for it
        let code =
            self.sessions().handle(tenant, HandleKind::PreAuthorizedCode, asked.code.reveal());
        let held = match self.sessions().take(tenant, &code, now).await? {
            Found::Live(held) => held,
            Found::Expired => return Err(TokenError::CodeExpired.into()),
            // OID4VCI 1.0 §4.1.1: a code is used once; the first token goes on working
            Found::Used(id) => {
                self.trace_refusal(tenant, id, now, "code_used").await;
                return Err(TokenError::CodeUnknown.into());
            }
            Found::Absent => return Err(TokenError::CodeUnknown.into()),
        };
        let tenant = &*self.tenant_at_edition(tenant, held.state.edition);
        let (session, place) = (held.session, held.state.place);
        // a holder who began to log in may still use the code instead
        let Some(offered) = held.state.issuance.into_waiting_offer() else {
            return Err(TokenError::CodeUnknown.into());
        };
        // 2. the step
        let request = TokenRequest::PreAuthorized(asked.clone());
        let secrets = self.sessions().secrets(tenant, session.id);
        let done = offered.exchange(request, sender, &tenant.issuer, now, &secrets);
        let (left, event, answer) = match done {
            Ok((response, authorized)) => (
                self.token_issued(tenant, &session, authorized, now).retiring(code),
                NewEvent::done(now, step::TOKEN_ISSUED),
                Ok(response),
            ),
            Err(Refused { error, left }) => {
                let (issuance, step, ends_at) = match *left {
                    Left::Unchanged(_) => {
                        self.trace_refusal(tenant, session.id, now, error.reason()).await;
                        return Err(error.into());
                    }
                    Left::Changed(offered) => {
                        (Issuance::Offered(offered), step::TX_CODE_WRONG, session.expires_at)
                    }
                    Left::Ended(ended) => {
                        (Issuance::Ended(ended), step::REFUSED, self.environment().kept_until(now))
                    }
                };
                let state = State { place, ..State::of(issuance, tenant) };
                let event = NewEvent::refused(now, step, error.reason());
                let next = self.next(tenant, session.id, &state, (now, ends_at));
                (next, event, Err(error))
            }
        };
        // 3. what the step left is durable before anybody hears of it
        let next = left.seeing(sender.shown().map(once));
        match self.step(tenant, &session, next, Some(event)).await {
            Err(error) => Err(self.refuse_replay(tenant, (session.id, now), error, sender).await),
            Ok(false) => Ok(None),
            Ok(true) => Ok(Some(answer?)),
        }
    }
}

//! A browser comes back from the login provider (OpenID Connect Core §3.1.2.5).

use lanyard_oid4vci::{
    LoginState,
    issuer::{Authorizing, BrowserDigest, Issuance},
};
use lanyard_store::{NewEvent, SessionId};

use super::{
    LoginSettings, Outcome,
    authorize::{Decided, LoginSession, page, stopped_with},
    page::authorize_url,
};
use crate::{
    IssuerError, IssuerService, UpstreamError,
    http::Failure,
    sessions::{Found, State, TRIES},
    step,
    tenant::Tenant,
    upstream::{LoggedIn, OidcProvider},
};

/// What the browser brings back from the login provider.
pub(crate) struct Back {
    pub(crate) session: SessionId,
    pub(crate) state: LoginState,
    pub(crate) browser: BrowserDigest,
    /// The code, or the provider's error.
    pub(crate) answer: Result<String, String>,
    pub(crate) iss: Option<String>,
}

impl IssuerService {
    /// The login provider has answered: its code is redeemed once, and the holder is logged in.
    pub(crate) async fn come_back(&self, tenant: &Tenant, back: Back) -> Result<Outcome, Failure> {
        let login = tenant.login.as_ref().ok_or(Failure::NotFound)?;
        let upstream = login.ways.upstream().ok_or(Failure::NotFound)?;
        // 1. the state is one that this browser took there
        let Some((_, authorizing)) = self.left(tenant, &back).await? else {
            return Ok(stopped_with(tenant, &UpstreamError::NotBegun));
        };
        // 2. who it is
        let found = self.ask(upstream, &authorizing, &back).await;
        // 3. the holder is logged in, unless the session went on without them
        for _ in 0..TRIES {
            let Some((begun, authorizing)) = self.left(tenant, &back).await? else {
                return Ok(stopped_with(tenant, &UpstreamError::NotBegun));
            };
            let tenant = &*self.tenant_at_edition(tenant, begun.edition);
            let decided = self.arrived(tenant, login, authorizing, &found, &begun);
            let Some((next, event)) = decided.next else { return Ok(decided.outcome) };
            if self.step(tenant, &begun.session, next, Some(event)).await? {
                return Ok(decided.outcome);
            }
        }
        Err(IssuerError::Contended.into())
    }

    /// The session that a browser left with this state, if it is still on its way.
    async fn left(
        &self,
        tenant: &Tenant,
        back: &Back,
    ) -> Result<Option<(LoginSession, Authorizing)>, IssuerError> {
        let now = self.now();
        let Found::Live(held) = self.sessions().by_id(tenant, back.session, now).await? else {
            return Ok(None);
        };
        let State { issuance, place, edition } = held.state;
        let Issuance::Authorizing(authorizing) = issuance else { return Ok(None) };
        if authorizing.upstream(&back.state, &back.browser, now).is_none() {
            return Ok(None);
        }
        let begun = LoginSession { session: held.session, place, edition, now };
        Ok(Some((begun, authorizing)))
    }

    async fn ask(
        &self,
        upstream: &OidcProvider,
        authorizing: &Authorizing,
        back: &Back,
    ) -> Result<LoggedIn, UpstreamError> {
        let code = back.answer.as_ref().map_err(|error| UpstreamError::answered(error))?;
        let now = self.now();
        let login = authorizing.upstream(&back.state, &back.browser, now);
        let login = login.ok_or(UpstreamError::NotBegun)?;
        upstream.finish(login, code, back.iss.as_deref(), now).await
    }

    fn arrived(
        &self,
        tenant: &Tenant,
        login: &LoginSettings,
        authorizing: Authorizing,
        found: &Result<LoggedIn, UpstreamError>,
        begun: &LoginSession,
    ) -> Decided {
        let authorizing = authorizing.back();
        match found {
            Ok(found) => match authorizing.log_in(found.holder.clone()) {
                Ok(authorizing) => {
                    let authorizing = authorizing.told(&found.profile, &found.shown);
                    // 303 to the consent page: an address that can be reloaded, without the code in it
                    let outcome =
                        match authorize_url(&self.environment().base_url, tenant, &authorizing) {
                            Some(url) => Outcome::Redirect(url),
                            None => Outcome::Show(page(tenant, login, &authorizing, None)),
                        };
                    let event = NewEvent::done(begun.now, step::HOLDER_LOGGED_IN);
                    let next = self.authorizing(tenant, begun, authorizing);
                    Decided { next: Some((next, event)), outcome }
                }
                Err(refused) => self.turn_down(tenant, refused, begun),
            },
            Err(error) => {
                let outcome =
                    Outcome::Show(page(tenant, login, &authorizing, Some(error.to_string())));
                let event = NewEvent::refused(begun.now, step::REFUSED, error.code());
                let next = self.authorizing(tenant, begun, authorizing);
                Decided { next: Some((next, event)), outcome }
            }
        }
    }
}

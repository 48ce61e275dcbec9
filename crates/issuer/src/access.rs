//! What an access token opens, of this server or of another one.

use jiff::Timestamp;
use lanyard_oid4vci::{
    dpop::DpopError,
    issuer::{Authorized, Issuance, ShownToken},
};
use lanyard_store::{
    Handle, HandleKind, NewEvent, NewSession, Once, SessionId, SessionKind, StoreError,
};

use crate::{
    IssuerError, IssuerService,
    external::{self, AccessTokenFault},
    http::{At, BearerFault, Failure},
    sessions::{Found, State, once},
    step,
    tenant::Tenant,
};

impl IssuerService {
    /// Finds the session that an access token opens, and the token's handle; the token may be ours or another
    /// server's.
    pub(crate) async fn session_of_token(
        &self,
        tenant: &Tenant,
        shown: &ShownToken,
        now: Timestamp,
    ) -> Result<(Handle, Found), Failure> {
        let token = &shown.token;
        let own = self.sessions().handle(tenant, HandleKind::AccessToken, token.reveal());
        let Some(server) = tenant.elsewhere() else {
            return Ok((own, self.sessions().take(tenant, &own, now).await?));
        };
        // no token of this server has a dot in it, and no other server is asked about one
        if !token.reveal().contains('.') {
            match self.sessions().take(tenant, &own, now).await? {
                Found::Absent => {}
                Found::Expired => return Err(BearerFault::invalid(shown).into()),
                found => return Ok((own, found)),
            }
        }
        let access = external::handle(token, self.provider());
        let found = self.sessions().take(tenant, &access, now).await?;
        if matches!(found, Found::Live(_) | Found::Used(_)) {
            let confirmed = server.confirm(token, now).await;
            confirmed.map_err(|fault| refused_elsewhere(tenant, shown, &fault))?;
        }
        Ok((access, found))
    }

    /// Begins a session for a token of another authorization server that is shown for the first time, and gives
    /// what it leads to then: its server was just asked, and is not asked again.
    pub(crate) async fn begin_external_session(
        &self,
        tenant: &Tenant,
        shown: &ShownToken,
        access: Handle,
        now: Timestamp,
    ) -> Result<Found, Failure> {
        let invalid = || Failure::from(BearerFault::invalid(shown));
        let server = tenant.elsewhere().ok_or_else(invalid)?;
        let grant = server.grant(&shown.token, &tenant.issuer, now).await;
        let grant = grant.map_err(|fault| refused_elsewhere(tenant, shown, &fault))?;
        // RFC 9449 §5: a token must be bound where the rules say so
        if tenant.issuer.rules().is_dpop_required() && grant.bound_to.is_none() {
            return Err(invalid());
        }
        let subject = self.logged_in_subject(tenant, Some(&grant.holder));
        let authorized = Authorized::granted_elsewhere(grant);
        authorized.admit(shown).map_err(|_| invalid())?;
        let expires_at = authorized.session_ends_at();
        let state = State::of(Issuance::Authorized(authorized), tenant);
        let event = NewEvent::done(now, step::TOKEN_OF_ANOTHER_SERVER);
        let id = access.session();
        let session = NewSession {
            tenant: tenant.id.clone(),
            id,
            kind: SessionKind::Authorization,
            state: self.sessions().seal(tenant, id, &state),
            created_at: now,
            expires_at,
            handles: vec![access],
            subject,
            once: Vec::new(),
            call: None,
            event: event.clone(),
        };
        match self.environment().store.insert(session).await {
            Ok(()) => self.announce(tenant, id, &event),
            // another request with the same token was faster, or the session is over
            Err(StoreError::DuplicateSession) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(self.sessions().take(tenant, &access, now).await?)
    }

    /// What the store refused to write for whoever showed a token: a proof that was taken before, or trouble.
    pub(crate) async fn refuse_shown(
        &self,
        tenant: &Tenant,
        session: SessionId,
        now: Timestamp,
        error: StoreError,
    ) -> Failure {
        if error != StoreError::SeenBefore {
            return error.into();
        }
        let error = DpopError::Replayed;
        self.trace_refusal(tenant, session, now, error.reason()).await;
        self.refuse_proof(tenant, error, At::Resource)
    }
}

/// Why a token of another server opens nothing, for whoever showed it; the log has the reason.
fn refused_elsewhere(tenant: &Tenant, shown: &ShownToken, fault: &AccessTokenFault) -> Failure {
    let (tenant, reason) = (tenant.id.as_str(), fault.code());
    tracing::info!(tenant, reason, "access token of another server");
    match fault {
        AccessTokenFault::Server(_) => IssuerError::AuthorizationServerUnavailable.into(),
        _ => BearerFault::invalid(shown).into(),
    }
}

/// What a step remembers of the token that was shown: its proof, so that it is taken once (RFC 9449 §11.1).
pub(crate) fn proof_of(shown: &ShownToken) -> Option<Once> {
    shown.proof.as_ref().map(|proof| once(proof.shown()))
}

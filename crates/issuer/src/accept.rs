//! The wallet shows its key and gets the credential (OID4VCI §8).

use jiff::Timestamp;
use lanyard_oid4vci::{
    credential::{CredentialError, CredentialRequest, CredentialResponse},
    dpop::DpopError,
    issuer::{Authorized, Issuance, IssuedCredential, Progress, Refreshable, ShownToken},
};
use lanyard_store::{
    CredentialId, Handle, HandleKind, IssuedRecord, NewEvent, NewStatus, Next, Replaced, Session,
    StoreError,
};

use crate::{
    IssuerError, IssuerService,
    http::{At, BearerFault, Failure},
    sessions::{Found, State, TRIES, once},
    step,
    tenant::Tenant,
};

impl IssuerService {
    /// One credential per configuration and token: whoever loses the race finds it issued.
    pub(crate) async fn accept(
        &self,
        tenant: &Tenant,
        shown: &ShownToken,
        body: &[u8],
    ) -> Result<CredentialResponse, Failure> {
        for _ in 0..TRIES {
            if let Some(response) = self.try_to_accept(tenant, shown, body).await? {
                return Ok(response);
            }
        }
        Err(IssuerError::Contended.into())
    }

    /// `None` when another request changed the session in between: nothing was written.
    async fn try_to_accept(
        &self,
        tenant: &Tenant,
        shown: &ShownToken,
        body: &[u8],
    ) -> Result<Option<CredentialResponse>, Failure> {
        let now = self.now();
        // 1. RFC 6750 §3.1: the token leads to a session with a right to something
        let access = Handle::new(HandleKind::AccessToken, shown.token.digest(self.provider()));
        let held = match self.sessions().take(tenant, &access, now).await? {
            Found::Live(held) => held,
            Found::Expired | Found::Absent => return Err(BearerFault::Invalid.into()),
            // the token is retired with the last credential that it gave a right to
            Found::Used(id) => {
                let error = CredentialError::AlreadyIssued;
                self.trace_refusal(tenant, id, now, error.reason()).await;
                return Err(error.into());
            }
        };
        let session = held.session;
        let Issuance::Authorized(authorized) = held.state.issuance else {
            return Err(BearerFault::Invalid.into());
        };
        if let Err(refused) = authorized.admit(shown) {
            self.trace_refusal(tenant, session.id, now, refused.reason()).await;
            return Err(BearerFault::Invalid.into());
        }
        // 2. the step; a refusal leaves the token as good as it was
        let (response, issued, progress) = match issue(authorized, body, tenant, now).await {
            Ok(done) => done,
            Err(error) => {
                self.trace_refusal(tenant, session.id, now, error.reason()).await;
                return Err(error.into());
            }
        };
        // 3. that it was issued is durable before the credential leaves
        let event = issued_event(&issued, now);
        let next = self.next(tenant, &session, progress, now, access);
        let record = self.record(&session, &issued);
        let mut next = next.with_event(event.clone());
        for place in tenant.places_of(&issued.statuses) {
            next = next.with_status(NewStatus { credential: record.credential, place });
        }
        let next = next.with_issued(record);
        let next = next.seeing(shown.proof.iter().map(|proof| once(proof.shown())));
        let replaced = match self.sessions().store.replace(&session, next).await {
            Err(StoreError::SeenBefore) => {
                let error = DpopError::Replayed;
                self.trace_refusal(tenant, session.id, now, error.reason()).await;
                return Err(self.refuse_proof(tenant, error, At::Resource));
            }
            replaced => replaced?,
        };
        match replaced {
            Replaced::Conflict => Ok(None),
            Replaced::Done(_) => {
                self.announce(tenant, session.id, &event);
                Ok(Some(response))
            }
        }
    }

    fn next(
        &self,
        tenant: &Tenant,
        session: &Session,
        progress: Progress,
        now: Timestamp,
        access: Handle,
    ) -> Next {
        let (expires_at, done) = match &progress {
            Progress::Authorized(authorized) => (authorized.ends_at(), false),
            Progress::Issued(issued) => {
                let refresh = issued.refresh().map(Refreshable::expires_at);
                let kept = self.kept_until(now);
                (refresh.map_or(kept, |refresh| refresh.max(kept)), true)
            }
        };
        let state = State { issuance: progress.into(), place: None };
        let next = Next::new(now, self.sessions().seal(tenant, session.id, &state), expires_at);
        if done { next.retiring(access) } else { next }
    }

    fn record(&self, session: &Session, issued: &IssuedCredential) -> IssuedRecord {
        IssuedRecord {
            credential: CredentialId::new(issued.issued_at, self.name_bytes()),
            configuration: issued.configuration.as_str().to_owned(),
            issued_at: issued.issued_at,
            expires_at: Some(issued.expires_at),
            session: session.id,
        }
    }
}

async fn issue(
    authorized: Authorized,
    body: &[u8],
    tenant: &Tenant,
    now: Timestamp,
) -> Result<(CredentialResponse, IssuedCredential, Progress), CredentialError> {
    let request = CredentialRequest::parse(body)?;
    authorized.accept(request, &tenant.issuer, now).await.map_err(|refused| refused.error)
}

fn issued_event(issued: &IssuedCredential, now: Timestamp) -> NewEvent {
    let copies = if issued.copies == 1 { "copy" } else { "copies" };
    let detail = format!("{}: {} {copies}", issued.configuration, issued.copies);
    NewEvent::done(now, step::CREDENTIAL_ISSUED).with_detail(detail)
}

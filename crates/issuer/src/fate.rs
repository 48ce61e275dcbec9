//! Whether an issuance expired before it came to anything, for whoever is told of that.

use async_trait::async_trait;
use lanyard_service::webhook::{ExpiryJudge, Fate};
use lanyard_store::{SessionId, StoreError, TenantId};

use crate::{
    IssuerError, IssuerService, OfferState,
    sessions::Found,
    step::{CREDENTIAL_DENIED, CREDENTIAL_ISSUED, OFFER_WITHDRAWN, REVOKED},
};

#[async_trait]
impl ExpiryJudge for IssuerService {
    fn topic(&self) -> &'static str {
        "issuance"
    }

    async fn fate(&self, tenant: &TenantId, session: SessionId) -> Result<Fate, StoreError> {
        let Ok(known) = self.known_tenant(tenant) else { return Ok(Fate::Over) };
        match self.sessions().by_id(&known, session, self.now()).await {
            Ok(Found::Live(held)) => Ok(match OfferState::from(&held.state.issuance) {
                OfferState::Offered
                | OfferState::LoggingIn
                | OfferState::Authorized
                | OfferState::Deferred => Fate::Open(held.session.expires_at),
                _ => Fate::Over,
            }),
            // what ended in another way is kept for a while, and expires in the end as well
            Ok(Found::Expired) => {
                let trail = self.environment().store.events(tenant, session).await?;
                let ends = [CREDENTIAL_ISSUED, CREDENTIAL_DENIED, OFFER_WITHDRAWN, REVOKED];
                let ended = |step: &str| ends.contains(&step);
                let over = trail.iter().any(|event| ended(&event.step));
                Ok(if over { Fate::Over } else { Fate::Expired })
            }
            Err(IssuerError::Store(error)) => Err(error),
            Ok(Found::Used(_) | Found::Absent) | Err(_) => Ok(Fate::Over),
        }
    }
}

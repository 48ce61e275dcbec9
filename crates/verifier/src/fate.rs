//! Whether a request expired before it was answered, for whoever is told of that.

use async_trait::async_trait;
use lanyard_service::webhook::{ExpiryJudge, Fate};
use lanyard_store::{SessionId, StoreError, TenantId};

use crate::{
    VerifierError, VerifierService,
    sessions::Phase,
    step::{CANCELLED, DECLINED, VERIFIED},
};

#[async_trait]
impl ExpiryJudge for VerifierService {
    fn topic(&self) -> &'static str {
        "presentation"
    }

    async fn fate(&self, tenant: &TenantId, session: SessionId) -> Result<Fate, StoreError> {
        let Ok(known) = self.known_tenant(tenant) else { return Ok(Fate::Over) };
        let now = self.now();
        match self.sessions().by_id(known, session, now).await {
            Ok(held) => Ok(match &held.state.phase {
                Phase::Waiting(waiting) if now < waiting.requested.expires_at() => {
                    Fate::Open(waiting.requested.expires_at())
                }
                Phase::Waiting(_) => Fate::Expired,
                Phase::Ended(_) => Fate::Over,
            }),
            // expired as a whole, or erased
            Err(VerifierError::UnknownRequest) => {
                let trail = self.environment().store.events(tenant, session).await?;
                let ended = |step: &str| [CANCELLED, DECLINED, VERIFIED].contains(&step);
                let over = trail.is_empty() || trail.iter().any(|event| ended(&event.step));
                Ok(if over { Fate::Over } else { Fate::Expired })
            }
            Err(VerifierError::Store(error)) => Err(error),
            Err(_) => Ok(Fate::Over),
        }
    }
}

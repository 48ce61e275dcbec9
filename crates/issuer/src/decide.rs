//! An integrator decides about what waits: it is issued, or it is not.

use lanyard_core::json;
use lanyard_oid4vci::issuer::{Decision, Issuance};
use lanyard_store::{NewEvent, SessionId, TenantId};
use thiserror::Error;

use crate::{
    IssuerError, IssuerService,
    sessions::{Found, Held, State, TRIES},
    step,
};

/// Why the body is not a decision.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the body must be {{\"decision\": \"release\"}} or \"deny\"")]
pub struct DecisionRequestFault;

/// Reads a decision.
pub(crate) fn parse(body: &[u8]) -> Result<Decision, DecisionRequestFault> {
    let body = json::parse_object(body).map_err(|_| DecisionRequestFault)?;
    match (body.len(), body.get("decision").and_then(|decision| decision.as_str())) {
        (1, Some("release")) => Ok(Decision::Release),
        (1, Some("deny")) => Ok(Decision::Deny),
        _ => Err(DecisionRequestFault),
    }
}

impl IssuerService {
    /// Decides about an offer that waits: what a wallet asked for already it gets when it asks again.
    ///
    /// # Errors
    /// [`IssuerError::UnknownTenant`], [`IssuerError::UnknownOffer`], [`IssuerError::AlreadyIssued`],
    /// [`IssuerError::NotWaiting`], [`IssuerError::Contended`] and [`IssuerError::Store`].
    pub async fn decide_deferral(
        &self,
        tenant: &TenantId,
        id: SessionId,
        decision: Decision,
    ) -> Result<(), IssuerError> {
        let tenant = &*self.known_tenant(tenant)?;
        for _ in 0..TRIES {
            let now = self.now();
            let held = match self.sessions().offer(tenant, id, now).await? {
                Found::Live(held) => held,
                Found::Expired => return Err(IssuerError::NotWaiting),
                Found::Used(_) | Found::Absent => return Err(IssuerError::UnknownOffer),
            };
            let Held { session, state: State { issuance, place, edition } } = *held;
            match &issuance {
                Issuance::Issued(_) => return Err(IssuerError::AlreadyIssued),
                issuance if !issuance.waits(now) => return Err(IssuerError::NotWaiting),
                _ => {}
            }
            let state = State { issuance: issuance.decided(decision), place, edition };
            let event = NewEvent::done(
                now,
                match decision {
                    Decision::Release => step::DEFERRAL_RELEASED,
                    Decision::Deny => step::DEFERRAL_DENIED,
                },
            );
            let next = self.next(tenant, id, &state, (now, session.expires_at));
            if self.step(tenant, &session, next, Some(event)).await? {
                return Ok(());
            }
        }
        Err(IssuerError::Contended)
    }
}

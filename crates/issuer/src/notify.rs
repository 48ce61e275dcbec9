//! A wallet tells what became of its credentials (OID4VCI 1.0 §11).

use lanyard_oid4vci::{
    issuer::{Heard, ShownToken},
    notification::{Notification, NotificationError},
};
use lanyard_store::NewEvent;

use crate::{
    IssuerError, IssuerService,
    access::proof_of,
    http::{BearerFault, Failure},
    sessions::{Found, Held, State, TRIES},
    step,
    tenant::Tenant,
};

impl IssuerService {
    /// Takes a notification in, once; the same one again changes nothing.
    pub(crate) async fn notified(
        &self,
        tenant: &Tenant,
        shown: &ShownToken,
        body: &[u8],
    ) -> Result<(), Failure> {
        for _ in 0..TRIES {
            let now = self.now();
            // §11.1: the token of the issuance, also after it has given out everything
            let found = match self.session_of_token(tenant, shown, now).await?.1 {
                Found::Used(id) => self.sessions().by_id(tenant, id, now).await?,
                found => found,
            };
            let Found::Live(held) = found else { return Err(BearerFault::invalid(shown).into()) };
            let Held { session, state: State { mut issuance, place, edition } } = *held;
            if let Err(refused) = issuance.admit(shown) {
                self.trace_refusal(tenant, session.id, now, refused.reason()).await;
                return Err(BearerFault::invalid(shown).into());
            }
            let heard = Notification::parse(body).and_then(|notification| {
                Ok((issuance.notified(&notification)?, notification.event))
            });
            let event = match heard {
                Ok((Heard::Again, _)) if shown.proof.is_none() => return Ok(()),
                // nothing has changed but that the proof was taken
                Ok((Heard::Again, _)) => None,
                Ok((Heard::New, event)) => {
                    Some(NewEvent::done(now, step::NOTIFIED).with_detail(event.name()))
                }
                Err(error) => {
                    self.trace_refusal(tenant, session.id, now, error.reason()).await;
                    return Err(error.into());
                }
            };
            let state = State { issuance, place, edition };
            let next = self.next(tenant, session.id, &state, (now, session.expires_at));
            match self.step(tenant, &session, next.seeing(proof_of(shown)), event).await {
                Err(error) => return Err(self.refuse_shown(tenant, session.id, now, error).await),
                Ok(true) => return Ok(()),
                Ok(false) => {}
            }
        }
        Err(IssuerError::Contended.into())
    }
}

impl From<NotificationError> for Failure {
    fn from(error: NotificationError) -> Self {
        Self::Notification(error)
    }
}

//! How the state between two messages is kept: sealed, and led to by digests only.

use jiff::Timestamp;
use lanyard_oid4vp::{
    ClientId,
    dcql::DcqlQuery,
    verifier::{Conclusion, Recording, Requested, Verdict},
};
use lanyard_service::{Environment, Sealed};
use lanyard_store::{Handle, HandleKind, Session, SessionId, SessionKind, Taken};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use crate::{
    VerifierError, at_hand::AtHand, dc_api::AskedByApi, rotation::Rotation, sign_in::SignIn,
    tenant::Tenant,
};

/// How often a step is tried again after another message changed the session in between.
pub(crate) const TRIES: usize = 8;

/// The state of a session, before it is sealed; it has claims in it, so it is never printed.
#[derive(Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) question: Question,
    /// The digest of the browser in which the request began.
    pub(crate) browser: Option<[u8; 32]>,
    /// Where a same-device browser goes on.
    pub(crate) return_to: Option<Url>,
    /// The sign-in that the request is for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) sign_in: Option<SignIn>,
    pub(crate) phase: Phase,
}

/// What is asked, as people and integrators are told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Question {
    pub(crate) preset: Option<String>,
    pub(crate) title: Option<String>,
    pub(crate) purpose: Option<String>,
    pub(crate) expires_at: Timestamp,
}

/// How far a request is.
#[derive(Serialize, Deserialize)]
pub(crate) enum Phase {
    Waiting(Box<Waiting>),
    Ended(Box<Ended>),
}

/// A request that takes responses.
#[derive(Serialize, Deserialize)]
pub(crate) struct Waiting {
    pub(crate) requested: Requested,
    pub(crate) link: Url,
    /// What the link changes by, where it does.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) rotation: Option<Rotation>,
    /// The same question through the Digital Credentials API, where it is asked there too.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) dc_api: Option<AskedByApi>,
    /// Authorities that are believed for this request only, PEM.
    pub(crate) trust_anchors: Vec<String>,
    /// What is demanded beyond the tenant's policies, as JSON: read once a response is there.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) policy: Option<Value>,
    /// Whether responses are recorded.
    #[serde(default)]
    pub(crate) record: bool,
    /// The last response, if they are.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) recording: Option<Recording>,
    /// How many presentations were not verified.
    pub(crate) attempts: u8,
    /// The verdict on the last of them.
    pub(crate) last: Option<Verdict>,
}

/// A request that takes no response any more.
#[derive(Serialize, Deserialize)]
pub(crate) struct Ended {
    pub(crate) client_id: ClientId,
    pub(crate) query: DcqlQuery,
    pub(crate) end: End,
    /// What was demanded beyond the tenant's policies.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) policy: Option<Value>,
    /// The response, if it was recorded.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) recording: Option<Recording>,
    /// Whether the result waits until the browser comes back with the response code.
    pub(crate) awaits_return: bool,
    /// Whether the result was read.
    pub(crate) read: bool,
}

/// How a request ended.
#[derive(Serialize, Deserialize)]
pub(crate) enum End {
    Concluded(Conclusion),
    Cancelled,
}

/// A session in the hand, its state open.
pub(crate) struct Held {
    pub(crate) session: Session,
    pub(crate) state: State,
}

/// The store, with the seal in front of it.
#[derive(Debug)]
pub(crate) struct Sessions {
    pub(crate) environment: Environment,
    pub(crate) at_hand: AtHand,
}

impl Sessions {
    /// Takes the session that a path or a response code leads to.
    ///
    /// Never known, used up, expired, of another tenant: all of it is [`VerifierError::UnknownRequest`].
    pub(crate) async fn take(
        &self,
        tenant: &Tenant,
        handle: &Handle,
        now: Timestamp,
    ) -> Result<Held, VerifierError> {
        let taken = self.environment.store.take(&tenant.id, handle, now).await?;
        self.opened(tenant, taken)
    }

    /// Takes a session by its name.
    pub(crate) async fn by_id(
        &self,
        tenant: &Tenant,
        id: SessionId,
        now: Timestamp,
    ) -> Result<Held, VerifierError> {
        let taken = self.environment.store.by_id(&tenant.id, id, now).await?;
        self.opened(tenant, taken)
    }

    /// The handle that a path or a response code is, as somebody shows it.
    pub(crate) fn handle(&self, tenant: &Tenant, kind: HandleKind, value: &str) -> Handle {
        tenant.data_key.handle(&tenant.id, kind, value, &*self.environment.provider)
    }

    /// A fresh path or response code that leads to a session.
    pub(crate) fn secret(&self, tenant: &Tenant, session: SessionId) -> String {
        tenant.data_key.lead_to(&tenant.id, session, &*self.environment.provider)
    }

    fn opened(&self, tenant: &Tenant, taken: Taken) -> Result<Held, VerifierError> {
        match taken {
            // the same store holds offers, sealed for others
            Taken::Live(session) if session.kind == SessionKind::Request => {
                self.open(tenant, session)
            }
            _ => Err(VerifierError::UnknownRequest),
        }
    }

    /// Opens the state of a session.
    pub(crate) fn open(&self, tenant: &Tenant, session: Session) -> Result<Held, VerifierError> {
        if let Some(state) = self.at_hand.take(&session) {
            return Ok(Held { session, state });
        }
        let (key, provider) = (&tenant.data_key, &*self.environment.provider);
        let state = key.open_state(Sealed::Presentation, &tenant.id, &session, provider)?;
        Ok(Held { session, state })
    }

    /// Keeps an open state for the next message about its session, which is as it was.
    pub(crate) fn keep_at_hand(&self, Held { session, state }: Held) {
        self.at_hand.keep(session.id, session.version, state);
    }

    /// Keeps the state of a session that the store just began.
    pub(crate) fn keep_begun(&self, id: SessionId, state: State) {
        // the store counts how often a state was replaced, plus one
        self.at_hand.keep(id, 1, state);
    }

    /// Seals a state for the store.
    pub(crate) fn seal(&self, tenant: &Tenant, id: SessionId, state: &State) -> Vec<u8> {
        let (key, provider) = (&tenant.data_key, &*self.environment.provider);
        key.seal_state(Sealed::Presentation, &tenant.id, id, state, provider)
    }
}

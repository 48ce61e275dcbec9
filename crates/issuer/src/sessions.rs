//! How the state between two requests is kept: sealed, and led to by digests only.

use jiff::Timestamp;
use lanyard_core::crypto::{CryptoProvider, Random};
use lanyard_oid4vci::{
    Secrets,
    issuer::Issuance,
    once::{ShownOnce, ShownOnceKind},
};
use lanyard_service::{Environment, Sealed};
use lanyard_store::{Handle, HandleKind, Once, OnceKind, Session, SessionId, SessionKind, Taken};
use serde::{Deserialize, Serialize};

use crate::{
    IssuerError,
    tenant::{Edition, Tenant},
};

/// How often a step is tried again after another request changed the session in between.
pub(crate) const TRIES: usize = 16;

/// The state of a session, before it is sealed.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) issuance: Issuance,
    /// How the offer is shown, while it waits.
    pub(crate) place: Option<OfferPlace>,
    /// The credential types that it began with.
    #[serde(default)]
    pub(crate) edition: Edition,
}

impl State {
    /// The state of a session in which no offer is shown, under the types that the tenant has.
    pub(crate) const fn of(issuance: Issuance, tenant: &Tenant) -> Self {
        Self { issuance, place: None, edition: tenant.edition }
    }
}

/// How an offer reaches a wallet.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct OfferPlace {
    /// The last segment of `credential_offer_uri`.
    pub(crate) path: String,
    pub(crate) by_reference: bool,
}

/// A session in the hand, its state open.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) session: Session,
    pub(crate) state: State,
}

/// What a handle leads to.
#[derive(Debug)]
pub(crate) enum Found {
    Live(Box<Held>),
    Expired,
    Used(SessionId),
    Absent,
}

/// What a step took, as the store remembers it.
pub(crate) fn once(shown: &ShownOnce) -> Once {
    let kind = match shown.kind {
        ShownOnceKind::DpopProof => OnceKind::DpopProof,
        ShownOnceKind::ClientAttestationPop => OnceKind::ClientAttestationPop,
        ShownOnceKind::ClientAssertion => OnceKind::ClientAssertion,
    };
    Once { kind, digest: shown.digest, expires_at: shown.until }
}

/// The store, with the seal in front of it.
#[derive(Debug)]
pub(crate) struct Sessions {
    pub(crate) environment: Environment,
}

impl Sessions {
    /// Takes the session that a code, a token or a path leads to.
    pub(crate) async fn take(
        &self,
        tenant: &Tenant,
        handle: &Handle,
        now: Timestamp,
    ) -> Result<Found, IssuerError> {
        let taken = self.environment.store.take(&tenant.id, handle, now).await?;
        self.opened(tenant, taken)
    }

    /// Takes a session by its name.
    pub(crate) async fn by_id(
        &self,
        tenant: &Tenant,
        id: SessionId,
        now: Timestamp,
    ) -> Result<Found, IssuerError> {
        let taken = self.environment.store.by_id(&tenant.id, id, now).await?;
        self.opened(tenant, taken)
    }

    /// Takes an offer by its name; what is none is not there.
    pub(crate) async fn offer(
        &self,
        tenant: &Tenant,
        id: SessionId,
        now: Timestamp,
    ) -> Result<Found, IssuerError> {
        let taken = self.environment.store.by_id(&tenant.id, id, now).await?;
        match kind_of(&taken) {
            Some(SessionKind::Offer) => self.opened(tenant, taken),
            _ => Ok(Found::Absent),
        }
    }

    /// The handle that a code, a token or a path is, as somebody shows it.
    pub(crate) fn handle(&self, tenant: &Tenant, kind: HandleKind, value: &str) -> Handle {
        tenant.data_key.handle(&tenant.id, kind, value, &*self.environment.provider)
    }

    /// Makes the codes, tokens and paths that lead to a session.
    pub(crate) fn secrets<'s>(&'s self, tenant: &'s Tenant, session: SessionId) -> Leading<'s> {
        Leading { tenant, session, provider: &*self.environment.provider }
    }

    fn opened(&self, tenant: &Tenant, taken: Taken) -> Result<Found, IssuerError> {
        // the same store holds presentation requests, sealed for others
        if kind_of(&taken) == Some(SessionKind::Request) {
            return Ok(Found::Absent);
        }
        let session = match taken {
            Taken::Live(session) => session,
            Taken::Expired(_) => return Ok(Found::Expired),
            Taken::Used(id) => return Ok(Found::Used(id)),
            Taken::Absent => return Ok(Found::Absent),
        };
        let (key, provider) = (&tenant.data_key, &*self.environment.provider);
        let state = key.open_state(Sealed::Issuance, &tenant.id, &session, provider)?;
        Ok(Found::Live(Box::new(Held { session, state })))
    }

    /// Seals a state for the store.
    pub(crate) fn seal(&self, tenant: &Tenant, id: SessionId, state: &State) -> Vec<u8> {
        tenant.data_key.seal_state(
            Sealed::Issuance,
            &tenant.id,
            id,
            state,
            &*self.environment.provider,
        )
    }
}

fn kind_of(taken: &Taken) -> Option<SessionKind> {
    match taken {
        Taken::Live(session) => Some(session.kind),
        Taken::Expired(kind) => Some(*kind),
        Taken::Used(_) | Taken::Absent => None,
    }
}

/// Where the values come from that lead to one session.
pub(crate) struct Leading<'s> {
    tenant: &'s Tenant,
    session: SessionId,
    provider: &'s dyn CryptoProvider,
}

impl Secrets for Leading<'_> {
    fn fresh(&self) -> String {
        self.tenant.data_key.lead_to(&self.tenant.id, self.session, self.provider)
    }

    fn random(&self) -> &dyn Random {
        self.provider
    }
}

//! Webhooks: an integrator is told of each step, in the form of the Standard Webhooks specification.
//!
//! - [`Webhook`] where to and what about; [`Webhooks`] all of them, and the messages that a step makes
//! - [`WebhookSecret`] what messages are signed with
//! - [`Deliverer`] sends what is due, again and again until it is taken or given up
//!
//! The message is a row that is written in the transaction of the step: what happened is told, and what did
//! not happen is not. No claim, code or token is in it; the integrator reads those from the API.

mod deliver;
mod signature;

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use jiff::{SignedDuration, Timestamp};
use lanyard_core::crypto::CryptoProvider;
use lanyard_store::{
    CredentialId, CredentialStatus, Errand, Herald, MessageId, NewEvent, NewMessage, NewSession,
    SessionId, SessionKind, StatusNote, TenantId,
};
use serde_json::{Value, json};
use url::Url;

pub use deliver::{Deliverer, ExpiryJudge, Fate, GIVEN_UP_AFTER};
pub use signature::{SecretUnusable, WebhookSecret};

/// For how long a message can be delivered again.
const KEPT: SignedDuration = SignedDuration::from_hours(14 * 24);

/// After how long it is looked first whether a session has expired: the one that waits says then when it will.
const FIRST_LOOK: SignedDuration = SignedDuration::from_secs(60);

/// A step that is told as the change of the credential itself.
const STATUS_CHANGED: &str = "status_changed";

/// Where an integrator is told, and what about.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// Its name.
    pub name: String,
    /// Where messages are sent.
    pub url: Url,
    /// What they are signed with.
    pub secret: WebhookSecret,
    /// The types of events that it is told: `*`, `issuance.*`, or a type in full.
    pub events: Vec<String>,
}

impl Webhook {
    fn hears(&self, kind: &str) -> bool {
        self.events.iter().any(|wanted| match wanted.strip_suffix('*') {
            Some(beginning) => kind.starts_with(beginning),
            None => wanted == kind,
        })
    }
}

/// The webhooks of all tenants.
pub struct Webhooks {
    tenants: HashMap<TenantId, Vec<Webhook>>,
    provider: Arc<dyn CryptoProvider>,
    given_up: AtomicU64,
}

impl Webhooks {
    /// Takes the webhooks of each tenant.
    pub fn new(
        tenants: impl IntoIterator<Item = (TenantId, Vec<Webhook>)>,
        provider: Arc<dyn CryptoProvider>,
    ) -> Self {
        let tenants = tenants.into_iter().filter(|(_, webhooks)| !webhooks.is_empty()).collect();
        Self { tenants, provider, given_up: AtomicU64::new(0) }
    }

    /// Whether nobody is told anything.
    pub fn is_empty(&self) -> bool {
        self.tenants.is_empty()
    }

    /// How many messages this process gave up.
    pub fn given_up(&self) -> u64 {
        self.given_up.load(Ordering::Relaxed)
    }

    fn gave_up(&self) {
        self.given_up.fetch_add(1, Ordering::Relaxed);
    }

    fn of(&self, tenant: &TenantId) -> &[Webhook] {
        self.tenants.get(tenant).map(Vec::as_slice).unwrap_or_default()
    }

    fn named(&self, tenant: &TenantId, name: &str) -> Option<&Webhook> {
        self.of(tenant).iter().find(|webhook| webhook.name == name)
    }

    /// One message for each webhook that hears of this type.
    fn messages(
        &self,
        tenant: &TenantId,
        kind: &str,
        session: Option<SessionId>,
        at: Timestamp,
        data: &Value,
    ) -> Vec<NewMessage> {
        let told = self.of(tenant).iter().filter(|webhook| webhook.hears(kind));
        told.map(|webhook| NewMessage {
            id: self.name(at),
            webhook: webhook.name.clone(),
            errand: Errand::Deliver,
            kind: kind.to_owned(),
            session,
            payload: json!({ "type": kind, "timestamp": at, "data": data }).to_string(),
            due_at: at,
            keep_until: at.checked_add(KEPT).unwrap_or(Timestamp::MAX),
        })
        .collect()
    }

    /// That a session expired before it came to anything.
    fn expired(
        &self,
        tenant: &TenantId,
        topic: &str,
        session: SessionId,
        at: Timestamp,
    ) -> Vec<NewMessage> {
        let data = json!({ "tenant": tenant.as_str(), "session": session, "outcome": "expired" });
        self.messages(tenant, &format!("{topic}.expired"), Some(session), at, &data)
    }

    fn name(&self, at: Timestamp) -> MessageId {
        let mut random = [0; 10];
        self.provider.fill(&mut random);
        MessageId::new(at, random)
    }
}

/// What sessions of a kind are called in the types of events. Released names never change.
const fn topic(kind: SessionKind) -> &'static str {
    match kind {
        SessionKind::Request => "presentation",
        _ => "issuance",
    }
}

impl Herald for Webhooks {
    fn serves(&self, tenant: &TenantId) -> bool {
        self.tenants.contains_key(tenant)
    }

    fn begun(&self, session: &NewSession) -> Vec<NewMessage> {
        let NewSession { tenant, kind, id, event, .. } = session;
        let mut messages = self.stepped(tenant, *kind, *id, event);
        let kind = format!("{}.expired", topic(*kind));
        if self.of(tenant).iter().any(|webhook| webhook.hears(&kind)) {
            let first_look = event.at.checked_add(FIRST_LOOK).unwrap_or(Timestamp::MAX);
            messages.push(NewMessage {
                id: self.name(event.at),
                webhook: String::new(),
                errand: Errand::WatchExpiry,
                kind: topic(session.kind).to_owned(),
                session: Some(*id),
                payload: String::new(),
                due_at: first_look.min(session.expires_at),
                keep_until: Timestamp::MAX,
            });
        }
        messages
    }

    fn stepped(
        &self,
        tenant: &TenantId,
        kind: SessionKind,
        session: SessionId,
        event: &NewEvent,
    ) -> Vec<NewMessage> {
        if event.step == STATUS_CHANGED || event.is_unheralded {
            return Vec::new();
        }
        // the detail is for people who operate the server; the reason is for programs
        let data = json!({
            "tenant": tenant.as_str(),
            "session": session,
            "step": event.step,
            "outcome": event.outcome.as_str(),
            "reason": event.reason,
        });
        let kind = format!("{}.{}", topic(kind), event.step);
        self.messages(tenant, &kind, Some(session), event.at, &data)
    }

    fn status_changed(
        &self,
        tenant: &TenantId,
        credential: CredentialId,
        status: CredentialStatus,
        note: &StatusNote,
    ) -> Vec<NewMessage> {
        let status = match status {
            CredentialStatus::Valid => "reinstated",
            CredentialStatus::Suspended => "suspended",
            CredentialStatus::Revoked => "revoked",
        };
        let data = json!({
            "tenant": tenant.as_str(),
            "credential": credential,
            "reason": note.reason,
        });
        self.messages(tenant, &format!("credential.{status}"), None, note.at, &data)
    }
}

impl fmt::Debug for Webhooks {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Webhooks({} tenants)", self.tenants.len())
    }
}

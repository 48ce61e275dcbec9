//! Who hears of a step: asked before the step is written, so that its messages are written with it.

use std::fmt;
use std::sync::Arc;

use crate::{
    CredentialId, CredentialStatus, NewEvent, NewMessage, NewSession, Next, Session, SessionId,
    SessionKind, StatusNote, TenantId,
};

/// Says which messages tell of what is about to be written.
///
/// A store that has one asks it in `insert`, `replace`, `append_event`, `set_status` and `erase_subject`, whoever calls
/// them: no step can be forgotten.
pub trait Herald: Send + Sync + fmt::Debug {
    /// Whether a tenant is told of anything; where it is not, nothing is asked.
    fn serves(&self, tenant: &TenantId) -> bool;

    /// A session begins.
    fn begun(&self, session: &NewSession) -> Vec<NewMessage>;

    /// A session goes on, or a request about it was refused.
    fn stepped(
        &self,
        tenant: &TenantId,
        kind: SessionKind,
        session: SessionId,
        event: &NewEvent,
    ) -> Vec<NewMessage>;

    /// The status of a credential changes.
    fn status_changed(
        &self,
        tenant: &TenantId,
        credential: CredentialId,
        status: CredentialStatus,
        note: &StatusNote,
    ) -> Vec<NewMessage>;
}

/// The herald of a store, if it has one: what is about to be written gets its messages here.
#[derive(Clone, Default)]
pub(crate) struct Heralded(Option<Arc<dyn Herald>>);

impl Heralded {
    pub(crate) const fn by(herald: Arc<dyn Herald>) -> Self {
        Self(Some(herald))
    }

    /// Whether there is anything to ask for this tenant.
    pub(crate) fn serves(&self, tenant: &TenantId) -> bool {
        self.asked(tenant).is_some()
    }

    pub(crate) fn begun(&self, session: &mut NewSession) {
        if let Some(herald) = self.asked(&session.tenant) {
            let told = herald.begun(session);
            session.event.messages.extend(told);
        }
    }

    pub(crate) fn stepped(&self, session: &Session, next: &mut Next) {
        for event in &mut next.events {
            self.noted(&session.tenant, session.kind, session.id, event);
        }
    }

    pub(crate) fn noted(
        &self,
        tenant: &TenantId,
        kind: SessionKind,
        session: SessionId,
        event: &mut NewEvent,
    ) {
        if let Some(herald) = self.asked(tenant) {
            let told = herald.stepped(tenant, kind, session, event);
            event.messages.extend(told);
        }
    }

    pub(crate) fn status_changed(
        &self,
        tenant: &TenantId,
        credential: CredentialId,
        status: CredentialStatus,
        note: &mut StatusNote,
    ) {
        if let Some(herald) = self.asked(tenant) {
            let told = herald.status_changed(tenant, credential, status, note);
            note.messages.extend(told);
        }
    }

    fn asked(&self, tenant: &TenantId) -> Option<&dyn Herald> {
        self.0.as_deref().filter(|herald| herald.serves(tenant))
    }
}

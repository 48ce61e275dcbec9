//! Who hears of a step: asked before the step is written, so that its messages are written with it.

use std::fmt;

use crate::{
    CredentialId, CredentialStatus, NewEvent, NewMessage, NewSession, SessionId, SessionKind,
    StatusNote, TenantId,
};

/// Says which messages tell of what is about to be written.
///
/// A store that has one asks it in `insert`, `replace`, `append_event` and `set_status`, whoever calls them:
/// no step can be forgotten.
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

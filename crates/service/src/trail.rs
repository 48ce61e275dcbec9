//! The trail of a session, as integrators and pages see it.

use std::borrow::Cow;

use jiff::Timestamp;
use lanyard_store::{Event, NewEvent, Outcome};
use serde::{Serialize, Serializer};

/// One event of a session's trail; never holds a claim, a code, a token or a nonce.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TrailEvent {
    /// When it happened.
    pub at: Timestamp,
    /// Which step; each service names its own.
    pub step: Cow<'static, str>,
    /// How it ended.
    #[serde(serialize_with = "outcome_text")]
    pub outcome: Outcome,
    /// The stable reason code, for whoever asks why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Cow<'static, str>>,
    /// A sentence for the operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl From<&NewEvent> for TrailEvent {
    fn from(event: &NewEvent) -> Self {
        Self {
            at: event.at,
            step: Cow::Borrowed(event.step),
            outcome: event.outcome,
            reason: event.reason.map(Cow::Borrowed),
            detail: event.detail.clone(),
        }
    }
}

impl From<Event> for TrailEvent {
    fn from(event: Event) -> Self {
        Self {
            at: event.at,
            step: Cow::Owned(event.step),
            outcome: event.outcome,
            reason: event.reason.map(Cow::Owned),
            detail: event.detail,
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
fn outcome_text<S: Serializer>(outcome: &Outcome, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(outcome.as_str())
}

//! The trail of a session, as integrators and pages see it.

use std::borrow::Cow;

use jiff::Timestamp;
use lanyard_store::{Event, NewEvent, Outcome};
use serde::{Serialize, Serializer};

/// The names of the steps. Released names never change.
pub mod step {
    /// The integrator asked.
    pub const REQUEST_CREATED: &str = "request_created";
    /// A wallet fetched the request object.
    pub const REQUEST_FETCHED: &str = "request_fetched";
    /// A wallet responded to the request.
    pub const RESPONSE_RECEIVED: &str = "response_received";
    /// The browser that asked came back with the response code.
    pub const BROWSER_RETURNED: &str = "browser_returned";
    /// The presentation is what was asked for, and every check held.
    pub const VERIFIED: &str = "verified";
    /// The presentation, or another message about the request, was refused; the reason says why.
    pub const REFUSED: &str = "refused";
    /// Nobody can tell now what the presentation is worth; the reason says why.
    pub const UNDETERMINED: &str = "undetermined";
    /// The wallet did not answer; the reason is its error code.
    pub const DECLINED: &str = "declined";
    /// The integrator took the request back.
    pub const CANCELLED: &str = "cancelled";
}

/// One event of a session's trail; never holds a claim, a token or a nonce.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TrailEvent {
    /// When it happened.
    pub at: Timestamp,
    /// One of [`step`].
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

fn outcome_text<S: Serializer>(outcome: &Outcome, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(outcome.as_str())
}

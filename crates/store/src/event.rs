//! The trail of a session: what happened, when, and why not.

use jiff::Timestamp;

use crate::NewMessage;

/// How many events [`append_event`](crate::SessionStore::append_event) keeps for one session.
///
/// A peer that floods a session with refused requests fills its trail, not the database.
pub const LONGEST_TRAIL: u32 = 256;

/// How a step ended: the same three states that every verdict has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The step was taken.
    Done,
    /// The step was refused, by the rule that the reason names.
    Refused,
    /// The step could not be judged, for the cause that the reason names.
    Undetermined,
}

impl Outcome {
    /// The text under which the outcome is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Undetermined => "undetermined",
        }
    }
}

/// An event about to be written.
///
/// Step and reason are `&'static str`: a stable word of the code, never a value of a peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// When it happened.
    pub at: Timestamp,
    /// The protocol step, such as `token` or `credential`.
    pub step: &'static str,
    /// How the step ended.
    pub outcome: Outcome,
    /// The stable reason code, for whoever asks why.
    pub reason: Option<&'static str>,
    /// A sentence for the operator. It never holds a claim, a token or a nonce.
    pub detail: Option<String>,
    /// Who is told of it, in the same transaction.
    pub messages: Vec<NewMessage>,
    /// Whether it is for the trail alone: it changed nothing, and no herald tells it.
    pub is_unheralded: bool,
}

impl NewEvent {
    /// A step that was taken.
    #[must_use]
    pub const fn done(at: Timestamp, step: &'static str) -> Self {
        Self {
            at,
            step,
            outcome: Outcome::Done,
            reason: None,
            detail: None,
            messages: Vec::new(),
            is_unheralded: false,
        }
    }

    /// A step that was refused, and the rule that refused it.
    #[must_use]
    pub const fn refused(at: Timestamp, step: &'static str, reason: &'static str) -> Self {
        Self {
            at,
            step,
            outcome: Outcome::Refused,
            reason: Some(reason),
            detail: None,
            messages: Vec::new(),
            is_unheralded: false,
        }
    }

    /// A step that could not be judged, and the cause.
    #[must_use]
    pub const fn undetermined(at: Timestamp, step: &'static str, reason: &'static str) -> Self {
        Self {
            at,
            step,
            outcome: Outcome::Undetermined,
            reason: Some(reason),
            detail: None,
            messages: Vec::new(),
            is_unheralded: false,
        }
    }

    /// Adds a sentence for the operator. It must not hold a claim, a token or a nonce.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Leaves it to the trail: it changed nothing that anybody waits for.
    #[must_use]
    pub const fn unheralded(mut self) -> Self {
        self.is_unheralded = true;
        self
    }

    /// Has these messages written together with the event.
    #[must_use]
    pub fn telling(mut self, messages: impl IntoIterator<Item = NewMessage>) -> Self {
        self.messages.extend(messages);
        self
    }
}

/// One event of a session's trail, as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The place in the trail, from 1, without gaps.
    pub seq: u32,
    /// When it happened.
    pub at: Timestamp,
    /// The protocol step.
    pub step: String,
    /// How the step ended.
    pub outcome: Outcome,
    /// The stable reason code.
    pub reason: Option<String>,
    /// A sentence for the operator.
    pub detail: Option<String>,
}

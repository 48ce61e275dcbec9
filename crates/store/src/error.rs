//! What a store answers when it cannot do what was asked.

use std::fmt;
use std::time::Duration;

/// Why a store did not do what was asked. Nothing was written then.
///
/// The exceptions are [`Unavailability::Io`] and [`Unavailability::Unreachable`]: a disk or a server that
/// fails while a commit is made durable leaves it open whether the commit survives. The version of a session tells.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The store cannot answer now; the same call may succeed later.
    #[error("the store is unavailable: {cause}")]
    Unavailable {
        /// Why.
        cause: Unavailability,
        /// When to try again, for a `Retry-After` header.
        retry_after: Duration,
    },
    /// The disk or the size limit is exhausted; reads still work.
    #[error("the store is full")]
    Full,
    /// The store holds something it cannot have written.
    #[error("the store is corrupt: {what}")]
    Corrupt {
        /// What could not be read, never its content.
        what: &'static str,
    },
    /// A session with this identifier exists.
    #[error("a session with this identifier exists already")]
    DuplicateSession,
    /// The session has a handle of this kind and digest, live or used.
    #[error("this handle is known already")]
    DuplicateHandle,
    /// A handle that is to lead to a session names another one.
    #[error("the handle names another session")]
    HandleElsewhere,
    /// A credential with this identifier is on record.
    #[error("a credential with this identifier is on record already")]
    DuplicateCredential,
    /// Something that may be seen once was seen before: a replay.
    #[error("this was seen before")]
    SeenBefore,
    /// The call whose outcome this would be was made by somebody else in the meantime.
    #[error("this call was made in the meantime")]
    CallAnswered,
    /// A step retires a handle that is not a live one of its session.
    #[error("the handle to retire is not a live handle of this session")]
    HandleNotHeld,
    /// There is no such session.
    #[error("there is no such session")]
    SessionAbsent,
    /// The database refused a statement: a defect of this crate.
    #[error("the database refused a statement (SQLite result code {code})")]
    Statement {
        /// SQLite's extended result code.
        code: i32,
    },
    /// PostgreSQL refused a statement: a defect of this crate.
    #[error("the database refused a statement (SQLSTATE {state})")]
    SqlState {
        /// PostgreSQL's error code.
        state: String,
    },
}

/// Why a store cannot answer now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unavailability {
    /// Someone else, such as a backup, holds the database for longer than we wait.
    Busy,
    /// More writes are waiting than the store queues.
    Overloaded,
    /// The disk does not do what it is told.
    Io {
        /// SQLite's extended result code.
        code: i32,
    },
    /// The store was closed.
    Closed,
    /// The database server does not answer, or is starting or stopping.
    Unreachable,
}

impl StoreError {
    /// The stable reason code, for metrics and the trail of a session.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Unavailable { cause: Unavailability::Busy, .. } => "store_busy",
            Self::Unavailable { cause: Unavailability::Overloaded, .. } => "store_overloaded",
            Self::Unavailable { cause: Unavailability::Io { .. }, .. } => "store_io",
            Self::Unavailable { cause: Unavailability::Closed, .. } => "store_closed",
            Self::Unavailable { cause: Unavailability::Unreachable, .. } => "store_unreachable",
            Self::Full => "store_full",
            Self::Corrupt { .. } => "store_corrupt",
            Self::DuplicateSession => "duplicate_session",
            Self::DuplicateHandle => "duplicate_handle",
            Self::HandleElsewhere => "handle_elsewhere",
            Self::DuplicateCredential => "duplicate_credential",
            Self::SeenBefore => "seen_before",
            // released name: what an integrator hears who asks while the call is being made
            Self::CallAnswered => "idempotency_key_in_progress",
            Self::HandleNotHeld => "handle_not_held",
            Self::SessionAbsent => "session_absent",
            Self::Statement { .. } | Self::SqlState { .. } => "store_statement",
        }
    }

    /// When the same call may succeed, if waiting can help: the difference between 503 and 500.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Unavailable { retry_after, .. } => Some(*retry_after),
            Self::Full => Some(Duration::from_secs(30)),
            _ => None,
        }
    }

    pub(crate) const fn unavailable(cause: Unavailability) -> Self {
        let seconds = match cause {
            Unavailability::Busy | Unavailability::Overloaded | Unavailability::Unreachable => 1,
            Unavailability::Io { .. } | Unavailability::Closed => 5,
        };
        Self::Unavailable { cause, retry_after: Duration::from_secs(seconds) }
    }
}

impl fmt::Display for Unavailability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy => f.write_str("another process holds the database"),
            Self::Overloaded => f.write_str("too many writes are waiting"),
            Self::Io { code } => write!(f, "the disk failed (SQLite result code {code})"),
            Self::Closed => f.write_str("it was closed"),
            Self::Unreachable => f.write_str("the database server does not answer"),
        }
    }
}

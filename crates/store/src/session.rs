//! A protocol run as stored state, and the compare-and-swap that makes things single-use.

use std::fmt;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{
    CallAnswer, Event, Handle, Handles, IssuedRecord, NewEvent, NewStatus, Once, SessionId,
    StoreError, SubjectRef, TenantId, handle::Led,
};

/// What a session is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum SessionKind {
    /// A credential offer and the issuance that follows (OID4VCI).
    Offer,
    /// A presentation request and its verdict (OID4VP).
    Request,
    /// An authorization that a wallet began, and the issuance that follows (RFC 9126).
    Authorization,
}

impl SessionKind {
    /// The text under which the kind is stored. Released texts never change.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Offer => "offer",
            Self::Request => "request",
            Self::Authorization => "authorization",
        }
    }
}

/// A session in the hand of whoever took it.
///
/// Holding it gives no right to anything yet: the step counts once [`SessionStore::replace`] says
/// [`Replaced::Done`]. Reply to the peer only after that.
#[derive(Clone, PartialEq, Eq)]
pub struct Session {
    /// Whose session it is.
    pub tenant: TenantId,
    /// Its name.
    pub id: SessionId,
    /// What it is about.
    pub kind: SessionKind,
    /// How often its state was replaced, plus one.
    pub version: u64,
    /// The state, sealed by the caller and opaque here.
    pub state: Vec<u8>,
    /// What leads to it.
    pub handles: Handles,
    /// When it began.
    pub created_at: Timestamp,
    /// From this moment on it is expired.
    pub expires_at: Timestamp,
}

impl Session {
    /// What its name gives.
    pub(crate) fn taken(self, now: Timestamp) -> Taken {
        // a column keeps microseconds
        let expired = self.expires_at.as_microsecond() <= now.as_microsecond();
        if expired { Taken::Expired(self.kind) } else { Taken::Live(self) }
    }

    /// What a handle that names it gives.
    pub(crate) fn taken_by(self, handle: &Handle, now: Timestamp) -> Taken {
        match self.handles.lead(handle) {
            Led::Here => self.taken(now),
            Led::UsedUp => Taken::Used(self.id),
            Led::Nowhere => Taken::Absent,
        }
    }
}

/// A session about to be written. Times are kept to the microsecond.
#[derive(Clone)]
pub struct NewSession {
    /// Whose session it is.
    pub tenant: TenantId,
    /// Its name.
    pub id: SessionId,
    /// What it is about.
    pub kind: SessionKind,
    /// The state, sealed by the caller.
    pub state: Vec<u8>,
    /// When it begins.
    pub created_at: Timestamp,
    /// From this moment on it is expired.
    pub expires_at: Timestamp,
    /// What leads to it.
    pub handles: Vec<Handle>,
    /// Whom it is about; what it issues is on record under this subject.
    pub subject: Option<SubjectRef>,
    /// What must not be seen again.
    pub once: Vec<Once>,
    /// The call that it is the outcome of: answered in the same transaction, so that nothing is begun twice
    /// for one call, whenever a process ends.
    pub call: Option<CallAnswer>,
    /// The first event of its trail.
    pub event: NewEvent,
}

/// What one step leaves behind, written in one transaction or not at all.
#[derive(Clone)]
pub struct Next {
    /// The moment of the step; a session that is expired by then is not replaced.
    pub now: Timestamp,
    /// The new state, sealed by the caller.
    pub state: Vec<u8>,
    /// From this moment on the session is expired.
    pub expires_at: Timestamp,
    /// What leads to the session from now on, in addition.
    pub add_handles: Vec<Handle>,
    /// What the step used up; later it answers [`Taken::Used`].
    pub retire_handles: Vec<Handle>,
    /// Whom the session turns out to be about; it stays as it is where somebody said so before.
    pub subject: Option<SubjectRef>,
    /// What the step took and must not be seen again.
    pub once: Vec<Once>,
    /// What to add to the trail.
    pub events: Vec<NewEvent>,
    /// The credentials that the step issued: recorded here, so that an issuance has no moment in
    /// which it is acknowledged and unrecorded.
    pub issued: Vec<IssuedRecord>,
    /// Where the copies of these credentials have their statuses.
    pub statuses: Vec<NewStatus>,
}

impl Next {
    /// A step taken `now` that changes the state and nothing else.
    #[must_use]
    pub const fn new(now: Timestamp, state: Vec<u8>, expires_at: Timestamp) -> Self {
        Self {
            now,
            state,
            expires_at,
            add_handles: Vec::new(),
            retire_handles: Vec::new(),
            subject: None,
            once: Vec::new(),
            events: Vec::new(),
            issued: Vec::new(),
            statuses: Vec::new(),
        }
    }

    /// Lets `handle` lead to the session from now on.
    #[must_use]
    pub fn adding(mut self, handle: Handle) -> Self {
        self.add_handles.push(handle);
        self
    }

    /// Marks `handle` as used up by this step.
    #[must_use]
    pub fn retiring(mut self, handle: Handle) -> Self {
        self.retire_handles.push(handle);
        self
    }

    /// Says whom the session is about, where nobody said so before.
    #[must_use]
    pub fn about(mut self, subject: Option<SubjectRef>) -> Self {
        self.subject = subject;
        self
    }

    /// Remembers what the step took.
    #[must_use]
    pub fn seeing(mut self, once: impl IntoIterator<Item = Once>) -> Self {
        self.once.extend(once);
        self
    }

    /// Adds an event to the trail.
    #[must_use]
    pub fn with_event(mut self, event: NewEvent) -> Self {
        self.events.push(event);
        self
    }

    /// Records a credential that this step issued.
    #[must_use]
    pub fn with_issued(mut self, record: IssuedRecord) -> Self {
        self.issued.push(record);
        self
    }

    /// Records where a copy that this step issued has its status.
    #[must_use]
    pub fn with_status(mut self, status: NewStatus) -> Self {
        self.statuses.push(status);
        self
    }
}

/// What a handle leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Taken {
    /// A session that has not expired.
    Live(Session),
    /// A session of this kind that has; once it is purged the answer is [`Taken::Absent`].
    Expired(SessionKind),
    /// The handle was good once and a step retired it.
    ///
    /// RFC 9700 §4.5 and RFC 6749 §4.1.2: a code shown twice also revokes what the first use
    /// gave out, so the session is named.
    Used(SessionId),
    /// Nothing: never known, known to another tenant only, or purged.
    Absent,
}

/// Whether a step counts.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Replaced {
    /// It does; here is the session as stored now.
    Done(Session),
    /// Someone else was faster, or the session expired or is gone. Nothing was written.
    Conflict,
}

/// Which part of a long list to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// Only what is older than this: the last entry of the page before.
    pub before: Option<SessionId>,
    /// How many entries at most; never more than [`Page::LARGEST`].
    pub limit: u16,
}

impl Page {
    /// The largest page that a store reads in one go.
    pub const LARGEST: u16 = 200;

    /// The newest `limit` entries.
    #[must_use]
    pub const fn first(limit: u16) -> Self {
        Self { before: None, limit }
    }
}

/// Keeps sessions, what leads to them, and their trails.
///
/// The way of a step: [`take`](Self::take) → one step of the protocol crate →
/// [`replace`](Self::replace) → reply.
#[async_trait]
pub trait SessionStore: Send + Sync {
    /// Begins a session, with its handles and the first event of its trail, all or nothing.
    ///
    /// # Errors
    /// [`StoreError::DuplicateSession`] if its name is taken, [`StoreError::DuplicateHandle`] and
    /// [`StoreError::HandleElsewhere`] for handles that are not each one of its own;
    /// [`StoreError::SeenBefore`] if something of `once` was seen; [`StoreError::CallAnswered`] if its call
    /// was answered by another session.
    async fn insert(&self, session: NewSession) -> Result<(), StoreError>;

    /// Takes the session that `handle` leads to into the hand.
    ///
    /// Any number of callers may hold one session; [`replace`](Self::replace) lets one of them win.
    ///
    /// # Errors
    /// Only those of a store that cannot answer.
    async fn take(
        &self,
        tenant: &TenantId,
        handle: &Handle,
        now: Timestamp,
    ) -> Result<Taken, StoreError>;

    /// Takes a session by its name; never answers [`Taken::Used`].
    ///
    /// # Errors
    /// Only those of a store that cannot answer.
    async fn by_id(
        &self,
        tenant: &TenantId,
        id: SessionId,
        now: Timestamp,
    ) -> Result<Taken, StoreError>;

    /// Puts the next state in place of the one in `session`, if that is still the stored one.
    ///
    /// This is the single flip behind every single-use thing: whatever the interleaving, one
    /// holder of a version gets [`Replaced::Done`], and the answer comes after the state is
    /// durable.
    ///
    /// # Errors
    /// [`StoreError::HandleNotHeld`] if a handle to retire is not a live one of the session in the hand,
    /// [`StoreError::DuplicateHandle`] and [`StoreError::HandleElsewhere`] for handles to add that are
    /// known or another session's, [`StoreError::DuplicateCredential`] if a name is taken,
    /// [`StoreError::SeenBefore`] if something of `once` was seen. Nothing is written then.
    async fn replace(&self, session: &Session, next: Next) -> Result<Replaced, StoreError>;

    /// The trail of a session, oldest first; empty if there is no such session.
    ///
    /// # Errors
    /// Only those of a store that cannot answer.
    async fn events(&self, tenant: &TenantId, id: SessionId) -> Result<Vec<Event>, StoreError>;

    /// Adds an event to the trail without touching the state: a refused request leaves a trace too.
    ///
    /// Once a trail has [`LONGEST_TRAIL`](crate::event::LONGEST_TRAIL) events, further ones are
    /// dropped without an error.
    ///
    /// # Errors
    /// [`StoreError::SessionAbsent`] if there is no such session.
    async fn append_event(
        &self,
        tenant: &TenantId,
        id: SessionId,
        event: NewEvent,
    ) -> Result<(), StoreError>;

    /// The sessions of one kind, newest first, expired ones too until they are purged.
    ///
    /// # Errors
    /// Only those of a store that cannot answer.
    async fn list(
        &self,
        tenant: &TenantId,
        kind: SessionKind,
        page: Page,
    ) -> Result<Vec<Session>, StoreError>;

    /// Deletes a session with its handles and its trail; says whether there was one.
    ///
    /// # Errors
    /// Only those of a store that cannot answer.
    async fn delete(&self, tenant: &TenantId, id: SessionId) -> Result<bool, StoreError>;

    /// Deletes up to `limit` expired sessions of all tenants, the longest expired first, and says
    /// how many.
    ///
    /// # Errors
    /// Only those of a store that cannot answer.
    async fn purge_expired(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError>;

    /// The same, for sessions of one kind: those whose results must not outlast their time.
    ///
    /// # Errors
    /// Only those of a store that cannot answer.
    async fn purge_expired_of(
        &self,
        kind: SessionKind,
        now: Timestamp,
        limit: u32,
    ) -> Result<u64, StoreError>;
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("tenant", &self.tenant)
            .field("id", &self.id)
            .field("kind", &self.kind)
            .field("version", &self.version)
            .field("state", &format_args!("{} sealed bytes", self.state.len()))
            .field("handles", &self.handles)
            .field("created_at", &self.created_at)
            .field("expires_at", &self.expires_at)
            .finish()
    }
}

impl fmt::Debug for NewSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewSession")
            .field("tenant", &self.tenant)
            .field("id", &self.id)
            .field("kind", &self.kind)
            .field("state", &format_args!("{} sealed bytes", self.state.len()))
            .field("created_at", &self.created_at)
            .field("expires_at", &self.expires_at)
            .field("handles", &self.handles)
            .field("once", &self.once)
            .field("call", &self.call)
            .field("event", &self.event)
            .finish()
    }
}

impl fmt::Debug for Next {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Next")
            .field("now", &self.now)
            .field("state", &format_args!("{} sealed bytes", self.state.len()))
            .field("expires_at", &self.expires_at)
            .field("add_handles", &self.add_handles)
            .field("retire_handles", &self.retire_handles)
            .field("once", &self.once)
            .field("events", &self.events)
            .field("issued", &self.issued)
            .field("statuses", &self.statuses)
            .finish()
    }
}

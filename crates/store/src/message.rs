//! Messages to integrators: written with the step they tell of, delivered afterwards.

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{MessageId, SessionId, StoreError, TenantId};

/// What is to be done with a message when it is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Errand {
    /// It is sent to its webhook.
    Deliver,
    /// The session that it names is looked at: whether it has expired by now.
    WatchExpiry,
}

impl Errand {
    /// The text under which it is stored. Released texts never change.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deliver => "deliver",
            Self::WatchExpiry => "watch_expiry",
        }
    }

    pub(crate) fn from_text(text: &str) -> Option<Self> {
        [Self::Deliver, Self::WatchExpiry].into_iter().find(|errand| errand.as_str() == text)
    }
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageState {
    /// It is to be delivered, for the first time or again.
    Waiting,
    /// Its receiver took it.
    Delivered,
    /// It was tried often enough; a person has to look.
    Dead,
}

impl MessageState {
    /// The text under which it is stored and shown. Released texts never change.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }

    /// The state of this name.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let all = [Self::Waiting, Self::Delivered, Self::Dead];
        all.into_iter().find(|state| state.as_str() == text)
    }
}

/// A message about to be written, in the transaction of the step that it tells of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMessage {
    /// Its name.
    pub id: MessageId,
    /// The name of the webhook that it goes to.
    pub webhook: String,
    /// What is to be done with it.
    pub errand: Errand,
    /// The type of the event.
    pub kind: String,
    /// The session that it is about.
    pub session: Option<SessionId>,
    /// What is sent. It never holds a claim, a code or a token.
    pub payload: String,
    /// When it is due.
    pub due_at: Timestamp,
    /// Once it is delivered or dead, it is kept until then, and can be delivered again.
    pub keep_until: Timestamp,
}

/// A message as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Whose it is.
    pub tenant: TenantId,
    /// Its name.
    pub id: MessageId,
    /// The name of the webhook that it goes to.
    pub webhook: String,
    /// What is to be done with it.
    pub errand: Errand,
    /// The type of the event.
    pub kind: String,
    /// The session that it is about.
    pub session: Option<SessionId>,
    /// What is sent.
    pub payload: String,
    /// What became of it.
    pub state: MessageState,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is due, while it waits; else when it was settled.
    pub due_at: Timestamp,
    /// How the last try ended: a stable word, or an HTTP status.
    pub outcome: Option<String>,
    /// Once it is delivered or dead, it is kept until then.
    pub keep_until: Timestamp,
}

/// Which of the messages that are due a worker takes into its hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The time.
    pub now: Timestamp,
    /// Nobody else gets them before then.
    pub lease_until: Timestamp,
    /// How many at most.
    pub limit: u32,
    /// How many at most that go to one webhook, so that one whose receiver hangs leaves room for others.
    pub of_one_webhook: u32,
    /// The webhooks that get no more for now.
    pub without: Vec<(TenantId, String)>,
}

impl Claim {
    /// Whatever is due longest, whoever gets it.
    #[must_use]
    pub const fn of_all(now: Timestamp, lease_until: Timestamp, limit: u32) -> Self {
        Self { now, lease_until, limit, of_one_webhook: u32::MAX, without: Vec::new() }
    }

    /// How many that are due are looked at, so that those of one webhook do not hide all others.
    pub(crate) const fn looked_at(&self) -> u32 {
        self.limit.saturating_mul(4)
    }

    /// The webhooks that get no more, each as one text: no tenant's name has a slash.
    pub(crate) fn left_out(&self) -> Vec<String> {
        self.without.iter().map(|(tenant, webhook)| format!("{tenant}/{webhook}")).collect()
    }
}

/// How a try ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// The receiver took it.
    Delivered {
        /// When.
        at: Timestamp,
        /// What it answered.
        outcome: String,
    },
    /// It is tried again.
    Retry {
        /// When.
        due_at: Timestamp,
        /// What went wrong.
        outcome: String,
    },
    /// It is not tried any more.
    Dead {
        /// When it was given up.
        at: Timestamp,
        /// What went wrong.
        outcome: String,
    },
    /// There is nothing left to do: it is deleted, and these are written in its place.
    Replaced(Vec<NewMessage>),
}

/// Which part of the messages to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessagePage {
    /// Only those in this state.
    pub state: Option<MessageState>,
    /// Only what is older than this: the last entry of the page before.
    pub before: Option<MessageId>,
    /// How many entries at most; never more than [`Page::LARGEST`](crate::Page::LARGEST).
    pub limit: u16,
}

/// Keeps messages until they are delivered; [`NewEvent::messages`](crate::NewEvent) writes them.
#[async_trait]
pub trait MessageStore: Send + Sync {
    /// Takes messages of all tenants that are due into the hand, the longest due first: each counts one more
    /// attempt, and nobody else gets it before its lease ends.
    ///
    /// # Errors
    /// Only those of a store that cannot answer.
    async fn claim_messages(&self, claim: Claim) -> Result<Vec<Message>, StoreError>;

    /// Says how a try with a claimed message ended. False, and nothing is changed, if it is in this hand no more: it
    /// was settled, or its lease ended and another has it.
    ///
    /// # Errors
    /// Only those of a store that cannot answer.
    async fn settle_message(&self, held: &Message, settled: Settled) -> Result<bool, StoreError>;

    /// The messages of a tenant, newest first, without those that only watch an expiry.
    ///
    /// # Errors
    /// Only those of a store that cannot answer.
    async fn list_messages(
        &self,
        tenant: &TenantId,
        page: MessagePage,
    ) -> Result<Vec<Message>, StoreError>;

    /// Has a message delivered again, from its first attempt on; says whether there is one.
    ///
    /// # Errors
    /// Only those of a store that cannot answer.
    async fn redeliver_message(
        &self,
        tenant: &TenantId,
        id: MessageId,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Deletes up to `limit` settled messages of all tenants that were kept long enough, and says how many.
    ///
    /// # Errors
    /// Only those of a store that cannot answer.
    async fn purge_messages(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError>;
}

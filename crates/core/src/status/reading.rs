//! What was read about a credential, and how old the list was that said so.

use super::{Status, StatusListUri};
use crate::Timestamp;

/// The status of a credential, and the lists it was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusReading {
    /// What they say; of several entries the worst.
    pub status: Status,
    /// The lists; none where somebody simply knows.
    pub lists: Vec<ReadList>,
}

/// A list that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadList {
    /// Where it is published.
    pub uri: StatusListUri,
    /// When its issuer made it, if it says: the age of what it says counts from here.
    pub issued_at: Option<Timestamp>,
    /// From when on it says nothing any more.
    pub expires_at: Option<Timestamp>,
}

impl StatusReading {
    /// Whether every list was made at this moment or later; one that does not say was not.
    pub fn is_since(&self, moment: Timestamp) -> bool {
        self.lists.iter().all(|list| list.issued_at.is_some_and(|issued_at| issued_at >= moment))
    }
}

impl From<Status> for StatusReading {
    fn from(status: Status) -> Self {
        Self { status, lists: Vec::new() }
    }
}

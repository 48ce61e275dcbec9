//! For how long a list that was fetched is asked instead of its publisher.

use jiff::SignedDuration;

use crate::Timestamp;

/// For how long a copy of a list may be kept, whatever the list says (Token Status List §11.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freshness {
    /// No `ttl` is taken for less.
    pub shortest: SignedDuration,
    /// No `ttl` is taken for more.
    pub longest: SignedDuration,
    /// What is taken where there is no `ttl`.
    pub unstated: SignedDuration,
}

impl Default for Freshness {
    /// Between a second and a day; five minutes where the list says nothing.
    fn default() -> Self {
        Self {
            shortest: SignedDuration::from_secs(1),
            longest: SignedDuration::from_hours(24),
            unstated: SignedDuration::from_mins(5),
        }
    }
}

impl Freshness {
    /// Until when a copy need not be fetched again; never beyond the moment at which it ends.
    pub(super) fn until(
        &self,
        fetched_at: Timestamp,
        ttl: Option<SignedDuration>,
        end: Option<Timestamp>,
    ) -> Timestamp {
        let ttl = ttl.unwrap_or(self.unstated).min(self.longest).max(self.shortest);
        // Token Status List §8.3: the time of fetching plus ttl
        let until = fetched_at.checked_add(ttl).unwrap_or(Timestamp::MAX);
        end.map_or(until, |end| until.min(end))
    }
}

//! Who was let pass lately: what they ask for next belongs to a flow that has begun.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, Hash, RandomState};
use std::time::{Duration, Instant};

/// For how long somebody is known, at least; at most twice that. A presentation request can be answered for as long.
const KNOWN_FOR: Duration = Duration::from_secs(300);

/// How many are known at most before the older half is forgotten: 2 MiB.
const MOST: usize = 1 << 16;

/// Those who were let pass, as digests under a key of this process.
#[derive(Debug)]
pub(super) struct Known {
    digests: RandomState,
    young: HashSet<u64>,
    old: HashSet<u64>,
    since: Instant,
}

impl Known {
    pub(super) fn nobody(now: Instant) -> Self {
        let (young, old) = (HashSet::new(), HashSet::new());
        Self { digests: RandomState::new(), young, old, since: now }
    }

    pub(super) fn let_pass(&mut self, who: impl Hash, now: Instant) {
        self.forget(now);
        self.young.insert(self.digests.hash_one(who));
    }

    pub(super) fn knows(&mut self, who: impl Hash, now: Instant) -> bool {
        self.forget(now);
        let digest = self.digests.hash_one(who);
        self.young.contains(&digest) || self.old.contains(&digest)
    }

    fn forget(&mut self, now: Instant) {
        let lasted = now.saturating_duration_since(self.since);
        if lasted >= KNOWN_FOR || self.young.len() >= MOST {
            self.old = std::mem::take(&mut self.young);
            self.since = now;
        }
        if lasted >= KNOWN_FOR * 2 {
            self.old.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_let_pass_is_known_for_five_minutes_and_nobody_after_ten() {
        let began = Instant::now();
        let second = Duration::from_secs(1);
        for later in [Duration::ZERO, KNOWN_FOR - second] {
            let mut known = Known::nobody(began);
            known.let_pass("/demo/offers/a", began + later);
            assert!(!known.knows("/demo/offers/b", began + later));
            assert!(known.knows("/demo/offers/a", began + later + KNOWN_FOR - second));
            assert!(!known.knows("/demo/offers/a", began + later + KNOWN_FOR * 2));
        }
    }

    #[test]
    fn a_crowd_makes_the_older_half_forgotten_and_no_more_is_kept() {
        let began = Instant::now();
        let mut known = Known::nobody(began);
        for who in 0..MOST * 3 {
            known.let_pass(who, began);
            assert!(known.young.len() + known.old.len() <= MOST * 2);
        }
        assert!(known.knows(MOST * 3 - 1, began) && known.knows(MOST * 2, began));
        assert!(!known.knows(0, began));
    }
}

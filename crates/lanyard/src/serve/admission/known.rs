//! Who was let pass lately: what they ask for next belongs to a flow that has begun.

use std::collections::HashSet;
use std::time::{Duration, Instant};

/// For how long somebody is known, at least; at most twice that. A presentation request can be answered for as long.
const KNOWN_FOR: Duration = Duration::from_secs(300);

/// How many are known at most before the older half is forgotten: 2 MiB.
const MOST: usize = 1 << 16;

/// Those who were let pass, as digests.
#[derive(Debug)]
pub(super) struct Known {
    young: HashSet<u64>,
    old: HashSet<u64>,
    since: Instant,
}

impl Known {
    pub(super) fn nobody(now: Instant) -> Self {
        let (young, old) = (HashSet::new(), HashSet::new());
        Self { young, old, since: now }
    }

    pub(super) fn let_pass(&mut self, who: u64, now: Instant) {
        self.forget(now);
        self.young.insert(who);
    }

    pub(super) fn knows(&mut self, who: u64, now: Instant) -> bool {
        self.forget(now);
        self.young.contains(&who) || self.old.contains(&who)
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
            known.let_pass(7, began + later);
            assert!(!known.knows(8, began + later));
            assert!(known.knows(7, began + later + KNOWN_FOR - second));
            assert!(!known.knows(7, began + later + KNOWN_FOR * 2));
        }
    }

    #[test]
    fn a_crowd_makes_the_older_half_forgotten_and_no_more_is_kept() {
        let began = Instant::now();
        let mut known = Known::nobody(began);
        let many = MOST as u64;
        for who in 0..many * 3 {
            known.let_pass(who, began);
            assert!(known.young.len() + known.old.len() <= MOST * 2);
        }
        assert!(known.knows(many * 3 - 1, began) && known.knows(many * 2, began));
        assert!(!known.knows(0, began));
    }
}

//! Who comes: when somebody did last, how many ask for something, and whether they are asked to go.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// What comes to one server.
pub(super) struct Traffic {
    started: Instant,
    /// Milliseconds since the start.
    last: AtomicU64,
    is_leaving: AtomicBool,
    lately: Lately,
}

/// Nobody comes any more when nobody came for so long.
const QUIET: Duration = Duration::from_millis(300);

impl Traffic {
    pub(super) fn new() -> Self {
        let (last, is_leaving) = (AtomicU64::new(0), AtomicBool::new(false));
        Self { started: Instant::now(), last, is_leaving, lately: Lately::default() }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Somebody connects.
    pub(super) fn somebody_came(&self) {
        self.last.store(self.now(), Ordering::Relaxed);
    }

    /// A connection asks for something; how many did of late.
    pub(super) fn asks(&self, connection: &Asked) -> usize {
        let now = self.now();
        self.last.store(now, Ordering::Relaxed);
        self.lately.asks(connection, now / 1000)
    }

    /// A connection is over: whoever asked over it is answered.
    pub(super) fn is_over(&self, connection: &Asked) {
        self.lately.is_over(connection);
    }

    /// How many connections asked for something of late.
    pub(super) fn asking(&self) -> usize {
        self.lately.asking(self.now() / 1000)
    }

    pub(super) fn leave(&self) {
        self.is_leaving.store(true, Ordering::Relaxed);
    }

    /// Whether an answer is the last one of its connection.
    pub(super) fn is_leaving(&self) -> bool {
        self.is_leaving.load(Ordering::Relaxed)
    }

    /// Waits until nobody comes any more, for as long as that at most.
    pub(super) async fn has_ended(&self, notice: Duration) {
        let end = Instant::now() + notice;
        self.somebody_came();
        loop {
            let last = Duration::from_millis(self.last.load(Ordering::Relaxed));
            let until = (self.started + last + QUIET).min(end);
            if until <= Instant::now() {
                return;
            }
            sleep_until(until).await;
        }
    }
}

/// The second in which a connection asked for something last, plus one; zero for "never".
#[derive(Default)]
pub(super) struct Asked(AtomicU64);

/// Open connections that sent a request in this second or the last, counted once in each.
///
/// Nobody waits for an answer over one that is only open, whose request never gets complete, or that is over.
#[derive(Default)]
struct Lately([AtomicU64; 2]);

/// A count shares its word with the second that it is of.
const COUNT_BITS: u32 = 32;

impl Lately {
    const fn counter(&self, second: u64) -> &AtomicU64 {
        let [even, odd] = &self.0;
        if second.is_multiple_of(2) { even } else { odd }
    }

    /// Counts a connection, and says how many there were.
    fn asks(&self, connection: &Asked, second: u64) -> usize {
        let is_counted = connection.0.swap(second + 1, Ordering::Relaxed) == second + 1;
        if !is_counted {
            let one_more = |word| Some(((second << COUNT_BITS) | count(word, second)) + 1);
            let counter = self.counter(second);
            let _ = counter.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more);
        }
        self.asking(second)
    }

    /// How many there were in this second or the one before, whichever had more.
    fn asking(&self, second: u64) -> usize {
        let of = |second| count(self.counter(second).load(Ordering::Relaxed), second);
        usize::try_from(of(second).max(of(second.wrapping_sub(1)))).unwrap_or(usize::MAX)
    }

    /// Counts a connection no more.
    fn is_over(&self, connection: &Asked) {
        let Some(last) = connection.0.swap(0, Ordering::Relaxed).checked_sub(1) else { return };
        let one_less = |word| (count(word, last) > 0).then(|| word - 1);
        let _ = self.counter(last).fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less);
    }
}

/// What a counter says of a second.
const fn count(word: u64, second: u64) -> u64 {
    let is_of_it = word >> COUNT_BITS == second;
    if is_of_it { word & ((1 << COUNT_BITS) - 1) } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_counts_once_in_each_second_however_often_it_asks() {
        let (lately, one, other) = (Lately::default(), Asked::default(), Asked::default());
        assert_eq!([7, 7, 7].map(|second| lately.asks(&one, second)), [1, 1, 1]);
        assert_eq!(lately.asks(&other, 7), 2);
        assert_eq!(lately.asks(&one, 8), 2, "the second before had two");
        assert_eq!(lately.asks(&one, 9), 1);
    }

    #[test]
    fn who_asked_two_seconds_ago_counts_no_more() {
        let lately = Lately::default();
        for second in [0, 1, 2, 5, 6] {
            for _ in 0..3 {
                lately.asks(&Asked::default(), second);
            }
            assert_eq!(lately.asks(&Asked::default(), second), 4);
        }
        assert_eq!(lately.asks(&Asked::default(), 8), 1);
    }

    #[test]
    fn a_connection_that_is_over_counts_no_more() {
        let lately = Lately::default();
        for _ in 0..200 {
            let connection = Asked::default();
            assert_eq!(lately.asks(&connection, 7), 1, "one after the other is no crowd");
            lately.is_over(&connection);
        }
        let (early, late) = (Asked::default(), Asked::default());
        lately.asks(&early, 7);
        lately.asks(&late, 9);
        lately.is_over(&early);
        lately.is_over(&Asked::default());
        assert_eq!(lately.asks(&late, 9), 1, "what counted in another second takes nothing away");
    }

    #[test]
    fn connections_that_ask_for_nothing_are_no_crowd() {
        let traffic = Traffic::new();
        (0..200).for_each(|_| traffic.somebody_came());
        assert_eq!(traffic.asks(&Asked::default()), 1);
    }
}

//! How long whoever begins something waits, and what share of the next beginnings that leaves no room for.

use std::time::{Duration, Instant};

/// Where no more requests than that are in hand, nothing that they take is a queue of theirs: the machine is slow, and
/// not the crowd large.
pub(super) const CROWD: usize = 64;

/// Where no more connections than that asked for something lately, and no crowd is in hand, nobody waits for a turn
/// because of others: more than 64 wallets that each keep one, and whatever else looks in.
pub(super) const ASKING: usize = 100;

/// For how long beginnings are watched before the next are judged by them.
pub(super) const WINDOW: Duration = Duration::from_millis(50);

/// What a beginning that waits for the store may always take.
pub(super) const QUICK: Duration = Duration::from_millis(40);

/// A beginning that takes so many times what it takes without a queue has waited in one: a distant database is no queue.
pub(super) const TIMES: u32 = 3;

/// What a beginning takes without a queue is learnt again, slowly: this much more of it is believed in each window.
const FORGETTING: f64 = 1.000_05;

/// How long whoever comes may wait for a turn on the processor. A flow takes six of them, and whoever is told to come
/// again is to hear it within 100 ms.
pub(super) const SOON: Duration = Duration::from_millis(20);

/// How often it is tried how long that is.
const TRIED_EVERY: Duration = Duration::from_millis(10);

/// It is logged again after this long.
const SAID_AGAIN: Duration = Duration::from_secs(10);

/// How much of a flow has been done here when something of it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Nothing: to turn it away now costs nobody anything.
    FirstContact,
    /// Requests that were for nothing if it is turned away.
    UnderWay,
}

impl Turn {
    /// The share to refuse at a given overload: first contacts from 1× (none) to 2× (all), flows under way from 4× to
    /// 8×.
    fn share(self, times: f64) -> f64 {
        let (none, all) = match self {
            Self::FirstContact => (1.0, 2.0),
            Self::UnderWay => (4.0, 8.0),
        };
        ((times - none) / (all - none)).clamp(0.0, 1.0)
    }
}

/// How much comes at once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Press {
    /// Requests in hand.
    pub(super) in_hand: usize,
    /// Connections that asked for something lately.
    pub(super) asking: usize,
}

/// How long beginnings take, and a turn on the processor.
#[derive(Debug)]
pub(super) struct Watch {
    window: Instant,
    /// The quickest that ended in this window.
    quickest: Option<Duration>,
    /// What the quickest takes when there is no queue.
    unhindered: Option<Duration>,
    /// How many times what is quick the quickest of the last window took.
    store: f64,
    /// Whether somebody is to wait for a turn, to try how long that takes.
    tries: bool,
    /// Since when they do.
    waits: Option<Instant>,
    /// When that ended the last time, and what it took.
    tried: Option<(Instant, Duration)>,
    /// Of each turn, one is turned away as soon as it reaches one.
    owed: [f64; 2],
    /// When it was last logged that somebody is turned away.
    logged: Option<Instant>,
}

impl Watch {
    pub(super) const fn new(now: Instant) -> Self {
        Self {
            window: now,
            quickest: None,
            unhindered: None,
            store: 0.0,
            tries: false,
            waits: None,
            tried: None,
            owed: [0.0; 2],
            logged: None,
        }
    }

    /// Judges the last window, if it is over.
    pub(super) fn turn(&mut self, now: Instant, press: Press) {
        let lasted = now.saturating_duration_since(self.window);
        if lasted < WINDOW {
            return;
        }
        // where many wait and none was done, the quickest takes longer than that
        let took = self.quickest.take().or_else(|| (press.in_hand > CROWD).then_some(lasted));
        self.window = now;
        self.store = took.map_or(0.0, |took| self.times_quick(took));
    }

    /// How many times what is quick that is.
    fn times_quick(&mut self, took: Duration) -> f64 {
        let before = self.unhindered.map_or(took, |least| least.mul_f64(FORGETTING));
        let unhindered = took.min(before);
        self.unhindered = Some(unhindered);
        let quick = QUICK.max(unhindered * TIMES);
        took.as_secs_f64() / quick.as_secs_f64()
    }

    pub(super) fn ended(&mut self, took: Duration) {
        self.quickest = Some(self.quickest.map_or(took, |quickest| quickest.min(took)));
    }

    /// Whether somebody is to wait for a turn now, and say so when it came.
    pub(super) fn tries_a_turn(&mut self, now: Instant) -> bool {
        let is_recent = |(at, _): (Instant, _)| now.saturating_duration_since(at) < TRIED_EVERY;
        let is_due = !self.tries && !self.tried.is_some_and(is_recent);
        self.tries |= is_due;
        is_due
    }

    /// The wait for the turn begins.
    pub(super) fn turn_is_due(&mut self, now: Instant) {
        self.waits = Some(now);
    }

    /// The turn came.
    pub(super) fn turn_came(&mut self, now: Instant) {
        self.tries = false;
        if let Some(since) = self.waits.take() {
            self.tried = Some((now, now.saturating_duration_since(since)));
        }
    }

    /// How many times what it may whoever comes now waits for a turn.
    fn times_soon(&self, now: Instant) -> f64 {
        let waiting = self.waits.map(|since| now.saturating_duration_since(since));
        let of_late = |(at, _): &(Instant, _)| now.saturating_duration_since(*at) < WINDOW;
        let waited = self.tried.filter(of_late).map(|(_, waited)| waited);
        let waits = waiting.max(waited).unwrap_or_default();
        waits.as_secs_f64() / SOON.as_secs_f64()
    }

    /// How many times what it may everything takes, as far as a crowd is to blame.
    fn times(&self, now: Instant, press: Press) -> f64 {
        let is_crowd = press.in_hand > CROWD;
        let store = if is_crowd { self.store } else { 0.0 };
        let is_crowd = is_crowd || press.asking > ASKING;
        if is_crowd { store.max(self.times_soon(now)) } else { 0.0 }
    }

    /// Whether any first contact is turned away.
    pub(super) fn is_pressed(&self, now: Instant, press: Press) -> bool {
        Turn::FirstContact.share(self.times(now, press)) > 0.0
    }

    /// Whether the next beginning is one that is turned away.
    pub(super) fn turns_away(&mut self, turn: Turn, now: Instant, press: Press) -> bool {
        let share = turn.share(self.times(now, press));
        let owed = &mut self.owed[usize::from(turn == Turn::UnderWay)];
        *owed += share;
        let is_due = *owed >= 1.0;
        if is_due {
            *owed -= 1.0;
            self.log(now, press, share);
        }
        is_due
    }

    /// Says in the log that there is too much to do, once in a while.
    fn log(&mut self, now: Instant, press: Press, share: f64) {
        let is_new = self.logged.is_none_or(|logged| now.duration_since(logged) >= SAID_AGAIN);
        if is_new {
            self.logged = Some(now);
            let Press { in_hand, asking } = press;
            tracing::warn!(
                in_hand,
                connections = asking,
                share,
                "too much to do: beginnings are turned away"
            );
        }
    }
}

#[cfg(test)]
impl Watch {
    /// One whose present window does not end, in which the quickest took so many times what is quick.
    pub(super) fn pressed(now: Instant, times: f64) -> Self {
        let window = now + Duration::from_secs(3600);
        Self { store: times, ..Self::new(window) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FEW: Press = Press { in_hand: CROWD, asking: ASKING };
    const MANY: Press = Press { in_hand: CROWD + 1, asking: 0 };

    /// What the quickest took in each window, and the shares of first contacts and of what is under way that are turned
    /// away afterwards, in percent.
    fn shares(took: &[u64]) -> Vec<(f64, f64)> {
        let began = Instant::now();
        let mut watch = Watch::new(began);
        let windows = (1..).zip(took);
        let shares = windows.map(|(nth, millis)| {
            watch.ended(Duration::from_millis(*millis));
            let now = began + WINDOW * nth;
            watch.turn(now, MANY);
            let times = watch.times(now, MANY);
            let percent = |turn: Turn| (turn.share(times) * 100.0).round();
            (percent(Turn::FirstContact), percent(Turn::UnderWay))
        });
        shares.collect()
    }

    #[test]
    fn the_share_that_is_turned_away_grows_with_the_time_that_the_quickest_took() {
        let shares = shares(&[5, 40, 50, 80, 400, 5]);
        let first_contacts: Vec<_> = shares.into_iter().map(|(first, _)| first).collect();
        assert_eq!(first_contacts, [0.0, 0.0, 25.0, 100.0, 100.0, 0.0]);
    }

    #[test]
    fn what_is_under_way_is_turned_away_only_once_all_first_contacts_are() {
        assert_eq!(
            shares(&[5, 79, 160, 240, 320, 900]),
            [(0.0, 0.0), (98.0, 0.0), (100.0, 0.0), (100.0, 50.0), (100.0, 100.0), (100.0, 100.0)]
        );
    }

    #[test]
    fn one_quick_beginning_is_enough_to_say_that_there_is_no_queue() {
        let began = Instant::now();
        let mut watch = Watch::new(began);
        for millis in [900, 3, 700] {
            watch.ended(Duration::from_millis(millis));
        }
        let now = began + WINDOW;
        watch.turn(now, MANY);
        assert!(watch.times(now, MANY) < 1.0, "{watch:?}");
    }

    #[test]
    fn a_distant_database_is_no_queue() {
        assert_eq!(shares(&[80, 80, 200, 300])[2..], [(0.0, 0.0), (25.0, 0.0)]);
    }

    #[test]
    fn what_it_takes_without_a_queue_is_learnt_again_when_it_stays_longer() {
        let mut windows = vec![10; 1];
        windows.extend(vec![60; 20_000]);
        let shares = shares(&windows);
        assert!(shares[1].0 > 0.0 && shares.last().unwrap().0.abs() < f64::EPSILON);
    }

    #[test]
    fn where_many_wait_and_none_is_done_the_wait_itself_counts() {
        let began = Instant::now();
        let mut watch = Watch::new(began);
        watch.ended(Duration::from_millis(2));
        watch.turn(began + WINDOW, MANY);
        watch.turn(began + WINDOW * 3, MANY);
        assert!(watch.times(began + WINDOW * 3, MANY) >= 2.0, "{watch:?}");
        watch.turn(began + WINDOW * 6, FEW);
        assert!(watch.times(began + WINDOW * 6, MANY) < 1.0, "few waited: {watch:?}");
    }

    #[test]
    fn a_turn_that_is_waited_for_counts_while_it_is_and_a_little_after() {
        let began = Instant::now();
        let mut watch = Watch::new(began);
        assert!(watch.tries_a_turn(began));
        watch.turn_is_due(began);
        let at = |millis| began + Duration::from_millis(millis);
        assert!(!watch.tries_a_turn(at(30)), "one at a time");
        assert!(watch.times_soon(at(30)) > 1.4, "it is still waited for");
        watch.turn_came(at(40));
        assert!(!watch.tries_a_turn(at(49)), "not all the time");
        assert!(watch.times_soon(at(49)) > 1.9);
        assert!(watch.tries_a_turn(at(51)));
        assert!(watch.times_soon(at(95)) < 0.1, "whoever is to wait has not begun to");
        watch.turn_is_due(at(96));
        watch.turn_came(at(97));
        assert!(watch.times_soon(at(98)) < 0.1, "the last one counts");
        assert!(watch.times_soon(at(500)).abs() < f64::EPSILON, "nobody knows any more");
    }

    #[test]
    fn a_queue_counts_where_a_crowd_is_in_hand_or_asked_lately_and_the_store_where_it_is_in_hand() {
        let began = Instant::now();
        let mut waits = Watch::new(began);
        waits.turn_is_due(began);
        let now = began + SOON * 2;
        let asked = Press { asking: ASKING + 1, ..FEW };
        let stored = Watch::pressed(began, 2.0);
        for (press, queue, store) in [(FEW, false, false), (asked, true, false), (MANY, true, true)]
        {
            assert_eq!(waits.times(now, press) > 1.0, queue, "{press:?}");
            assert_eq!(stored.times(now, press) > 1.0, store, "{press:?}");
        }
    }

    #[test]
    fn a_share_is_turned_away_evenly() {
        let now = Instant::now();
        let mut watch = Watch::pressed(now, 1.25);
        let turned = |_| watch.turns_away(Turn::FirstContact, now, MANY);
        let turned = (0..8).map(turned).collect::<Vec<_>>();
        assert_eq!(turned, [false, false, false, true, false, false, false, true]);
    }
}

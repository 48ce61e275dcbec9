//! The time of this tool's wallets, which may be another than that of the machine, and another on each thread.

use std::{
    cell::Cell,
    sync::atomic::{AtomicI64, Ordering},
};

use jiff::{SignedDuration, Timestamp};
use lanyard_service::Clock;

thread_local! {
    /// How far the wallets that play on this thread are ahead of the machine, in seconds.
    static AHEAD: Cell<i64> = const { Cell::new(0) };
}

/// The present moment, as wallets have it.
pub(crate) fn now() -> Timestamp {
    shifted(ahead())
}

/// How far the wallets of this thread are ahead of the machine.
pub(crate) fn ahead() -> i64 {
    AHEAD.get()
}

/// Puts the wallets of this thread ahead of the machine; behind, if it is less than nothing.
pub(crate) fn put_ahead(seconds: i64) {
    AHEAD.set(seconds);
}

fn shifted(seconds: i64) -> Timestamp {
    let now = Timestamp::now();
    now.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(now)
}

/// A clock that is put ahead of the machine's while somebody looks at it.
#[derive(Debug, Default)]
pub(crate) struct ShiftedClock(AtomicI64);

impl ShiftedClock {
    pub(crate) fn ahead_by(seconds: i64) -> Self {
        Self(AtomicI64::new(seconds))
    }

    pub(crate) fn put_ahead(&self, seconds: i64) {
        self.0.store(seconds, Ordering::Relaxed);
    }
}

impl Clock for ShiftedClock {
    fn now(&self) -> Timestamp {
        shifted(self.0.load(Ordering::Relaxed))
    }
}

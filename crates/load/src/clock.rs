//! The time of this tool's wallets, which may be another than that of the machine.

use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};
use lanyard_service::Clock;

/// How far the wallets are ahead of the machine, in seconds.
static AHEAD: AtomicI64 = AtomicI64::new(0);

/// The present moment, as wallets have it.
pub(crate) fn now() -> Timestamp {
    shifted(ahead())
}

/// How far all wallets are ahead of the machine.
pub(crate) fn ahead() -> i64 {
    AHEAD.load(Ordering::Relaxed)
}

/// Puts all wallets ahead of the machine; behind, if it is less than nothing.
pub(crate) fn put_ahead(seconds: i64) {
    AHEAD.store(seconds, Ordering::Relaxed);
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

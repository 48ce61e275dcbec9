//! The one place where the services learn the time.

use std::fmt::Debug;

use jiff::{RoundMode, Timestamp, TimestampRound, Unit};

/// Tells the time.
pub trait Clock: Send + Sync + Debug {
    /// The present moment.
    fn now(&self) -> Timestamp;

    /// The present moment, to the microsecond: what the store keeps, so that live and stored events compare equal.
    fn now_as_kept(&self) -> Timestamp {
        let now = self.now();
        let whole = TimestampRound::new().smallest(Unit::Microsecond).mode(RoundMode::Trunc);
        now.round(whole).unwrap_or(now)
    }
}

/// The clock of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

//! The life of a store between two restores: what was good in an earlier one is good for nothing now.
//!
//! A restored store does not know what happened after its backup was taken. So nothing that could be used
//! then is good any more, and status places go on where no earlier epoch can have been. ADR 0019.

use std::ops::Range;

use jiff::{SignedDuration, Timestamp};

/// How many status places an epoch has for each tenant.
const PLACES: u64 = 1 << 32;

/// How many places of an epoch that ended may have been given out after its last backup, for all a restored
/// store knows: lists that far are still published.
const MARGIN: u64 = 1 << 23;

/// Epochs are numbered by the clock, so that two stores restored from one backup do not go on at one place.
const START: Timestamp = Timestamp::constant(1_767_225_600, 0);
const INTERVAL: SignedDuration = SignedDuration::from_mins(10);

/// As many epochs as there are: lists are numbered in 32 bits, and each has a million places.
const LAST: u32 = (1 << 20) - 1;

/// The life of a store since it was made or restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Epoch {
    /// Grows with every restore; 0 is the first.
    pub number: u32,
    /// When the store was restored; none where it never was.
    pub began_at: Option<Timestamp>,
}

/// What a restore left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// The epoch that began.
    pub epoch: Epoch,
    /// When the backup was taken, if it says so.
    pub backup_at: Option<Timestamp>,
    /// How many sessions were under way and are ended.
    pub ended_sessions: u64,
    /// How many subjects were erased again: the store that was replaced says that they were erased since.
    pub erased_again: u64,
    /// How many credentials are on record.
    pub credentials: u64,
}

impl Epoch {
    /// The one that begins with the store.
    pub(crate) const FIRST: Self = Self { number: 0, began_at: None };

    /// The number of the first place that it gives out.
    pub(crate) const fn first_place(number: u32) -> u64 {
        number as u64 * PLACES
    }

    /// The places that were given out in it, or may have been in one that ended.
    pub(crate) fn places(number: u32, reserved: u64, has_ended: bool) -> Range<u64> {
        let first = Self::first_place(number);
        let margin = if has_ended { MARGIN } else { 0 };
        first..reserved.max(first) + margin
    }

    /// The number of the epoch that begins now, after one of which `reserved` is the furthest place that any
    /// tenant had; none once there are no more.
    pub(crate) fn next(now: Timestamp, current: u32, reserved: u64) -> Option<u32> {
        let intervals = now.duration_since(START).as_secs() / INTERVAL.as_secs();
        let by_clock = u32::try_from(intervals.max(0)).ok()?;
        let by_places = u32::try_from(reserved / PLACES).ok()? + 1;
        let next = by_clock.max(current.checked_add(1)?).max(by_places);
        (next <= LAST).then_some(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn two_restores_of_one_backup_begin_two_epochs() {
        let first = Epoch::next(at("2026-11-28T10:00:00Z"), 0, 7).unwrap();
        let second = Epoch::next(at("2026-11-28T10:10:00Z"), 0, 7).unwrap();
        assert!(first > 0 && second > first, "{first} {second}");
    }

    #[test]
    fn an_epoch_is_beyond_the_one_before_whatever_the_clock_says() {
        assert_eq!(Epoch::next(at("1970-01-01T00:00:00Z"), 0, 0), Some(1));
        assert_eq!(Epoch::next(at("2026-01-01T00:00:00Z"), 47_000, 0), Some(47_001));
    }

    #[test]
    fn an_epoch_is_beyond_every_place_that_was_reserved() {
        let reserved = Epoch::first_place(3) + 1;
        let next = Epoch::next(START, 0, reserved).unwrap();
        assert!(Epoch::first_place(next) >= reserved);
    }

    #[test]
    fn the_last_epoch_still_has_lists_for_all_its_places() {
        let end = Epoch::first_place(LAST) + PLACES;
        assert_eq!(end >> 20, 1 << 32, "a list is numbered in 32 bits and has 2^20 places");
        assert_eq!(Epoch::next(at("9999-01-01T00:00:00Z"), 0, 0), None);
        assert_eq!(Epoch::next(START, LAST, 0), None);
    }
}

//! Moments as columns hold them: microseconds since 1970.

use jiff::Timestamp;

const MILLION: i64 = 1_000_000;

/// The moment of so many microseconds; none beyond those that there are.
pub(crate) fn of_microseconds(microseconds: i64) -> Option<Timestamp> {
    // `Timestamp::from_microsecond` takes nothing of the last second, and `Timestamp::MAX` is in it
    let nanoseconds = i32::try_from(microseconds.rem_euclid(MILLION) * 1000).ok()?;
    Timestamp::new(microseconds.div_euclid(MILLION), nanoseconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_moment_is_read_back_to_the_microsecond() {
        let middle: Timestamp = "2026-11-30T18:00:00.123456Z".parse().unwrap();
        let before: Timestamp = "1969-12-31T23:59:59.999999Z".parse().unwrap();
        for moment in [middle, before, Timestamp::UNIX_EPOCH, Timestamp::MIN] {
            assert_eq!(of_microseconds(moment.as_microsecond()), Some(moment));
        }
        let last = of_microseconds(Timestamp::MAX.as_microsecond()).unwrap();
        assert_eq!(last.as_microsecond(), Timestamp::MAX.as_microsecond());
        assert_eq!(of_microseconds(Timestamp::MAX.as_microsecond() + 1), None);
        assert_eq!(of_microseconds(i64::MAX), None);
    }
}

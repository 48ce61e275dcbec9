//! Moments as JWTs write them.

use serde_json::Value;

use crate::Timestamp;

/// 9999-12-31T23:59:59Z.
const END_OF_9999: i64 = 253_402_300_799;

/// Reads a NumericDate: seconds since 1970 as a JSON number, a fraction rounded down (RFC 7519 §2).
///
/// `None` for everything that is not a number, and for moments outside the years -9999 to 9999. The last day
/// of 9999 is [`Timestamp::MAX`].
pub fn numeric_date(value: &Value) -> Option<Timestamp> {
    let seconds = match value.as_i64() {
        Some(seconds) => seconds,
        // a cast from a float stops at the ends of the range, and both ends are no moment
        None => value.as_f64()?.floor() as i64,
    };
    match Timestamp::from_second(seconds) {
        Ok(moment) => Some(moment),
        // the library's last moment leaves room for every offset, and "for ever" is written as the year's end
        Err(_) => {
            (Timestamp::MAX.as_second()..=END_OF_9999).contains(&seconds).then_some(Timestamp::MAX)
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_whole_and_fractional_seconds() {
        for (value, seconds) in [
            (json!(0), 0),
            (json!(-1), -1),
            (json!(1.5), 1),
            (json!(-0.5), -1),
            (json!(1e9), 1_000_000_000),
        ] {
            assert_eq!(numeric_date(&value).map(|at| at.as_second()), Some(seconds), "{value}");
        }
    }

    #[test]
    fn the_end_of_9999_is_a_moment_and_the_second_after_it_is_none() {
        assert_eq!(numeric_date(&json!(END_OF_9999)), Some(Timestamp::MAX));
        assert_eq!(numeric_date(&json!(END_OF_9999 + 1)), None);
    }

    #[test]
    fn refuses_what_is_no_moment() {
        let beyond = [
            json!(i64::MAX),
            json!(u64::MAX),
            json!(1e308),
            json!(-1e308),
            json!(9_007_199_254_740_993_u64),
        ];
        let other = [json!("123"), json!(null), json!(true), json!([]), json!({})];
        for value in beyond.into_iter().chain(other) {
            assert_eq!(numeric_date(&value), None, "{value}");
        }
    }
}

//! Moments as W3C documents write them.

use crate::Timestamp;

/// Reads an XML Schema `dateTimeStamp`: a date and a time with seconds and a time zone
/// (VC Data Integrity §2.1; XML Schema 1.1 Part 2 §3.4.28).
///
/// `None` for everything else: no time zone, white space, a leap second, the hour 24.
pub(super) fn parse(text: &str) -> Option<Timestamp> {
    let (date, rest) = text.split_at_checked(10)?;
    let is_shaped = |text: &str, shape: &str| {
        text.len() == shape.len()
            && text.bytes().zip(shape.bytes()).all(|(byte, shape)| match shape {
                b'0' => byte.is_ascii_digit(),
                _ => byte == shape,
            })
    };
    let (time, rest) = rest.split_at_checked(9)?;
    let zone = match rest.strip_prefix('.') {
        None => rest,
        Some(fraction) => {
            let zone = fraction.trim_start_matches(|digit: char| digit.is_ascii_digit());
            let digits = fraction.len() - zone.len();
            // a nanosecond is the finest that can be compared here
            if digits == 0 || digits > 9 {
                return None;
            }
            zone
        }
    };
    let is_offset = is_shaped(zone, "+00:00") || is_shaped(zone, "-00:00");
    // XML Schema 1.1 Part 2 §3.3.7.1: no zone is more than fourteen hours away
    let zone_fits = zone == "Z" || is_offset && zone.get(1..).is_some_and(|away| away <= "14:00");
    if !is_shaped(date, "0000-00-00") || !is_shaped(time, "T00:00:00") || !zone_fits {
        return None;
    }
    // seconds of 60 are read as 59 by some readers and as the next minute by others
    if time.ends_with(":60") {
        return None;
    }
    text.parse().ok()
}

/// Writes a moment to the second, in UTC.
pub(super) fn write(moment: Timestamp) -> String {
    let seconds = Timestamp::from_second(moment.as_second()).unwrap_or(moment);
    seconds.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_moments_with_a_time_zone() {
        for text in [
            "2023-02-24T23:36:38Z",
            "2023-02-25T00:36:38+01:00",
            "2023-02-24T13:06:38-10:30",
            "2023-02-24T23:36:38.000Z",
        ] {
            assert_eq!(parse(text), "2023-02-24T23:36:38Z".parse().ok(), "{text}");
        }
    }

    #[test]
    fn refuses_every_other_spelling() {
        for text in [
            "",
            "2023-02-24",
            "2023-02-24T23:36:38",
            "2023-02-24 23:36:38Z",
            "2023-02-24t23:36:38z",
            "2023-02-24T23:36Z",
            "2023-02-24T23:36:38.Z",
            "2023-02-24T23:36:38.0123456789Z",
            "2023-02-24T23:36:60Z",
            "2023-02-24T24:00:00Z",
            "2023-02-30T00:00:00Z",
            "2023-02-24T23:36:38+0100",
            "2023-02-24T23:36:38+14:01",
            "2023-02-24T23:36:38-99:00",
            "2023-02-24T23:36:38Z[UTC]",
            "+002023-02-24T23:36:38Z",
            "20é3-02-24T23:36:38Z",
            " 2023-02-24T23:36:38Z",
        ] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn writes_whole_seconds() {
        let moment = "2023-02-24T23:36:38.9Z".parse().unwrap();
        assert_eq!(write(moment), "2023-02-24T23:36:38Z");
    }
}

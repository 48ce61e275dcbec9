//! Moments as VCDM writes them.

use jiff::{
    civil::{Date, DateTime, Time},
    tz::Offset,
};

use crate::Timestamp;

/// Reads an XML Schema 1.1 `dateTimeStamp` (VCDM 2.0 §7.1): `2024-02-29T23:59:59.5+01:00`.
///
/// `None` for everything that is not in the grammar or no day of the calendar, and for years with more
/// than four digits. A value without an offset is in UTC; a fraction is cut to nanoseconds.
pub fn date_time_stamp(text: &str) -> Option<Timestamp> {
    let (date, rest) = text.split_once('T')?;
    let date = read_date(date)?;
    let (time, offset) = split_offset(rest);
    let (time, is_midnight_after) = read_time(time)?;
    let date = if is_midnight_after { date.tomorrow().ok()? } else { date };
    // VCDM 2.0 §7.1: a time without an offset MUST be interpreted as UTC
    let offset = offset.map_or(Some(Offset::UTC), read_offset)?;
    match offset.to_timestamp(DateTime::from_parts(date, time)) {
        Ok(moment) => Some(moment),
        // the library's last moment leaves room for every offset, and "for ever" is written as the year's end
        Err(_) => (date.year() == 9999).then_some(Timestamp::MAX),
    }
}

/// Writes a `dateTimeStamp` in UTC, as [`date_time_stamp`] reads it.
pub fn write_date_time_stamp(moment: Timestamp) -> String {
    let text = moment.to_string();
    // RFC 9557 §2 wants six digits of a year before 0; XML Schema 1.1 part 2 §3.3.7.2 wants four of this one
    match text.strip_prefix("-00") {
        Some(rest) => format!("-{rest}"),
        None => text,
    }
}

/// XML Schema 1.1 part 2 §3.3.7.2: `-?yyyy-mm-dd`.
fn read_date(text: &str) -> Option<Date> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let mut parts = digits.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let year = sign * i16::try_from(number(year, 4)?).ok()?;
    let month = i8::try_from(number(month, 2)?).ok()?;
    let day = i8::try_from(number(day, 2)?).ok()?;
    if parts.next().is_some() { None } else { Date::new(year, month, day).ok() }
}

/// `hh:mm:ss`, perhaps with a fraction; whether it was 24:00:00, the midnight at the day's end.
fn read_time(text: &str) -> Option<(Time, bool)> {
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) => (whole, nanoseconds(fraction)?),
        None => (text, 0),
    };
    let mut parts = whole.split(':');
    let (hour, minute, second) = (parts.next()?, parts.next()?, parts.next()?);
    let part = |text| i8::try_from(number(text, 2)?).ok();
    let (hour, minute, second) = (part(hour)?, part(minute)?, part(second)?);
    if parts.next().is_some() {
        return None;
    }
    if hour == 24 {
        return (minute == 0 && second == 0 && fraction == 0).then_some((Time::midnight(), true));
    }
    Time::new(hour, minute, second, fraction).ok().map(|time| (time, false))
}

fn split_offset(text: &str) -> (&str, Option<&str>) {
    match text.find(['Z', '+', '-']) {
        Some(at) => (&text[..at], Some(&text[at..])),
        None => (text, None),
    }
}

/// `Z`, or at most fourteen hours either way.
fn read_offset(text: &str) -> Option<Offset> {
    if text == "Z" {
        return Some(Offset::UTC);
    }
    let (sign, rest) = match text.strip_prefix('+') {
        Some(rest) => (1, rest),
        None => (-1, text.strip_prefix('-')?),
    };
    let (hours, minutes) = rest.split_once(':')?;
    let (hours, minutes) = (number(hours, 2)?, number(minutes, 2)?);
    let in_range = minutes < 60 && (hours < 14 || (hours == 14 && minutes == 0));
    let seconds = i32::try_from((hours * 60 + minutes) * 60).ok()?;
    if in_range { Offset::from_seconds(sign * seconds).ok() } else { None }
}

/// A number of exactly so many digits, four at most.
fn number(text: &str, digits: usize) -> Option<u32> {
    let fits = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    if fits { text.parse().ok() } else { None }
}

fn nanoseconds(fraction: &str) -> Option<i32> {
    if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits = fraction.bytes().chain(std::iter::repeat(b'0')).take(9);
    Some(digits.fold(0, |sum, digit| sum * 10 + i32::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_form_of_a_moment() {
        for (text, same) in [
            ("2010-01-01T19:23:24Z", "2010-01-01T19:23:24Z"),
            ("2023-02-25T19:10:39-06:00", "2023-02-26T01:10:39Z"),
            ("2023-02-25T19:10:39+14:00", "2023-02-25T05:10:39Z"),
            ("2023-02-26T01:02:58.447Z", "2023-02-26T01:02:58.447Z"),
            ("2023-02-26T01:02:58.0000000009Z", "2023-02-26T01:02:58Z"),
            ("2024-02-29T24:00:00Z", "2024-03-01T00:00:00Z"),
            ("4023-02-26T01:02:58Z", "4023-02-26T01:02:58Z"),
            // without an offset: UTC
            ("2024-02-29T00:00:00", "2024-02-29T00:00:00Z"),
        ] {
            assert_eq!(date_time_stamp(text), same.parse().ok(), "{text}");
            assert!(date_time_stamp(text).is_some(), "{text}");
        }
    }

    #[test]
    fn the_last_day_of_9999_is_the_last_moment() {
        for text in ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59.999-14:00"] {
            assert_eq!(date_time_stamp(text), Some(Timestamp::MAX), "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        for text in ["2010-01-01T19:23:24Z", "-0001-12-31T00:00:00Z", "-9998-01-02T00:00:00.5Z"] {
            let moment = date_time_stamp(text).unwrap();
            assert_eq!(write_date_time_stamp(moment), text);
        }
    }

    #[test]
    fn refuses_what_is_no_moment() {
        for text in [
            "",
            "T",
            "2024-02-29",
            "2023-02-29T00:00:00Z",
            "2024-13-01T00:00:00Z",
            "2024-1-01T00:00:00Z",
            "24-01-01T00:00:00Z",
            "12024-01-01T00:00:00Z",
            "2024-01-01t00:00:00Z",
            "2024-01-01 00:00:00Z",
            "2024-01-01T00:00:00z",
            "2024-01-01T00:00Z",
            "2024-01-01T00:00:60Z",
            "2024-01-01T24:00:01Z",
            "2024-01-01T00:00:00.Z",
            "2024-01-01T00:00:00.a",
            "2024-01-01T00:00:00+1:00",
            "2024-01-01T00:00:00+14:01",
            "2024-01-01T00:00:00+00:60",
            "2024-01-01T00:00:00+0000",
            "2024-01-01T00:00:00ZZ",
            "+2024-01-01T00:00:00Z",
            "Sat 25 Feb 2023 07:16:31 PM CST",
            "9999-12-31T24:00:00Z",
            "２０２４-01-01T00:00:00Z",
        ] {
            assert_eq!(date_time_stamp(text), None, "{text:?}");
        }
    }
}

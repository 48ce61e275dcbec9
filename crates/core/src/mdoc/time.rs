//! `tdate`: the times in an mdoc (ISO/IEC 18013-5 §7.2.1, §9.1.2.4).

use jiff::{Timestamp, civil::DateTime, tz::Offset};

use crate::cbor::{Item, Value, tag};

/// Reads a `tdate`: tag 0 over `YYYY-MM-DDThh:mm:ssZ`.
///
/// ISO/IEC 18013-5 §9.1.2.4: no fraction of a second, no other time zone; a leap second has no moment.
pub(super) fn read(item: &Item<'_>) -> Option<Timestamp> {
    item.tagged(tag::DATE_TIME).and_then(Item::as_text).and_then(parse)
}

pub(super) fn parse(text: &str) -> Option<Timestamp> {
    const FORM: &[u8] = b"0000-00-00T00:00:00Z";
    let fits = |(found, form): (u8, &u8)| match form {
        b'0' => found.is_ascii_digit(),
        _ => found == *form,
    };
    let is_date_time = text.len() == FORM.len() && text.bytes().zip(FORM).all(fits);
    if !is_date_time || text.get(17..19) == Some("60") {
        return None;
    }
    let date_time: DateTime = text.strip_suffix('Z')?.parse().ok()?;
    match Offset::UTC.to_timestamp(date_time) {
        Ok(moment) => Some(moment),
        // the library's last moment leaves room for every offset, and "for ever" is written as the year's end
        Err(_) => (date_time.year() == 9999).then_some(Timestamp::MAX),
    }
}

/// Writes a `tdate`, cut to the whole second.
pub(super) fn value(moment: Timestamp) -> Value {
    // a moment of whole seconds is displayed without a fraction
    let whole = Timestamp::from_second(moment.as_second()).unwrap_or(moment);
    Value::Tag(tag::DATE_TIME, Box::new(Value::Text(whole.to_string())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_and_time_has_exactly_one_spelling() {
        assert_eq!(parse("2020-10-01T13:30:02Z").map(Timestamp::as_second), Some(1_601_559_002));
        assert_eq!(parse("0000-01-01T00:00:00Z").map(Timestamp::as_second), Some(-62_167_219_200));
        assert_eq!(parse("9999-12-31T23:59:59Z"), Some(Timestamp::MAX));
        for other in [
            "2020-10-01T13:30:02.0Z",
            "2020-10-01T13:30:02+00:00",
            "2020-10-01 13:30:02Z",
            "2020-10-01t13:30:02z",
            "2016-12-31T23:59:60Z",
            "2020-13-01T13:30:02Z",
            "2020-02-30T13:30:02Z",
            "2020-10-01T24:00:00Z",
            "2020-10-01",
            "２020-10-01T13:30Z",
            "",
        ] {
            assert_eq!(parse(other), None, "{other}");
        }
        assert_eq!(parse(&"2020-10-01T13:30:02Z".repeat(10)), None);
    }
}

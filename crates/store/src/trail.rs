//! How the trail of a session is kept in its row: one line of JSON for an event, so that a step that adds
//! some writes no row of its own, and an operator can read them.

use crate::moment::of_microseconds;
use crate::{Event, NewEvent, Outcome, StoreError};

const CORRUPT: StoreError = StoreError::Corrupt { what: "the trail of a session" };

/// The lines of some events; each ends with a line feed.
pub(crate) fn lines<'e>(events: impl IntoIterator<Item = &'e NewEvent>) -> String {
    let mut text = String::new();
    for event in events {
        let at = event.at.as_microsecond();
        let line = (at, event.step, event.outcome.as_str(), event.reason, event.detail.as_deref());
        text += &serde_json::to_string(&line).expect("numbers and texts are JSON");
        text.push('\n');
    }
    text
}

/// Reads a trail.
pub(crate) fn read(trail: &str) -> Result<Vec<Event>, StoreError> {
    trail.lines().zip(1..).map(|(line, seq)| event(line, seq)).collect()
}

fn event(line: &str, seq: u32) -> Result<Event, StoreError> {
    type Line = (i64, String, String, Option<String>, Option<String>);
    let (at, step, outcome, reason, detail): Line =
        serde_json::from_str(line).map_err(|_| CORRUPT)?;
    let at = of_microseconds(at).ok_or(CORRUPT)?;
    let outcome = [Outcome::Done, Outcome::Refused, Outcome::Undetermined]
        .into_iter()
        .find(|known| known.as_str() == outcome)
        .ok_or(CORRUPT)?;
    Ok(Event { seq, at, step, outcome, reason, detail })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn reads_back_what_it_writes_whatever_a_detail_holds() {
        let at = Timestamp::from_microsecond(1_795_500_000_000_001).unwrap();
        let events = [
            NewEvent::done(at, "offer_created"),
            NewEvent::refused(at, "token", "tx_code_wrong").with_detail("a\n\0\u{2028}\"b\\ ü"),
            NewEvent::undetermined(at, "status", "list_unreachable"),
        ];
        let text = lines(&events);
        assert_eq!(
            text.lines().next(),
            Some(r#"[1795500000000001,"offer_created","done",null,null]"#)
        );
        let read = read(&text).unwrap();
        for (place, (read, event)) in read.iter().zip(&events).enumerate() {
            let seq = u32::try_from(place).unwrap() + 1;
            assert_eq!((read.seq, read.at, read.step.as_str()), (seq, event.at, event.step));
            assert_eq!((read.outcome, read.reason.as_deref()), (event.outcome, event.reason));
            assert_eq!(read.detail, event.detail);
        }
        assert_eq!(read.len(), 3);
    }

    #[test]
    fn a_line_of_another_form_is_corrupt() {
        for line in ["[1]", "x", r#"[1,"token","perhaps",null,null]"#] {
            assert_eq!(read(line), Err(CORRUPT), "{line}");
        }
    }
}

//! What a wallet answered, decoded, for whoever tries a wallet out.

use jiff::Timestamp;
use lanyard_store::SessionId;
use serde_json::Value;

use super::{guard::Visitor, verify::VerifyRoom};
use crate::inspect::inspect;

/// The longest text that is shown whole; a portrait would fill the page.
const LONGEST: usize = 400;
/// How much of a longer one is shown.
const SHOWN: usize = 60;

/// The presentations of the response that was recorded: each part with its name.
pub(super) async fn decoded(
    room: &VerifyRoom,
    visitor: &Visitor,
    id: SessionId,
) -> Vec<(String, String)> {
    let browser = visitor.session();
    let Ok(recording) = room.service().recording_in_browser(room.tenant(), id, &browser).await
    else {
        return Vec::new();
    };
    let mut parts = Vec::new();
    for (query, presentations) in recording.vp_token {
        for presentation in presentations {
            let text = match presentation {
                Value::String(text) => text,
                other => other.to_string(),
            };
            let report = inspect(&text, Timestamp::now());
            parts.push((format!("{query}: {}", report.kind), shortened(Value::String(text))));
            let decoded = report.parts.into_iter();
            parts.extend(decoded.map(|part| (part.title, shortened(part.content))));
        }
    }
    parts
}

/// A value as text; long texts in it are cut, and say so.
fn shortened(value: Value) -> String {
    match cut(value) {
        Value::String(text) => text,
        other => format!("{other:#}"),
    }
}

fn cut(value: Value) -> Value {
    match value {
        Value::String(text) if text.len() > LONGEST => {
            let start: String = text.chars().take(SHOWN).collect();
            Value::String(format!("{start}… ({} characters)", text.chars().count()))
        }
        Value::Array(items) => items.into_iter().map(cut).collect(),
        Value::Object(members) => {
            members.into_iter().map(|(name, value)| (name, cut(value))).collect()
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::shortened;

    #[test]
    fn a_long_text_is_cut_wherever_it_stands_and_says_how_long_it_was() {
        let portrait = "é".repeat(500);
        let shown = shortened(json!({ "claims": [{ "portrait": portrait, "name": "Ada" }] }));
        assert!(shown.contains("… (500 characters)") && shown.contains("Ada"), "{shown}");
        assert!(shown.len() < 300, "{shown}");
    }
}

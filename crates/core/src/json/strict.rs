//! JSON as signed data needs it: no duplicate members, bounded depth and size.

use std::{fmt, sync::LazyLock};

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};
use thiserror::Error;

use super::Object;

/// The only member of the map that serde_json makes of a fraction where its `arbitrary_precision` is on.
const FRACTION: &str = "$serde_json::private::Number";

/// Whether it is on: any crate of a program switches it on for all of them.
static FRACTIONS_ARE_MAPS: LazyLock<bool> = LazyLock::new(|| {
    let fraction = format!(r#"{{"{FRACTION}":"0.5"}}"#);
    serde_json::from_str::<Value>(&fraction).is_ok_and(|value| value.is_number())
});

/// How large a document may be before it is refused.
#[derive(Clone, Copy, Debug)]
pub struct JsonLimits {
    /// Levels of nesting.
    pub depth: usize,
    /// Members and elements in the whole document.
    pub members: usize,
}

impl Default for JsonLimits {
    /// Depth 32 and 10,000 members, as the threat model sets them.
    fn default() -> Self {
        Self { depth: 32, members: 10_000 }
    }
}

/// Why a document is not acceptable JSON.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum JsonError {
    /// Not JSON, a duplicate member, or beyond a limit; the text says which, and never quotes a value.
    #[error("not acceptable JSON: {0}")]
    Malformed(String),
    /// JSON, but not an object where only an object makes sense.
    #[error("not a JSON object")]
    NotAnObject,
}

/// Reads a JSON document strictly.
///
/// # Errors
/// [`JsonError::Malformed`] with the rule: syntax, duplicate member, depth or size.
pub fn parse(text: &[u8]) -> Result<Value, JsonError> {
    parse_within(text, JsonLimits::default())
}

/// Reads a JSON object strictly.
///
/// # Errors
/// As [`parse`], and [`JsonError::NotAnObject`] for any other JSON value.
pub fn parse_object(text: &[u8]) -> Result<Object, JsonError> {
    match parse(text)? {
        Value::Object(object) => Ok(object),
        _ => Err(JsonError::NotAnObject),
    }
}

fn parse_within(text: &[u8], limits: JsonLimits) -> Result<Value, JsonError> {
    // once for the whole text instead of once for each string in it
    let text = str::from_utf8(text).map_err(|error| JsonError::Malformed(error.to_string()))?;
    let mut members = limits.members;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = Strict { depth: limits.depth, members: &mut members }
        .deserialize(&mut deserializer)
        .map_err(malformed)?;
    deserializer.end().map_err(malformed)?;
    Ok(value)
}

fn malformed(error: serde_json::Error) -> JsonError {
    JsonError::Malformed(error.to_string())
}

struct Strict<'m> {
    depth: usize,
    members: &'m mut usize,
}

impl Strict<'_> {
    fn inner<E: serde::de::Error>(&mut self) -> Result<Strict<'_>, E> {
        *self.members = self.members.checked_sub(1).ok_or_else(|| E::custom("too many members"))?;
        Ok(Strict { depth: self.depth, members: self.members })
    }

    fn descend<E: serde::de::Error>(&mut self) -> Result<(), E> {
        self.depth = self.depth.checked_sub(1).ok_or_else(|| E::custom("nested too deep"))?;
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("any JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut elements: A) -> Result<Value, A::Error> {
        self.descend()?;
        let mut array = Vec::new();
        while let Some(element) = elements.next_element_seed(self.inner()?)? {
            array.push(element);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<Value, A::Error> {
        self.descend()?;
        let mut read = Vec::new();
        while let Some(name) = members.next_key::<String>()? {
            if name == FRACTION && *FRACTIONS_ARE_MAPS {
                return fraction(&members.next_value::<String>()?);
            }
            read.push((name, members.next_value_seed(self.inner()?)?));
        }
        // one hash table of the right size, instead of one that grows and hashes every name again
        let count = read.len();
        let object = Object::from_iter(read);
        // RFC 8725 §2.4, RFC 7519 §4: two readers must not see two different documents
        if object.len() < count {
            return Err(A::Error::custom("duplicate member"));
        }
        Ok(Value::Object(object))
    }
}

/// The number that a fraction is everywhere else.
fn fraction<E: serde::de::Error>(text: &str) -> Result<Value, E> {
    let number = text.parse().ok().and_then(Number::from_f64);
    number.map(Value::Number).ok_or_else(|| E::custom("number out of range"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(text: &str) -> String {
        parse(text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn refuses_a_duplicate_member_at_any_depth() {
        assert!(reason(r#"{"a":1,"a":2}"#).contains("duplicate member"));
        assert!(reason(r#"[{"b":{"a":1,"a":2}}]"#).contains("duplicate member"));
    }

    #[test]
    fn refuses_what_is_nested_deeper_than_the_limit() {
        let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(parse(deep(32).as_bytes()).is_ok());
        assert!(reason(&deep(33)).contains("nested too deep"));
        assert!(parse(deep(100_000).as_bytes()).is_err());
    }

    #[test]
    fn refuses_more_members_than_the_limit() {
        let wide = format!("[{}0]", "0,".repeat(10_000));
        assert!(reason(&wide).contains("too many members"));
    }

    #[test]
    fn refuses_trailing_text_and_lone_surrogates() {
        assert!(reason("{} {}").contains("trailing characters"));
        assert!(reason(r#""\ud800""#).contains("unexpected end of hex escape"));
    }

    #[test]
    fn a_name_of_serde_json_is_a_name_like_any_other() {
        let value = parse_object(br#"{"$serde_json::private::Number":"0.5"}"#).unwrap();
        assert_eq!(value["$serde_json::private::Number"], "0.5");
    }

    #[test]
    fn keeps_the_order_of_members() {
        let value = parse_object(br#"{"z":1,"a":2}"#).unwrap();
        assert_eq!(value.keys().collect::<Vec<_>>(), ["z", "a"]);
    }
}

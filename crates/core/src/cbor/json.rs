//! CBOR as JSON, by the advice of RFC 8949 §6.1.

use base64::Engine as _;
use serde_json::{Number, Value};

use super::{CborError, Content, Item};
use crate::json::{self, Object};

/// Tags 21 to 23 say how the byte strings behind them are best written (RFC 8949 §3.4.5.2).
#[derive(Clone, Copy)]
enum BytesAs {
    Base64Url,
    Base64,
    Base16,
}

impl Item<'_> {
    /// The JSON value that stands for it: byte strings as base64url, dates as text without their tag.
    ///
    /// # Errors
    /// [`CborError::NotJson`] when two keys of a map are spelled alike in JSON.
    pub fn to_json(&self) -> Result<Value, CborError> {
        convert(self, BytesAs::Base64Url)
    }
}

fn convert(item: &Item<'_>, bytes_as: BytesAs) -> Result<Value, CborError> {
    Ok(match item.content() {
        Content::Integer(value) => integer(*value),
        Content::Float(value) => Number::from_f64(*value).map_or(Value::Null, Value::Number),
        Content::Bytes(bytes) => Value::String(text_of(bytes, bytes_as)),
        Content::Text(text) => Value::String((*text).to_owned()),
        Content::Bool(value) => Value::Bool(*value),
        Content::Null | Content::Undefined => Value::Null,
        Content::Array(elements) => {
            let elements = elements.iter().map(|element| convert(element, bytes_as));
            Value::Array(elements.collect::<Result<_, _>>()?)
        }
        Content::Map(members) => {
            let mut object = Object::new();
            for (key, value) in members {
                let name = match key.content() {
                    Content::Integer(value) => value.to_string(),
                    Content::Bytes(bytes) => text_of(bytes, bytes_as),
                    Content::Text(text) => (*text).to_owned(),
                    _ => return Err(CborError::KeyType),
                };
                // RFC 8949 §6.1: converting keys into text brings a danger of key collision
                if object.insert(name, convert(value, bytes_as)?).is_some() {
                    return Err(CborError::NotJson);
                }
            }
            Value::Object(object)
        }
        Content::Tag(tag, item) => match (tag, item.as_bytes()) {
            (2, Some(bignum)) => Value::String(json::base64url(bignum)),
            (3, Some(bignum)) => Value::String(format!("~{}", json::base64url(bignum))),
            (21, _) => convert(item, BytesAs::Base64Url)?,
            (22, _) => convert(item, BytesAs::Base64)?,
            (23, _) => convert(item, BytesAs::Base16)?,
            _ => convert(item, bytes_as)?,
        },
    })
}

fn integer(value: i128) -> Value {
    // beyond 64 bits JSON numbers are floating-point for nearly every reader
    let number = Number::from_i128(value).or_else(|| Number::from_f64(value as f64));
    number.map_or(Value::Null, Value::Number)
}

fn text_of(bytes: &[u8], bytes_as: BytesAs) -> String {
    match bytes_as {
        BytesAs::Base64Url => json::base64url(bytes),
        BytesAs::Base64 => base64::engine::general_purpose::STANDARD.encode(bytes),
        BytesAs::Base16 => bytes.iter().map(|byte| format!("{byte:02X}")).collect(),
    }
}

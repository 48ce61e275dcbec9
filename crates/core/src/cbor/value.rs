//! A CBOR value that will be sent.

use std::fmt;

use super::{Content, Encoder, Item, tag};

/// A value of its own, to be encoded deterministically.
#[derive(Clone, PartialEq)]
pub enum Value {
    /// An integer, from -2^64 to 2^64 - 1.
    Integer(i128),
    /// A byte string.
    Bytes(Vec<u8>),
    /// Text.
    Text(String),
    /// An array.
    Array(Vec<Value>),
    /// A map; the order of its members does not matter, and whoever builds it puts each key in once.
    Map(Vec<(Value, Value)>),
    /// A tagged value.
    Tag(u64, Box<Value>),
    /// `true` or `false`.
    Bool(bool),
    /// `null`.
    Null,
    /// A floating-point number.
    Float(f64),
    /// An item that is encoded already and goes out as it is.
    Encoded(Vec<u8>),
}

impl Value {
    /// A map with text keys.
    pub fn map<'k>(members: impl IntoIterator<Item = (&'k str, Self)>) -> Self {
        Self::Map(members.into_iter().map(|(key, value)| (key.into(), value)).collect())
    }

    /// A date as text behind its tag (RFC 8943), for example `1990-12-10`.
    pub fn full_date(date: impl Into<String>) -> Self {
        Self::Tag(tag::FULL_DATE, Box::new(Self::Text(date.into())))
    }

    /// The deterministic encoding (RFC 8949 §4.2.1).
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Encoder::new();
        out.value(self);
        out.into_bytes()
    }
}

impl From<&Item<'_>> for Value {
    /// The same content; encoded again it may take other bytes.
    fn from(item: &Item<'_>) -> Self {
        match item.content() {
            Content::Integer(value) => Self::Integer(*value),
            Content::Bytes(bytes) => Self::Bytes(bytes.to_vec()),
            Content::Text(text) => Self::Text((*text).to_owned()),
            Content::Array(elements) => Self::Array(elements.iter().map(Self::from).collect()),
            Content::Map(members) => Self::Map(
                members.iter().map(|(key, value)| (Self::from(key), Self::from(value))).collect(),
            ),
            Content::Tag(tag, item) => Self::Tag(*tag, Box::new(Self::from(&**item))),
            Content::Bool(value) => Self::Bool(*value),
            Content::Float(value) => Self::Float(*value),
            Content::Null => Self::Null,
            Content::Undefined => Self::Encoded(item.encoded().to_vec()),
        }
    }
}

impl From<&serde_json::Value> for Value {
    /// RFC 8949 §6.2: numbers without a fraction become integers.
    fn from(json: &serde_json::Value) -> Self {
        use serde_json::Value as Json;
        match json {
            Json::Null => Self::Null,
            Json::Bool(value) => Self::Bool(*value),
            Json::Number(number) => match (number.as_i64(), number.as_u64()) {
                (Some(value), _) => Self::Integer(value.into()),
                (None, Some(value)) => Self::Integer(value.into()),
                (None, None) => Self::Float(number.as_f64().unwrap_or(f64::NAN)),
            },
            Json::String(text) => Self::Text(text.clone()),
            Json::Array(elements) => Self::Array(elements.iter().map(Self::from).collect()),
            Json::Object(members) => {
                Self::map(members.iter().map(|(name, value)| (name.as_str(), Self::from(value))))
            }
        }
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Integer(value.into())
    }
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Self::Integer(value.into())
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<Vec<Self>> for Value {
    fn from(elements: Vec<Self>) -> Self {
        Self::Array(elements)
    }
}

impl fmt::Debug for Value {
    /// The type alone; never a value.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Integer(_) => "Value(integer)",
            Self::Bytes(_) => "Value(bytes)",
            Self::Text(_) => "Value(text)",
            Self::Array(_) => "Value(array)",
            Self::Map(_) => "Value(map)",
            Self::Tag(..) => "Value(tag)",
            Self::Bool(_) => "Value(bool)",
            Self::Null => "Value(null)",
            Self::Float(_) => "Value(float)",
            Self::Encoded(_) => "Value(encoded)",
        })
    }
}

//! Writing CBOR, deterministically (RFC 8949 §4.2.1).

use std::ops::Range;

use super::{Value, tag};

/// Writes items one after the other; whoever opens an array or a map fills it.
#[derive(Clone, Debug, Default)]
pub struct Encoder {
    bytes: Vec<u8>,
}

/// The major types (RFC 8949 §3.1).
const UNSIGNED: u8 = 0 << 5;
const NEGATIVE: u8 = 1 << 5;
const BYTES: u8 = 2 << 5;
const TEXT: u8 = 3 << 5;
const ARRAY: u8 = 4 << 5;
const MAP: u8 = 5 << 5;
const TAG: u8 = 6 << 5;
const SIMPLE: u8 = 7 << 5;

impl Encoder {
    /// Starts with nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts with nothing, and with room for so many bytes.
    pub fn with_capacity(bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes) }
    }

    /// What was written.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// What was written so far.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Starts again with nothing, and keeps the room.
    pub fn clear(&mut self) {
        self.bytes.clear();
    }

    /// An integer; one outside -2^64 to 2^64 - 1 does not exist in CBOR and is cut to that range.
    pub fn integer(&mut self, value: i128) -> &mut Self {
        let (major, argument) = if value < 0 { (NEGATIVE, -1 - value) } else { (UNSIGNED, value) };
        self.head(major, u64::try_from(argument).unwrap_or(u64::MAX))
    }

    /// A byte string.
    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.head(BYTES, bytes.len() as u64).raw(bytes)
    }

    /// Text.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.head(TEXT, text.len() as u64).raw(text.as_bytes())
    }

    /// The start of an array of so many elements.
    pub fn array(&mut self, length: usize) -> &mut Self {
        self.head(ARRAY, length as u64)
    }

    /// The start of a map of so many members, each a key and a value.
    pub fn map(&mut self, length: usize) -> &mut Self {
        self.head(MAP, length as u64)
    }

    /// A tag over the item that follows.
    pub fn tag(&mut self, tag: u64) -> &mut Self {
        self.head(TAG, tag)
    }

    /// `true` or `false`.
    pub fn bool(&mut self, value: bool) -> &mut Self {
        self.raw(&[SIMPLE | if value { 21 } else { 20 }])
    }

    /// `null`.
    pub fn null(&mut self) -> &mut Self {
        self.raw(&[SIMPLE | 22])
    }

    /// A floating-point number in the shortest form that keeps it.
    pub fn float(&mut self, value: f64) -> &mut Self {
        if let Some(half) = double_to_half(value) {
            return self.raw(&[SIMPLE | 25]).raw(&half.to_be_bytes());
        }
        // a cast to f32 rounds, so whether it kept the value shows on the way back
        let single = value as f32;
        if f64::from(single).to_bits() == value.to_bits() {
            return self.raw(&[SIMPLE | 26]).raw(&single.to_be_bytes());
        }
        self.raw(&[SIMPLE | 27]).raw(&value.to_be_bytes())
    }

    /// Tag 24 over a byte string that is a CBOR item itself.
    pub fn embedded(&mut self, item: &[u8]) -> &mut Self {
        self.tag(tag::EMBEDDED).bytes(item)
    }

    /// An item that is encoded already, as it is.
    pub fn raw(&mut self, item: &[u8]) -> &mut Self {
        self.bytes.extend_from_slice(item);
        self
    }

    /// A whole value; the members of its maps in the bytewise order of their encoded keys.
    pub fn value(&mut self, value: &Value) -> &mut Self {
        match value {
            Value::Integer(value) => self.integer(*value),
            Value::Bytes(bytes) => self.bytes(bytes),
            Value::Text(text) => self.text(text),
            Value::Array(elements) => {
                self.array(elements.len());
                elements.iter().fold(self, Self::value)
            }
            Value::Map(members) => {
                let mut keys = Self::with_capacity(members.len() * 16);
                let mut spans = Vec::with_capacity(members.len());
                for (key, value) in members {
                    let start = keys.bytes.len();
                    keys.value(key);
                    spans.push((start..keys.bytes.len(), value));
                }
                let key = |span: &Range<usize>| &keys.bytes[span.clone()];
                // RFC 8949 §4.2.1: bytewise lexicographic order of the encoded keys
                spans.sort_unstable_by(|(one, _), (other, _)| key(one).cmp(key(other)));
                self.map(members.len());
                spans.iter().fold(self, |out, (span, value)| out.raw(key(span)).value(value))
            }
            Value::Tag(tag, value) => self.tag(*tag).value(value),
            Value::Bool(value) => self.bool(*value),
            Value::Null => self.null(),
            Value::Float(value) => self.float(*value),
            Value::Encoded(item) => self.raw(item),
        }
    }

    /// The head of an item: its major type and its argument in the fewest bytes (RFC 8949 §4.1).
    fn head(&mut self, major: u8, argument: u64) -> &mut Self {
        let [.., b3, b2, b1, b0] = argument.to_be_bytes();
        match argument {
            0..24 => self.raw(&[major | b0]),
            24..=0xff => self.raw(&[major | 24, b0]),
            0x100..=0xffff => self.raw(&[major | 25, b1, b0]),
            0x1_0000..=0xffff_ffff => self.raw(&[major | 26, b3, b2, b1, b0]),
            _ => self.raw(&[major | 27]).raw(&argument.to_be_bytes()),
        }
    }
}

/// Reads IEEE 754 binary16 (RFC 8949 App. D).
pub(super) fn half_to_double(bits: u16) -> f64 {
    let (exponent, mantissa) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    let magnitude = match exponent {
        0 => mantissa * 2f64.powi(-24),
        31 if mantissa == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (mantissa + 1024.0) * 2f64.powi(exponent - 25),
    };
    if bits >> 15 == 0 { magnitude } else { -magnitude }
}

/// The binary16 that is exactly this number; every NaN is the same one (RFC 8949 §4.2.2).
fn double_to_half(value: f64) -> Option<u16> {
    if value.is_nan() {
        return Some(0x7e00);
    }
    let bits = value.to_bits();
    let sign = (bits >> 48) as u16 & 0x8000;
    let exponent = (bits >> 52 & 0x7ff) as i32 - 1023;
    let mantissa = bits & 0xf_ffff_ffff_ffff;
    let magnitude = match exponent {
        -1023 => 0,
        1024 => 0x7c00,
        -14..=15 => ((exponent + 15) as u16) << 10 | (mantissa >> 42) as u16,
        -24..=-15 => ((mantissa | 1 << 52) >> (28 - exponent)) as u16,
        _ => return None,
    };
    let half = sign | magnitude;
    (half_to_double(half).to_bits() == bits).then_some(half)
}

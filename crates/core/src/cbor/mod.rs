//! CBOR as signed data needs it (RFC 8949): bounded, definite, without duplicate keys, byte-exact.
//!
//! - [`Item`] is what was received: it borrows the bytes it came from, so that a digest or a signature is
//!   checked over exactly these and nothing is ever encoded again
//! - [`Value`] is what will be sent; it is encoded deterministically (RFC 8949 §4.2.1)
//! - [`Encoder`] joins the two: new structures around bytes that were received

mod encode;
mod item;
mod json;
mod value;

use thiserror::Error;

pub use encode::Encoder;
pub use item::{Content, Item, Label};
pub use value::Value;

/// Tags that are more than a remark (RFC 8949 §3.4, RFC 8943).
pub mod tag {
    /// A date and time as text (RFC 8949 §3.4.1, `tdate`).
    pub const DATE_TIME: u64 = 0;
    /// A byte string that is a CBOR item itself (RFC 8949 §3.4.5.1).
    pub const EMBEDDED: u64 = 24;
    /// A date without a time as text (RFC 8943, `full-date`).
    pub const FULL_DATE: u64 = 1004;
}

/// How large a document may be before it is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CborLimits {
    /// Bytes in the whole document.
    pub length: usize,
    /// Levels of nesting, tags included.
    pub depth: usize,
    /// Items in the whole document.
    pub items: usize,
}

impl Default for CborLimits {
    /// 1 MiB, depth 32 and 10,000 items, as the threat model sets them.
    fn default() -> Self {
        Self { length: 1 << 20, depth: 32, items: 10_000 }
    }
}

/// Why bytes are not acceptable CBOR.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum CborError {
    /// Longer than the limit.
    #[error("the CBOR is too long")]
    TooLong,
    /// Cut short, or not well-formed.
    #[error("not well-formed CBOR")]
    Malformed,
    /// Something follows the item.
    #[error("bytes follow the CBOR item")]
    TrailingBytes,
    /// An item of indefinite length, which no format here allows.
    #[error("a CBOR item has an indefinite length")]
    Indefinite,
    /// Nested deeper than the limit.
    #[error("the CBOR is nested too deep")]
    TooDeep,
    /// More items than the limit, or than the bytes could hold.
    #[error("the CBOR has too many items")]
    TooManyItems,
    /// A map has a key twice.
    #[error("a CBOR map has a key twice")]
    DuplicateKey,
    /// A map has a key that is neither an integer, nor text, nor a byte string.
    #[error("a CBOR map has a key of an unusual type")]
    KeyType,
    /// A tag stands before something that it cannot be about.
    #[error("a CBOR tag is about an item of another type")]
    TagContent,
    /// Two keys of a map have the same spelling in JSON.
    #[error("the CBOR cannot be told apart in JSON")]
    NotJson,
}

impl CborError {
    /// The stable reason code, for operators.
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooLong => "cbor_too_long",
            Self::Malformed => "cbor_malformed",
            Self::TrailingBytes => "cbor_trailing_bytes",
            Self::Indefinite => "cbor_indefinite_length",
            Self::TooDeep => "cbor_too_deep",
            Self::TooManyItems => "cbor_too_many_items",
            Self::DuplicateKey => "cbor_duplicate_key",
            Self::KeyType => "cbor_key_type",
            Self::TagContent => "cbor_tag_content",
            Self::NotJson => "cbor_not_json",
        }
    }
}

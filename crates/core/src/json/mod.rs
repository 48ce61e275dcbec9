//! Strict JSON and base64url.
//!
//! Everything that was signed is read through here: a duplicate member, a document nested too deep or
//! a padded base64url string is refused instead of being read one way here and another way elsewhere.

mod base64url;
mod canonical;
mod numeric_date;
mod strict;
mod suggest;

pub use base64url::{
    Base64UrlError, append as base64url_append, decode as base64url_decode, encode as base64url,
};
pub use canonical::{CanonicalizeError, canonicalize, canonicalize_object};
pub use numeric_date::numeric_date;
pub use strict::{JsonError, JsonLimits, parse, parse_object};
pub(crate) use suggest::nearest;

/// A JSON object as it was read: members keep their order.
pub type Object = serde_json::Map<String, serde_json::Value>;

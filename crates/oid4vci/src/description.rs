//! Error bodies, as they go over the wire.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An OAuth or OID4VCI error body; the description is ours and fixed, never an echo.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct ErrorBody {
    /// The code from the specification's list.
    pub error: String,
    /// A sentence for the developer at the other end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_description: Option<String>,
}

impl ErrorBody {
    /// A code with the text of the error.
    pub(crate) fn new(code: &str, description: &dyn fmt::Display) -> Self {
        // OID4VCI 1.0 §8.3.1.2, RFC 6749 §5.2: only %x20-21, %x23-5B and %x5D-7E
        let printable =
            |character: &char| matches!(character, ' '..='~') && !matches!(character, '"' | '\\');
        let description = description.to_string().chars().filter(printable).collect();
        Self { error: code.to_owned(), error_description: Some(description) }
    }
}

//! Where the status of a credential is kept.

use serde_json::Value;

use crate::claims::Claims;

/// A reference to the status of a credential, as its `status` claim gives it (Token Status List §6.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatusReference {
    /// An entry of a Token Status List.
    TokenStatusList {
        /// The position in the list.
        index: u64,
        /// Where the list is published.
        uri: String,
    },
    /// Some other mechanism, which nothing here can evaluate.
    Unknown,
}

impl StatusReference {
    /// Reads a `status` claim; none when it is malformed.
    pub(crate) fn read(status: &Value) -> Option<Self> {
        let mechanisms = status.as_object()?;
        let Some(list) = mechanisms.get("status_list") else {
            return Some(Self::Unknown);
        };
        // Token Status List §6.1: idx is a non-negative integer, uri is text; both are required
        let index = list.get("idx")?.as_u64()?;
        let uri = list.get("uri")?.as_str()?.to_owned();
        Some(Self::TokenStatusList { index, uri })
    }

    /// The members of the `status` claim; none for a mechanism that cannot be written.
    pub(super) fn to_claims(&self) -> Option<Claims> {
        match self {
            Self::TokenStatusList { index, uri } => {
                let list = Claims::new().visible("idx", *index).visible("uri", uri.as_str());
                Some(Claims::new().visible_object("status_list", list))
            }
            Self::Unknown => None,
        }
    }
}

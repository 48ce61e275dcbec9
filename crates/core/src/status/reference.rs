//! Where the status of a credential is kept.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    claims::Claims,
    trust::{NameError, well_formed_uri},
};

/// A reference to the status of a credential, as its `status` claim gives it (Token Status List §6.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatusReference {
    /// An entry of a Token Status List.
    TokenStatusList {
        /// The position in the list.
        index: u64,
        /// Where the list is published.
        uri: StatusListUri,
    },
    /// Some other mechanism, which nothing here can evaluate.
    Unknown,
}

/// The URI of a status list: compared character by character (Token Status List §8.3).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StatusListUri(String);

impl StatusListUri {
    /// Reads a URI; whether it may be fetched is decided by who fetches it.
    ///
    /// # Errors
    /// [`NameError`]: malformed or not a URI.
    pub fn parse(text: impl Into<String>) -> Result<Self, NameError> {
        well_formed_uri(text.into()).map(Self)
    }

    /// The URI's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for StatusListUri {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        Self::parse(text)
    }
}

impl From<StatusListUri> for String {
    fn from(uri: StatusListUri) -> Self {
        uri.0
    }
}

impl fmt::Display for StatusListUri {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl StatusReference {
    /// Reads a `status` claim; none when it is malformed.
    pub(crate) fn read(status: &Value) -> Option<Self> {
        let mechanisms = status.as_object()?;
        let Some(list) = mechanisms.get("status_list") else {
            return Some(Self::Unknown);
        };
        // Token Status List §6.1: idx is a non-negative integer, uri is a URI; both are required
        let index = list.get("idx")?.as_u64()?;
        let uri = StatusListUri::parse(list.get("uri")?.as_str()?).ok()?;
        Some(Self::TokenStatusList { index, uri })
    }

    /// The members of the `status` claim; none for a mechanism that cannot be written.
    pub(crate) fn to_claims(&self) -> Option<Claims> {
        match self {
            Self::TokenStatusList { index, uri } => {
                let list = Claims::new().visible("idx", *index).visible("uri", uri.as_str());
                Some(Claims::new().visible_object("status_list", list))
            }
            Self::Unknown => None,
        }
    }
}

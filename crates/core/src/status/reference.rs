//! Where the status of a credential is kept.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::bitstring_status_list::{BitstringError, StatusEntry};
use crate::{
    json::Object,
    trust::{NameError, well_formed_uri},
};

/// The most entries of one credential: there are four purposes, and for each the list may be another.
const MAX_ENTRIES: usize = 8;

/// A reference to the status of a credential, as its `status` claim (Token Status List §6.1) or its
/// `credentialStatus` (VCDM 2.0 §4.10) gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatusReference {
    /// An entry of a Token Status List.
    TokenStatusList {
        /// The position in the list.
        index: u64,
        /// Where the list is published.
        uri: StatusListUri,
    },
    /// Entries of Bitstring Status Lists, one for each purpose; all of them must speak for the credential.
    Bitstring(Vec<StatusEntry>),
    /// Some other mechanism, which nothing here can evaluate.
    Unknown,
}

/// By which mechanism the status of a credential is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StatusMechanism {
    /// A [Token Status List](super::token_status_list): for everything that has a `status` claim.
    TokenStatusList,
    /// [Bitstring Status Lists](super::bitstring_status_list): for W3C credentials.
    BitstringStatusList,
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
    pub fn read(status: &Value) -> Option<Self> {
        let mechanisms = status.as_object()?;
        let Some(list) = mechanisms.get("status_list") else {
            return Some(Self::Unknown);
        };
        // Token Status List §6.1: idx is a non-negative integer, uri is a URI; both are required
        let index = list.get("idx")?.as_u64()?;
        let uri = StatusListUri::parse(list.get("uri")?.as_str()?).ok()?;
        Some(Self::TokenStatusList { index, uri })
    }

    /// Reads the entries of a `credentialStatus`; none for a credential without.
    ///
    /// An entry of another type, or for another purpose, than is known here becomes
    /// [`StatusReference::Unknown`], beside those that are known.
    ///
    /// # Errors
    /// [`BitstringError::TooManyEntries`], and one [`BitstringError`] per rule that an entry of the known type
    /// breaks.
    pub fn of_entries<'e>(
        entries: impl Iterator<Item = &'e Object>,
    ) -> Result<Vec<Self>, BitstringError> {
        let (mut known, mut is_complete) = (Vec::new(), true);
        for (position, entry) in entries.enumerate() {
            if position == MAX_ENTRIES {
                return Err(BitstringError::TooManyEntries);
            }
            match StatusEntry::read(entry) {
                Ok(entry) => known.push(entry),
                Err(BitstringError::EntryType | BitstringError::Purpose) => is_complete = false,
                Err(error) => return Err(error),
            }
        }
        let known = (!known.is_empty()).then_some(Self::Bitstring(known));
        Ok(known.into_iter().chain((!is_complete).then_some(Self::Unknown)).collect())
    }

    /// The value of the `credentialStatus` of a W3C credential; none for a mechanism that has none.
    pub fn to_credential_status(&self) -> Option<Value> {
        let Self::Bitstring(entries) = self else { return None };
        match entries.as_slice() {
            [] => None,
            [entry] => Some(entry.to_object().into()),
            entries => Some(entries.iter().map(StatusEntry::to_object).collect()),
        }
    }

    /// The `status` claim; none for a mechanism that cannot be written.
    pub(crate) fn to_claim(&self) -> Option<StatusClaim<'_>> {
        match self {
            Self::TokenStatusList { index, uri } => {
                Some(StatusClaim { status_list: StatusListClaim { idx: *index, uri: &uri.0 } })
            }
            Self::Bitstring(_) | Self::Unknown => None,
        }
    }
}

/// The `status` claim of a token (Token Status List §6.1).
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct StatusClaim<'r> {
    status_list: StatusListClaim<'r>,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct StatusListClaim<'r> {
    idx: u64,
    uri: &'r str,
}

//! Why an entry, a list or a lookup is refused.

use thiserror::Error;

use crate::{credential::ValidityError, json::Base64UrlError, status::InflateError};

/// Why an entry, a list, or a lookup in one, is refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum BitstringError {
    /// `type` of the entry is not `BitstringStatusListEntry`.
    #[error("the status entry is of another type")]
    EntryType,
    /// There are more entries than any credential needs: each costs a list.
    #[error("the credential has too many status entries")]
    TooManyEntries,
    /// `id` of the entry is the URL of the list.
    #[error("the status entry has the id of its list")]
    EntryId,
    /// `statusPurpose` is missing, or none of the four that are known.
    #[error("statusPurpose is missing or unknown")]
    Purpose,
    /// `statusListIndex` is not a decimal number in a string.
    #[error("statusListIndex is no decimal number in a string")]
    Index,
    /// `statusListCredential` is not a URL.
    #[error("statusListCredential is no URL")]
    ListUrl,
    /// `statusSize` is not a number of bits from 1 to 8.
    #[error("statusSize is no number from 1 to 8")]
    Size,
    /// `statusMessage` does not have one message for each value.
    #[error("statusMessage does not have one message for each value")]
    Messages,
    /// The list is not a credential of type `BitstringStatusListCredential`.
    #[error("the status list credential is of another type")]
    ListType,
    /// The list is not one of those that the entry refers to.
    #[error("the status list is not the one that was referred to")]
    AnotherList,
    /// The subject of the list is not one `BitstringStatusList`.
    #[error("the subject of the status list credential is no bitstring status list")]
    Subject,
    /// The list has a status of its own, which nobody follows.
    #[error("the status list has a status itself")]
    Recursive,
    /// The list is not valid now.
    #[error("the status list is refused: {0}")]
    Validity(#[from] ValidityError),
    /// `ttl` is not a positive number of milliseconds.
    #[error("ttl is no positive number of milliseconds")]
    Ttl,
    /// `encodedList` does not begin with the multibase letter `u`.
    #[error("encodedList has no multibase prefix")]
    Multibase,
    /// `encodedList` is not base64url.
    #[error("encodedList is {0}")]
    Encoding(#[from] Base64UrlError),
    /// `encodedList` is not compressed as it should be.
    #[error(transparent)]
    Inflate(#[from] InflateError),
    /// The list is for other purposes than the entry.
    #[error("the status list is for another purpose")]
    PurposeMismatch,
    /// There are fewer statuses than each could hide among.
    #[error("the status list is too short")]
    TooShort,
    /// The index is beyond the end of the list.
    #[error("the index is beyond the end of the status list")]
    IndexOutOfRange,
    /// A value does not fit into the bits of a status.
    #[error("the value does not fit into the bits of a status")]
    ValueTooWide,
}

impl BitstringError {
    /// The stable reason code, for operators.
    pub const fn code(self) -> &'static str {
        match self {
            Self::EntryType => "status_entry_type",
            Self::TooManyEntries => "status_entries_too_many",
            Self::EntryId => "status_entry_id",
            Self::Purpose => "status_purpose_unknown",
            Self::Index => "status_index_malformed",
            Self::ListUrl => "status_list_url_malformed",
            Self::Size => "status_size",
            Self::Messages => "status_messages",
            Self::ListType => "status_list_type",
            Self::AnotherList => "status_list_another",
            Self::Subject => "status_list_subject",
            Self::Recursive => "status_list_has_status",
            Self::Validity(_) => "status_list_not_valid",
            Self::Ttl => "status_list_ttl_malformed",
            Self::Multibase => "status_list_not_multibase",
            Self::Encoding(_) => "status_list_not_base64url",
            Self::Inflate(InflateError::Corrupt) => "status_list_not_gzip",
            Self::Inflate(InflateError::Truncated) => "status_list_truncated",
            Self::Inflate(InflateError::TrailingBytes) => "status_list_trailing_bytes",
            Self::Inflate(InflateError::TooLarge) => "status_list_too_large",
            Self::PurposeMismatch => "status_purpose_mismatch",
            Self::TooShort => "status_list_too_short",
            Self::IndexOutOfRange => "status_index_out_of_range",
            Self::ValueTooWide => "status_too_wide",
        }
    }

    /// The error that the specification names (§3.5).
    pub const fn problem(self) -> &'static str {
        match self {
            Self::TooShort => "STATUS_LIST_LENGTH_ERROR",
            Self::IndexOutOfRange => "RANGE_ERROR",
            Self::ListType
            | Self::AnotherList
            | Self::Subject
            | Self::Recursive
            | Self::Validity(_)
            | Self::PurposeMismatch => "STATUS_VERIFICATION_ERROR",
            _ => "MALFORMED_VALUE_ERROR",
        }
    }
}

//! Bitstring Status List 1.0: the status of W3C credentials (Recommendation of 2025-05-15).
//!
//! Reading order: a credential holds [`StatusEntry`]s; each leads to a credential whose subject is a
//! [`Bitstring`]. Whoever verified that credential, by whatever secures it, makes a
//! [`BitstringStatusList`] of it and looks the entry up.
//!
//! The bits run the other way than in a [Token Status List](super::token_status_list): index 0 is the
//! most significant bit of the first byte.

mod bits;
mod entry;
mod error;
mod list;

pub use bits::Bitstring;
pub use entry::{StatusEntry, StatusMessage, StatusPurpose, StatusSize};
pub use error::BitstringError;
pub use list::{BitstringStatus, BitstringStatusList};

/// The least number of statuses in a list, so that each can hide among the others (§3.4).
pub const MIN_ENTRIES: u64 = 131_072;

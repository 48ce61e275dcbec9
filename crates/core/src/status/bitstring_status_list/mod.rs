//! Bitstring Status List 1.0: the status of W3C credentials (Recommendation of 2025-05-15).
//!
//! Reading order: an issuer sets bits in a [`Bitstring`] and makes a credential of it by a
//! [`BitstringListDraft`]. A credential holds [`StatusEntry`]s; each leads to such a list, which comes as an
//! [`UnverifiedListCredential`]. Once verified it is a [`BitstringStatusList`], in which the entry is looked
//! up; whoever verified the credential by other means makes one of it, too.
//!
//! The bits run the other way than in a [Token Status List](super::token_status_list): index 0 is the
//! most significant bit of the first byte.

mod bits;
mod draft;
mod entry;
mod error;
mod list;
mod secured;

pub use bits::Bitstring;
pub use draft::BitstringListDraft;
pub use entry::{StatusEntry, StatusMessage, StatusPurpose, StatusSize};
pub use error::BitstringError;
pub use list::{BitstringStatus, BitstringStatusList};
pub use secured::{
    ListCredentialError, MEDIA_TYPE_VC, MEDIA_TYPE_VC_JWT, UnverifiedListCredential,
};

/// The least number of statuses in a list, so that each can hide among the others (§3.4).
pub const MIN_ENTRIES: u64 = 131_072;

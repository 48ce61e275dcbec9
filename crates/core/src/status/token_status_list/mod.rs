//! Token Status List: one bit or a few per credential (draft-ietf-oauth-status-list-20).
//!
//! Reading order: an issuer sets statuses in a [`StatusList`] and signs it as a [`StatusListDraft`]; a
//! verifier [parses](UnverifiedStatusList::parse) what it fetched, finds the key of whoever signed
//! it, and looks up a [`Status`](super::Status) in a [`VerifiedStatusList`].

mod aggregation;
mod cwt;
mod draft;
mod error;
mod list;
mod shared;
mod verify;

pub use aggregation::{AggregationError, MEDIA_TYPE_AGGREGATION, StatusListAggregation};
pub use draft::StatusListDraft;
pub use error::StatusListError;
pub use list::{StatusBits, StatusList};
pub use shared::SharedLists;
pub use verify::{UnverifiedStatusList, VerifiedStatusList};

pub use super::Freshness;

use crate::{
    crypto::SignatureAlgorithm,
    jose::{HeaderKey, Slot},
};

/// `typ` of a Status List Token that is a JWT (Token Status List §5.1).
pub const TYP: &str = "statuslist+jwt";

/// The media type of a Status List Token that is a JWT (Token Status List §14.7).
pub const MEDIA_TYPE_JWT: &str = "application/statuslist+jwt";

/// The media type of a Status List Token that is a CWT, and its `typ` (Token Status List §5.2, §14.7).
pub const MEDIA_TYPE_CWT: &str = "application/statuslist+cwt";

/// Where a Status List Token in JWT form goes.
const SLOT: Slot = Slot {
    name: "status list token",
    // Token Status List §5.1: typ is statuslist+jwt
    typ: &[TYP],
    algorithms: SignatureAlgorithm::OPENID4VC,
    header_keys: &[HeaderKey::Kid, HeaderKey::X5c],
};

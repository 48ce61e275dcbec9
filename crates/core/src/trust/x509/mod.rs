//! X.509 certificate chains as `x5c` carries them (RFC 5280, RFC 7515 §4.1.6, HAIP §6.1.1).
//!
//! A small path check of our own: the general one of a TLS library insists on TLS's key usages, and knows
//! neither that the anchor must be left out nor that the leaf must not be self-signed.

mod anchors;
mod certificate;
mod chain;
mod crl;
mod kept;
mod names;
mod remembered;
mod revocation;

pub use anchors::TrustAnchors;
pub(crate) use certificate::period;
pub use chain::{CertificateChain, CertificatePurpose, ChainError, VerifiedChain};
pub use crl::{RevocationList, RevocationListError};
pub use kept::RevocationLists;
pub use revocation::{
    LocalRevocationLists, RevocationListSource, RevocationListUnavailable, RevocationRule,
};

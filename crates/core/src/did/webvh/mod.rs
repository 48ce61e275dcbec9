//! did:webvh: a did:web with a verifiable history (did:webvh 1.0).
//!
//! Reading order: a [`WebvhDid`] says where its log is; an [`UnverifiedLog`] is what was found there, and
//! what it [verifies](UnverifiedLog::verify) to is a [`VerifiedLog`], with one document for each version.
//! Whoever controls a DID writes its entries with [`NewDid`] and [`NewEntry`]. Nothing is fetched here.

mod fault;
mod hash;
mod identifier;
mod log;
mod parameters;
mod services;
mod verify;
mod versions;
mod witness;
mod write;

pub use fault::{LogError, WebvhFault};
pub use identifier::WebvhDid;
pub use log::UnverifiedLog;
pub use parameters::Witnesses;
pub use services::parallel_did_web;
pub use versions::VerifiedLog;
pub use witness::approve_version;
pub use write::{NewDid, NewEntry, SignedEntry, WriteError};

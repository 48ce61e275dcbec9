//! Decentralized identifiers: syntax, documents and resolution (DID 1.1, DID Resolution 1.0).
//!
//! did:key, did:jwk and did:peer are resolved here, from the identifier alone. For did:web and did:webvh the
//! bytes come through the ports [`DidWebSource`] and [`DidWebvhSource`], and are read and judged here.

mod dereference;
mod document;
mod jwk;
mod key;
mod multihash;
mod peer;
mod resolve;
mod result;
mod syntax;
pub mod webvh;

pub use dereference::Dereferenced;
pub use document::{DidDocument, DocumentFault, Relationship, VerificationMethod};
pub use peer::PeerFault;
pub use resolve::{
    DidMethods, DidResolver, DidWebSource, DidWebvhSource, Fetched, ResolutionError,
};
use result::datetime;
pub use result::{DocumentMetadata, ResolutionOptions, Resolved, Version};
pub use syntax::{Did, DidUrl};

//! Decentralized identifiers: syntax, documents and resolution (DID 1.1, DID Resolution 1.0).
//!
//! did:key and did:jwk are resolved here, from the identifier alone. For did:web the bytes come through
//! the port [`DidWebSource`], and are read and judged here.

mod document;
mod jwk;
mod key;
mod resolve;
mod syntax;

pub use document::{DidDocument, DocumentFault, Relationship, VerificationMethod};
pub use resolve::{DidMethods, DidResolver, DidWebSource, ResolutionError};
pub use syntax::{Did, DidUrl};

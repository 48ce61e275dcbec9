//! Data Integrity: proofs that are embedded in JSON documents (Verifiable Credential Data Integrity 1.0).
//!
//! Reading order: a [`ProofDraft`] secures a document with a [`Cryptosuite`]; whoever receives one
//! [parses](UnverifiedDocument::parse) it and has a [`ProofVerifier`] check every [`DataIntegrityProof`]
//! in it; what comes out is a [`VerifiedDocument`], and only that gives the document away.
//!
//! With `ecdsa-sd-2023` and `bbs-2023` a holder keeps a [`HeldDocument`] and discloses parts of it.
//!
//! What the document means is not looked at here: that a credential is by its issuer and a presentation by
//! its holder is told by [`VerifiedProof::controller`].

#[cfg(feature = "bbs")]
mod bbs;
mod cryptosuite;
mod document;
mod draft;
mod ecdsa_sd;
mod error;
mod expected;
mod hash;
mod held;
pub mod json_ld;
mod proof;
mod proof_cbor;
pub mod rdf;
mod selective;
mod verify;

pub use cryptosuite::Cryptosuite;
pub use document::UnverifiedDocument;
pub use draft::ProofDraft;
pub use error::DataIntegrityError;
pub use expected::{Challenge, Domain, ExpectedProof};
pub use held::HeldDocument;
pub use proof::DataIntegrityProof;
pub use selective::JsonPointer;
pub use verify::{ProofVerifier, VerifiedDocument, VerifiedProof};

//! The Digital Credentials Query Language (OID4VP 1.0 §6).
//!
//! One query, judged from both sides by the same matching rules:
//!
//! 1. [`DcqlQuery`] is a query that was parsed strictly and within limits
//! 2. [`select`] finds what a wallet could answer with, and exactly which claims that would disclose
//! 3. [`evaluate`] judges what arrived at the verifier
//!
//! Formats are looked at through [`CredentialView`], so neither side knows how a credential is encoded.

mod error;
mod evaluate;
mod format;
mod matching;
mod over_asking;
mod query;
mod read;
mod select;
mod shown;
mod view;

pub use error::DcqlError;
pub use evaluate::{PresentedView, Reason, Satisfied, Unsatisfied, evaluate};
pub use format::RequestedFormat;
pub use matching::Mismatch;
pub use over_asking::{OverAsked, OverAsking};
pub use query::{
    Authority, ClaimId, ClaimQuery, ClaimsSelection, CredentialQuery, CredentialQueryId,
    CredentialSetQuery, DcqlQuery,
};
pub(crate) use select::SetMatches;
pub use select::{Candidate, ClaimSetChoice, Matches, QueryMatches, select};
pub use view::CredentialView;

//! `ldp_vc`: VCDM 2.0 with Data Integrity proofs (OID4VP 1.0 App. B.1.3.2, VC Data Integrity 1.0).
//!
//! What the document says is judged by the rules of the data model, who said it by its proofs: those of a
//! credential are its issuer's, that of a presentation is its holder's.
//!
//! Reading order: an issuer [issues](issue) a [`Credential`](super::Credential); a wallet
//! [parses](UnverifiedLdpVc::parse) it and keeps a [`HeldLdpVc`], which it [presents](present), perhaps only
//! in part; a verifier [verifies](verify_presentation) that whole and gets a [`VerifiedLdpVp`].

mod credential;
mod error;
mod issue;
mod present;
mod presentation;

pub use credential::{HeldLdpVc, UnverifiedLdpVc, VerifiedLdpVc};
pub use error::{LdpVcError, LdpVpError};
pub use issue::issue;
pub use present::{PresentLdpError, Shown, present, show};
pub use presentation::{VerifiedLdpVp, verify_presentation};

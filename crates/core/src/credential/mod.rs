//! What all formats have in common: their names, the types of credentials, the times they are valid, and
//! the holder's verbs whatever the format: receive, hold, show.

mod bound;
mod format;
mod held;
mod kind;
mod validity;

pub use format::Format;
pub use held::{CredentialRefused, HeldCredential};
pub use kind::CredentialType;
pub use validity::{ExpiryRule, Validity, ValidityError, ValidityPolicy};

//! What all formats have in common: their names, the types of credentials, the times they are valid.

mod format;
mod kind;
mod validity;

pub use format::Format;
pub use kind::CredentialType;
pub use validity::{ExpiryRule, Validity, ValidityError, ValidityPolicy};

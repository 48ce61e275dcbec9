//! Selective disclosure for JWTs (RFC 9901).
//!
//! Reading order: an SD-JWT is [issued](issue), [parsed](UnverifiedSdJwt::parse), [held](HeldSdJwt) by
//! its holder, who presents a part of it, and [verified](UnverifiedSdJwt::verify) by whoever asked.
//! Claims are reachable only through [`VerifiedSdJwt`] and [`HeldSdJwt`].

mod disclosure;
mod error;
mod hold;
mod issue;
mod json_serialization;
mod key_binding;
mod unfold;
mod verify;

pub use disclosure::Disclosure;
pub use error::SdJwtError;
pub use hold::{HeldSdJwt, PresentError};
pub(crate) use issue::issue_checked;
pub use issue::{IssueError, issue};
pub use json_serialization::{JsonSerializationError, SdJwtJson};
pub(crate) use key_binding::confirmation_key;
pub use key_binding::{
    Audience, ExpectedKeyBinding, KeyBindingError, KeyBindingRequest, KeyBindingWindow,
    RequestNonce, VerifiedKeyBinding,
};
pub(crate) use unfold::Withheld;
pub use verify::{UnverifiedSdJwt, VerifiedSdJwt};

/// The longest SD-JWT that is read, with everything attached to it.
pub const MAX_LENGTH: usize = 1 << 20;

/// The most disclosures that are read.
pub const MAX_DISCLOSURES: usize = 500;

/// How many disclosures may lie inside one another.
pub const MAX_RECURSION: usize = 16;

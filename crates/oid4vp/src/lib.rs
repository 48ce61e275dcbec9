//! OpenID for Verifiable Presentations 1.0, both sides, sans IO.
//!
//! Reading order:
//!
//! 1. [`dcql`]: what is asked for, and whether it was answered
//! 2. [`ClientId`]: who asks
//! 3. [`request`]: the request in its three shapes (parameters, signed object, link)
//! 4. [`transaction`]: what a holder authorizes by presenting
//! 5. [`response`]: the answer in its two shapes (form, encrypted form)
//! 6. [`verifier`]: `Requested` → `Answered`, with the verdict
//! 7. [`wallet`]: read → choices → consent → answer
//! 8. [`dc_api`]: both sides through the Digital Credentials API

pub mod dc_api;
pub mod dcql;
pub mod request;
pub mod response;
pub mod transaction;
pub mod verifier;
pub mod wallet;

mod client_id;
mod error;
mod formats;
mod quirks;
mod text;

pub use client_id::{ClientId, ClientIdError, ClientIdPrefix};
pub use error::ErrorCode;
pub use formats::{Algorithms, TakenFormats};
pub use text::{RequestNonce, State, TextError, WalletNonce};

//! The verifier's side: `Requested` → one response → a verdict.
//!
//! 1. [`Requested::new`] asks, with a fresh nonce, state and response key
//! 2. [`Requested::request_object`] signs it, as often as a wallet fetches it
//! 3. [`Requested::open`] reads the one response that counts and concludes with a [`Verdict`]

mod authorized;
pub(crate) mod exchange;
mod open;
mod recording;
pub(crate) mod requested;
mod verdict;
mod verifiers;
mod wallet_metadata;

pub use authorized::TransactionFault;
pub use open::{Conclusion, OpenError, Refused};
pub use recording::Recording;
pub use requested::{Ask, Requested};
pub use verdict::{
    CheckOutcome, CheckVerdict, CredentialVerdict, IssuerVerdict, StatusListVerdict, Verdict,
    VerdictState,
};
pub use verifiers::Verifiers;
pub use wallet_metadata::{WalletCannot, WalletMetadata};

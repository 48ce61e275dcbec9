//! The holder's library: it reads offers and requests, keeps credentials and answers for the holder.
//!
//! An app draws screens and implements the [`ports`]; everything else is decided here. Reading order:
//!
//! 1. [`Wallet`] and its two verbs, `read_offer` and `read_request`
//! 2. `issuance`: offer review → (transaction code) → credentials, verified before they are stored
//!    what an issuer defers is `collect`ed later
//! 3. `login`: the same where the holder logs in, and what a crash interrupted
//! 4. `presentation`: request review → choices → consent → answer; `platform`: the same for a request
//!    that the platform hands over
//! 5. `storage`: one SQLite file in which every record is sealed
//! 6. `history`: every issuance, presentation, refusal and failure

pub mod face;
pub mod history;
pub mod ports;
pub mod storage;

mod collect;
mod http;
mod issuance;
mod keys;
mod login;
mod platform;
mod presentation;
mod proven;
mod wallet;

pub use issuance::{AcceptError, IssuanceError, Offer, OfferedCard, PreAuthorized, Review};
pub use keys::SoftwareKeys;
pub use lanyard_oid4vci::wallet::WalletClient;
pub use lanyard_oid4vp::wallet::{Attester, KnownVerifiers, RegisteredVerifier};
pub use login::{AuthorizationCode, Login, Unfinished};
pub use platform::PlatformRequest;
pub use presentation::{PresentationError, Request};
pub use wallet::{Wallet, WalletSettings};

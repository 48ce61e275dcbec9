//! The holder's library: it reads offers and requests, keeps credentials and answers for the holder.
//!
//! An app draws screens and implements the [`ports`]; everything else is decided here. Reading order:
//!
//! 1. [`Wallet`] and its two verbs, `read_offer` and `read_request`
//! 2. `issuance`: offer review → (transaction code) → credentials, verified before they are stored
//!    in `receive`; what an issuer defers is `collect`ed later
//! 3. `login`: the same where the holder logs in, and what a crash interrupted
//! 4. `presentation`: request review → choices → consent → answer; `platform`: the same for a request
//!    that the platform hands over; `registration`: what the platform knows beforehand
//! 5. `storage`: one file in which every record is sealed
//! 6. `status`: what became of a card, by its issuer's list; `notices`: what of it the holder has not seen yet
//! 7. `history`: every issuance, presentation, refusal and failure; `told`: what verifiers said of themselves
//! 8. `inventory`: what to have issued again on a new phone
//! 9. `pin`: what stands in for biometrics
//! 10. `picture`: logos, fetched once and kept

pub mod face;
pub mod history;
pub mod ports;
pub mod storage;

#[cfg(feature = "rustcrypto")]
mod attested;
mod catch_up;
mod collect;
mod consent;
mod hardware;
mod http;
mod inventory;
mod issuance;
mod keys;
mod length;
mod login;
mod notices;
#[cfg(feature = "rustcrypto")]
mod open;
mod outcome;
mod picture;
mod pin;
mod platform;
mod presentation;
mod proven;
mod receive;
mod registration;
mod rows;
mod status;
mod told;
mod vouched;
mod wallet;

#[cfg(feature = "rustcrypto")]
pub use attested::InstanceAttester;
pub use consent::{Authenticated, ConsentError};
pub use hardware::{HardwareKey, HardwareKeys, KeyHome};
pub use inventory::{ExportedInventory, InventoryError, InventoryItem};
pub use issuance::{AcceptError, IssuanceError, Offer, OfferedCard, PreAuthorized, Review};
pub use keys::SoftwareKeys;
pub use lanyard_oid4vci::wallet::{SignedMetadata, WalletClient};
pub use lanyard_oid4vp::wallet::{Attester, KnownVerifiers, RegisteredVerifier};
pub use length::LONGEST_LINK;
pub use login::{AuthorizationCode, Login, Unfinished};
pub use notices::CardNotice;
#[cfg(feature = "rustcrypto")]
pub use open::{AppPorts, MetadataSigning, OpenError, Opening};
pub use picture::{Picture, PictureRefused, PictureType, PictureUse};
pub use pin::PinRefused;
pub use platform::PlatformRequest;
pub use presentation::{PresentationError, RefusedRequest, Request, UnusableCard};
pub use registration::{RegisteredClaim, Registration};
pub use rows::{AskedClaim, AskedTooMuch, ShownClaim, Standing};
pub use status::{KnownStatus, StatusWord};
pub use told::{ContactUse, SharedWith, Told};
pub use vouched::{KeyAttester, KeyToAttest, VouchedKeys};
pub use wallet::{Wallet, WalletSettings};

/// What the verbs above take and give of the protocol crates, for those who name the wallet alone.
pub mod protocol {
    pub use lanyard_core::{
        Timestamp, claims::ClaimsPath, credential::Format, crypto::SignerError,
    };
    pub use lanyard_fetch::{NoAnswer, PlainHttp, PlainRequest, PlainResponse};
    pub use lanyard_oid4vci::{
        authorization::AnswerRefused,
        offer::{TxCodeDescription, TxCodeInput},
    };
    pub use lanyard_oid4vp::{
        dc_api::DcApiVerifier,
        dcql::{ClaimSetChoice, CredentialQueryId, OverAsked, OverAsking, QueryMatches},
        request::Contact,
        transaction::{Transaction, TransactionData},
        wallet::{
            Choices, Consent, NothingFits, Pick, Selection, SetChoice, VerifierIdentity,
            VerifierReply,
        },
    };
}

//! The wallet for Swift, Kotlin and Python.
//!
//! Nothing is decided here: each function hands on to `lanyard-wallet`, each record is one of its values in a form
//! that crosses the boundary. Reading order:
//!
//! 1. [`open_wallet`] with [`WalletPorts`]: what the app implements
//! 2. [`LanyardWallet`]: cards, history, recovery
//! 3. `read_offer` → [`OfferStep`] → cards
//! 4. `read_request` → [`RequestChoices`] → [`HolderConsent`] → answer
//!
//! An object that stands for a step is used once; the second use says `AlreadyUsed`. Dropping a call from the other
//! side (cancelling its coroutine or task) stops it at its next wait.

mod cards;
mod choices;
mod errors;
mod history;
mod offer;
mod once;
mod pictures;
mod ports;
mod request;
mod runtime;
mod wallet;

pub use cards::{
    CardRecord, CardStanding, ClaimRow, InventoryRecord, NoticeRecord, RecoveryKit,
    RegisteredClaimRecord, RegistrationRecord, StatusRecord, StatusValue, WaitingRecord,
};
pub use choices::{
    AskedClaimRecord, CandidateRecord, ClaimSetRecord, ContactKind, ContactRecord,
    ContactToShowRecord, HolderSelection, OverAskedRecord, OverAskingKind, PickRecord,
    PickedRecord, QueryRecord, RequestChoices, SetRecord, SharedRecord, ToldRecord,
    TransactionRecord, TrustLevel, UnusableRecord, VerifierRecord,
};
pub use errors::{
    AcceptError, AnswerError, ConsentError, LoginError, OfferError, OpenError, PinError,
    RecoveryError, RequestError, StoreError,
};
pub use history::{HistoryKind, HistoryKindName, HistoryQuery, HistoryRecord, SharedWithRecord};
pub use offer::{
    LoginOffer, LoginStep, OfferReview, OfferStep, OfferedRecord, ReadyOffer, TxCodeOffer,
    TxCodeRecord,
};
pub use pictures::{CardPictureKind, PictureRecord};
pub use ports::{
    AttestationPortError, ClockPort, HttpExchange, HttpHeader, HttpPort, HttpPortError, HttpReply,
    KeyAttestationPort, KeyRecord, KeyStorePort, KeyStorePortError, KeyToAttestRecord,
    SecureStoragePort, SecureStoragePortError, ToSign, UserAuthenticationPort,
    WalletAttestationPort, WalletPorts,
};
pub use request::{HolderConsent, PlatformPresentation, PresentationRequest};
pub use wallet::{LanyardWallet, MetadataSignature, UnfinishedRecord, WalletOptions, open_wallet};

uniffi::setup_scaffolding!();

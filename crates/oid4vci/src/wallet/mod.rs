//! The wallet's states, from the offer to verified credentials.
//!
//! Sans-IO: each state gives an [`OutgoingRequest`] out and takes an [`IncomingResponse`] in.
//!
//! [`OfferReference`] (if the offer came by reference) → [`Discovery`] → [`AuthorizationServerDiscovery`]
//! → [`CheckedOffer`] (show it, ask the holder) → [`PreAuthorizedOffer`] → [`Granted`] →
//! [`PendingCredential`] → [`ReceivedCredential`]. Where the holder logs in, [`LoginOffer`] → [`Login`] →
//! [`CodeInHand`] stand in place of [`PreAuthorizedOffer`].

mod authorize;
mod collect;
mod discovery;
mod http;
mod plan;
mod receive;
mod redeem;
mod request;

pub use authorize::{CodeInHand, Login, LoginOffer, LoginRefused, Renewal, WalletClient};
pub use collect::DeferredCredential;
pub use discovery::{
    AuthorizationServerDiscovery, CheckedOffer, Discovery, DiscoveryError, OfferReference,
    OfferedCredential, SignedMetadata, Unsupported,
};
pub use http::{Body, IncomingResponse, Method, OutgoingRequest, PeerError, Prover, ResponseFault};
pub use plan::{KeyName, ProofPlan};
pub use receive::{CredentialRefused, Received, ReceivedCredential};
pub use redeem::{PreAuthorizedOffer, TokenRefused, TxCodeRefused};
pub use request::{Granted, PendingCredential, RequestRefused, Showing, SignsAtOnce};

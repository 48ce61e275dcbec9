//! OpenID for Verifiable Credential Issuance 1.0: messages and state machines, both sides.
//!
//! Nothing in here opens a socket or reads a clock. The issuer's states eat themselves and say, when
//! they refuse, which state the session is left in; the wallet's states give request values out and
//! take response values in.
//!
//! Reading order follows one issuance:
//!
//! 1. [`configuration`] what an issuer offers, as data; [`metadata`] is generated from it
//! 2. [`offer`] the credential offer and its links (§4)
//! 3. [`client_authentication`] and [`authorization`] (§5), [`token`] the token request and response (§6)
//! 4. [`nonce`] and [`key_proof`] (§7, App. F); [`dpop`] binds tokens to a key (RFC 9449)
//! 5. [`credential`] the credential request and response (§8), [`encryption`] of both (§10);
//!    what is not ready is [`deferred`] (§9), and what became of it a wallet tells ([`notification`], §11)
//! 6. [`issuer`] the issuer's states: `Offered` → `Authorized` → `Issued`, and in between, when the
//!    holder logs in, `Pushed` → `Authorizing` → `Granted`
//! 7. [`wallet`] the wallet's states, from the offer to verified credentials
//!
//! One version: the final text of 2025-09-16 with the errata draft.

pub mod attestation_status;
pub mod authorization;
pub mod client_authentication;
pub mod configuration;
pub mod credential;
pub mod deferred;
pub mod description;
pub mod dpop;
pub mod encryption;
mod form;
pub mod identifier;
pub mod issuer;
pub mod key_proof;
pub mod metadata;
pub mod nonce;
pub mod notification;
pub mod offer;
pub mod once;
mod secret;
pub mod token;
pub mod wallet;

pub use identifier::{
    CredentialConfigurationId, CredentialIdentifier, IssuerUrl, IssuerUrlError, Transport,
    WellKnown,
};
pub use secret::{
    AccessToken, AuthorizationCode, IssuerState, LoginNonce, LoginState, NotificationId,
    PreAuthorizedCode, RefreshToken, RequestUri, Secrets, TransactionId, TxCode,
};

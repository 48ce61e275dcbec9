//! Both sides of OpenID4VCI, held against the specification and against each other.

mod circle;
mod client_authentication;
mod credential;
mod dpop;
mod fixture;
mod formats;
mod hostile;
mod key_proof;
mod metadata;
mod nonce;
mod offer;
mod token;
mod wallet;

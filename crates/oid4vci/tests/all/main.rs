//! Both sides of OpenID4VCI, held against the specification and against each other.

mod attestation_status;
mod circle;
mod client_authentication;
mod credential;
mod dpop;
mod encryption;
mod examples;
mod fixture;
mod formats;
mod hostile;
mod key_attestation;
mod key_proof;
mod metadata;
mod nonce;
mod offer;
mod signed_metadata;
mod token;
mod wallet;

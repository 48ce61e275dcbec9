//! The shared credentials core of Lanyard: values in, values out.
//!
//! Nothing in here opens a socket, reads a clock or rolls dice: `now`, [`crypto::Random`] and every
//! port come from outside. Trust is in the type name: `parse` gives `Unverified…`, only the full check
//! gives `Verified…`, and only `Verified…` has claims.
//!
//! Reading order:
//!
//! 1. [`crypto`] the one door to cryptography, with two providers behind it
//! 2. [`json`] strict JSON and base64url, as every signed slot demands
//! 3. [`jose`] JWK, JWS and JWE (RFC 7515 to 7518, 8037, 9864)
//! 4. [`cbor`] and [`cose`] the same for CBOR (RFC 8949, RFC 9052)
//! 5. [`did`] identifiers that carry or lead to keys: did:key, did:jwk, did:web
//! 6. [`status`] what became of credentials after they were issued
//! 7. [`pkce`] what binds a code to whoever asked for it (RFC 7636)
//! 8. [`picture`] logos, judged by their bytes
//! 9. [`trust`] issuers, certificate chains and the anchors they end at

pub mod cbor;
pub mod claims;
pub mod cose;
pub mod credential;
pub mod crypto;
pub mod data_integrity;
pub mod did;
pub mod jose;
pub mod json;
pub mod mdoc;
pub mod picture;
pub mod pkce;
pub mod sd_jwt;
pub mod sd_jwt_vc;
pub mod status;
pub mod trust;
pub mod verify;
pub mod w3c;

/// The moment a rule is judged at; always handed in, never read inside.
pub use jiff::Timestamp;

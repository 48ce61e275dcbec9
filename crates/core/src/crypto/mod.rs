//! The one door to cryptography.
//!
//! [`CryptoProvider`] has two implementations: `AwsLc` for servers (assembly-backed) and `RustCrypto`
//! for phones and portability. Nobody outside this module names a cryptography crate, and the official
//! vectors run against both.

mod algorithm;
mod at_rest;
#[cfg(feature = "aws-lc")]
mod aws_lc;
#[cfg(feature = "bbs")]
pub(crate) mod bbs;
#[cfg(any(feature = "aws-lc", feature = "rustcrypto"))]
mod edwards;
mod hkdf;
mod hpke;
mod key;
mod mac_key;
#[cfg(any(feature = "aws-lc", feature = "rustcrypto"))]
mod points;
mod provider;
mod rsa;
#[cfg(feature = "rustcrypto")]
mod rust_crypto;
#[cfg(any(feature = "aws-lc", feature = "rustcrypto"))]
mod secp256k1;
mod signer;

pub use algorithm::{ContentEncryption, Curve, HashAlgorithm, HashValue, SignatureAlgorithm};
pub use at_rest::{open_at_rest, seal_at_rest};
#[cfg(feature = "aws-lc")]
pub use aws_lc::AwsLc;
#[cfg(feature = "bbs")]
pub use bbs::BbsSecretKey;
pub(crate) use hkdf::hkdf_sha256;
pub use hpke::HpkeMessage;
pub use key::{EcPoint, PrivateKey, PublicKey, SharedSecret};
pub use mac_key::MacKey;
pub use provider::{CryptoError, CryptoProvider, PreparedMac, Random, SigningKey};
pub use rsa::RsaPublicKey;
#[cfg(feature = "rustcrypto")]
pub use rust_crypto::RustCrypto;
pub use signer::{Signer, SignerError, SoftwareSigner};

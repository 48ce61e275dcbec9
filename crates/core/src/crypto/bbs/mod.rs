//! BBS signatures over BLS12-381 with SHA-256 (draft-irtf-cfrg-bbs-signatures, ciphersuite
//! BLS12-381-SHA-256), for `bbs-2023` alone.
//!
//! An issuer [signs](sign) a list of messages as one; whoever has the signature [derives](derive) proofs
//! that show some of them, and nobody can tell two such proofs of one signature apart. The arithmetic on the
//! curve is `blst`'s, the arithmetic modulo its order is `crypto-bigint`'s: both in constant time wherever a
//! secret is involved. Every point that is received is checked to be in its subgroup and not the identity,
//! every scalar to be reduced and not zero.

mod generators;
mod hash;
mod key;
mod point;
mod proof;
mod scalar;
mod signature;
#[cfg(test)]
mod tests;

pub use key::BbsSecretKey;
pub(crate) use key::is_public_key;
pub(crate) use proof::{Revealed, derive, verify_proof};
pub(crate) use signature::{SIGNATURE_LENGTH, sign};

/// The identifier of the interface, in every domain separation tag (§6.2, §7.2.2).
const API_ID: &[u8] = b"BBS_BLS12381G1_XMD:SHA-256_SSWU_RO_H2G_HM2S_";

/// A domain separation tag of this interface.
fn tag(name: &[u8]) -> Vec<u8> {
    [API_ID, name].concat()
}

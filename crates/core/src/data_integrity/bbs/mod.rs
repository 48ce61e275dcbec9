//! `bbs-2023`: selective disclosure that nobody can link (VC-DI-BBS §3, baseline proofs).
//!
//! The issuer signs what must always be shown as the header of a BBS signature, and every other quad as a
//! message of it. Each proof that a holder derives looks different; what it shows is the only thing that two
//! of them have in common. The optional features of the specification (holder binding, pseudonyms) are not
//! here: they are at risk in it.

mod derive;
mod proof_value;
mod secure;
mod verify;

pub(super) use derive::derive;
pub(super) use proof_value::{BbsProof, DerivedProof};
pub(super) use secure::secure;
pub(super) use verify::Revealed;

use super::{
    DataIntegrityError,
    selective::{Grouped, Labelling, Tools},
};
use crate::{
    crypto::{HashValue, PublicKey},
    json::Object,
};

/// VC-DI-BBS §3.4.1: the header of the signature is what is always shown.
fn header(hashes: &[HashValue; 2]) -> Vec<u8> {
    let [options, mandatory] = hashes;
    [options.as_bytes(), mandatory.as_bytes()].concat()
}

/// The document's quads under shuffled labels.
fn group<'t>(
    document: &Object,
    hmac_key: &[u8],
    tools: Tools<'t>,
) -> Result<Grouped<'t>, DataIntegrityError> {
    Grouped::new(document, Labelling::Shuffled(hmac_key), tools)
}

/// VC-DI-BBS §3.3.8: the label of a number.
fn label(number: u64) -> String {
    format!("b{number}")
}

/// The bytes of a key that this cryptosuite works with.
fn key_bytes(key: &PublicKey) -> Result<&[u8; 96], DataIntegrityError> {
    match key {
        PublicKey::Bls12381G2(bytes) => Ok(bytes),
        _ => Err(DataIntegrityError::KeyMismatch),
    }
}

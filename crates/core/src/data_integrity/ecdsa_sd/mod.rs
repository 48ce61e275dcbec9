//! `ecdsa-sd-2023`: selective disclosure (VC-DI-ECDSA §3.4 to §3.6).
//!
//! The issuer signs what must always be shown as one, and every other quad by itself, with a key that was
//! made for this proof alone. The holder derives a document with fewer quads; the blank nodes keep labels
//! that the issuer's secret key made, so that nothing can be told from their order.

mod derive;
mod proof_value;
mod secure;
mod verify;

pub(super) use derive::derive;
pub(super) use proof_value::{BaseProof, DerivedProof, SelectiveProof};
pub(super) use secure::secure;
pub(super) use verify::Revealed;

use super::{DataIntegrityError, selective::Tools};
use crate::json::Object;

/// VC-DI-ECDSA §3.5.1, serializeSignData: the options, the key of the proof, the mandatory quads.
fn base_data<'l>(
    document: &Object,
    options: Object,
    proof_key: &[u8],
    mandatory: impl Iterator<Item = &'l str>,
    tools: Tools<'_>,
) -> Result<Vec<u8>, DataIntegrityError> {
    let [options, mandatory] = tools.hashes(document, options, mandatory)?;
    Ok([options.as_bytes(), proof_key, mandatory.as_bytes()].concat())
}

//! Deriving a proof that discloses less (VC-DI-ECDSA §3.6.6).

use super::{
    super::{
        DataIntegrityError,
        selective::{Disclosure, Grouped, JsonPointer, Labelling, Tools},
    },
    BaseProof, DerivedProof,
};
use crate::json::{self, Object};

/// The part of a document that is disclosed, and the `proofValue` for it (§3.5.5, createDisclosureData).
pub(in super::super) fn derive(
    document: &Object,
    base: &BaseProof,
    selective: &[JsonPointer],
    tools: Tools<'_>,
) -> Result<(Object, String), DataIntegrityError> {
    let grouped = Grouped::new(document, Labelling::Hmac(&base.hmac_key), tools)?;
    let disclosure = Disclosure::new(document, &grouped, &base.mandatory, selective, tools)?;
    let quads = grouped.lines().len();
    if quads != disclosure.mandatory.len() + base.signatures.len() {
        return Err(DataIntegrityError::Signature);
    }
    // the signatures of a proof are in the order of the quads that are not mandatory
    let indexes = disclosure.selective_indexes(quads).into_iter();
    let signatures = indexes.filter_map(|at| base.signatures.get(at).cloned()).collect();
    let label = |(number, label): &(u64, String)| {
        Some((*number, json::base64url_decode(label.strip_prefix('u')?).ok()?))
    };
    let proof = DerivedProof {
        signature: base.signature.clone(),
        proof_key: base.proof_key.clone(),
        signatures,
        labels: disclosure.labels.iter().filter_map(label).collect(),
        mandatory: disclosure.mandatory_indexes(),
    };
    Ok((disclosure.document, proof.to_text()))
}

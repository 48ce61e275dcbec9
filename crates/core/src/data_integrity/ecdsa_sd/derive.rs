//! Deriving a proof that discloses less (VC-DI-ECDSA §3.6.6).

use super::{
    super::{DataIntegrityError, json_ld::JsonLdError},
    BaseProof, DerivedProof, JsonPointer, Tools,
    group::Grouped,
    pointer::select,
};
use crate::{
    crypto::HashAlgorithm,
    json::{self, Object},
};

/// The part of a document that is disclosed, and the `proofValue` for it (§3.5.5, createDisclosureData).
pub(in super::super) fn derive(
    document: &Object,
    base: &BaseProof,
    selective: &[JsonPointer],
    tools: Tools<'_>,
) -> Result<(Object, String), DataIntegrityError> {
    let grouped = Grouped::new(document, &base.hmac_key, tools)?;
    let mandatory = grouped.matching(base.mandatory.iter())?;
    if grouped.lines().len() != mandatory.len() + base.signatures.len() {
        return Err(DataIntegrityError::Signature);
    }
    let both = || base.mandatory.iter().chain(selective);
    // the issuer made nothing mandatory, and the holder discloses nothing
    let part = grouped.part(both())?.ok_or(DataIntegrityError::Pointer)?;
    let combined = grouped.matching(both())?;
    // 1. where the mandatory quads are among those that are disclosed
    let indexes = combined.iter().enumerate().filter(|(_, at)| mandatory.contains(at));
    // 2. the signatures of the others: those of a proof are in the order of the quads that are not mandatory
    let others = (0..grouped.lines().len()).filter(|at| !mandatory.contains(at));
    let signatures = others
        .zip(&base.signatures)
        .filter(|(at, _)| combined.contains(at))
        .map(|(_, signature)| signature.clone())
        .collect();
    // 3. from the labels that a verifier will compute to the secret ones
    let canonical =
        part.canonicalize(HashAlgorithm::Sha256, tools.provider).map_err(JsonLdError::from)?;
    let label = |(name, canonical): &(String, String)| {
        let number = canonical.strip_prefix("c14n")?.parse().ok()?;
        let secret = json::base64url_decode(grouped.label(name)?.strip_prefix('u')?).ok()?;
        Some((number, secret))
    };
    let mut labels: Vec<(u64, Vec<u8>)> = canonical.labels().iter().filter_map(label).collect();
    labels.sort_unstable();
    let proof = DerivedProof {
        signature: base.signature.clone(),
        proof_key: base.proof_key.clone(),
        signatures,
        labels,
        mandatory: indexes.map(|(at, _)| at).collect(),
    };
    let revealed = select(document, both())?.ok_or(DataIntegrityError::Pointer)?;
    Ok((revealed, proof.to_text()))
}

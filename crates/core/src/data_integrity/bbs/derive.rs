//! Deriving a proof that discloses less (VC-DI-BBS §3.4.6).

use super::{
    super::{
        DataIntegrityError,
        selective::{Disclosure, JsonPointer, Tools},
    },
    group,
    proof_value::{BaseProof, DerivedProof},
};
use crate::{crypto::bbs, json::Object};

/// The part of a document that is disclosed, and the `proofValue` for it (§3.3.6, createDisclosureData).
pub(in super::super) fn derive(
    document: &Object,
    base: &BaseProof,
    selective: &[JsonPointer],
    presentation_header: &[u8],
    tools: Tools<'_>,
) -> Result<(Object, String), DataIntegrityError> {
    let grouped = group(document, &base.hmac_key, tools)?;
    let disclosure = Disclosure::new(document, &grouped, &base.mandatory, selective, tools)?;
    let others = grouped.lines().iter().enumerate();
    let messages: Vec<_> = others
        .filter(|(at, _)| !disclosure.mandatory.contains(at))
        .map(|(_, line)| line.as_str())
        .collect();
    let selective = disclosure.selective_indexes(grouped.lines().len());
    let public = base.public_key.as_slice().try_into();
    let revealed = bbs::Revealed {
        public: public.map_err(|_| DataIntegrityError::ProofValue)?,
        header: &base.header,
        presentation_header,
        indexes: &selective,
    };
    let (random, provider) = (tools.provider, tools.provider);
    let proof = bbs::derive(&revealed, &base.signature, &messages, random, provider)
        .map_err(|_| DataIntegrityError::Signature)?;
    let label =
        |(number, label): &(u64, String)| Some((*number, label.strip_prefix('b')?.parse().ok()?));
    let proof = DerivedProof {
        proof,
        labels: disclosure.labels.iter().filter_map(label).collect(),
        mandatory: disclosure.mandatory_indexes(),
        selective,
        presentation_header: presentation_header.to_vec(),
    };
    Ok((disclosure.document, proof.to_text()))
}

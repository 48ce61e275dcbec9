//! Making a base proof (VC-DI-BBS §3.4.1 to §3.4.5).

use super::{
    super::{
        DataIntegrityError,
        selective::{JsonPointer, Tools, mandatory},
    },
    group, header,
    proof_value::BaseProof,
};
use crate::{
    crypto::{BbsSecretKey, PublicKey, SignerError, bbs},
    json::Object,
};

/// Secures a document; gives the `proofValue`.
pub(in super::super) fn secure(
    document: &Object,
    options: &Object,
    chosen: &[JsonPointer],
    key: &BbsSecretKey,
    tools: Tools<'_>,
) -> Result<String, DataIntegrityError> {
    // 1. the quads under shuffled labels, and which of them are mandatory
    let mut hmac_key = vec![0; 32];
    tools.provider.fill(&mut hmac_key);
    let grouped = group(document, &hmac_key, tools)?;
    let mandatory = mandatory(document, chosen)?;
    let shown = grouped.matching(mandatory.iter())?;
    let (mut always, mut messages) = (Vec::new(), Vec::new());
    for (at, line) in grouped.lines().iter().enumerate() {
        let list = if shown.contains(&at) { &mut always } else { &mut messages };
        list.push(line.as_str());
    }
    // 2. one signature: the mandatory quads are in its header, each of the others is a message
    let header = header(&tools.hashes(document, options.clone(), always.into_iter())?);
    let signature = bbs::sign(key, &header, &messages, tools.provider)
        .map_err(|_| DataIntegrityError::Signer(SignerError::Unavailable))?;
    let PublicKey::Bls12381G2(public_key) = key.public_key() else {
        return Err(DataIntegrityError::KeyMismatch);
    };
    let public_key = public_key.to_vec();
    Ok(BaseProof { signature, header, public_key, hmac_key, mandatory }.to_text())
}

//! Making a base proof (VC-DI-ECDSA §3.6.1 to §3.6.5).

use super::{
    super::{
        DataIntegrityError,
        selective::{Grouped, JsonPointer, Labelling, Tools, mandatory},
    },
    base_data,
    proof_value::{BaseProof, encode_key},
};
use crate::{
    crypto::{Curve, PublicKey, Signer, SignerError},
    json::Object,
};

/// Secures a document; gives the `proofValue`.
pub(in super::super) async fn secure(
    document: &Object,
    options: &Object,
    chosen: &[JsonPointer],
    signer: &dyn Signer,
    tools: Tools<'_>,
) -> Result<String, DataIntegrityError> {
    let provider = tools.provider;
    // VC-DI-ECDSA §3.6.5: P-256, for the issuer and for the key of this proof
    if !matches!(signer.public_key(), PublicKey::P256(_)) {
        return Err(DataIntegrityError::KeyMismatch);
    }
    let failed = |_| DataIntegrityError::Signer(SignerError::Unavailable);
    // 1. the quads under secret labels, and which of them are mandatory
    let mut hmac_key = vec![0; 32];
    provider.fill(&mut hmac_key);
    let grouped = Grouped::new(document, Labelling::Hmac(&hmac_key), tools)?;
    let mandatory = mandatory(document, chosen)?;
    let shown = grouped.matching(mandatory.iter())?;
    // 2. a signature for each of the others, by a key that signs nothing else
    let proof_key = provider.generate_key(Curve::P256).map_err(failed)?;
    let signing = provider.signing_key(&proof_key).map_err(failed)?;
    let others = grouped.lines().iter().enumerate().filter(|(at, _)| !shown.contains(at));
    let signatures = others
        .map(|(_, line)| signing.sign(line.as_bytes()).map_err(failed))
        .collect::<Result<_, _>>()?;
    // 3. the base signature, over the mandatory quads and that key
    let encoded = encode_key(proof_key.public()).ok_or(DataIntegrityError::KeyMismatch)?;
    let lines = shown.iter().filter_map(|at| grouped.lines().get(*at)).map(String::as_str);
    let data = base_data(document, options.clone(), &encoded, lines, tools)?;
    let signature = signer.sign(&data).await?;
    Ok(BaseProof { signature, proof_key: encoded, hmac_key, signatures, mandatory }.to_text())
}

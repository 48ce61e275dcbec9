//! Making a base proof (VC-DI-ECDSA §3.6.1 to §3.6.5).

use super::{
    super::DataIntegrityError,
    JsonPointer, Tools,
    group::Grouped,
    proof_value::{BaseProof, encode_key},
};
use crate::{
    crypto::{Curve, PublicKey, Signer, SignerError},
    json::Object,
};

/// What is always shown where it is there: without it nobody could judge the credential.
const ALWAYS: [&str; 4] = ["/issuer", "/validFrom", "/validUntil", "/credentialStatus"];

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
    let grouped = Grouped::new(document, &hmac_key, tools)?;
    let mut mandatory = chosen.to_vec();
    for always in ALWAYS {
        let always = JsonPointer::parse(always)?;
        let is_there = document.contains_key(always.as_str().trim_start_matches('/'));
        if is_there && !mandatory.iter().any(|pointer| pointer.covers(&always)) {
            mandatory.push(always);
        }
    }
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
    let data = tools.base_data(document, options.clone(), &encoded, lines)?;
    let signature = signer.sign(&data).await?;
    Ok(BaseProof { signature, proof_key: encoded, hmac_key, signatures, mandatory }.to_text())
}
